/* SPDX-License-Identifier: Apache-2.0 */
/* The judgement of one check, against keepalived's meaning of retry, delay_* and alpha. */
#include "checkers/machine.h"
#include "core/clock.h"
#include "core/model.h"
#include "core/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define S USEC_PER_SEC

static const struct check conf = {
	.id = 1,
	.port = 80,
	.bind_ifname = "",
	.connect_timeout_us = 5 * S,
	.delay_loop_us = 60 * S,
	.delay_before_retry_us = 1 * S,
	.retry = 1,
	.warmup_us = 60 * S,
};

static enum check_change end(struct check_state *s, const struct check *c,
			     enum check_outcome outcome, int64_t now_us)
{
	struct check_result r = {.outcome = outcome, .latency_us = 42};

	text_set(&r.reason, "%s", check_outcome_name(outcome));
	return check_machine_result(s, c, &r, now_us);
}

static struct check_state started(bool up)
{
	struct check_state s;

	check_machine_start(&s, up, 10 * S, 5 * S);
	assert_int_equal(s.next_run_us, 10 * S);
	assert_false(s.has_run);
	return s;
}

static void test_pass_goes_round_in_delay_loop(void **state)
{
	struct check_state s = started(true);

	assert_int_equal(end(&s, &conf, CHECK_PASS, 11 * S), CHECK_SAME);
	assert_int_equal(s.next_run_us, 71 * S);
	assert_true(s.has_run);
	assert_int_equal(s.latency_us, 42);
	assert_string_equal(s.result.s, "pass");
	assert_int_equal(s.since_us, 5 * S);
}

static void test_retries_before_down(void **state)
{
	struct check_state s = started(true);
	struct check c = conf;

	c.retry = 2;
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(end(&s, &c, CHECK_FAIL, 20 * S), CHECK_SAME);
		assert_int_equal(s.next_run_us, 21 * S);
		assert_int_equal(check_machine_try(&s, &c), i);
	}
	assert_int_equal(end(&s, &c, CHECK_FAIL, 30 * S), CHECK_WENT_DOWN);
	assert_int_equal(check_machine_try(&s, &c), 3);
	assert_int_equal(check_machine_tries(&c), 3);
	assert_int_equal(s.next_run_us, 90 * S);
	assert_int_equal(s.since_us, 30 * S);
}

