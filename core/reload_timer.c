/* SPDX-License-Identifier: Apache-2.0 */
/* A reload at the time that a file says: see reload_timer.h. */
#include "core/reload_timer.h"

#include "core/file.h"
#include "core/log.h"
#include "core/reload_time.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX 4096

/* 0, or -errno after saying why; a file that is not there needs no words. */
static int read_time(const char *path, time_t now_s, time_t *ret_s)
{
	char *text;
	size_t n;
	int err = file_read(path, FILE_MAX, &text, &n);

	if (err) {
		if (err != -ENOENT)
			log_warning("%s: can't be read: %s", path, strerror(-err));
		return err;
	}
	err = reload_time_parse(text, now_s, ret_s);
	free(text);
	if (err == -ETIME)
		log_notice("%s: that time has passed: no reload is scheduled", path);
	else if (err)
		log_warning("%s: its first line is not [[YY]YY-MM-DD ]HH:MM:SS[Z]: no reload is "
			    "scheduled",
			    path);
	return err;
}

static void schedule(struct reload_timer *t)
{
	bool was_due = ev_is_active(&t->due);
	char text[32];
	struct tm tm;
	time_t at_s;
	int err = read_time(t->path, (time_t)ev_now(t->loop), &at_s);

	ev_periodic_stop(t->loop, &t->due);
	if (err == -ENOENT && was_due)
		log_notice("%s: is gone: the reload is called off", t->path);
	if (err)
		return;
	ev_periodic_set(&t->due, (double)at_s, 0, NULL);
	ev_periodic_start(t->loop, &t->due);
	strftime(text, sizeof(text), "%F %T %z", localtime_r(&at_s, &tm));
	log_notice("%s: a reload is scheduled for %s", t->path, text);
}

static void on_stat(struct ev_loop *loop, ev_stat *w, int events)
{
	schedule(w->data);
}

/* The time of day is the next day's again; a date is not, and says so only when somebody reads it.
 */
static void on_due(struct ev_loop *loop, ev_periodic *w, int events)
{
	struct reload_timer *t = w->data;

	log_notice("%s: the reload is due", t->path);
	ev_periodic_stop(loop, w);
	if (t->repeat)
		schedule(t);
	else if (unlink(t->path) < 0)
		log_warning("%s: can't be removed: %s", t->path, strerror(errno));
	t->reload(t->ctx);
}

void reload_timer_init(struct reload_timer *t, struct ev_loop *loop, void (*reload)(void *ctx),
		       void *ctx)
{
	*t = (struct reload_timer){.loop = loop, .reload = reload, .ctx = ctx};
	ev_init(&t->stat, on_stat);
	ev_init(&t->due, on_due);
	t->stat.data = t->due.data = t;
}

void reload_timer_commit(struct reload_timer *t, const char *path, bool repeat)
{
	t->repeat = repeat;
	if (strcmp(t->path ? t->path : "", path) == 0)
		return;
	reload_timer_done(t);
	if (!path[0])
		return;
	t->path = strdup(path);
	if (!t->path)
		abort();
	ev_stat_set(&t->stat, t->path, 0);
	ev_stat_start(t->loop, &t->stat);
	schedule(t);
}

void reload_timer_done(struct reload_timer *t)
{
	ev_stat_stop(t->loop, &t->stat);
	ev_periodic_stop(t->loop, &t->due);
	free(t->path);
	t->path = NULL;
}
