/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One check's judgement: when it runs next, and whether it is up. Pure: conf, state and event with
 * its time go in, the new state and what changed come out. Knows neither methods, sockets, timers
 * nor real servers.
 *
 * The meaning of the keywords is keepalived's. A pass makes a check up at once. A fail is tried
 * again after delay_before_retry, `retry` times; the last fail in a row makes it down. The next
 * round begins delay_loop after the end of the last one. A check that is down is tried in the same
 * rounds.
 *
 * New: with `rise` it takes so many passes in a row, delay_before_retry apart, to make a check up;
 * with delay_loop_down one that is down is tried at that interval.
 */
#ifndef TANDEM_CHECKERS_MACHINE_H
#define TANDEM_CHECKERS_MACHINE_H

#include "core/codec.h"

#include <stdbool.h>
#include <stdint.h>

/* The state of a check that does well need not be saved more often than this. */
#define CHECK_REPORT_EVERY_US ((int64_t)10000000)

struct check;
struct msg_check_state;

enum check_outcome {
	CHECK_PASS,
	CHECK_FAIL,
	/* Nothing was learned of the server: no descriptor, no memory, no local address. */
	CHECK_UNKNOWN,
};

struct check_result {
	enum check_outcome outcome;
	uint32_t latency_us;
	bool has_weight;
	int32_t weight;	    /* that the run gives to the server */
	struct text reason; /* "connected in 0.4 ms", "connection refused" */
};

enum check_change {
	CHECK_SAME,
	CHECK_WENT_UP,
	CHECK_WENT_DOWN,
};

struct check_state {
	bool up;
	bool has_run;
	uint32_t failures; /* in a row */
	uint32_t passes;   /* in a row, while it is down */
	bool has_weight;   /* a run has given one; it stays until another does */
	int32_t weight;
	int64_t since_us;  /* up or down since */
	int64_t next_run_us;
	uint32_t latency_us;
	struct text result; /* of the last run */
};

const char *check_outcome_name(enum check_outcome outcome);

/* A check nobody knew. `up` is what its server is so far, or !alpha for a new server. */
void check_machine_start(struct check_state *s, bool up, int64_t first_run_us, int64_t now_us);

/*
 * A check as a former incarnation of this process left it. Its rhythm goes on, so that a restart
 * neither brings all checks at once nor puts any off by more than it missed. A run that was missed
 * comes at soon_us, its place in a short row of them; at once when it may decide something.
 */
void check_machine_resume(struct check_state *s, const struct check *conf,
			  const struct msg_check_state *saved, int64_t soon_us, int64_t now_us);

/*
 * A reload changed `old` to `conf`. What is known stays until the changed check's own verdict; its
 * time changes only with its timing. With another target it begins a new round, not later than
 * `first_run_us`. True when the target changed: a run in flight is of no use any more.
 */
bool check_machine_reconf(struct check_state *s, const struct check *old, const struct check *conf,
			  int64_t first_run_us, int64_t now_us);

/* A run has ended. */
enum check_change check_machine_result(struct check_state *s, const struct check *conf,
				       const struct check_result *result, int64_t now_us);

/* Which try of its round the last failed run was, from 1; and how many there are. */
uint32_t check_machine_try(const struct check_state *s, const struct check *conf);
uint32_t check_machine_tries(const struct check *conf);

#endif
