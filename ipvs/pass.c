/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass of the keeper: wanted, observed, the edits between them, applied and told, slice by
 * slice. See keeper.h; this file owns the log lines of edits.
 */
#include "ipvs/keeper_private.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/role.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 3
/* A pass with more edits than this is told in one line. */
#define EDITS_TOLD 100
/* The table is gone through by slices of about so many real servers, in the memory of one slice: a
 * page that is touched for the first time costs more than the kernel takes for what is in it. The
 * edits of a slice that is all new still fill a send. */
#define SLICE_SERVERS 400

struct told {
	enum log_level level;
	const char *line;
};

struct pass {
	struct keeper *k;
	enum ipvs_cause cause;
	const struct keeper_scope *scope;
	struct ipvs_owned owned;
	struct arena *arena;
	struct arena *slice_arena; /* cleared for each */
	struct served **order;	/* what is looked at, in the order of the first keys */
	struct ipvs_table seen; /* a pass over all: every service of the kernel, without its servers */
	struct told told[EDITS_TOLD]; /* of a model's pass: known at its end whether they are too many */
	uint32_t n_told;
	uint32_t n_foreign;
	uint32_t added;
	uint32_t changed;
	uint32_t removed;
};

/* Some services, or at the end whatever else there is: see slice_run(). */
struct slice {
	struct pass *p;
	struct served **services;
	uint32_t n_services;
	bool rest;
	bool again; /* what was seen before is out of date */
	bool stale; /* the kernel's table moved between the look and the edit */
	struct arena *arena;
	struct ipvs_table wanted;
	struct ipvs_table observed;
	struct ipvs_plan plan;
};

static uint32_t scope_size(const struct pass *p)
{
	return p->scope->all ? p->k->n_served : p->scope->n_some;
}

static int compare_first_keys(const void *a, const void *b)
{
	const struct served *const *left = a, *const *right = b;
	struct ipvs_key left_key = wanted_key((*left)->vs, 0);
	struct ipvs_key right_key = wanted_key((*right)->vs, 0);

	return ipvs_key_compare(&left_key, &right_key);
}

static void put_in_order(struct pass *p)
{
	p->order = arena_array(p->arena, (size_t)scope_size(p) + 1, sizeof(*p->order));
	for (uint32_t i = 0; i < scope_size(p); i++)
		p->order[i] = p->scope->all ? &p->k->served[i] : p->scope->some[i];
	qsort(p->order, scope_size(p), sizeof(*p->order), compare_first_keys);
}

static uint32_t count_keys(struct served *const *services, uint32_t n_services)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_services; i++)
		n += wanted_keys(services[i]->vs);
	return n;
}

static uint32_t slice_keys(const struct slice *s)
{
	return count_keys(s->services, s->n_services);
}

static void want_services(struct slice *s)
{
	const struct keeper *k = s->p->k;
	struct ipvs_table *t = &s->wanted;

	t->services = arena_array(s->arena, slice_keys(s), sizeof(*t->services));
	for (uint32_t i = 0; i < s->n_services; i++) {
		const struct served *of = s->services[i];

		for (uint32_t j = 0; !of->state.away && j < wanted_keys(of->vs); j++) {
			struct ipvs_service *to = &t->services[t->n_services++];

			wanted_service(s->arena, of->vs, j, &k->health, &of->state, to);
			leaving_want(&k->leaving, s->arena, of->vs->id, to);
		}
	}
	ipvs_table_sort(t);
}

static void want_rest(struct slice *s)
{
	const struct keeper *k = s->p->k;
	const struct global *global = k->model->global;
	struct ipvs_table *t = &s->wanted;

	if (s->p->scope->all)
		t->timeouts = (struct ipvs_timeouts){ .tcp_s = global->tcp_timeout_s,
						      .tcpfin_s = global->tcpfin_timeout_s,
						      .udp_s = global->udp_timeout_s };
	if (s->p->scope->all || s->p->scope->daemons)
		t->daemons = wanted_daemons(global, keeper_follows(k), k->sync.owned);
}

