/* SPDX-License-Identifier: Apache-2.0 */
/* TCP_CHECK: a connection that the server accepts within connect_timeout is a pass. */
#include "checkers/connect.h"
#include "core/clock.h"

struct tcp_probe {
	struct check_probe probe;
	struct check_connect connect;
	int64_t started_us;
	ev_timer deadline;
};

static void release(struct tcp_probe *t)
{
	check_connect_close(&t->connect);
	ev_timer_stop(t->probe.loop, &t->deadline);
}

static void finish(struct tcp_probe *t, struct check_result *result)
{
	result->latency_us = (uint32_t)(clock_now_us() - t->started_us);
	if (result->outcome == CHECK_PASS)
		text_set(&result->reason, "connected in " CHECK_MS_FORMAT " ms",
			 CHECK_MS(result->latency_us));
	release(t);
	t->probe.done(&t->probe, result);
}

static void on_connect(struct check_connect *c, struct check_result *failed)
{
	struct check_result passed = {.outcome = CHECK_PASS};

	finish(c->owner, failed ? failed : &passed);
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
	struct tcp_probe *t = w->data;
	struct check_result result = {.outcome = CHECK_FAIL};

	text_set(&result.reason, "no answer for %.3f s",
		 (double)t->probe.conf->connect_timeout_us / USEC_PER_SEC);
	finish(t, &result);
}

static void tcp_start(struct check_probe *p)
{
	struct tcp_probe *t = (struct tcp_probe *)p;

	t->started_us = clock_now_us();
	ev_timer_init(&t->deadline, on_deadline, (double)p->conf->connect_timeout_us / USEC_PER_SEC,
		      0);
	t->deadline.data = t;
	ev_timer_start(p->loop, &t->deadline);
	check_connect_start(&t->connect, p->loop, p->conf, on_connect, t);
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
