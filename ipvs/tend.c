/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's work by the clock: the next steps of slow start, feedback, and servers that leave
 * their pool once they are idle. See keeper.h. Judges nothing itself: pool.h does.
 */
#include "core/clock.h"
#include "core/log.h"
#include "core/must.h"
#include "core/role.h"
#include "ipvs/keeper_private.h"

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
	t->drains[t->n_drains++] = (struct keeper_drain){service, server};
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

/* One look at the kernel, for all services that anybody wants to know of. */
struct look {
	struct arena *arena;
	struct served **at;
	uint32_t n_at;
	struct ipvs_table seen;
};

static void look_begin(struct look *l, uint32_t n_max)
{
	*l = (struct look){.arena = arena_new()};
	l->at = arena_array(l->arena, n_max, sizeof(struct served *));
}

/* NULL is a service that is not served any more. */
static void look_want(struct look *l, struct served *s)
{
	if (s)
		l->at[l->n_at++] = s;
}

static int compare_served(const void *a, const void *b)
{
	struct served *const *left = a, *const *right = b;

	return (*left > *right) - (*left < *right);
}

/* Each once, with all that a group stands for. */
static uint32_t look_keys(const struct look *l, struct ipvs_key **ret)
{
	uint32_t n = 0;

	qsort(l->at, l->n_at, sizeof(struct served *), compare_served);
	for (uint32_t i = 0; i < l->n_at; i++)
		n += wanted_keys(l->at[i]->vs);
	*ret = arena_array(l->arena, n, sizeof(**ret));
	n = 0;
	for (uint32_t i = 0; i < l->n_at; i++)
		for (uint32_t j = 0;
		     (!i || l->at[i] != l->at[i - 1]) && j < wanted_keys(l->at[i]->vs); j++)
			(*ret)[n++] = wanted_key(l->at[i]->vs, j);
	return n;
}

static int look(struct keeper *k, struct look *l)
{
	struct ipvs_key *keys;
	uint32_t n = look_keys(l, &keys);

	if (n > KEEPER_SOME_MAX)
		return ipvs_netlink_observe(&k->nl, l->arena, &l->seen);
	return ipvs_netlink_observe_some(&k->nl, l->arena, keys, n, &l->seen);
}

/* What the kernel counts for one server in all that its service stands for. */
struct counted {
	uint32_t active;
	uint64_t bytes;
};

static struct counted look_at(const struct look *l, const struct served *s,
			      const struct real_server *rs)
{
	struct counted sum = {0};

	for (uint32_t i = 0; i < wanted_keys(s->vs); i++) {
		const struct ipvs_key key = wanted_key(s->vs, i);
		const struct ipvs_service *in = ipvs_table_find(&l->seen, &key);
		const struct ipvs_dest *d =
			in ? ipvs_service_find(in, &rs->address, rs->port) : NULL;

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
	struct msg m = {
		.type = MSG_SERVER_IDLE,
		.server_idle = {.server = server,
				.version = health_get(&k->health, server)->override.version}};

	role_send(ROLE_SUPERVISOR, &m);
}

static void tell_if_idle(struct keeper *k, const struct look *l, const struct keeper_drain *d)
{
	const struct served *s = keeper_find(k, d->service);
	const struct real_server *rs = keeper_find_server(s, d->server);

	if (rs && !look_at(l, s, rs).active)
		tell_idle(k, d->server);
}

static void log_left(const struct served *s, const struct leaving_server *l, uint32_t active)
{
	char name[TEXT_MAX], at[ADDR_TEXT_MAX];

	virtual_server_format(s->vs, name);
	addr_format_port(&l->rs.address, l->rs.port, at);
	if (active)
		log_notice(
			"%s: real server %s has had its time to drain: %u active connections end",
			name, at, active);
	else
		log_notice("%s: real server %s has drained: no connection is active", name, at);
}

static void leave_if_drained(struct keeper *k, const struct look *l, uint32_t i, int64_t now_us)
{
	const struct leaving_server *leaving = &k->leaving.list[i];
	struct served *s = keeper_find(k, leaving->service);
	uint32_t active = s ? look_at(l, s, &leaving->rs).active : 0;

	if (!s || (active && leaving->until_us > now_us))
		return;
	log_left(s, leaving, active);
	keeper_mark(k, s);
	keeper_left(k, i);
}

/* Who drains because of its operator, and who because it is not configured any more. */
static void look_for_drained(struct keeper *k, int64_t now_us)
{
	const struct keeper_tended *t = &k->tended;
	struct look l;

	look_begin(&l, t->n_drains + k->leaving.n);
	for (uint32_t i = 0; i < t->n_drains; i++)
		look_want(&l, keeper_find(k, t->drains[i].service));
	for (uint32_t i = 0; i < k->leaving.n; i++)
		look_want(&l, keeper_find(k, k->leaving.list[i].service));
	if (!look(k, &l)) {
		for (uint32_t i = 0; i < t->n_drains; i++)
			tell_if_idle(k, &l, &t->drains[i]);
		/* Backwards: the last one takes the place of one that has left. */
		for (uint32_t i = k->leaving.n; i-- > 0;)
			leave_if_drained(k, &l, i, now_us);
	}
	arena_free(l.arena);
}

static void count_bytes(struct keeper *k, const struct look *l, const struct served *s,
			int64_t interval_us)
{
	for (uint32_t i = 0; i < s->vs->n_servers; i++)
		pool_count_bytes(health_take(&k->health, s->vs->servers[i].id),
				 look_at(l, s, &s->vs->servers[i]).bytes, interval_us);
}

/* Without the kernel's counters, weights that go by them stay as they are. */
static void feed_back(struct keeper *k, int64_t interval_us)
{
	struct look l;
	bool known;

	look_begin(&l, k->n_served);
	for (uint32_t i = 0; i < k->n_served; i++)
		if (k->served[i].vs->feedback == FEEDBACK_BANDWIDTH)
			look_want(&l, &k->served[i]);
	known = l.n_at && !look(k, &l);
	for (uint32_t i = 0; i < k->n_served; i++) {
		struct served *s = &k->served[i];
		bool by_bytes = s->vs->feedback == FEEDBACK_BANDWIDTH;

		/* What flows through another director, that one counts. */
		if (!s->vs->feedback || (by_bytes && (!known || keeper_leader(k, s))))
			continue;
		if (by_bytes)
			count_bytes(k, &l, s, interval_us);
		if (pool_feedback(s->vs, &k->health))
			keeper_mark(k, s);
	}
	arena_free(l.arena);
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
		look_for_drained(k, now_us);
	}
	if (now_us - t->fed_back_us >= FEEDBACK_US) {
		feed_back(k, now_us - t->fed_back_us);
		t->fed_back_us = now_us;
	}
}

int64_t keeper_tend_us(const struct keeper *k)
{
	const struct keeper_tended *t = &k->tended;
	int64_t at_us = 0;

	if (!k->available || !k->model)
		return 0;
	if (t->n_drains || k->leaving.n)
		at_us = earlier_us(at_us, t->looked_us + LOOK_US);
	if (has_feedback(k))
		at_us = earlier_us(at_us, t->fed_back_us + FEEDBACK_US);
	for (uint32_t i = 0; i < k->n_served; i++)
		if (k->served[i].step_us)
			at_us = earlier_us(at_us, k->served[i].step_us);
	return at_us;
}
