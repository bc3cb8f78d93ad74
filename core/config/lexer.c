/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Characters: comments, continuation lines, quotes and escapes, as keepalived.conf(5) describes
 * them under "Quoted strings". Knows nothing of variables, nor of keywords.
 */
#include "core/config/lexer.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/hex.h"
#include "core/must.h"

void lexer_init(struct lexer *x, struct arena *arena, struct diags *diags, const char *file,
		char *text, size_t len, uint32_t *order)
{
	static const char bom[] = "\xef\xbb\xbf";

	*x = (struct lexer){
		.arena = arena,
		.diags = diags,
		.file = file,
		.text = text,
		.len = len,
		.order = order,
	};
	if (len >= 3 && !memcmp(text, bom, 3))
		x->pos = 3;
}

/* Cuts the next physical line out of the text; NULL at the end. */
static struct source_line *lexer_cut(struct lexer *x)
{
	struct source_line *src;
	size_t start = x->pos, end;
	char *newline;

	if (start >= x->len)
		return NULL;
	newline = memchr(x->text + start, '\n', x->len - start);
	end = newline ? (size_t)(newline - x->text) : x->len;
	x->pos = end + 1;
	x->text[end] = '\0';
	while (end > start && x->text[end - 1] == '\r')
		x->text[--end] = '\0';
	x->number++;

	src = arena_alloc(x->arena, sizeof(*src));
	src->file = x->file;
	src->number = x->number;
	src->order = ++*x->order;
	src->text = x->text + start;
	if (memchr(src->text, '\0', end - start)) {
		struct ast_loc loc = {.src = src, .col = 1};

		diags_add(x->diags, DIAG_ERROR, &loc, "a NUL byte: this is not a text file");
	}
	return src;
}

static bool starts_word(const char *text, size_t i)
{
	return !i || line_is_space(text[i - 1]);
}

/* The end of a comment-less stretch that begins at a quote; 0 when the quote is not closed. */
static size_t quote_end(const char *text, size_t i)
{
	char quote = text[i++];

	for (; text[i]; i++) {
		if (text[i] == '\\' && text[i + 1])
			i++;
		else if (text[i] == quote)
			return i + 1;
	}
	return 0;
}

/*
 * Appends a physical line without its comment. An apostrophe is a quote only where a word starts
 * and when there is a second one, so that `router_id it's` stays what it is.
 * True when the line ends with a backslash, be it in a comment.
 */
static bool lexer_decomment(const struct source_line *src, struct line *l)
{
	const char *text = src->text;
	size_t i = strspn(text, " \t"), end;
	size_t plain = strcspn(text + i, "\\#!\"'");
	bool comment = false;

	line_putn(l, text + i, plain, (struct origin){src, (uint32_t)(i + 1)});
	i += plain;
	while (text[i]) {
		struct origin at = {src, (uint32_t)(i + 1)};

		if (text[i] == '\\' && !text[i + 1])
			return true;
		if (text[i] == '\\' && (text[i + 1] == '#' || text[i + 1] == '!')) {
			if (!comment)
				line_putc(l, text[i + 1], at);
			i += 2;
			continue;
		}
		if (text[i] == '#' || text[i] == '!')
			comment = true;
		end = i + 1 + (text[i] == '\\');
		if (!comment && (text[i] == '"' || (text[i] == '\'' && starts_word(text, i))))
			end = quote_end(text, i) ?: i + 1;
		for (; i < end; i++, at.col++)
			if (!comment)
				line_putc(l, text[i], at);
	}
	return false;
}

/* One line, or several joined by '\n' when each but the last ends with a backslash. */
static bool lexer_join(struct lexer *x, struct line *l)
{
	struct source_line *src = lexer_cut(x), *former = NULL;
	bool more, any = false;

	if (!src)
		return false;
	for (; src; former = src, src = lexer_cut(x)) {
		size_t before = l->len;

		src->joined_to = former;
		/* An empty line ends a definition that forgot to stop; a mere comment doesn't. */
		if (!src->text[0])
			break;
		if (any)
			line_putc(l, '\n', (struct origin){src, 1});
		more = lexer_decomment(src, l);
		line_trim_end(l);
		any = l->len > 0;
		if (!more && (l->len > before || !any))
			break;
	}
	return true;
}

bool lexer_next_line(struct lexer *x, struct line *ret)
{
	do {
		line_clear(ret);
		if (!lexer_join(x, ret))
			return false;
	} while (!ret->len);
	return true;
}

