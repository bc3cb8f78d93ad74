/* SPDX-License-Identifier: Apache-2.0 */
/* One pool's judgement: see pool.h. */
#include "ipvs/pool.h"

#include "core/clock.h"
#include "core/must.h"

#include <stdlib.h>
#include <string.h>

/* The rate follows with a third of each new interval. */
#define RATE_SHARE 3
#define ROUND_MAX_US (30 * USEC_PER_SEC)

bool pool_passes(const struct real_server *rs, const struct health_entry *e)
{
	if (!rs->n_checks)
		return true;
	if (e && e->said)
		return e->up;
	for (uint32_t i = 0; i < rs->n_checks; i++)
		if (rs->checks[i].alpha)
			return false;
	return true;
}

enum server_admin pool_admin(const struct health_entry *e)
{
	if (!e)
		return ADMIN_READY;
	return (enum server_admin)(e->agent.admin > e->override.admin ? e->agent.admin
								      : e->override.admin);
}

bool pool_has(const struct real_server *rs, const struct health_entry *e)
{
	enum server_admin admin = pool_admin(e);

	if (admin == ADMIN_MAINT || admin == ADMIN_DISABLED)
		return false;
	return pool_passes(rs, e) || (e && e->pool.kept);
}

bool pool_draws(const struct real_server *rs, const struct health_entry *e)
{
	return pool_has(rs, e) && pool_admin(e) != ADMIN_DRAIN;
}

static int32_t base_weight(const struct real_server *rs, const struct health_entry *e)
{
	if (e && e->override.has_weight)
		return e->override.weight;
	if (rs->n_checks && e && e->said && e->has_weight && e->weight >= 0)
		return e->weight;
	return rs->weight;
}

void pool_factors(const struct real_server *rs, const struct health_entry *e,
		  struct weight_factors *ret)
{
	*ret = (struct weight_factors){ .base = base_weight(rs, e),
					.ramp = e ? e->pool.ramp : HEALTH_WHOLE,
					.agent = HEALTH_WHOLE,
					.feedback = e ? e->pool.feedback : HEALTH_WHOLE };
	if (e)
		ret->agent = (uint16_t)(e->agent.percent * (HEALTH_WHOLE / 100));
	if (pool_admin(e) == ADMIN_DRAIN)
		ret->base = 0;
}

int32_t pool_quorum_weight(const struct real_server *rs, const struct health_entry *e)
{
	struct weight_factors f;

	pool_factors(rs, e, &f);
	f.ramp = HEALTH_WHOLE;
	f.feedback = HEALTH_WHOLE;
	return weight_product(&f);
}

uint32_t pool_ejection_max(const struct virtual_server *vs, uint32_t n)
{
	return vs->max_ejection ? (uint32_t)((uint64_t)n * vs->max_ejection / 100) : n;
}

/* The guard's pool is what no operator has taken out. */
static bool is_guarded(const struct health_entry *e)
{
	return !e || (e->override.admin != ADMIN_MAINT && e->override.admin != ADMIN_DISABLED);
}

struct failing {
	struct health_entry *e;
	const struct real_server *rs;
};

/* Who fails for longest goes first. */
static int compare_failing(const void *a, const void *b)
{
	const struct failing *x = a, *y = b;

	if (x->e->since_us != y->e->since_us)
		return x->e->since_us < y->e->since_us ? -1 : 1;
	return (x->rs->id > y->rs->id) - (x->rs->id < y->rs->id);
}

int64_t pool_checks_round_us(const struct real_server *rs)
{
	int64_t longest_us = 0;

	for (uint32_t i = 0; i < rs->n_checks; i++) {
		int64_t round_us = rs->checks[i].delay_loop_us + rs->checks[i].connect_timeout_us;

		longest_us = round_us > longest_us ? round_us : longest_us;
	}
	return longest_us < ROUND_MAX_US ? longest_us : ROUND_MAX_US;
}

/*
 * One that is kept does not go at the moment when another comes back: whatever brings that one back
 * may bring back all, and its own check has only not been asked yet.
 */
