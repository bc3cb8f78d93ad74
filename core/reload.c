/* SPDX-License-Identifier: Apache-2.0 */
/* Reloads: see reload.h. */
#include "core/reload.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/manager.h"
#include "core/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of the errors and of the rest each. The log is slow, and ten thousand lines tell no more. */
#define DIAGS_LOGGED_MAX 50

static const struct reload_source configured = {.kind = RELOAD_CONFIGURED, .file = ""};

static void begin(struct supervisor *s, const struct reload_source *from);

const char *reload_outcome_name(enum reload_outcome outcome)
{
	static const char *const names[] = {
		[RELOAD_COMMITTED] = "committed", [RELOAD_UNCHANGED] = "unchanged",
		[RELOAD_REFUSED] = "refused",	  [RELOAD_FAILED] = "failed",
		[RELOAD_PARTIAL] = "partial",
	};

	return names[outcome];
}

bool reload_is_busy(const struct supervisor *s)
{
	return s->reload.transaction.phase != TRANSACTION_IDLE;
}

static void log_diag(const struct diag *at, const char *what)
{
	bool error = at->level == DIAG_ERROR;
	const struct source_line *src = at->loc.src;
	char place[32] = ": ";

	if (src && src->number)
		snprintf(place, sizeof(place), ":%u:%u: ", src->number, at->loc.col);
	log_line(error ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%s: %s%s%s%s", what,
		 error ? "refused: " : "", src ? src->file : "", src ? place : "", at->message);
}

void reload_log_diags(const struct diags *d, const char *what)
{
	size_t errors = 0, others = 0, untold;

	for (size_t i = 0; i < d->n; i++) {
		size_t *n = d->at[i].level == DIAG_ERROR ? &errors : &others;

		if ((*n)++ < DIAGS_LOGGED_MAX)
			log_diag(&d->at[i], what);
	}
	untold = (errors > DIAGS_LOGGED_MAX ? errors - DIAGS_LOGGED_MAX : 0) +
		 (others > DIAGS_LOGGED_MAX ? others - DIAGS_LOGGED_MAX : 0);
	if (untold)
		log_warning("%s: and %zu more like these: tandemd -t shows them all", what, untold);
}

static void keep_diagnostics(struct reload_result *last, const struct diags *d)
{
	free(last->diagnostics);
	last->diagnostics = d->n ? strdup(diags_format(d)) : NULL;
}

static void __attribute__((format(printf, 3, 4)))
finish(struct supervisor *s, enum reload_outcome outcome, const char *fmt, ...)
{
	struct reload *r = &s->reload;
	bool good = outcome == RELOAD_COMMITTED || outcome == RELOAD_UNCHANGED;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->last.message, sizeof(r->last.message), fmt, ap);
	va_end(ap);
	r->last.serial = r->serial;
	r->last.outcome = outcome;
	r->last.generation = s->running.model->generation;
	r->last.ended_us = clock_now_us();
	generation_free(&r->next);
	if (!good)
		apply_failed(s);
	log_line(good ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, "reload: %s", r->last.message);
	manager_ready(s);
	control_reload_ended(s);
}

static void send_to(struct supervisor *s, unsigned roles, const struct msg *m)
{
	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (roles & s->processes[i]->desc->id)
			process_send(s->processes[i], m, -1);
}

static void send_prepare(struct supervisor *s, unsigned roles)
{
	const struct generation *g = &s->reload.next;
	struct msg m = {.type = MSG_PREPARE,
			.prepare = {.generation = g->model->generation, .model_hash = g->hash}};

	for (size_t i = 0; i < ROLE_COUNT; i++) {
		struct process *p = s->processes[i];

		if (roles & p->desc->id)
			process_send(p, &m, generation_image_for(g, p->desc->id));
	}
}

static void send_generation(struct supervisor *s, unsigned roles, enum msg_type type,
			    uint64_t generation)
{
	struct msg m = {.type = type, .generation = {generation}};

	send_to(s, roles, &m);
}

