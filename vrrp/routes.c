/* SPDX-License-Identifier: Apache-2.0 */
/* The routes and rules at work: see routes.h. */
#include "vrrp/routes.h"

#include "core/arena.h"
#include "core/log.h"
#include "core/must.h"
#include "vrrp/config.h"
#include "vrrp/route_netlink.h"
#include "vrrp/route_plan.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define STATIC 0 /* no instance's id */
/* What the kernel refused is asked for again. */
#define RETRY_S 1.0

/* Those of one instance, or the static ones. */
struct set {
	uint64_t owner;
	struct text name;
	struct arena *arena;
	struct fib_wanted **wanted;
	size_t n;
	bool holds; /* they are to be there */
	bool leaving;
	unsigned added; /* in this pass */
};

struct pass {
	struct arena *arena;
	struct fib_op *ops;
	size_t n;
	size_t at;
	unsigned removed;
};

struct routes {
	struct ev_loop *loop;
	const struct netifs *netifs;
	struct fib_netlink *kernel;
	void (*changed)(void *ctx);
	void *ctx;
	struct set **sets;
	size_t n_sets;
	struct arena *arena; /* of the groups */
	const struct track_group *groups;
	uint32_t n_groups;
	unsigned failing; /* static ones with a track_group */
	bool committed;
	bool dirty;
	bool stuck; /* the kernel gave no answer in this pass */
	bool swept; /* what an earlier life left was looked for */
	struct pass pass;
	struct log_limit limit;
	ev_idle work;
	ev_timer retry;
};

/* Copies: the model's go with the model */

static struct route copy_route(struct arena *arena, const struct route *r)
{
	struct route copy = *r;

	copy.nexthops = arena_array(arena, r->n_nexthops, sizeof(*r->nexthops));
	for (uint32_t i = 0; i < r->n_nexthops; i++) {
		copy.nexthops[i] = r->nexthops[i];
		copy.nexthops[i].ifname = arena_strdup(arena, r->nexthops[i].ifname);
	}
	copy.metrics = arena_array(arena, r->n_metrics, sizeof(*r->metrics));
	if (r->n_metrics)
		memcpy(copy.metrics, r->metrics, r->n_metrics * sizeof(*r->metrics));
	return copy;
}

static struct rule copy_rule(struct arena *arena, const struct rule *r)
{
	struct rule copy = *r;

	copy.iif = arena_strdup(arena, r->iif);
	copy.oif = arena_strdup(arena, r->oif);
	return copy;
}

/* Sets */

static struct set *find_set(const struct routes *r, uint64_t owner)
{
	for (size_t i = 0; i < r->n_sets; i++)
		if (r->sets[i]->owner == owner)
			return r->sets[i];
	return NULL;
}

static struct set *add_set(struct routes *r, uint64_t owner)
{
	struct set *s = must(calloc(1, sizeof(*s)));

	s->owner = owner;
	s->holds = owner == STATIC;
	r->sets = must(realloc(r->sets, (r->n_sets + 1) * sizeof(*r->sets)));
	r->sets[r->n_sets++] = s;
	return s;
}

static void free_set(struct set *s)
{
	if (s->arena)
		arena_free(s->arena);
	free(s);
}

/* What is known of one that was there before goes on. */
static void carry_over(struct fib_wanted *w, const struct set *former)
{
	struct fib_wanted *f = fib_find(former->wanted, former->n, &w->object);

	if (!f)
		return;
	w->added = f->added;
	w->held = f->held;
	w->error = f->error;
	f->owner = NULL; /* it has a successor */
}

static struct fib_object copy_object(struct arena *arena, const struct fib_object *o)
{
	struct fib_object copy = {.kind = o->kind};

	if (o->kind == FIB_ROUTE)
		copy.route = copy_route(arena, &o->route);
	else
		copy.rule = copy_rule(arena, &o->rule);
	return copy;
}

