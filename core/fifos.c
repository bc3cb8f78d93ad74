/* SPDX-License-Identifier: Apache-2.0 */
/* keepalived's notify FIFOs: see fifos.h. The order of lines is line_queue.c's. */
#include "core/fifos.h"

#include "core/arena.h"
#include "core/backoff.h"
#include "core/clock.h"
#include "core/fifo_owner.h"
#include "core/file.h"
#include "core/line_queue.h"
#include "core/log.h"
#include "core/scripts.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Scripts of FIFOs that are gone may still be ending. */
#define SCRIPTS_MAX 16
#define MADE_MAX    65536

struct fifo {
	struct fifo *next;
	struct fifos *owner;
	struct arena *arena; /* of `conf`, and of all else that is text here */
	struct notify_fifo conf;
	struct script_request reader; /* of conf.scripts */
	uint64_t object;	      /* the reader's, among scripts */
	int fd;			      /* -1: not open */
	bool made;		      /* here, so it is removed here */
	bool leaving;		      /* in no model any more: its script is ending */
	bool reading;		      /* its script runs */
	bool behind;		      /* lines were lost, which has been told */
	struct line_queue queue;
	ev_io writable;
	int64_t started_us; /* the script */
	struct backoff backoff;
	ev_timer restart;
	ev_child giving; /* it to its owner */
};

struct fifos {
	struct ev_loop *loop;
	struct scripts *scripts;
	struct fifo *first;
	uint64_t n_objects;
	char made_path[256]; /* a file that names the FIFOs that were made, for a next supervisor */
	char *made_before;   /* by a former one */
};

/* FIFOs that a former supervisor made */

static bool was_made_before(const struct fifos *f, const char *path)
{
	size_t len = strlen(path);

	for (const char *at = f->made_before; at && *at; at = strchrnul(at, '\n') + 1) {
		if (!strncmp(at, path, len) && at[len] == '\n')
			return true;
		if (!strchr(at, '\n'))
			break;
	}
	return false;
}

static void save_made(const struct fifos *f)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return;
	for (const struct fifo *fifo = f->first; fifo; fifo = fifo->next)
		if (fifo->made)
			fprintf(out, "%s\n", fifo->conf.path);
	fclose(out);
	if (!n)
		unlink(f->made_path);
	else if (file_replace(f->made_path, text, n, 0600) < 0)
		log_warning("%s: can't be written: FIFOs would stay after a restart of tandemd",
			    f->made_path);
	free(text);
}

/* Scripts */

static void start_reader(struct fifo *fifo)
{
	if (!fifo->conf.n_scripts || fifo->leaving)
		return;
	fifo->started_us = clock_now_us();
	fifo->reading = true;
	if (scripts_run(fifo->owner->scripts, &fifo->reader) < 0)
		fifo->reading = false;
}

static void on_restart(struct ev_loop *loop, ev_timer *w, int events)
{
	start_reader(w->data);
}

static void fifo_free(struct fifo *fifo)
{
	struct fifo **at = &fifo->owner->first;

	while (*at != fifo)
		at = &(*at)->next;
	*at = fifo->next;
	ev_timer_stop(fifo->owner->loop, &fifo->restart);
	ev_child_stop(fifo->owner->loop, &fifo->giving);
	line_queue_done(&fifo->queue);
	arena_free(fifo->arena);
}

static void describe_end(const struct script_end *end, struct text *ret)
{
	switch (end->how) {
	case SCRIPT_EXITED:
		text_set(ret, "ended with status %d", end->value);
		return;
	case SCRIPT_SIGNALLED:
		text_set(ret, "ended by signal %d", end->value);
		return;
	case SCRIPT_TOO_LATE:
		text_set(ret, "was ended");
		return;
	case SCRIPT_NOT_RUN:
		text_set(ret, "not run: %s", end->why);
		return;
	}
}

static void on_reader_ended(void *ctx, uint64_t object, const struct script_end *end)
{
	struct fifo *fifo = ctx;
	int64_t delay_us = backoff_delay_us(&fifo->backoff, clock_now_us() - fifo->started_us);
	struct text how;

	fifo->reading = false;
	if (fifo->leaving) {
		fifo_free(fifo);
		return;
	}
	describe_end(end, &how);
	log_warning("%s: its script %s: started again in %d s", fifo->conf.path, how.s,
		    (int)(delay_us / USEC_PER_SEC));
	ev_timer_set(&fifo->restart, (double)delay_us / USEC_PER_SEC, 0);
	ev_timer_start(fifo->owner->loop, &fifo->restart);
}

/* Writing */

static int write_some(struct fifo *fifo)
{
	size_t len;
	const char *next;

	while ((next = line_queue_next(&fifo->queue, &len))) {
		ssize_t n = write(fifo->fd, next, len);

		if (n < 0)
			return -errno;
		line_queue_took(&fifo->queue, (size_t)n);
	}
	return 0;
}

