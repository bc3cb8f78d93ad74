/* SPDX-License-Identifier: Apache-2.0 */
/* The shadow table: see table.h. */
#include "sync/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 256

int sync_table_init(struct sync_table *t, uint64_t epoch, uint64_t seed, size_t max)
{
	*t = (struct sync_table){
		.epoch = epoch,
		.seed = seed,
		.max = max,
		.n_buckets = BUCKETS_MIN,
		.n_folded = BUCKETS_MIN,
		.cap_buckets = BUCKETS_MIN,
	};
	t->buckets = calloc(BUCKETS_MIN, sizeof(*t->buckets));
	t->list = calloc(1, sizeof(*t->list));
	if (!t->buckets || !t->list) {
		sync_table_done(t);
		return -ENOMEM;
	}
	t->list->prev = t->list->next = t->list;
	t->bytes = BUCKETS_MIN * sizeof(*t->buckets);
	return 0;
}

void sync_table_done(struct sync_table *t)
{
	struct sync_entry *e, *next;

	for (e = t->list ? t->list->next : NULL; e && e != t->list; e = next) {
		next = e->next;
		free(e);
	}
	free(t->list);
	free(t->buckets);
	*t = (struct sync_table){0};
}

/*
 * Linear hashing (Litwin 1980): the table grows by one bucket with each entry, so that no single
 * connection has to wait for the rehashing of a million others.
 */
static struct sync_entry **bucket_of(const struct sync_table *t, uint32_t hash)
{
	size_t i = hash & (2 * t->n_folded - 1);

	return &t->buckets[i < t->n_buckets ? i : i & (t->n_folded - 1)];
}

static void split_bucket(struct sync_table *t)
{
	struct sync_entry *e, *next, **from = &t->buckets[t->n_buckets - t->n_folded];
	struct sync_entry *all = *from;

	*from = NULL;
	t->buckets[t->n_buckets++] = NULL;
	for (e = all; e; e = next) {
		struct sync_entry **to = bucket_of(t, e->hash);

		next = e->chain;
		e->chain = *to;
		*to = e;
	}
	if (t->n_buckets == 2 * t->n_folded)
		t->n_folded = t->n_buckets;
}

static void grow(struct sync_table *t)
{
	if (t->n_buckets == t->cap_buckets) {
		size_t cap = 2 * t->cap_buckets;
		void *buckets = realloc(t->buckets, cap * sizeof(*t->buckets));

		if (!buckets)
			return; /* longer chains, nothing worse */
		t->buckets = buckets;
		t->cap_buckets = cap;
		t->bytes += cap / 2 * sizeof(*t->buckets);
	}
	split_bucket(t);
}

static struct sync_entry **find(const struct sync_table *t, const uint8_t *record, uint32_t hash)
{
	struct sync_entry **at = bucket_of(t, hash);

	while (*at && ((*at)->hash != hash || !sync_record_same((*at)->record, record)))
		at = &(*at)->chain;
	return at;
}

struct sync_entry *sync_table_find(const struct sync_table *t, const uint8_t *record)
{
	return *find(t, record, sync_record_hash(record, t->seed));
}

struct sync_entry *sync_table_newest(const struct sync_table *t)
{
	return t->list->prev;
}

static void list_append(struct sync_table *t, struct sync_entry *e)
{
	e->prev = t->list->prev;
	e->next = t->list;
	e->prev->next = e;
	t->list->prev = e;
}

/* Cursors that stand here step back: they have dealt with this entry, not with what comes next. */
static void list_remove(struct sync_table *t, struct sync_entry *e)
{
	for (struct sync_cursor *c = t->cursors; c; c = c->next)
		if (c->at == e)
			c->at = e->prev;
	e->prev->next = e->next;
	e->next->prev = e->prev;
}

static size_t memory_of(const struct sync_entry *e)
{
	return sizeof(*e) + e->len + sizeof(size_t); /* and the allocator's own */
}

/* One entry more or less in all the counts. */
static void count(struct sync_table *t, const struct sync_entry *e, int by)
{
	t->bytes += by * (ptrdiff_t)memory_of(e);
	if (sync_record_is_note(e->record)) {
		t->n_notes += by;
		return;
	}
	t->n += by;
	if (e->owner == SYNC_OWNER_OWN)
		t->n_own += by;
	if (sync_record_flags(e->record) & SYNC_FLAG_TEMPLATE)
		t->n_templates += by;
}

static void set_expiry(struct sync_entry *e, uint32_t now_s)
{
	uint32_t timeout_s;

	e->expires_s = SYNC_EXPIRES_NEVER;
	if (sync_record_is_note(e->record))
		return;
	timeout_s = sync_record_timeout_s(e->record);
	if (timeout_s < SYNC_EXPIRES_NEVER - SYNC_REFRESH_S - now_s)
		e->expires_s = now_s + timeout_s + SYNC_REFRESH_S;
}

