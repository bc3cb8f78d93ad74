/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that the configuration only names: read by the supervisor, which may, when a generation
 * is loaded. Tandem-vrrp and tandem-sync get them with their model, the other roles one without any.
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
/* The model without any; `of` itself when it has none. */
const struct model *secrets_removed(const struct model *of, struct arena *arena);
bool secrets_any(const struct model *m);

#endif
