/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets on their way out: what is put in during one round of the event loop leaves with as few
 * system calls as there are sockets. Knows sockets and addresses, not what the packets say.
 */
#ifndef TANDEM_VRRP_OUTBOX_H
#define TANDEM_VRRP_OUTBOX_H

#include "core/addr.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define OUTBOX_PACKETS 128
#define OUTBOX_BYTES   (32 << 10)

/* Where a packet goes, and how. */
struct outbox_to {
	int sock;
	int index; /* of the interface; 0: as routed */
	struct addr src;
	struct addr dst;
	int ttl;
};

struct outbox_packet;

struct outbox {
	/* One packet could not be sent: `err` is -errno. */
	void (*failed)(void *ctx, const struct addr *dst, int err);
	struct outbox_packet *packets;
	unsigned n;
	uint8_t *bytes;
	size_t used;
};

/* Takes a copy of at most OUTBOX_BYTES; `ctx` is for failed(). A full box is emptied first. */
void outbox_put(struct outbox *box, const struct outbox_to *to, const void *bytes, size_t len,
		void *ctx);
/* Never blocks: what a socket has no room for has failed. */
void outbox_flush(struct outbox *box);
void outbox_done(struct outbox *box);

#endif
