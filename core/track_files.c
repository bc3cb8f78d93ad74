/* SPDX-License-Identifier: Apache-2.0 */
/* The files of track_file: see track_files.h. */
#include "core/track_files.h"

#include "core/file_value.h"
#include "core/log.h"
#include "core/must.h"
#include "core/store.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVENTS                                                                              \
	(IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVE | IN_DELETE_SELF |    \
	 IN_MOVE_SELF | IN_ONLYDIR)
/* Who writes a file empties it first: it is read when it is closed, or has rested for so long. */
#define WRITING_EVENTS (IN_MODIFY | IN_CREATE)
#define REST_S	       0.1
/* And once in so long, though it never rests. */
#define REST_MAX_S     1.0
/* Of a directory that can't be watched, and of a path of links: what those lead to may change, or
 * appear, where nothing is watched. */
#define POLL_S 1.0
#define NO_WATCH (-1)

struct watched {
	const struct track_file *conf;
	uint64_t id;
	int32_t value;
	bool known;
	bool told_nonsense; /* until it makes sense again */
	bool told_polled;
	bool resting; /* the timer is that of a file that is being written */
	ev_tstamp rest_end;
	bool linked;  /* there is a link on the way to it */
	/* The nearest directory on the way to it that is there, and what is looked for in it. */
	int way;
	char next[NAME_MAX + 1];
	int target; /* the directory that it is in when links lead elsewhere */
	struct track_files *owner;
	ev_timer timer;
};

struct track_files {
	struct ev_loop *loop;
	void (*tell)(void *ctx, const struct msg_file_value *value);
	void *ctx;
	int inotify;
	ev_io readable;
	bool committed;
	struct watched *list;
	uint32_t n;
};

static void look(struct watched *w);

/* Watches */

static bool is_used(const struct track_files *t, int watch)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->list[i].way == watch || t->list[i].target == watch)
			return true;
	return false;
}

static void drop_watch(struct track_files *t, int watch)
{
	if (watch != NO_WATCH && !is_used(t, watch))
		inotify_rm_watch(t->inotify, watch);
}

/* Of the path's first `len` bytes, which are a directory. */
static int watch_dir(const struct watched *w, size_t len)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%.*s", len ? (int)len : 1, w->conf->path);
	return inotify_add_watch(w->owner->inotify, dir, EVENTS);
}

/* Upwards from the file, until a directory is there. */
static int watch_nearest(struct watched *w)
{
	const char *path = w->conf->path;
	size_t len = strlen(path), end;
	int watch = NO_WATCH;

	do {
		for (end = len; len && path[len - 1] != '/'; len--)
			;
		snprintf(w->next, sizeof(w->next), "%.*s", (int)(end - len), path + len);
		while (len && path[len - 1] == '/')
			len--;
		watch = watch_dir(w, len);
	} while (watch < 0 && len && (errno == ENOENT || errno == ENOTDIR));
	return watch;
}

/* A directory that was made while we went past it is not told of: once more, until nothing is. */
static int watch_way(struct watched *w)
{
	int watch = watch_nearest(w), again;

	while ((again = watch_nearest(w)) != watch) {
		drop_watch(w->owner, watch);
		watch = again;
	}
	return watch;
}

static bool has_link(const char *path)
{
	char part[PATH_MAX];
	struct stat st;
	size_t len = 0;

	do {
		len += 1 + strcspn(path + len + 1, "/");
		snprintf(part, sizeof(part), "%.*s", (int)len, path);
		if (lstat(part, &st) < 0)
			return false;
		if (S_ISLNK(st.st_mode))
			return true;
	} while (path[len]);
	return false;
}

static int watch_target(const struct watched *w)
{
	char *real = realpath(w->conf->path, NULL);
	int watch = NO_WATCH;

	if (!real)
		return NO_WATCH;
	if (strcmp(real, w->conf->path) != 0) {
		*strrchr(real, '/') = '\0';
		watch = inotify_add_watch(w->owner->inotify, real[0] ? real : "/", EVENTS);
	}
	free(real);
	return watch;
}

