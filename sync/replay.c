/* SPDX-License-Identifier: Apache-2.0 */
/* A replay window: see replay.h. */
#include "sync/replay.h"

#include <string.h>

#define WORDS (SYNC_REPLAY_BITS / 64)

void sync_replay_init(struct sync_replay *r, uint64_t floor)
{
	*r = (struct sync_replay){.newest = floor, .floor = floor};
}

bool sync_replay_is_fresh(const struct sync_replay *r, uint64_t seq)
{
	if (seq <= r->floor)
		return false;
	if (seq > r->newest)
		return true;
	if (r->newest - seq >= SYNC_REPLAY_WINDOW)
		return false;
	return !(r->seen[seq / 64 % WORDS] >> seq % 64 & 1);
}

void sync_replay_mark(struct sync_replay *r, uint64_t seq)
{
	/* The words between the newest one and this are entered for the first time. */
	if (seq > r->newest) {
		uint64_t words = seq / 64 - r->newest / 64;

		for (uint64_t i = 1; i <= words && i <= WORDS; i++)
			r->seen[(r->newest / 64 + i) % WORDS] = 0;
		r->newest = seq;
	}
	r->seen[seq / 64 % WORDS] |= (uint64_t)1 << seq % 64;
}