/* So many passes in a row, delay_before_retry apart; a fail begins anew. */
static void test_rise(void **state)
{
	struct check_state s = started(false);
	struct check c = conf;

	c.rise = 3;
	assert_int_equal(end(&s, &c, CHECK_PASS, 20 * S), CHECK_SAME);
	assert_int_equal(s.next_run_us, 21 * S);
	assert_int_equal(end(&s, &c, CHECK_PASS, 21 * S), CHECK_SAME);
	assert_int_equal(end(&s, &c, CHECK_FAIL, 22 * S), CHECK_SAME);
	assert_int_equal(s.passes, 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(end(&s, &c, CHECK_PASS, (30 + i) * S), CHECK_SAME);
	assert_int_equal(end(&s, &c, CHECK_UNKNOWN, 33 * S), CHECK_SAME);
	assert_false(s.up);
	assert_int_equal(end(&s, &c, CHECK_PASS, 34 * S), CHECK_WENT_UP);
	assert_int_equal(s.next_run_us, 94 * S);
	assert_int_equal(s.passes, 0);
	assert_int_equal(end(&s, &c, CHECK_PASS, 94 * S), CHECK_SAME);
	assert_int_equal(s.passes, 0);
}

static void test_interval_while_down(void **state)
{
	struct check_state s = started(true);
	struct check c = conf;

	c.delay_loop_down_us = 7 * S;
	end(&s, &c, CHECK_FAIL, 20 * S);
	assert_int_equal(s.next_run_us, 21 * S);
	assert_int_equal(end(&s, &c, CHECK_FAIL, 21 * S), CHECK_WENT_DOWN);
	assert_int_equal(s.next_run_us, 28 * S);
	end(&s, &c, CHECK_FAIL, 28 * S);
	assert_int_equal(s.next_run_us, 35 * S);
	assert_int_equal(end(&s, &c, CHECK_PASS, 35 * S), CHECK_WENT_UP);
	assert_int_equal(s.next_run_us, 95 * S);
}

static void test_pass_ends_the_round(void **state)
{
	struct check_state s = started(true);

	end(&s, &conf, CHECK_FAIL, 20 * S);
	assert_int_equal(end(&s, &conf, CHECK_PASS, 22 * S), CHECK_SAME);
	assert_int_equal(s.next_run_us, 82 * S);
	assert_int_equal(end(&s, &conf, CHECK_FAIL, 90 * S), CHECK_SAME);
	assert_int_equal(end(&s, &conf, CHECK_FAIL, 92 * S), CHECK_WENT_DOWN);
}

static void test_no_retry(void **state)
{
	struct check_state s = started(true);
	struct check c = conf;

	c.retry = 0;
	assert_int_equal(end(&s, &c, CHECK_FAIL, 20 * S), CHECK_WENT_DOWN);
	assert_int_equal(s.next_run_us, 80 * S);
	assert_int_equal(end(&s, &c, CHECK_FAIL, 80 * S), CHECK_SAME);
	assert_int_equal(s.next_run_us, 140 * S);
}

/* keepalived's retry counter goes on while a check is down: rounds of retry + 1 tries. */
static void test_rounds_while_down(void **state)
{
	struct check_state s = started(false);

	assert_int_equal(end(&s, &conf, CHECK_FAIL, 10 * S), CHECK_SAME);
	assert_int_equal(s.next_run_us, 11 * S);
	assert_int_equal(end(&s, &conf, CHECK_FAIL, 11 * S), CHECK_SAME);
	assert_int_equal(s.next_run_us, 71 * S);
	assert_int_equal(end(&s, &conf, CHECK_FAIL, 71 * S), CHECK_SAME);
	assert_int_equal(s.next_run_us, 72 * S);
	assert_int_equal(s.since_us, 5 * S);
}

static void test_one_pass_readmits(void **state)
{
	struct check_state s = started(false);

	assert_int_equal(end(&s, &conf, CHECK_PASS, 10 * S), CHECK_WENT_UP);
	assert_int_equal(s.since_us, 10 * S);
	assert_int_equal(s.failures, 0);
}

static void test_unknown_teaches_nothing(void **state)
{
	struct check_state s = started(true);

	end(&s, &conf, CHECK_FAIL, 10 * S);
	for (int i = 0; i < 5; i++)
		assert_int_equal(end(&s, &conf, CHECK_UNKNOWN, 20 * S), CHECK_SAME);
	assert_int_equal(s.failures, 1);
	assert_int_equal(s.next_run_us, 21 * S);
	assert_true(s.up);
	assert_string_equal(s.result.s, "unknown");
	assert_int_equal(end(&s, &conf, CHECK_FAIL, 21 * S), CHECK_WENT_DOWN);
}

static void test_reload_without_change_of_timing_keeps_time(void **state)
{
	struct check_state s = started(true), before;
	struct check c = conf;

	c.alpha = true;
	c.connect_timeout_us = 1 * S;
	c.log_all_failures = true;
	end(&s, &conf, CHECK_PASS, 20 * S);
	before = s;
	assert_false(check_machine_reconf(&s, &conf, &c, 26 * S, 25 * S));
	assert_memory_equal(&s, &before, sizeof(s));
}

static void test_reload_before_first_run_keeps_place(void **state)
{
	struct check_state s = started(true);
	struct check c = conf;

	c.delay_loop_us = 30 * S;
	assert_false(check_machine_reconf(&s, &conf, &c, 50 * S, 6 * S));
	assert_int_equal(s.next_run_us, 10 * S);
	c.warmup_us = 2 * S;
	assert_false(check_machine_reconf(&s, &conf, &c, 7 * S, 6 * S));
	assert_int_equal(s.next_run_us, 7 * S);
}

static void test_reload_with_new_delays_counts_from_the_last_run(void **state)
{
	struct check_state s = started(true);
	struct check c = conf;

	end(&s, &conf, CHECK_PASS, 20 * S);
	c.delay_loop_us = 30 * S;
	check_machine_reconf(&s, &conf, &c, 26 * S, 25 * S);
	assert_int_equal(s.next_run_us, 50 * S);
	/* Already over by the new delay: at once, not in the past. */
	check_machine_reconf(
		&s, &c,
		&(struct check){
			.bind_ifname = "", .id = 1, .port = 80, .delay_loop_us = 1 * S, .retry = 1},
		26 * S, 40 * S);
	assert_int_equal(s.next_run_us, 40 * S);
}

static void test_fewer_retries_do_not_put_a_verdict_off(void **state)
{
	struct check_state s = started(true);
	struct check c = conf;

	c.retry = 5;
	for (int i = 0; i < 4; i++)
		end(&s, &c, CHECK_FAIL, 20 * S);
	assert_false(check_machine_reconf(&s, &c, &conf, 21 * S, 20 * S));
	assert_true(s.up);
	assert_int_equal(s.next_run_us, 21 * S);
	assert_int_equal(end(&s, &conf, CHECK_FAIL, 21 * S), CHECK_WENT_DOWN);
}

/* keepalived puts a failed server back when its check is edited. */
static void test_changed_target_keeps_state_until_its_own_verdict(void **state)
{
	struct check_state s = started(true);
	struct check c = conf;

	c.port = 8080;
	end(&s, &conf, CHECK_FAIL, 10 * S);
	end(&s, &conf, CHECK_FAIL, 11 * S);
	assert_true(check_machine_reconf(&s, &conf, &c, 22 * S, 20 * S));
	assert_false(s.up);
	assert_int_equal(s.failures, 0);
	assert_int_equal(s.next_run_us, 22 * S);
	assert_int_equal(end(&s, &c, CHECK_PASS, 22 * S), CHECK_WENT_UP);
	/* And one that was up gets all its tries. */
	end(&s, &c, CHECK_FAIL, 90 * S);
	assert_true(check_machine_reconf(&s, &c, &conf, 95 * S, 90 * S));
	assert_true(s.up);
	assert_int_equal(s.next_run_us, 91 * S);
	assert_int_equal(end(&s, &conf, CHECK_FAIL, 91 * S), CHECK_SAME);
	assert_int_equal(end(&s, &conf, CHECK_FAIL, 92 * S), CHECK_WENT_DOWN);
}

static struct msg_check_state saved(bool up, uint32_t failures, int64_t next_run_us)
{
	return (struct msg_check_state){.check = 1,
					.up = up,
					.has_run = true,
					.failures = failures,
					.since_us = 3 * S,
					.next_run_us = next_run_us,
					.latency_us = 7};
}

static void test_resume_goes_on(void **state)
{
	struct msg_check_state m = saved(false, 2, 130 * S);
	struct check_state s;

	check_machine_resume(&s, &conf, &m, 105 * S, 100 * S);
	assert_false(s.up);
	assert_true(s.has_run);
	assert_int_equal(s.failures, 2);
	assert_int_equal(s.since_us, 3 * S);
	assert_int_equal(s.next_run_us, 130 * S);
	assert_int_equal(s.latency_us, 7);
	/* The second of two tries to come: the verdict is not forgotten. */
	m = saved(true, 1, 100 * S + 1);
	check_machine_resume(&s, &conf, &m, 105 * S, 100 * S);
	assert_int_equal(end(&s, &conf, CHECK_FAIL, 101 * S), CHECK_WENT_DOWN);
}

static void test_resume_of_an_overdue_run(void **state)
{
	struct msg_check_state m = saved(true, 0, 97 * S);
	struct check c = conf;
	struct check_state s;

	/* Slow rhythm: the run was in flight when the process ended. */
	check_machine_resume(&s, &conf, &m, 105 * S, 100 * S);
	assert_int_equal(s.next_run_us, 105 * S);
	/* Fast rhythm: what was saved is only old; the rhythm is kept. */
	c.delay_loop_us = 2 * S;
	check_machine_resume(&s, &c, &m, 105 * S, 100 * S);
	assert_int_equal(s.next_run_us, 101 * S);
	/* Failing: every change was saved, so this one was in flight. */
	m.failures = 1;
	check_machine_resume(&s, &c, &m, 105 * S, 100 * S);
	assert_int_equal(s.next_run_us, 100 * S);
}

static void test_resume_is_never_later_than_conf_allows(void **state)
{
	struct msg_check_state m = saved(true, 0, 1000 * S);
	struct check_state s;

	check_machine_resume(&s, &conf, &m, 105 * S, 100 * S);
	assert_int_equal(s.next_run_us, 160 * S);
	m.failures = 1;
	check_machine_resume(&s, &conf, &m, 105 * S, 100 * S);
	assert_int_equal(s.next_run_us, 101 * S);
	m.failures = 0;
	m.has_run = false;
	check_machine_resume(&s, &conf, &m, 105 * S, 100 * S);
	assert_int_equal(s.next_run_us, 105 * S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pass_goes_round_in_delay_loop),
		cmocka_unit_test(test_retries_before_down),
		cmocka_unit_test(test_rise),
		cmocka_unit_test(test_interval_while_down),
		cmocka_unit_test(test_pass_ends_the_round),
		cmocka_unit_test(test_no_retry),
		cmocka_unit_test(test_rounds_while_down),
		cmocka_unit_test(test_one_pass_readmits),
		cmocka_unit_test(test_unknown_teaches_nothing),
		cmocka_unit_test(test_reload_without_change_of_timing_keeps_time),
		cmocka_unit_test(test_reload_before_first_run_keeps_place),
		cmocka_unit_test(test_reload_with_new_delays_counts_from_the_last_run),
		cmocka_unit_test(test_fewer_retries_do_not_put_a_verdict_off),
		cmocka_unit_test(test_changed_target_keeps_state_until_its_own_verdict),
		cmocka_unit_test(test_resume_goes_on),
		cmocka_unit_test(test_resume_of_an_overdue_run),
		cmocka_unit_test(test_resume_is_never_later_than_conf_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