static void add_wanted(struct set *s, const struct fib_object *o, const struct set *former)
{
	struct fib_wanted *w = arena_alloc(s->arena, sizeof(*w));

	*w = (struct fib_wanted){.object = *o, .active = s->holds, .owner = s};
	carry_over(w, former);
	s->wanted[s->n++] = w;
}

/* What was added for lines that are gone is to go, too, and nothing else would tell it from what
 * another daemon has added. */
static void keep_former(struct set *s, const struct set *former)
{
	for (size_t i = 0; i < former->n; i++) {
		const struct fib_wanted *f = former->wanted[i];
		struct fib_wanted *w;

		if (!f->owner || !(f->former || f->held))
			continue;
		w = arena_alloc(s->arena, sizeof(*w));
		*w = (struct fib_wanted){.object = copy_object(s->arena, &f->object),
					 .former = true,
					 .owner = s};
		s->wanted[s->n++] = w;
	}
}

static void fill_set(struct set *s, const char *name, const struct route *routes, uint32_t n_routes,
		     const struct rule *rules, uint32_t n_rules)
{
	struct set former = *s;

	fib_sort(former.wanted, former.n); /* it has no order any more */
	s->arena = arena_new();
	s->n = 0;
	s->leaving = false;
	s->wanted = arena_array(s->arena, n_routes + n_rules + former.n, sizeof(*s->wanted));
	text_set(&s->name, "%s", name);
	for (uint32_t i = 0; i < n_routes; i++) {
		struct fib_object o = {.kind = FIB_ROUTE, .route = routes[i]};

		o = copy_object(s->arena, &o);
		add_wanted(s, &o, &former);
	}
	for (uint32_t i = 0; i < n_rules; i++) {
		struct fib_object o = {.kind = FIB_RULE, .rule = rules[i]};

		o = copy_object(s->arena, &o);
		add_wanted(s, &o, &former);
	}
	keep_former(s, &former);
	if (former.arena)
		arena_free(former.arena);
}

static void set_of(struct routes *r, uint64_t owner, const char *name, const struct route *routes,
		   uint32_t n_routes, const struct rule *rules, uint32_t n_rules)
{
	struct set *s = find_set(r, owner);

	if (!s && !n_routes && !n_rules)
		return;
	fill_set(s ? s : add_set(r, owner), name, routes, n_routes, rules, n_rules);
}

static size_t count_wanted(const struct routes *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_sets; i++)
		n += r->sets[i]->n;
	return n;
}

static void drop_former(struct set *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++)
		if (!s->wanted[i]->former)
			s->wanted[kept++] = s->wanted[i];
	s->n = kept;
}

/* Nothing of theirs is left in the kernel. */
static void drop_leaving(struct routes *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n_sets; i++)
		drop_former(r->sets[i]);

	for (size_t i = 0; i < r->n_sets; i++) {
		if (r->sets[i]->leaving)
			free_set(r->sets[i]);
		else
			r->sets[kept++] = r->sets[i];
	}
	r->n_sets = kept;
}

/* A pass: look, plan, carry out */

static void cancel_pass(struct routes *r)
{
	if (r->pass.arena)
		arena_free(r->pass.arena);
	r->pass = (struct pass){0};
}

static void touch(struct routes *r)
{
	r->dirty = true;
	ev_idle_start(r->loop, &r->work);
}

void routes_touch(struct routes *r)
{
	if (r->committed && (count_wanted(r) || !r->swept))
		touch(r);
}

/* keepalived's own, and what no_track lines say instead. */
static int choose_protocols(struct routes *r)
{
	bool protocols[256] = {[RTPROT_KEEPALIVED] = true};

	for (size_t i = 0; i < r->n_sets; i++) {
		for (size_t k = 0; k < r->sets[i]->n; k++) {
			const struct fib_object *o = &r->sets[i]->wanted[k]->object;

			protocols[o->kind == FIB_ROUTE ? o->route.protocol : o->rule.protocol] =
				true;
		}
	}
	return fib_netlink_watch(r->kernel, protocols, count_wanted(r));
}

