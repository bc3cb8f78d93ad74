/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of text on its way through the preprocessor, each byte of which remembers where it was
 * written. Owns the bytes; knows nothing of what they mean.
 *
 * A logical line made of several physical ones has '\n' between them; whoever reads words takes
 * it for white space.
 */
#ifndef TANDEM_CONFIG_LINE_H
#define TANDEM_CONFIG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/config/ast.h"

struct origin {
	const struct source_line *src;
	uint32_t col;
};

struct line {
	char *s; /* NUL-terminated */
	struct origin *at;
	size_t len;
	size_t cap;
};

void line_done(struct line *l);
void line_clear(struct line *l);
void line_putc(struct line *l, char c, struct origin at);
/* n bytes that stand side by side, the first of them at `at`. */
void line_putn(struct line *l, const char *s, size_t n, struct origin at);
void line_puts(struct line *l, const char *s, struct origin at);
void line_append(struct line *l, const struct line *from, size_t start, size_t end);

/* Puts `with` in the place of the bytes start ≤ i < end. */
void line_replace(struct line *l, size_t start, size_t end, const struct line *with);
void line_delete(struct line *l, size_t start, size_t end);
void line_trim_end(struct line *l);

struct ast_loc line_loc(const struct line *l, size_t pos);

bool line_is_space(char c);
size_t line_skip_space(const struct line *l, size_t pos);
bool line_first_word_is(const struct line *l, const char *word);

#endif
