/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's master thread has said, as it comes out of one recvmmsg(): records, and how many
 * datagrams the socket had no room for. Knows the bytes and the control messages, no socket.
 */
#ifndef TANDEM_SYNC_CAPTURE_H
#define TANDEM_SYNC_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

struct mmsghdr;

struct sync_capture {
	int64_t heard_us; /* the master thread has said something that it was not pushed to */
	uint64_t records;
	uint64_t drops;	   /* datagrams */
	uint32_t overflow; /* as the socket counted them last (SO_RXQ_OVFL) */
	uint64_t malformed;
};

typedef void sync_capture_record(void *ctx, int64_t now_us, const uint8_t *record, size_t len);

/* `n` messages, each of one buffer, as they were filled. Our own pushes are left out. */
void sync_capture_batch(struct sync_capture *c, int64_t now_us, struct mmsghdr *messages,
			unsigned n, sync_capture_record *each, void *ctx);

#endif
