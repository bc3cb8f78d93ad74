/* SPDX-License-Identifier: Apache-2.0 */
/* One datagram out and one back: see datagram.h. */
#include "checkers/datagram.h"

#include "checkers/socket.h"
#include "core/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* A flood of datagrams that answer nothing must not keep the loop. */
#define READS_MAX 16

uint16_t datagram_random(void)
{
	static uint16_t some[64];
	static size_t left;

	if (!left) {
		if (getrandom(some, sizeof(some), GRND_NONBLOCK) != (ssize_t)sizeof(some))
			return (uint16_t)(clock_now_us() * 40503);
		left = sizeof(some) / sizeof(some[0]);
	}
	return some[--left];
}

static void release(struct datagram *d)
{
	if (d->sock < 0)
		return;
	ev_io_stop(d->probe.loop, &d->readable);
	ev_timer_stop(d->probe.loop, &d->deadline);
	close(d->sock);
	d->sock = -1;
}

void datagram_cancel(struct check_probe *p)
{
	release((struct datagram *)p);
}

static void finish(struct datagram *d, struct check_result *result)
{
	struct text said = result->reason;

	result->latency_us = (uint32_t)(clock_now_us() - d->started_us);
	if (result->outcome == CHECK_PASS)
		text_set(&result->reason, "%s in %.1f ms", said.s, result->latency_us / 1000.0);
	release(d);
	d->probe.done(&d->probe, result);
}

static void fail(struct datagram *d, int error)
{
	struct check_result result = {.outcome = CHECK_FAIL};

	check_socket_judge(error, &result);
	finish(d, &result);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	static uint8_t buf[DATAGRAM_MAX];
	struct datagram *d = w->data;
	struct check_result result = {.outcome = CHECK_FAIL};

	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = recv(d->sock, buf, sizeof(buf), 0);

		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				fail(d, errno);
			return;
		}
		if (d->ops->judge(d, buf, (size_t)n, &result)) {
			finish(d, &result);
			return;
		}
	}
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
	struct datagram *d = w->data;
	const char *pass = d->ops->silence ? d->ops->silence(d) : NULL;
	struct check_result result = {.outcome = pass ? CHECK_PASS : CHECK_FAIL};

	if (pass)
		text_set(&result.reason, "%s", pass);
	else
		text_set(&result.reason, "no answer for %.3f s",
			 (double)d->probe.conf->connect_timeout_us / USEC_PER_SEC);
	finish(d, &result);
}

int datagram_open_udp(struct datagram *d, struct text *ret_reason)
{
	return check_socket_open(d->probe.conf, SOCK_DGRAM, IPPROTO_UDP, ret_reason);
}

static void await(struct datagram *d)
{
	double timeout_s = (double)d->probe.conf->connect_timeout_us / USEC_PER_SEC;

	ev_io_init(&d->readable, on_readable, d->sock, EV_READ);
	ev_timer_init(&d->deadline, on_deadline, timeout_s, 0);
	d->readable.data = d;
	d->deadline.data = d;
	ev_io_start(d->probe.loop, &d->readable);
	ev_timer_start(d->probe.loop, &d->deadline);
}

void datagram_start(struct datagram *d, const struct datagram_ops *ops)
{
	struct check_result result = {.outcome = CHECK_UNKNOWN};
	static uint8_t buf[DATAGRAM_MAX];
	struct sockaddr_storage to;
	socklen_t size;
	size_t len;

	d->ops = ops;
	d->started_us = clock_now_us();
	d->sock = ops->open(d, &result.reason);
	if (d->sock < 0) {
		d->probe.done(&d->probe, &result);
		return;
	}
	size = check_socket_target(d->probe.conf, &to);
	len = ops->ask(d, buf, sizeof(buf));
	if (connect(d->sock, (struct sockaddr *)&to, size) < 0 ||
	    send(d->sock, buf, len, 0) < 0) {
		fail(d, errno);
		return;
	}
	await(d);
}
