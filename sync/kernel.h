/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out of this host's kernel and into it: its master thread is heard on lo, its backup
 * thread is spoken to there. Tandem-ipvs starts and stops both; here they are only used.
 *
 * The backup thread drops in silence what its socket has no room for. So no more than a burst is on
 * its way at a time: our own socket in the same group hears each datagram of it when the kernel's
 * has it too, and then the kernel's socket is looked at; what was dropped is sent again.
 */
#ifndef TANDEM_SYNC_KERNEL_PORT_H
#define TANDEM_SYNC_KERNEL_PORT_H

#include "core/clock.h"
#include "sync/table.h"

/* Datagrams: they fit into a socket's buffer as it is by default. */
#define SYNC_BURST 8

struct sync_kernel {
	int capture; /* -1: closed */
	int inject;
	int echo;
	uint64_t echo_inode;
	uint16_t inject_port;
	struct sync_cursor cursor; /* everything up to it was given to the kernel, or is in the burst */
	/* The burst on its way; sent 0: none. */
	uint64_t burst_from;
	unsigned burst_records;
	unsigned sent;
	unsigned echoed;
	int64_t sent_us;
	int64_t next_us;
	uint64_t sink_inode; /* the backup thread's socket, before the burst was sent; 0: not there */
	uint64_t sink_drops; /* as the kernel counted them for it then */
	int udp;	     /* where the kernel shows it */
	int64_t heard_us;    /* the master thread has said something that it was not pushed to */
	/* Counters. */
	uint64_t captured;
	uint64_t capture_drops;
	uint32_t capture_overflow;
	uint64_t malformed;
	uint64_t injected;
	uint64_t drops;
	uint64_t repeats; /* bursts */
};

/* 0 or -errno; the step that failed to *ret_what. */
int sync_kernel_open(struct sync_kernel *k, struct sync_table *table, const char **ret_what);
void sync_kernel_close(struct sync_kernel *k, struct sync_table *table);

/* Hands on what the master thread has said, up to `max` datagrams. */
void sync_kernel_capture(struct sync_kernel *k, int64_t now_us, unsigned max,
			 void (*record)(void *ctx, int64_t now_us, const uint8_t *record,
					size_t len), void *ctx);
/* Our own datagrams have come back. */
void sync_kernel_echo(struct sync_kernel *k);
/* Gives the kernel what it has not got yet of what peers have told. */
void sync_kernel_inject(struct sync_kernel *k, struct sync_table *table, int64_t now_us);
/* When sync_kernel_inject() has to be called without anything having happened. */
int64_t sync_kernel_deadline(const struct sync_kernel *k, const struct sync_table *table);
/* The kernel has all up to this version. */
uint64_t sync_kernel_version(const struct sync_kernel *k);

#endif
