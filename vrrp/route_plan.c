/* SPDX-License-Identifier: Apache-2.0 */
/* Routes and rules, wanted and seen: see route_plan.h. */
#include "vrrp/route_plan.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* The kernel's own key: of two routes with the same one, the latter replaces the former. */
static int compare_routes(const struct route *a, const struct route *b)
{
	int c = COMPARE(a->family, b->family);

	c = c ? c : COMPARE(a->table, b->table);
	c = c ? c : addr_compare(&a->to, &b->to);
	c = c ? c : COMPARE(a->to_len, b->to_len);
	c = c ? c : COMPARE(a->metric, b->metric);
	return c ? c : COMPARE(a->tos, b->tos);
}

static int compare(const struct fib_object *a, const struct fib_object *b)
{
	if (a->kind != b->kind)
		return COMPARE(a->kind, b->kind);
	if (a->kind == FIB_ROUTE)
		return compare_routes(&a->route, &b->route);
	return a->rule.family != b->rule.family ? COMPARE(a->rule.family, b->rule.family)
						: COMPARE(a->rule.preference, b->rule.preference);
}

static int compare_wanted(const void *a, const void *b)
{
	return compare(&(*(struct fib_wanted *const *)a)->object,
		       &(*(struct fib_wanted *const *)b)->object);
}

static bool hop_is(const struct nexthop *wanted, const struct nexthop *seen)
{
	return addr_equal(&wanted->via, &seen->via) && wanted->weight == seen->weight &&
	       wanted->onlink == seen->onlink && wanted->realms == seen->realms &&
	       (!wanted->ifname[0] || !strcmp(wanted->ifname, seen->ifname));
}

static bool hops_are(const struct route *wanted, const struct route *seen)
{
	if (wanted->n_nexthops != seen->n_nexthops)
		return false;
	for (uint32_t i = 0; i < wanted->n_nexthops; i++)
		if (!hop_is(&wanted->nexthops[i], &seen->nexthops[i]))
			return false;
	return true;
}

/* The field by field comparison of the model, without what the kernel does not know, or counts. */
static bool route_is(const struct route *wanted, const struct route *seen)
{
	struct route w = *wanted, s = *seen;

	if (!hops_are(wanted, seen) || !w.expires_s != !s.expires_s)
		return false;
	w.nexthops = s.nexthops = NULL;
	w.n_nexthops = s.n_nexthops = 0;
	w.expires_s = s.expires_s = 0;
	w.append = s.append = false;
	w.no_track = s.no_track = false;
	w.track_group = s.track_group = 0;
	return route_equal(&w, &s);
}

static bool rule_is(const struct rule *wanted, const struct rule *seen)
{
	struct rule w = *wanted, s = *seen;

	if (w.l3mdev)
		w.table = s.table = 0;
	w.no_track = s.no_track = false;
	w.track_group = s.track_group = 0;
	return rule_equal(&w, &s);
}

bool fib_is(const struct fib_object *wanted, const struct fib_object *seen)
{
	if (wanted->kind != seen->kind)
		return false;
	return wanted->kind == FIB_ROUTE ? route_is(&wanted->route, &seen->route)
					 : rule_is(&wanted->rule, &seen->rule);
}

static bool is_marked(const struct fib_object *o)
{
	return (o->kind == FIB_ROUTE ? o->route.protocol : o->rule.protocol) == RTPROT_KEEPALIVED;
}

static bool no_track(const struct fib_object *o)
{
	return o->kind == FIB_ROUTE ? o->route.no_track : o->rule.no_track;
}

