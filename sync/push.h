/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's master thread keeps a datagram that is not full for 2 s (IPVS_SYNC_FLUSH_TIME), and
 * with a director that crashes in them the newest connections are lost. So we fill it up: a packet
 * from an address that has not been used for a while, to a service of tandem-ipvs on lo, is a new
 * connection to IPVS, and a record. They end here, on this host: nothing of them goes to a peer.
 *
 * Nothing is sent while no packet goes through IPVS, nor while full datagrams come by themselves.
 */
#ifndef TANDEM_SYNC_PUSH_H
#define TANDEM_SYNC_PUSH_H

#include "core/clock.h"

#include <stdbool.h>

/* With the 20 ms that the thread sleeps, a record is told within 50 ms. */
#define SYNC_PUSH_US (25 * USEC_PER_MSEC)

struct sync_push {
	int fd;		    /* -1: closed */
	int stats_fd;	    /* /proc/net/ip_vs_stats_percpu; -1: not open */
	uint32_t at;	    /* the next address */
	uint32_t now_at;    /* the next one of sync_push_now() */
	uint32_t addresses; /* in use, so that none is used again too soon; 0: of no use here */
	uint64_t sent;
	uint64_t packets; /* through IPVS, when it was looked at last */
};

/* 0 or -errno. */
int sync_push_open(struct sync_push *p);
void sync_push_close(struct sync_push *p);
/* Every SYNC_PUSH_US while this node is Active. `heard_us`: when the kernel has told something of its
 * own accord, last. */
void sync_push_tick(struct sync_push *p, int64_t now_us, int64_t heard_us);
/* At once: so many datagrams that the thread does not even sleep (IPVS_SYNC_WAKEUP_RATE). For a moment,
 * before another node takes over. */
void sync_push_now(struct sync_push *p);
/* Is this record (checked) of such a connection? */
bool sync_push_is_own(const uint8_t *record);

#endif
