/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation over one connection: see stream.h. */
#include "checkers/stream.h"

#include "checkers/socket.h"
#include "core/clock.h"

#include <errno.h>
#include <sys/socket.h>

static void release(struct stream *s)
{
	if (!s->transport)
		return;
	ev_io_stop(s->probe.loop, &s->io);
	ev_timer_stop(s->probe.loop, &s->silence);
	s->transport->close(s);
	s->transport = NULL;
	if (s->ops->release)
		s->ops->release(s);
}

void stream_cancel(struct check_probe *p)
{
	release((struct stream *)p);
}

void stream_finish(struct stream *s, struct check_result *result)
{
	result->latency_us = (uint32_t)(clock_now_us() - s->started_us);
	text_clean(&result->reason);
	result->warning = s->warning;
	release(s);
	s->probe.done(&s->probe, result);
}

void stream_pass(struct stream *s, const char *what)
{
	struct check_result result = {.outcome = CHECK_PASS};

	text_set(&result.reason, "%.60s%s%.80s%s in %.1f ms", what, s->warning.s[0] ? ", " : "",
		 s->warning.s, s->warning.s[0] ? "," : "",
		 (double)(clock_now_us() - s->started_us) / 1000.0);
	stream_finish(s, &result);
}

void stream_fail_errno(struct stream *s, int error)
{
	struct check_result result = {0};

	check_socket_judge(error, &result);
	if (result.outcome == CHECK_FAIL)
		result.outcome = s->ops->no_answer;
	stream_finish(s, &result);
}

static void on_silence(struct ev_loop *loop, ev_timer *w, int events)
{
	struct stream *s = w->data;
	struct check_result result = {.outcome = s->ops->no_answer};

	if (s->ready) {
		s->ops->failed(s, "got no answer in time");
		return;
	}
	text_set(&result.reason, "no connection for %.3f s",
		 (double)s->probe.conf->connect_timeout_us / USEC_PER_SEC);
	stream_finish(s, &result);
}

bool stream_send(struct stream *s, const void *at, size_t len)
{
	ssize_t n = s->transport->send(s, at, len);

	if (n == (ssize_t)len)
		return true;
	stream_fail_errno(s, n < 0 ? (int)-n : ENOBUFS);
	return false;
}

static bool takes_too_long(const struct stream *s)
{
	return clock_now_us() - s->started_us >
	       STREAM_TIMEOUTS * s->probe.conf->connect_timeout_us;
}

/* False: nothing more is there, or the run has ended. */
static bool read_once(struct stream *s)
{
	char buf[2048];
	ssize_t n = s->transport->recv(s, buf, sizeof(buf));

	if (n == -EAGAIN || n == -EINTR)
		return false;
	s->closed = n == 0;
	if (s->closed)
		s->ops->failed(s, "got no answer: the connection is closed");
	else if (n < 0)
		stream_fail_errno(s, (int)-n);
	else if (takes_too_long(s))
		s->ops->failed(s, "takes too long");
	else {
		ev_timer_again(s->probe.loop, &s->silence);
		return s->ops->received(s, buf, (size_t)n) && (size_t)n == sizeof(buf);
	}
	return false;
}

static void on_io(struct ev_loop *loop, ev_io *w, int events)
{
	while (read_once(w->data))
		;
}

void stream_ready(struct stream *s, int sock)
{
	s->sock = sock;
	s->ready = true;
	ev_io_stop(s->probe.loop, &s->io);
	ev_io_set(&s->io, sock, EV_READ);
	ev_io_start(s->probe.loop, &s->io);
	ev_timer_again(s->probe.loop, &s->silence);
	s->ops->connected(s);
}

void stream_start(struct stream *s, const struct stream_ops *ops,
		  const struct stream_transport *transport)
{
	s->ops = ops;
	s->transport = transport;
	s->sock = -1;
	s->started_us = clock_now_us();
	ev_init(&s->io, on_io);
	ev_init(&s->silence, on_silence);
	s->silence.repeat = (double)s->probe.conf->connect_timeout_us / USEC_PER_SEC;
	s->io.data = s;
	s->silence.data = s;
	ev_timer_again(s->probe.loop, &s->silence);
	transport->open(s);
}

/* TCP */

static void on_connect(struct check_connect *c, struct check_result *failed)
{
	struct stream *s = c->owner;

	if (!failed) {
		stream_ready(s, c->sock);
		return;
	}
	if (failed->outcome == CHECK_FAIL)
		failed->outcome = s->ops->no_answer;
	stream_finish(s, failed);
}

static void tcp_open(struct stream *s)
{
	check_connect_start(&s->connect, s->probe.loop, s->probe.conf, on_connect, s);
}

static ssize_t tcp_send(struct stream *s, const void *at, size_t len)
{
	ssize_t n = send(s->sock, at, len, MSG_NOSIGNAL);

	return n < 0 ? -errno : n;
}

static ssize_t tcp_recv(struct stream *s, void *at, size_t size)
{
	ssize_t n = recv(s->sock, at, size, 0);

	return n < 0 ? -errno : n;
}

static void tcp_close(struct stream *s)
{
	check_connect_close(&s->connect);
}

const struct stream_transport stream_tcp = {
	.open = tcp_open,
	.send = tcp_send,
	.recv = tcp_recv,
	.close = tcp_close,
};
