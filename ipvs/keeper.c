/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the kernel's table as it is wanted: see keeper.h. Here: when the kernel is looked at and
 * how much of it. What a look does is in pass.c, what it goes by in hear.c and commit.c.
 */
#include "ipvs/keeper_private.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/must.h"
#include "core/role.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Small tables are one slice, and so looked at in every round. */
#define PATROL_SLICE 64

void keeper_init(struct keeper *k)
{
	*k = (struct keeper){.incomplete = true, .available = true};
	ipvs_netlink_init(&k->nl);
}

void keeper_mark(struct keeper *k, struct served *s)
{
	k->n_dirty += !s->dirty;
	s->dirty = true;
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
	keeper_send_weight(st->k, st->s, rs);
}

/* Moves the quorum on, and logs it when that was news. True when anything has changed. */
static bool step(struct keeper *k, struct served *s, int64_t now_us)
{
	bool first = !s->state.service, was_up = s->state.quorum_up;
	struct stepping st = {k, s};
	char line[EXPLAIN_MAX];

	s->dirty = false;
	keeper_follow(k, s);
	s->step_us = pool_step(s->vs, &k->health, now_us, on_pool_change, &st);
	s->step_us = earlier_us(s->step_us, keeper_agree(k, s, now_us));
	if (!wanted_quorum_step(s->vs, &k->health, &s->state, now_us))
		return false;
	if (first ? !s->state.quorum_up : s->state.quorum_up != was_up)
		log_notice("%s", explain_quorum(s->vs, &s->state, first, line));
	s->untold = true;
	return true;
}

void keeper_tell_states(struct keeper *k)
{
	for (uint32_t i = 0; i < k->n_served; i++) {
		if (k->served[i].untold)
			keeper_send_served(&k->served[i]);
		k->served[i].untold = false;
	}
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
	struct text reason = {""};

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

void keeper_bring(struct keeper *k, const struct keeper_scope *scope, enum ipvs_cause cause)
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
	keeper_bring(k, &(struct keeper_scope){.all = true}, cause);
}

void keeper_scope_changed(struct keeper *k, bool all, struct keeper_scope *scope, int64_t now_us)
{
	scope->some = must(calloc((all ? k->n_served : k->n_dirty) + 1, sizeof(struct served *)));
	for (uint32_t i = 0; i < k->n_served; i++) {
		struct served *s = &k->served[i];
		bool dirty = s->dirty;

		if ((all || dirty) && (step(k, s, now_us) || dirty))
			scope->some[scope->n_some++] = s;
	}
	k->n_dirty = 0;
}

bool keeper_is_dirty(const struct keeper *k)
{
	return k->n_dirty || k->sync.dirty;
}

static void run_services(struct keeper *k, int64_t now_us)
{
	struct keeper_scope scope = {0};

	keeper_scope_changed(k, false, &scope, now_us);
	scope.all = scope.n_some > KEEPER_SOME_MAX;
	if (k->available)
		keeper_bring(k, &scope,
			     k->moved		  ? IPVS_CAUSE_VRRP
			     : k->tended.by_clock ? IPVS_CAUSE_CLOCK
						  : IPVS_CAUSE_HEALTH);
	keeper_tell_states(k);
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
		keeper_bring(k, &(struct keeper_scope){.daemons = true}, IPVS_CAUSE_VRRP);
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
	struct keeper_scope scope = {.some = slice};

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
		keeper_bring(k, &scope, IPVS_CAUSE_DRIFT);
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
			edits[n] = (struct ipvs_edit){.kind = IPVS_EDIT_DEL_SERVICE,
						      .service = &services[n]};
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
		edits[n++] = (struct ipvs_edit){
			.kind = IPVS_EDIT_DEL_DAEMON, .daemon_kind = kind, .daemon = &any};
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
	peers_done(&k->peers);
	leaving_done(&k->leaving);
	free(k->tended.drains);
	k->tended.drains = NULL;
}
