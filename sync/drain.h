/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before this node hands over on purpose: do the peers have all connections that it has? Asked
 * once, by tandem-vrrp, which waits for the answer for a bounded time. Pure.
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

#endif
