/* SPDX-License-Identifier: Apache-2.0 */
/* One end of a message socket on an event loop: see link.h. */
#include "core/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So that one talkative peer cannot hold the loop. */
#define RECEIVE_AT_ONCE 256

struct link_datagram {
	struct link_datagram *next;
	int fd;
	struct msg msg;
};

static void queue_drop_head(struct link *l)
{
	struct link_datagram *d = l->head;

	l->head = d->next;
	if (!l->head)
		l->tail = &l->head;
	l->queued_bytes -= sizeof(*d);
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
	struct link_datagram *d = malloc(sizeof(*d));

	if (!d || l->queued_bytes > LINK_QUEUE_BYTES_MAX) {
		free(d);
		lose(l);
		return;
	}
	*d = (struct link_datagram){ .fd = -1, .msg = *m };
	if (fd >= 0)
		d->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	*l->tail = d;
	l->tail = &d->next;
	l->queued_bytes += sizeof(*d);
	ev_io_start(l->loop, &l->writable);
}

static void on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	struct link *l = w->data;

	while (l->head) {
		int err = msg_send(l->sock, &l->head->msg, l->head->fd);

		if (err == -EAGAIN)
			return;
		if (err) {
			ev_io_stop(loop, w);
			lose(l);
			return;
		}
		queue_drop_head(l);
	}
	ev_io_stop(loop, w);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct link *l = w->data;
	const struct link_ops *ops = l->ops;
	struct msg m;
	int fd, err;

	if (events & EV_CUSTOM) {
		ops->lost(l, -EPIPE);
		return;
	}
	for (int i = 0; i < RECEIVE_AT_ONCE; i++) {
		err = msg_receive(l->sock, &m, &fd);
		if (err == -EAGAIN)
			return;
		if (err) {
			ops->lost(l, err);
			return;
		}
		ops->receive(l, &m, fd);
		if (!link_is_open(l))
			return;
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

	while (link_is_open(l) && msg_receive(l->sock, &m, &fd) == 0)
		l->ops->receive(l, &m, fd);
}

void link_send(struct link *l, const struct msg *m, int fd)
{
	int err = -EAGAIN;

	if (!link_is_open(l))
		return;
	if (!l->head)
		err = msg_send(l->sock, m, fd);
	if (err == -EAGAIN)
		queue_add(l, m, fd);
	else if (err)
		lose(l);
}
