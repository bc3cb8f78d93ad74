/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what is wanted and what was observed to the least list of edits between them. Pure. The
 * kernel puts no owner's mark on a service, so a service that is not wanted is removed only when
 * its key is one of ours; all others are somebody else's and stay as they are.
 *
 * Edits change what is there and do not delete and add it again: the kernel's SET commands can
 * change everything but the key and the place in the list. The place matters to the schedulers that
 * hash: they fill their tables in the list's order, and two directors send a client to the same
 * server only when their lists agree. So where such a list is out of order, its destinations are
 * moved, which is to delete and add them in one go; the kernel finds their connections again.
 *
 * New comes before old: a service's
 * missing destinations are added and raised before others are lowered, and those before any is
 * removed, so that no pool is empty in between when neither of its ends is. Services that go are
 * removed last of all.
 *
 * A sync daemon can't be changed: it is stopped and started anew. The one that is missing is
 * started before the other, that is wanted no more, is stopped.
 */
#ifndef TANDEM_IPVS_PLAN_H
#define TANDEM_IPVS_PLAN_H

#include "core/arena.h"
#include "ipvs/table.h"

#include <stdbool.h>

enum ipvs_edit_kind {
	IPVS_EDIT_NEW_SERVICE,
	IPVS_EDIT_SET_SERVICE,
	IPVS_EDIT_DEL_SERVICE,
	IPVS_EDIT_NEW_DEST,
	IPVS_EDIT_SET_DEST,
	IPVS_EDIT_DEL_DEST,
	IPVS_EDIT_SET_TIMEOUTS,
	IPVS_EDIT_NEW_DAEMON,
	IPVS_EDIT_DEL_DAEMON,
	IPVS_EDIT_KINDS,
};

struct ipvs_edit {
	enum ipvs_edit_kind kind;
	int error;			    /* of the kernel: 0 or -errno; written by who applies it */
	const struct ipvs_service *service; /* wanted; observed in a DEL_SERVICE */
	const struct ipvs_service *former;  /* observed, in a SET_SERVICE */
	const struct ipvs_dest *dest;	    /* wanted; observed in a DEL_DEST */
	const struct ipvs_dest *was;	    /* observed, in a SET_DEST */
	struct ipvs_timeouts timeouts;	    /* in a SET_TIMEOUTS; 0: leave it */
	bool moves;			    /* one half of a destination's move to its place */
	enum ipvs_daemon_kind daemon_kind;  /* in a NEW_DAEMON or DEL_DAEMON */
	const struct ipvs_daemon *daemon;   /* wanted in a NEW_DAEMON, observed in a DEL_DAEMON */
};

struct ipvs_plan {
	struct ipvs_edit *edits;
	uint32_t n_edits;
	uint32_t n_foreign; /* observed services left alone */
};

/* A sorted set of virtual server ids, as of ipvs_key_id(). */
struct ipvs_owned {
	const uint64_t *ids;
	uint32_t n_ids;
	bool all; /* the whole table is ours (lvs_flush) */
};

bool ipvs_is_owned(const struct ipvs_owned *owned, const struct ipvs_key *key);

/* Both tables sorted. The edits point into them, and live in the arena. */
void ipvs_plan_make(struct arena *arena, const struct ipvs_table *wanted,
		    const struct ipvs_table *observed, const struct ipvs_owned *owned,
		    struct ipvs_plan *ret);

const char *ipvs_edit_kind_name(enum ipvs_edit_kind kind);

#endif
