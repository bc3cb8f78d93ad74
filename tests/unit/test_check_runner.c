/* SPDX-License-Identifier: Apache-2.0 */
/* The runner, with a method of the test's own: who runs when, and how many at once. */
#include "checkers/method.h"
#include "checkers/runner.h"
#include "checkers/set.h"
#include "core/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CHECKS 100

struct fake_probe {
	struct check_probe probe;
	bool began;
};

static struct {
	struct ev_loop *loop;
	struct check_runner runner;
	struct check confs[CHECKS];
	struct checked checks[CHECKS];
	struct check_probe *probes[CHECKS]; /* in flight */
	bool at_once;			    /* the method answers from within start() */
	char log[1024];			    /* "+0" started, "-0" cancelled, "=0" result */
	int late;
} t;

static void note(char what, const struct check *conf)
{
	size_t len = strlen(t.log);

	snprintf(t.log + len, sizeof(t.log) - len, "%c%d", what, (int)(conf->id - 1));
}

static void assert_log(const char *want)
{
	assert_string_equal(t.log, want);
	t.log[0] = '\0';
}

static void finish(int i)
{
	const struct check_result pass = {.outcome = CHECK_PASS};
	struct check_probe *p = t.probes[i];

	assert_non_null(p);
	t.probes[i] = NULL;
	p->done(p, &pass);
}

static void fake_start(struct check_probe *p)
{
	assert_false(((struct fake_probe *)p)->began);
	((struct fake_probe *)p)->began = true;
	note('+', p->conf);
	t.probes[p->conf->id - 1] = p;
	if (t.at_once)
		finish((int)p->conf->id - 1);
}

static void fake_cancel(struct check_probe *p)
{
	note('-', p->conf);
	t.probes[p->conf->id - 1] = NULL;
}

const struct check_method_ops *check_method(const struct check *c)
{
	static const struct check_method_ops fake = {
		.probe_bytes = sizeof(struct fake_probe),
		.start = fake_start,
		.cancel = fake_cancel,
	};

	return &fake;
}

static void on_result(struct checked *c, const struct check_result *result)
{
	assert_int_equal(result->outcome, CHECK_PASS);
	note('=', c->conf);
}

static void on_late(struct check_runner *r)
{
	t.late++;
}

static void setup(size_t in_flight_max)
{
	memset(&t, 0, sizeof(t));
	t.loop = ev_default_loop(0);
	check_runner_init(&t.runner, t.loop, in_flight_max, on_result, on_late);
	for (int i = 0; i < CHECKS; i++) {
		t.confs[i].id = (uint64_t)i + 1;
		t.checks[i].conf = &t.confs[i];
	}
}

static void done(void)
{
	for (int i = 0; i < CHECKS; i++)
		check_runner_forget(&t.runner, &t.checks[i]);
	assert_int_equal(t.runner.in_flight, 0);
	assert_int_equal(t.runner.waiting, 0);
}

/* Due in the order of their numbers. */
static void plan(int first, int last)
{
	for (int i = first; i <= last; i++) {
		t.checks[i].state.next_run_us = i;
		check_runner_plan(&t.runner, &t.checks[i], 100);
		ev_run(t.loop, EVRUN_NOWAIT);
	}
}

static void turn(void)
{
	ev_run(t.loop, EVRUN_NOWAIT);
}

static void test_runs_when_due(void **state)
{
	setup(4);
	t.checks[0].state.next_run_us = 60000000;
	check_runner_plan(&t.runner, &t.checks[0], 0);
	turn();
	assert_log("");
	plan(0, 0); /* planned anew: earlier */
	assert_log("+0");
	plan(0, 0); /* it runs already */
	assert_log("");
	finish(0);
	assert_log("=0");
	turn();
	assert_log(""); /* not by itself */
	assert_int_equal(t.late, 0);
	done();
}

