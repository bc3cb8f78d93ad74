/* SPDX-License-Identifier: Apache-2.0 */
/* Collects what is wrong with a configuration and prints it. Knows nothing of the language. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/ast.h"

/* More than anybody reads; the counters go on. */
#define DIAGS_KEPT_MAX 1000

static const char *const diag_level_names[] = {
	[DIAG_NOTE] = "note",
	[DIAG_NOT_HONOURED] = "not yet honoured",
	[DIAG_WARNING] = "warning",
	[DIAG_ERROR] = "error",
};

const char *diag_level_str(enum diag_level level)
{
	return diag_level_names[level];
}

void diags_init(struct diags *d, struct arena *arena)
{
	*d = (struct diags){.arena = arena};
}

static void diags_count(struct diags *d, enum diag_level level)
{
	switch (level) {
	case DIAG_NOTE:
		break;
	case DIAG_NOT_HONOURED:
		d->n_not_honoured++;
		break;
	case DIAG_WARNING:
		d->n_warnings++;
		break;
	case DIAG_ERROR:
		d->n_errors++;
		break;
	}
}

void diags_add(struct diags *d, enum diag_level level, const struct ast_loc *loc, const char *fmt,
	       ...)
{
	va_list ap;

	diags_count(d, level);
	if (d->n >= DIAGS_KEPT_MAX) {
		d->n_dropped++;
		return;
	}
	d->at = arena_grow(d->arena, d->at, d->n, &d->cap, sizeof(*d->at));
	va_start(ap, fmt);
	d->at[d->n++] = (struct diag){
		.level = level,
		.loc = loc ? *loc : (struct ast_loc){0},
		.message = arena_vprintf(d->arena, fmt, ap),
	};
	va_end(ap);
}

/* The caret goes under byte `col`; tabs before it are kept so that it lines up on any terminal. */
static void diag_print_caret(const struct ast_loc *loc, FILE *out)
{
	const char *text = loc->text;
	uint32_t i;

	fprintf(out, "    %s\n    ", text);
	for (i = 1; i < loc->col && text[i - 1]; i++)
		fputc(text[i - 1] == '\t' ? '\t' : ' ', out);
	fputs("^\n", out);
}

static void diag_print(const struct diag *g, FILE *out)
{
	if (g->loc.file)
		fprintf(out, "%s:", g->loc.file);
	if (g->loc.line)
		fprintf(out, "%u:%u:", g->loc.line, g->loc.col);
	fprintf(out, "%s%s: %s\n", g->loc.file ? " " : "", diag_level_str(g->level), g->message);
	if (g->loc.text)
		diag_print_caret(&g->loc, out);
}

void diags_print(const struct diags *d, FILE *out)
{
	for (size_t i = 0; i < d->n; i++)
		diag_print(&d->at[i], out);
	if (d->n_dropped)
		fprintf(out, "… and %zu more\n", d->n_dropped);
}

const char *diags_format(const struct diags *d)
{
	const char *text;
	char *buf = NULL;
	size_t len;
	FILE *out = open_memstream(&buf, &len);

	if (!out)
		return "";
	diags_print(d, out);
	fclose(out);
	text = arena_strdup(d->arena, buf);
	free(buf);
	return text;
}
