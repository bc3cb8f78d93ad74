/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled regular expressions, kept because many checks have the same one. Bounded: beyond it
 * they are compiled anew.
 */
#ifndef TANDEM_CHECKERS_PATTERNS_H
#define TANDEM_CHECKERS_PATTERNS_H

#include <stdint.h>

struct pattern;

/* Valid until the next call; NULL: it can't be compiled, which the configuration's checker sees. */
const struct pattern *patterns_get(const char *regex, uint32_t options);
void patterns_done(void);

#endif
