/* SPDX-License-Identifier: Apache-2.0 */
/* The last known state as a file: see statefile.h. */
#include "core/statefile.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/msg_schema.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC	    "tandem-state/2"
#define BOOT_ID_LEN 36
#define ALIVE_AT    (4 + sizeof(MAGIC) - 1 + 4 + BOOT_ID_LEN) /* where the file tells it */
#define FILE_MAX    ((size_t)256 << 20)
#define COALESCE_S  0.02
/* However large the state is, writing it takes no more of the time than one part in this. */
#define SHARE 50
/* What can wait: not more often than this, and with one part of the time in this. */
#define LAZY_S	   5.0
#define LAZY_SHARE 1000

static int boot_id(char id[64])
{
	char *text;
	size_t n;
	int err = file_read("/proc/sys/kernel/random/boot_id", 63, &text, &n);

	if (err)
		return err;
	snprintf(id, 64, "%.*s", BOOT_ID_LEN, text);
	free(text);
	return 0;
}

static void encode(const struct statefile *f, struct writer *w)
{
	char boot[64] = "";

	boot_id(boot);
	writer_init_growing(w);
	put_str(w, MAGIC);
	put_str(w, boot);
	assert(w->len == ALIVE_AT || !boot[0]);
	put_i64(w, clock_now_us());
	put_u64(w, f->generation);
	put_u64(w, f->hash);
	put_str(w, msg_schema_text());
	store_save(f->store, w);
}

static void write_now(struct statefile *f)
{
	int64_t start_us = clock_now_us();
	struct writer w;
	int err;

	encode(f, &w);
	err = w.full ? -ENOMEM : file_replace(f->path, w.at, w.len, 0600);
	writer_done(&w);
	if (err && !f->failing)
		log_error("%s: can't be written: %s: a restart of everything would not resume",
			  f->path, strerror(-err));
	f->failing = err;
	f->last_write_s = (double)(clock_now_us() - start_us) / USEC_PER_SEC;
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	write_now(w->data);
}

static void on_beat(struct ev_loop *loop, ev_timer *w, int events)
{
	struct statefile *f = w->data;
	int fd = open(f->path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	uint8_t now[sizeof(int64_t)];
	struct writer at;

	if (fd < 0)
		return;
	writer_init_fixed(&at, now, sizeof(now));
	put_i64(&at, clock_now_us());
	if (pwrite(fd, now, sizeof(now), ALIVE_AT) < 0)
		statefile_touch(f);
	close(fd);
}

void statefile_flush(struct statefile *f)
{
	ev_timer_stop(f->loop, &f->timer);
	write_now(f);
}

void statefile_begin(struct statefile *f)
{
	ev_timer_set(&f->beat, 0, (double)STATEFILE_BEAT_US / USEC_PER_SEC);
	ev_timer_start(f->loop, &f->beat);
}

static void write_within(struct statefile *f, double after_s)
{
	if (ev_is_active(&f->timer) && ev_timer_remaining(f->loop, &f->timer) <= after_s)
		return;
	ev_timer_stop(f->loop, &f->timer);
	ev_timer_set(&f->timer, after_s, 0);
	ev_timer_start(f->loop, &f->timer);
}

void statefile_touch(struct statefile *f)
{
	double after_s = f->last_write_s * SHARE;

	write_within(f, after_s > COALESCE_S ? after_s : COALESCE_S);
}

void statefile_touch_lazily(struct statefile *f)
{
	write_within(f, f->last_write_s * LAZY_SHARE + LAZY_S);
}

void statefile_init(struct statefile *f, struct ev_loop *loop, const char *run_dir,
		    const struct store *store)
{
	*f = (struct statefile){.loop = loop, .store = store};
	snprintf(f->path, sizeof(f->path), "%s/state", run_dir);
	ev_init(&f->timer, on_timer);
	ev_init(&f->beat, on_beat);
	f->timer.data = f;
	f->beat.data = f;
}

/* Another version may have written it: then with its own layout of messages. */
static int load_states(struct store *store, struct reader *r, const char *text)
{
	struct msg_schema *schema;
	int err;

	if (strcmp(text, msg_schema_text()) == 0)
		return store_load(store, r, NULL);
	schema = msg_schema_parse(text);
	if (!schema)
		return -EBADMSG;
	err = store_load(store, r, schema);
	msg_schema_free(schema);
	return err;
}

static int decode(struct statefile *f, struct store *store, struct reader *r)
{
	char boot[64] = "";
	const char *magic = get_str(r);
	const char *of_boot = get_str(r);
	int64_t alive_us = get_i64(r);
	uint64_t generation = get_u64(r);
	uint64_t hash = get_u64(r);
	const char *schema = get_str(r);
	int err = boot_id(boot);

	if (r->bad || strcmp(magic, MAGIC) != 0)
		return -EBADMSG;
	if (err || strcmp(boot, of_boot) != 0)
		return -ESTALE;
	f->alive_us = alive_us;
	f->generation = generation;
	f->hash = hash;
	return load_states(store, r, schema);
}

int statefile_load(struct statefile *f, struct store *store)
{
	struct arena *arena;
	struct reader r;
	char *bytes;
	size_t n;
	int err = file_read(f->path, FILE_MAX, &bytes, &n);

	if (err)
		return err;
	arena = arena_new();
	reader_init(&r, bytes, n, arena);
	err = decode(f, store, &r);
	arena_free(arena);
	free(bytes);
	return err;
}

void statefile_remove(struct statefile *f)
{
	ev_timer_stop(f->loop, &f->timer);
	ev_timer_stop(f->loop, &f->beat);
	unlink(f->path);
}
