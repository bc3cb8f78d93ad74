/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last known state of every object, as the state messages that told it: what a role's next
 * incarnation resumes from, and what people are shown. Keyed by the message's type and the id of
 * its object. Pure memory: knows no file and no socket.
 */
#ifndef TANDEM_STORE_H
#define TANDEM_STORE_H

#include "core/model.h"
#include "core/msg.h"

struct msg_schema;
struct store_entry;

struct store {
	struct store_entry *entries; /* in the order of their first appearance */
	size_t n;
	size_t cap;
	size_t max; /* that there may be: see store_expect() */
	uint32_t *index; /* of entries + 1, open addressing; 0: free */
	size_t n_index;	 /* a power of two */
};

enum store_change {
	STORE_NEW,     /* nothing was known of the object */
	STORE_CHANGED, /* *ret_former says what was known */
	STORE_SAME,
	STORE_FULL, /* more objects than there can be; nothing was put */
};

void store_init(struct store *s);
void store_done(struct store *s);

/* Is this a message that tells an object's state? Others must not be put. */
bool store_keeps(enum msg_type type);
/* Is it handed to the next incarnation of a role (not only for people)? */
bool store_resumes(enum msg_type type);

/* ret_former may be NULL. */
enum store_change store_put(struct store *s, const struct msg *m, struct msg *ret_former);
/* False when nothing is known. */
bool store_get(const struct store *s, enum msg_type type, uint64_t id, struct msg *ret);
/* What the supervisor may say to `to`, in the order of its first appearance. */
void store_each(const struct store *s, enum role_id to,
		void (*each)(void *ctx, const struct msg *m), void *ctx);
void store_forget(struct store *s, enum msg_type type, uint64_t id);
/* Makes room for all that this model's objects can have to say, beside what is there and what a
 * role may still say of former ones. Who tells of objects that do not exist takes no more than it. */
void store_expect(struct store *s, const struct model *m);
/* Another model follows one that tandem-ipvs may not have come to tell of: what it may have put into
 * the kernel, and the other has no more, is known as a service without a state. */
void store_leave(struct store *s, const struct model *former, const struct model *next);
/* Forgets the objects that are not in the model. */
void store_retain(struct store *s, const struct model *m);

/*
 * As bytes, for the state file: what store_resumes(). store_load() puts what it can read and
 * returns 0, or -EBADMSG when something could not be read; then the store has what came before it.
 * `schema`: of the version that wrote it, NULL: ours.
 */
void store_save(const struct store *s, struct writer *w);
int store_load(struct store *s, struct reader *r, const struct msg_schema *schema);

#endif
