/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs checks when they are due: a timer for each, a bounded number in flight, and a bounded number
 * begun in one turn of the loop, so that it has time for answers and messages however many are due.
 * Runs that find no free place wait in the order in which they became due. Knows neither what a
 * result means nor what a method does.
 */
#ifndef TANDEM_CHECKERS_RUNNER_H
#define TANDEM_CHECKERS_RUNNER_H

#include "checkers/machine.h"

#include <ev.h>
#include <stddef.h>

struct checked;
struct check_run;

/* A run is late when it begins so long after it was due. */
#define CHECK_LATE_US 100000

struct check_runner {
	struct ev_loop *loop;
	size_t in_flight;
	size_t in_flight_max;
	struct check_run *head; /* waiting for a place */
	struct check_run **tail;
	size_t waiting;
	unsigned turn;	     /* of the loop */
	unsigned begun;	     /* runs, in this turn */
	ev_idle go_on;	     /* some wait for the next turn */
	uint64_t late_starts; /* so far */
	uint32_t latest_us;   /* by how much the worst of them */
	/* A run has ended; the next one is planned by the callee, see check_runner_plan(). */
	void (*result)(struct checked *c, const struct check_result *result);
	/* All descriptors are in use: told when the first run must wait for one. */
	void (*late)(struct check_runner *r);
};

void check_runner_init(struct check_runner *r, struct ev_loop *loop, size_t in_flight_max,
		       void (*result)(struct checked *c, const struct check_result *result),
		       void (*late)(struct check_runner *r));

/* The next run is at c->state.next_run_us. A run in flight or waiting goes on. */
void check_runner_plan(struct check_runner *r, struct checked *c, int64_t now_us);
/* c->conf is another struct now. */
void check_runner_moved(struct checked *c);
/* Ends a run in flight without a result. */
void check_runner_cancel(struct check_runner *r, struct checked *c);
bool check_runner_is_in_flight(const struct checked *c);
/* Before the check is freed. */
void check_runner_forget(struct check_runner *r, struct checked *c);

#endif
