/* SPDX-License-Identifier: Apache-2.0 */
/* The judgement of one check, against keepalived's meaning of retry, delay_* and alpha. */
#include "checkers/machine.h"
#include "core/clock.h"
#include "core/model.h"
#include "core/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

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

/* What a busy moment has brought together parts again. */
static void test_rounds_keep_their_places(void **state)
{
	struct check_state s = started(true);

	end(&s, &conf, CHECK_PASS, 10 * S);
	end(&s, &conf, CHECK_PASS, 70 * S);
	assert_int_equal(s.next_run_us, 130 * S);
	end(&s, &conf, CHECK_PASS, 132 * S); /* late, or slow */
	assert_int_equal(s.next_run_us, 190 * S);
	end(&s, &conf, CHECK_PASS, 194 * S); /* by more than a sixteenth: here is its place now */
	assert_int_equal(s.next_run_us, 254 * S);
	end(&s, &conf, CHECK_FAIL, 254 * S);
	assert_int_equal(s.next_run_us, 255 * S);
}

/* All were asked at once: they do not stay together. */
static void test_each_finds_a_place_of_its_own(void **state)
{
	bool early = false, late = false;

	for (uint64_t id = 1; id <= 32; id++) {
		struct check c = conf;
		struct check_state s = started(true);

		c.id = id;
		end(&s, &c, CHECK_PASS, 10 * S);
		check_machine_hurry(&s, 30 * S);
		assert_int_equal(s.next_run_us, 30 * S);
		end(&s, &c, CHECK_PASS, 30 * S);
		assert_in_range(s.next_run_us, 60 * S, 90 * S);
		early |= s.next_run_us < 70 * S;
		late |= s.next_run_us > 80 * S;
		c.jitter = 0;
		end(&s, &c, CHECK_PASS, s.next_run_us);
		assert_in_range(s.next_run_us, 120 * S, 150 * S);
	}
	assert_true(early && late);
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

static void test_undecided_has_its_own_interval(void **state)
{
	struct check c = conf;
	struct check_state s = started(true);

	c.delay_undecided_us = S / 10;
	c.rise = 2;
	end(&s, &c, CHECK_FAIL, 20 * S); /* up, but for how long? */
	assert_int_equal(s.next_run_us, 20 * S + S / 10);
	assert_int_equal(end(&s, &c, CHECK_FAIL, 21 * S), CHECK_WENT_DOWN);
	assert_int_equal(s.next_run_us, 81 * S);
	end(&s, &c, CHECK_PASS, 81 * S);
	assert_int_equal(s.next_run_us, 81 * S + S / 10);
	assert_int_equal(end(&s, &c, CHECK_PASS, 82 * S), CHECK_WENT_UP);
	assert_int_equal(s.next_run_us, 142 * S);
	/* Within the rounds of one that is down nothing is undecided. */
	c.retry = 3;
	s = started(false);
	end(&s, &c, CHECK_FAIL, 20 * S);
	assert_int_equal(s.next_run_us, 21 * S);
}

static void test_jitter_is_never_late(void **state)
{
	struct check c = conf;
	int64_t least = INT64_MAX, most = 0;

	c.jitter = 20;
	for (int i = 0; i < 1000; i++) {
		struct check_state s = started(true);
		int64_t now = 100 * S + i * 1234567, delay;

		c.id = (uint64_t)i * UINT64_C(0x123456789abcdef);
		end(&s, &c, CHECK_PASS, now);
		delay = s.next_run_us - now;
		assert_in_range(delay, 48 * S, 60 * S);
		least = delay < least ? delay : least;
		most = delay > most ? delay : most;
	}
	assert_true(least < 49 * S && most > 59 * S); /* and it uses its room */
}

/* Down and up again every `every` seconds, until it is held; how often it went down by then. */
static int flap_until_held(struct check_state *s, const struct check *c, int every, int64_t *now)
{
	for (int n = 1; n < 50; n++) {
		end(s, c, CHECK_FAIL, *now += S);
		assert_int_equal(end(s, c, CHECK_FAIL, *now += S), CHECK_WENT_DOWN);
		if (end(s, c, CHECK_PASS, *now += every * S) == CHECK_SAME)
			return n;
		assert_true(s->up);
	}
	return 0;
}

static void test_flap_damping(void **state)
{
	struct check c = conf;
	struct check_state s = started(true);
	int64_t now = 100 * S, held_at;

	assert_int_equal(flap_until_held(&s, &c, 1, &now), 0); /* not asked for */
	c.flap_damping_us = 60 * S;
	s = started(true);
	assert_int_equal(flap_until_held(&s, &c, 1, &now), 3);
	assert_true(s.held && !s.up);
	assert_non_null(strstr(s.result.s, "pass; went down too often, held down for "));
	/* It passes all the time, and comes back when the penalty has decayed to 750: two half-lives
	 * from a little less than 3000. */
	held_at = now;
	for (int i = 0; i < 100 && !s.up; i++) {
		assert_true(s.next_run_us > now && s.next_run_us <= now + 60 * S);
		now = s.next_run_us;
		end(&s, &c, CHECK_PASS, now);
	}
	assert_true(s.up && !s.held);
	assert_in_range(now - held_at, 105 * S, 125 * S);
	/* Rare deaths are not flapping. */
	assert_int_equal(flap_until_held(&s, &c, 300, &now), 0);
}

static void test_flap_damping_ends_with_its_keyword(void **state)
{
	struct check c = conf;
	struct check_state s = started(true);
	int64_t now = 100 * S;

	c.flap_damping_us = 60 * S;
	flap_until_held(&s, &c, 1, &now);
	assert_false(check_machine_reconf(&s, &c, &conf, now, now));
	assert_int_equal(end(&s, &conf, CHECK_PASS, now + S), CHECK_WENT_UP);
}

static void test_held_is_remembered(void **state)
{
	struct check c = conf;
	struct check_state s;
	struct msg_check_state m = saved(false, 0, 150 * S);

	c.flap_damping_us = 60 * S;
	m.held = true;
	m.penalty = 2900;
	m.penalty_us = 140 * S;
	m.agent_percent = 100;
	check_machine_resume(&s, &c, &m, 151 * S, 145 * S);
	assert_int_equal(end(&s, &c, CHECK_PASS, 150 * S), CHECK_SAME);
	assert_int_equal(end(&s, &c, CHECK_PASS, 270 * S), CHECK_WENT_UP);
}

static void test_streak_latency_and_histogram(void **state)
{
	struct check_state s = started(true);
	struct check_result r = {.outcome = CHECK_PASS, .latency_us = 8000};

	check_machine_result(&s, &conf, &r, 11 * S);
	assert_int_equal(s.smoothed_us, 8000);
	r.latency_us = 16000;
	check_machine_result(&s, &conf, &r, 12 * S);
	assert_int_equal(s.smoothed_us, 9000); /* an eighth of the way */
	assert_int_equal(s.streak, 2);
	assert_int_equal(s.histogram[6], 1); /* 8 to 16 ms */
	assert_int_equal(s.histogram[7], 1);
	r.latency_us = UINT32_MAX;
	check_machine_result(&s, &conf, &r, 13 * S);
	assert_int_equal(s.histogram[CHECK_BUCKETS - 1], 1);
	r.outcome = CHECK_FAIL;
	check_machine_result(&s, &conf, &r, 14 * S);
	assert_int_equal(s.streak, 1);
	r.outcome = CHECK_UNKNOWN; /* teaches nothing */
	check_machine_result(&s, &conf, &r, 15 * S);
	assert_int_equal(s.streak, 1);
	r.outcome = CHECK_FAIL;
	check_machine_result(&s, &conf, &r, 16 * S);
	assert_int_equal(s.streak, 2);
}

/* A former agent can't take back what it has said. */
static void test_another_agent_begins_anew(void **state)
{
	struct check old = {.method = CHECK_AGENT, .port = 100, .rise = 1}, next = old;
	struct check_result r = {.outcome = CHECK_PASS,
				 .agent = {.status = true,
					   .admin = true,
					   .word = {.down = true, .admin = ADMIN_MAINT}}};
	struct check_state s;

	check_machine_start(&s, true, 0, 0);
	check_machine_result(&s, &old, &r, 0);
	assert_false(s.up);
	next.port = 101;
	check_machine_reconf(&s, &old, &next, 0, 0);
	assert_int_equal(s.agent.admin, ADMIN_MAINT); /* until the other one has spoken */
	r.agent = (struct check_agent_said){.percent = true, .word = {.percent = 50}};
	check_machine_result(&s, &next, &r, 0);
	assert_true(s.up);
	assert_int_equal(s.agent.admin, ADMIN_READY);
	assert_int_equal(s.agent.percent, 50);
}

static void test_the_agents_words_stay(void **state)
{
	struct check_state s = started(true);
	struct check_result r = {.outcome = CHECK_PASS,
				 .agent = {.percent = true, .word = {.percent = 75}}};

	assert_int_equal(s.agent.percent, 100);
	check_machine_result(&s, &conf, &r, 11 * S);
	r.agent = (struct check_agent_said){.admin = true, .word = {.admin = ADMIN_DRAIN}};
	check_machine_result(&s, &conf, &r, 12 * S);
	assert_int_equal(s.agent.percent, 75);
	assert_int_equal(s.agent.admin, ADMIN_DRAIN);
	r.agent = (struct check_agent_said){.percent = true, .word = {.percent = 60000}};
	check_machine_result(&s, &conf, &r, 13 * S);
	assert_int_equal(s.agent.percent, AGENT_PERCENT_MAX);
	assert_int_equal(s.agent.admin, ADMIN_DRAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pass_goes_round_in_delay_loop),
		cmocka_unit_test(test_retries_before_down),
		cmocka_unit_test(test_rise),
		cmocka_unit_test(test_interval_while_down),
		cmocka_unit_test(test_rounds_keep_their_places),
		cmocka_unit_test(test_each_finds_a_place_of_its_own),
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
		cmocka_unit_test(test_undecided_has_its_own_interval),
		cmocka_unit_test(test_jitter_is_never_late),
		cmocka_unit_test(test_flap_damping),
		cmocka_unit_test(test_flap_damping_ends_with_its_keyword),
		cmocka_unit_test(test_held_is_remembered),
		cmocka_unit_test(test_streak_latency_and_histogram),
		cmocka_unit_test(test_another_agent_begins_anew),
		cmocka_unit_test(test_the_agents_words_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
