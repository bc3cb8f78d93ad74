/* SPDX-License-Identifier: Apache-2.0 */
/* One timer for many deadlines: in order, once, never before the time, too early rather than late. */
#include "vrrp/alarm.h"

#include "core/clock.h"
#include "tests/fake/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ALARMS 300

struct sleeper {
	struct alarm alarm; /* the first: a ring is its sleeper's */
	int64_t deadline_us;
	unsigned rung;
};

static struct alarms alarms;
static struct sleeper sleepers[ALARMS];
static unsigned n_left;
static int64_t last_us;
static bool in_order; /* what was moved may ring out of turn when all are late */

static void ring(struct alarm *alarm)
{
	struct sleeper *s = (struct sleeper *)alarm;

	if (clock_now_us() < s->deadline_us) { /* it has moved on meanwhile */
		alarm_set(&alarms, alarm, s->deadline_us);
		return;
	}
	assert_true(!in_order || s->deadline_us >= last_us);
	last_us = s->deadline_us;
	s->rung++;
	if (--n_left == 0)
		ev_break(alarms.loop, EVBREAK_ALL);
}

static int setup(void **state)
{
	alarms_open(&alarms, ev_loop_new(0));
	for (unsigned i = 0; i < ALARMS; i++) {
		sleepers[i] = (struct sleeper){0};
		alarm_init(&sleepers[i].alarm, ring);
	}
	n_left = 0;
	last_us = 0;
	in_order = false;
	return 0;
}

static int teardown(void **state)
{
	for (unsigned i = 0; i < ALARMS; i++)
		alarm_forget(&alarms, &sleepers[i].alarm);
	alarms_done(&alarms);
	ev_loop_destroy(alarms.loop);
	return 0;
}

static void set(struct sleeper *s, int64_t at_us)
{
	s->deadline_us = at_us;
	alarm_set(&alarms, &s->alarm, at_us);
}

static void set_all(struct rng *rng)
{
	int64_t now_us = clock_now_us();

	for (unsigned i = 0; i < ALARMS; i++)
		set(&sleepers[i], now_us + rng_between(rng, 0, 30 * USEC_PER_MSEC));
	n_left = ALARMS;
}

static void test_all_ring_once_in_order(void **state)
{
	struct rng rng;

	rng_init(&rng, 1);
	set_all(&rng);
	in_order = true;
	ev_run(alarms.loop, 0);
	for (unsigned i = 0; i < ALARMS; i++)
		assert_int_equal(sleepers[i].rung, 1);
	assert_int_equal(alarms.n, 0);
}

static void test_moved_deadlines(void **state)
{
	struct rng rng;

	rng_init(&rng, 2);
	set_all(&rng);
	/* To later, which the timer need not know at once; and to earlier, which it must. */
	for (unsigned i = 0; i < ALARMS; i += 3)
		set(&sleepers[i], sleepers[i].deadline_us + 20 * USEC_PER_MSEC);
	for (unsigned i = 1; i < ALARMS; i += 3)
		set(&sleepers[i], sleepers[i].deadline_us - 10 * USEC_PER_MSEC);
	ev_run(alarms.loop, 0);
	for (unsigned i = 0; i < ALARMS; i++)
		assert_int_equal(sleepers[i].rung, 1);
}

static void test_forgotten(void **state)
{
	struct rng rng;

	rng_init(&rng, 3);
	set_all(&rng);
	for (unsigned i = 0; i < ALARMS; i += 2)
		alarm_forget(&alarms, &sleepers[i].alarm);
	n_left = ALARMS / 2;
	ev_run(alarms.loop, 0);
	for (unsigned i = 0; i < ALARMS; i++)
		assert_int_equal(sleepers[i].rung, i % 2);
}

static void test_never(void **state)
{
	set(&sleepers[0], USEC_NEVER);
	assert_int_equal(alarms.n, 0);
	ev_run(alarms.loop, EVRUN_NOWAIT);
	assert_int_equal(sleepers[0].rung, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_ring_once_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moved_deadlines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
