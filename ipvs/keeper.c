/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the kernel's table as it is wanted: see keeper.h. */
#include "ipvs/keeper.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/must.h"
#include "core/role.h"

#include "core/vrrp_state.h"
#include "ipvs/pusher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATROL_SLICE 256
/* Looking at so many services one by one costs as much as looking at all of them. */
#define SOME_MAX 512

static void *must_alloc(size_t n, size_t size)
{
	void *p = must(calloc(n ? n : 1, size));

	return p;
}

void keeper_init(struct keeper *k)
{
	*k = (struct keeper){ .incomplete = true, .available = true };
	ipvs_netlink_init(&k->nl);
}

static int compare_served(const void *a, const void *b)
{
	const struct served *left = a, *right = b;

	return (left->vs->id > right->vs->id) - (left->vs->id < right->vs->id);
}

struct served *keeper_find(const struct keeper *k, uint64_t service)
{
	const struct virtual_server vs = { .id = service };
	const struct served wanted = { .vs = &vs };

	if (!k->n_served)
		return NULL;
	return bsearch(&wanted, k->served, k->n_served, sizeof(wanted), compare_served);
}

static int compare_keys(const void *a, const void *b)
{
	const struct keeper_key *left = a, *right = b;

	return (left->id > right->id) - (left->id < right->id);
}

struct served *keeper_find_key(const struct keeper *k, const struct ipvs_key *key)
{
	const struct keeper_key wanted = { .id = ipvs_key_id(key) };
	const struct keeper_key *found = NULL;

	if (k->n_keys)
		found = bsearch(&wanted, k->keys, k->n_keys, sizeof(wanted), compare_keys);
	return found ? found->served : NULL;
}

