/* SPDX-License-Identifier: Apache-2.0 */
/* What the service manager is told: see manager.h. */
#include "core/manager.h"

#include "core/clock.h"
#include "core/supervisor.h"

#include <stdio.h>
#include <systemd/sd-daemon.h>

/* Fed from the loop: when the loop hangs, the manager sees it. */
static void on_watchdog(struct ev_loop *loop, ev_timer *w, int events)
{
	sd_notify(0, "WATCHDOG=1");
}

void manager_init(struct supervisor *s)
{
	uint64_t interval_us = 0;

	ev_init(&s->watchdog, on_watchdog);
	if (sd_watchdog_enabled(0, &interval_us) <= 0 || !interval_us)
		return;
	ev_timer_set(&s->watchdog, 0, (double)interval_us / USEC_PER_SEC / 3);
	ev_timer_start(s->loop, &s->watchdog);
}

void manager_done(struct supervisor *s)
{
	ev_timer_stop(s->loop, &s->watchdog);
}

/* The manager counts READY and RELOADING in pairs, so it must not hear READY too early. */
void manager_ready(struct supervisor *s)
{
	if (s->phase == SUPERVISOR_RUNNING)
		sd_notifyf(0, "READY=1\nSTATUS=Generation %llu runs",
			   (unsigned long long)s->running.model->generation);
}

void manager_reloading(struct supervisor *s)
{
	if (s->phase == SUPERVISOR_RUNNING)
		sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Reloading",
			   (long long)clock_now_us());
}

void manager_stopping(struct supervisor *s)
{
	sd_notify(0, "STOPPING=1\nSTATUS=Stopping");
}

void manager_extend(int64_t us)
{
	sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%lld", (long long)us);
}

void manager_status(const char *status)
{
	sd_notifyf(0, "STATUS=%s", status);
}
