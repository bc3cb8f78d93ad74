/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syntax tree of a configuration file and the diagnostics about it.
 *
 * The tree is what the text says once comments, continuation lines, includes, @conditions,
 * $variables and ~sequences are resolved: lines of words, some of which open a block. It knows
 * where each word came from, and nothing of what the words mean.
 *
 * All memory belongs to the arena that the caller gives; nothing is freed one by one.
 */
#ifndef TANDEM_CONFIG_AST_H
#define TANDEM_CONFIG_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct arena;

/* A physical line of a file. */
struct source_line {
	const char *file; /* as the user would write it: the include's own path */
	const char *text; /* the whole line, for the caret; NULL: the file as such is meant */
	uint32_t number;  /* from 1 */
	uint32_t order;	  /* among all that were read, over all files; from 1 */
	const struct source_line *joined_to; /* the line whose backslash this one goes on from, or NULL */
};

/* Where a word starts. Small: a big configuration has hundreds of thousands of words. */
struct ast_loc {
	const struct source_line *src; /* NULL: nowhere in a file */
	uint32_t col;		       /* in bytes, from 1 */
};

struct ast_word {
	const char *s; /* quotes and escapes resolved */
	struct ast_loc loc;
	bool quoted;
	bool resolved; /* something was: as it was written stands behind it, see ast_raw() */
};

/* The word as written (auth_pass: a backslash means itself). */
const char *ast_raw(const struct ast_word *w);

/* One logical line. word[0] is the keyword (or the first value, in blocks of values). */
struct ast_node {
	struct ast_word *word;
	struct ast_node *child; /* n_children of them */
	uint32_t n_words;
	uint32_t n_children;
	bool has_block; /* "{ … }" followed, maybe empty */
};

enum diag_level {
	DIAG_NOTE,	   /* worth a line; changes no exit code */
	DIAG_NOT_HONOURED, /* a keyword keepalived knows and tandem does not act on yet */
	DIAG_WARNING,	   /* unknown keyword, value out of range and replaced, … */
	DIAG_ERROR,	   /* this file cannot be used */
};

struct diag {
	enum diag_level level;
	struct ast_loc loc;
	const char *message; /* what is wrong and what was probably meant */
};

/* A message that was said so often that its further places are only counted. */
struct diag_repeat {
	const char *message;
	size_t n;
};

/* All that was found wrong. */
struct diags {
	struct arena *arena;
	struct diag *at;
	size_t n;
	size_t cap;
	size_t n_errors;
	size_t n_warnings;
	size_t n_not_honoured;
	size_t n_dropped; /* counted above, but too many to keep */
	struct diag_repeat *repeat;
	size_t n_repeats;
	size_t cap_repeats;
};

const char *diag_level_str(enum diag_level level);

void diags_init(struct diags *d, struct arena *arena);
void diags_add(struct diags *d, enum diag_level level, const struct ast_loc *loc, const char *fmt,
	       ...) __attribute__((format(printf, 4, 5)));
/* "file:line:col: warning: message", the source line and a caret, for each, in the text's order. */
const char *diags_format(const struct diags *d);
void diags_print(const struct diags *d, FILE *out);

/* What the text may ask of the world. Tests give their own. */
struct ast_input {
	/*
	 * Reads a whole file. 0, or -errno: -ENOEXEC for what keepalived would not read either
	 * (not a regular file, or executable). *ret_text is NUL-terminated, of the arena, and
	 * becomes the tree's own: it is cut into lines where it is.
	 */
	int (*read)(void *ctx, struct arena *arena, const char *path, char **ret_text,
		    size_t *ret_len);
	/* Expands a glob pattern to sorted paths. 0, or -errno (-ENOENT: nothing matches). */
	int (*glob)(void *ctx, struct arena *arena, const char *pattern, const char ***ret_paths,
		    size_t *ret_n);
	const char *(*getenv)(void *ctx, const char *name);
	void *ctx;
	const char *cwd;       /* ${_PWD} of a file named without a directory; NULL: getcwd() */
	const char *config_id; /* of @ID conditions (-i) and ${_INSTANCE}, or NULL */
	uint64_t
		random_seed; /* ${_RANDOM}: the same on a reload of the same text is not promised */
	size_t max_lines;    /* of all files and expansions together; 0: AST_LINES_MAX */
};

#define AST_LINES_MAX (4u << 20)

extern const struct ast_input ast_input_files; /* the real file system and environment */

/*
 * Parses PATH. *ret_root has the top-level lines as children, also when there were errors (what
 * could be read). 0; -EINVAL when the text has errors; -errno when the file itself can't be read
 * (a diag says so in either case).
 */
int ast_parse(struct arena *arena, const struct ast_input *input, const char *path,
	      struct diags *diags, struct ast_node *ret_root);

/* The same from memory; `name` stands for the file's name. Includes still go through `input`. */
int ast_parse_text(struct arena *arena, const struct ast_input *input, const char *name,
		   const char *text, size_t len, struct diags *diags, struct ast_node *ret_root);

#endif