static void finish_transaction(struct supervisor *s, const struct transaction_actions *a)
{
	unsigned long long number = s->running.model->generation;
	const char *culprit = role_name(a->culprit);

	switch (a->result) {
	case TRANSACTION_PENDING:
		return;
	case TRANSACTION_COMMITTED:
		finish(s, RELOAD_COMMITTED, "generation %llu: %s", number, s->reload.changes);
		return;
	case TRANSACTION_REFUSED:
		break;
	case TRANSACTION_LOST:
		finish(s, RELOAD_FAILED, "failed: %s died meanwhile; generation %llu runs on",
		       culprit, number);
		return;
	case TRANSACTION_TIMED_OUT:
		finish(s, RELOAD_FAILED, "failed: %s did not answer; generation %llu runs on",
		       culprit, number);
		return;
	case TRANSACTION_PARTIAL:
		finish(s, RELOAD_PARTIAL, "generation %llu: %s; %s has to be started again on it",
		       number, s->reload.changes, culprit);
		return;
	}
	finish(s, RELOAD_FAILED, "failed: %s refused: %s; generation %llu runs on", culprit,
	       s->reload.refusal, number);
}

static void update_all(struct supervisor *s)
{
	for (size_t i = 0; i < ROLE_COUNT; i++)
		process_update(s->processes[i]);
	process_update(s->stand_by);
}

/* Since this was asked last. */
static unsigned at_work(struct supervisor *s, unsigned roles)
{
	unsigned found = 0;

	for (size_t i = 0; i < ROLE_COUNT; i++)
		if ((roles & s->processes[i]->desc->id) && process_is_at_work(s->processes[i]))
			found |= s->processes[i]->desc->id;
	return found;
}

static void perform(struct supervisor *s, struct transaction_actions a)
{
	struct reload *r = &s->reload;

	at_work(s, a.prepare | a.commit);

	if (a.abort)
		send_generation(s, a.abort, MSG_ABORT, r->next.model->generation);
	if (a.prepare)
		send_prepare(s, a.prepare);
	if (a.decided) {
		supervisor_set_generation(s, &r->next);
		apply_committed(s, r->file);
		supervisor_start_wanted(s);
		send_generation(s, a.commit, MSG_COMMIT, s->running.model->generation);
	}
	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (a.kill & s->processes[i]->desc->id)
			process_kill(s->processes[i]);
	ev_timer_stop(s->loop, &r->timer);
	if (r->transaction.phase != TRANSACTION_IDLE) {
		double left_s = (double)(r->transaction.deadline_us - clock_now_us()) / 1e6;

		ev_timer_set(&r->timer, left_s > 0.001 ? left_s : 0.001, 0);
		ev_timer_start(s->loop, &r->timer);
	}
	if (a.result == TRANSACTION_PENDING)
		return;
	finish_transaction(s, &a);
	update_all(s);
	supervisor_settle(s);
	if (r->again) {
		r->again = false;
		begin(s, &configured);
	}
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct supervisor *s = w->data;

	perform(s, transaction_timer(&s->reload.transaction, at_work(s, ~0U), clock_now_us()));
}

/* A file that waits to be confirmed is not replaced by chance. */
static bool is_held(struct supervisor *s, const struct reload_source *from)
{
	int64_t left_us = s->apply.until_us - clock_now_us();

	if (s->apply.until_us == USEC_NEVER || from->kind == RELOAD_FORMER)
		return false;
	finish(s, RELOAD_REFUSED,
	       "refused: %s waits to be confirmed, for another %lld s; \"tandemctl confirm\" or "
	       "\"tandemctl rollback\" first",
	       s->apply.file, (long long)(left_us > 0 ? left_us / USEC_PER_SEC : 0));
	return true;
}