void keeper_resume_sync(struct keeper *k, const struct msg_sync_daemons *m)
{
	if (!k->model)
		k->sync.owned = m->owned;
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

static enum wanted_follows follows(const struct keeper *k, uint64_t instance)
{
	const struct keeper_instance *in = find_instance(k, instance);

	if (!in)
		return WANTED_FOLLOWS_UNKNOWN;
	return in->active ? WANTED_FOLLOWS_ACTIVE : WANTED_FOLLOWS_OTHER;
}

enum wanted_follows keeper_follows(const struct keeper *k)
{
	return follows(k, followed(k));
}

static void move_services(struct keeper *k, uint64_t instance)
{
	for (uint32_t i = 0; i < k->n_served; i++) {
		struct served *s = &k->served[i];

		if (s->vs->instance != instance ||
		    !wanted_away_step(s->vs, follows(k, instance), &s->state))
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
	*in = (struct keeper_instance){ m->instance, active };
	k->sync.dirty |= in->id == followed(k);
	move_services(k, in->id);
}

void keeper_resume(struct keeper *k, const struct msg_service_state *m)
{
	if (k->model)
		return;
	k->resumed = must(realloc(k->resumed, (k->n_resumed + 1) * sizeof(*k->resumed)));
	k->resumed[k->n_resumed++] = (struct service_state){ .service = m->service,
							     .quorum_up = m->quorum_up,
							     .sorry = m->sorry,
							     .away = m->away,
							     .servers_up = m->servers_up,
							     .weight_up = m->weight_up,
							     .since_us = m->since_us };
}

static void set_agent(struct health_entry *e, const struct msg_server_health *m)
{
	e->agent = (struct health_agent){ .admin = m->agent_admin,
					  .percent = m->agent_percent,
					  .maxconn = m->agent_maxconn };
	e->latency_us = m->latency_us;
}

static bool same_agent(const struct health_agent *a, const struct health_agent *b)
{
	return a->admin == b->admin && a->percent == b->percent && a->maxconn == b->maxconn;
}

void keeper_mark(struct keeper *k, struct served *s)
{
	k->n_dirty += !s->dirty;
	s->dirty = true;
}

const struct real_server *keeper_find_server(const struct served *s, uint64_t id)
{
	for (uint32_t i = 0; s && i < s->vs->n_servers; i++)
		if (s->vs->servers[i].id == id)
			return &s->vs->servers[i];
	return NULL;
}

void keeper_health(struct keeper *k, const struct msg_server_health *m)
{
	struct served *s = keeper_find(k, m->service);
	const struct real_server *rs = keeper_find_server(s, m->server);
	const struct health_entry *e = rs ? health_get(&k->health, m->server) : NULL;
	bool was_up = rs && pool_passes(rs, e);
	struct health_entry former = { 0 };

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
		(struct health_override){ .admin = m->admin,
					  .until_idle = m->until_idle,
					  .has_weight = m->has_weight,
					  .weight = m->weight,
					  .version = m->version };
	if (!s)
		return;
	keeper_mark(k, s);
	k->tended.by_clock = false;
	keeper_tend_index(k);
}

void keeper_resume_leaving(struct keeper *k, const struct msg_server_leaving *m)
{
	if (!k->model)
		leaving_resume(&k->leaving, m);
}

void keeper_resume_weight(struct keeper *k, const struct msg_server_weight *m)
{
	if (k->model || !m->server)
		return;
	health_take(&k->health, m->server)->pool =
		(struct health_pool){ .known = true,
				      .draws = m->draws,
				      .out = m->out,
				      .kept = m->kept,
				      .ramp_since_us = m->ramp_since_us,
				      .base = m->base,
				      .ramp = m->ramp_permille,
				      .agent = m->agent_permille,
				      .feedback = m->feedback_permille };
}

struct stepping {
	struct keeper *k;
	const struct served *s;
};

/* Loud: the pool now has servers in it that do not pass. */
static void log_guard(const struct stepping *st, const struct real_server *rs, bool kept)
{
	const struct health_entry *e = health_get(&st->k->health, rs->id);
	const struct virtual_server *vs = st->s->vs;
	char name[TEXT_MAX], at[ADDR_TEXT_MAX];

	virtual_server_format(vs, name);
	addr_format_port(&rs->address, rs->port, at);
	if (kept)
		log_warning("%s: real server %s fails, but is kept: max_ejection of %u %% is "
			    "reached, %u of %u may be out: %s",
			    name, at, vs->max_ejection, pool_ejection_max(vs, vs->n_servers),
			    vs->n_servers, e->said ? e->reason : "not checked yet");
	else if (e->pool.out)
		log_warning("%s: real server %s is no longer kept by max_ejection: taken out", name,
			    at);
	else
		log_notice("%s: real server %s no longer needs to be kept by max_ejection", name,
			   at);
}

static void on_pool_change(void *ctx, const struct real_server *rs, enum pool_change what)
{
	const struct stepping *st = ctx;

	if (what == POOL_KEPT || what == POOL_RELEASED)
		log_guard(st, rs, what == POOL_KEPT);
	keeper_send_weight(st->k, st->s->vs->id, rs);
}

/* Moves the quorum on, and tells it when that was news. True when anything has changed. */
static bool step(struct keeper *k, struct served *s, int64_t now_us)
{
	bool first = !s->state.service, was_up = s->state.quorum_up;
	char line[EXPLAIN_MAX];

	struct stepping st = { k, s };

	s->dirty = false;
	s->step_us = pool_step(s->vs, &k->health, now_us, on_pool_change, &st);
	if (!wanted_quorum_step(s->vs, &k->health, &s->state, now_us))
		return false;
	if (first ? !s->state.quorum_up : s->state.quorum_up != was_up)
		log_notice("%s", explain_quorum(s->vs, &s->state, first, line));
	keeper_send_served(s);
	return true;
}

static const char *unavailable_reason(int err)
{
	if (err == -ENOENT)
		return "the kernel has no IPVS: run \"modprobe ip_vs\", and name ip_vs in "
		       "/etc/modules-load.d/tandem.conf for the next start";
	if (err == -EPERM)
		return "the kernel's table may not be changed: CAP_NET_ADMIN is missing";
	return strerror(-err);
}

/* Everything but the kernel's table goes on without it. */
static void note_reach(struct keeper *k, int err)
{
	struct text reason = { "" };

	if (err)
		text_set(&reason, "%s", unavailable_reason(err));
	if (k->available == !err && strcmp(k->reason.s, reason.s) == 0)
		return;
	k->available = !err;
	k->reason = reason;
	if (err)
		log_error("IPVS is not available: %s", reason.s);
	else
		log_notice("IPVS is available");
}

static void pass(struct keeper *k, const struct keeper_scope *scope, enum ipvs_cause cause)
{
	const struct keeper_sync sync = k->sync;
	uint64_t edits = k->nl.edits;
	bool available = k->available;
	int err = keeper_pass(k, scope, cause);

	if (err == -EAGAIN)
		log_warning("kernel table: somebody else changes it all the time");
	else
		note_reach(k, err);
	if (k->nl.edits != edits || k->available != available ||
	    (cause == IPVS_CAUSE_MODEL && k->available))
		keeper_send_ipvs(k);
	if (k->sync.owned != sync.owned || memcmp(k->sync.runs, sync.runs, sizeof(sync.runs)) != 0)
		keeper_send_sync(k);
}

static void pass_all(struct keeper *k, enum ipvs_cause cause)
{
	pass(k, &(struct keeper_scope){ .all = true }, cause);
}

static int compare_states(const void *a, const void *b)
{
	const struct service_state *left = a, *right = b;

	return (left->service > right->service) - (left->service < right->service);
}

static const struct service_state *find_resumed(const struct keeper *k, uint64_t id)
{
	const struct service_state wanted = { .service = id };

	if (!k->n_resumed)
		return NULL;
	return bsearch(&wanted, k->resumed, k->n_resumed, sizeof(wanted), compare_states);
}

static void index_keys(struct keeper *k)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < k->n_served; i++)
		n += wanted_keys(k->served[i].vs);
	k->keys = must_alloc(n, sizeof(*k->keys));
	k->n_keys = 0;
	for (uint32_t i = 0; i < k->n_served; i++) {
		const struct virtual_server *vs = k->served[i].vs;

		for (uint32_t j = 0; j < wanted_keys(vs); j++) {
			struct ipvs_key key = wanted_key(vs, j);

			k->keys[k->n_keys++] =
				(struct keeper_key){ ipvs_key_id(&key), &k->served[i] };
		}
	}
	qsort(k->keys, k->n_keys, sizeof(*k->keys), compare_keys);
}

