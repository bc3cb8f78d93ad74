/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out of this host's kernel and into it: its master thread is heard on lo, its backup
 * thread is spoken to there. Tandem-ipvs starts and stops both; here they are only used. Owns the
 * sockets; what is made of the bytes is capture.h's, and what is sent when, inject.h's.
 */
#ifndef TANDEM_SYNC_KERNEL_PORT_H
#define TANDEM_SYNC_KERNEL_PORT_H

#include "sync/capture.h"
#include "sync/inject.h"

struct sync_kernel {
	int capture_fd; /* -1: closed */
	int inject_fd;
	int echo_fd;
	int udp_fd; /* where the kernel shows the backup thread's socket */
	uint64_t echo_inode;
	uint16_t inject_port;
	struct sync_capture capture;
	struct sync_inject inject;
};

/* 0 or -errno; the step that failed to *ret_what. `k` stays where it is until it is closed. */
int sync_kernel_open(struct sync_kernel *k, struct sync_table *table, const char **ret_what);
void sync_kernel_close(struct sync_kernel *k, struct sync_table *table);

/* Hands on what the master thread has said, up to `max` datagrams. */
void sync_kernel_capture(struct sync_kernel *k, int64_t now_us, unsigned max,
			 sync_capture_record *each, void *ctx);
/* Our own datagrams have come back. */
void sync_kernel_echo(struct sync_kernel *k);

#endif
