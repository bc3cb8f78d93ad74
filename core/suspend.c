/* SPDX-License-Identifier: Apache-2.0 */
/* ha_suspend: see suspend.h. */
#include "core/suspend.h"

#include "core/clock.h"
#include "core/supervisor.h"
#include "core/vrrp_state.h"

static bool is_followed(const struct model *m, uint64_t instance)
{
	for (uint32_t i = 0; i < m->n_services; i++)
		if (m->services[i].ha_suspend && m->services[i].instance == instance)
			return true;
	return false;
}

/* One that holds its addresses until its successor is heard still serves. */
static void tell(struct process *check, const struct msg_vrrp_state *state)
{
	bool here = state->state == VRRP_STATE_ACTIVE || state->release_us != USEC_NEVER;
	struct msg m = {.type = MSG_INSTANCE_HERE,
			.instance_here = {.instance = state->instance, .here = here}};

	process_send(check, &m, -1);
}

void suspend_note(struct supervisor *s, const struct msg *kept)
{
	if (kept->type == MSG_VRRP_STATE &&
	    is_followed(s->running.model, kept->vrrp_state.instance))
		tell(supervisor_process(s, ROLE_CHECK), &kept->vrrp_state);
}

void suspend_tell(const struct supervisor *s, struct process *check)
{
	const struct model *m = s->running.model;
	struct msg state;

	for (uint32_t i = 0; i < m->n_instances; i++)
		if (is_followed(m, m->instances[i].id) &&
		    store_get(&s->store, MSG_VRRP_STATE, m->instances[i].id, &state))
			tell(check, &state.vrrp_state);
}