/* The kernel would not say or do: looked at again soon, or nobody would. */
static void complain(struct routes *r, const char *what, int err)
{
	if (log_limit_pass(&r->limit, clock_now_us()))
		log_error("routes can't be %s: %s: tried again%s", what, strerror(-err),
			  log_limit_suffix(&r->limit));
	r->stuck = true;
}

/* Once: they may be what another daemon needs, or what one that was killed has left. */
static void tell_strangers(const struct routes *r, struct fib_wanted *const *sorted, size_t n,
			   const struct fib_object *seen, size_t n_seen)
{
	unsigned strangers = 0;

	for (size_t i = 0; i < n_seen && !r->swept; i++)
		strangers += fib_is_strange(sorted, n, &seen[i]);
	if (strangers)
		log_notice("%u %s of protocol keepalived that %s not configured here: left alone",
			   strangers, strangers == 1 ? "route or rule" : "routes and rules",
			   strangers == 1 ? "is" : "are");
}

static bool begin_pass(struct routes *r)
{
	size_t n = count_wanted(r), n_seen, at = 0;
	struct pass *p = &r->pass;
	struct fib_wanted **all, **sorted;
	struct fib_object *seen;
	int err;

	cancel_pass(r);
	p->arena = arena_new();
	err = choose_protocols(r);
	if (!err)
		err = fib_netlink_dump(r->kernel, r->netifs, p->arena, &seen, &n_seen);
	if (err) {
		complain(r, "read", err);
		return false;
	}
	all = arena_array(p->arena, n, sizeof(*all));
	sorted = arena_array(p->arena, n, sizeof(*sorted));
	p->ops = arena_array(p->arena, n + n_seen, sizeof(*p->ops));
	for (size_t i = 0; i < r->n_sets; i++) {
		memcpy(all + at, r->sets[i]->wanted, r->sets[i]->n * sizeof(*all));
		at += r->sets[i]->n;
	}
	p->n = fib_plan(all, n, sorted, seen, n_seen, p->ops);
	tell_strangers(r, sorted, n, seen, n_seen);
	return true;
}

static void take_added(struct routes *r, struct fib_wanted *w)
{
	struct set *s = w->owner;
	char text[TEXT_MAX];

	if (w->error)
		log_notice("%s: %s added", s->name.s, fib_format(&w->object, text));
	else if (w->held && log_limit_pass(&r->limit, clock_now_us()))
		log_warning("%s: %s was taken away: put back%s", s->name.s,
			    fib_format(&w->object, text), log_limit_suffix(&r->limit));
	else if (!w->held)
		s->added++;
	w->added = w->held = w->present = true;
	w->error = 0;
}

static void take_refused(struct fib_wanted *w, int err)
{
	const struct set *s = w->owner;
	char text[TEXT_MAX];

	if (w->error != err)
		log_warning("%s: %s can't be added: %s", s->name.s, fib_format(&w->object, text),
			    strerror(-err));
	w->error = err;
}

static void take_result(struct routes *r, const struct fib_op *op)
{
	char text[TEXT_MAX];

	if (op->wanted && op->error)
		take_refused(op->wanted, op->error);
	else if (op->wanted)
		take_added(r, op->wanted);
	else if (!op->error)
		r->pass.removed++;
	else if (log_limit_pass(&r->limit, clock_now_us()))
		log_warning("%s can't be removed: %s%s", fib_format(op->object, text),
			    strerror(-op->error), log_limit_suffix(&r->limit));
}

/* Some were refused, or the kernel has lost some meanwhile. */
static bool any_missing(const struct routes *r)
{
	for (size_t i = 0; i < r->n_sets; i++)
		for (size_t k = 0; k < r->sets[i]->n; k++)
			if (r->sets[i]->wanted[k]->active && r->sets[i]->wanted[k]->error)
				return true;
	return false;
}