static void watch(struct watched *w)
{
	int former[] = {w->way, w->target};

	w->way = watch_way(w);
	if (w->way == NO_WATCH && !w->told_polled)
		log_warning("track_file %s: %s can't be watched: %s: read each second",
			    w->conf->name, w->conf->path, strerror(errno));
	w->told_polled = w->way == NO_WATCH;
	w->target = watch_target(w);
	w->linked = has_link(w->conf->path);
	for (int i = 0; i < 2; i++)
		if (former[i] != w->way && former[i] != w->target)
			drop_watch(w->owner, former[i]);
}

static bool is_about(const struct watched *w, const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW)
		return true;
	if (e->wd == NO_WATCH || (e->wd != w->way && e->wd != w->target))
		return false;
	return !e->len || w->target != NO_WATCH || strcmp(e->name, w->next) == 0;
}

static void wait_for_rest(struct watched *w)
{
	ev_tstamp now = ev_now(w->owner->loop), at = now + REST_S;

	if (!w->resting)
		w->rest_end = now + REST_MAX_S;
	if (at > w->rest_end)
		at = w->rest_end;
	ev_timer_stop(w->owner->loop, &w->timer);
	ev_timer_set(&w->timer, at > now ? at - now : 0, 0);
	ev_timer_start(w->owner->loop, &w->timer);
	w->resting = true;
}

static void on_event(struct track_files *t, const struct inotify_event *e)
{
	bool writing = !(e->mask & IN_ISDIR) && e->mask & WRITING_EVENTS;

	for (uint32_t i = 0; i < t->n; i++) {
		struct watched *w = &t->list[i];

		if (!is_about(w, e))
			continue;
		/* The kernel has forgotten it, and may give its number to another one. */
		if (e->mask & IN_IGNORED) {
			w->way = w->way == e->wd ? NO_WATCH : w->way;
			w->target = w->target == e->wd ? NO_WATCH : w->target;
		}
		if (writing)
			wait_for_rest(w);
		else
			look(w);
	}
}

static void on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
	struct track_files *t = io->data;
	char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while ((n = read(t->inotify, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const struct inotify_event *)(buf + at);

			on_event(t, e);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
}

/* Values */

/* Nothing but a file's bytes is waited for: a FIFO or a device has no number. */
static int read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), n;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	n = (int)read(fd, buf, size);
	n = n < 0 ? -errno : n;
	close(fd);
	return n;
}

static void complain(struct watched *w, const char *what)
{
	if (!w->told_nonsense)
		log_warning("track_file %s: %s %s", w->conf->name, w->conf->path, what);
	w->told_nonsense = true;
}

/* False: what was known stays. */
static bool read_value(struct watched *w, int32_t *ret)
{
	char buf[FILE_VALUE_BYTES];
	int n = read_file(w->conf->path, buf, sizeof(buf));

	*ret = 0;
	if (n < 0 && n != -ENOENT && n != -ENOTDIR)
		complain(w, n == -EINVAL ? "is not a file: counts as 0"
					 : "can't be read: counts as 0");
	if (n <= 0)
		return true;
	switch (file_value_parse(buf, (size_t)n, ret)) {
	case FILE_VALUE_NUMBER:
		w->told_nonsense = false;
		return true;
	case FILE_VALUE_NONE:
		complain(w, "does not begin with a number: counts as 0");
		return true;
	case FILE_VALUE_RANGE:
		complain(w, "holds a number that is out of range: left out");
		return !w->known;
	}
	return false;
}

static void tell(const struct watched *w)
{
	struct msg_file_value value = {.file = w->id, .value = w->value};

	w->owner->tell(w->owner->ctx, &value);
}

static void take_value(struct watched *w)
{
	int32_t value;

	if (!read_value(w, &value) || (w->known && value == w->value))
		return;
	if (w->known)
		log_notice("track_file %s: %d → %d", w->conf->name, w->value, value);
	else if (value)
		log_notice("track_file %s: %d", w->conf->name, value);
	w->known = true;
	w->value = value;
	tell(w);
}

