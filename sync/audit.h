/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does the kernel have what we believe it has? Now and then its list of connections is read, as
 * /proc/net/ip_vs_conn shows it, and what it has lost is given to it again; so are the connections
 * of real servers that it has been given later than those: tandem-ipvs says which, and what others
 * have put there is seen by a look each second.
 *
 * What it has and we don't know of is taken up: nobody has heard what the kernel told while this
 * process was not there, or had no room. So the first pass comes as soon as the peers have told
 * what they know, and in a hurry; until it is over, connections that were opened meanwhile live on
 * this node alone.
 *
 * What that costs is bounded. Before Linux 6.14 reading the list is quadratic in its length: each
 * read() walks all that came before. So after each one as much time passes as keeps it below a
 * twentieth of a processor, and where several in a row are too dear the pass is given up.
 *
 * The list changes while it is read, and what stands in it may be missed: only what two passes have
 * not seen is lost; or one, where the kernel counts far fewer connections than we do. That is
 * looked at every second, for it is cheap, and is a reason to read the list at once. What has
 * ended, and what goes to a server that the kernel has no longer, is not.
 */
#ifndef TANDEM_SYNC_AUDIT_H
#define TANDEM_SYNC_AUDIT_H

#include "core/clock.h"
#include "sync/proc_ip_vs.h"
#include "sync/table.h"

struct sync_audit_counters {
	uint64_t passes;
	uint64_t given_up; /* reading is too dear for so many connections */
	uint64_t repairs;  /* connections that were lost and given again */
	uint64_t adopted;  /* that we did not know of */
	uint64_t rebound;  /* given again since their real server was new */
};

struct sync_audit {
	void (*adopt)(void *ctx, const uint8_t *record, size_t len);
	void *ctx;
	enum sync_audit_phase {
		SYNC_AUDIT_IDLE,
		SYNC_AUDIT_READING,
		SYNC_AUDIT_JUDGING,
		SYNC_AUDIT_BINDING,
	} phase;
	int conns; /* /proc/net/ip_vs_conn; -1: closed */
	char text[8192];
	size_t text_len; /* of a line that is not whole yet */
	struct sync_cursor cursor;
	uint64_t given; /* the kernel has been given all up to this version */
	uint64_t until; /* the last version that the phase is about */
	struct proc_dests dests;
	struct proc_dests added; /* sync_audit_server_added()'s, not begun with yet */
	struct proc_dests fresh; /* connections to these are given again: to those, and of `dests`, to
				  * those that the look before had not */
	bool looked;
	bool begun; /* the kernel had connections when it was looked at first */
	bool is_short; /* the kernel counts far fewer than we do */
	int64_t short_us; /* for that reason no pass begins before this */
	int64_t look_us; /* when to look at real servers next */
	int64_t pass_us; /* when to begin the next pass */
	bool again;	 /* sync_audit_hurry() was called in the midst of a pass */
	unsigned dear;	 /* the last so many reads of this pass were, */
	int64_t spent_us; /* and all of them took so long */
	unsigned unseen; /* in this pass, for the first time */
	unsigned repaired;
	unsigned adopted;
	struct sync_audit_counters counters;
};

/* `adopt`: a connection that the kernel has and the table has not. */
void sync_audit_open(struct sync_audit *a, struct sync_table *t, int64_t now_us,
		     void (*adopt)(void *ctx, const uint8_t *record, size_t len), void *ctx);
void sync_audit_close(struct sync_audit *a, struct sync_table *t);
/* The kernel may have connections that the table has not: the next pass begins at `at_us`, if not
 * before, or soon after the present one. Returns when to call sync_audit_step(); USEC_NEVER: as it
 * said last. */
int64_t sync_audit_hurry(struct sync_audit *a, int64_t at_us);
/*
 * The kernel has been given this real server just now. It may have been there at the last look, and
 * have been away since: connections that the kernel was given meanwhile are without one. Call
 * sync_audit_step() at the time that is returned; USEC_NEVER: as it said last.
 */
int64_t sync_audit_server_added(struct sync_audit *a, const struct proc_dest *dest);
/* A bounded piece of work. `given`: the kernel has been given all up to this version. Returns when
 * to call it again. */
int64_t sync_audit_step(struct sync_audit *a, struct sync_table *t, uint64_t given, int64_t now_us);

/* Does the kernel have connections from before this process, and the first pass is not over? */
bool sync_audit_kernel_knows(const struct sync_audit *a);

/* After so long the first pass begins, with peers or without. */
#define SYNC_AUDIT_FIRST_US (3 * USEC_PER_SEC)
/* How long a pass that is over keeps the next one off: it was sure of everything or it was not. */
int64_t sync_audit_pause_us(const struct sync_audit *a);

/* A read() of the list took so long: is the pass to be given up? */
bool sync_audit_is_too_dear(struct sync_audit *a, int64_t spent_us);

/* What a step judges by; pure. Was this entry in the kernel's list, or is it lost after so many
 * passes? */
enum sync_audit_verdict {
	SYNC_AUDIT_SEEN,
	SYNC_AUDIT_UNSEEN, /* once: it may be there all the same */
	SYNC_AUDIT_ENDED,  /* it is gone, and should be */
	SYNC_AUDIT_LOST,
};
enum sync_audit_verdict sync_audit_judge(const struct sync_table *t, const struct sync_entry *e,
					 const struct proc_dests *dests, unsigned passes,
					 uint32_t now_s);

/*
 * Can this line's record be one for the table? Pure. Then what the line does not say is filled in.
 * Not those that the kernel does not tell of either: TCP that is not established yet.
 */
bool sync_audit_complete(const struct proc_dests *dests, uint8_t *record);

#endif
