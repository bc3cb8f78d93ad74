/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for the next configuration, taken when nobody waits for it: at a reload its first touch would
 * cost more than the work, on a virtual machine several times as much. Owns when that is, and that
 * it is done by pieces; in the end all is given back, to be found there (arena_keep_memory()).
 */
#ifndef TANDEM_ROOM_H
#define TANDEM_ROOM_H

#include <ev.h>
#include <stddef.h>

struct arena;

struct room {
	struct ev_loop *loop;
	ev_timer idle;
	struct arena *taken; /* until there is enough; NULL: not begun, or done */
	size_t bytes;	     /* 0: nobody has asked for it yet */
};

void room_init(struct room *r, struct ev_loop *loop);
/* In a while there is room for so many bytes more. Once: later ones have what the former left. */
void room_want(struct room *r, size_t bytes);
void room_done(struct room *r);

#endif
