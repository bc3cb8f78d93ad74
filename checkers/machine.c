/* SPDX-License-Identifier: Apache-2.0 */
/* One check's judgement: see machine.h. */
#include "checkers/machine.h"

#include "core/clock.h"
#include "core/model.h"
#include "core/msg.h"

const char *check_outcome_name(enum check_outcome outcome)
{
	static const char *const names[] = {
		[CHECK_PASS] = "pass",
		[CHECK_FAIL] = "fail",
		[CHECK_UNKNOWN] = "unknown",
	};

	return names[outcome];
}

uint32_t check_machine_tries(const struct check *conf)
{
	return conf->retry + 1;
}

uint32_t check_machine_try(const struct check_state *s, const struct check *conf)
{
	return s->failures ? (s->failures - 1) % check_machine_tries(conf) + 1 : 0;
}

/*
 * Another try of the same round is due: the last one failed, and was not the round's last. While a
 * check is up it was not, even if a reload has just made the rounds shorter.
 */
static bool retries(const struct check_state *s, const struct check *conf)
{
	if (!s->failures)
		return false;
	if (s->up)
		return true;
	return check_machine_try(s, conf) < check_machine_tries(conf);
}

static int64_t delay_us(const struct check_state *s, const struct check *conf)
{
	if (!s->up && s->passes)
		return conf->delay_before_retry_us;
	if (!s->up && conf->delay_loop_down_us)
		return conf->delay_loop_down_us;
	return retries(s, conf) ? conf->delay_before_retry_us : conf->delay_loop_us;
}

void check_machine_start(struct check_state *s, bool up, int64_t first_run_us, int64_t now_us)
{
	*s = (struct check_state){.up = up, .since_us = now_us, .next_run_us = first_run_us};
	text_set(&s->result, "not run yet");
}

/*
 * The run that was due, or in flight, when the former incarnation ended. States of checks that do
 * well are reported only every CHECK_REPORT_EVERY_US, so a rhythm faster than that went on since,
 * and is kept; a slower one has missed this very run.
 */
static int64_t overdue_run_us(const struct check_state *s, const struct check *conf,
			      int64_t soon_us, int64_t now_us)
{
	int64_t loop_us = conf->delay_loop_us;

	if (s->failures || s->passes)
		return now_us;
	if (loop_us <= 0 || loop_us >= CHECK_REPORT_EVERY_US)
		return soon_us;
	return now_us + loop_us - (now_us - s->next_run_us) % loop_us;
}

void check_machine_resume(struct check_state *s, const struct check *conf,
			  const struct msg_check_state *saved, int64_t soon_us, int64_t now_us)
{
	int64_t latest_us;

	*s = (struct check_state){
		.up = saved->up,
		.has_run = saved->has_run,
		.failures = saved->failures,
		.passes = saved->passes,
		.has_weight = saved->has_weight,
		.weight = saved->weight,
		.since_us = saved->since_us,
		.next_run_us = saved->next_run_us,
		.latency_us = saved->latency_us,
		.result = saved->result,
	};
	/* Its delays may have changed while nobody was there to see it. */
	latest_us = s->has_run ? now_us + delay_us(s, conf) : soon_us;
	if (s->next_run_us > latest_us)
		s->next_run_us = latest_us;
	else if (s->next_run_us < now_us)
		s->next_run_us = overdue_run_us(s, conf, soon_us, now_us);
}

/* All that makes the run itself; not when it comes nor how it is judged. */
static bool same_target(const struct check *old, const struct check *conf)
{
	struct check c = *old;

	c.connect_timeout_us = conf->connect_timeout_us;
	c.delay_loop_us = conf->delay_loop_us;
	c.delay_before_retry_us = conf->delay_before_retry_us;
	c.delay_loop_down_us = conf->delay_loop_down_us;
	c.retry = conf->retry;
	c.rise = conf->rise;
	c.warmup_us = conf->warmup_us;
	c.alpha = conf->alpha;
	c.log_all_failures = conf->log_all_failures;
	return check_equal(&c, conf);
}

bool check_machine_reconf(struct check_state *s, const struct check *old, const struct check *conf,
			  int64_t first_run_us, int64_t now_us)
{
	int64_t was_us = delay_us(s, old);

	if (!same_target(old, conf)) {
		s->failures = 0;
		s->passes = 0;
		if (s->next_run_us > first_run_us)
			s->next_run_us = first_run_us;
		return true;
	}
	if (s->has_run)
		s->next_run_us += delay_us(s, conf) - was_us;
	else if (conf->warmup_us < old->warmup_us && s->next_run_us > first_run_us)
		s->next_run_us = first_run_us;
	if (s->next_run_us < now_us)
		s->next_run_us = now_us;
	return false;
}

static enum check_change set_up(struct check_state *s, bool up, int64_t now_us)
{
	if (s->up == up)
		return CHECK_SAME;
	s->up = up;
	s->since_us = now_us;
	return up ? CHECK_WENT_UP : CHECK_WENT_DOWN;
}

enum check_change check_machine_result(struct check_state *s, const struct check *conf,
				       const struct check_result *result, int64_t now_us)
{
	enum check_change change = CHECK_SAME;

	s->result = result->reason;
	switch (result->outcome) {
	case CHECK_UNKNOWN:
		s->next_run_us = now_us + delay_us(s, conf);
		return CHECK_SAME;
	case CHECK_PASS:
		s->failures = 0;
		if (result->has_weight) {
			s->has_weight = true;
			s->weight = result->weight;
		}
		if (!s->up && s->passes < UINT32_MAX)
			s->passes++;
		if (s->up || s->passes >= conf->rise) {
			s->passes = 0;
			change = set_up(s, true, now_us);
		}
		break;
	case CHECK_FAIL:
		if (s->failures < UINT32_MAX)
			s->failures++;
		s->passes = 0;
		if (s->failures >= check_machine_tries(conf))
			change = set_up(s, false, now_us);
		break;
	}
	s->has_run = true;
	s->latency_us = result->latency_us;
	s->next_run_us = now_us + delay_us(s, conf);
	return change;
}
