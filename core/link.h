/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a message socket on an event loop: receives, and sends without ever blocking. What
 * the socket does not take at once waits in a queue; when the queue passes its bound, the other
 * end is taken for dead. Knows messages' form, not their meaning.
 */
#ifndef TANDEM_LINK_H
#define TANDEM_LINK_H

#include "core/msg.h"

#include <ev.h>

#define LINK_QUEUE_BYTES_MAX ((size_t)64 << 20)

struct link;
struct link_datagram;

struct link_ops {
	/* fd is -1 or a descriptor that is now the callee's. The link may be closed inside. */
	void (*receive)(struct link *l, const struct msg *m, int fd);
	/* The other end is gone (err: -errno) or talked nonsense (-EBADMSG). Called once; the
	 * callee calls link_close(). */
	void (*lost)(struct link *l, int err);
};

struct link {
	struct ev_loop *loop;
	const struct link_ops *ops;
	enum role_id peer;
	void *owner; /* of the one who opened it */
	int sock;    /* -1: closed */
	/* Private to link.c. */
	ev_io readable;
	ev_io writable;
	struct link_datagram *head;
	struct link_datagram **tail;
	size_t queued_bytes;
	unsigned burst; /* sent in this iteration of the loop */
	unsigned burst_iteration;
};

/* Takes the socket over. `l` must stay where it is until link_close(). */
void link_open(struct link *l, struct ev_loop *loop, int sock, enum role_id peer,
	       const struct link_ops *ops, void *owner);
void link_close(struct link *l); /* harmless on a closed or zeroed-and-closed link */
bool link_is_open(const struct link *l);

/* Receives all that has arrived; for what a dead peer said last. Does not call lost(). */
void link_drain(struct link *l);

/* Never blocks. fd stays the caller's. Does nothing on a closed link. */
void link_send(struct link *l, const struct msg *m, int fd);
/* Sends of the queue what the socket takes: before the loop, and the process, ends. */
void link_flush(struct link *l);
/* The same, but waits for a socket that is full, until the other end has read nothing for so long. */
void link_flush_wait(struct link *l, int patience_ms);

#endif
