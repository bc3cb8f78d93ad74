/* SPDX-License-Identifier: Apache-2.0 */
/* max_ejection, slow start, feedback, operators and agents: ipvs/pool.c and weight.c. */
#include "core/clock.h"
#include "ipvs/wanted.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S	USEC_PER_SEC
#define SERVERS 10

struct fixture {
	struct health health;
	struct check check;
	struct real_server servers[SERVERS];
	struct virtual_server vs;
	int changes[POOL_MOVED + 1];
};

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .vs = { .id = 1,
				      .scheduler = "wrr",
				      .quorum = 1,
				      .feedback_min = 25,
				      .n_servers = SERVERS,
				      .servers = f.servers } };
	for (int i = 0; i < SERVERS; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.0.0.%d", i + 1);
		addr_parse(text, &f.servers[i].address);
		f.servers[i].id = (uint64_t)i + 100;
		f.servers[i].weight = 100;
		f.servers[i].n_checks = 1;
		f.servers[i].checks = &f.check;
	}
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	health_done(&((struct fixture *)*state)->health);
	return 0;
}

static void on_change(void *ctx, const struct real_server *rs, enum pool_change what)
{
	((struct fixture *)ctx)->changes[what]++;
}

static int64_t step(struct fixture *f, int64_t now_us)
{
	memset(f->changes, 0, sizeof(f->changes));
	return pool_step(&f->vs, &f->health, now_us, on_change, f);
}

static void say(struct fixture *f, int which, bool up, int64_t now_us)
{
	health_set(&f->health, f->servers[which].id, up, now_us, up ? "connected" : "refused");
}

static const struct health_entry *entry(const struct fixture *f, int which)
{
	return health_get(&f->health, f->servers[which].id);
}

static bool has(const struct fixture *f, int which)
{
	return pool_has(&f->servers[which], entry(f, which));
}

static int count_in(const struct fixture *f)
{
	int n = 0;

	for (int i = 0; i < SERVERS; i++)
		n += has(f, i);
	return n;
}

static int weight(const struct fixture *f, int which)
{
	return wanted_server_weight(&f->servers[which], &f->health);
}

static void order(struct fixture *f, int which, enum server_admin admin)
{
	health_take(&f->health, f->servers[which].id)->override.admin = (uint8_t)admin;
}

static void test_guard_keeps_the_last(void **state)
{
	struct fixture *f = *state;

	f->vs.max_ejection = 30;
	step(f, S);
	assert_int_equal(count_in(f), SERVERS);
	/* All fail, one after the other: three may go, those that failed first. */
	for (int i = 0; i < SERVERS; i++) {
		say(f, i, false, (10 + i) * S);
		step(f, (10 + i) * S);
		assert_int_equal(count_in(f), i < 3 ? SERVERS - 1 - i : SERVERS - 3);
		assert_int_equal(f->changes[POOL_KEPT], i >= 3);
	}
	assert_false(has(f, 0) || has(f, 1) || has(f, 2));
	/* One that is out passes: it comes back, and the one that failed next goes. */
	say(f, 1, true, 30 * S);
	step(f, 30 * S);
	assert_true(has(f, 1));
	assert_false(has(f, 3));
	assert_int_equal(f->changes[POOL_RELEASED], 1);
	assert_int_equal(count_in(f), SERVERS - 3);
	/* All pass again. */
	for (int i = 0; i < SERVERS; i++)
		say(f, i, true, 40 * S);
	step(f, 40 * S);
	assert_int_equal(count_in(f), SERVERS);
	for (int i = 0; i < SERVERS; i++)
		assert_false(entry(f, i)->pool.kept || entry(f, i)->pool.out);
}

/* All come back, one shortly after the other: nobody who was kept goes for that. */
static void test_a_return_ejects_nobody(void **state)
{
	struct fixture *f = *state;

	f->vs.max_ejection = 50;
	f->check.delay_loop_us = 5 * S;
	step(f, S);
	for (int i = 0; i < SERVERS; i++)
		say(f, i, false, 10 * S);
	step(f, 10 * S);
	for (int i = 0; i < SERVERS - 1; i++) {
		say(f, i, true, 20 * S + i);
		step(f, 20 * S + i);
		assert_true(count_in(f) >= 6 && has(f, SERVERS - 1));
	}
	/* But who still fails after a round of the checks goes. */
	assert_in_range(step(f, 21 * S), 25 * S, 25 * S + SERVERS);
	step(f, 24 * S);
	assert_true(has(f, SERVERS - 1));
	step(f, 26 * S);
	assert_false(has(f, SERVERS - 1));
	assert_int_equal(f->changes[POOL_RELEASED], 1);
	f->check.delay_loop_us = 0;
}

