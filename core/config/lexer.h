/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two ends of reading text: physical lines become logical ones (comments and continuation),
 * and, after the preprocessor, logical lines become words and braces.
 */
#ifndef TANDEM_CONFIG_LEXER_H
#define TANDEM_CONFIG_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/config/ast.h"
#include "core/config/line.h"

struct lexer {
	struct arena *arena;
	struct diags *diags;
	const char *file;
	char *text; /* cut into lines as they are read */
	size_t len;
	size_t pos;
	uint32_t number;
	uint32_t *order; /* counts the lines of all files */
};

/* The text has a NUL behind it, and belongs to the lexer from now on. */
void lexer_init(struct lexer *x, struct arena *arena, struct diags *diags, const char *file,
		char *text, size_t len, uint32_t *order);
/* The next logical line that is not empty; false at the end. */
bool lexer_next_line(struct lexer *x, struct line *ret);

enum token {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_OPEN,  /* { */
	TOKEN_CLOSE, /* } */
};

/* Where words are kept; those that are alike share their text. */
#define WORDS_RECENT 256
struct word_store {
	struct arena *arena;
	const char *recent[WORDS_RECENT];
};

/* Takes one token off `l` at *pos. ret_word has the text, or for a brace its place. */
enum token lexer_token(struct word_store *store, struct diags *diags, const struct line *l,
		       size_t *pos, struct ast_word *ret_word);

#endif
