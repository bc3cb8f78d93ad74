/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A director that has the kernel's own sync only (keepalived's lvs_sync_daemon), spoken to in the
 * kernel's protocol by multicast on an interface. It is told what changes while this node is Active for
 * it; and as it can neither ask nor say that it has lost everything, all is told again and again, the
 * whole table in SYNC_KERNEL_PEER_ROUND_US, which a returning director thus has after so long.
 *
 * What it tells is taken only where that is asked for: nothing of it is authenticated. And only
 * connections of our virtual addresses that we are not Active for are.
 */
#ifndef TANDEM_SYNC_KERNEL_PEER_H
#define TANDEM_SYNC_KERNEL_PEER_H

#include "core/clock.h"
#include "core/codec.h"
#include "core/model.h"
#include "sync/roles.h"
#include "sync/table.h"

#define SYNC_KERNEL_PEER_ROUND_US (10 * USEC_PER_SEC)

struct sync_kernel_peer_counters {
	uint64_t records_out;
	uint64_t records_in;
	uint64_t send_errors; /* datagrams */
	uint64_t malformed;   /* datagrams, and of other ids */
	uint64_t refused;     /* records of no address of ours, or of one that we are Active for */
};

struct sync_kernel_peer {
	int out; /* -1: closed */
	int in;	 /* -1: closed, or nothing is taken */
	unsigned ifindex;
	uint8_t id;
	uint32_t group; /* network order */
	uint16_t port;
	struct sync_cursor live;
	struct sync_cursor round;
	uint64_t round_end; /* the version up to which this round goes */
	int64_t round_us;   /* when it began */
	uint64_t round_n;   /* told in it */
	int64_t live_us;    /* when the live stream may go on */
	struct sync_kernel_peer_counters counters;
};

/* 0, or -errno with the reason. */
int sync_kernel_peer_open(struct sync_kernel_peer *k, const struct sync_kernel_peer_conf *conf,
			  struct sync_table *t, int64_t now_us, struct text *ret_why);
/* Is it open, and its interface still the one that it was opened on? */
bool sync_kernel_peer_stands(const struct sync_kernel_peer *k, const char *ifname);
void sync_kernel_peer_close(struct sync_kernel_peer *k, struct sync_table *t);
/* What is due, in pieces. Returns when to call it again. */
int64_t sync_kernel_peer_send(struct sync_kernel_peer *k, struct sync_table *t,
			      const struct sync_roles *roles, int64_t now_us);
/* k->in is readable. `record`: each (checked) record that is for us. */
void sync_kernel_peer_receive(struct sync_kernel_peer *k, const struct sync_roles *roles,
			      void (*record)(void *ctx, const uint8_t *record, size_t len), void *ctx);

#endif