static void test_all_fail_at_once(void **state)
{
	struct fixture *f = *state;

	f->vs.max_ejection = 50;
	step(f, S);
	for (int i = 0; i < SERVERS; i++)
		say(f, i, false, 10 * S);
	step(f, 10 * S);
	assert_int_equal(count_in(f), 5);
	step(f, 11 * S); /* and so it stays */
	assert_int_equal(count_in(f), 5);
	assert_int_equal(f->changes[POOL_KEPT] + f->changes[POOL_RELEASED], 0);
}

static void test_guard_never_puts_back(void **state)
{
	struct fixture *f = *state;

	step(f, S);
	for (int i = 0; i < SERVERS; i++)
		say(f, i, false, 10 * S);
	step(f, 10 * S);
	assert_int_equal(count_in(f), 0);
	f->vs.max_ejection = 10; /* a reload adds the guard: who is out needs a pass */
	step(f, 11 * S);
	assert_int_equal(count_in(f), 0);
	/* One that has never passed (alpha) was never in. */
	health_done(&f->health);
	f->check.alpha = true;
	step(f, 12 * S);
	assert_int_equal(count_in(f), 0);
}

static void test_guard_and_operator(void **state)
{
	struct fixture *f = *state;

	f->vs.max_ejection = 20;
	step(f, S);
	for (int i = 0; i < 4; i++)
		say(f, i, false, (10 + i) * S);
	step(f, 20 * S);
	assert_true(has(f, 2) && has(f, 3) && entry(f, 3)->pool.kept);
	/* disable forces it out; of the 9 that are left 1 may be out, and 2 are already. */
	order(f, 3, ADMIN_DISABLED);
	step(f, 21 * S);
	assert_false(has(f, 3));
	assert_true(has(f, 2));
	/* ready does not put back what fails. */
	order(f, 3, ADMIN_READY);
	step(f, 22 * S);
	assert_false(has(f, 3));
}

static void test_kept_count_for_the_quorum(void **state)
{
	struct fixture *f = *state;
	struct service_state s = { 0 };

	f->vs.max_ejection = 50;
	f->vs.quorum = 500;
	step(f, S);
	for (int i = 0; i < SERVERS; i++)
		say(f, i, false, 10 * S);
	step(f, 10 * S);
	wanted_quorum_step(&f->vs, &f->health, &s, 10 * S);
	assert_int_equal(s.servers_up, 5);
	assert_int_equal(s.servers_kept, 5);
	assert_true(s.quorum_up);
}

static void test_slow_start(void **state)
{
	struct fixture *f = *state;
	int last = 0, steps = 0;
	int64_t at;

	f->vs.slow_start_us = 20 * S;
	assert_int_equal(step(f, S), 0); /* not at the start */
	assert_int_equal(weight(f, 0), 100);
	say(f, 0, false, 10 * S);
	step(f, 10 * S);
	say(f, 0, true, 15 * S);
	at = step(f, 15 * S);
	assert_int_equal(weight(f, 0), 5);
	assert_int_equal(weight(f, 1), 100);
	for (; at; steps++) {
		int64_t next = step(f, at);

		assert_true(weight(f, 0) >= last);
		last = weight(f, 0);
		assert_true(!next || next >= at + S);
		at = next;
	}
	assert_int_equal(steps, 20);
	assert_int_equal(weight(f, 0), 100);
	/* The quorum does not wait for it. */
	say(f, 0, false, 50 * S);
	step(f, 50 * S);
	say(f, 0, true, 51 * S);
	step(f, 51 * S);
	assert_int_equal(pool_quorum_weight(&f->servers[0], entry(f, 0)), 100);
}

static void test_slow_start_after_drain(void **state)
{
	struct fixture *f = *state;

	f->vs.slow_start_us = 20 * S;
	step(f, S);
	order(f, 2, ADMIN_DRAIN);
	step(f, 2 * S);
	assert_int_equal(weight(f, 2), 0);
	assert_true(has(f, 2));
	order(f, 2, ADMIN_READY);
	assert_true(step(f, 10 * S) > 10 * S);
	assert_int_equal(weight(f, 2), 5);
	f->vs.slow_start_us = 0; /* a reload takes it away */
	assert_int_equal(step(f, 11 * S), 0);
	assert_int_equal(weight(f, 2), 100);
}

static void test_product(void **state)
{
	struct weight_factors f = { .base = 100, .ramp = 500, .agent = 750, .feedback = 800 };

	assert_int_equal(weight_product(&f), 30);
	f.base = 1;
	assert_int_equal(weight_product(&f), 1); /* no factor but the agent's shuts it out */
	f.agent = 0;
	assert_int_equal(weight_product(&f), 0);
	f = (struct weight_factors){ .base = 65535, .ramp = 1000, .agent = 10000, .feedback = 1000 };
	assert_int_equal(weight_product(&f), 65535);
	f.base = 0;
	assert_int_equal(weight_product(&f), 0);
}

