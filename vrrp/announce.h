/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the network where addresses are now: gratuitous ARP (RFC 5227 §3, RFC 9568 §6.4.2) and
 * unsolicited neighbour advertisements (RFC 4861 §7.2.6), as whole frames. With an interval they
 * wait in a queue, so that a switch is not flooded. Knows nothing of VRRP.
 */
#ifndef TANDEM_VRRP_ANNOUNCE_H
#define TANDEM_VRRP_ANNOUNCE_H

#include "core/addr.h"

#include <ev.h>
#include <stddef.h>

#define ANNOUNCE_FRAME_MAX 86

/* One address on one interface, by this hardware address. */
struct announcement {
	int index;
	uint8_t mac[6];
	bool router; /* NA: the Router flag */
	struct addr address;
};

/* The frame for it; returns its length. Pure. */
size_t announce_frame(const struct announcement *a, uint8_t frame[ANNOUNCE_FRAME_MAX]);

struct announcer_item;

struct announcer {
	struct ev_loop *loop;
	int sock;
	uint64_t errors;
	unsigned burst; /* frames sent since the timer was set */
	ev_timer timer;
	struct announcer_item *head;
	struct announcer_item **tail;
};

/* 0 or -errno. `a` must stay where it is. */
int announcer_open(struct announcer *a, struct ev_loop *loop);

/* With interval 0 at once, as far as a burst is not too long; else in turn. Never blocks. */
void announcer_send(struct announcer *a, const struct announcement *what, int64_t interval_us);

/* What waits for this address is dropped: it is no longer here. */
void announcer_cancel(struct announcer *a, int index, const struct addr *address);

#endif