/* reload_file: is there as long as files are read, and empty, so that nobody changes them. */
static void mark_reading(const char *path, bool begins)
{
	int fd;

	if (!begins) {
		unlink(path);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		log_warning("%s: can't be made: %s", path, strerror(errno));
	else
		close(fd);
}

static int load_marked(struct supervisor *s, const struct options *o, uint64_t number)
{
	const struct global *g = s->running.model->global;
	char path[PATH_MAX];
	int err;

	if (!g->reload_file_wanted)
		return generation_load(&s->reload.next, o, number);
	snprintf(path, sizeof(path), "%s%s", g->reload_file[0] ? g->reload_file : o->run_dir,
		 g->reload_file[0] ? "" : "/keepalived.reload");
	mark_reading(path, true);
	err = generation_load(&s->reload.next, o, number);
	mark_reading(path, false);
	return err;
}

static int read_source(struct supervisor *s, const struct reload_source *from, uint64_t number)
{
	struct options options = s->options;

	if (from->kind == RELOAD_FORMER)
		return generation_from_image(&s->reload.next, from->image_fd, number);
	if (from->kind == RELOAD_FILE)
		options.config_file = from->file;
	return load_marked(s, &options, number);
}

/* 0 when there is something to do; else it is finished. */
static int load(struct supervisor *s, const struct reload_source *from)
{
	struct reload *r = &s->reload;
	uint64_t number = s->running.model->generation;
	uint64_t last = r->offered > number ? r->offered : number;
	int err = read_source(s, from, last + 1);

	keep_diagnostics(&r->last, &r->next.diags);
	reload_log_diags(&r->next.diags, "reload");
	if (err) {
		finish(s, RELOAD_REFUSED, "refused: %zu errors in %s; generation %llu runs on",
		       r->next.diags.n_errors,
		       from->file[0] ? from->file : s->options.config_file,
		       (unsigned long long)number);
		return err;
	}
	if (r->next.hash == s->running.hash) {
		apply_unchanged(s, from->file);
		finish(s, RELOAD_UNCHANGED, "nothing has changed; generation %llu runs on",
		       (unsigned long long)number);
		return -EALREADY;
	}
	return 0;
}

static void begin(struct supervisor *s, const struct reload_source *from)
{
	struct reload *r = &s->reload;

	r->serial++;
	if (is_held(s, from))
		return;
	manager_reloading(s);
	if (load(s, from) < 0)
		return;
	snprintf(r->file, sizeof(r->file), "%s", from->file);
	r->offered = r->next.model->generation;
	generation_describe_changes(&s->running, &r->next, r->changes, sizeof(r->changes));
	perform(s, transaction_begin(&r->transaction, r->next.model->generation,
				     supervisor_ready_roles(s), clock_now_us()));
}

uint64_t reload_request(struct supervisor *s)
{
	struct reload *r = &s->reload;

	if (reload_is_busy(s)) {
		r->again = true;
		return r->serial + 1;
	}
	begin(s, &configured);
	return r->serial;
}

uint64_t reload_begin(struct supervisor *s, const struct reload_source *from)
{
	begin(s, from);
	return s->reload.serial;
}

void reload_message(struct supervisor *s, enum role_id role, const struct msg *m)
{
	struct transaction *t = &s->reload.transaction;

	if (m->type == MSG_PREPARED) {
		if (m->prepared.error)
			snprintf(s->reload.refusal, sizeof(s->reload.refusal), "%s",
				 m->prepared.reason.s);
		perform(s, transaction_prepared(t, role, m->prepared.generation, m->prepared.error,
						clock_now_us()));
	} else if (m->type == MSG_COMMITTED) {
		if (m->generation.generation == s->running.model->generation)
			process_runs(supervisor_process(s, role), &s->running);
		perform(s, transaction_committed(t, role, m->generation.generation));
	}
}

void reload_role_gone(struct supervisor *s, enum role_id role)
{
	perform(s, transaction_role_lost(&s->reload.transaction, role));
}

void reload_init(struct supervisor *s)
{
	ev_init(&s->reload.timer, on_timer);
	s->reload.timer.data = s;
	s->reload.transaction.deadline_us = USEC_NEVER;
	s->reload.next = GENERATION_NONE;
}

void reload_done(struct supervisor *s)
{
	ev_timer_stop(s->loop, &s->reload.timer);
	generation_free(&s->reload.next);
	free(s->reload.last.diagnostics);
}
