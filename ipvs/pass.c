/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass of the keeper: wanted, observed, the edits between them, applied and told. See
 * keeper.h; this file owns the log lines of edits.
 */
#include "ipvs/keeper_private.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/role.h"

#include <errno.h>
#include <string.h>

#define ROUNDS_MAX 3
/* A pass with more edits than this is told in one line. */
#define EDITS_TOLD 100

struct pass {
	struct keeper *k;
	struct arena *arena;
	enum ipvs_cause cause;
	const struct keeper_scope *scope;
	struct ipvs_table wanted;
	struct ipvs_table observed;
	struct ipvs_plan plan;
	uint32_t added;
	uint32_t changed;
	uint32_t removed;
	bool stale; /* the kernel's table moved between the look and the edit */
};

static uint32_t scope_size(const struct pass *p)
{
	return p->scope->all ? p->k->n_served : p->scope->n_some;
}

static uint32_t scope_keys(const struct pass *p)
{
	uint32_t n = 0;

	if (p->scope->all)
		return p->k->n_keys;
	for (uint32_t i = 0; i < p->scope->n_some; i++)
		n += wanted_keys(p->scope->some[i]->vs);
	return n;
}

static struct served *scope_at(const struct pass *p, uint32_t i)
{
	return p->scope->all ? &p->k->served[i] : p->scope->some[i];
}

static void make_wanted(struct pass *p)
{
	const struct global *global = p->k->model->global;
	struct ipvs_table *t = &p->wanted;

	*t = (struct ipvs_table){ 0 };
	t->services = arena_array(p->arena, scope_keys(p), sizeof(*t->services));
	for (uint32_t i = 0; i < scope_size(p); i++) {
		const struct served *s = scope_at(p, i);

		for (uint32_t j = 0; !s->state.away && j < wanted_keys(s->vs); j++) {
			struct ipvs_service *to = &t->services[t->n_services++];

			wanted_service(p->arena, s->vs, j, &p->k->health, &s->state, to);
			leaving_want(&p->k->leaving, p->arena, s->vs->id, to);
		}
	}
	ipvs_table_sort(t);
	if (p->scope->all)
		t->timeouts = (struct ipvs_timeouts){ .tcp_s = global->tcp_timeout_s,
						      .tcpfin_s = global->tcpfin_timeout_s,
						      .udp_s = global->udp_timeout_s };
	if (p->scope->all || p->scope->daemons)
		t->daemons = wanted_daemons(global, keeper_follows(p->k), p->k->sync.owned);
}

static int observe(struct pass *p)
{
	const struct keeper_scope *scope = p->scope;
	struct ipvs_netlink *nl = &p->k->nl;
	struct ipvs_key *keys;
	uint32_t n = 0;
	int err;

	if (scope->all)
		return ipvs_netlink_observe(nl, p->arena, &p->observed);
	keys = arena_array(p->arena, (size_t)scope_keys(p) + scope->n_gone, sizeof(*keys));
	for (uint32_t i = 0; i < scope->n_some; i++)
		for (uint32_t j = 0; j < wanted_keys(scope->some[i]->vs); j++)
			keys[n++] = wanted_key(scope->some[i]->vs, j);
	for (uint32_t i = 0; i < scope->n_gone; i++)
		keys[n++] = scope->gone[i];
	err = ipvs_netlink_observe_some(nl, p->arena, keys, n, &p->observed);
	if (!err && scope->daemons)
		err = ipvs_netlink_observe_daemons(nl, &p->observed);
	return err;
}

static struct ipvs_owned owned_by_us(const struct pass *p)
{
	return (struct ipvs_owned){ .ids = p->k->owned,
				    .n_ids = p->k->n_owned,
				    .all = p->k->flush_others && p->scope->all };
}

static void count_observed(struct pass *p, const struct ipvs_owned *owned)
{
	struct keeper *k = p->k;

	if (!p->scope->all)
		return;
	k->services_in_kernel = 0;
	k->servers_in_kernel = 0;
	for (uint32_t i = 0; i < p->observed.n_services; i++) {
		const struct ipvs_service *s = &p->observed.services[i];

		if (!ipvs_is_owned(owned, &s->key))
			continue;
		k->services_in_kernel++;
		k->servers_in_kernel += s->n_dests;
	}
}

static void note_daemons(struct pass *p)
{
	for (enum ipvs_daemon_kind kind = 0; kind < IPVS_DAEMONS; kind++)
		if (p->observed.daemons.known)
			p->k->sync.runs[kind] = p->observed.daemons.of[kind].runs;
}