static void tell_lost(struct fifo *fifo)
{
	if (!fifo->behind)
		log_error("%s: its reader does not keep up: the oldest lines are lost",
			  fifo->conf.path);
	fifo->behind = true;
}

static void write_or_wait(struct fifo *fifo)
{
	int err = write_some(fifo);

	if (err && err != -EAGAIN && err != -EINTR) {
		log_error("%s: can't be written: %s: %u lines are lost", fifo->conf.path,
			  strerror(-err), line_queue_give_up(&fifo->queue));
		err = 0;
	}
	if (err) {
		ev_io_start(fifo->owner->loop, &fifo->writable);
		return;
	}
	ev_io_stop(fifo->owner->loop, &fifo->writable);
	if (fifo->behind)
		log_notice("%s: its reader has caught up: %llu lines were lost", fifo->conf.path,
			   (unsigned long long)fifo->queue.lost);
	fifo->behind = false;
}

static void on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	write_or_wait(w->data);
}

void fifos_write(struct fifos *f, enum notify_fifo_kind kind, const char *line)
{
	for (struct fifo *fifo = f->first; fifo; fifo = fifo->next) {
		if (fifo->fd < 0 || (fifo->conf.kind != NOTIFY_FIFO_ALL && fifo->conf.kind != kind))
			continue;
		if (line_queue_add(&fifo->queue, line, strlen(line)))
			tell_lost(fifo);
		if (!ev_is_active(&fifo->writable))
			write_or_wait(fifo);
	}
}

/* Opening */

/* For reading too: so there is always a reader, and it is never told that one is gone. */
static int open_pipe(const struct notify_fifo *conf, struct text *why)
{
	int fd = open(conf->path, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0) {
		text_set(why, "can't be opened: %s", strerror(errno));
		return -errno;
	}
	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		return fd;
	close(fd);
	text_set(why, "is there and no FIFO");
	return -EEXIST;
}

/* Its reader may be the new owner, and is started after that. */
static void on_given(struct ev_loop *loop, ev_child *w, int events)
{
	ev_child_stop(loop, w);
	start_reader(w->data);
}

/* True when that goes on by itself, up to the reader's start. */
static bool give_to_owner(struct fifo *fifo)
{
	const struct notify_fifo *conf = &fifo->conf;
	pid_t pid;

	if (!conf->user[0] && !conf->group[0])
		return false;
	pid = fifo_owner_set(fifo->fd, conf);
	if (pid < 0) {
		log_error("%s: can't be given to its owner: %s: it stays root's", conf->path,
			  strerror((int)-pid));
		return false;
	}
	ev_child_set(&fifo->giving, pid, 0);
	ev_child_start(fifo->owner->loop, &fifo->giving);
	return true;
}

static void fifo_open(struct fifo *fifo)
{
	struct notify_fifo *conf = &fifo->conf;
	struct text why = {"can't be made"};
	bool made = mkfifo(conf->path, 0600) == 0;

	fifo->made = made || was_made_before(fifo->owner, conf->path);
	if (!made && errno != EEXIST)
		text_set(&why, "can't be made: %s", strerror(errno));
	else
		fifo->fd = open_pipe(conf, &why);
	if (fifo->fd < 0) {
		log_error("%s: %s: no %s", conf->path, why.s,
			  notify_fifo_name((enum notify_fifo_kind)conf->kind));
		return;
	}
	ev_io_set(&fifo->writable, fifo->fd, EV_WRITE);
	if (!made || !give_to_owner(fifo))
		start_reader(fifo);
}

static void fifo_close(struct fifo *fifo)
{
	ev_io_stop(fifo->owner->loop, &fifo->writable);
	ev_timer_stop(fifo->owner->loop, &fifo->restart);
	ev_child_stop(fifo->owner->loop, &fifo->giving);
	if (fifo->fd < 0)
		return;
	write_some(fifo);
	if (fifo->queue.n)
		log_error("%s: closed before its reader caught up: %u lines are lost",
			  fifo->conf.path, line_queue_give_up(&fifo->queue));
	close(fifo->fd);
	fifo->fd = -1;
	if (fifo->made)
		unlink(fifo->conf.path);
	fifo->made = false;
}

static struct notify *copy_notify(struct arena *arena, const struct notify *of)
{
	struct notify *n = arena_alloc(arena, sizeof(*n));

	*n = (struct notify){.on = of->on,
			     .command = arena_strdup(arena, of->command),
			     .user = arena_strdup(arena, of->user),
			     .group = arena_strdup(arena, of->group)};
	return n;
}

/* The model is freed one day, and a FIFO may outlive it. */
static struct notify_fifo copy_conf(struct arena *arena, const struct notify_fifo *of)
{
	struct notify_fifo conf = *of;

	conf.path = arena_strdup(arena, of->path);
	conf.user = arena_strdup(arena, of->user);
	conf.group = arena_strdup(arena, of->group);
	conf.scripts = of->n_scripts ? copy_notify(arena, of->scripts) : NULL;
	return conf;
}

