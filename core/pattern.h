/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions of the configuration (PCRE2), matched against what strangers send: a match
 * that would take too long or too much memory is given up. Knows not where the text comes from.
 */
#ifndef TANDEM_PATTERN_H
#define TANDEM_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pattern;
struct text;

enum pattern_result {
	PATTERN_MATCH,
	PATTERN_NO_MATCH,
	PATTERN_GIVEN_UP,
};

/* 0, or -EINVAL and what is wrong where. `options` are bits of pattern_option_*(). */
int pattern_new(const char *regex, uint32_t options, struct pattern **ret, struct text *ret_reason);
void pattern_free(struct pattern *p); /* NULL is fine */

/* A match that begins at an offset from `min` to `max`. */
enum pattern_result pattern_match(const struct pattern *p, const char *subject, size_t len,
				  size_t min, size_t max);

/* keepalived's names of PCRE2's options. */
bool pattern_option_parse(const char *name, uint32_t *ret_bit);
const char *pattern_option_name(uint32_t bit); /* of a single bit; NULL: it has none */

#endif
