/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shadow table: every connection that this node knows of, its own and those learned from
 * peers, found by tuple and ordered by version. A change gives the entry the next version and moves
 * it to the end; so the list, read from any version on, is the log of changes with all but the
 * last change of each entry left out. The live stream, repair of gaps, the whole snapshot for a
 * newcomer and the way into the kernel are the same thing: a cursor that follows this list.
 *
 * Memory is bounded: by the number of entries, and by nothing being kept for slow followers.
 * Seconds are monotonic and given by the caller. Knows no socket, no peer, no kernel.
 */
#ifndef TANDEM_SYNC_TABLE_H
#define TANDEM_SYNC_TABLE_H

#include "sync/record.h"

/* The kernel refreshes an entry at most once in this time (sync_refresh_period), so it may live
 * that much longer than its last record says. */
#define SYNC_REFRESH_S 10

enum sync_owner {
	SYNC_OWNER_OWN,	    /* from our kernel, or our own note */
	SYNC_OWNER_PEER,    /* from the peer that owns it */
	SYNC_OWNER_HEARSAY, /* from a peer that had it from another */
};

struct sync_entry {
	struct sync_entry *chain; /* of the hash bucket */
	struct sync_entry *prev;
	struct sync_entry *next;
	uint64_t version;
	uint32_t hash;
	uint32_t expires_s; /* SYNC_EXPIRES_NEVER for notes */
	uint16_t len;
	uint16_t term;
	uint8_t owner;		/* enum sync_owner */
	bool not_for_kernel : 1; /* ours is Active for it and has newer state than a peer's late word */
	bool lost : 1;		/* our kernel had it and has not: it is to get it, whoever owns it */
	bool moved : 1;		/* our kernel may have it with another real server */
	uint8_t pass;		/* of the audit that has seen it in the kernel, last */
	uint8_t record[];
};
#define SYNC_EXPIRES_NEVER UINT32_MAX

/*
 * A term begins when a node becomes Active for something, with a number newer than all it knows of;
 * what it writes from then on carries it. So of two writers of one connection the later Active is
 * told from the earlier one, whoever's word arrives first. Compared in a circle (RFC 1982).
 */
static inline bool sync_term_is_newer(uint16_t a, uint16_t b)
{
	return (int16_t)(a - b) > 0;
}

/* A follower's place: everything up to `version` has been dealt with. */
struct sync_cursor {
	struct sync_entry *at; /* the last entry at or before `version`, or the list's head */
	uint64_t version;
	struct sync_cursor *next; /* of the table */
};

struct sync_table_counters {
	uint64_t added;
	uint64_t updated;
	uint64_t expired;
	uint64_t refused; /* new entries, at the bound or out of memory */
};

struct sync_table {
	uint64_t epoch;	  /* names this log; a number that no other log has */
	uint64_t version; /* of the newest change */
	size_t n;	  /* entries, without notes */
	size_t n_own;
	size_t n_templates;
	size_t n_notes;
	size_t max;
	size_t bytes; /* of memory, about */
	uint64_t given; /* our kernel has all up to this version; inject.c's */
	uint8_t pass; /* of the audit; what is put counts as seen in it */
	struct sync_table_counters counters;
	/* The rest is table.c's own. */
	uint64_t seed;
	struct sync_entry **buckets;
	size_t n_buckets;
	size_t n_folded; /* the greatest power of two that is not above it */
	size_t cap_buckets;
	size_t sweep;		 /* where sync_table_expire() goes on */
	struct sync_entry *list; /* head of the ring */
	struct sync_cursor *cursors;
};

/* Was it full, and is no more: half a per cent, so that it does not change all the time. */
static inline bool sync_table_has_room(const struct sync_table *t)
{
	return t->n < t->max - t->max / 200;
}

/* At most `max` connections. 0 or -ENOMEM. */
int sync_table_init(struct sync_table *t, uint64_t epoch, uint64_t seed, size_t max);
void sync_table_done(struct sync_table *t);

/*
 * A record (checked) is new or has changed: it gets the next version. 1: new, 0: it was known,
 * -ENOSPC: at the bound, -ENOMEM. What is known is always updated.
 */
int sync_table_put(struct sync_table *t, const uint8_t *record, size_t len, enum sync_owner owner,
		   uint16_t term, uint32_t now_s);
/* Our note of this name is this: it goes to all followers, now and those to come. 0, -EMSGSIZE or
 * -ENOMEM. */
int sync_note_put(struct sync_table *t, const struct sync_note *note, uint32_t now_s);
/* NULL: unknown. */
struct sync_entry *sync_table_find(const struct sync_table *t, const uint8_t *record);
/* What was put last. */
struct sync_entry *sync_table_newest(const struct sync_table *t);
/* Looks at `budget` buckets and drops what has expired; returns how many entries that were. */
size_t sync_table_expire(struct sync_table *t, uint32_t now_s, size_t budget);

/* The remaining timeout, at least one second; of a template that has not expired, the whole. */
uint32_t sync_entry_timeout_s(const struct sync_entry *e, uint32_t now_s);
/* Our kernel does not have it, or has it without its real server: it gets a new version, and is given
 * to the kernel again. */
void sync_table_give_again(struct sync_table *t, struct sync_entry *e);
/* So does what was withheld from it although it may not have it: hearsay that this applies to. */
void sync_table_give_withheld(struct sync_table *t,
			      bool (*applies)(void *ctx, const struct sync_entry *e), void *ctx);

/* What we wrote in one term, and this applies to, belongs to another, which all followers are to learn. */
void sync_table_change_term(struct sync_table *t, uint16_t from, uint16_t to,
			    bool (*applies)(void *ctx, const struct sync_entry *e), void *ctx);
/* What others wrote and we learned after `version` gets new versions: followers are to hear of it.
 */
void sync_table_retell(struct sync_table *t, uint64_t version);

/* The record with that timeout and no mark of ours, to at least e->len bytes. */
void sync_entry_copy(const struct sync_entry *e, uint32_t now_s, uint8_t *bytes);

/* In the order of versions; NULL at the end. `e` NULL: the first. Not to be mixed with changes. */
struct sync_entry *sync_table_next(const struct sync_table *t, const struct sync_entry *e);

/* A cursor starts before the first entry. It stays valid whatever changes until it is closed. */
void sync_cursor_open(struct sync_table *t, struct sync_cursor *c);
void sync_cursor_close(struct sync_table *t, struct sync_cursor *c);
/* Next is what is newer than `version`. */
void sync_cursor_seek(struct sync_table *t, struct sync_cursor *c, uint64_t version);
/* The next entry; NULL: at the end, and the cursor's version is the newest. */
struct sync_entry *sync_cursor_peek(const struct sync_table *t, struct sync_cursor *c);
/* `e`, which was peeked, is dealt with. */
void sync_cursor_pass(struct sync_cursor *c, struct sync_entry *e);

#endif
