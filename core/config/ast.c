/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words and braces to a tree. Knows blocks, not keywords: '{' may stand on the keyword's line or on
 * the next, and several lines may be written on one.
 */
#include "core/config/ast.h"

#include <errno.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/expand.h"
#include "core/config/lexer.h"

#define AST_NESTING_MAX 32

/* A block that is open, and what it has so far. */
struct frame {
	struct ast_node node;
	struct ast_loc open; /* of its '{' */
	struct ast_node *child; /* room that the next block of this depth uses again */
	size_t n_children;
	size_t cap;
};

struct parser {
	struct arena *arena;
	struct word_store words;
	struct diags *diags;
	struct frame frame[AST_NESTING_MAX + 1]; /* [0] is the file */
	unsigned depth;
	unsigned too_deep;     /* blocks open beyond AST_NESTING_MAX */
	struct ast_word *word; /* of the line that is being read */
	size_t n_words;
	size_t cap_words;
};

const char *ast_raw(const struct ast_word *w)
{
	return w->resolved ? w->s + strlen(w->s) + 1 : w->s;
}

static struct ast_node *frame_append(struct parser *p, const struct ast_node *node)
{
	struct frame *f = &p->frame[p->depth];

	f->child = arena_grow(p->arena, f->child, f->n_children, &f->cap, sizeof(*f->child));
	f->child[f->n_children] = *node;
	return &f->child[f->n_children++];
}

/* Makes a node of the words so far. */
static struct ast_node parser_take(struct parser *p)
{
	struct ast_node node = {
		.word = arena_copy(p->arena, p->word, p->n_words, sizeof(*p->word)),
		.n_words = (uint32_t)p->n_words,
	};

	p->n_words = 0;
	return node;
}

static void parser_flush(struct parser *p)
{
	struct ast_node node;

	if (!p->n_words)
		return;
	node = parser_take(p);
	if (!p->too_deep)
		frame_append(p, &node);
}

/* The keyword that a '{' belongs to: on this line, or alone on the one before. */
static bool parser_block_head(struct parser *p, struct ast_node *ret)
{
	struct frame *f = &p->frame[p->depth];

	if (p->n_words) {
		*ret = parser_take(p);
		return true;
	}
	if (!f->n_children || f->child[f->n_children - 1].has_block)
		return false;
	*ret = f->child[--f->n_children];
	return true;
}

static void parser_open(struct parser *p, const struct ast_loc *loc)
{
	struct ast_node node = {0};
	struct frame *f;

	if (p->too_deep || p->depth >= AST_NESTING_MAX) {
		if (!p->too_deep++)
			diags_add(p->diags, DIAG_ERROR, loc, "blocks nest more than %d deep",
				  AST_NESTING_MAX);
		p->n_words = 0;
		return;
	}
	if (!parser_block_head(p, &node))
		diags_add(p->diags, DIAG_ERROR, loc, "'{' without a keyword that it belongs to");
	node.has_block = true;
	f = &p->frame[++p->depth];
	*f = (struct frame){.node = node, .open = *loc, .child = f->child, .cap = f->cap};
}

static void parser_pop(struct parser *p)
{
	struct frame *f = &p->frame[p->depth--];

	f->node.child = arena_copy(p->arena, f->child, f->n_children, sizeof(*f->child));
	f->node.n_children = (uint32_t)f->n_children;
	if (f->node.n_words)
		frame_append(p, &f->node);
}

static void parser_close(struct parser *p, const struct ast_loc *loc)
{
	parser_flush(p);
	if (p->too_deep)
		p->too_deep--;
	else if (p->depth)
		parser_pop(p);
	else
		diags_add(p->diags, DIAG_ERROR, loc,
			  "'}' closes no block: one too many here, or a "
			  "'{' is missing before");
}

/* A line that the preprocessor has finished. */
static void parser_line(void *ctx, const struct line *l)
{
	struct parser *p = ctx;
	struct ast_word word;
	size_t pos = 0;

	for (;;) {
		switch (lexer_token(&p->words, p->diags, l, &pos, &word)) {
		case TOKEN_WORD:
			p->word = arena_grow(p->arena, p->word, p->n_words, &p->cap_words,
					     sizeof(*p->word));
			p->word[p->n_words++] = word;
			break;
		case TOKEN_OPEN:
			parser_open(p, &word.loc);
			break;
		case TOKEN_CLOSE:
			parser_close(p, &word.loc);
			break;
		case TOKEN_END:
			parser_flush(p);
			return;
		}
	}
}

static void parser_finish(struct parser *p, struct ast_node *ret_root)
{
	while (p->depth) {
		struct frame *f = &p->frame[p->depth];

		diags_add(p->diags, DIAG_ERROR, &f->open,
			  "the block '%s' opened here is never closed",
			  f->node.n_words ? f->node.word[0].s : "{");
		parser_pop(p);
	}
	*ret_root = (struct ast_node){
		.has_block = true,
		.child = p->frame[0].child,
		.n_children = (uint32_t)p->frame[0].n_children,
	};
}

static int ast_run(struct arena *arena, const struct ast_input *input, const char *name,
		   const char *text, size_t len, struct diags *diags, struct ast_node *ret_root)
{
	struct parser *p = arena_alloc(arena, sizeof(*p));
	struct expand x = {
		.arena = arena,
		.input = input,
		.diags = diags,
		.random = input->random_seed,
		.emit = parser_line,
		.emit_ctx = p,
	};
	size_t errors = diags->n_errors;
	int err = 0;

	p->arena = p->words.arena = arena;
	p->diags = diags;
	if (text)
		include_text(&x, name, arena_strndup(arena, text, len), len);
	else
		err = include_read(&x, name, NULL);
	parser_finish(p, ret_root);
	expand_done(&x);
	return err ?: diags->n_errors > errors ? -EINVAL : 0;
}

int ast_parse(struct arena *arena, const struct ast_input *input, const char *path,
	      struct diags *diags, struct ast_node *ret_root)
{
	return ast_run(arena, input, path, NULL, 0, diags, ret_root);
}

int ast_parse_text(struct arena *arena, const struct ast_input *input, const char *name,
		   const char *text, size_t len, struct diags *diags, struct ast_node *ret_root)
{
	return ast_run(arena, input, name, text, len, diags, ret_root);
}
