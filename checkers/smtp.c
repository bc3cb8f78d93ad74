/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMTP_CHECK: the greeting (220), HELO (250), QUIT (221). connect_timeout bounds the connection,
 * and again each silence; the whole takes four times as long at the most.
 */
#include "checkers/method.h"
#include "checkers/smtp_reply.h"
#include "checkers/socket.h"
#include "core/clock.h"

#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#define RUN_TIMEOUTS 4

enum smtp_step {
	STEP_CONNECT,
	STEP_GREETING,
	STEP_HELO,
	STEP_QUIT,
	STEPS,
};

static const struct {
	const char *name;
	uint16_t code;
} steps[STEPS] = {
	[STEP_CONNECT] = {"the connection", 0},
	[STEP_GREETING] = {"the greeting", 220},
	[STEP_HELO] = {"HELO", 250},
	[STEP_QUIT] = {"QUIT", 221},
};

struct smtp_probe {
	struct check_probe probe;
	int sock;
	enum smtp_step step;
	struct smtp_reply reply;
	int64_t started_us;
	ev_io io;
	ev_timer silence;
};

static void release(struct smtp_probe *s)
{
	if (s->sock < 0)
		return;
	ev_io_stop(s->probe.loop, &s->io);
	ev_timer_stop(s->probe.loop, &s->silence);
	close(s->sock);
	s->sock = -1;
}

static void finish(struct smtp_probe *s, struct check_result *result)
{
	result->latency_us = (uint32_t)(clock_now_us() - s->started_us);
	if (result->outcome == CHECK_PASS)
		text_set(&result->reason, "greeted in %.1f ms", result->latency_us / 1000.0);
	release(s);
	s->probe.done(&s->probe, result);
}

static void fail_socket(struct smtp_probe *s, int error)
{
	struct check_result result;

	check_socket_judge(error, &result);
	finish(s, &result);
}

static void fail(struct smtp_probe *s, const char *what)
{
	struct check_result result = {.outcome = CHECK_FAIL};

	text_set(&result.reason, "%s %s", steps[s->step].name, what);
	finish(s, &result);
}

static void on_silence(struct ev_loop *loop, ev_timer *w, int events)
{
	fail(w->data, "got no answer in time");
}

static bool send_line(struct smtp_probe *s, const char *line, int len)
{
	ssize_t n = send(s->sock, line, (size_t)len, MSG_NOSIGNAL);

	if (n == len)
		return true;
	fail_socket(s, n < 0 ? errno : ENOBUFS);
	return false;
}

/* False: the run has ended. */
static bool next_step(struct smtp_probe *s)
{
	struct check_result pass = {.outcome = CHECK_PASS};
	char line[300];
	int len;

	s->reply = (struct smtp_reply){0};
	switch (s->step) {
	case STEP_CONNECT:
		s->step = STEP_GREETING;
		return true;
	case STEP_GREETING:
		len = snprintf(line, sizeof(line), "HELO %.250s\r\n", s->probe.conf->smtp->helo);
		s->step = STEP_HELO;
		return send_line(s, line, len);
	case STEP_HELO:
		s->step = STEP_QUIT;
		return send_line(s, "QUIT\r\n", 6);
	case STEP_QUIT:
	case STEPS:
		break;
	}
	finish(s, &pass);
	return false;
}

/* False: the run has ended. */
static bool take_reply(struct smtp_probe *s)
{
	char what[60];

	if (s->reply.code == steps[s->step].code)
		return next_step(s);
	snprintf(what, sizeof(what), "was answered with %u, wanted %u", s->reply.code,
		 steps[s->step].code);
	fail(s, what);
	return false;
}

static void take_bytes(struct smtp_probe *s, const char *at, size_t len)
{
	size_t used;

	while (len) {
		switch (smtp_reply_feed(&s->reply, at, len, &used)) {
		case SMTP_MORE:
			return;
		case SMTP_NONSENSE:
			fail(s, "was answered with what is not SMTP");
			return;
		case SMTP_REPLIED:
			if (!take_reply(s))
				return;
			break;
		}
		at += used;
		len -= used;
	}
}

static void on_readable(struct smtp_probe *s)
{
	char buf[2048];
	ssize_t n = recv(s->sock, buf, sizeof(buf), 0);
	int64_t longest_us = RUN_TIMEOUTS * s->probe.conf->connect_timeout_us;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		fail_socket(s, errno);
		return;
	}
	if (n == 0) {
		fail(s, "got no answer: the connection is closed");
		return;
	}
	if (clock_now_us() - s->started_us > longest_us) {
		fail(s, "takes too long");
		return;
	}
	ev_timer_again(s->probe.loop, &s->silence);
	take_bytes(s, buf, (size_t)n);
}

static void on_connected(struct smtp_probe *s)
{
	socklen_t size = sizeof(int);
	int error = 0;

	if (getsockopt(s->sock, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error) {
		fail_socket(s, error);
		return;
	}
	ev_io_stop(s->probe.loop, &s->io);
	ev_io_set(&s->io, s->sock, EV_READ);
	ev_io_start(s->probe.loop, &s->io);
	ev_timer_again(s->probe.loop, &s->silence);
	next_step(s);
}

static void on_io(struct ev_loop *loop, ev_io *w, int events)
{
	struct smtp_probe *s = w->data;

	if (s->step == STEP_CONNECT)
		on_connected(s);
	else
		on_readable(s);
}

static void smtp_start(struct check_probe *p)
{
	struct smtp_probe *s = (struct smtp_probe *)p;
	struct check_result result = {.outcome = CHECK_UNKNOWN};
	struct sockaddr_storage to;
	socklen_t size = check_socket_target(p->conf, &to);

	s->started_us = clock_now_us();
	s->sock = check_socket_open(p->conf, SOCK_STREAM, IPPROTO_TCP, &result.reason);
	if (s->sock < 0) {
		p->done(p, &result);
		return;
	}
	if (connect(s->sock, (struct sockaddr *)&to, size) < 0 && errno != EINPROGRESS) {
		fail_socket(s, errno);
		return;
	}
	ev_io_init(&s->io, on_io, s->sock, EV_WRITE);
	ev_init(&s->silence, on_silence);
	s->silence.repeat = (double)p->conf->connect_timeout_us / USEC_PER_SEC;
	s->io.data = s;
	s->silence.data = s;
	ev_io_start(p->loop, &s->io);
	ev_timer_again(p->loop, &s->silence);
}

static void smtp_cancel(struct check_probe *p)
{
	release((struct smtp_probe *)p);
}

const struct check_method_ops check_smtp_ops = {
	.probe_bytes = sizeof(struct smtp_probe),
	.start = smtp_start,
	.cancel = smtp_cancel,
};
