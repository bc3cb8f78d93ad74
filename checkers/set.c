/* SPDX-License-Identifier: Apache-2.0 */
/* All checks and the real servers they speak for: see set.h. */
#include "checkers/set.h"

#include "checkers/schedule.h"
#include "core/clock.h"
#include "core/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of IPVS. */
#define WEIGHT_MAX 65535

/* What a restart of this process made late is made up for within this time. */
#define RESUME_WITHIN_US (1 * USEC_PER_SEC)

void check_memory_add(struct check_memory *m, const struct msg_check_state *state)
{
	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 256;
		m->states = must(realloc(m->states, m->cap * sizeof(*m->states)));
	}
	m->states[m->n++] = *state;
}

void check_memory_add_latency(struct check_memory *m, const struct msg_check_latency *latency)
{
	if (m->n_latencies == m->latencies_cap) {
		m->latencies_cap = m->latencies_cap ? m->latencies_cap * 2 : 256;
		m->latencies = must(realloc(m->latencies, m->latencies_cap * sizeof(*latency)));
	}
	m->latencies[m->n_latencies++] = *latency;
}

void check_memory_done(struct check_memory *m)
{
	free(m->states);
	free(m->latencies);
	*m = (struct check_memory){0};
}

static int compare_ids(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_states(const void *a, const void *b)
{
	return compare_ids(((const struct msg_check_state *)a)->check,
			   ((const struct msg_check_state *)b)->check);
}

static int compare_checks(const void *a, const void *b)
{
	return compare_ids((*(struct checked *const *)a)->conf->id,
			   (*(struct checked *const *)b)->conf->id);
}

static int compare_servers(const void *a, const void *b)
{
	return compare_ids((*(struct checked_server *const *)a)->conf->id,
			   (*(struct checked_server *const *)b)->conf->id);
}

static int compare_id_check(const void *id, const void *c)
{
	return compare_ids(*(const uint64_t *)id, (*(struct checked *const *)c)->conf->id);
}

static int compare_id_server(const void *id, const void *s)
{
	return compare_ids(*(const uint64_t *)id, (*(struct checked_server *const *)s)->conf->id);
}

static int compare_latencies(const void *a, const void *b)
{
	return compare_ids(((const struct msg_check_latency *)a)->check,
			   ((const struct msg_check_latency *)b)->check);
}

static int compare_id_latency(const void *id, const void *l)
{
	return compare_ids(*(const uint64_t *)id, ((const struct msg_check_latency *)l)->check);
}

static int compare_id_state(const void *id, const void *s)
{
	return compare_ids(*(const uint64_t *)id, ((const struct msg_check_state *)s)->check);
}

struct checked *check_set_find(const struct check_set *set, uint64_t id)
{
	struct checked **at = set->n_checks ? bsearch(&id, set->checks, set->n_checks, sizeof(*at),
						      compare_id_check)
					    : NULL;

	return at ? *at : NULL;
}

static struct checked_server *find_server(const struct check_set *set, uint64_t id)
{
	struct checked_server **at = set->n_servers ? bsearch(&id, set->servers, set->n_servers,
							      sizeof(*at), compare_id_server)
						    : NULL;

	return at ? *at : NULL;
}

static const struct msg_check_state *remembered(const struct check_memory *m, uint64_t id)
{
	return m->n ? bsearch(&id, m->states, m->n, sizeof(*m->states), compare_id_state) : NULL;
}

static const struct msg_check_latency *remembered_latency(const struct check_memory *m, uint64_t id)
{
	return m->n_latencies ? bsearch(&id, m->latencies, m->n_latencies, sizeof(*m->latencies),
					compare_id_latency)
			      : NULL;
}

static struct checked *first_down(const struct checked_server *s)
{
	for (uint32_t i = 0; i < s->n_checks; i++)
		if (!s->checks[i]->state.up)
			return s->checks[i];
	return NULL;
}

/* May this check give a weight? A reload may have taken that from it. */
static bool gives_weight(const struct checked *c)
{
	const struct check *conf = c->conf;

	return c->state.has_weight &&
	       ((conf->n_misc && conf->misc->dynamic) || (conf->n_file && conf->file->weight));
}

/* By how much it moves the configured weight: a file says just that, a script the weight itself. */
static int64_t moves_weight(const struct checked *c, int32_t configured)
{
	return c->conf->n_file ? c->state.weight : (int64_t)c->state.weight - configured;
}

/* Of several agents the least weight, the least maxconn, and the one that wants it furthest out. */
static bool heed_agents(struct checked_server *s)
{
	struct check_agent a = AGENT_SILENT, former = s->agent;

	for (uint32_t i = 0; i < s->n_checks; i++) {
		const struct check_agent *said = &s->checks[i]->state.agent;

		if (said->admin > a.admin)
			a.admin = said->admin;
		if (a.percent == 100 || (said->percent != 100 && said->percent < a.percent))
			a.percent = said->percent;
		if (said->maxconn && (!a.maxconn || said->maxconn < a.maxconn))
			a.maxconn = said->maxconn;
	}
	s->agent = a;
	return a.admin != former.admin || a.percent != former.percent ||
	       a.maxconn != former.maxconn;
}

/*
 * One check: what it gives. Several: each moves the configured weight by the difference between
 * what it gives and that, as in keepalived. True when it is another than before.
 */
static bool weigh_server(struct checked_server *s)
{
	int64_t sum = s->conf->weight;
	bool had = s->has_weight;
	int32_t former = s->weight;
	bool other_agent = heed_agents(s);

	s->has_weight = false;
	for (uint32_t i = 0; i < s->n_checks; i++) {
		if (!gives_weight(s->checks[i]))
			continue;
		s->has_weight = true;
		sum += moves_weight(s->checks[i], s->conf->weight);
	}
	sum = sum < 0 ? 0 : sum > WEIGHT_MAX ? WEIGHT_MAX : sum;
	s->weight = s->has_weight ? (int32_t)sum : 0;
	return s->has_weight != had || s->weight != former || other_agent;
}

/* "TCP_CHECK 10.0.0.3:80: connection refused (2 of 2 tries)" */
static void describe(const struct checked *c, struct text *ret)
{
	uint32_t n = check_machine_tries(c->conf);
	char name[TEXT_MAX];
	char tries[48] = "";

	if (c->state.failures >= n)
		snprintf(tries, sizeof(tries), " (%u of %u tries)", n, n);
	text_set(ret, "%s: %s%s", check_format(c->conf, name), c->state.result.s, tries);
}

/*
 * True when the server went up or down. `c`, if not NULL, is the check that changed. A server that
 * stays down may have another reason for it now.
 */
static bool judge_server(struct checked_server *s, const struct checked *c, int64_t now_us)
{
	const struct checked *down = first_down(s);
	bool changed = s->up != !down;

	if (changed) {
		s->up = !down;
		s->since_us = now_us;
	}
	if (down)
		describe(down, &s->reason);
	else if (c)
		describe(c, &s->reason);
	else if (changed)
		text_set(&s->reason, "no check fails any more");
	return changed;
}

enum check_change checked_result(struct checked *c, const struct check_result *result,
				 int64_t now_us)
{
	enum check_change change = check_machine_result(&c->state, c->conf, result, now_us);

	if (change != CHECK_SAME)
		judge_server(c->server, c, now_us);
	weigh_server(c->server);
	return change;
}

/* An update under way: the next arrays, and the checks that need a place in the schedule. */
struct update {
	struct check_set *set;
	struct check_set next;
	struct check_memory *memory;
	struct schedule_slot *slots;
	const struct check **confs; /* of the slots' checks, in the new model */
	size_t n_slots;
	int64_t now_us;
};

static void count(const struct model *m, size_t *ret_servers, size_t *ret_checks)
{
	*ret_servers = *ret_checks = 0;
	for (uint32_t i = 0; i < m->n_services; i++) {
		*ret_servers += m->services[i].n_servers;
		for (uint32_t j = 0; j < m->services[i].n_servers; j++)
			*ret_checks += m->services[i].servers[j].n_checks;
	}
}

static struct checked *take_check(struct update *u, const struct check *conf)
{
	struct checked *c = check_set_find(u->set, conf->id);

	if (!c) {
		c = must(calloc(1, sizeof(*c)));
		c->fresh = true;
		c->conf = conf;
	} else {
		c->fresh = c->retargeted = false;
		if (check_equal(c->conf, conf)) {
			c->conf = conf;
			return c;
		}
	}
	/* A changed check keeps its old conf until its place is known. */
	u->confs[u->n_slots] = conf;
	u->slots[u->n_slots] = (struct schedule_slot){
		.id = conf->id,
		.warmup_us = remembered(u->memory, conf->id) ? RESUME_WITHIN_US : conf->warmup_us,
		.place = u->n_slots,
	};
	u->n_slots++;
	return c;
}

static int compare_unchecked(const void *a, const void *b)
{
	return compare_ids(*(const uint64_t *)a, *(const uint64_t *)b);
}

static bool was_unchecked(const struct check_set *set, uint64_t id)
{
	return set->n_unchecked && bsearch(&id, set->unchecked, set->n_unchecked, sizeof(id),
					   compare_unchecked);
}

/* A server that had no check until now was up. */
static struct checked_server *new_server(struct update *u, uint64_t id)
{
	struct checked_server *s = must(calloc(1, sizeof(*s)));

	s->fresh = !was_unchecked(u->set, id);
	s->up = !s->fresh;
	s->agent = AGENT_SILENT;
	s->since_us = u->now_us;
	text_set(&s->reason, "has no checks");
	return s;
}

/* One that has never had a check needs no more than its id: there may be thousands. */
static void take_server(struct update *u, const struct virtual_server *service,
			const struct real_server *conf)
{
	struct checked_server *s = find_server(u->set, conf->id);
	struct check_set *next = &u->next;

	if (!s && !conf->n_checks) {
		next->unchecked[next->n_unchecked++] = conf->id;
		return;
	}
	if (s)
		s->fresh = false;
	else
		s = new_server(u, conf->id);
	s->changed = false;
	s->service = service;
	s->conf = conf;
	s->checks = next->by_server + next->n_checks;
	s->n_checks = conf->n_checks;
	for (uint32_t i = 0; i < conf->n_checks; i++) {
		struct checked *c = take_check(u, &conf->checks[i]);

		c->server = s;
		next->by_server[next->n_checks] = c;
		next->checks[next->n_checks++] = c;
	}
	next->servers[next->n_servers++] = s;
}

/*
 * What a check that nobody knew begins with: what its server is. Of a server that is new to this
 * process, its other checks may be known from a former life.
 */
static bool inherits_up(const struct update *u, const struct checked *c)
{
	const struct checked_server *s = c->server;
	bool known = !s->fresh;
	bool up = s->up;

	for (uint32_t i = 0; s->fresh && i < s->n_checks; i++) {
		const struct msg_check_state *saved = remembered(u->memory, s->checks[i]->conf->id);

		if (saved) {
			up = saved->up && (!known || up);
			known = true;
		}
	}
	return known ? up : !c->conf->alpha;
}

static void recall_histogram(struct check_state *s, const struct msg_check_latency *l)
{
	const uint32_t buckets[CHECK_BUCKETS] = {l->n0, l->n1, l->n2,  l->n3,  l->n4,  l->n5,  l->n6,
						 l->n7, l->n8, l->n9, l->n10, l->n11, l->n12, l->more};

	memcpy(s->histogram, buckets, sizeof(buckets));
}

static void place_check(struct update *u, struct checked *c, const struct check *conf,
			int64_t first_run_us)
{
	const struct msg_check_state *saved = remembered(u->memory, conf->id);
	const struct msg_check_latency *latency = remembered_latency(u->memory, conf->id);

	if (!c->fresh) {
		c->retargeted =
			check_machine_reconf(&c->state, c->conf, conf, first_run_us, u->now_us);
		c->conf = conf;
		if (c->retargeted && !c->server->up)
			check_machine_doubt(&c->state, u->now_us);
	} else if (saved) {
		check_machine_resume(&c->state, conf, saved, first_run_us, u->now_us);
		if (latency)
			recall_histogram(&c->state, latency);
	} else {
		check_machine_start(&c->state, inherits_up(u, c), first_run_us, u->now_us);
	}
}

/* The next set is sorted: its checks can be found while slots are in the order of their hashes. */
static void place_checks(struct update *u)
{
	schedule_spread(u->slots, u->n_slots, u->now_us);
	for (size_t i = 0; i < u->n_slots; i++) {
		const struct check *conf = u->confs[u->slots[i].place];

		place_check(u, check_set_find(&u->next, conf->id), conf, u->slots[i].first_run_us);
	}
}

/* A server that is new to this process: since when it is what it is, and why. */
static void found_server(struct checked_server *s, int64_t now_us)
{
	const struct checked *last = first_down(s);

	s->up = !last;
	for (uint32_t i = 0; s->up && i < s->n_checks; i++)
		if (!last || s->checks[i]->state.since_us > last->state.since_us)
			last = s->checks[i];
	s->since_us = last ? last->state.since_us : now_us;
	if (last)
		describe(last, &s->reason);
	else
		text_set(&s->reason, "has no checks");
}

static void judge_servers(struct check_set *set, int64_t now_us)
{
	for (size_t i = 0; i < set->n_servers; i++) {
		struct checked_server *s = set->servers[i];

		if (s->fresh)
			found_server(s, now_us);
		else
			s->changed = judge_server(s, NULL, now_us);
		s->weighed = weigh_server(s);
	}
}

static void drop_rest(struct check_set *old, const struct check_set *next,
		      void (*drop)(void *ctx, struct checked *c), void *ctx)
{
	for (size_t i = 0; i < old->n_checks; i++) {
		struct checked *c = old->checks[i];

		if (check_set_find(next, c->conf->id))
			continue;
		if (drop)
			drop(ctx, c);
		free(c);
	}
	for (size_t i = 0; i < old->n_servers; i++)
		if (!find_server(next, old->servers[i]->conf->id))
			free(old->servers[i]);
	free(old->checks);
	free(old->servers);
	free(old->by_server);
	free(old->unchecked);
}

static void update_init(struct update *u, const struct model *m)
{
	size_t n_servers, n_checks;

	count(m, &n_servers, &n_checks);
	u->next.checks = must(calloc(n_checks + 1, sizeof(*u->next.checks)));
	u->next.by_server = must(calloc(n_checks + 1, sizeof(*u->next.by_server)));
	u->next.servers = must(calloc(n_servers + 1, sizeof(*u->next.servers)));
	u->next.unchecked = must(calloc(n_servers + 1, sizeof(*u->next.unchecked)));
	u->slots = must(calloc(n_checks + 1, sizeof(*u->slots)));
	u->confs = must(calloc(n_checks + 1, sizeof(*u->confs)));
	if (u->memory->n)
		qsort(u->memory->states, u->memory->n, sizeof(*u->memory->states), compare_states);
	if (u->memory->n_latencies)
		qsort(u->memory->latencies, u->memory->n_latencies, sizeof(*u->memory->latencies),
		      compare_latencies);
}

void check_set_update(struct check_set *set, const struct model *model, struct check_memory *memory,
		      int64_t now_us, void (*drop)(void *ctx, struct checked *c), void *ctx)
{
	struct check_memory none = {0};
	struct update u = {.set = set, .memory = memory ? memory : &none, .now_us = now_us};

	update_init(&u, model);
	for (uint32_t i = 0; i < model->n_services; i++)
		for (uint32_t j = 0; j < model->services[i].n_servers; j++)
			take_server(&u, &model->services[i], &model->services[i].servers[j]);
	qsort(u.next.checks, u.next.n_checks, sizeof(*u.next.checks), compare_checks);
	qsort(u.next.servers, u.next.n_servers, sizeof(*u.next.servers), compare_servers);
	if (u.next.n_unchecked)
		qsort(u.next.unchecked, u.next.n_unchecked, sizeof(*u.next.unchecked),
		      compare_unchecked);
	drop_rest(set, &u.next, drop, ctx);
	place_checks(&u);
	judge_servers(&u.next, now_us);
	*set = u.next;
	free(u.slots);
	free(u.confs);
}

void check_set_done(struct check_set *set)
{
	for (size_t i = 0; i < set->n_checks; i++)
		free(set->checks[i]);
	for (size_t i = 0; i < set->n_servers; i++)
		free(set->servers[i]);
	free(set->checks);
	free(set->servers);
	free(set->by_server);
	free(set->unchecked);
	*set = (struct check_set){0};
}
