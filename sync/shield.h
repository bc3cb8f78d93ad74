/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two things that this host's firewall does for sync, in the table `inet tandem_sync`:
 *
 * A connection that IPVS does not know yet gets no reset. While the table may be incomplete, what
 * misses it would reach this host's own TCP, which knows nothing of it and resets it for good;
 * without an answer the sender tries again, and by then it is known.
 *
 * The kernel's sync threads believe everybody who can send to lo. Only this process may.
 */
#ifndef TANDEM_SYNC_SHIELD_H
#define TANDEM_SYNC_SHIELD_H

#include "sync/roles.h"

#include "core/clock.h"
#include "core/codec.h"

/* What the former Active has told last may still be on its way for so long after a takeover. */
#define SYNC_SHIELD_US (10 * USEC_PER_SEC)

/* Why resets would be withheld. */
struct sync_shield_facts {
	int64_t started_us;
	int64_t wait_us; /* how long after the start one waits for the peers at most */
	bool was_synced; /* once since the start */
	int64_t gained_us; /* became Active for something, last; 0: not yet */
};
bool sync_shield_withholds(const struct sync_shield_facts *f, int64_t now_us);

/* The table's rules to a new string, which the caller frees; NULL: out of memory. */
char *sync_shield_rules(const struct sync_roles *roles, bool withholds, unsigned uid);

/* What stands in the kernel; that it does is looked at each time: who loads a firewall of their own
 * flushes ours with it. */
struct sync_shield {
	char *rules;	     /* as they were asked for last; NULL: none */
	struct text trouble; /* why they are not there; "": they are */
	int64_t tried_us;    /* last */
	bool withholds;
};

/* Sets the table when it is to be another one than last time, and tries again what has failed, twice a
 * minute; changes of `trouble` are logged. */
void sync_shield_set(struct sync_shield *s, const struct sync_roles *roles, bool withholds,
		     int64_t now_us);
void sync_shield_remove(struct sync_shield *s);

#endif
