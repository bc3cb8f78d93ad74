/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A replay window as RFC 6479's: which sequence numbers have been seen, of the last
 * SYNC_REPLAY_WINDOW. Several paths and reordering need it wide.
 */
#ifndef TANDEM_SYNC_REPLAY_H
#define TANDEM_SYNC_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#define SYNC_REPLAY_BITS   2048
#define SYNC_REPLAY_WINDOW (SYNC_REPLAY_BITS - 64)

struct sync_replay {
	uint64_t newest;
	uint64_t floor; /* nothing up to here is accepted */
	uint64_t seen[SYNC_REPLAY_BITS / 64];
};

/* Accepts what comes after `floor`. */
void sync_replay_init(struct sync_replay *r, uint64_t floor);
/* Would it be accepted? Asked before authentication, changes nothing. */
bool sync_replay_is_fresh(const struct sync_replay *r, uint64_t seq);
/* After authentication. */
void sync_replay_mark(struct sync_replay *r, uint64_t seq);

#endif
