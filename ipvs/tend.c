/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's work by the clock: the next steps of slow start, feedback, and servers that leave
 * their pool once they are idle. See keeper.h. Judges nothing itself: pool.h does.
 */
#include "core/clock.h"
#include "core/log.h"
#include "core/must.h"
#include "core/role.h"
#include "ipvs/keeper.h"

#include <stdlib.h>

#define LOOK_US	    USEC_PER_SEC
#define FEEDBACK_US (5 * USEC_PER_SEC)

static bool drains(const struct health_entry *e)
{
	return e && e->override.until_idle && e->override.admin == ADMIN_DRAIN;
}

static void add_drain(struct keeper *k, uint64_t service, uint64_t server)
{
	struct keeper_tended *t = &k->tended;

	t->drains = must(realloc(t->drains, (t->n_drains + 1) * sizeof(*t->drains)));
	t->drains[t->n_drains++] = (struct keeper_drain){ service, server };
}

void keeper_tend_index(struct keeper *k)
{
	k->tended.n_drains = 0;
	for (uint32_t i = 0; i < k->n_served && k->health.used; i++) {
		const struct virtual_server *vs = k->served[i].vs;

		for (uint32_t j = 0; j < vs->n_servers; j++)
			if (drains(health_get(&k->health, vs->servers[j].id)))
				add_drain(k, vs->id, vs->servers[j].id);
	}
}

/* Of one service, with all that a group stands for. */
static int observe(struct keeper *k, const struct served *s, struct arena *arena,
		   struct ipvs_table *ret)
{
	uint32_t n = wanted_keys(s->vs);
	struct ipvs_key *keys = arena_array(arena, n, sizeof(*keys));

	for (uint32_t i = 0; i < n; i++)
		keys[i] = wanted_key(s->vs, i);
	*ret = (struct ipvs_table){ 0 };
	return ipvs_netlink_observe_some(&k->nl, arena, keys, n, ret);
}

/* What the kernel counts for one server in all services of a table. */
struct seen {
	uint32_t active;
	uint64_t bytes;
};

static struct seen look_at(const struct ipvs_table *t, const struct real_server *rs)
{
	struct seen sum = { 0 };

	for (uint32_t i = 0; i < t->n_services; i++) {
		const struct ipvs_dest *d =
			ipvs_service_find(&t->services[i], &rs->address, rs->port);

		if (!d)
			continue;
		sum.active += d->active_conns;
		sum.bytes += d->counters.in_bytes + d->counters.out_bytes;
	}
	return sum;
}

/* The supervisor decides what follows: it owns the override. */
static void tell_idle(const struct keeper *k, uint64_t server)
{
	struct msg m = { .type = MSG_SERVER_IDLE,
			 .server_idle = { .server = server,
					  .version = health_get(&k->health, server)->override.version } };

	role_send(ROLE_SUPERVISOR, &m);
}

static void look_for_idle(struct keeper *k)
{
	for (uint32_t i = 0; i < k->tended.n_drains; i++) {
		const struct keeper_drain *d = &k->tended.drains[i];
		const struct served *s = keeper_find(k, d->service);
		const struct real_server *rs = keeper_find_server(s, d->server);
		struct arena *arena = arena_new();
		struct ipvs_table t;

		if (rs && !observe(k, s, arena, &t) && !look_at(&t, rs).active)
			tell_idle(k, d->server);
		arena_free(arena);
	}
}

static void log_left(const struct served *s, const struct leaving_server *l, uint32_t active)
{
	char name[TEXT_MAX], at[ADDR_TEXT_MAX];

	virtual_server_format(s->vs, name);
	addr_format_port(&l->rs.address, l->rs.port, at);
	if (active)
		log_notice("%s: real server %s has had its time to drain: %u active connections end",
			   name, at, active);
	else
		log_notice("%s: real server %s has drained: no connection is active", name, at);
}

/* Backwards: the last one takes the place of one that has left. */
static void look_for_left(struct keeper *k, int64_t now_us)
{
	for (uint32_t i = k->leaving.n; i-- > 0;) {
		const struct leaving_server *l = &k->leaving.list[i];
		struct served *s = keeper_find(k, l->service);
		struct arena *arena = arena_new();
		struct ipvs_table t;
		uint32_t active = 0;

		if (s && !observe(k, s, arena, &t)) {
			active = look_at(&t, &l->rs).active;
			if (!active || l->until_us <= now_us) {
				log_left(s, l, active);
				keeper_mark(k, s);
				keeper_left(k, i);
			}
		}
		arena_free(arena);
	}
}

static bool count_bytes(struct keeper *k, const struct served *s, int64_t interval_us)
{
	struct arena *arena = arena_new();
	struct ipvs_table t;
	bool known = !observe(k, s, arena, &t);

	for (uint32_t i = 0; known && i < s->vs->n_servers; i++)
		pool_count_bytes(health_take(&k->health, s->vs->servers[i].id),
				 look_at(&t, &s->vs->servers[i]).bytes, interval_us);
	arena_free(arena);
	return known;
}

static void feed_back(struct keeper *k, int64_t interval_us)
{
	for (uint32_t i = 0; i < k->n_served; i++) {
		struct served *s = &k->served[i];

		if (!s->vs->feedback ||
		    (s->vs->feedback == FEEDBACK_BANDWIDTH && !count_bytes(k, s, interval_us)))
			continue;
		if (pool_feedback(s->vs, &k->health))
			keeper_mark(k, s);
	}
}

static bool has_feedback(const struct keeper *k)
{
	for (uint32_t i = 0; i < k->n_served; i++)
		if (k->served[i].vs->feedback)
			return true;
	return false;
}

void keeper_tend(struct keeper *k, int64_t now_us)
{
	struct keeper_tended *t = &k->tended;

	for (uint32_t i = 0; i < k->n_served; i++)
		if (k->served[i].step_us && k->served[i].step_us <= now_us)
			keeper_mark(k, &k->served[i]);
	if ((t->n_drains || k->leaving.n) && now_us - t->looked_us >= LOOK_US) {
		t->looked_us = now_us;
		look_for_idle(k);
		look_for_left(k, now_us);
	}
	if (now_us - t->fed_back_us >= FEEDBACK_US) {
		feed_back(k, now_us - t->fed_back_us);
		t->fed_back_us = now_us;
	}
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
	return !a_us || b_us < a_us ? b_us : a_us;
}

int64_t keeper_tend_us(const struct keeper *k)
{
	const struct keeper_tended *t = &k->tended;
	int64_t at_us = 0;

	if (!k->available || !k->model)
		return 0;
	if (t->n_drains || k->leaving.n)
		at_us = earlier(at_us, t->looked_us + LOOK_US);
	if (has_feedback(k))
		at_us = earlier(at_us, t->fed_back_us + FEEDBACK_US);
	for (uint32_t i = 0; i < k->n_served; i++)
		if (k->served[i].step_us)
			at_us = earlier(at_us, k->served[i].step_us);
	return at_us;
}
