/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MISC_CHECK: asks the supervisor to run the check's script, and waits for how it ended. Owns the
 * asking; the script's process is the supervisor's, and so are its user and its deadline.
 *
 * A question may be lost: the supervisor dies, or does not run the new configuration yet. So it is
 * asked again until there is an answer; the supervisor knows it by its serial.
 */
#include "checkers/method.h"
#include "checkers/misc_judge.h"
#include "core/clock.h"
#include "core/role.h"
#include "core/scripts.h"

#include <ev.h>

#define ASK_AGAIN_US (500 * USEC_PER_MSEC)
/* On top of misc_timeout: to be ended, and to wait for others. */
#define PATIENCE_US (20 * USEC_PER_SEC)
#define BUCKETS	    256

struct misc_probe {
	struct check_probe probe;
	uint32_t serial; /* 0: does not wait for an answer */
	int64_t started_us;
	ev_timer again;
	struct misc_probe *next;
};

/* Those that wait, by serial. */
static struct misc_probe *waiting[BUCKETS];

/* Not that of a former life of this process. */
static uint32_t next_serial(void)
{
	static uint32_t last;

	if (!last)
		last = (uint32_t)clock_realtime_us();
	last++;
	return last ? last : ++last;
}

static struct misc_probe **place_of(uint32_t serial)
{
	struct misc_probe **at = &waiting[serial % BUCKETS];

	while (*at && (*at)->serial != serial)
		at = &(*at)->next;
	return at;
}

static void release(struct misc_probe *m)
{
	if (!m->serial)
		return;
	*place_of(m->serial) = m->next;
	ev_timer_stop(m->probe.loop, &m->again);
	m->serial = 0;
}

static void finish(struct misc_probe *m, const struct msg_script_end *end)
{
	struct check_result result = {
		.latency_us = (uint32_t)(clock_now_us() - m->started_us),
	};

	release(m);
	misc_judge(m->probe.conf->misc, end, &result);
	m->probe.done(&m->probe, &result);
}

void check_misc_ended(const struct msg_script_end *end)
{
	struct misc_probe *m = end->serial ? *place_of(end->serial) : NULL;

	if (m && m->probe.conf->id == end->check)
		finish(m, end);
}

static void ask(const struct misc_probe *m)
{
	const struct msg question = {
		.type = MSG_SCRIPT_ASK,
		.script_ask = {.check = m->probe.conf->id, .serial = m->serial},
	};

	role_send(ROLE_SUPERVISOR, &question);
}

static void on_again(struct ev_loop *loop, ev_timer *w, int events)
{
	struct misc_probe *m = w->data;
	struct msg_script_end none = {.how = SCRIPT_NOT_RUN};

	if (clock_now_us() - m->started_us < m->probe.conf->misc->timeout_us + PATIENCE_US) {
		ask(m);
		return;
	}
	text_set(&none.reason, "the supervisor has not answered");
	finish(m, &none);
}

static void misc_start(struct check_probe *p)
{
	struct misc_probe *m = (struct misc_probe *)p;
	double again_s = (double)ASK_AGAIN_US / USEC_PER_SEC;

	m->started_us = clock_now_us();
	m->serial = next_serial();
	m->next = waiting[m->serial % BUCKETS];
	waiting[m->serial % BUCKETS] = m;
	ev_timer_init(&m->again, on_again, again_s, again_s);
	m->again.data = m;
	ev_timer_start(p->loop, &m->again);
	ask(m);
}

static void misc_cancel(struct check_probe *p)
{
	release((struct misc_probe *)p);
}

const struct check_method_ops check_misc_ops = {
	.probe_bytes = sizeof(struct misc_probe),
	.start = misc_start,
	.cancel = misc_cancel,
};