static void serve_one(struct keeper *k, const struct keeper *former, const struct virtual_server *vs)
{
	const struct service_state *resumed = find_resumed(k, vs->id);
	const struct served *was = keeper_find(former, vs->id);
	struct served *s = &k->served[k->n_served++];

	if (was)
		*s = *was;
	else if (resumed)
		s->state = *resumed;
	if (!was || !virtual_server_equal(was->vs, vs))
		s->dirty = true;
	s->vs = vs;
	wanted_away_step(vs, follows(k, vs->instance), &s->state);
}

/* The model's services take their places, with the state of those that were served before. */
static void serve(struct keeper *k, const struct keeper *former, const struct model *model)
{
	if (k->n_resumed)
		qsort(k->resumed, k->n_resumed, sizeof(*k->resumed), compare_states);
	k->n_served = 0;
	k->served = must_alloc(model->n_services + 1, sizeof(*k->served));
	for (uint32_t i = 0; i < model->n_services; i++)
		serve_one(k, former, &model->services[i]);
	if (model->global->n_peering)
		serve_one(k, former, pusher_service());
	qsort(k->served, k->n_served, sizeof(*k->served), compare_served);
	k->model = model;
	k->patrol_at = 0;
	index_keys(k);
}

void keeper_left(struct keeper *k, uint32_t i)
{
	keeper_send_leaving(&k->leaving.list[i], true);
	leaving_remove(&k->leaving, i);
}

static void let_leave(struct keeper *k, const struct virtual_server *former,
		      const struct virtual_server *next, int64_t now_us)
{
	uint32_t n = leaving_add(&k->leaving, former, next, now_us);
	char name[TEXT_MAX], at[ADDR_TEXT_MAX];

	for (uint32_t i = k->leaving.n - n; i < k->leaving.n; i++) {
		const struct leaving_server *s = &k->leaving.list[i];

		keeper_send_leaving(s, false);
		log_notice("%s: real server %s is not configured any more: drains for %lld s at most",
			   virtual_server_format(next, name),
			   addr_format_port(&s->rs.address, s->rs.port, at),
			   (long long)((s->until_us - now_us) / USEC_PER_SEC));
	}
}

/* Before anything is removed: who leaves may stay for a time, and who is back must not leave. */
static void update_leaving(struct keeper *k, const struct keeper *former, int64_t now_us)
{
	for (uint32_t i = k->leaving.n; i-- > 0;) {
		const struct leaving_server *s = &k->leaving.list[i];
		const struct served *at = keeper_find(k, s->service);

		if (!at || keeper_find_server(at, s->rs.id))
			keeper_left(k, i);
	}
	for (uint32_t i = 0; i < former->n_served; i++) {
		const struct virtual_server *was = former->served[i].vs;
		const struct served *is = keeper_find(k, was->id);

		if (is && !virtual_server_equal(was, is->vs))
			let_leave(k, was, is->vs, now_us);
	}
}

