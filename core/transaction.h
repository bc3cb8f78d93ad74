/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reload, as a two-phase commit over the roles: all of them prepare the new model, then all of
 * them run it; if one refuses, dies or is silent before that, all of them forget it.
 *
 * Once committing is decided there is no way back: a role that dies or is silent then is started
 * again on the new model. Pure: sends nothing; it says what to send.
 */
#ifndef TANDEM_TRANSACTION_H
#define TANDEM_TRANSACTION_H

#include "core/msg.h"

enum transaction_phase {
	TRANSACTION_IDLE,
	TRANSACTION_PREPARING,
	TRANSACTION_COMMITTING,
};

enum transaction_result {
	TRANSACTION_PENDING,
	TRANSACTION_COMMITTED, /* every role runs the new model */
	TRANSACTION_REFUSED,   /* `culprit` said no; the former model runs on */
	TRANSACTION_LOST,      /* `culprit` died while preparing; the former model runs on */
	TRANSACTION_TIMED_OUT, /* `culprit` did not answer; the former model runs on */
	TRANSACTION_PARTIAL,   /* the new model runs, but `culprit` has to be started again on it */
};
const char *transaction_result_name(enum transaction_result result);

struct transaction {
	enum transaction_phase phase;
	uint64_t generation;
	unsigned roles;	     /* that take part, as a set of enum role_id */
	unsigned answered;   /* PREPARED or COMMITTED, in this phase */
	unsigned missing;    /* to be started again on the new model */
	int64_t deadline_us; /* USEC_NEVER when idle */
	int64_t latest_us;   /* that the deadline may be put off to */
};

/* What to do now; sets of roles. */
struct transaction_actions {
	unsigned prepare;
	unsigned commit;
	unsigned abort;
	unsigned kill; /* alive, but not answering COMMIT */
	bool decided;  /* the new model is the current one from here on */
	enum transaction_result result;
	enum role_id culprit;
};

/* With an empty set it is committed at once. Only when idle. */
struct transaction_actions transaction_begin(struct transaction *t, uint64_t generation,
					     unsigned roles, int64_t now_us);
/* Answers to other generations are late ones: ignored. */
struct transaction_actions transaction_prepared(struct transaction *t, enum role_id role,
						uint64_t generation, int error, int64_t now_us);
struct transaction_actions transaction_committed(struct transaction *t, enum role_id role,
						 uint64_t generation);
struct transaction_actions transaction_role_lost(struct transaction *t, enum role_id role);
/* Those of `at_work`, though silent, are only slow: the deadline is put off for them, a few times. */
struct transaction_actions transaction_timer(struct transaction *t, unsigned at_work,
					     int64_t now_us);

#endif
