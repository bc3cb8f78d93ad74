/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tandem-sync: the process. Takes models and VRRP states in, runs the peering, and tells the
 * supervisor and tandem-vrrp whether this node knows all that its peers know.
 */
#include "core/role.h"
#include "core/must.h"
#include "sync/peering.h"
#include "sync/report.h"

#include <stdlib.h>

/* The kernel keeps a datagram that is not full for up to 2 s (IPVS_SYNC_FLUSH_TIME). */
#define FLUSH_S 2.2

/* What is known of an instance, whether or not a model has it yet. */
struct instance_state {
	uint64_t id;
	bool known; /* what follows; else a model has it, and tandem-vrrp has not said anything yet */
	bool active;
	uint8_t state; /* enum vrrp_state_id */
	uint8_t priority;
	uint64_t router;     /* model_router_hash(); 0: no model has it yet */
	int64_t serving_us;  /* peering_serving_until(), as tandem-vrrp was told */
};

/* One process, one peering: the callbacks of role.h and peering.h need no context. */
static struct {
	struct peering peering;
	const struct model *model;
	struct instance_state *states;
	size_t n_states;
	ev_timer flush;
	bool told_synced;
} sync_role;

static struct instance_state *find_state(uint64_t id)
{
	for (size_t i = 0; i < sync_role.n_states; i++)
		if (sync_role.states[i].id == id)
			return &sync_role.states[i];
	return NULL;
}

static struct instance_state *state_of(uint64_t id)
{
	struct instance_state *s = find_state(id);

	if (s)
		return s;
	sync_role.states = must(realloc(sync_role.states, (sync_role.n_states + 1) * sizeof(*s)));
	s = &sync_role.states[sync_role.n_states++];
	*s = (struct instance_state){.id = id};
	return s;
}

static bool is_active(uint64_t id)
{
	const struct instance_state *s = find_state(id);

	return s && s->active;
}

/* For the peers' operators. */
static void tell_routers(void)
{
	struct text words = {""};

	for (uint32_t i = 0; sync_role.model && i < sync_role.model->n_instances; i++) {
		const struct vrrp_instance *v = &sync_role.model->instances[i];
		const struct instance_state *s = find_state(v->id);
		struct text so_far = words;

		if (s && s->known)
			text_set(&words, "%s%s%s %s %u", so_far.s, so_far.s[0] ? ", " : "", v->name,
				 vrrp_state_name((enum vrrp_state_id)s->state), s->priority);
	}
	peering_routers(&sync_role.peering, &words);
}

static void set_vips(struct sync_roles *roles, const struct vip *vips, uint32_t n, bool active)
{
	for (uint32_t i = 0; i < n; i++)
		if (sync_roles_set(roles, &vips[i].address, active))
			abort();
}

/* Anew from the model and what VRRP has said. */
static void update_roles(bool gained)
{
	struct sync_roles *roles = &sync_role.peering.roles;

	if (!sync_role.model)
		return;
	sync_roles_clear(roles);
	for (uint32_t i = 0; i < sync_role.model->n_instances; i++) {
		const struct vrrp_instance *v = &sync_role.model->instances[i];
		bool active = is_active(v->id);

		set_vips(roles, v->vips, v->n_vips, active);
		set_vips(roles, v->excluded, v->n_excluded, active);
		roles->any_active |= active;
	}
	peering_roles_changed(&sync_role.peering, gained);
}

/* Nothing is said before tandem-vrrp has spoken of all: a peer must not think that we are not Active. */
static void tell_active(void)
{
	uint32_t active = SYNC_ACTIVE_SAID;

	for (size_t i = 0; i < sync_role.n_states; i++) {
		const struct instance_state *s = &sync_role.states[i];

		if (s->router && !s->known)
			return;
		if (s->router && s->active)
			active |= sync_active_bit(s->router);
	}
	if (sync_role.model)
		peering_set_active(&sync_role.peering, active);
}

static void on_vrrp_state(const struct msg_vrrp_state *m)
{
	bool active = m->state == VRRP_STATE_ACTIVE;
	struct instance_state *s = state_of(m->instance);
	bool was_known = s->known, changed = s->active != active;

	s->known = true;
	s->state = m->state;
	s->priority = m->priority;
	tell_routers();
	if (!changed && was_known)
		return;
	s->active = active;
	if (changed)
		update_roles(active);
	tell_active();
}

/* Of each instance, when it is news: a time that is some 100 ms later than the one before is. */
static void tell_serving(void)
{
	for (size_t i = 0; i < sync_role.n_states; i++) {
		struct instance_state *s = &sync_role.states[i];
		int64_t until_us = peering_serving_until(&sync_role.peering, s->router);
		struct msg m = {.type = MSG_PEER_SERVES,
				.peer_serves = {.instance = s->id, .until_us = until_us}};

		if (until_us == s->serving_us)
			continue;
		s->serving_us = until_us;
		role_send(ROLE_VRRP, &m);
	}
}

/* A tandem-vrrp that has just begun knows nothing. */
static void retell_serving(void)
{
	for (size_t i = 0; i < sync_role.n_states; i++)
		sync_role.states[i].serving_us = 0;
	tell_serving();
}

static void tell_peers_drained(int64_t asked_us, unsigned peers)
{
	struct msg m = {.type = MSG_PEERS_DRAINED,
			.peers_drain = {.asked_us = asked_us, .peers = (uint8_t)peers}};

	role_send(ROLE_VRRP, &m);
}