static int compare_ids(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Ours are, until the kernel has followed, the services of both models and those resumed. */
static void own(struct keeper *k)
{
	uint32_t n = k->n_owned;

	k->owned = must(realloc(k->owned, (n + k->n_keys + k->n_resumed + 1) * sizeof(*k->owned)));
	for (uint32_t i = 0; i < k->n_keys; i++)
		k->owned[n++] = k->keys[i].id;
	for (uint32_t i = 0; i < k->n_resumed; i++)
		k->owned[n++] = k->resumed[i].service;
	qsort(k->owned, n, sizeof(*k->owned), compare_ids);
	/* Each once: a kernel that can't follow may see many models. */
	k->n_owned = 0;
	for (uint32_t i = 0; i < n; i++)
		if (!k->n_owned || k->owned[i] != k->owned[k->n_owned - 1])
			k->owned[k->n_owned++] = k->owned[i];
}

static void forget_health(struct keeper *k)
{
	for (uint32_t i = 0; i < k->n_served; i++)
		for (uint32_t j = 0; j < k->served[i].vs->n_servers; j++)
			health_keep(&k->health, k->served[i].vs->servers[j].id);
	health_sweep(&k->health);
}

/* Steps the services, all or the dirty ones, and scopes those that have to be looked at. */
static void scope_changed(struct keeper *k, bool all, struct keeper_scope *scope, int64_t now_us)
{
	scope->some = must_alloc(all ? k->n_served : k->n_dirty, sizeof(struct served *));
	for (uint32_t i = 0; i < k->n_served; i++) {
		struct served *s = &k->served[i];
		bool dirty = s->dirty;

		if ((all || dirty) && (step(k, s, now_us) || dirty))
			scope->some[scope->n_some++] = s;
	}
	k->n_dirty = 0;
}

static void scope_gone(struct keeper *k, const struct keeper *former, struct keeper_scope *scope)
{
	scope->gone = must_alloc(former->n_keys, sizeof(*scope->gone));
	for (uint32_t i = 0; i < former->n_served; i++) {
		const struct virtual_server *vs = former->served[i].vs;

		for (uint32_t j = 0; j < wanted_keys(vs); j++) {
			struct ipvs_key key = wanted_key(vs, j);

			if (!keeper_find_key(k, &key))
				scope->gone[scope->n_gone++] = key;
		}
	}
}

static bool same_timeouts(const struct global *a, const struct global *b)
{
	return a->tcp_timeout_s == b->tcp_timeout_s && a->tcpfin_timeout_s == b->tcpfin_timeout_s &&
	       a->udp_timeout_s == b->udp_timeout_s;
}

static bool same_sync(const struct global *a, const struct global *b)
{
	if (a->n_peering != b->n_peering)
		return false;
	if (!a->n_sync || !b->n_sync)
		return a->n_sync == b->n_sync;
	return sync_daemon_equal(a->sync, b->sync);
}

/* From before they are started, as with services. */
static void own_sync(struct keeper *k)
{
	if (k->sync.owned || !wanted_any_daemon(k->model->global))
		return;
	k->sync.owned = true;
	keeper_send_sync(k);
}

/* When there is a kernel's table that followed the former model, the difference is enough. */
static bool must_look_at_all(const struct keeper *k, const struct keeper *former,
			     const struct keeper_scope *scope)
{
	return !former->model || k->incomplete || scope->n_some + scope->n_gone > SOME_MAX ||
	       !same_timeouts(former->model->global, k->model->global);
}

void keeper_commit(struct keeper *k, const struct model *model, int64_t now_us)
{
	const struct keeper former = *k;
	struct keeper_scope scope = { 0 };

	if (!former.model)
		k->flush_others = model->global->lvs_flush && !k->n_resumed;
	serve(k, &former, model);
	own(k);
	own_sync(k);
	free(k->resumed);
	k->resumed = NULL;
	k->n_resumed = 0;
	update_leaving(k, &former, now_us);
	forget_health(k);
	keeper_tend_index(k);
	scope_changed(k, true, &scope, now_us);
	scope_gone(k, &former, &scope);
	scope.all = must_look_at_all(k, &former, &scope);
	scope.daemons = scope.all || !same_sync(former.model->global, model->global);
	if (scope.daemons)
		k->sync.told = 0;
	pass(k, &scope, IPVS_CAUSE_MODEL);
	free(scope.some);
	free(scope.gone);
	free(former.served);
	free(former.keys);
}

bool keeper_is_dirty(const struct keeper *k)
{
	return k->n_dirty || k->sync.dirty;
}

static void run_services(struct keeper *k, int64_t now_us)
{
	struct keeper_scope scope = { 0 };

	scope_changed(k, false, &scope, now_us);
	scope.all = scope.n_some > SOME_MAX;
	if (k->available)
		pass(k, &scope, k->moved ? IPVS_CAUSE_VRRP
				: k->tended.by_clock ? IPVS_CAUSE_CLOCK
						     : IPVS_CAUSE_HEALTH);
	k->tended.by_clock = true;
	k->moved = false;
	free(scope.some);
}

/* While the kernel is out of reach nothing is tried: the retry will do all at once. */
void keeper_run(struct keeper *k, int64_t now_us)
{
	bool sync = k->sync.dirty;

	k->sync.dirty = false;
	if (sync && k->available)
		pass(k, &(struct keeper_scope){ .daemons = true }, IPVS_CAUSE_VRRP);
	if (k->n_dirty)
		run_services(k, now_us);
}

bool keeper_wants_retry(const struct keeper *k)
{
	if (!k->model)
		return false;
	if (k->incomplete || k->sync.failure)
		return true;
	for (uint32_t i = 0; i < k->n_served; i++)
		if (k->served[i].failure)
			return true;
	return false;
}

void keeper_retry(struct keeper *k)
{
	if (keeper_wants_retry(k))
		pass_all(k, k->available ? IPVS_CAUSE_HEALTH : IPVS_CAUSE_MODEL);
}

bool keeper_patrol(struct keeper *k)
{
	struct served *slice[PATROL_SLICE];
	struct keeper_scope scope = { .some = slice };

	if (!k->available || !k->model || k->incomplete)
		return true;
	scope.daemons = k->patrol_at == 0 && k->sync.owned;
	while (scope.n_some < PATROL_SLICE && k->patrol_at < k->n_served) {
		struct served *s = &k->served[k->patrol_at++];

		/* What the kernel has refused is not drift, but the retry's. */
		if (!s->failure)
			slice[scope.n_some++] = s;
	}
	if (scope.n_some || scope.daemons)
		pass(k, &scope, IPVS_CAUSE_DRIFT);
	if (k->patrol_at < k->n_served)
		return false;
	k->patrol_at = 0;
	return true;
}

/* Without a look: what is not there any more costs an error that nobody reads. */
static void remove_ours(struct keeper *k)
{
	struct arena *arena = arena_new();
	struct ipvs_service *services = arena_array(arena, k->n_keys + 1, sizeof(*services));
	struct ipvs_edit *edits = arena_array(arena, k->n_keys + 1, sizeof(*edits));
	uint32_t n = 0;
	int failed;

	for (uint32_t i = 0; i < k->n_served; i++) {
		for (uint32_t j = 0; j < wanted_keys(k->served[i].vs); j++) {
			services[n].key = wanted_key(k->served[i].vs, j);
			edits[n] = (struct ipvs_edit){ .kind = IPVS_EDIT_DEL_SERVICE,
						       .service = &services[n] };
			n++;
		}
	}
	failed = ipvs_netlink_apply(&k->nl, edits, n);
	if (failed >= 0)
		log_notice("stopping: %u services removed from the kernel", n - (uint32_t)failed);
	arena_free(arena);
}

static void stop_daemons(struct keeper *k)
{
	static const struct ipvs_daemon any;
	struct ipvs_edit edits[IPVS_DAEMONS];
	uint32_t n = 0;

	for (enum ipvs_daemon_kind kind = 0; k->sync.owned && kind < IPVS_DAEMONS; kind++)
		edits[n++] = (struct ipvs_edit){ .kind = IPVS_EDIT_DEL_DAEMON,
						 .daemon_kind = kind,
						 .daemon = &any };
	if (n && ipvs_netlink_apply(&k->nl, edits, n) >= 0)
		log_notice("stopping: the sync daemons are stopped");
}

void keeper_stop(struct keeper *k)
{
	stop_daemons(k);
	if (k->model && k->model->global->lvs_flush_on_stop) {
		if (!ipvs_netlink_flush(&k->nl))
			log_notice("stopping: the kernel's table is flushed");
	} else {
		remove_ours(k);
	}
	ipvs_netlink_done(&k->nl);
	health_done(&k->health);
	free(k->instances);
	k->instances = NULL;
	leaving_done(&k->leaving);
	free(k->tended.drains);
	k->tended.drains = NULL;
}