static unsigned count_failing(const struct routes *r)
{
	const struct set *s = find_set(r, STATIC);
	unsigned failing = 0;

	for (size_t i = 0; s && i < s->n; i++) {
		const struct fib_object *o = &s->wanted[i]->object;

		if (s->wanted[i]->error)
			failing += (o->kind == FIB_ROUTE ? o->route.track_group
							 : o->rule.track_group) != 0;
	}
	return failing;
}

static void tell_pass(struct routes *r)
{
	for (size_t i = 0; i < r->n_sets; i++) {
		struct set *s = r->sets[i];

		if (s->added)
			log_notice("%s: %u %s added", s->name.s, s->added,
				   s->added == 1 ? "route or rule" : "routes and rules");
		s->added = 0;
	}
	if (r->pass.removed)
		log_notice("%u %s removed", r->pass.removed,
			   r->pass.removed == 1 ? "route or rule" : "routes and rules");
}

static void plan_retry(struct routes *r)
{
	ev_timer_stop(r->loop, &r->retry);
	if (r->stuck || any_missing(r)) {
		ev_timer_set(&r->retry, RETRY_S, 0);
		ev_timer_start(r->loop, &r->retry);
	}
	r->stuck = false;
}

static void end_pass(struct routes *r)
{
	unsigned failing = count_failing(r);

	tell_pass(r);
	r->swept = true;
	if (!r->pass.n)
		drop_leaving(r);
	cancel_pass(r);
	plan_retry(r);
	if (failing == r->failing)
		return;
	r->failing = failing;
	r->changed(r->ctx);
}

static void note_present(struct routes *r)
{
	for (size_t i = 0; i < r->n_sets; i++) {
		for (size_t k = 0; k < r->sets[i]->n; k++) {
			struct fib_wanted *w = r->sets[i]->wanted[k];

			if (!w->present)
				continue;
			w->added = w->held = true;
			w->error = 0;
		}
	}
}

/* One batch. What is left of the plan after an error is for the next look. */
static void send_batch(struct routes *r)
{
	struct pass *p = &r->pass;
	int n = fib_netlink_apply(r->kernel, r->netifs, p->ops + p->at, p->n - p->at);

	for (int i = 0; i < n; i++)
		take_result(r, &p->ops[p->at + (size_t)i]);
	if (n < 0)
		complain(r, "changed", n);
	p->at = n < 0 ? p->n : p->at + (size_t)n;
}

/* One step: looks, or sends one batch. False: there is nothing to do. */
static bool work(struct routes *r)
{
	struct pass *p = &r->pass;

	if (!p->arena && !r->dirty)
		return false;
	if (!p->arena) {
		r->dirty = false;
		if (!begin_pass(r)) {
			cancel_pass(r);
			plan_retry(r);
			return false;
		}
		note_present(r);
	} else {
		send_batch(r);
	}
	if (p->at == p->n)
		end_pass(r);
	return true;
}

static void on_work(struct ev_loop *loop, ev_idle *w, int events)
{
	if (!work(w->data))
		ev_idle_stop(loop, w);
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int events)
{
	touch(w->data);
}

static void on_kernel_changed(void *ctx)
{
	touch(ctx);
}

/* What others ask */

static void copy_groups(struct routes *r, const struct model *now)
{
	struct track_group *groups;

	if (r->arena)
		arena_free(r->arena);
	r->arena = arena_new();
	groups = arena_array(r->arena, now->n_track_groups, sizeof(*groups));
	for (uint32_t i = 0; i < now->n_track_groups; i++) {
		groups[i] = now->track_groups[i];
		groups[i].members = arena_array(r->arena, groups[i].n_members,
						sizeof(*groups[i].members));
		for (uint32_t k = 0; k < groups[i].n_members; k++)
			groups[i].members[k] = now->track_groups[i].members[k];
	}
	r->groups = groups;
	r->n_groups = now->n_track_groups;
}