static void tell_state(void)
{
	struct msg m = {.type = MSG_SYNC_STATE};

	report_state(&sync_role.peering, &m.sync_state);
	role_send(ROLE_SUPERVISOR, &m);
	if (m.sync_state.synced != sync_role.told_synced)
		role_send(ROLE_VRRP, &m);
	sync_role.told_synced = m.sync_state.synced;
}

static void tell_drained(unsigned peers)
{
	struct msg m = {.type = MSG_SYNC_DRAINED, .sync_drain = {.peers = (uint8_t)peers}};

	role_send(ROLE_VRRP, &m);
}

static void tell_override(const struct msg_server_override *v)
{
	struct msg m = {.type = MSG_SERVER_OVERRIDE, .server_override = *v};

	role_send(ROLE_SUPERVISOR, &m);
}

static void tell_view(const struct msg *m)
{
	role_send(ROLE_IPVS, m);
}

/* What the supervisor, tandem-vrrp and the loop ask: see role.h */

static int on_init(void *ctx, struct ev_loop *loop)
{
	peering_init(&sync_role.peering, loop, tell_state, tell_drained, tell_peers_drained,
		     tell_serving, tell_override, tell_view);
	return 0;
}

/* At the start there is nothing to fall back on: then the trouble is told, and tried again. */
static int on_prepare(void *ctx, const struct model *next, struct text *ret_reason)
{
	if (!sync_role.model || !next->global->n_peering)
		return 0;
	return peering_check(next->global->peering, ret_reason);
}

/* What the peers know them by. */
static void take_routers(const struct model *now)
{
	for (size_t i = 0; i < sync_role.n_states; i++)
		sync_role.states[i].router = 0;
	for (uint32_t i = 0; i < now->n_instances; i++)
		state_of(now->instances[i].id)->router = model_router_hash(&now->instances[i]);
	tell_active();
}

static void on_commit(void *ctx, const struct model *now)
{
	struct notes_config own = {.services = now->services_hash,
				   .addresses = model_addresses_hash(now)};

	sync_role.model = now;
	sync_role.peering.model = now;
	take_routers(now);
	update_roles(false);
	tell_routers();
	text_set(&own.name, "%s", now->global->router_id);
	peering_configure(&sync_role.peering, now->global->n_peering ? now->global->peering : NULL,
			  &own);
}

static void ask_peers(const struct msg_peers_drain *m)
{
	if (peering_runs(&sync_role.peering))
		peering_ask_drain(&sync_role.peering, m->asked_us);
	else
		tell_peers_drained(m->asked_us, 0);
}

static void on_receive(void *ctx, enum role_id from, const struct msg *m)
{
	if (m->type == MSG_VRRP_STATE)
		on_vrrp_state(&m->vrrp_state);
	else if (m->type == MSG_SERVER_OVERRIDE)
		peering_override(&sync_role.peering, &m->server_override);
	else if (m->type == MSG_SERVER_VIEW)
		peering_view(&sync_role.peering, &m->server_view);
	else if (m->type == MSG_SERVICE_LED)
		peering_led(&sync_role.peering, &m->service_led);
	else if (m->type == MSG_SERVER_ADDED)
		peering_server_added(&sync_role.peering, &m->server_added);
	else if (m->type == MSG_SYNC_DRAIN)
		peering_drain(&sync_role.peering);
	else if (m->type == MSG_PEERS_DRAIN)
		ask_peers(&m->peers_drain);
}

static void send_to_supervisor(const struct msg *m)
{
	role_send(ROLE_SUPERVISOR, m);
}

static void on_report(void *ctx, enum role_id to)
{
	struct msg m = {.type = MSG_SYNC_STATE};

	if (to == ROLE_IPVS) {
		peering_tell_views(&sync_role.peering);
		return;
	}
	report_state(&sync_role.peering, &m.sync_state);
	role_send(to, &m);
	if (to == ROLE_VRRP)
		retell_serving();
	if (to == ROLE_SUPERVISOR)
		report_details(&sync_role.peering, send_to_supervisor);
}

static void finish(struct ev_loop *loop)
{
	ev_timer_stop(loop, &sync_role.flush);
	peering_done(&sync_role.peering);
	free(sync_role.states);
	sync_role.states = NULL;
	sync_role.n_states = 0;
	role_stopped();
}

static void on_flush(struct ev_loop *loop, ev_timer *w, int events)
{
	finish(loop);
}

/* VRRP has handed over by now. The kernel's last words are still passed on. */
static void on_stop(void *ctx, int64_t deadline_us)
{
	struct ev_loop *loop = sync_role.peering.loop;
	double left_s = (double)(deadline_us - clock_now_us()) / USEC_PER_SEC;

	if (!sync_role.peering.session || left_s < FLUSH_S) {
		finish(loop);
		return;
	}
	ev_timer_init(&sync_role.flush, on_flush, FLUSH_S, 0);
	ev_timer_start(loop, &sync_role.flush);
}

int main(int argc, char **argv)
{
	static const struct role_ops ops = {
		.id = ROLE_SYNC,
		.without_services = true,
		.program = "tandem-sync",
		.init = on_init,
		.prepare = on_prepare,
		.commit = on_commit,
		.receive = on_receive,
		.report = on_report,
		.stop = on_stop,
	};

	return role_main(argc, argv, &ops, NULL);
}
