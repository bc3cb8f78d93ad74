/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP connection being made for a check: see connect.h. */
#include "checkers/connect.h"

#include "checkers/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

void check_connect_close(struct check_connect *c)
{
	if (!c->loop || c->sock < 0)
		return;
	ev_io_stop(c->loop, &c->io);
	close(c->sock);
	c->sock = -1;
}

int check_connect_take(struct check_connect *c)
{
	int sock = c->sock;

	c->sock = -1;
	return sock;
}

static void fail(struct check_connect *c, int error)
{
	struct check_result failed = {0};

	check_socket_judge(error, &failed);
	check_connect_close(c);
	c->done(c, &failed);
}

static void on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	struct check_connect *c = w->data;
	socklen_t size = sizeof(int);
	int error = 0;

	ev_io_stop(loop, w);
	/* An error and a hangup make it readable as well; so does what a server says unasked. */
	if ((events & EV_READ) && getsockopt(c->sock, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error)
		fail(c, error);
	else
		c->done(c, NULL);
}

void check_connect_start(struct check_connect *c, struct ev_loop *loop, const struct check *conf,
			 void (*done)(struct check_connect *c, struct check_result *failed),
			 void *owner)
{
	struct check_result failed = {.outcome = CHECK_UNKNOWN};
	struct sockaddr_storage to;
	socklen_t size = check_socket_target(conf, &to);

	*c = (struct check_connect){.done = done, .owner = owner, .loop = loop};
	c->sock = check_socket_open(conf, SOCK_STREAM, IPPROTO_TCP, &failed.reason);
	if (c->sock < 0) {
		done(c, &failed);
		return;
	}
	ev_io_init(&c->io, on_writable, c->sock, EV_READ | EV_WRITE);
	c->io.data = c;
	if (connect(c->sock, (struct sockaddr *)&to, size) == 0)
		done(c, NULL);
	else if (errno == EINPROGRESS)
		ev_io_start(loop, &c->io);
	else
		fail(c, errno);
}
