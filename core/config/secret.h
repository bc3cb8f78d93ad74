/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets as they are written, and where they must not be shown. Prints nothing. */
#ifndef TANDEM_CONFIG_SECRET_H
#define TANDEM_CONFIG_SECRET_H

struct arena;

/* "hex:DIGITS", or any other text: the key's bytes as hexadecimal digits, 32 to 64 of them. NULL,
 * and why in words that do not say the key. */
const char *secret_key(struct arena *arena, const char *s, const char **ret_why);

/* Overwrites, in a line of a configuration, what may be a secret; all else stays in its place. */
void secret_mask(char *line);

#endif
