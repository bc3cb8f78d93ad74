/* SPDX-License-Identifier: Apache-2.0 */
/* One check's judgement: see machine.h. */
#include "checkers/machine.h"

#include "core/clock.h"
#include "core/model.h"
#include "core/msg.h"

/* Of flap_damping: see machine.h. */
#define PENALTY_DOWN  1000
#define PENALTY_HOLD  2500
#define PENALTY_REUSE 750
#define PENALTY_MAX   (16 * PENALTY_REUSE)
/* A round may be late by one part in this of its delay, and keeps its place. */
#define PLACE_PARTS 16
/* A new place is up to so many percent of the delay before the round's end. */
#define PLACE_LOT 50
/* A new latency moves the smoothed one by one part in this, as TCP's. */
#define SMOOTHING 8

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

/* The next runs decide whether it changes. What is held down is decided, for a time. */
static bool is_undecided(const struct check_state *s)
{
	return s->up ? s->failures : s->passes && !s->held;
}

static int64_t delay_us(const struct check_state *s, const struct check *conf)
{
	if (is_undecided(s) && conf->delay_undecided_us)
		return conf->delay_undecided_us;
	if (is_undecided(s))
		return conf->delay_before_retry_us;
	if (!s->up && conf->delay_loop_down_us)
		return conf->delay_loop_down_us;
	return retries(s, conf) ? conf->delay_before_retry_us : conf->delay_loop_us;
}

/* The penalty halves in each flap_damping; in between a straight line is good enough. */
static uint32_t penalty_now(const struct check_state *s, const struct check *conf, int64_t now_us)
{
	int64_t half_us = conf->flap_damping_us, past_us = now_us - s->penalty_us;
	uint32_t p = s->penalty;

	if (!half_us || past_us < 0)
		return half_us ? p : 0;
	if (past_us / half_us >= 32)
		return 0;
	p >>= past_us / half_us;
	return p - (uint32_t)(p * (past_us % half_us) / (2 * half_us));
}

/* When no more than PENALTY_REUSE will be left. */
static int64_t reuse_us(const struct check_state *s, const struct check *conf)
{
	int64_t at_us = s->penalty_us;
	uint32_t p = s->penalty;

	for (; p >= 2 * PENALTY_REUSE; p /= 2)
		at_us += conf->flap_damping_us;
	if (p <= PENALTY_REUSE)
		return at_us;
	return at_us + 2 * conf->flap_damping_us * (p - PENALTY_REUSE) / p + 1;
}

static void punish(struct check_state *s, const struct check *conf, int64_t now_us)
{
	uint32_t p = penalty_now(s, conf, now_us) + PENALTY_DOWN;

	if (!conf->flap_damping_us)
		return;
	s->penalty = p < PENALTY_MAX ? p : PENALTY_MAX;
	s->penalty_us = now_us;
	s->held |= p >= PENALTY_HOLD;
}

/* It passes, and would be up. */
static bool is_held(struct check_state *s, const struct check *conf, int64_t now_us)
{
	struct text said = s->result;

	if (s->held && penalty_now(s, conf, now_us) <= PENALTY_REUSE)
		s->held = false;
	if (s->held)
		text_set(&s->result, "%.110s; went down too often, held down for %lld s more",
			 said.s,
			 (long long)((reuse_us(s, conf) - now_us) / USEC_PER_SEC + 1));
	return s->held;
}

/*
 * Shorter by up to so many percent. The lots are drawn from the check and the time, so that a test
 * can draw them again.
 */
static int64_t jittered(int64_t delay, uint32_t percent, const struct check *conf, int64_t now_us)
{
	uint64_t x = (conf->id ^ (uint64_t)now_us) * UINT64_C(0x9e3779b97f4a7c15);

	return delay - (int64_t)((double)delay * percent / 100 * (double)(x >> 40) / (1 << 24));
}

/*
 * The rounds of a check that does well keep their places: a run that was a little late, or took a
 * little, makes the next one no later. Else what a busy moment has brought together stays together.
 */
static int64_t round_began_us(const struct check_state *s, int64_t delay, int64_t now_us)
{
	int64_t past_us = now_us - s->next_run_us;
	bool does_well = s->up && s->since_us < now_us && !s->failures && s->streak > 1;

	if (!does_well || past_us < 0 || past_us >= delay / PLACE_PARTS)
		return now_us;
	return s->next_run_us;
}

