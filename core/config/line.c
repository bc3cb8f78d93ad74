/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that remember where each byte came from; see line.h. */
#include "core/config/line.h"

#include "core/must.h"

#include <stdlib.h>
#include <string.h>

static void line_reserve(struct line *l, size_t len)
{
	size_t cap = l->cap ? l->cap : 128;

	if (len + 1 <= l->cap)
		return;
	while (cap < len + 1)
		cap *= 2;
	l->s = must(realloc(l->s, cap));
	l->at = must(realloc(l->at, cap * sizeof(*l->at)));
	l->cap = cap;
}

void line_done(struct line *l)
{
	free(l->s);
	free(l->at);
	*l = (struct line){0};
}

void line_clear(struct line *l)
{
	line_reserve(l, 0);
	l->len = 0;
	l->s[0] = '\0';
}

void line_putc(struct line *l, char c, struct origin at)
{
	line_reserve(l, l->len + 1);
	l->s[l->len] = c;
	l->at[l->len] = at;
	l->s[++l->len] = '\0';
}

void line_putn(struct line *l, const char *s, size_t n, struct origin at)
{
	line_reserve(l, l->len + n);
	memcpy(l->s + l->len, s, n);
	for (size_t i = 0; i < n; i++, at.col++)
		l->at[l->len + i] = at;
	l->len += n;
	l->s[l->len] = '\0';
}

void line_puts(struct line *l, const char *s, struct origin at)
{
	while (*s)
		line_putc(l, *s++, at);
}

void line_append(struct line *l, const struct line *from, size_t start, size_t end)
{
	size_t n = end - start;

	line_reserve(l, l->len + n);
	if (n) {
		memcpy(l->s + l->len, from->s + start, n);
		memcpy(l->at + l->len, from->at + start, n * sizeof(*l->at));
	}
	l->len += n;
	l->s[l->len] = '\0';
}

void line_replace(struct line *l, size_t start, size_t end, const struct line *with)
{
	size_t tail = l->len - end;

	if (start == end && !with->len)
		return;
	line_reserve(l, start + with->len + tail);
	memmove(l->s + start + with->len, l->s + end, tail);
	memmove(l->at + start + with->len, l->at + end, tail * sizeof(*l->at));
	if (with->len) {
		memcpy(l->s + start, with->s, with->len);
		memcpy(l->at + start, with->at, with->len * sizeof(*l->at));
	}
	l->len = start + with->len + tail;
	l->s[l->len] = '\0';
}

void line_delete(struct line *l, size_t start, size_t end)
{
	line_replace(l, start, end, &(struct line){0});
}

bool line_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

void line_trim_end(struct line *l)
{
	while (l->len && line_is_space(l->s[l->len - 1]))
		l->s[--l->len] = '\0';
}

size_t line_skip_space(const struct line *l, size_t pos)
{
	while (pos < l->len && line_is_space(l->s[pos]))
		pos++;
	return pos;
}

/* Past the end: the column behind the last byte. */
struct ast_loc line_loc(const struct line *l, size_t pos)
{
	const struct origin *o;

	if (!l->len)
		return (struct ast_loc){0};
	o = &l->at[pos < l->len ? pos : l->len - 1];
	return (struct ast_loc){
		.src = o->src,
		.col = o->col + (pos >= l->len),
	};
}

bool line_first_word_is(const struct line *l, const char *word)
{
	size_t n = strlen(word);

	return !strncmp(l->s, word, n) && (!l->s[n] || line_is_space(l->s[n]));
}
