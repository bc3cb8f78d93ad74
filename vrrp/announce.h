/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the network where addresses are now: gratuitous ARP (RFC 5227 §3, RFC 9568 §6.4.2) and
 * unsolicited neighbour advertisements (RFC 4861 §7.2.6), as whole frames: many in one system call,
 * or at a pace one by one, so that a switch is not flooded. Knows nothing of VRRP.
 */
#ifndef TANDEM_VRRP_ANNOUNCE_H
#define TANDEM_VRRP_ANNOUNCE_H

#include "core/addr.h"

#include <ev.h>
#include <net/if.h>
#include <stddef.h>

#define ANNOUNCE_FRAME_MAX 86

/* One address on one interface, by this hardware address. */
struct announcement {
	int index;
	uint8_t mac[6];
	bool router; /* NA: the Router flag */
	struct addr address;
	uint32_t pace;	     /* those of one pace wait for each other */
	int64_t interval_us; /* until the next one of its pace, at least */
};

/* The frame for it; returns its length. Pure. */
size_t announce_frame(const struct announcement *a, uint8_t frame[ANNOUNCE_FRAME_MAX]);

/* An interface whose announcements go at another interval, or in turn with those of others. */
struct announcer_group {
	char ifname[IFNAMSIZ];
	uint32_t pace;
	int64_t arp_interval_us;
	int64_t na_interval_us;
};

struct announcer_lane;

struct announcer {
	struct ev_loop *loop;
	int sock;
	uint64_t errors;
	struct announcer_group *groups;
	size_t n_groups;
	struct announcer_lane *lanes; /* one for each pace at which there is something to do */
};

/* 0 or -errno. `a` must stay where it is. */
int announcer_open(struct announcer *a, struct ev_loop *loop);

/* The list, from malloc(), now belongs to it. For what is announced from now on. */
void announcer_set_groups(struct announcer *a, struct announcer_group *list, size_t n);
/* NULL: it is in none. */
const struct announcer_group *announcer_group_of(const struct announcer *a, const char *ifname);

/* All of the list, `rounds` times over, behind those of their pace that wait, but for those with an
 * interval that are among them. As many as one system call takes leave at once, the others from the
 * loop. Never blocks. Returns how many announcements that makes. */
size_t announcer_send(struct announcer *a, const struct announcement *list, size_t n,
		      uint32_t rounds);

/* What waits for this address is dropped: it is no longer here. */
void announcer_cancel(struct announcer *a, int index, const struct addr *address);

#endif