static void count_edit(struct pass *p, const struct ipvs_edit *e)
{
	struct keeper *k = p->k;

	if (e->daemon)
		k->sync.runs[e->daemon_kind] = e->kind == IPVS_EDIT_NEW_DAEMON;
	if (p->cause == IPVS_CAUSE_DRIFT) {
		k->repairs++; /* back to what was counted when we had put it there */
		return;
	}
	switch (e->kind) {
	case IPVS_EDIT_NEW_SERVICE:
		k->services_in_kernel++;
		p->added++;
		break;
	case IPVS_EDIT_NEW_DEST:
		k->servers_in_kernel++;
		p->added++;
		break;
	case IPVS_EDIT_DEL_SERVICE:
		k->services_in_kernel--;
		k->servers_in_kernel -= e->service->n_dests;
		p->removed++;
		break;
	case IPVS_EDIT_DEL_DEST:
		k->servers_in_kernel--;
		p->removed++;
		break;
	case IPVS_EDIT_SET_SERVICE:
	case IPVS_EDIT_SET_DEST:
	case IPVS_EDIT_SET_TIMEOUTS:
	case IPVS_EDIT_NEW_DAEMON:
	case IPVS_EDIT_DEL_DAEMON:
	case IPVS_EDIT_KINDS:
		p->changed++;
		break;
	}
}

static struct served *served_of(struct pass *p, const struct ipvs_edit *e)
{
	return e->service ? keeper_find_key(p->k, &e->service->key) : NULL;
}

static void tell_edit(struct pass *p, const struct ipvs_edit *e, const struct served *s)
{
	enum log_level level = p->cause == IPVS_CAUSE_DRIFT ? LOG_LEVEL_WARNING
			       : e->moves || p->cause == IPVS_CAUSE_CLOCK ? LOG_LEVEL_DEBUG
							    : LOG_LEVEL_NOTICE;
	char line[EXPLAIN_MAX];

	log_line(level, "%s",
		 explain_edit(e, p->cause, s ? s->vs : NULL, s ? &s->state : NULL, &p->k->health,
			      line));
}

static void send_server(const struct served *s, const struct ipvs_edit *e)
{
	struct msg m = { .type = MSG_SERVER_STATE, .server_state = { .service = s->vs->id } };

	m.server_state.server = model_id_real_server(s->vs->id, &e->dest->address, e->dest->port);
	m.server_state.in_kernel = e->kind != IPVS_EDIT_DEL_DEST;
	if (m.server_state.in_kernel)
		m.server_state.weight = e->dest->weight;
	if (e->was) {
		m.server_state.active_conns = e->was->active_conns;
		m.server_state.inactive_conns = e->was->inactive_conns;
	}
	role_send(ROLE_SUPERVISOR, &m);
}

/* Both halves of a move leave the counts as they were; the second one tells of it. */
static void move_done(struct pass *p, const struct ipvs_edit *e)
{
	if (e->kind != IPVS_EDIT_NEW_DEST)
		return;
	p->changed++;
	if (p->cause == IPVS_CAUSE_DRIFT)
		p->k->repairs++;
	tell_edit(p, e, served_of(p, e));
}

static void edit_done(struct pass *p, const struct ipvs_edit *e)
{
	const struct served *s;

	if (e->moves) {
		move_done(p, e);
		return;
	}
	count_edit(p, e);
	if (p->cause == IPVS_CAUSE_MODEL && p->plan.n_edits > EDITS_TOLD)
		return;
	s = served_of(p, e);
	tell_edit(p, e, s);
	if (s && e->dest)
		send_server(s, e);
}

/* Not a refusal: somebody else was faster, or the answer was lost. The next round will tell. */
static bool is_stale(const struct ipvs_edit *e)
{
	switch (e->kind) {
	case IPVS_EDIT_NEW_SERVICE:
	case IPVS_EDIT_NEW_DEST:
		return e->error == -EEXIST || e->error == -ENOBUFS || e->error == -ESRCH;
	case IPVS_EDIT_SET_SERVICE:
	case IPVS_EDIT_DEL_SERVICE:
		return e->error == -ESRCH || e->error == -ENOBUFS;
	case IPVS_EDIT_SET_DEST:
	case IPVS_EDIT_DEL_DEST:
		return e->error == -ESRCH || e->error == -ENOENT || e->error == -ENOBUFS;
	case IPVS_EDIT_SET_TIMEOUTS:
		return e->error == -ENOBUFS;
	case IPVS_EDIT_NEW_DAEMON:
		return e->error == -EEXIST || e->error == -ENOBUFS;
	case IPVS_EDIT_DEL_DAEMON:
		return e->error == -ESRCH || e->error == -ENOBUFS;
	case IPVS_EDIT_KINDS:
		break;
	}
	return false;
}

static uint64_t failure_hash(uint64_t h, const struct ipvs_edit *e)
{
	struct {
		int64_t kind, error;
		uint64_t dest;
	} what = { e->kind, e->error, 0 };
	const uint8_t *at = (const uint8_t *)&what;

	if (e->dest)
		what.dest = model_id_real_server(1, &e->dest->address, e->dest->port);
	for (size_t i = 0; i < sizeof(what); i++)
		h = (h ^ at[i]) * UINT64_C(1099511628211);
	return h ? h : 1;
}

