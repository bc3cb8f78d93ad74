/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions, definitions and variables; keepalived.conf(5), "Parameter substitution". The order is
 * keepalived's: a condition and a definition are looked for again after each substitution, and a
 * variable is replaced where it is used, not where it is defined.
 */
#include "core/config/expand.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/must.h"

static bool is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

void expand_stop(struct expand *x, const struct line *l, const char *why)
{
	struct ast_loc loc = line_loc(l, 0);

	if (!x->stopped)
		diags_add(x->diags, DIAG_ERROR, &loc, "%s", why);
	x->stopped = true;
}

static struct variable *variable_find(const struct expand *x, const char *name, size_t len)
{
	struct variable *v = x->variables;

	while (v && (strncmp(v->name, name, len) || v->name[len]))
		v = v->next;
	return v;
}

static void variable_clear(struct variable *v)
{
	for (size_t i = 0; i < v->n_lines; i++)
		line_done(&v->value[i]);
	free(v->value);
	v->value = NULL;
	v->n_lines = 0;
}

void expand_set(struct expand *x, const char *name, size_t name_len, const struct line *value,
		size_t n_lines)
{
	struct variable *v = variable_find(x, name, name_len);

	if (!v) {
		v = arena_alloc(x->arena, sizeof(*v));
		v->name = arena_strndup(x->arena, name, name_len);
		v->next = x->variables;
		x->variables = v;
	}
	variable_clear(v);
	v->value = must(calloc(n_lines, sizeof(*v->value)));
	v->n_lines = n_lines;
	for (size_t i = 0; i < n_lines; i++)
		line_append(&v->value[i], &value[i], 0, value[i].len);
}

void expand_done(struct expand *x)
{
	for (struct variable *v = x->variables; v; v = v->next)
		variable_clear(v);
}

/* $NAME=VALUE, where the lines of VALUE are divided by '\n'. */
static bool expand_definition(struct expand *x, const struct line *l)
{
	struct line *value = NULL;
	size_t end = 1, pos, next, n = 0;

	if (l->s[0] != '$' || !is_name_start(l->s[1]))
		return false;
	while (is_name(l->s[end]))
		end++;
	if (l->s[end] != '=')
		return false;

	for (pos = end + 1; pos <= l->len; pos = next + 1) {
		next = pos + strcspn(l->s + pos, "\n");
		pos += strspn(l->s + pos, " \t");
		if (pos >= next && !(n == 0 && next >= l->len))
			continue;
		value = must(realloc(value, (n + 1) * sizeof(*value)));
		value[n] = (struct line){0};
		line_append(&value[n++], l, pos < next ? pos : next, next);
	}
	expand_set(x, l->s + 1, end - 1, value, n);
	for (size_t i = 0; i < n; i++)
		line_done(&value[i]);
	free(value);
	return true;
}

/* Strips "@ID " or "@^ID " off `l`. False when the line is for somebody else. */
static bool expand_condition(struct expand *x, struct line *l)
{
	const char *id = x->input->config_id;
	size_t start = 1, end;
	bool negated = l->s[1] == '^', equal;

	start += negated;
	end = start + strcspn(l->s + start, " \t\n");
	if (end >= l->len)
		return false;
	equal = id && strlen(id) == end - start && !memcmp(id, l->s + start, end - start);
	line_delete(l, 0, line_skip_space(l, end));
	return equal != negated;
}

/* A use of a variable: $NAME, ${NAME} or ${NAME parameters}. */
struct reference {
	const char *name;
	size_t name_len;
	const char *params;
	size_t params_len;
	size_t end; /* behind it */
};

static bool reference_parse(const struct line *l, size_t pos, struct reference *ret)
{
	bool braces = l->s[pos + 1] == '{';
	size_t start = pos + 1 + braces, end = start;

	if (!is_name_start(l->s[start]))
		return false;
	while (is_name(l->s[end]))
		end++;
	*ret = (struct reference){.name = l->s + start, .name_len = end - start, .end = end};
	if (!braces)
		return strchr(" \t\n,)", l->s[end]) != NULL;

	ret->params = l->s + end;
	ret->params_len = strcspn(ret->params, "{}\n");
	ret->end = end + ret->params_len + 1;
	return l->s[end + ret->params_len] == '}' && (!ret->params_len || *ret->params == ' ');
}

static bool reference_is(const struct reference *r, const char *name)
{
	return strlen(name) == r->name_len && !memcmp(name, r->name, r->name_len);
}

