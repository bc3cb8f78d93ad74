/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which script runs when. Pure: knows neither processes nor clocks; the jobs are the caller's.
 *
 * Scripts of one object run one after the other, in the order of their events, so that the last
 * one to run is the one of the last event. Those of different objects run side by side, up to a
 * bound. Every event runs its script, even when it is outdated by then, as long as no more than
 * SCRIPT_WAITING_MAX wait for one object; beyond that the oldest is dropped, never the newest.
 * A script that passes its deadline is asked to end, and SCRIPT_TERM_GRACE_US later is killed.
 */
#ifndef TANDEM_SCRIPT_QUEUE_H
#define TANDEM_SCRIPT_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#define SCRIPT_WAITING_MAX   16
#define SCRIPT_TERM_GRACE_US ((int64_t)5000000)

enum script_stage {
	SCRIPT_WAITING,
	SCRIPT_RUNNING,
	SCRIPT_ASKED_TO_END, /* by SIGTERM */
	SCRIPT_KILLED,
};

struct script_job {
	uint64_t object;
	int64_t timeout_us;
	/* The queue's own. */
	enum script_stage stage;
	int64_t deadline_us;
	struct script_job *next;
};

struct script_queue {
	struct script_job *waiting; /* oldest first */
	struct script_job *running;
	size_t n_waiting;
	size_t n_running;
	size_t running_max;
};

void script_queue_init(struct script_queue *q, size_t running_max);

/* Returns the job that is dropped for it, or NULL. */
struct script_job *script_queue_add(struct script_queue *q, struct script_job *job);

/* The next job to start now, which is running then; NULL when there is none. */
struct script_job *script_queue_start(struct script_queue *q, int64_t now_us);

/* A job that was started has ended. It is the caller's again. */
void script_queue_end(struct script_queue *q, struct script_job *job);

/*
 * A job that has passed its deadline; its new stage says which signal it gets. NULL when there is
 * none (any more): call until then.
 */
struct script_job *script_queue_overdue(struct script_queue *q, int64_t now_us);

/* When to call script_queue_overdue() next; USEC_NEVER. */
int64_t script_queue_wake_us(const struct script_queue *q);

#endif
