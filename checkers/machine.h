/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One check's judgement: when it runs next, and whether it is up. Pure: conf, state and event with
 * its time go in, the new state and what changed come out. Knows neither methods, sockets, timers
 * nor real servers.
 *
 * The meaning of the keywords is keepalived's. A pass makes a check up at once. A fail is tried
 * again after delay_before_retry, `retry` times; the last fail in a row makes it down. The next
 * round begins delay_loop after the end of the last one, or, of a check that does well, after when
 * the last one was to begin: so rounds keep their places. A check that is down is tried in the
 * same rounds.
 *
 * New: with `rise` it takes so many passes in a row to make a check up; with delay_loop_down one
 * that is down is tried at that interval; with delay_undecided one that fails but is still up, or
 * passes but is still down, is tried at that, else at delay_before_retry. `jitter` makes a delay
 * shorter by up to so many percent, never longer: no detection is put off.
 *
 * flap_damping is RFC 2439's, with its usual figures: each time a check goes down costs 1000, which
 * halves in flap_damping; from 2500 on it is held down, although it passes, until 750 are left.
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

#define AGENT_PERCENT_MAX 1000

/* What a server's own agent says of it, beside being up or down. */
struct check_agent {
	bool down;	  /* decides the check's outcome */
	uint8_t admin;	  /* enum server_admin, of which an agent uses ready, drain and maint */
	uint16_t percent; /* of the configured weight, up to AGENT_PERCENT_MAX */
	uint32_t maxconn; /* 0: none */
};

#define AGENT_SILENT ((struct check_agent){.percent = 100})

/* A word of the agent's stays until it says another of its kind. */
struct check_agent_said {
	bool status; /* down or not */
	bool admin;
	bool percent;
	bool maxconn;
	struct check_agent word;
};

struct check_result {
	enum check_outcome outcome;
	uint32_t latency_us;
	bool has_weight;
	int32_t weight;	    /* that the run gives to the server */
	struct check_agent_said agent;
	struct text warning; /* what does not fail but should be seen to; "": nothing */
	struct text reason; /* "connected in 0.4 ms", "connection refused" */
};

/* Microseconds in words, as milliseconds: without floating point, for it is done with every run. */
#define CHECK_MS_FORMAT "%u.%u"
#define CHECK_MS(us)	((us) + 50) / 1000, ((us) + 50) / 100 % 10

enum check_change {
	CHECK_SAME,
	CHECK_WENT_UP,
	CHECK_WENT_DOWN,
};

/* Bucket n counts what took less than 250 µs << n, the last one the rest. */
#define CHECK_BUCKETS 14

struct check_state {
	bool up;
	bool has_run;
	uint32_t failures; /* in a row */
	uint32_t passes;   /* in a row, while it is down */
	bool has_weight;   /* a run has given one; it stays until another does */
	int32_t weight;
	struct check_agent agent;
	bool other_agent; /* a reload asks another one: its first word ends the former's */
	int64_t since_us;  /* up or down since */
	int64_t next_run_us;
	bool out_of_turn; /* the next run is: it gives its place up */
	uint32_t latency_us;
	uint32_t smoothed_us; /* latency of the passes; 0: there was none */
	uint32_t streak;      /* runs in a row that ended as the last one */
	bool held;	      /* flapped: stays down although it passes */
	uint32_t penalty;     /* of flapping, as it was at penalty_us */
	int64_t penalty_us;
	uint32_t histogram[CHECK_BUCKETS]; /* of the latency of passes */
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

/*
 * It is run at once, with others perhaps: the round after that begins sooner than after delay_loop,
 * by lot, so that each has a place of its own again.
 */
void check_machine_hurry(struct check_state *s, int64_t now_us);

/*
 * Its target changed while its server is down: what has passed was another one, and an edit alone
 * puts no server back.
 */
void check_machine_doubt(struct check_state *s, int64_t now_us);

/* A run has ended. */
enum check_change check_machine_result(struct check_state *s, const struct check *conf,
				       const struct check_result *result, int64_t now_us);

/* Which try of its round the last failed run was, from 1; and how many there are. */
uint32_t check_machine_try(const struct check_state *s, const struct check *conf);
uint32_t check_machine_tries(const struct check *conf);

#endif