static bool may_go(const struct failing *f, bool room, int64_t now_us)
{
	struct health_pool *p = &f->e->pool;

	if (!room)
		p->release_us = 0;
	else if (p->kept && !p->release_us)
		p->release_us = now_us + pool_checks_round_us(f->rs);
	return room && (!p->kept || p->release_us <= now_us);
}

/*
 * Those that have never been in, and those that are out, stay out: nobody comes back without a
 * pass. Of those that are in and fail, as many go as may. Returns when the next one may; 0: never.
 */
static int64_t eject(const struct virtual_server *vs, struct failing *in, uint32_t n_in,
		     uint32_t n_out, uint32_t n_guarded, int64_t now_us)
{
	uint32_t max = pool_ejection_max(vs, n_guarded);
	int64_t next_us = 0;

	qsort(in, n_in, sizeof(*in), compare_failing);
	for (uint32_t i = 0; i < n_in; i++) {
		struct health_pool *p = &in[i].e->pool;
		bool out = may_go(&in[i], n_out < max, now_us);

		n_out += out || p->release_us;
		p->out = out;
		p->kept = !out;
		if (out)
			p->release_us = 0;
		next_us = earlier_us(next_us, p->release_us);
	}
	return next_us;
}

static int64_t guard(const struct virtual_server *vs, struct health *h, int64_t now_us)
{
	struct failing *in = NULL;
	uint32_t n_in = 0, n_out = 0, n_guarded = 0;
	int64_t next_us = 0;

	for (uint32_t i = 0; i < vs->n_servers; i++) {
		const struct real_server *rs = &vs->servers[i];
		struct health_entry *e = health_find(h, rs->id);
		bool guarded = is_guarded(e);

		n_guarded += guarded;
		if (!e)
			continue;
		if (pool_passes(rs, e)) {
			e->pool.out = e->pool.kept = false;
			e->pool.release_us = 0;
			continue;
		}
		if (!e->pool.known || !guarded)
			e->pool.out = true;
		if (e->pool.out) {
			e->pool.kept = false;
			n_out += guarded;
			continue;
		}
		if (!in)
			in = must(calloc(vs->n_servers, sizeof(*in)));
		in[n_in++] = (struct failing){ e, rs };
	}
	if (n_in)
		next_us = eject(vs, in, n_in, n_out, n_guarded, now_us);
	free(in);
	return next_us;
}

/* A server that comes to draw begins slowly; not at the very first look, and not if it never left. */
static int64_t ramp_step(const struct virtual_server *vs, const struct real_server *rs,
			 struct health_entry *e, int64_t now_us)
{
	struct health_pool *p = &e->pool;
	bool draws = pool_draws(rs, e);

	if (!draws || !vs->slow_start_us)
		p->ramp_since_us = 0;
	else if (p->known && !p->draws)
		p->ramp_since_us = now_us;
	p->known = true;
	p->draws = draws;
	p->ramp = weight_ramp(p->ramp_since_us, vs->slow_start_us, now_us);
	if (p->ramp == HEALTH_WHOLE)
		p->ramp_since_us = 0;
	return weight_ramp_next_us(p->ramp_since_us, vs->slow_start_us, now_us);
}

static enum pool_change compare(const struct health_pool *was, const struct health_pool *is)
{
	if (is->kept != was->kept)
		return is->kept ? POOL_KEPT : POOL_RELEASED;
	if (is->out != was->out || is->draws != was->draws || is->base != was->base ||
	    is->ramp != was->ramp || is->ramp_since_us != was->ramp_since_us ||
	    is->agent != was->agent || is->feedback != was->feedback)
		return POOL_MOVED;
	return POOL_SAME;
}

static void factors_step(const struct virtual_server *vs, const struct real_server *rs,
			 struct health_entry *e)
{
	struct weight_factors f;

	if (!vs->feedback)
		e->pool.feedback = HEALTH_WHOLE;
	pool_factors(rs, e, &f);
	e->pool.base = f.base;
	e->pool.agent = f.agent;
}

/* What a server is taken for of which nothing has been told: up, with its configured weight. */
static struct health_pool former_pool(const struct real_server *rs, const struct health_entry *e)
{
	if (e && e->pool.known)
		return e->pool;
	return (struct health_pool){ .draws = true,
				     .base = rs->weight,
				     .ramp = HEALTH_WHOLE,
				     .agent = HEALTH_WHOLE,
				     .feedback = HEALTH_WHOLE };
}