static void set_reader(struct fifo *fifo, const struct global *g)
{
	const char **args = arena_array(fifo->arena, 2, sizeof(*args));

	if (!fifo->conf.n_scripts)
		return;
	args[0] = fifo->conf.path;
	fifo->reader = scripts_request_for(fifo->conf.scripts, g);
	fifo->reader.user = arena_strdup(fifo->arena, fifo->reader.user);
	fifo->reader.group = arena_strdup(fifo->arena, fifo->reader.group);
	fifo->reader.object = fifo->object;
	fifo->reader.name = fifo->conf.path;
	fifo->reader.args = args;
	fifo->reader.timeout_us = SCRIPT_NO_TIMEOUT_US;
	fifo->reader.ended = on_reader_ended;
	fifo->reader.ctx = fifo;
}

static void fifo_new(struct fifos *f, const struct notify_fifo *conf, const struct global *g)
{
	struct arena *arena = arena_new();
	struct fifo *fifo = arena_alloc(arena, sizeof(*fifo));

	*fifo = (struct fifo){.owner = f, .arena = arena, .fd = -1, .object = ++f->n_objects};
	fifo->conf = copy_conf(arena, conf);
	set_reader(fifo, g);
	line_queue_init(&fifo->queue, FIFO_QUEUE_BYTES);
	ev_init(&fifo->writable, on_writable);
	ev_init(&fifo->restart, on_restart);
	ev_init(&fifo->giving, on_given);
	fifo->writable.data = fifo;
	fifo->restart.data = fifo;
	fifo->giving.data = fifo;
	fifo->next = f->first;
	f->first = fifo;
	fifo_open(fifo);
}

/* Its script sees the end of the file; should that not be enough, it is asked to end. */
static void fifo_leave(struct fifo *fifo)
{
	fifo_close(fifo);
	fifo->leaving = true;
	if (fifo->reading)
		scripts_end(fifo->owner->scripts, fifo->object);
	else
		fifo_free(fifo);
}

static struct fifo *find_same(const struct fifos *f, const struct notify_fifo *conf)
{
	struct fifo *fifo = f->first;

	while (fifo && (fifo->leaving || !notify_fifo_equal(&fifo->conf, conf)))
		fifo = fifo->next;
	return fifo;
}

static bool is_wanted(const struct fifo *fifo, const struct global *g)
{
	for (uint32_t i = 0; i < g->n_fifos; i++)
		if (notify_fifo_equal(&fifo->conf, &g->fifos[i]))
			return true;
	return false;
}

void fifos_commit(struct fifos *f, const struct model *m)
{
	for (struct fifo *fifo = f->first, *next; fifo; fifo = next) {
		next = fifo->next;
		if (!fifo->leaving && (fifo->fd < 0 || !is_wanted(fifo, m->global)))
			fifo_leave(fifo);
	}
	for (uint32_t i = 0; i < m->global->n_fifos; i++)
		if (!find_same(f, &m->global->fifos[i]))
			fifo_new(f, &m->global->fifos[i], m->global);
	save_made(f);
}

int fifos_new(struct ev_loop *loop, const char *run_dir, struct fifos **ret)
{
	struct fifos *f = calloc(1, sizeof(*f));
	int err = f ? scripts_new(loop, SCRIPTS_MAX, &f->scripts) : -ENOMEM;
	size_t n;

	if (err) {
		free(f);
		return err;
	}
	f->loop = loop;
	snprintf(f->made_path, sizeof(f->made_path), "%s/fifos", run_dir);
	if (file_read(f->made_path, MADE_MAX, &f->made_before, &n) < 0)
		f->made_before = NULL;
	*ret = f;
	return 0;
}

void fifos_close(struct fifos *f)
{
	for (struct fifo *fifo = f->first; fifo; fifo = fifo->next) {
		fifo_close(fifo);
		fifo->leaving = true;
	}
	save_made(f);
}

bool fifos_idle(const struct fifos *f)
{
	return scripts_idle(f->scripts);
}

void fifos_free(struct fifos *f)
{
	if (!f)
		return;
	for (struct fifo *fifo = f->first, *next; fifo; fifo = next) {
		next = fifo->next;
		ev_io_stop(f->loop, &fifo->writable);
		if (fifo->fd >= 0)
			close(fifo->fd);
		if (fifo->reading)
			scripts_end(f->scripts, fifo->object);
	}
	scripts_free(f->scripts);
	while (f->first)
		fifo_free(f->first);
	free(f->made_before);
	free(f);
}

void fifos_each(const struct fifos *f, void (*each)(void *ctx, const struct fifo_status *status),
		void *ctx)
{
	for (const struct fifo *fifo = f->first; fifo; fifo = fifo->next) {
		const struct fifo_status status = {
			.keyword = notify_fifo_name((enum notify_fifo_kind)fifo->conf.kind),
			.path = fifo->conf.path,
			.open = fifo->fd >= 0,
			.written = fifo->queue.passed,
			.waiting = fifo->queue.n,
			.lost = fifo->queue.lost,
		};

		if (!fifo->leaving)
			each(ctx, &status);
	}
}
