/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper tells the supervisor: its states when they change, and all of it when asked. */
#include "ipvs/keeper_private.h"

#include "core/role.h"

/* As many services' counters as are in memory at once. */
#define REPORTED_AT_ONCE 64

void keeper_send_service(const struct service_state *state)
{
	struct msg m = { .type = MSG_SERVICE_STATE,
			 .service_state = { .service = state->service,
					    .quorum_up = state->quorum_up,
					    .sorry = state->sorry,
					    .away = state->away,
					    .servers_up = state->servers_up,
					    .servers_kept = state->servers_kept,
					    .weight_up = state->weight_up,
					    .since_us = state->since_us } };

	role_send(ROLE_SUPERVISOR, &m);
}

/* A group's services in the kernel are told each, too: so they are known as ours ever after. */
void keeper_send_served(const struct served *s)
{
	struct service_state member = s->state;

	keeper_send_service(&s->state);
	for (uint32_t i = 0; i < s->vs->n_members; i++) {
		member.service = s->vs->members[i].id;
		keeper_send_service(&member);
	}
}

void keeper_send_ipvs(const struct keeper *k)
{
	struct msg m = { .type = MSG_IPVS_STATE,
			 .ipvs_state = { .available = k->available,
					 .reason = k->reason,
					 .services = k->services_in_kernel,
					 .servers = k->servers_in_kernel,
					 .edits = k->nl.edits,
					 .failures = k->nl.failures,
					 .repairs = k->repairs } };

	role_send(ROLE_SUPERVISOR, &m);
}

void keeper_send_sync(const struct keeper *k)
{
	struct msg m = { .type = MSG_SYNC_DAEMONS,
			 .sync_daemons = { .owned = k->sync.owned,
					   .master = k->sync.runs[IPVS_DAEMON_MASTER],
					   .backup = k->sync.runs[IPVS_DAEMON_BACKUP] } };

	role_send(ROLE_SUPERVISOR, &m);
}

void keeper_send_weight(const struct keeper *k, const struct served *s,
			const struct real_server *rs)
{
	static const struct health_pool nothing = { .draws = true };
	const struct health_entry *e = health_get(&k->health, rs->id);
	const struct health_pool *p = e ? &e->pool : &nothing;
	struct weight_factors f;
	struct msg m = { .type = MSG_SERVER_WEIGHT };

	pool_factors(rs, e, &f);
	m.server_weight = (struct msg_server_weight){ .service = s->vs->id,
						      .server = rs->id,
						      .base = f.base,
						      .ramp_permille = f.ramp,
						      .agent_permille = f.agent,
						      .feedback_permille = f.feedback,
						      .kept = p->kept,
						      .out = p->out,
						      .draws = p->draws,
						      .ramp_since_us = p->ramp_since_us,
						      .bytes_per_s = p->bytes_per_s };
	keeper_fill_peer(k, s, rs, &m.server_weight);
	role_send(ROLE_SUPERVISOR, &m);
}

void keeper_send_leaving(const struct leaving_server *s, bool gone)
{
	struct msg m = { .type = MSG_SERVER_LEAVING, .server_leaving = leaving_message(s, gone) };

	role_send(ROLE_SUPERVISOR, &m);
}

/* From the kernel's counters to those of a message, whose fields have the same names. */
#define COPY_COUNTER(kind, name) to->name = from->name;

static void report_service(const struct served *s, const struct ipvs_table *observed)
{
	struct msg m = { .type = MSG_SERVICE_COUNTERS, .service_counters = { .service = s->vs->id } };
	struct msg_service_counters *to = &m.service_counters;
	struct ipvs_counters sum = { 0 }, *from = &sum;

	for (uint32_t i = 0; i < wanted_keys(s->vs); i++) {
		const struct ipvs_key key = wanted_key(s->vs, i);
		const struct ipvs_service *in_kernel = ipvs_table_find(observed, &key);

		if (in_kernel)
			ipvs_counters_add(&sum, &in_kernel->counters);
	}
	IPVS_COUNTERS(COPY_COUNTER)
	role_send(ROLE_SUPERVISOR, &m);
}

static void add_observed(struct msg_server_state *m, struct ipvs_counters *sum,
			 const struct ipvs_service *in_kernel, const struct real_server *rs)
{
	const struct ipvs_dest *d =
		in_kernel ? ipvs_service_find(in_kernel, &rs->address, rs->port) : NULL;

	if (!d)
		return;
	m->in_kernel = true;
	m->weight = d->weight;
	m->active_conns += d->active_conns;
	m->inactive_conns += d->inactive_conns;
	ipvs_counters_add(sum, &d->counters);
}

static void report_server(const struct keeper *k, const struct served *s, const struct real_server *rs,
			  const struct ipvs_table *observed)
{
	struct msg m = { .type = MSG_SERVER_STATE,
			 .server_state = { .service = s->vs->id, .server = rs->id } };
	struct msg counters = { .type = MSG_SERVER_COUNTERS,
				.server_counters = { .server = rs->id } };
	struct msg_server_counters *to = &counters.server_counters;
	struct ipvs_counters sum = { 0 }, *from = &sum;

	for (uint32_t i = 0; i < wanted_keys(s->vs); i++) {
		const struct ipvs_key key = wanted_key(s->vs, i);

		add_observed(&m.server_state, &sum, ipvs_table_find(observed, &key), rs);
	}
	IPVS_COUNTERS(COPY_COUNTER)
	role_send(ROLE_SUPERVISOR, &m);
	role_send(ROLE_SUPERVISOR, &counters);
	if (health_get(&k->health, rs->id))
		keeper_send_weight(k, s, rs);
}

static void report_some(struct keeper *k, const struct ipvs_table *seen,
			struct served *const *services, uint32_t n)
{
	struct arena *arena = arena_new();
	struct ipvs_table observed = { 0 };

	if (keeper_look_at_seen(k, seen, services, n, arena, &observed) < 0)
		observed = (struct ipvs_table){ 0 };
	for (uint32_t i = 0; i < n; i++) {
		const struct virtual_server *vs = services[i]->vs;

		keeper_send_served(services[i]);
		report_service(services[i], &observed);
		for (uint32_t j = 0; j < vs->n_servers; j++)
			report_server(k, services[i], &vs->servers[j], &observed);
	}
	arena_free(arena);
}

void keeper_report(struct keeper *k)
{
	struct arena *arena = arena_new();
	struct served *some[REPORTED_AT_ONCE];
	struct ipvs_table seen;

	if (ipvs_netlink_observe_services(&k->nl, arena, &seen) < 0)
		seen = (struct ipvs_table){ 0 };
	for (uint32_t i = 0, n; i < k->n_served; i += n) {
		for (n = 0; n < REPORTED_AT_ONCE && i + n < k->n_served; n++)
			some[n] = &k->served[i + n];
		report_some(k, &seen, some, n);
	}
	for (uint32_t i = 0; i < k->leaving.n; i++)
		keeper_send_leaving(&k->leaving.list[i], false);
	keeper_send_ipvs(k);
	keeper_send_sync(k);
	arena_free(arena);
}
