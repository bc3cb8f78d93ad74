/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload_time_file: a reload at the time that a file says. The file is watched: it may come, change
 * and go at any time. When the reload is due it is removed, unless it says so every day.
 */
#ifndef TANDEM_RELOAD_TIMER_H
#define TANDEM_RELOAD_TIMER_H

#include <ev.h>
#include <stdbool.h>

struct reload_timer {
	struct ev_loop *loop;
	void (*reload)(void *ctx);
	void *ctx;
	char *path; /* NULL: none */
	bool repeat;
	ev_stat stat;
	ev_periodic due;
};

void reload_timer_init(struct reload_timer *t, struct ev_loop *loop, void (*reload)(void *ctx),
		       void *ctx);
/* `path` "": none. What is scheduled stays so when nothing has changed. */
void reload_timer_commit(struct reload_timer *t, const char *path, bool repeat);
void reload_timer_done(struct reload_timer *t);

#endif