static struct sync_entry *entry_new(struct sync_table *t, const uint8_t *record, size_t len)
{
	struct sync_entry *e = NULL;

	if (t->n < t->max || sync_record_is_note(record))
		e = malloc(sizeof(*e) + len);
	if (!e)
		t->counters.refused++;
	return e;
}

/* Its place is taken by an entry of another length. */
static struct sync_entry *entry_resize(struct sync_entry **at, size_t len)
{
	struct sync_entry *old = *at, *e = malloc(sizeof(*e) + len);

	if (!e)
		return NULL;
	*e = *old;
	free(old);
	*at = e;
	return e;
}

static void entry_set(struct sync_table *t, struct sync_entry *e, const uint8_t *record, size_t len,
		      enum sync_owner owner, uint16_t term, uint32_t now_s)
{
	e->len = (uint16_t)len;
	e->owner = owner;
	e->not_for_kernel = e->lost = false;
	e->pass = t->pass;
	e->term = term;
	e->version = ++t->version;
	memcpy(e->record, record, len);
	set_expiry(e, now_s);
	list_append(t, e);
	count(t, e, 1);
}

static int add(struct sync_table *t, const uint8_t *record, size_t len, uint32_t hash,
	       enum sync_owner owner, uint16_t term, uint32_t now_s)
{
	struct sync_entry **bucket, *e = entry_new(t, record, len);

	if (!e)
		return t->n < t->max ? -ENOMEM : -ENOSPC;
	if (t->n + t->n_notes >= t->n_buckets)
		grow(t);
	bucket = bucket_of(t, hash);
	e->hash = hash;
	e->moved = true;
	e->chain = *bucket;
	*bucket = e;
	entry_set(t, e, record, len, owner, term, now_s);
	t->counters.added++;
	return 1;
}

/* The common change, of state or time alone, leaves all counts as they are; a template is never the
 * same as a connection. */
static bool counts_alike(const struct sync_entry *e, size_t len, enum sync_owner owner)
{
	return e->len == len && e->owner == owner;
}

/* What was moved stays so until our kernel was told. */
static bool is_moved(const struct sync_table *t, const struct sync_entry *e, const uint8_t *record)
{
	if (sync_record_is_note(record))
		return false;
	return (e->moved && e->version > t->given) || !sync_record_same_server(e->record, record);
}

static int update(struct sync_table *t, struct sync_entry **at, const uint8_t *record, size_t len,
		  enum sync_owner owner, uint16_t term, uint32_t now_s)
{
	struct sync_entry *e = *at;

	list_remove(t, e);
	e->moved = is_moved(t, e, record);
	t->counters.updated++;
	if (counts_alike(e, len, owner)) {
		memcpy(e->record, record, len);
		e->not_for_kernel = e->lost = false;
		e->pass = t->pass;
		e->term = term;
		e->version = ++t->version;
		set_expiry(e, now_s);
		list_append(t, e);
		return 0;
	}
	count(t, e, -1);
	if (e->len != len) {
		struct sync_entry *other = entry_resize(at, len);

		if (!other) {
			*at = e->chain;
			free(e);
			t->counters.refused++;
			return -ENOMEM;
		}
		e = other;
	}
	entry_set(t, e, record, len, owner, term, now_s);
	return 0;
}

int sync_table_put(struct sync_table *t, const uint8_t *record, size_t len, enum sync_owner owner,
		   uint16_t term, uint32_t now_s)
{
	uint32_t hash = sync_record_hash(record, t->seed);
	struct sync_entry **at = find(t, record, hash);

	return *at ? update(t, at, record, len, owner, term, now_s)
		   : add(t, record, len, hash, owner, term, now_s);
}

static void drop(struct sync_table *t, struct sync_entry **at)
{
	struct sync_entry *e = *at;

	*at = e->chain;
	list_remove(t, e);
	count(t, e, -1);
	free(e);
}

size_t sync_table_expire(struct sync_table *t, uint32_t now_s, size_t budget)
{
	size_t before = t->n;

	if (budget > t->n_buckets)
		budget = t->n_buckets;
	while (budget--) {
		struct sync_entry **at;

		t->sweep = t->sweep + 1 < t->n_buckets ? t->sweep + 1 : 0;
		at = &t->buckets[t->sweep];
		while (*at) {
			if ((*at)->expires_s <= now_s)
				drop(t, at);
			else
				at = &(*at)->chain;
		}
	}
	t->counters.expired += before - t->n;
	return before - t->n;
}

static void renew(struct sync_table *t, struct sync_entry *e)
{
	list_remove(t, e);
	e->version = ++t->version;
	list_append(t, e);
}

