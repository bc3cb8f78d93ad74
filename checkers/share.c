/* SPDX-License-Identifier: Apache-2.0 */
/* One probe for one target: see share.h. */
#include "checkers/share.h"

#include "core/must.h"

#include <stdlib.h>

struct share_entry {
	uint64_t hash; /* of all but the id */
	struct checked *checked;
};

/* In a group the least id comes first, so that the same check leads after a reload. */
static int compare_entries(const void *a, const void *b)
{
	const struct share_entry *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->checked->conf->id > y->checked->conf->id) -
	       (x->checked->conf->id < y->checked->conf->id);
}

static bool same_but_id(const struct check *a, const struct check *b)
{
	struct check c = *a;

	c.id = b->id;
	return check_equal(&c, b);
}

static void lead(struct checked *c)
{
	c->leader = c;
	c->next_same = NULL;
}

static void follow(struct checked *c, struct checked *leader)
{
	c->leader = leader;
	c->next_same = leader->next_same;
	leader->next_same = c;
}

size_t share_group(struct check_set *set)
{
	struct share_entry *entries = must(calloc(set->n_checks + 1, sizeof(*entries)));
	size_t n = 0;

	for (size_t i = 0; i < set->n_checks; i++)
		entries[i] = (struct share_entry){check_hash(set->checks[i]->conf), set->checks[i]};
	qsort(entries, set->n_checks, sizeof(*entries), compare_entries);
	for (size_t i = 0; i < set->n_checks; i++) {
		struct checked *c = entries[i].checked;
		struct checked *before = i ? entries[i - 1].checked->leader : NULL;

		if (before && same_but_id(before->conf, c->conf)) {
			follow(c, before);
		} else {
			lead(c);
			n++;
		}
	}
	free(entries);
	return n;
}

int64_t share_next_run_us(const struct checked *leader)
{
	int64_t at_us = leader->state.next_run_us;

	for (const struct checked *c = leader->next_same; c; c = c->next_same)
		if (c->state.next_run_us < at_us)
			at_us = c->state.next_run_us;
	return at_us;
}
