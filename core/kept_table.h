/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps one nftables table of ours (nft.h) as it is wanted. Owns the table and the log lines about
 * it: set with a model that needs it, put back when somebody flushes it, removed with the last need
 * for it and at the stop. Does not know what the rules are for.
 */
#ifndef TANDEM_CORE_KEPT_TABLE_H
#define TANDEM_CORE_KEPT_TABLE_H

#include "core/record.h"

#include <stdbool.h>

struct kept_table {
	const char *name;
	const char *purpose;   /* for the log: what it does … */
	const char *unset;     /* … what follows when it can't be set … */
	const char *unremoved; /* … or removed */
	/* The rest begins as zero. */
	char *rules;	  /* wanted; NULL: none */
	bool there;	  /* as the kernel was last told */
	bool dirty;	  /* it is to be told */
	bool leftover;	  /* could not be removed, and has to be */
	struct text told; /* the last complaint */
};

/* Takes the rules over; NULL: none. kept_table_run() does it: the first time it loads a library and
 * the kernel its modules, for which no commit has to wait. */
void kept_table_want(struct kept_table *t, char *rules);
void kept_table_run(struct kept_table *t);
/* Looks whether the table is still there, and tries again what was refused. */
void kept_table_check(struct kept_table *t);
void kept_table_stop(struct kept_table *t);

#endif