static void plan_poll(struct watched *w)
{
	ev_timer_stop(w->owner->loop, &w->timer);
	w->resting = false;
	if (w->way != NO_WATCH && !w->linked)
		return;
	ev_timer_set(&w->timer, POLL_S, 0);
	ev_timer_start(w->owner->loop, &w->timer);
}

/* Watched first, read then: nothing falls between them. */
static void look(struct watched *w)
{
	watch(w);
	take_value(w);
	plan_poll(w);
}

/* While the links lead where they did, events tell when to read: not in the middle of writing. */
static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct watched *w = timer->data;
	int way = w->way, target = w->target;

	watch(w);
	if (w->resting || w->way == NO_WATCH || w->way != way || w->target != target)
		take_value(w);
	plan_poll(w);
}

/* init_file */

static int write_init(const struct track_file *f, bool overwrite)
{
	int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = open(f->path, flags | (overwrite ? 0 : O_EXCL), 0644), err = 0;
	struct stat st;

	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		err = -EINVAL;
	else if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", f->init_value) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* Over what is there only at the very start: a former life's file is kept, and so is a reload's. */
static void init_file(const struct track_files *t, const struct watched *w)
{
	int err = w->conf->init ? write_init(w->conf, w->conf->overwrite && !t->committed && !w->known)
				: 0;

	if (err)
		log_warning("track_file %s: %s can't be written: %s", w->conf->name,
			    w->conf->path, strerror(-err));
}

/* Life */

static struct watched *find(const struct track_files *t, uint64_t id)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->list[i].id == id)
			return &t->list[i];
	return NULL;
}

static void restore(struct watched *w, const struct watched *former, const struct store *s)
{
	struct msg known;

	if (former) {
		w->known = former->known;
		w->value = former->value;
		w->told_nonsense = former->told_nonsense;
		w->told_polled = former->told_polled;
	} else if (store_get(s, MSG_FILE_VALUE, w->id, &known)) {
		w->known = true;
		w->value = known.file_value.value;
	}
}

static void stop_all(struct track_files *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		ev_timer_stop(t->loop, &t->list[i].timer);
	free(t->list);
	t->list = NULL;
	t->n = 0;
}

static void forget_watches(struct track_files *t, const struct watched *former, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		drop_watch(t, former[i].way);
		drop_watch(t, former[i].target);
	}
}

void track_files_commit(struct track_files *t, const struct model *m, const struct store *s)
{
	struct track_files former = *t;

	t->list = must(calloc(m->n_files + 1, sizeof(*t->list)));
	t->n = m->n_files;
	for (uint32_t i = 0; i < t->n; i++) {
		struct watched *w = &t->list[i];

		*w = (struct watched){.conf = &m->files[i],
				      .id = m->files[i].id,
				      .way = NO_WATCH,
				      .target = NO_WATCH,
				      .owner = t};
		ev_init(&w->timer, on_timer);
		w->timer.data = w;
		restore(w, find(&former, w->id), s);
		init_file(t, w);
	}
	for (uint32_t i = 0; i < t->n; i++)
		look(&t->list[i]);
	forget_watches(t, former.list, former.n);
	stop_all(&former);
	t->committed = true;
}

int track_files_new(struct ev_loop *loop,
		    void (*tell_fn)(void *ctx, const struct msg_file_value *value), void *ctx,
		    struct track_files **ret)
{
	struct track_files *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	*t = (struct track_files){.loop = loop, .tell = tell_fn, .ctx = ctx};
	t->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (t->inotify < 0) {
		err = -errno;
		free(t);
		return err;
	}
	ev_io_init(&t->readable, on_readable, t->inotify, EV_READ);
	t->readable.data = t;
	ev_io_start(loop, &t->readable);
	*ret = t;
	return 0;
}

void track_files_free(struct track_files *t)
{
	if (!t)
		return;
	ev_io_stop(t->loop, &t->readable);
	close(t->inotify);
	stop_all(t);
	free(t);
}
