/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copying of connections between the directors of a run, as far as VRRP is concerned: beside the
 * LAN there is a way on which each says, with every frame, whether it is Active; a director that was
 * started lacks the others' connections for a while; and one that is about to preempt asks for those
 * of the last moments, and may be answered. It behaves as sync/peering_handover.c does.
 */
#ifndef TANDEM_FAKE_CHANNEL_H
#define TANDEM_FAKE_CHANNEL_H

#include "core/clock.h"

#include <stdbool.h>
#include <stdint.h>

struct node;
struct world;

#define CHANNEL_SILENCE_US USEC_PER_SEC		 /* as SYNC_SILENCE_US */
#define CHANNEL_BEAT_US	   (100 * USEC_PER_MSEC) /* frames come so often, and at each change */
#define CHANNEL_DELAY_US   (2 * USEC_PER_MSEC)	 /* that a change takes */
#define CHANNEL_DRAIN_US   (500 * USEC_PER_MSEC) /* the longest that an answer is waited for */

/* Of a run. */
struct channel {
	bool there;	      /* there is a sync block */
	int64_t sync_wait_us; /* its */
	int64_t beat_us;      /* the next one */
};

/* Of a node. */
struct channel_end {
	bool cut;	    /* nothing comes or goes */
	bool lacks;	    /* connections of the others */
	int64_t has_us;	    /* then it has them, if somebody is there to tell */
	bool told;	    /* that somebody serves */
	int64_t drained_us; /* its question is answered then; USEC_NEVER: it has none, or never */
};

void channel_init(struct world *w, bool there);
/* The node's processes begin anew, with nothing. */
void channel_start(struct world *w, struct node *n);
/* Its way to the others is cut; or mended, and then there is something that it has missed. */
void channel_cut(struct world *w, struct node *n, bool cut);
/* It has become Active or is no more. */
void channel_change(struct world *w);
/* It asks for the connections of the last moments. */
void channel_ask(struct world *w, struct node *n);
int64_t channel_next_us(const struct world *w);
void channel_run(struct world *w);

#endif
