/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes and rules: what the kernel is to have, what it has, and the plan between the two. Ours is
 * what is or was configured; keepalived's protocol number, which all of it carries, is another
 * daemon's mark, too, of which there may be one in the same network namespace. Pure.
 */
#ifndef TANDEM_VRRP_ROUTE_PLAN_H
#define TANDEM_VRRP_ROUTE_PLAN_H

#include "core/model.h"

#include <stddef.h>

enum fib_kind {
	FIB_ROUTE,
	FIB_RULE,
};

struct fib_object {
	enum fib_kind kind;
	union {
		struct route route;
		struct rule rule;
	};
};

/* One that is configured. */
struct fib_wanted {
	struct fib_object object;
	bool active; /* it is to be there now */
	bool former; /* no longer configured: known until it is gone */
	bool added;  /* of no_track: it has been, and is not put back */
	bool present; /* as of the last plan */
	/* Of who carries the plan out: */
	bool held;   /* it was there once since it became active */
	int error;   /* the kernel's last answer: 0 or -errno */
	void *owner;
};

enum fib_verb {
	FIB_DELETE,
	FIB_REPLACE, /* what has the same key */
	FIB_ADD,
};

struct fib_op {
	enum fib_verb verb;
	const struct fib_object *object;
	struct fib_wanted *wanted; /* NULL of FIB_DELETE */
	int error;		   /* of who carries it out */
};

/* The wanted one may leave open which interface it is. */
bool fib_is(const struct fib_object *wanted, const struct fib_object *seen);

/* By the kernel's key; and the one of them that is this, or NULL. */
void fib_sort(struct fib_wanted **list, size_t n);
struct fib_wanted *fib_find(struct fib_wanted *const *sorted, size_t n, const struct fib_object *o);

/* It carries the mark, and is in nobody's place of these. */
bool fib_is_strange(struct fib_wanted *const *sorted, size_t n, const struct fib_object *seen);

/*
 * `wanted` in the order in which they are to be added; `sorted` is room for n pointers, `ops` for
 * n + n_seen. Returns how many: deletions first, rules while their tables are full.
 */
size_t fib_plan(struct fib_wanted *const *wanted, size_t n, struct fib_wanted **sorted,
		const struct fib_object *seen, size_t n_seen, struct fib_op *ops);

/* As ip(8) writes it; text of at least TEXT_MAX. */
const char *fib_format(const struct fib_object *o, char *text);

#endif
