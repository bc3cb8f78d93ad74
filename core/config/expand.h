/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The preprocessor: takes logical lines through @conditions, $definitions, ~sequences, $variables
 * and includes, and hands what is left to a parser, line by line. Internal to core/config.
 */
#ifndef TANDEM_CONFIG_EXPAND_H
#define TANDEM_CONFIG_EXPAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/config/ast.h"
#include "core/config/line.h"

/* Generous for people, small for machines: what goes over is an error, not a full memory. */
#define EXPAND_DEPTH_MAX   64	       /* of variables and sequences within each other */
#define EXPAND_LINE_MAX	   (64u << 10) /* bytes of one line */
#define EXPAND_STEPS_MAX   1000	       /* substitutions in one line */
#define EXPAND_INCLUDE_MAX 32	       /* files within each other */

struct variable {
	struct variable *next;
	const char *name;
	struct line *value; /* one for each line of the definition */
	size_t n_lines;
};

/* What an include insists on; keepalived's include_check and the letters of includeX. */
enum include_check {
	INCLUDE_READABLE = 1 << 0,
	INCLUDE_MATCH = 1 << 1,
	INCLUDE_WILDCARD = 1 << 2,
	INCLUDE_BRACE = 1 << 3,
	INCLUDE_ALL = (1 << 4) - 1,
};

/* The file that is being read. */
struct include_file {
	const char *path;
	const char *dir; /* "" when the path has none */
	unsigned depth;
};

struct expand {
	struct arena *arena;
	const struct ast_input *input;
	struct diags *diags;
	struct variable *variables;
	const struct include_file *file;
	unsigned include_check;
	uint64_t random;
	size_t n_lines;
	uint32_t order; /* of the line that was read last */
	bool stopped;	/* a limit was hit; nothing more is read */
	/* Takes each finished line. */
	void (*emit)(void *ctx, const struct line *l);
	void *emit_ctx;
};

/* Consumes `l`'s text. */
void expand_line(struct expand *x, struct line *l, unsigned depth);
void expand_set(struct expand *x, const char *name, size_t name_len, const struct line *value,
		size_t n_lines);
void expand_done(struct expand *x);
void expand_stop(struct expand *x, const struct line *l, const char *why);

/* True (and all done) when `l` is a ~SEQ, ~SEQx or ~LST line. */
bool sequence_expand(struct expand *x, struct line *l, unsigned depth);
/* Replaces the variables in `l`, but not those of several lines. For sequence parameters. */
void expand_parameters(struct expand *x, struct line *l);

/* True (and all done) when `l` is an include line. */
bool include_expand(struct expand *x, const struct line *l);
/* Takes note of an include_check line, which stays in the text. */
void include_check_update(struct expand *x, const struct line *l);
int include_read(struct expand *x, const char *path, const struct ast_loc *loc);
void include_text(struct expand *x, const char *path, char *text, size_t len);

#endif
