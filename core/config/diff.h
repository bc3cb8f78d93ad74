/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reload changes: the objects of two models, paired by id. For people and for counting; each
 * role compares what it was given with what it has, and needs no list.
 */
#ifndef TANDEM_CONFIG_DIFF_H
#define TANDEM_CONFIG_DIFF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/model.h"

enum diff_change {
	DIFF_ADDED,
	DIFF_REMOVED,
	DIFF_CHANGED,
};

enum diff_object {
	DIFF_GLOBAL,
	DIFF_SYNC, /* the block */
	DIFF_INSTANCE,
	DIFF_GROUP,
	DIFF_SCRIPT,
	DIFF_FILE,
	DIFF_PROCESS,
	DIFF_SERVICE, /* itself; its servers have lines of their own */
	DIFF_SERVER,
};

struct diff_entry {
	enum diff_change change;
	enum diff_object object;
	uint64_t id;	  /* 0 for DIFF_GLOBAL, DIFF_SYNC */
	const char *name; /* as operators name it: "real server 192.0.2.1:80 of …" */
	const char *what; /* of DIFF_CHANGED: "weight 100 -> 50", or "" */
};

struct diff {
	struct diff_entry *at;
	uint32_t n;
};

const char *diff_change_name(enum diff_change change);
const char *diff_object_name(enum diff_object object);

/* `old` may be NULL: everything is added. Entries and texts are of the arena. */
struct diff model_diff(struct arena *arena, const struct model *old, const struct model *new);

/* "changed real server …: weight 100 -> 50", a line each. */
void diff_print(const struct diff *d, FILE *out);

#endif
