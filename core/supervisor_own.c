/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tandemd does for itself: its name, its umask, its own scripts at the start and at the end, a
 * reload at a given time. Part of the supervisor; knows nothing of what roles do.
 */
#include "core/clock.h"
#include "core/fifos.h"
#include "core/mails.h"
#include "core/manager.h"
#include "core/scripts.h"
#include "core/supervisor.h"

#include <sys/prctl.h>
#include <sys/stat.h>

#define DRAIN_US (5 * USEC_PER_SEC)
#define START_US (30 * USEC_PER_SEC) /* all else that a start takes: TimeoutStartSec of the unit   \
				      */

static void on_reload_time(void *ctx)
{
	reload_request(ctx);
}

void supervisor_init_own(struct supervisor *s)
{
	s->umask = umask(0);
	umask(s->umask);
	reload_timer_init(&s->reload_timer, s->loop, on_reload_time, s);
}

void supervisor_commit_own(struct supervisor *s)
{
	const struct global *g = s->running.model->global;

	umask(g->umask == UMASK_NONE ? s->umask : g->umask);
	prctl(PR_SET_NAME, g->process_name[0] ? g->process_name : "tandemd");
	reload_timer_commit(&s->reload_timer, g->reload_time_file, g->reload_repeat);
	if (g->config_save_dir[0])
		generation_keep(&s->running, g->config_save_dir);
}

static void on_startup_script(void *ctx)
{
	struct supervisor *s = ctx;

	if (s->phase != SUPERVISOR_STOPPING)
		supervisor_start_roles(s);
}

/* Who goes on from what a former supervisor knew is not a start: it keeps what is there. */
void supervisor_start_up(struct supervisor *s)
{
	const struct global *g = s->running.model->global;

	if (!g->n_startup_script || s->resumes) {
		supervisor_start_roles(s);
		return;
	}
	manager_extend(g->startup_timeout_us + START_US);
	s->startup = (struct once_script){"startup_script", on_startup_script, s};
	once_script_run(&s->startup, s->outlets.scripts, g->startup_script, g,
			g->startup_timeout_us);
}

static void run_shutdown_script(struct supervisor *s)
{
	const struct global *g = s->running.model->global;

	if (!g->n_shutdown_script)
		return;
	manager_extend(g->shutdown_timeout_us + 2 * DRAIN_US);
	s->shutdown = (struct once_script){.keyword = "shutdown_script"};
	once_script_run(&s->shutdown, s->outlets.scripts, g->shutdown_script, g,
			g->shutdown_timeout_us);
	s->drain_until_us += g->shutdown_timeout_us;
}

static void on_drain(struct ev_loop *loop, ev_timer *w, int events)
{
	struct supervisor *s = w->data;

	bool idle = scripts_idle(s->outlets.scripts) && fifos_idle(s->outlets.fifos) &&
		    mails_idle(s->outlets.mails);

	if (idle || clock_now_us() >= s->drain_until_us)
		ev_break(loop, EVBREAK_ALL);
}

/* The last scripts are given a little time: a service manager may end them with us. */
void supervisor_drain(struct supervisor *s)
{
	if (!s->options.keep_ipvs)
		notify_omega(&s->outlets, s->running.model, &s->store);
	fifos_close(s->outlets.fifos);
	s->drain_until_us = clock_now_us() + DRAIN_US;
	once_script_end(s->outlets.scripts);
	run_shutdown_script(s);
	ev_timer_init(&s->drain, on_drain, 0, 0.02);
	s->drain.data = s;
	ev_timer_start(s->loop, &s->drain);
}
