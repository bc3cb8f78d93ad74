/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keeper is told: by a former incarnation, the checks, VRRP and the operator. Notes it and
 * marks the services it concerns; the kernel is for keeper_run().
 */
#include "ipvs/keeper_private.h"

#include "core/clock.h"
#include "core/must.h"
#include "core/vrrp_state.h"

#include <stdlib.h>

void keeper_resume(struct keeper *k, const struct msg_service_state *m)
{
	if (k->model)
		return;
	k->resumed = must(realloc(k->resumed, (k->n_resumed + 1) * sizeof(*k->resumed)));
	k->resumed[k->n_resumed++] = (struct service_state){.service = m->service,
							    .quorum_up = m->quorum_up,
							    .sorry = m->sorry,
							    .away = m->away,
							    .servers_up = m->servers_up,
							    .weight_up = m->weight_up,
							    .since_us = m->since_us};
}

void keeper_resume_sync(struct keeper *k, const struct msg_sync_daemons *m)
{
	if (!k->model)
		k->sync.owned = m->owned;
}

void keeper_resume_leaving(struct keeper *k, const struct msg_server_leaving *m)
{
	if (!k->model)
		leaving_resume(&k->leaving, m);
}

void keeper_resume_weight(struct keeper *k, const struct msg_server_weight *m)
{
	struct health_entry *e;

	if (k->model || !m->server)
		return;
	e = health_take(&k->health, m->server);
	e->agreed.weight = m->agreed;
	e->pool = (struct health_pool){.known = true,
				       .draws = m->draws,
				       .out = m->out,
				       .kept = m->kept,
				       .ramp_since_us = m->ramp_since_us,
				       .base = m->base,
				       .ramp = m->ramp_permille,
				       .agent = m->agent_permille,
				       .feedback = m->feedback_permille};
}

/* The instance that the sync daemons follow; 0: none. */
static uint64_t followed(const struct keeper *k)
{
	const struct global *global = k->model ? k->model->global : NULL;

	return global && global->n_sync ? global->sync->instance : 0;
}

static struct keeper_instance *find_instance(const struct keeper *k, uint64_t id)
{
	for (uint32_t i = 0; i < k->n_instances; i++)
		if (k->instances[i].id == id)
			return &k->instances[i];
	return NULL;
}

enum wanted_follows keeper_follows_instance(const struct keeper *k, uint64_t instance)
{
	const struct keeper_instance *in = find_instance(k, instance);

	if (!in)
		return WANTED_FOLLOWS_UNKNOWN;
	return in->active ? WANTED_FOLLOWS_ACTIVE : WANTED_FOLLOWS_OTHER;
}

enum wanted_follows keeper_follows(const struct keeper *k)
{
	return keeper_follows_instance(k, followed(k));
}

static void move_services(struct keeper *k, uint64_t instance)
{
	for (uint32_t i = 0; i < k->n_served; i++) {
		struct served *s = &k->served[i];

		if (s->vs->instance != instance ||
		    !wanted_away_step(s->vs, keeper_follows_instance(k, instance), &s->state))
			continue;
		keeper_send_service(&s->state);
		keeper_mark(k, s);
		k->moved = true;
	}
}

void keeper_vrrp(struct keeper *k, const struct msg_vrrp_state *m)
{
	struct keeper_instance *in = find_instance(k, m->instance);
	bool active = m->state == VRRP_STATE_ACTIVE || m->release_us != USEC_NEVER;

	if (in && in->active == active)
		return;
	if (!in) {
		k->instances = must(realloc(k->instances, (k->n_instances + 1) * sizeof(*in)));
		in = &k->instances[k->n_instances++];
	}
	*in = (struct keeper_instance){m->instance, active};
	k->sync.dirty |= in->id == followed(k);
	move_services(k, in->id);
	if (k->model)
		keeper_tell_led(k);
}

static void set_agent(struct health_entry *e, const struct msg_server_health *m)
{
	e->agent = (struct health_agent){
		.admin = m->agent_admin, .percent = m->agent_percent, .maxconn = m->agent_maxconn};
	e->latency_us = m->latency_us;
}

static bool same_agent(const struct health_agent *a, const struct health_agent *b)
{
	return a->admin == b->admin && a->percent == b->percent && a->maxconn == b->maxconn;
}

void keeper_health(struct keeper *k, const struct msg_server_health *m)
{
	struct served *s = keeper_find(k, m->service);
	const struct real_server *rs = keeper_find_server(s, m->server);
	const struct health_entry *e = rs ? health_get(&k->health, m->server) : NULL;
	bool was_up = rs && pool_passes(rs, e);
	struct health_entry former = {0};

	if (!m->server)
		return;
	former = *health_take(&k->health, m->server);
	health_set(&k->health, m->server, m->up, m->since_us, m->reason.s);
	health_set_weight(&k->health, m->server, m->has_weight, m->weight);
	set_agent(health_find(&k->health, m->server), m);
	e = health_get(&k->health, m->server);
	if (rs && (pool_passes(rs, e) != was_up || e->has_weight != former.has_weight ||
		   e->weight != former.weight || !same_agent(&e->agent, &former.agent))) {
		keeper_mark(k, s);
		k->tended.by_clock = false;
	}
}

void keeper_override(struct keeper *k, const struct msg_server_override *m)
{
	struct served *s = keeper_find(k, m->service);

	if (!m->server || (!keeper_find_server(s, m->server) && k->model))
		return;
	health_take(&k->health, m->server)->override =
		(struct health_override){.admin = m->admin,
					 .until_idle = m->until_idle,
					 .has_weight = m->has_weight,
					 .weight = m->weight,
					 .version = m->version};
	if (!s)
		return;
	keeper_mark(k, s);
	k->tended.by_clock = false;
	keeper_tend_index(k);
}