void routes_commit(struct routes *r, const struct model *now)
{
	cancel_pass(r);
	set_of(r, STATIC, "static", now->static_routes, now->n_static_routes, now->static_rules,
	       now->n_static_rules);
	for (uint32_t i = 0; i < now->n_instances; i++) {
		const struct vrrp_instance *v = &now->instances[i];

		set_of(r, v->id, v->name, v->routes, v->n_routes, v->rules, v->n_rules);
	}
	copy_groups(r, now);
	r->committed = true;
	touch(r);
}

/* What no_track lines asked for was added then. */
void routes_resume(struct routes *r)
{
	for (size_t i = 0; i < r->n_sets; i++)
		for (size_t k = 0; k < r->sets[i]->n; k++)
			r->sets[i]->wanted[k]->added = r->sets[i]->holds;
}

void routes_hold(struct routes *r, uint64_t instance, bool holds)
{
	struct set *s = find_set(r, instance);

	if (!s || s->holds == holds)
		return;
	s->holds = holds;
	for (size_t i = 0; i < s->n; i++) {
		s->wanted[i]->active = holds && !s->wanted[i]->former;
		s->wanted[i]->added = s->wanted[i]->held = false;
		s->wanted[i]->error = 0;
	}
	cancel_pass(r);
	touch(r);
}

void routes_release(struct routes *r, uint64_t instance)
{
	struct set *s = find_set(r, instance);

	if (!s)
		return;
	routes_hold(r, instance, false);
	s->leaving = true;
	touch(r);
}

const struct track_group *routes_groups(const struct routes *r, uint32_t *ret_n)
{
	*ret_n = r->n_groups;
	return r->groups;
}

bool routes_fault(const struct routes *r, uint64_t instance, struct text *ret)
{
	const struct set *s = r->failing ? find_set(r, STATIC) : NULL;
	char text[TEXT_MAX];

	for (size_t i = 0; s && i < s->n; i++) {
		const struct fib_wanted *w = s->wanted[i];
		uint64_t group = w->object.kind == FIB_ROUTE ? w->object.route.track_group
							     : w->object.rule.track_group;

		if (!w->error || !vrrp_config_in_group(r->groups, r->n_groups, group, instance))
			continue;
		text_set(ret, "static %s is missing: %s", fib_format(&w->object, text),
			 strerror(-w->error));
		return true;
	}
	return false;
}

void routes_stop(struct routes *r)
{
	for (size_t i = 0; i < r->n_sets; i++)
		for (size_t k = 0; k < r->sets[i]->n; k++)
			r->sets[i]->wanted[k]->active = false;
	ev_idle_stop(r->loop, &r->work);
	ev_timer_stop(r->loop, &r->retry);
	cancel_pass(r);
	r->dirty = r->committed;
	/* A pass that looks, and those batches that it needs. */
	while (work(r))
		;
}

int routes_new(struct ev_loop *loop, const struct netifs *netifs, void (*changed)(void *ctx),
	       void *ctx, struct routes **ret)
{
	struct routes *r = must(calloc(1, sizeof(*r)));
	int err;

	*r = (struct routes){.loop = loop, .netifs = netifs, .changed = changed, .ctx = ctx};
	r->limit = (struct log_limit){.interval_us = 60 * USEC_PER_SEC, .burst = 10};
	err = fib_netlink_open(loop, on_kernel_changed, r, &r->kernel);
	if (err) {
		free(r);
		return err;
	}
	ev_idle_init(&r->work, on_work);
	ev_set_priority(&r->work, EV_MINPRI);
	r->work.data = r;
	ev_timer_init(&r->retry, on_retry, RETRY_S, 0);
	r->retry.data = r;
	*ret = r;
	return 0;
}