static void test_bound_and_order(void **state)
{
	setup(2);
	plan(0, 5);
	assert_log("+0+1");
	assert_int_equal(t.runner.waiting, 4);
	assert_int_equal(t.late, 1);
	finish(1);
	/* Its place is 2's, whoever else becomes due in the same turn. */
	t.checks[9].state.next_run_us = 0;
	check_runner_plan(&t.runner, &t.checks[9], 100);
	turn();
	assert_log("=1+2");
	for (const int *i = (const int[]){0, 2, 3, 4, -1}; *i >= 0; i++) {
		finish(*i);
		turn();
	}
	assert_log("=0+3=2+4=3+5=4+9");
	finish(5);
	finish(9);
	turn();
	assert_log("=5=9");
	done();
}

/* However many are due at once: the loop turns in between, and nothing else has to call. */
static void test_turns_between(void **state)
{
	setup(CHECKS);
	for (int i = 0; i < CHECKS; i++)
		check_runner_plan(&t.runner, &t.checks[i], 0);
	ev_now_update(t.loop);
	turn();
	assert_int_equal(t.runner.in_flight, 64);
	assert_int_equal(t.runner.waiting, CHECKS - 64);
	assert_int_equal(t.late, 0); /* not for want of descriptors */
	turn();
	assert_int_equal(t.runner.in_flight, CHECKS);
	assert_int_equal(t.runner.waiting, 0);
	turn();
	assert_false(ev_is_active(&t.runner.go_on));
	for (int i = 0; i < CHECKS; i++)
		finish(i);
	done();
}

static void test_lateness(void **state)
{
	setup(4);
	t.checks[0].state.next_run_us = clock_now_us() + 1000;
	t.checks[1].state.next_run_us = clock_now_us() - CHECK_LATE_US - 2000000;
	for (int i = 0; i < 2; i++)
		check_runner_plan(&t.runner, &t.checks[i], clock_now_us() + 1000000);
	turn();
	assert_int_equal(t.runner.in_flight, 2);
	assert_int_equal(t.runner.late_starts, 1);
	assert_in_range(t.runner.latest_us, CHECK_LATE_US + 2000000, CHECK_LATE_US + 30000000);
	finish(0);
	finish(1);
	done();
}

static void test_answers_at_once(void **state)
{
	setup(1);
	t.at_once = true;
	plan(0, 2);
	assert_log("+0=0+1=1+2=2");
	assert_int_equal(t.late, 0);
	done();
}

static void test_cancel_makes_room(void **state)
{
	setup(1);
	plan(0, 1);
	check_runner_cancel(&t.runner, &t.checks[0]);
	turn();
	assert_log("+0-0+1");
	check_runner_cancel(&t.runner, &t.checks[0]); /* idle: nothing to cancel */
	plan(0, 0);
	finish(1);
	turn();
	assert_log("=1+0");
	done();
	assert_log("-0");
}

static void test_forget_in_every_state(void **state)
{
	setup(1);
	plan(0, 3);				      /* 0 in flight, the others wait */
	check_runner_forget(&t.runner, &t.checks[3]); /* the last in the row */
	check_runner_forget(&t.runner, &t.checks[1]);
	plan(4, 4);
	finish(0); /* 2 has its place, but does not run yet */
	check_runner_forget(&t.runner, &t.checks[2]);
	turn();
	assert_log("+0=0+4");
	t.checks[5].state.next_run_us = 1000000;
	check_runner_plan(&t.runner, &t.checks[5], 0);
	check_runner_forget(&t.runner, &t.checks[5]);
	check_runner_forget(&t.runner, &t.checks[6]); /* never planned */
	check_runner_forget(&t.runner, &t.checks[4]);
	assert_log("-4");
	done();
}

static void test_conf_moves_under_a_run(void **state)
{
	struct check moved;

	setup(1);
	plan(0, 0);
	moved = t.confs[0];
	t.checks[0].conf = &moved;
	check_runner_moved(&t.checks[0]);
	memset(&t.confs[0], 0xff, sizeof(t.confs[0]));
	assert_ptr_equal(t.probes[0]->conf, &moved);
	finish(0);
	assert_log("+0=0");
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs_when_due),
		cmocka_unit_test(test_bound_and_order),
		cmocka_unit_test(test_turns_between),
		cmocka_unit_test(test_lateness),
		cmocka_unit_test(test_answers_at_once),
		cmocka_unit_test(test_cancel_makes_room),
		cmocka_unit_test(test_forget_in_every_state),
		cmocka_unit_test(test_conf_moves_under_a_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
