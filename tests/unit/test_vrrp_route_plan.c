/* SPDX-License-Identifier: Apache-2.0 */
/* Routes and rules: the plan between what is wanted and what is seen. */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/rng.h"
#include "vrrp/route_plan.h"

#define N 8

/* Wanted ones, a kernel that does as it is told, and the plan. */
struct lab {
	struct fib_wanted memory[N];
	struct fib_wanted *wanted[N];
	struct fib_wanted *sorted[N];
	size_t n;
	struct fib_object seen[3 * N];
	size_t n_seen;
	struct fib_op ops[4 * N];
	size_t n_ops;
};

static struct nexthop hops[] = {{.ifname = "eth0", .weight = 1}, {.ifname = "", .weight = 1}};

static struct fib_object route(unsigned net, uint32_t metric)
{
	struct fib_object o = {.kind = FIB_ROUTE};

	o.route = (struct route){.family = AF_INET,
				 .type = RTN_UNICAST,
				 .to = {.family = AF_INET, .b = {10, (uint8_t)net}},
				 .to_len = 16,
				 .table = RT_TABLE_MAIN,
				 .protocol = RTPROT_KEEPALIVED,
				 .metric = metric,
				 .nexthops = &hops[0],
				 .n_nexthops = 1};
	return o;
}

static struct fib_object rule(uint32_t preference)
{
	struct fib_object o = {.kind = FIB_RULE};

	o.rule = (struct rule){.family = AF_INET,
			       .preference = preference,
			       .iif = "",
			       .oif = "",
			       .action = FR_ACT_TO_TBL,
			       .table = 100,
			       .suppress_prefixlen = -1,
			       .suppress_ifgroup = -1,
			       .protocol = RTPROT_KEEPALIVED};
	return o;
}

static struct fib_wanted *want(struct lab *l, struct fib_object o)
{
	struct fib_wanted *w = &l->memory[l->n];

	*w = (struct fib_wanted){.object = o, .active = true};
	l->wanted[l->n++] = w;
	return w;
}

static void plan(struct lab *l)
{
	l->n_ops = fib_plan(l->wanted, l->n, l->sorted, l->seen, l->n_seen, l->ops);
}

static size_t find_seen(const struct lab *l, const struct fib_object *o)
{
	size_t i = 0;

	while (i < l->n_seen && memcmp(&l->seen[i], o, sizeof(*o)) != 0)
		i++;
	return i;
}

/* A replacement takes the first with its key away. */
static void carry_out(struct lab *l)
{
	struct fib_object objects[4 * N];

	for (size_t i = 0; i < l->n_ops; i++)
		objects[i] = *l->ops[i].object;
	for (size_t i = 0; i < l->n_ops; i++) {
		size_t at = find_seen(l, &objects[i]);

		for (size_t k = 0; l->ops[i].verb == FIB_REPLACE && k < l->n_seen; k++)
			if (l->seen[k].kind == FIB_ROUTE &&
			    l->seen[k].route.to.b[1] == objects[i].route.to.b[1] &&
			    l->seen[k].route.metric == objects[i].route.metric)
				at = k;
		if (l->ops[i].verb != FIB_ADD) {
			assert_true(at < l->n_seen);
			l->seen[at] = l->seen[--l->n_seen];
		}
		if (l->ops[i].verb != FIB_DELETE)
			l->seen[l->n_seen++] = objects[i];
	}
}

static void test_from_nothing(void **state)
{
	struct lab l = {.n = 0};

	want(&l, rule(7));
	want(&l, route(1, 0));
	want(&l, route(2, 0))->active = false;
	plan(&l);
	assert_int_equal(l.n_ops, 2);
	assert_int_equal(l.ops[0].object->kind, FIB_ROUTE); /* the rule's table is filled first */
	assert_int_equal(l.ops[1].object->kind, FIB_RULE);
	carry_out(&l);
	plan(&l);
	assert_int_equal(l.n_ops, 0);
	assert_true(l.memory[0].present && l.memory[1].present && !l.memory[2].present);
}

