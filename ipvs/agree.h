/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How directors come to the same weights, so that their tables are the same and a takeover moves
 * nobody to another real server. Pure; one call for each server. The rule:
 *
 * - Whether a server takes part is each director's own verdict. One that our checks find down
 *   stays out whatever a peer says: after a takeover it is us who would send clients to it, in
 *   vain. One that the Active finds down stays in here: an Active that is cut off from its servers
 *   must not empty the table of its successor. What the two see differently is told.
 * - Weight 0 is a verdict, too: an agent's or an operator's, who tell both directors.
 * - Of servers that get connections there and here, the director that is Active for the service
 *   says the weight; slow start, agents and feedback never are at the same point on both.
 * - When it is no longer heard, or we become Active, its weight stays until our own judgement
 *   changes, but not longer than AGREE_HOLD_US: connections that were opened just before the
 *   takeover still find their server by the hash, and nobody who is gone decides for ever.
 */
#ifndef TANDEM_IPVS_AGREE_H
#define TANDEM_IPVS_AGREE_H

#include "core/clock.h"

#include <stdbool.h>
#include <stdint.h>

/* Longer than a SYN is repeated for often, and than a takeover by advertisements takes. */
#define AGREE_HOLD_US (10 * USEC_PER_SEC)

/* All zero: nothing is agreed. */
struct agreed {
	int32_t weight;	  /* to be used instead of our own; 0: none */
	int32_t own;	  /* ours when the hold began */
	int64_t until_us; /* of the hold; 0: the Active is heard, and says so */
};

/* Weights are as wanted in the kernel, 0 for a server that gets no new connections. */
struct agree_input {
	bool led;	/* another director is Active for the service, and heard */
	int32_t theirs; /* its weight */
	int32_t own;
};

/* Returns when to step again without being asked to; 0: never. */
int64_t agree_step(struct agreed *a, const struct agree_input *in, int64_t now_us);

/*
 * Whether two directors see a server differently is only said when it has lasted: checks do not
 * run at the same moment. All zero: they agree.
 */
struct agree_difference {
	int64_t since_us; /* 0: no difference */
	bool told;
};
enum agree_news {
	AGREE_NO_NEWS,
	AGREE_DIFFERS,
	AGREE_NO_LONGER, /* it was told that they differ */
};
/* `settle_us`: how long it has to last. It is to be asked again at since_us + settle_us. */
enum agree_news agree_compare(struct agree_difference *d, bool differs, int64_t settle_us,
			      int64_t now_us);

#endif
