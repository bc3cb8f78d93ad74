/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secrets of a configuration. Those that it only names are read by the supervisor, which may,
 * when a generation is loaded. Each role gets those that are its own with its model, and no others.
 */
#ifndef TANDEM_SECRETS_H
#define TANDEM_SECRETS_H

#include "core/config/ast.h"
#include "core/model.h"

/*
 * The model with all secrets in it; `of` itself when it names none. NULL when one can't be read:
 * diags says which and why.
 */
const struct model *secrets_read(const struct model *of, struct arena *arena, struct diags *diags);

enum {
	SECRETS_KEYS = 1,   /* of VRRP instances and of the sync block */
	SECRETS_CHECKS = 2, /* what checks say to servers: passwords, bodies, lines that are sent */
	SECRETS_ALL = SECRETS_KEYS | SECRETS_CHECKS,
};

/* Which kinds there are. */
unsigned secrets_kinds(const struct model *m);
/* The model with those of `kinds` only. Of checks that have others there is but the outermost. */
const struct model *secrets_kept(const struct model *of, unsigned kinds, struct arena *arena);

#endif
