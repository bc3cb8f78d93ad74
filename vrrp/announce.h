/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the network where addresses are now: gratuitous ARP (RFC 5227 §3, RFC 9568 §6.4.2) and
 * unsolicited neighbour advertisements (RFC 4861 §7.2.6), as whole frames: many in one system call,
 * or with an interval one by one, so that a switch is not flooded. Knows nothing of VRRP.
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
	int64_t interval_us; /* until the next one, at least */
};

/* The frame for it; returns its length. Pure. */
size_t announce_frame(const struct announcement *a, uint8_t frame[ANNOUNCE_FRAME_MAX]);

struct announcer_job;

/* Where the queue goes on. */
struct announcer_place {
	struct announcer_job *job;
	uint32_t round;
	size_t at;
};

struct announcer {
	struct ev_loop *loop;
	int sock;
	uint64_t errors;
	unsigned tries; /* of the first, which the interface had no room for */
	ev_timer timer; /* until it goes on */
	struct announcer_job *head;
	struct announcer_job **tail;
	struct announcer_place place;
};

/* 0 or -errno. `a` must stay where it is. */
int announcer_open(struct announcer *a, struct ev_loop *loop);

/* All of the list, `rounds` times over, behind those that wait. As many as one system call takes
 * leave at once, the others from the loop. Never blocks. */
void announcer_send(struct announcer *a, const struct announcement *list, size_t n,
		    uint32_t rounds);

/* What waits for this address is dropped: it is no longer here. */
void announcer_cancel(struct announcer *a, int index, const struct addr *address);

#endif
