/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets as they are written, and where they must not be shown. Prints nothing. */
#ifndef TANDEM_CONFIG_SECRET_H
#define TANDEM_CONFIG_SECRET_H

#include <stdbool.h>

struct arena;

/* "hex:DIGITS", or any other text: the key's bytes as hexadecimal digits, 32 to 64 of them. NULL,
 * and why in words that do not say the key. */
const char *secret_key(struct arena *arena, const char *s, const char **ret_why);

/* Whether the words to come may be secrets: by those that stood before them in a definition, which
 * may have begun on a line before. Starts as {}. */
struct secret_place {
	bool key, password;
};

/* Goes over a line of a configuration, and overwrites in it what may be a secret; all else stays in
 * its place. */
void secret_mask(struct secret_place *p, char *line);
/* The same of a line that is not shown. The order of such lines does not matter. */
void secret_pass(struct secret_place *p, const char *line);

#endif
