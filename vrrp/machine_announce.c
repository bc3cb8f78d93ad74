/* SPDX-License-Identifier: Apache-2.0 */
/* When an Active announces its addresses, and how often: a part of the machine, see machine.h. */
#include "vrrp/machine_private.h"

/*
 * While both the old and the new Active answer ARP, a client may have learned the wrong one: the
 * new one says again that it has the addresses, once before and once after the other lets go.
 */
static const int64_t announce_early_us[] = {
	VRRP_LET_GO_US / 2,
	VRRP_LET_GO_US + 10 * USEC_PER_MSEC,
};

_Static_assert(sizeof(announce_early_us) / sizeof(announce_early_us[0]) == VRRP_ANNOUNCE_EARLY,
	       "as many as said");

static int64_t late_burst_us(const struct vrrp_conf *conf, const struct vrrp_machine *m)
{
	return m->announce_lower ? conf->garp_lower_delay_us : conf->garp_delay_us;
}

void vrrp_announce_set_timer(const struct vrrp_conf *conf, struct vrrp_machine *m)
{
	int64_t from_us = m->announce_from_us;
	int64_t late_us = late_burst_us(conf, m);

	if (m->announce_step < VRRP_ANNOUNCE_EARLY)
		m->announce_at_us = from_us + announce_early_us[m->announce_step];
	else if (m->announce_step == VRRP_ANNOUNCE_EARLY && late_us)
		m->announce_at_us = from_us + late_us;
	else if (conf->garp_refresh_us)
		m->announce_at_us = from_us + conf->garp_refresh_us;
	else
		m->announce_at_us = USEC_NEVER;
}

void vrrp_announce(const struct vrrp_conf *conf, struct vrrp_machine *m, int64_t now_us, bool lower,
		   struct vrrp_actions *ret)
{
	uint32_t count = lower ? conf->garp_lower_repeat : conf->garp_repeat;

	if (count)
		vrrp_act(ret, VRRP_ACTION_ANNOUNCE)->count = count;
	m->announce_lower = lower;
	m->contested = false;
	m->announce_from_us = now_us;
	m->announce_step = 0;
	vrrp_announce_set_timer(conf, m);
}

void vrrp_announce_again(const struct vrrp_conf *conf, struct vrrp_machine *m, int64_t now_us,
			 struct vrrp_actions *ret)
{
	uint32_t count = conf->garp_refresh_repeat;

	/* When this one is late, so are those after it. */
	m->announce_from_us += now_us - m->announce_at_us;
	if (m->announce_step < VRRP_ANNOUNCE_EARLY) {
		count = 1;
	} else {
		if (m->announce_step == VRRP_ANNOUNCE_EARLY && late_burst_us(conf, m))
			count = m->announce_lower ? conf->garp_lower_repeat : conf->garp_repeat;
		m->announce_from_us = now_us;
	}
	if (count)
		vrrp_act(ret, VRRP_ACTION_ANNOUNCE)->count = count;
	if (m->announce_step <= VRRP_ANNOUNCE_EARLY)
		m->announce_step++;
	if (m->announce_step == VRRP_ANNOUNCE_EARLY && m->contested) {
		m->contested = false;
		m->announce_from_us = now_us;
		m->announce_step = 0;
	}
	vrrp_announce_set_timer(conf, m);
}
