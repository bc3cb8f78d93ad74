/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model becomes the keeper's: which services are served from now on, in which state, which were
 * ours and have to go, who drains, and how much of the kernel's table has to be looked at for it.
 */
#include "ipvs/keeper_private.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/must.h"
#include "ipvs/pusher.h"

#include <stdlib.h>

static int compare_states(const void *a, const void *b)
{
	const struct service_state *left = a, *right = b;

	return (left->service > right->service) - (left->service < right->service);
}

static const struct service_state *find_resumed(const struct keeper *k, uint64_t id)
{
	const struct service_state wanted = {.service = id};

	if (!k->n_resumed)
		return NULL;
	return bsearch(&wanted, k->resumed, k->n_resumed, sizeof(wanted), compare_states);
}

static void serve_one(struct keeper *k, const struct keeper *former,
		      const struct virtual_server *vs)
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
	wanted_away_step(vs, keeper_follows_instance(k, vs->instance), &s->state);
}

/* The model's services take their places, with the state of those that were served before. */
static void serve(struct keeper *k, const struct keeper *former, const struct model *model)
{
	if (k->n_resumed)
		qsort(k->resumed, k->n_resumed, sizeof(*k->resumed), compare_states);
	k->n_served = 0;
	k->served = must(calloc(model->n_services + 1, sizeof(*k->served)));
	for (uint32_t i = 0; i < model->n_services; i++)
		serve_one(k, former, &model->services[i]);
	if (model->global->n_peering)
		serve_one(k, former, pusher_service());
	k->model = model;
	k->patrol_at = 0;
	keeper_index(k);
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
		log_notice(
			"%s: real server %s is not configured any more: drains for %lld s at most",
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

static void scope_gone(struct keeper *k, const struct keeper *former, struct keeper_scope *scope)
{
	scope->gone = must(calloc(former->n_keys + 1, sizeof(*scope->gone)));
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
	return !former->model || k->incomplete || scope->n_some + scope->n_gone > KEEPER_SOME_MAX ||
	       !same_timeouts(former->model->global, k->model->global);
}

void keeper_commit(struct keeper *k, const struct model *model, int64_t now_us)
{
	const struct keeper former = *k;
	struct keeper_scope scope = {0};

	if (!former.model)
		k->flush_others = model->global->lvs_flush && !k->n_resumed;
	serve(k, &former, model);
	own(k);
	own_sync(k);
	free(k->resumed);
	k->resumed = NULL;
	k->n_resumed = 0;
	update_leaving(k, &former, now_us);
	keeper_unsay_gone(k, &former);
	forget_health(k);
	keeper_tell_led(k);
	keeper_tend_index(k);
	keeper_scope_changed(k, true, &scope, now_us);
	scope_gone(k, &former, &scope);
	scope.all = must_look_at_all(k, &former, &scope);
	scope.daemons = scope.all || !same_sync(former.model->global, model->global);
	if (scope.daemons)
		k->sync.told = 0;
	keeper_bring(k, &scope, IPVS_CAUSE_MODEL);
	keeper_tell_states(k);
	free(scope.some);
	free(scope.gone);
	free(former.served);
	free(former.keys);
}
