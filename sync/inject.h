/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's backup thread is given, in bursts. It drops in silence what its socket has no room
 * for: so no more than a burst is on its way at a time. Our own socket in the same group hears each
 * datagram of it when the kernel's has it too, and then the kernel's socket is looked at; what was
 * dropped is sent again. Knows no socket and no clock: it is given a way to send and to look.
 */
#ifndef TANDEM_SYNC_INJECT_H
#define TANDEM_SYNC_INJECT_H

#include "core/clock.h"
#include "sync/table.h"

/* Datagrams: they fit into a socket's buffer as it is by default. */
#define SYNC_BURST 8

/* What the kernel shows of the backup thread's socket. */
struct sync_sink {
	uint64_t inode; /* 0: there is none */
	uint64_t queued;
	uint64_t drops;
};
/* Is this line of /proc/net/udp of it? `own_inode`: our own in the same group. */
bool sync_sink_read(const char *line, uint64_t own_inode, struct sync_sink *ret);

struct sync_inject_port {
	void (*send)(void *ctx, const uint8_t *bytes, size_t len);
	struct sync_sink (*look)(void *ctx);
	void *ctx;
};

struct sync_inject {
	struct sync_inject_port port;
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
	/* Counters. */
	uint64_t records;
	uint64_t drops;
	uint64_t repeats; /* bursts */
};

void sync_inject_open(struct sync_inject *in, struct sync_table *table,
		      const struct sync_inject_port *port);
void sync_inject_close(struct sync_inject *in, struct sync_table *table);

/* One of our own datagrams has come back. True: it was the last one that is on its way. */
bool sync_inject_echo(struct sync_inject *in);
/* Gives the kernel what it has not got yet of what peers have told. */
void sync_inject_run(struct sync_inject *in, struct sync_table *table, int64_t now_us);
/* When sync_inject_run() has to be called without anything having happened. */
int64_t sync_inject_deadline(const struct sync_inject *in, const struct sync_table *table);
/* The kernel has all up to this version. */
uint64_t sync_inject_version(const struct sync_inject *in);

#endif
