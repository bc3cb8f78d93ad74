/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps our nftables table with the rules of lvs_method SNAT (snat.h). Owns the table and the log
 * lines about it: set with a model that needs it, put back when somebody flushes it, removed with
 * the last service that needs it and at the stop.
 */
#ifndef TANDEM_IPVS_TRANSLATION_H
#define TANDEM_IPVS_TRANSLATION_H

#include "core/model.h"

struct translation {
	char *rules;	  /* wanted; NULL: none */
	bool there;	  /* as the kernel was last told */
	bool dirty;	  /* it is to be told */
	bool leftover;	  /* could not be removed, and has to be */
	struct text told; /* the last complaint */
};

/* translation_run() does it: the first time it loads a library and the kernel its modules, for
 * which no commit has to wait. */
void translation_commit(struct translation *t, const struct model *model);
void translation_run(struct translation *t);
/* Looks whether the table is still there, and tries again what was refused. */
void translation_check(struct translation *t);
void translation_stop(struct translation *t);

#endif