void sync_table_give_again(struct sync_table *t, struct sync_entry *e)
{
	e->not_for_kernel = false;
	e->lost = true;
	e->pass = t->pass;
	renew(t, e);
}

void sync_table_give_withheld(struct sync_table *t,
			      bool (*applies)(void *ctx, const struct sync_entry *e), void *ctx)
{
	struct sync_entry *e = t->list->next, *next;
	uint64_t last = t->version;

	for (; e != t->list && e->version <= last; e = next) {
		next = e->next;
		if (e->owner == SYNC_OWNER_HEARSAY && e->not_for_kernel && applies(ctx, e))
			sync_table_give_again(t, e);
	}
}

void sync_table_change_term(struct sync_table *t, uint16_t from, uint16_t to,
			    bool (*applies)(void *ctx, const struct sync_entry *e), void *ctx)
{
	struct sync_entry *e = t->list->next, *next;
	uint64_t last = t->version;

	for (; e != t->list && e->version <= last; e = next) {
		next = e->next;
		if (e->owner != SYNC_OWNER_OWN || e->term != from || sync_record_is_note(e->record) ||
		    !applies(ctx, e))
			continue;
		e->term = to;
		e->lost = false;
		renew(t, e);
	}
}

void sync_table_retell(struct sync_table *t, uint64_t version)
{
	struct sync_entry *e = t->list->prev, *next;
	uint64_t last = t->version;

	while (e != t->list && e->version > version)
		e = e->prev;
	for (e = e->next; e != t->list && e->version <= last; e = next) {
		next = e->next;
		if (e->owner != SYNC_OWNER_OWN)
			renew(t, e);
	}
}

/*
 * A connection's next packet gives it the time of its state again. A template gets from each of its
 * connections what it was told once (ip_vs_sched_persist()): it must be the whole, or a client would
 * be remembered for ever shorter from one director to the next.
 */
uint32_t sync_entry_timeout_s(const struct sync_entry *e, uint32_t now_s)
{
	if (e->expires_s <= now_s + SYNC_REFRESH_S)
		return 1;
	return sync_record_flags(e->record) & SYNC_FLAG_TEMPLATE
		       ? sync_record_timeout_s(e->record)
		       : e->expires_s - now_s - SYNC_REFRESH_S;
}

void sync_entry_copy(const struct sync_entry *e, uint32_t now_s, uint8_t *bytes)
{
	memcpy(bytes, e->record, e->len);
	if (!sync_record_is_note(bytes))
		sync_record_set_timeout(bytes, sync_entry_timeout_s(e, now_s));
}

struct sync_entry *sync_table_next(const struct sync_table *t, const struct sync_entry *e)
{
	struct sync_entry *next = e ? e->next : t->list->next;

	return next == t->list ? NULL : next;
}

void sync_cursor_open(struct sync_table *t, struct sync_cursor *c)
{
	*c = (struct sync_cursor){.at = t->list, .next = t->cursors};
	t->cursors = c;
}

void sync_cursor_close(struct sync_table *t, struct sync_cursor *c)
{
	struct sync_cursor **at;

	for (at = &t->cursors; *at; at = &(*at)->next) {
		if (*at == c) {
			*at = c->next;
			break;
		}
	}
	*c = (struct sync_cursor){0};
}

/* Backwards from where it stands, or from the end: a follower that has missed something is near. */
void sync_cursor_seek(struct sync_table *t, struct sync_cursor *c, uint64_t version)
{
	struct sync_entry *e = c->version >= version ? c->at : t->list->prev;

	if (!version)
		e = t->list;
	while (e != t->list && e->version > version)
		e = e->prev;
	c->at = e;
	c->version = version;
}

struct sync_entry *sync_cursor_peek(const struct sync_table *t, struct sync_cursor *c)
{
	if (c->at->next != t->list)
		return c->at->next;
	/* What had the versions up to here may have expired. */
	c->version = t->version;
	return NULL;
}

void sync_cursor_pass(struct sync_cursor *c, struct sync_entry *e)
{
	c->at = e;
	c->version = e->version;
}

static bool is_told_already(const struct sync_table *t, const uint8_t *record, size_t len)
{
	const struct sync_entry *e = sync_table_find(t, record);

	return e && e->len == len && memcmp(e->record, record, len) == 0;
}

int sync_note_put(struct sync_table *t, const struct sync_note *note, uint32_t now_s)
{
	uint8_t record[SYNC_RECORD_MAX];
	size_t len = sync_note_encode(note, record);
	int error;

	if (!len)
		return -EMSGSIZE;
	if (is_told_already(t, record, len))
		return 0;
	error = sync_table_put(t, record, len, SYNC_OWNER_OWN, 0, now_s);
	return error < 0 ? error : 0;
}