static void plan_next(struct check_state *s, const struct check *conf, int64_t now_us)
{
	bool lots = s->out_of_turn && s->up && !s->failures;
	uint32_t jitter = lots && conf->jitter < PLACE_LOT ? PLACE_LOT : conf->jitter;
	int64_t delay = delay_us(s, conf);

	s->next_run_us = round_began_us(s, delay, now_us) + jittered(delay, jitter, conf, now_us);
	s->out_of_turn = false;
	if (s->held && s->passes && s->next_run_us > reuse_us(s, conf) && reuse_us(s, conf) > now_us)
		s->next_run_us = reuse_us(s, conf);
}

static void note_latency(struct check_state *s, uint32_t latency_us)
{
	unsigned bucket = 0;

	while (bucket < CHECK_BUCKETS - 1 && latency_us >= UINT32_C(250) << bucket)
		bucket++;
	s->histogram[bucket]++;
	if (!s->smoothed_us)
		s->smoothed_us = latency_us ? latency_us : 1;
	else
		s->smoothed_us += (int32_t)(latency_us - s->smoothed_us) / SMOOTHING;
	if (!s->smoothed_us)
		s->smoothed_us = 1;
}

void check_machine_start(struct check_state *s, bool up, int64_t first_run_us, int64_t now_us)
{
	*s = (struct check_state){.up = up,
				  .agent = AGENT_SILENT,
				  .since_us = now_us,
				  .next_run_us = first_run_us};
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
		.agent = {.down = saved->agent_down,
			  .admin = saved->agent_admin,
			  .percent = saved->agent_percent,
			  .maxconn = saved->agent_maxconn},
		.since_us = saved->since_us,
		.next_run_us = saved->next_run_us,
		.latency_us = saved->latency_us,
		.smoothed_us = saved->smoothed_us,
		.streak = saved->streak,
		.held = saved->held,
		.penalty = saved->penalty,
		.penalty_us = saved->penalty_us,
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
	c.delay_undecided_us = conf->delay_undecided_us;
	c.jitter = conf->jitter;
	c.flap_damping_us = conf->flap_damping_us;
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

	if (!conf->flap_damping_us)
		s->held = false;
	s->other_agent |= old->port != conf->port || !addr_equal(&old->address, &conf->address);
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

void check_machine_hurry(struct check_state *s, int64_t now_us)
{
	s->next_run_us = now_us;
	s->out_of_turn = true;
}

void check_machine_doubt(struct check_state *s, int64_t now_us)
{
	if (set_up(s, false, now_us) != CHECK_SAME)
		text_set(&s->result, "changed, and not run since");
}

static void take_agent(struct check_agent *a, const struct check_agent_said *said)
{
	if (said->status)
		a->down = said->word.down;
	if (said->admin)
		a->admin = said->word.admin;
	if (said->percent)
		a->percent = said->word.percent < AGENT_PERCENT_MAX ? said->word.percent
								    : AGENT_PERCENT_MAX;
	if (said->maxconn)
		a->maxconn = said->word.maxconn;
}

static enum check_change take_pass(struct check_state *s, const struct check *conf,
				   const struct check_result *result, int64_t now_us)
{
	s->failures = 0;
	note_latency(s, result->latency_us);
	if (result->has_weight) {
		s->has_weight = true;
		s->weight = result->weight;
	}
	if (!s->up && s->passes < UINT32_MAX)
		s->passes++;
	if (!s->up && (s->passes < conf->rise || is_held(s, conf, now_us)))
		return CHECK_SAME;
	s->passes = 0;
	return set_up(s, true, now_us);
}

static enum check_change take_fail(struct check_state *s, const struct check *conf, int64_t now_us)
{
	enum check_change change = CHECK_SAME;

	if (s->failures < UINT32_MAX)
		s->failures++;
	s->passes = 0;
	if (s->failures >= check_machine_tries(conf))
		change = set_up(s, false, now_us);
	if (change != CHECK_SAME)
		punish(s, conf, now_us);
	return change;
}

enum check_change check_machine_result(struct check_state *s, const struct check *conf,
				       const struct check_result *result, int64_t now_us)
{
	bool passed = result->outcome == CHECK_PASS;
	enum check_change change;

	s->result = result->reason;
	if (result->outcome == CHECK_UNKNOWN) {
		plan_next(s, conf, now_us);
		return CHECK_SAME;
	}
	if (s->other_agent)
		s->agent = AGENT_SILENT;
	s->other_agent = false;
	take_agent(&s->agent, &result->agent);
	/* A line that does not speak of it leaves it as it was. */
	if (s->agent.down)
		passed = false;
	if (!s->has_run || passed != !s->failures)
		s->streak = 0;
	s->streak += s->streak < UINT32_MAX;
	change = passed ? take_pass(s, conf, result, now_us) : take_fail(s, conf, now_us);
	s->has_run = true;
	s->latency_us = result->latency_us;
	plan_next(s, conf, now_us);
	return change;
}