/* A refusal is told once, and again when something else is refused. */
static void note_failures(struct pass *p, const struct ipvs_edit *failed, uint32_t n)
{
	struct served *s = served_of(p, failed);
	uint64_t *told = s ? &s->told : failed->daemon ? &p->k->sync.told : NULL;
	uint64_t hash = 0;
	char line[EXPLAIN_MAX];

	for (uint32_t i = 0; i < n; i++)
		hash = failure_hash(hash, &failed[i]);
	if (s)
		s->failure = hash;
	else if (failed->daemon)
		p->k->sync.failure = hash;
	else
		p->k->incomplete = true;
	if (told && *told == hash)
		return;
	if (told)
		*told = hash;
	for (uint32_t i = 0; i < n; i++)
		log_error("%s", explain_failure(&failed[i], line));
}

/* The destinations of a service that could not be made: one line for the service says it all. */
static uint32_t drop_consequences(struct ipvs_edit *failed, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		bool follows = kept && failed[kept - 1].kind == IPVS_EDIT_NEW_SERVICE &&
			       failed[kept - 1].service == failed[i].service;

		if (!follows)
			failed[kept++] = failed[i];
	}
	return kept;
}

static void handle_failures(struct pass *p, struct ipvs_edit *failed, uint32_t n)
{
	uint32_t start = 0;

	n = drop_consequences(failed, n);
	for (uint32_t i = 0; i < n; i++)
		p->stale |= is_stale(&failed[i]);
	if (p->stale)
		return;
	for (uint32_t i = 1; i <= n; i++) {
		if (i < n && failed[i].service == failed[start].service &&
		    !failed[i].daemon == !failed[start].daemon)
			continue;
		note_failures(p, failed + start, i - start);
		start = i;
	}
}

static void handle_results(struct pass *p, uint32_t n_refused)
{
	struct ipvs_edit *failed = arena_array(p->arena, n_refused, sizeof(*failed));
	uint32_t n_failed = 0;

	for (uint32_t i = 0; i < p->plan.n_edits; i++) {
		if (p->plan.edits[i].error)
			failed[n_failed++] = p->plan.edits[i];
		else
			edit_done(p, &p->plan.edits[i]);
	}
	handle_failures(p, failed, n_failed);
}

static void start_failures(struct pass *p)
{
	for (uint32_t i = 0; i < scope_size(p); i++)
		scope_at(p, i)->failure = 0;
	if (p->observed.daemons.known)
		p->k->sync.failure = 0;
}

static void finish_failures(struct pass *p)
{
	for (uint32_t i = 0; i < scope_size(p); i++)
		if (!scope_at(p, i)->failure)
			scope_at(p, i)->told = 0;
	if (!p->k->sync.failure)
		p->k->sync.told = 0;
}

static int pass_round(struct pass *p)
{
	struct ipvs_owned owned = owned_by_us(p);
	int err, n_refused;

	p->stale = false;
	make_wanted(p);
	err = observe(p);
	if (err)
		return err;
	count_observed(p, &owned);
	note_daemons(p);
	ipvs_plan_make(p->arena, &p->wanted, &p->observed, &owned, &p->plan);
	start_failures(p);
	if (p->plan.n_edits)
		role_flush(ROLE_SUPERVISOR);
	n_refused = ipvs_netlink_apply(&p->k->nl, p->plan.edits, p->plan.n_edits);
	if (n_refused < 0)
		return n_refused;
	handle_results(p, (uint32_t)n_refused);
	return 0;
}

static void tell_pass(const struct pass *p, int64_t took_us)
{
	if (p->cause != IPVS_CAUSE_MODEL)
		return;
	log_notice("kernel table: %u services and %u real servers; %u added, %u changed, "
		   "%u removed in %lld ms%s",
		   p->k->services_in_kernel, p->k->servers_in_kernel, p->added, p->changed,
		   p->removed, (long long)(took_us / USEC_PER_MSEC),
		   p->plan.n_foreign ? "; other services left alone" : "");
}

/* What is removed is nobody's business any more, unless the kernel refused to. */
static void settle_ownership(struct keeper *k)
{
	if (k->incomplete)
		return;
	if (!k->sync.failure)
		k->sync.owned = wanted_any_daemon(k->model->global);
	k->flush_others = false;
	k->n_owned = k->n_keys;
	for (uint32_t i = 0; i < k->n_keys; i++)
		k->owned[i] = k->keys[i].id;
}

int keeper_pass(struct keeper *k, const struct keeper_scope *scope, enum ipvs_cause cause)
{
	struct pass p = { .k = k, .cause = cause, .scope = scope };
	int64_t started_us = clock_now_us();
	int err = 0;

	if (scope->all)
		k->incomplete = false;
	for (int round = 0; round < ROUNDS_MAX; round++) {
		arena_free(p.arena);
		p.arena = arena_new();
		err = pass_round(&p);
		if (err || !p.stale)
			break;
	}
	if (!err && p.stale)
		err = -EAGAIN;
	finish_failures(&p);
	if (err)
		k->incomplete = true;
	else
		tell_pass(&p, clock_now_us() - started_us);
	settle_ownership(k);
	arena_free(p.arena);
	return err;
}