/* The character that the escape at s[*i] (behind the backslash) stands for. */
static char escape_char(const char *s, size_t *i)
{
	static const char from[] = "abEfnrtv", to[] = "\a\b\033\f\n\r\t\v";
	const char *named;
	unsigned value = 0;

	if (s[*i] == 'x' && hex_value(s[*i + 1]) >= 0) {
		for ((*i)++; hex_value(s[*i]) >= 0; (*i)++)
			value = (value << 4 | (unsigned)hex_value(s[*i])) & 0xff;
		return (char)value;
	}
	if (s[*i] == 'c' && s[*i + 1]) {
		*i += 2;
		return s[*i - 1] & 0x1f;
	}
	if (s[*i] >= '0' && s[*i] <= '7') {
		for (int n = 0; n < 3 && s[*i] >= '0' && s[*i] <= '7'; n++)
			value = (value << 3 | (unsigned)(s[(*i)++] - '0')) & 0xff;
		return (char)value;
	}
	named = strchr(from, s[*i]);
	return named ? (++*i, to[named - from]) : s[(*i)++];
}

/* Copies a quoted stretch without its quotes. Returns the position behind it. */
static size_t word_quoted(const struct line *l, size_t i, char *out, size_t *n)
{
	char quote = l->s[i++];

	while (i < l->len && l->s[i] != quote) {
		char c = l->s[i++];

		if (c == '\\' && i < l->len)
			c = escape_char(l->s, &i);
		if (c)
			out[(*n)++] = c;
	}
	return i < l->len ? i + 1 : i;
}

/* An undefined ${NAME} stays as it is, braces and all. */
static size_t word_variable(const struct line *l, size_t i, char *out, size_t *n)
{
	size_t end = i + 2;

	while (end < l->len && !strchr("{} \t\n\"'", l->s[end]))
		end++;
	if (end >= l->len || l->s[end] != '}')
		end = i;
	for (; i <= end; i++)
		out[(*n)++] = l->s[i];
	return i;
}

/* True at a quote that closes; tells of one that doesn't and takes it for a plain character. */
static bool word_quote_opens(struct diags *diags, const struct line *l, size_t i)
{
	bool single = l->s[i] == '\'';

	if (l->s[i] != '"' && !(single && starts_word(l->s, i)))
		return false;
	if (quote_end(l->s, i))
		return true;
	if (!single) {
		struct ast_loc loc = line_loc(l, i);

		diags_add(diags, DIAG_WARNING, &loc, "this quote is not closed on its line");
	}
	return false;
}

static size_t word_read(struct diags *diags, const struct line *l, size_t i, char *out, size_t *n,
			bool *quoted)
{
	while (i < l->len && !line_is_space(l->s[i]) && l->s[i] != '{' && l->s[i] != '}') {
		if (l->s[i] == '\\' && i + 1 < l->len) {
			i++;
			out[*n] = escape_char(l->s, &i);
			*n += out[*n] != '\0';
		} else if (l->s[i] == '$' && l->s[i + 1] == '{') {
			i = word_variable(l, i, out, n);
		} else if (word_quote_opens(diags, l, i)) {
			*quoted = true;
			i = word_quoted(l, i, out, n);
		} else {
			out[(*n)++] = l->s[i++];
		}
	}
	return i;
}

/* The same few words stand in a big file again and again: most are taken from the last that were
 * read, by their hash. */
static const char *lexer_keep(struct word_store *store, const char *s, size_t n)
{
	uint32_t hash = 2166136261;
	const char **at;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (uint8_t)s[i]) * 16777619;
	at = &store->recent[hash >> 16 & (WORDS_RECENT - 1)];
	if (!*at || strncmp(*at, s, n) != 0 || (*at)[n])
		*at = arena_strndup(store->arena, s, n);
	return *at;
}

/* A word with escapes or quotes, and behind it what was written. */
static size_t lexer_resolve(struct arena *arena, struct diags *diags, const struct line *l,
			    size_t start, struct ast_word *w)
{
	/* Resolving only ever shortens. */
	char *buf = must(malloc(2 * (l->len - start) + 2));
	size_t n = 0, end = word_read(diags, l, start, buf, &n, &w->quoted), written = end - start;

	buf[n] = '\0';
	w->resolved = written != n || memcmp(buf, l->s + start, n) != 0;
	memcpy(buf + n + 1, l->s + start, written);
	buf[n + 1 + written] = '\0';
	w->s = arena_copy(arena, buf, w->resolved ? n + written + 2 : n + 1, 1);
	free(buf);
	return end;
}

enum token lexer_token(struct word_store *store, struct diags *diags, const struct line *l,
		       size_t *pos, struct ast_word *ret_word)
{
	size_t start = line_skip_space(l, *pos);
	size_t plain;

	*pos = start;
	if (start >= l->len)
		return TOKEN_END;
	*ret_word = (struct ast_word){.loc = line_loc(l, start)};
	if (l->s[start] == '{' || l->s[start] == '}') {
		(*pos)++;
		return l->s[start] == '{' ? TOKEN_OPEN : TOKEN_CLOSE;
	}
	plain = strcspn(l->s + start, " \t\n\r\f\v{}\\$\"'");
	if (start + plain >= l->len || !strchr("\\$\"'", l->s[start + plain])) {
		*pos = start + plain;
		ret_word->s = lexer_keep(store, l->s + start, plain);
		return TOKEN_WORD;
	}
	*pos = lexer_resolve(store->arena, diags, l, start, ret_word);
	return TOKEN_WORD;
}
