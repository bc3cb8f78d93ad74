/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of the last moments, before a hand-over on purpose: by this node, which asks
 * whether the peers have all that it has, or to a peer, which asks this node for them. Who asks
 * waits for the answer for a bounded time. Pure.
 */
#ifndef TANDEM_SYNC_DRAIN_H
#define TANDEM_SYNC_DRAIN_H

#include "core/clock.h"

#include <stdbool.h>

/* What the kernel knew when it was asked, it has told by then: see push.h. */
#define SYNC_DRAIN_TOLD_US (50 * USEC_PER_MSEC)

struct sync_drain {
	bool asked;
	bool told;	  /* by the kernel */
	int64_t asked_us;
	uint64_t version; /* of the table, when it was */
};

void sync_drain_ask(struct sync_drain *d, int64_t now_us);

/*
 * True once for each time it was asked, when all is said. `version`: of the table; `peers`: how
 * many follow our stream, and `acked`: what all of these have. Who follows no more when it dies is
 * not waited for.
 */
bool sync_drain_is_over(struct sync_drain *d, int64_t now_us, uint64_t version, unsigned peers,
			uint64_t acked);

/* A peer's question, by the name that it gave it: the time, on its own clock. */
struct sync_drain_order {
	int64_t asked;	 /* the newest, and the one that is about to be answered; 0: none */
	int64_t running;
	int64_t due_us;
};

void sync_drain_order(struct sync_drain_order *o, int64_t now_us, int64_t asked);
/* The question that is to be answered now, once what the kernel has told until then is in our log;
 * 0: none. */
int64_t sync_drain_order_due(struct sync_drain_order *o, int64_t now_us);

#endif
