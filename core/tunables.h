/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps files of /proc/sys as wanted, and only those: remembers what was there before, and puts that
 * back when a file is not wanted any more, or at the stop, if it still has what was written. What was
 * there before is told to the supervisor ahead of the first write, so that no death forgets it. A
 * process with CAP_NET_ADMIN may write to those of its namespace. One process owns each place.
 */
#ifndef TANDEM_TUNABLES_H
#define TANDEM_TUNABLES_H

#include "core/model.h"
#include "core/msg.h"

struct tunables_place {
	const char *dir;
	const char *called;   /* what stands before a name in the log: "net.ipv4.vs." */
	enum msg_type report; /* of the messages to and from the supervisor */
	const char *missing;  /* what to say of a file that is not there; NULL: it may come and go */
	const char *denied;   /* and of one that may not be written; NULL: as the system has it */
	bool optional;	      /* nothing fails without them: what can't be had is no error */
};

struct tunable {
	struct msg_vs_sysctl_state state;
	const char *wanted; /* NULL: it is to go back */
	bool at_least;	    /* one number: a greater one is as good */
	bool refused;	    /* not tried again before the next settling, or another value is there */
	struct text told;   /* the last complaint */
};

struct tunables {
	struct tunables_place place;
	struct tunable *at;
	uint32_t n;
};

void tunables_init(struct tunables *t, const struct tunables_place *place);
/* Before the first settling: what a former incarnation knew. */
void tunables_resume(struct tunables *t, const struct msg_vs_sysctl_state *m);

/* Nothing is wanted; then each that is, by its path below the place; then that is brought about.
 * `value` stays where it is until the next time. */
void tunables_begin(struct tunables *t);
void tunables_want(struct tunables *t, const char *name, const char *value);
/* Nothing is done to a greater one: neither now, nor at the end when somebody has set it meanwhile. */
void tunables_want_at_least(struct tunables *t, const char *name, const char *value);
void tunables_settle(struct tunables *t);

/* Looks at the values, and repairs what somebody else has changed. */
void tunables_check(struct tunables *t);
void tunables_report(const struct tunables *t);
/* Puts everything back. */
void tunables_stop(struct tunables *t);

#endif
