/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations that are tried: see apply.h. */
#include "core/apply.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/supervisor.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A rollback that failed: a role may have died meanwhile. */
#define AGAIN_S 5.0

static void set_path(char *to, size_t size, const char *path)
{
	snprintf(to, size, "%s", path);
}

static void end_term(struct supervisor *s)
{
	ev_timer_stop(s->loop, &s->apply.term);
	s->apply.until_us = USEC_NEVER;
}

static void try_again(struct supervisor *s)
{
	ev_timer_set(&s->apply.term, AGAIN_S, 0);
	ev_timer_start(s->loop, &s->apply.term);
}

static void begin_term(struct supervisor *s)
{
	struct apply *a = &s->apply;

	a->until_us = clock_now_us() + a->confirm_us;
	ev_timer_set(&a->term, (double)a->confirm_us / USEC_PER_SEC, 0);
	ev_timer_start(s->loop, &a->term);
	log_notice("apply: %s is in force for %lld s: \"tandemctl confirm\" keeps it", a->file,
		   (long long)(a->confirm_us / USEC_PER_SEC));
}

/* A reload that is under way can't be joined: it reads another file. */
static void on_term(struct ev_loop *loop, ev_timer *w, int events)
{
	struct supervisor *s = w->data;
	const char *reason = NULL;

	log_warning("apply: nobody has confirmed %s: the former configuration comes back",
		    s->apply.file);
	if (apply_rollback(s, &reason))
		return;
	log_error("apply: %s: tried again in %d s", reason, (int)AGAIN_S);
	try_again(s);
}

uint64_t apply_file(struct supervisor *s, const char *file, int64_t confirm_us,
		    const char **ret_reason)
{
	if (reload_is_busy(s)) {
		*ret_reason = "a reload is under way: try again when it has ended";
		return 0;
	}
	s->apply.confirm_us = confirm_us;
	return reload_begin(s, &(struct reload_source){.kind = RELOAD_FILE, .file = file});
}

uint64_t apply_rollback(struct supervisor *s, const char **ret_reason)
{
	if (s->apply.former_fd < 0) {
		*ret_reason = "there is no former configuration: none was replaced since tandemd "
			      "has started";
		return 0;
	}
	if (reload_is_busy(s)) {
		*ret_reason = "a reload is under way: try again when it has ended";
		return 0;
	}
	s->apply.confirm_us = 0;
	return reload_begin(s, &(struct reload_source){.kind = RELOAD_FORMER,
						       .file = s->apply.former_file,
						       .image_fd = s->apply.former_fd});
}

bool apply_confirm(struct supervisor *s)
{
	if (s->apply.until_us == USEC_NEVER)
		return false;
	end_term(s);
	log_notice("apply: %s is confirmed", s->apply.file);
	return true;
}

void apply_keep_former(struct supervisor *s)
{
	struct apply *a = &s->apply;

	if (!s->running.arena)
		return;
	if (a->former_fd >= 0)
		close(a->former_fd);
	a->former_fd = fcntl(s->running.image_fd, F_DUPFD_CLOEXEC, 0);
	memcpy(a->former_file, a->file, sizeof(a->file));
}

void apply_committed(struct supervisor *s, const char *file)
{
	struct apply *a = &s->apply;

	end_term(s);
	set_path(a->file, sizeof(a->file), file);
	if (a->confirm_us)
		begin_term(s);
	a->confirm_us = 0;
}

/* There would be nothing to go back to but what was before it, too. */
void apply_unchanged(struct supervisor *s, const char *file)
{
	s->apply.confirm_us = 0;
	apply_committed(s, file);
}

/* Else the next reload would have to be confirmed, and an unconfirmed file would stay for ever. */
void apply_failed(struct supervisor *s)
{
	struct apply *a = &s->apply;

	a->confirm_us = 0;
	if (a->until_us != USEC_NEVER && !ev_is_active(&a->term))
		try_again(s);
}

void apply_init(struct supervisor *s)
{
	s->apply = (struct apply){.former_fd = -1, .until_us = USEC_NEVER};
	ev_init(&s->apply.term, on_term);
	s->apply.term.data = s;
}

void apply_done(struct supervisor *s)
{
	ev_timer_stop(s->loop, &s->apply.term);
	if (s->apply.former_fd >= 0)
		close(s->apply.former_fd);
}
