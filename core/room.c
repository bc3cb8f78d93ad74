/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for the next configuration: see room.h. */
#include "core/room.h"

#include "core/arena.h"

/* By then a start is over. */
#define IDLE_S 0.5
/* So much at a time, so that nothing has to wait for it. */
#define PIECE_BYTES ((size_t)256 << 10)
#define PAUSE_S	    0.002
/* Below this it is not worth it. */
#define LEAST_BYTES ((size_t)1 << 20)

static void give_back(struct room *r)
{
	ev_timer_stop(r->loop, &r->idle);
	arena_free(r->taken);
	r->taken = NULL;
}

/* What is free already is given out first, and is no room for more. */
static void on_idle(struct ev_loop *loop, ev_timer *w, int events)
{
	struct room *r = w->data;

	if (!r->taken) {
		r->bytes += arena_free_bytes();
		r->taken = arena_new();
	}
	arena_extend(r->taken, PIECE_BYTES);
	if (arena_bytes(r->taken) >= r->bytes)
		give_back(r);
}

void room_init(struct room *r, struct ev_loop *loop)
{
	*r = (struct room){.loop = loop};
	ev_timer_init(&r->idle, on_idle, IDLE_S, PAUSE_S);
	r->idle.data = r;
}

void room_want(struct room *r, size_t bytes)
{
	if (r->bytes || bytes < LEAST_BYTES)
		return;
	r->bytes = bytes;
	ev_timer_start(r->loop, &r->idle);
}

void room_done(struct room *r)
{
	if (r->loop)
		give_back(r);
}