/* The first that is not before it. */
static size_t lower_bound(struct fib_wanted *const *sorted, size_t n, const struct fib_object *o)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (compare(&sorted[mid]->object, o) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* True: it is to stay. Two who want the same both have it. Ours is also what has the mark and the
 * place of a wanted one: somebody has changed it. */
static bool note_seen(struct fib_wanted *const *sorted, size_t n, const struct fib_object *seen)
{
	bool stays = false, idle = false, changed = false;

	for (size_t i = lower_bound(sorted, n, seen);
	     i < n && compare(&sorted[i]->object, seen) == 0; i++) {
		changed |= is_marked(seen);
		if (!fib_is(&sorted[i]->object, seen))
			continue;
		stays |= sorted[i]->active;
		idle |= !sorted[i]->active;
		sorted[i]->present |= sorted[i]->active;
	}
	return stays || (!idle && !changed);
}

static size_t plan_deletions(struct fib_wanted *const *sorted, size_t n,
			     const struct fib_object *seen, size_t n_seen, struct fib_op *ops)
{
	size_t n_ops = 0;

	for (size_t i = 0; i < n_seen; i++)
		if (!note_seen(sorted, n, &seen[i]))
			ops[n_ops++] = (struct fib_op){.verb = FIB_DELETE, .object = &seen[i]};
	return n_ops;
}

/* Rules first, while their tables are full. */
static int compare_ops(const void *a, const void *b)
{
	const struct fib_object *x = ((const struct fib_op *)a)->object;
	const struct fib_object *y = ((const struct fib_op *)b)->object;

	return x->kind != y->kind ? COMPARE(y->kind, x->kind) : compare(x, y);
}

/* A deletion that a replacement makes needless; it has no object then. */
static bool take_over(struct fib_op *deletions, size_t n, const struct fib_object *o)
{
	size_t lo = 0, hi = n;

	if (o->kind != FIB_ROUTE || o->route.append)
		return false;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (compare_ops(&deletions[mid], &(struct fib_op){.object = o}) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < n && compare(deletions[lo].object, o) == 0; lo++) {
		if (deletions[lo].verb != FIB_DELETE)
			continue;
		deletions[lo].verb = FIB_REPLACE; /* marks it as taken */
		return true;
	}
	return false;
}

static size_t plan_additions(struct fib_wanted *const *wanted, size_t n, enum fib_kind kind,
			     struct fib_op *deletions, size_t n_deletions, struct fib_op *ops)
{
	size_t n_ops = 0;

	for (size_t i = 0; i < n; i++) {
		struct fib_wanted *w = wanted[i];
		bool replaces;

		if (w->object.kind != kind || !w->active || w->present ||
		    (w->added && no_track(&w->object)))
			continue;
		replaces = take_over(deletions, n_deletions, &w->object);
		ops[n_ops++] = (struct fib_op){.verb = replaces ? FIB_REPLACE : FIB_ADD,
					       .object = &w->object,
					       .wanted = w};
	}
	return n_ops;
}

void fib_sort(struct fib_wanted **list, size_t n)
{
	if (n)
		qsort(list, n, sizeof(*list), compare_wanted);
}

struct fib_wanted *fib_find(struct fib_wanted *const *sorted, size_t n, const struct fib_object *o)
{
	for (size_t i = lower_bound(sorted, n, o); i < n && compare(&sorted[i]->object, o) == 0; i++)
		if (fib_is(o, &sorted[i]->object))
			return sorted[i];
	return NULL;
}

bool fib_is_strange(struct fib_wanted *const *sorted, size_t n, const struct fib_object *seen)
{
	size_t i = lower_bound(sorted, n, seen);

	return is_marked(seen) && (i == n || compare(&sorted[i]->object, seen) != 0);
}

size_t fib_plan(struct fib_wanted *const *wanted, size_t n, struct fib_wanted **sorted,
		const struct fib_object *seen, size_t n_seen, struct fib_op *ops)
{
	size_t n_deletions, n_ops, kept = 0;

	for (size_t i = 0; i < n; i++) {
		wanted[i]->present = false;
		sorted[i] = wanted[i];
	}
	fib_sort(sorted, n);
	n_deletions = n_ops = plan_deletions(sorted, n, seen, n_seen, ops);
	if (n_deletions)
		qsort(ops, n_deletions, sizeof(*ops), compare_ops);
	n_ops += plan_additions(wanted, n, FIB_ROUTE, ops, n_deletions, ops + n_ops);
	n_ops += plan_additions(wanted, n, FIB_RULE, ops, n_deletions, ops + n_ops);
	for (size_t i = 0; i < n_ops; i++)
		if (ops[i].wanted || ops[i].verb == FIB_DELETE)
			ops[kept++] = ops[i];
	return kept;
}

/* Text, for people */

static void append(struct text *t, const char *format, const char *s, unsigned n)
{
	struct text former = *t;

	text_set(t, format, former.s, s, n);
}

static const char *format_route(const struct route *r, struct text *t)
{
	char addr[ADDR_TEXT_MAX];

	text_set(t, "route %s/%u", addr_format(&r->to, addr), r->to_len);
	for (uint32_t i = 0; i < r->n_nexthops; i++) {
		const struct nexthop *h = &r->nexthops[i];

		if (addr_is_set(&h->via))
			append(t, "%s via %s", addr_format(&h->via, addr), 0);
		if (h->ifname[0])
			append(t, "%s dev %s", h->ifname, 0);
	}
	if (r->table != RT_TABLE_MAIN)
		append(t, "%s table%s %u", "", r->table);
	return t->s;
}

static const char *format_rule(const struct rule *r, struct text *t)
{
	char addr[ADDR_TEXT_MAX];

	text_set(t, "rule %u:", r->preference);
	if (addr_is_set(&r->from))
		append(t, "%s from %s/%u", addr_format(&r->from, addr), r->from_len);
	if (addr_is_set(&r->to))
		append(t, "%s to %s/%u", addr_format(&r->to, addr), r->to_len);
	if (r->iif[0])
		append(t, "%s iif %s", r->iif, 0);
	if (r->action == FR_ACT_TO_TBL)
		append(t, "%s lookup%s %u", "", r->table);
	return t->s;
}

const char *fib_format(const struct fib_object *o, char *text)
{
	struct text t;

	strcpy(text, o->kind == FIB_ROUTE ? format_route(&o->route, &t) : format_rule(&o->rule, &t));
	return text;
}
