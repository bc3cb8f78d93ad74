/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration for the rest of tandem: a path becomes a model or a list of what is wrong with it.
 * Asks nothing of the host but the files: no interfaces, no users, no privilege.
 */
#ifndef TANDEM_CONFIG_CONFIG_H
#define TANDEM_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/config/ast.h"
#include "core/model.h"

struct config_options {
	const char *path;
	const char *config_id;	       /* -i; NULL: the host's name up to the first dot */
	bool strict;		       /* warnings are errors */
	const struct ast_input *input; /* NULL: the real files */
};

/* Exit codes of -t, as in keepalived(8). */
enum config_exit {
	CONFIG_EXIT_OK = 0,
	CONFIG_EXIT_ERRORS = 3,	  /* the configuration cannot be run */
	CONFIG_EXIT_WARNINGS = 4, /* it can, after some lines were left out or changed */
	CONFIG_EXIT_SECURITY = 5, /* scripts would run without enable_script_security */
};

/*
 * Reads, parses and checks. 0: *ret is the model, const from now on, of the arena. -EINVAL: diags
 * has errors (or warnings, when strict), -errno: the file cannot be read; *ret stays as it was.
 */
int config_load(const struct config_options *options, uint64_t generation, struct arena *arena,
		struct diags *diags, const struct model **ret);

/* What `tandemd -t` does: prints all diagnostics and a last line to `out`. */
enum config_exit config_test(const struct config_options *options, FILE *out);

/* The checker alone. The model is complete only when diags got no errors. */
const struct model *config_check(struct arena *arena, const struct ast_node *root,
				 struct diags *diags);

/*
 * Canonical text: all values said, one way to say them. Parses back to an equal model, unless
 * passwords are hidden (!secrets), which they are wherever somebody else may read them.
 */
void config_dump(const struct model *m, FILE *out, bool secrets);

#endif