/* SplitMix64: a number for ${_RANDOM}, not a secret. */
static uint64_t expand_random(struct expand *x)
{
	uint64_t z = x->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static const char *builtin_random(struct expand *x, const struct reference *r)
{
	unsigned long long min = 0, max = 32767;
	char params[64];

	snprintf(params, sizeof(params), "%.*s", (int)r->params_len, r->params);
	sscanf(params, "%llu %llu", &min, &max);
	if (max < min)
		max = min;
	return arena_printf(x->arena, "%llu",
			    max - min == UINT64_MAX ? expand_random(x)
						    : min + expand_random(x) % (max - min + 1));
}

static const char *builtin_pwd(struct expand *x)
{
	const char *dir = x->file->dir, *cwd = x->input->cwd;
	char buf[4096];

	if (dir[0] == '/')
		return dir;
	if (!cwd)
		cwd = getcwd(buf, sizeof(buf));
	if (!cwd)
		cwd = ".";
	return dir[0] ? arena_printf(x->arena, "%s/%s", cwd, dir) : arena_strdup(x->arena, cwd);
}

static const char *builtin_env(struct expand *x, const struct reference *r)
{
	size_t skip = strspn(r->params, " ");
	const char *value, *name;

	if (skip >= r->params_len)
		return NULL;
	name = arena_strndup(x->arena, r->params + skip, r->params_len - skip);
	value = x->input->getenv ? x->input->getenv(x->input->ctx, name) : NULL;
	return value ? value : "";
}

/* The value of a name that is always defined; NULL: not one of these. */
static const char *builtin_value(struct expand *x, const struct reference *r)
{
	if (reference_is(r, "_HASH"))
		return "#";
	if (reference_is(r, "_BANG"))
		return "!";
	if (reference_is(r, "_PWD"))
		return builtin_pwd(x);
	if (reference_is(r, "_INSTANCE"))
		return x->input->config_id ? x->input->config_id : "";
	if (reference_is(r, "_RANDOM"))
		return builtin_random(x, r);
	if (reference_is(r, "_ENV"))
		return builtin_env(x, r);
	return NULL;
}

/* The lines that wait behind the current one: the tails of definitions, innermost last. */
struct tails {
	struct line *line;
	size_t n;
};

static void tails_push(struct tails *t, const struct variable *v)
{
	t->line = must(realloc(t->line, (t->n + v->n_lines - 1) * sizeof(*t->line)));
	for (size_t i = v->n_lines - 1; i > 0; i--) {
		struct line *l = &t->line[t->n++];

		*l = (struct line){0};
		line_append(l, &v->value[i], 0, v->value[i].len);
	}
}

static void tails_done(struct tails *t)
{
	for (size_t i = 0; i < t->n; i++)
		line_done(&t->line[i]);
	free(t->line);
}

/*
 * Replaces the reference at *pos. A definition of several lines is replaced only at the end of a
 * line: its first line goes there, the others wait in `tails`. False when it must stay as it is.
 */
static bool expand_reference(struct expand *x, struct line *l, size_t pos, struct tails *tails)
{
	struct line text = {0};
	const struct line *with = &text;
	const struct variable *v;
	struct reference r;
	const char *value;

	if (!reference_parse(l, pos, &r))
		return false;
	v = r.params_len ? NULL : variable_find(x, r.name, r.name_len);
	if (v && v->n_lines > 1 && (!tails || r.end < l->len))
		return false;
	if (v) {
		with = &v->value[0];
	} else {
		value = builtin_value(x, &r);
		if (!value)
			return false;
		line_puts(&text, value, l->at[pos]);
	}
	if (v && v->n_lines > 1)
		tails_push(tails, v);
	line_replace(l, pos, r.end, with);
	line_done(&text);
	return true;
}

/* True when something was replaced, so that the line must be looked at again. */
static bool expand_variables(struct expand *x, struct line *l, struct tails *tails)
{
	const char *dollar;
	size_t pos = 0;
	unsigned steps = 0;

	while (pos < l->len && (dollar = strchr(l->s + pos, '$'))) {
		pos = (size_t)(dollar - l->s);
		if (!expand_reference(x, l, pos, tails)) {
			pos++;
			continue;
		}
		if (++steps > EXPAND_STEPS_MAX || l->len > EXPAND_LINE_MAX ||
		    (tails && tails->n > EXPAND_LINE_MAX)) {
			expand_stop(x, l,
				    "a variable expands without end: does it contain itself?");
			return false;
		}
		/* What a sequence runs over is replaced in each of its turns. */
		if (l->s[line_skip_space(l, pos)] == '~')
			break;
	}
	return steps > 0;
}

void expand_parameters(struct expand *x, struct line *l)
{
	expand_variables(x, l, NULL);
}

/* From here on ${_RANDOM} has the same sequence each time. What is no number the checker refuses. */
static void expand_seed(struct expand *x, const struct line *l)
{
	unsigned long long seed;
	const char *at;
	char *end;

	if (!line_first_word_is(l, "random_seed"))
		return;
	at = l->s + line_skip_space(l, strlen("random_seed"));
	seed = strtoull(at, &end, 10);
	if (end != at)
		x->random = seed;
}

/* The line itself, when the preprocessor has nothing more to do with it. */
static void expand_emit(struct expand *x, const struct line *l)
{
	size_t limit = x->input->max_lines ? x->input->max_lines : AST_LINES_MAX;

	if (!l->len)
		return;
	if (++x->n_lines > limit) {
		expand_stop(x, l,
			    "more lines than a configuration can have: is a sequence too long?");
		return;
	}
	include_check_update(x, l);
	expand_seed(x, l);
	if (!include_expand(x, l))
		x->emit(x->emit_ctx, l);
}

/* False when the line is used up. */
static bool expand_step(struct expand *x, struct line *l, struct tails *tails, unsigned depth)
{
	line_delete(l, 0, line_skip_space(l, 0));
	if (!l->len)
		return false;
	if (l->s[0] == '@' && !expand_condition(x, l)) {
		tails_done(tails);
		*tails = (struct tails){0};
		return false;
	}
	if (expand_definition(x, l) || sequence_expand(x, l, depth))
		return false;
	if (expand_variables(x, l, tails))
		return !x->stopped;
	if (!x->stopped)
		expand_emit(x, l);
	return false;
}

void expand_line(struct expand *x, struct line *l, unsigned depth)
{
	struct tails tails = {0};

	if (depth > EXPAND_DEPTH_MAX) {
		expand_stop(x, l, "variables or sequences nest too deep: does one contain itself?");
		return;
	}
	while (!x->stopped && expand_step(x, l, &tails, depth))
		;
	while (!x->stopped && tails.n) {
		struct line next = tails.line[--tails.n];

		expand_line(x, &next, depth + 1);
		line_done(&next);
	}
	tails_done(&tails);
}