static void test_agent(void **state)
{
	struct fixture *f = *state;
	struct health_entry *e;

	say(f, 0, true, S);
	e = health_find(&f->health, f->servers[0].id);
	e->agent.percent = 75;
	step(f, S);
	assert_int_equal(weight(f, 0), 75);
	e->agent.admin = ADMIN_DRAIN;
	step(f, S);
	assert_true(has(f, 0));
	assert_int_equal(weight(f, 0), 0);
	assert_int_equal(pool_quorum_weight(&f->servers[0], e), 0);
	e->override.admin = ADMIN_MAINT; /* the harder word holds */
	assert_false(has(f, 0));
	e->override.admin = ADMIN_READY;
	e->agent.admin = ADMIN_READY;
	e->override.has_weight = true;
	e->override.weight = 40;
	assert_int_equal(weight(f, 0), 30);
}

/* The slow server answers in 4 times the time: its share goes to a quarter, in damped steps. */
static void test_feedback_latency(void **state)
{
	struct fixture *f = *state;
	int last = 1000, rounds = 0;

	f->vs.feedback = FEEDBACK_LATENCY;
	step(f, S);
	for (int i = 0; i < SERVERS; i++) {
		say(f, i, true, S);
		health_find(&f->health, f->servers[i].id)->latency_us = i ? 1000 : 3000;
	}
	while (pool_feedback(&f->vs, &f->health)) {
		int now = entry(f, 0)->pool.feedback;

		assert_true(now < last && now * 5 >= last * 4 - 5); /* a fifth at most */
		last = now;
		assert_true(++rounds < 20);
	}
	assert_in_range(weight(f, 0), 32, 34);
	assert_int_equal(weight(f, 1), 100);
	/* Noise moves nothing; a recovery all of it. */
	health_find(&f->health, f->servers[0].id)->latency_us = 3060;
	assert_false(pool_feedback(&f->vs, &f->health));
	health_find(&f->health, f->servers[0].id)->latency_us = 1000;
	for (rounds = 0; pool_feedback(&f->vs, &f->health); rounds++)
		assert_true(rounds < 30);
	assert_int_equal(weight(f, 0), 100);
	/* However slow, it keeps feedback_min. */
	health_find(&f->health, f->servers[0].id)->latency_us = UINT32_MAX;
	while (pool_feedback(&f->vs, &f->health))
		;
	assert_int_equal(weight(f, 0), 25);
}

/* What a server draws follows from its weight: the loop through the world must settle, evenly. */
static void test_feedback_bandwidth_settles(void **state)
{
	struct fixture *f = *state;

	f->vs.feedback = FEEDBACK_BANDWIDTH;
	for (int i = 0; i < SERVERS; i++)
		health_take(&f->health, f->servers[i].id);
	step(f, S);
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < SERVERS; i++)
			health_find(&f->health, f->servers[i].id)->pool.bytes_per_s =
				(uint64_t)weight(f, i) * (i < 2 ? 20000 : 10000);
		pool_feedback(&f->vs, &f->health);
	}
	assert_in_range(weight(f, 0), 46, 54); /* half the weight for twice the bytes */
	assert_in_range(weight(f, 5), 90, 100);
}

static void test_bytes_to_rate(void **state)
{
	struct health_entry e = { 0 };

	pool_count_bytes(&e, 1000000, 5 * S);
	assert_int_equal(e.pool.bytes_per_s, 0); /* one reading is none */
	pool_count_bytes(&e, 2000000, 5 * S);
	assert_int_equal(e.pool.bytes_per_s, 200000);
	pool_count_bytes(&e, 10, 5 * S); /* added again: counts from 0 */
	assert_int_equal(e.pool.bytes_per_s, 200000);
	pool_count_bytes(&e, 10, 5 * S);
	assert_in_range(e.pool.bytes_per_s, 133333, 133334);
}

static void test_nothing_known_costs_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(step(f, S), 0);
	assert_int_equal(f->health.used, 0);
	assert_int_equal(f->changes[POOL_MOVED], 0);
	say(f, 0, true, S);
	step(f, 2 * S);
	assert_int_equal(f->changes[POOL_MOVED], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_guard_keeps_the_last, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_return_ejects_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_fail_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_guard_never_puts_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_guard_and_operator, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kept_count_for_the_quorum, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_start_after_drain, setup, teardown),
		cmocka_unit_test(test_product),
		cmocka_unit_test_setup_teardown(test_agent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_feedback_latency, setup, teardown),
		cmocka_unit_test_setup_teardown(test_feedback_bandwidth_settles, setup, teardown),
		cmocka_unit_test(test_bytes_to_rate),
		cmocka_unit_test_setup_teardown(test_nothing_known_costs_nothing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
