/* SPDX-License-Identifier: Apache-2.0 */
/* One end of a message socket on an event loop: see link.h. */
#include "core/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So that one talkative peer cannot hold the loop. */
#define RECEIVE_AT_ONCE 256
/* More than a socket holds: a child of the dead peer may still have the other end, and not stop. */
#define DRAIN_MAX 4096
/* More than these in one iteration of the loop wait for its end, and go out together. */
#define SEND_AT_ONCE 16

struct link_datagram {
	struct link_datagram *next;
	int fd;
	size_t len;
	uint8_t encoded[];
};

static void queue_drop_head(struct link *l)
{
	struct link_datagram *d = l->head;

	l->head = d->next;
	if (!l->head)
		l->tail = &l->head;
	l->queued_bytes -= sizeof(*d) + d->len;
	if (d->fd >= 0)
		close(d->fd);
	free(d);
}

/* The loss is told from the loop, never from inside a send. */
static void lose(struct link *l)
{
	ev_feed_event(l->loop, &l->readable, EV_CUSTOM);
}

static void queue_add(struct link *l, const struct msg *m, int fd)
{
	uint8_t encoded[MSG_BYTES_MAX];
	size_t len = msg_encode(m, encoded);
	struct link_datagram *d = malloc(sizeof(*d) + len);

	if (!d || l->queued_bytes > LINK_QUEUE_BYTES_MAX) {
		free(d);
		lose(l);
		return;
	}
	*d = (struct link_datagram){ .fd = -1, .len = len };
	memcpy(d->encoded, encoded, len);
	if (fd >= 0)
		d->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	*l->tail = d;
	l->tail = &d->next;
	l->queued_bytes += sizeof(*d) + len;
	ev_io_start(l->loop, &l->writable);
}

/* As many of the queue's first as go in one call. Returns how many went, or -errno. */
static int queue_send_some(struct link *l)
{
	struct iovec encoded[MSG_MANY];
	struct link_datagram *d = l->head;
	unsigned n = 0;
	int err;

	for (; n < MSG_MANY && d && d->fd < 0; d = d->next)
		encoded[n++] = (struct iovec){ .iov_base = d->encoded, .iov_len = d->len };
	if (n)
		return msg_send_many(l->sock, encoded, n);
	encoded[0] = (struct iovec){ .iov_base = d->encoded, .iov_len = d->len };
	err = msg_send_encoded(l->sock, encoded, d->fd);
	return err ? err : 1;
}

static int queue_send(struct link *l)
{
	while (l->head) {
		int n = queue_send_some(l);

		if (n < 0)
			return n;
		while (n--)
			queue_drop_head(l);
	}
	return 0;
}

static void on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	struct link *l = w->data;
	int err = queue_send(l);

	if (err == -EAGAIN)
		return;
	ev_io_stop(loop, w);
	if (err)
		lose(l);
}

/* Hands the messages on; once the link is closed, only their descriptors are taken care of. */
static void deliver(struct link *l, const struct msg_batch *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		if (link_is_open(l))
			l->ops->receive(l, &b->msgs[i], b->fds[i]);
		else if (b->fds[i] >= 0)
			close(b->fds[i]);
	}
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct link *l = w->data;
	struct msg_batch b;

	if (events & EV_CUSTOM) {
		l->ops->lost(l, -EPIPE);
		return;
	}
	for (int i = 0; i < RECEIVE_AT_ONCE / MSG_MANY; i++) {
		msg_receive_many(l->sock, &b);
		deliver(l, &b);
		if (!link_is_open(l) || b.err == -EAGAIN)
			return;
		if (b.err) {
			l->ops->lost(l, b.err);
			return;
		}
	}
}

void link_open(struct link *l, struct ev_loop *loop, int sock, enum role_id peer,
	       const struct link_ops *ops, void *owner)
{
	*l = (struct link){ .loop = loop, .ops = ops, .peer = peer, .owner = owner, .sock = sock };
	l->tail = &l->head;
	ev_io_init(&l->readable, on_readable, sock, EV_READ);
	ev_io_init(&l->writable, on_writable, sock, EV_WRITE);
	l->readable.data = l;
	l->writable.data = l;
	ev_io_start(loop, &l->readable);
}

bool link_is_open(const struct link *l)
{
	return l->ops && l->sock >= 0;
}

void link_close(struct link *l)
{
	if (!link_is_open(l))
		return;
	ev_clear_pending(l->loop, &l->readable);
	ev_io_stop(l->loop, &l->readable);
	ev_io_stop(l->loop, &l->writable);
	while (l->head)
		queue_drop_head(l);
	close(l->sock);
	l->sock = -1;
}

void link_drain(struct link *l)
{
	struct msg m;
	int fd;

	for (int i = 0; i < DRAIN_MAX && link_is_open(l) && msg_receive(l->sock, &m, &fd) == 0; i++)
		l->ops->receive(l, &m, fd);
}

void link_flush(struct link *l)
{
	if (link_is_open(l))
		queue_send(l);
}

void link_flush_wait(struct link *l, int patience_ms)
{
	struct pollfd writable = { .fd = l->sock, .events = POLLOUT };

	while (link_is_open(l) && queue_send(l) == -EAGAIN)
		if (poll(&writable, 1, patience_ms) <= 0)
			break;
}

/* A burst is worth the wait until the end of this iteration: it goes out in few calls. */
static bool goes_at_once(struct link *l)
{
	unsigned now = ev_iteration(l->loop);

	if (l->head)
		return false;
	if (l->burst_iteration != now)
		l->burst = 0;
	l->burst_iteration = now;
	return l->burst++ < SEND_AT_ONCE;
}

void link_send(struct link *l, const struct msg *m, int fd)
{
	int err = -EAGAIN;

	if (!link_is_open(l))
		return;
	if (goes_at_once(l))
		err = msg_send(l->sock, m, fd);
	if (err == -EAGAIN)
		queue_add(l, m, fd);
	else if (err)
		lose(l);
}