static void make_wanted(struct slice *s)
{
	s->wanted = (struct ipvs_table){ 0 };
	if (s->rest)
		want_rest(s);
	else
		want_services(s);
}

int keeper_look_at_seen(struct keeper *k, const struct ipvs_table *seen,
			struct served *const *services, uint32_t n_services, struct arena *arena,
			struct ipvs_table *ret)
{
	*ret = (struct ipvs_table){ .services = arena_array(arena, count_keys(services, n_services),
							    sizeof(*ret->services)) };
	for (uint32_t i = 0; i < n_services; i++) {
		for (uint32_t j = 0; j < wanted_keys(services[i]->vs); j++) {
			struct ipvs_key key = wanted_key(services[i]->vs, j);
			const struct ipvs_service *found = ipvs_table_find(seen, &key);

			if (found)
				ret->services[ret->n_services++] = *found;
		}
	}
	return ipvs_netlink_observe_dests(&k->nl, arena, ret);
}

static int observe_asked(struct slice *s)
{
	struct ipvs_key *keys = arena_array(s->arena, slice_keys(s), sizeof(*keys));
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_services; i++)
		for (uint32_t j = 0; j < wanted_keys(s->services[i]->vs); j++)
			keys[n++] = wanted_key(s->services[i]->vs, j);
	return ipvs_netlink_observe_some(&s->p->k->nl, s->arena, keys, n, &s->observed);
}

/* All services that are not served: of ours there may be former ones. */
static int observe_others(struct slice *s)
{
	struct pass *p = s->p;
	struct ipvs_table *t = &s->observed;
	int err = s->again ? ipvs_netlink_observe_services(&p->k->nl, p->arena, &p->seen) : 0;

	*t = p->seen;
	t->services = arena_array(s->arena, p->seen.n_services, sizeof(*t->services));
	t->n_services = 0;
	for (uint32_t i = 0; i < p->seen.n_services; i++)
		if (!keeper_find_key(p->k, &p->seen.services[i].key))
			t->services[t->n_services++] = p->seen.services[i];
	return err;
}

static int observe_rest(struct slice *s)
{
	const struct keeper_scope *scope = s->p->scope;
	struct ipvs_netlink *nl = &s->p->k->nl;
	int err;

	if (scope->all)
		return observe_others(s);
	err = ipvs_netlink_observe_some(nl, s->arena, scope->gone, scope->n_gone, &s->observed);
	if (!err && scope->daemons)
		err = ipvs_netlink_observe_daemons(nl, &s->observed);
	return err;
}

static int observe(struct slice *s)
{
	if (s->rest)
		return observe_rest(s);
	if (!s->p->scope->all || s->again)
		return observe_asked(s);
	return keeper_look_at_seen(s->p->k, &s->p->seen, s->services, s->n_services, s->arena,
				   &s->observed);
}

static void count_observed(const struct slice *s)
{
	struct keeper *k = s->p->k;

	if (!s->p->scope->all)
		return;
	for (uint32_t i = 0; i < s->observed.n_services; i++) {
		const struct ipvs_service *at = &s->observed.services[i];

		if (!ipvs_is_owned(&s->p->owned, &at->key))
			continue;
		k->services_in_kernel++;
		k->servers_in_kernel += at->n_dests;
	}
}

