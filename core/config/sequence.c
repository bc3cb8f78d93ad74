/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ~SEQ(var, start, step, end), ~SEQx and ~LST(var, value, …): the rest of the line once for each
 * value; keepalived.conf(5), "Sequence blocks" and "List blocks".
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/expand.h"

struct sequence {
	struct expand *x;
	const struct line *line; /* as it was */
	const struct line *spec; /* what stood between the brackets */
	const struct line *rest; /* of the line */
	unsigned depth;
};

static void sequence_error(const struct sequence *q, const char *what)
{
	struct ast_loc loc = line_loc(q->line, 0);

	diags_add(q->x->diags, DIAG_ERROR, &loc, "%s", what);
}

static void sequence_turn(const struct sequence *q)
{
	struct line l = {0};

	line_append(&l, q->rest, 0, q->rest->len);
	expand_line(q->x, &l, q->depth + 1);
	line_done(&l);
}

/* A piece of text without the white space around it. */
struct span {
	const char *s;
	size_t len;
};

static struct span span_trim(const char *s, size_t len)
{
	while (len && line_is_space(*s))
		s++, len--;
	while (len && line_is_space(s[len - 1]))
		len--;
	return (struct span){s, len};
}

/* The next piece up to a comma outside braces. False at the end. */
static bool span_next(const char **s, struct span *ret)
{
	const char *start = *s;
	size_t len = 0;
	int braces = 0;

	if (!start)
		return false;
	for (; start[len] && (start[len] != ',' || braces > 0); len++)
		braces += (start[len] == '{') - (start[len] == '}');
	*s = start[len] ? start + len + 1 : NULL;
	*ret = span_trim(start, len);
	return true;
}

/* {a, b}: without the braces. */
static bool span_unbrace(struct span *p)
{
	if (p->len < 2 || p->s[0] != '{' || p->s[p->len - 1] != '}')
		return false;
	*p = span_trim(p->s + 1, p->len - 2);
	return true;
}

static bool span_is_name(struct span p)
{
	if (!p.len || isdigit((unsigned char)p.s[0]))
		return false;
	for (size_t i = 0; i < p.len; i++)
		if (!isalnum((unsigned char)p.s[i]) && p.s[i] != '_')
			return false;
	return true;
}

static bool span_number(struct span p, long *ret)
{
	char text[32], *end;

	if (!p.len || p.len >= sizeof(text))
		return false;
	memcpy(text, p.s, p.len);
	text[p.len] = '\0';
	errno = 0;
	*ret = strtol(text, &end, 0);
	return !errno && !*end;
}

static void sequence_set(const struct sequence *q, struct span name, struct span value)
{
	struct origin at = q->spec->at[0];
	struct line l = {0};

	line_clear(&l);
	for (size_t i = 0; i < value.len; i++)
		line_putc(&l, value.s[i], at);
	expand_set(q->x, name.s, name.len, &l, 1);
	line_done(&l);
}

/* n numbers: end | start, end | start, step, end. */
static bool seq_bounds(const long *number, int n, long *start, long *step, long *end)
{
	*end = number[n - 1];
	*start = n > 1 ? number[0] : *end < 0 ? -1 : 1;
	*step = n > 2 ? number[1] : *end < *start ? -1 : 1;
	return *step && !(*start < *end && *step < 0) && !(*start > *end && *step > 0);
}

static void seq_run(const struct sequence *q, bool hex)
{
	const char *s = q->spec->s;
	struct span name, p;
	long number[3], start, step, end;
	char text[32];
	int n = 0;

	if (!span_next(&s, &name) || !span_is_name(name)) {
		sequence_error(q,
			       "~SEQ wants a variable's name first: ~SEQ(var, start, step, end)");
		return;
	}
	while (n < 3 && span_next(&s, &p) && span_number(p, &number[n]))
		n++;
	if (!n || s || !span_number(p, &start) || !seq_bounds(number, n, &start, &step, &end)) {
		sequence_error(q, "~SEQ wants numbers that lead from start to end: "
				  "~SEQ(var, start, step, end)");
		return;
	}
	if (hex && (start < 0 || end < 0)) {
		sequence_error(q, "~SEQx counts non-negative numbers only");
		return;
	}
	for (long i = start; !q->x->stopped && (step > 0 ? i <= end : i >= end);) {
		snprintf(text, sizeof(text), hex ? "%lx" : "%ld", i);
		sequence_set(q, name, (struct span){text, strlen(text)});
		sequence_turn(q);
		if (__builtin_add_overflow(i, step, &i))
			break;
	}
}

/* One turn of ~LST({a, b}, …, {1, 2}): each name gets the value at its place. */
static bool lst_assign(const struct sequence *q, struct span names, struct span values)
{
	char *name_text = strndup(names.s, names.len), *value_text = strndup(values.s, values.len);
	const char *ns = name_text, *vs = value_text;
	struct span name, value;
	bool ok = name_text && value_text;

	while (ok && span_next(&ns, &name)) {
		ok = span_is_name(name) && span_next(&vs, &value);
		if (ok)
			sequence_set(q, name, value);
	}
	ok = ok && !vs;
	free(name_text);
	free(value_text);
	return ok;
}

static void lst_run(const struct sequence *q)
{
	const char *s = q->spec->s;
	struct span names, values;
	bool braces, any = false;

	span_next(&s, &names);
	braces = span_unbrace(&names);
	while (!q->x->stopped && span_next(&s, &values)) {
		any = true;
		if ((braces && !span_unbrace(&values)) || !lst_assign(q, names, values)) {
			sequence_error(q, "~LST wants as many values as names each time: "
					  "~LST({a, b}, {1, 2}, {3, 4})");
			return;
		}
		sequence_turn(q);
	}
	if (!any)
		sequence_error(q, "~LST wants a variable's name and its values: ~LST(var, 1, 2)");
}

bool sequence_expand(struct expand *x, struct line *l, unsigned depth)
{
	bool lst = !strncmp(l->s, "~LST", 4), hex = !strncmp(l->s, "~SEQx", 5);
	struct line spec = {0}, rest = {0};
	struct sequence q = {x, l, &spec, &rest, depth};
	size_t open, close;

	if (!lst && strncmp(l->s, "~SEQ", 4))
		return false;
	open = line_skip_space(l, hex ? 5 : 4);
	if (l->s[open] != '(')
		return false;
	close = open + strcspn(l->s + open, ")");
	if (close >= l->len) {
		struct ast_loc loc = line_loc(l, open);

		diags_add(x->diags, DIAG_ERROR, &loc, "this bracket is not closed on its line");
		return true;
	}
	line_clear(&spec);
	line_append(&spec, l, open + 1, close);
	expand_parameters(x, &spec);
	line_append(&rest, l, close + 1, l->len);
	if (!spec.len || !rest.len)
		sequence_error(&q, lst ? "an empty ~LST" : "an empty ~SEQ");
	else if (lst)
		lst_run(&q);
	else
		seq_run(&q, hex);
	line_done(&spec);
	line_done(&rest);
	return true;
}
