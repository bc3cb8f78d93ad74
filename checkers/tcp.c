/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP_CHECK: a connection that the server accepts within connect_timeout is a pass. Owns the
 * socket of one run. Four system calls: socket, connect, epoll_ctl, close; three when the kernel knows
 * the answer at once.
 */
#include "checkers/method.h"
#include "checkers/socket.h"
#include "core/clock.h"

#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct tcp_probe {
	struct check_probe probe;
	int sock;
	int64_t started_us;
	ev_io writable;
	ev_timer deadline;
};

static void release(struct tcp_probe *t)
{
	if (t->sock < 0)
		return;
	ev_io_stop(t->probe.loop, &t->writable);
	ev_timer_stop(t->probe.loop, &t->deadline);
	close(t->sock);
	t->sock = -1;
}

static void finish(struct tcp_probe *t, struct check_result *result)
{
	result->latency_us = (uint32_t)(clock_now_us() - t->started_us);
	if (result->outcome == CHECK_PASS)
		text_set(&result->reason, "connected in %.1f ms", result->latency_us / 1000.0);
	release(t);
	t->probe.done(&t->probe, result);
}

static void on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	struct tcp_probe *t = w->data;
	struct check_result result = {.outcome = CHECK_PASS};
	socklen_t size = sizeof(int);
	int error = 0;

	/* An error, and a hangup, make it readable as well; so does what the server says unasked. */
	if ((events & EV_READ) && getsockopt(t->sock, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error)
		check_socket_judge(error, &result);
	finish(t, &result);
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
	struct tcp_probe *t = w->data;
	struct check_result result = {.outcome = CHECK_FAIL};

	text_set(&result.reason, "no answer for %.3f s",
		 (double)t->probe.conf->connect_timeout_us / USEC_PER_SEC);
	finish(t, &result);
}

static void await(struct tcp_probe *t)
{
	int64_t timeout_us = t->probe.conf->connect_timeout_us;

	ev_io_init(&t->writable, on_writable, t->sock, EV_READ | EV_WRITE);
	ev_timer_init(&t->deadline, on_deadline, (double)timeout_us / USEC_PER_SEC, 0);
	t->writable.data = t;
	t->deadline.data = t;
	ev_io_start(t->probe.loop, &t->writable);
	ev_timer_start(t->probe.loop, &t->deadline);
}

static void tcp_start(struct check_probe *p)
{
	struct tcp_probe *t = (struct tcp_probe *)p;
	const struct check *c = p->conf;
	struct check_result result = {.outcome = CHECK_PASS};
	struct sockaddr_storage to;
	socklen_t size = check_socket_target(c, &to);

	t->started_us = clock_now_us();
	t->sock = check_socket_open(c, SOCK_STREAM, IPPROTO_TCP, &result.reason);
	if (t->sock < 0) {
		result.outcome = CHECK_UNKNOWN;
		p->done(p, &result);
		return;
	}
	if (connect(t->sock, (struct sockaddr *)&to, size) < 0) {
		if (errno == EINPROGRESS) {
			await(t);
			return;
		}
		check_socket_judge(errno, &result);
	}
	finish(t, &result);
}

static void tcp_cancel(struct check_probe *p)
{
	release((struct tcp_probe *)p);
}

const struct check_method_ops check_tcp_ops = {
	.probe_bytes = sizeof(struct tcp_probe),
	.start = tcp_start,
	.cancel = tcp_cancel,
};
