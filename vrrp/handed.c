/* SPDX-License-Identifier: Apache-2.0 */
/* A machine's state from one process to the next: see handed.h. */
#include "vrrp/handed.h"

void vrrp_handed_pack(const struct vrrp_conf *conf, const struct vrrp_machine *m,
		      struct msg_vrrp_state *ret)
{
	ret->state = m->state;
	ret->priority = conf->priority;
	ret->active_adver_int_cs = (uint16_t)(m->active_int_us / USEC_PER_CSEC);
	ret->adver_timer_us = m->advert_at_us;
	ret->active_down_timer_us = m->down_at_us;
	ret->preempt_timer_us = m->preempt_at_us;
	ret->release_us = m->holding ? m->release_at_us : USEC_NEVER;
	ret->since_us = m->since_us;
	ret->active = (struct addr){0};
	ret->active_priority = 0;
	if (m->state != VRRP_STATE_ACTIVE) {
		ret->active = m->peer;
		ret->active_priority = m->peer_priority;
	}
}

bool vrrp_handed_can_resume(const struct msg_vrrp_state *s)
{
	return s->state == VRRP_STATE_BACKUP || s->state == VRRP_STATE_ACTIVE ||
	       s->state == VRRP_STATE_FAULT;
}

void vrrp_handed_unpack(const struct vrrp_conf *conf, const struct msg_vrrp_state *s,
			int64_t now_us, struct vrrp_machine *ret)
{
	vrrp_machine_init(ret);
	ret->state = (enum vrrp_state_id)s->state;
	ret->active_int_us = s->active_adver_int_cs ? s->active_adver_int_cs * USEC_PER_CSEC
						    : conf->adver_int_us;
	ret->peer = s->active;
	ret->peer_priority = s->active_priority;
	ret->heard_us = addr_is_set(&s->active) ? now_us : USEC_NEVER;
	ret->since_us = s->since_us;
	ret->preempt_at_us = s->preempt_timer_us;
	ret->release_at_us = s->release_us;
	ret->succeeded = s->release_us != USEC_NEVER && s->release_us - now_us <= VRRP_LET_GO_US;
	ret->holding = s->state == VRRP_STATE_ACTIVE || s->release_us != USEC_NEVER;
}
