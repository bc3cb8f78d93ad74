/* SPDX-License-Identifier: Apache-2.0 */
/* Collects what is wrong with a configuration and prints it. Knows nothing of the language. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/ast.h"
#include "core/config/secret.h"

/* More than anybody reads; the counters go on. */
#define DIAGS_KEPT_MAX	1000
#define DIAGS_ALIKE_MAX 10

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

/* A keyword that is not honoured may stand in each of thousands of objects: ten of them do. */
static bool diags_repeated(struct diags *d, enum diag_level level, const char *message)
{
	struct diag_repeat *r = NULL;

	if (level != DIAG_NOT_HONOURED)
		return false;
	for (size_t i = 0; i < d->n_repeats && !r; i++)
		if (!strcmp(d->repeat[i].message, message))
			r = &d->repeat[i];
	if (!r) {
		d->repeat = arena_grow(d->arena, d->repeat, d->n_repeats, &d->cap_repeats,
				       sizeof(*d->repeat));
		r = &d->repeat[d->n_repeats++];
		*r = (struct diag_repeat){.message = message};
	}
	return ++r->n > DIAGS_ALIKE_MAX;
}

/* What the lines that are joined to one say of its first words. */
static struct secret_place place_after(const struct source_line *src)
{
	struct secret_place place = {0};

	for (; src; src = src->joined_to)
		secret_pass(&place, src->text);
	return place;
}

/* What is said of a text must outlive it. */
static struct ast_loc diags_keep(struct diags *d, const struct ast_loc *loc)
{
	struct source_line *src;

	if (!loc || !loc->src)
		return (struct ast_loc){0};
	src = arena_alloc(d->arena, sizeof(*src));
	*src = *loc->src;
	src->file = arena_strdup(d->arena, src->file);
	src->joined_to = NULL;
	if (loc->src->text) {
		struct secret_place place = place_after(loc->src->joined_to);
		char *text = arena_strdup(d->arena, loc->src->text);

		secret_mask(&place, text);
		src->text = text;
	}
	return (struct ast_loc){.src = src, .col = loc->col};
}

void diags_add(struct diags *d, enum diag_level level, const struct ast_loc *loc, const char *fmt,
	       ...)
{
	const char *message;
	va_list ap;

	diags_count(d, level);
	/* Errors have room of their own: they are what must be read. */
	if (d->n >= (level == DIAG_ERROR ? 2 * DIAGS_KEPT_MAX : DIAGS_KEPT_MAX)) {
		d->n_dropped++;
		return;
	}
	va_start(ap, fmt);
	message = arena_vprintf(d->arena, fmt, ap);
	va_end(ap);
	if (diags_repeated(d, level, message))
		return;
	d->at = arena_grow(d->arena, d->at, d->n, &d->cap, sizeof(*d->at));
	d->at[d->n++] = (struct diag){
		.level = level,
		.loc = diags_keep(d, loc),
		.message = message,
	};
}

/* The caret goes under byte `col`; tabs before it are kept so that it lines up on any terminal. */
static void diag_print_caret(const struct ast_loc *loc, FILE *out)
{
	const char *text = loc->src->text;
	uint32_t i;

	fprintf(out, "    %s\n    ", text);
	for (i = 1; i < loc->col && text[i - 1]; i++)
		fputc(text[i - 1] == '\t' ? '\t' : ' ', out);
	fputs("^\n", out);
}

static void diag_print(const struct diag *g, FILE *out)
{
	const struct source_line *src = g->loc.src;

	if (src)
		fprintf(out, "%s:", src->file);
	if (src && src->number)
		fprintf(out, "%u:%u:", src->number, g->loc.col);
	fprintf(out, "%s%s: %s\n", src ? " " : "", diag_level_str(g->level), g->message);
	if (src && src->text)
		diag_print_caret(&g->loc, out);
}

static uint32_t diag_order(const struct diag *g)
{
	return g->loc.src ? g->loc.src->order : 0;
}

/* By place; what stands at one place stays as it was found. */
static int diag_compare(const void *a, const void *b)
{
	const struct diag *const *x = a, *const *y = b;

	if (diag_order(*x) != diag_order(*y))
		return diag_order(*x) < diag_order(*y) ? -1 : 1;
	if ((*x)->loc.col != (*y)->loc.col)
		return (*x)->loc.col < (*y)->loc.col ? -1 : 1;
	return (*x > *y) - (*x < *y);
}

void diags_print(const struct diags *d, FILE *out)
{
	const struct diag **sorted = arena_array(d->arena, d->n, sizeof(*sorted));

	for (size_t i = 0; i < d->n; i++)
		sorted[i] = &d->at[i];
	if (d->n)
		qsort(sorted, d->n, sizeof(*sorted), diag_compare);
	for (size_t i = 0; i < d->n; i++)
		diag_print(sorted[i], out);
	for (size_t i = 0; i < d->n_repeats; i++)
		if (d->repeat[i].n > DIAGS_ALIKE_MAX)
			fprintf(out, "%s: %s (%zu lines more)\n", diag_level_str(DIAG_NOT_HONOURED),
				d->repeat[i].message, d->repeat[i].n - DIAGS_ALIKE_MAX);
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