static void note_daemons(const struct slice *s)
{
	struct keeper *k = s->p->k;

	if (!s->observed.daemons.known)
		return;
	k->sync.failure = 0;
	for (enum ipvs_daemon_kind kind = 0; kind < IPVS_DAEMONS; kind++)
		k->sync.runs[kind] = s->observed.daemons.of[kind].runs;
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

static void tell_edit(struct pass *p, const struct ipvs_edit *e, const struct served *s)
{
	enum log_level level = p->cause == IPVS_CAUSE_DRIFT ? LOG_LEVEL_WARNING
			       : e->moves || p->cause == IPVS_CAUSE_CLOCK ? LOG_LEVEL_DEBUG
							    : LOG_LEVEL_NOTICE;
	char line[EXPLAIN_MAX];

	if (p->cause == IPVS_CAUSE_MODEL && p->n_told++ >= EDITS_TOLD)
		return;
	explain_edit(e, p->cause, s ? s->vs : NULL, s ? &s->state : NULL, &p->k->health, line);
	if (p->cause == IPVS_CAUSE_MODEL)
		p->told[p->n_told - 1] = (struct told){ level, arena_strdup(p->arena, line) };
	else
		log_line(level, "%s", line);
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

/* What it was told meanwhile went to nobody. A big change by a configuration sync sees by itself. */
static void tell_added(const struct pass *p, const struct ipvs_edit *e)
{
	const struct ipvs_key *key = &e->service->key;
	struct msg m = { .type = MSG_SERVER_ADDED,
			 .server_added = { .fwmark = key->fwmark,
					   .protocol = key->protocol,
					   .vip = key->address,
					   .vip_port = key->port,
					   .address = e->dest->address,
					   .port = e->dest->port } };

	if (p->k->model->global->n_peering && p->n_told <= EDITS_TOLD)
		role_send(ROLE_SYNC, &m);
}

/* Both halves of a move leave the counts as they were; the second one tells of it. */
static void move_done(struct pass *p, const struct ipvs_edit *e)
{
	if (e->kind != IPVS_EDIT_NEW_DEST)
		return;
	p->changed++;
	if (p->cause == IPVS_CAUSE_DRIFT)
		p->k->repairs++;
	tell_edit(p, e, keeper_find_edited(p->k, e));
}

static void edit_done(struct pass *p, const struct ipvs_edit *e)
{
	const struct served *s;

	if (e->kind == IPVS_EDIT_NEW_DEST)
		tell_added(p, e);
	if (e->moves) {
		move_done(p, e);
		return;
	}
	count_edit(p, e);
	if (p->n_told > EDITS_TOLD)
		return;
	s = keeper_find_edited(p->k, e);
	tell_edit(p, e, s);
	if (s && e->dest)
		send_server(s, e);
}

static void handle_results(struct slice *s, uint32_t n_refused)
{
	struct ipvs_edit *failed = arena_array(s->arena, n_refused, sizeof(*failed));
	uint32_t n_failed = 0;

	for (uint32_t i = 0; i < s->plan.n_edits; i++) {
		if (s->plan.edits[i].error)
			failed[n_failed++] = s->plan.edits[i];
		else
			edit_done(s->p, &s->plan.edits[i]);
	}
	s->stale = keeper_refused(s->p->k, failed, n_failed);
}

static int slice_round(struct slice *s)
{
	struct pass *p = s->p;
	int err, n_refused;

	make_wanted(s);
	err = observe(s);
	if (err)
		return err;
	count_observed(s);
	note_daemons(s);
	ipvs_plan_make(s->arena, &s->wanted, &s->observed, &p->owned, &s->plan);
	if (p->cause == IPVS_CAUSE_MODEL && p->n_told + s->plan.n_edits > EDITS_TOLD)
		p->n_told = EDITS_TOLD + 1; /* they will be too many */
	p->n_foreign += s->plan.n_foreign;
	if (s->plan.n_edits) /* who leaves and which daemons run must be known before they do */
		role_flush(ROLE_SUPERVISOR);
	n_refused = ipvs_netlink_apply(&p->k->nl, s->plan.edits, s->plan.n_edits);
	if (n_refused < 0)
		return n_refused;
	handle_results(s, (uint32_t)n_refused);
	return 0;
}

/*
 * Brings these services in line; without any, the rest: services that are not served any more,
 * timeouts, sync daemons. -EAGAIN: somebody else changes them all the time.
 */
static int slice_run(struct pass *p, struct served **services, uint32_t n_services)
{
	struct slice s = { .p = p, .services = services, .n_services = n_services,
			   .rest = !n_services, .arena = p->slice_arena };
	const uint32_t n_in_kernel = p->k->services_in_kernel;
	const uint32_t n_servers = p->k->servers_in_kernel, n_foreign = p->n_foreign;
	int err = 0;

	for (int round = 0; !err && (!round || s.stale) && round < ROUNDS_MAX; round++) {
		s.again = round;
		if (p->scope->all && round) {
			p->k->services_in_kernel = n_in_kernel;
			p->k->servers_in_kernel = n_servers;
		}
		p->n_foreign = n_foreign;
		arena_clear(s.arena);
		err = slice_round(&s);
	}
	return !err && s.stale ? -EAGAIN : err;
}

/* How many services, from `at` on, make a slice: one at least. */
static uint32_t slice_size(const struct pass *p, uint32_t at)
{
	uint32_t n = 0;
	uint64_t servers = 0;

	while (at + n < scope_size(p) && (!n || servers < SLICE_SERVERS)) {
		const struct virtual_server *vs = p->order[at + n++]->vs;

		servers += (uint64_t)wanted_keys(vs) * (vs->n_servers + 1);
	}
	return n;
}

static int run_slices(struct pass *p)
{
	int err = 0, stale = 0;

	for (uint32_t at = 0, n; at < scope_size(p) && !err; at += n) {
		n = slice_size(p, at);
		err = slice_run(p, p->order + at, n);
		if (err == -EAGAIN) {
			stale = err;
			err = 0;
		}
	}
	if (!err)
		err = slice_run(p, NULL, 0);
	return err ? err : stale;
}

static int look_at_all(struct pass *p)
{
	struct keeper *k = p->k;
	int err = ipvs_netlink_observe_services(&k->nl, p->arena, &p->seen);

	if (err)
		return err;
	k->incomplete = false;
	k->services_in_kernel = 0;
	k->servers_in_kernel = 0;
	return 0;
}

static void start_failures(const struct pass *p)
{
	for (uint32_t i = 0; i < scope_size(p); i++)
		p->order[i]->failure = 0;
}

static void finish_failures(const struct pass *p)
{
	for (uint32_t i = 0; i < scope_size(p); i++)
		if (!p->order[i]->failure)
			p->order[i]->told = 0;
	if (!p->k->sync.failure)
		p->k->sync.told = 0;
}

static void tell_edits(const struct pass *p)
{
	for (uint32_t i = 0; i < p->n_told && p->n_told <= EDITS_TOLD; i++)
		log_line(p->told[i].level, "%s", p->told[i].line);
}

static void tell_pass(const struct pass *p, int64_t took_us)
{
	if (p->cause != IPVS_CAUSE_MODEL)
		return;
	log_notice("kernel table: %u services and %u real servers; %u added, %u changed, "
		   "%u removed in %lld ms%s",
		   p->k->services_in_kernel, p->k->servers_in_kernel, p->added, p->changed,
		   p->removed, (long long)(took_us / USEC_PER_MSEC),
		   p->n_foreign ? "; other services left alone" : "");
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
	struct pass p = { .k = k, .cause = cause, .scope = scope, .arena = arena_new(),
			  .slice_arena = arena_new() };
	int64_t started_us = clock_now_us();
	int err;

	p.owned = (struct ipvs_owned){ .ids = k->owned, .n_ids = k->n_owned,
				       .all = k->flush_others && scope->all };
	put_in_order(&p);
	err = scope->all ? look_at_all(&p) : 0;
	if (!err) {
		start_failures(&p);
		err = run_slices(&p);
	}
	finish_failures(&p);
	tell_edits(&p);
	if (err)
		k->incomplete = true;
	else
		tell_pass(&p, clock_now_us() - started_us);
	settle_ownership(k);
	arena_free(p.slice_arena);
	arena_free(p.arena);
	return err;
}