/*
 * A pool of which nothing but the model is known needs no entries, however many servers it has; but
 * whoever must know who was there before does.
 */
static struct health_entry *entry_of(const struct virtual_server *vs, struct health *h, uint64_t id)
{
	return vs->slow_start_us || vs->max_ejection ? health_take(h, id) : health_find(h, id);
}

int64_t pool_step(const struct virtual_server *vs, struct health *h, int64_t now_us,
		  void (*changed)(void *ctx, const struct real_server *rs, enum pool_change what),
		  void *ctx)
{
	struct health_pool *was = must(calloc(vs->n_servers + 1, sizeof(*was)));
	int64_t next_us;

	for (uint32_t i = 0; i < vs->n_servers; i++) {
		was[i] = former_pool(&vs->servers[i], entry_of(vs, h, vs->servers[i].id));
	}
	next_us = guard(vs, h, now_us);
	for (uint32_t i = 0; i < vs->n_servers; i++) {
		struct health_entry *e = health_find(h, vs->servers[i].id);
		enum pool_change what;

		if (!e)
			continue;
		next_us = earlier_us(next_us, ramp_step(vs, &vs->servers[i], e, now_us));
		factors_step(vs, &vs->servers[i], e);
		what = compare(&was[i], &e->pool);
		if (what != POOL_SAME)
			changed(ctx, &vs->servers[i], what);
	}
	free(was);
	return next_us;
}

/* What should be the same for all; 0: not known. */
static uint64_t load_of(const struct virtual_server *vs, const struct real_server *rs,
			const struct health_entry *e)
{
	int32_t base;

	if (!e || !pool_draws(rs, e))
		return 0;
	if (vs->feedback == FEEDBACK_LATENCY)
		return e->latency_us;
	base = base_weight(rs, e);
	return base > 0 ? e->pool.bytes_per_s * 1000 / (uint64_t)base : 0;
}

static int compare_loads(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The median: one server that is far off must not move what the others are measured by. */
static uint64_t middle_of(uint64_t *loads, uint32_t n)
{
	if (!n)
		return 0;
	qsort(loads, n, sizeof(*loads), compare_loads);
	return n % 2 ? loads[n / 2] : (loads[n / 2 - 1] + loads[n / 2]) / 2;
}

bool pool_feedback(const struct virtual_server *vs, struct health *h)
{
	const struct weight_feedback conf = { .cumulative = vs->feedback == FEEDBACK_BANDWIDTH,
					      .least = (uint16_t)(vs->feedback_min *
								  (HEALTH_WHOLE / 100)) };
	uint64_t *loads = must(calloc(vs->n_servers + 1, sizeof(*loads))), middle;
	bool changed = false;
	uint32_t n = 0;

	for (uint32_t i = 0; i < vs->n_servers; i++) {
		uint64_t load = load_of(vs, &vs->servers[i], health_get(h, vs->servers[i].id));

		if (load)
			loads[n++] = load;
	}
	middle = middle_of(loads, n);
	free(loads);
	for (uint32_t i = 0; i < vs->n_servers && n > 1; i++) {
		struct health_entry *e = health_find(h, vs->servers[i].id);
		uint64_t load = load_of(vs, &vs->servers[i], e);
		uint16_t was = e ? e->pool.feedback : 0;

		if (!load)
			continue;
		e->pool.feedback = weight_feedback_step(&conf, was, load, middle);
		changed |= e->pool.feedback != was;
	}
	return changed;
}

void pool_count_bytes(struct health_entry *e, uint64_t bytes, int64_t interval_us)
{
	struct health_pool *p = &e->pool;
	uint64_t rate;

	/* A destination that was added again counts from 0. */
	if (p->bytes && bytes >= p->bytes && interval_us > 0) {
		rate = (bytes - p->bytes) * USEC_PER_SEC / (uint64_t)interval_us;
		p->bytes_per_s = p->bytes_per_s
					 ? (p->bytes_per_s * (RATE_SHARE - 1) + rate) / RATE_SHARE
					 : rate;
	}
	p->bytes = bytes;
}