static void test_others_and_changes(void **state)
{
	struct lab l = {.n = 0};

	/* Another daemon's, by the same mark. */
	l.seen[l.n_seen++] = rule(7);
	l.seen[l.n_seen++] = route(2, 5);
	want(&l, route(1, 0))->object.route.nexthops = &hops[1];
	l.seen[l.n_seen++] = route(1, 0);
	l.seen[l.n_seen] = route(1, 0);
	l.seen[l.n_seen++].route.protocol = RTPROT_STATIC; /* somebody else's */
	plan(&l);
	/* The wanted route leaves its interface open, so it is there. */
	assert_int_equal(l.n_ops, 0);
	assert_true(fib_is_strange(l.sorted, l.n, &l.seen[0]));
	assert_true(fib_is_strange(l.sorted, l.n, &l.seen[1]));
	assert_false(fib_is_strange(l.sorted, l.n, &l.seen[2]));
	assert_false(fib_is_strange(l.sorted, l.n, &l.seen[3]));
	l.memory[0].object.route.src = (struct addr){.family = AF_INET, .b = {10}};
	plan(&l);
	assert_int_equal(l.n_ops, 1);
	assert_int_equal(l.ops[0].verb, FIB_REPLACE);
}

/* What an earlier model wanted goes; so does what stands in its place with our mark. */
static void test_former(void **state)
{
	struct lab l = {.n = 0};
	struct fib_wanted *w = want(&l, rule(7));

	w->former = true;
	w->active = false;
	w = want(&l, route(1, 0));
	w->active = false;
	l.seen[l.n_seen++] = rule(7);
	l.seen[l.n_seen++] = rule(8);
	l.seen[l.n_seen] = route(1, 0);
	l.seen[l.n_seen++].route.src = (struct addr){.family = AF_INET, .b = {10}};
	plan(&l);
	assert_int_equal(l.n_ops, 2);
	assert_true(l.ops[0].verb == FIB_DELETE && l.ops[1].verb == FIB_DELETE);
	assert_int_equal(l.ops[0].object->rule.preference, 7);
	assert_int_equal(l.ops[1].object->kind, FIB_ROUTE);
}

static void test_no_track(void **state)
{
	struct lab l = {.n = 0};
	struct fib_wanted *w = want(&l, route(1, 0));

	w->object.route.no_track = true;
	w->object.route.protocol = RTPROT_STATIC;
	plan(&l);
	assert_int_equal(l.n_ops, 1);
	w->added = true;
	plan(&l);
	assert_int_equal(l.n_ops, 0);
	/* It is ours to remove, whatever its protocol. */
	carry_out(&l);
	l.seen[l.n_seen] = w->object;
	l.seen[l.n_seen++].route.no_track = false;
	w->active = false;
	plan(&l);
	assert_int_equal(l.n_ops, 1);
	assert_int_equal(l.ops[0].verb, FIB_DELETE);
}

static void test_two_want_the_same(void **state)
{
	struct lab l = {.n = 0};
	struct fib_wanted *a = want(&l, route(1, 0)), *b = want(&l, route(1, 0));

	l.seen[l.n_seen++] = route(1, 0);
	plan(&l);
	assert_true(!l.n_ops && a->present && b->present);
	a->active = false;
	plan(&l);
	assert_int_equal(l.n_ops, 0);
	b->active = false;
	plan(&l);
	assert_int_equal(l.n_ops, 1);
}

/* Whatever is there and whatever is wanted: one plan is enough, and touches nothing that is right. */
static void test_settles(void **state)
{
	for (uint64_t seed = 1; seed <= 2000; seed++) {
		struct lab l = {.n = 0};
		struct rng rng;
		size_t right = 0;

		rng_init(&rng, seed);
		for (int i = 0; i < 6; i++) {
			struct fib_wanted *w = want(&l, rng_below(&rng, 4) ? route(i, 0) : rule(i));

			w->active = rng_below(&rng, 3);
			if (!rng_below(&rng, 2))
				continue;
			l.seen[l.n_seen] = w->object;
			if (w->object.kind == FIB_ROUTE && !rng_below(&rng, 3))
				l.seen[l.n_seen].route.tos = 4;
			else
				right += w->active;
			l.n_seen++;
		}
		plan(&l);
		for (size_t i = 0; i < l.n; i++)
			right -= l.memory[i].present;
		assert_int_equal(right, 0);
		carry_out(&l);
		plan(&l);
		assert_int_equal(l.n_ops, 0);
	}
}

static void test_text(void **state)
{
	struct fib_object o = route(1, 0), r = rule(7);
	char text[TEXT_MAX];

	o.route.table = 200;
	assert_string_equal(fib_format(&o, text), "route 10.1.0.0/16 dev eth0 table 200");
	r.rule.from = o.route.to;
	r.rule.from_len = 16;
	assert_string_equal(fib_format(&r, text), "rule 7: from 10.1.0.0/16 lookup 100");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_nothing),
		cmocka_unit_test(test_others_and_changes),
		cmocka_unit_test(test_former),
		cmocka_unit_test(test_no_track),
		cmocka_unit_test(test_two_want_the_same),
		cmocka_unit_test(test_settles),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
