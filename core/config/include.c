/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: include and its variants, include_check, and the world as ast_input_files shows it.
 * A relative path is looked up from the file that includes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/config/expand.h"
#include "core/config/lexer.h"

static const struct {
	const char *keyword;
	unsigned check;
} include_keywords[] = {
	{"include", 0},
	{"includer", INCLUDE_READABLE},
	{"includem", INCLUDE_READABLE | INCLUDE_MATCH},
	{"includew", INCLUDE_READABLE | INCLUDE_WILDCARD},
	{"includeb", INCLUDE_READABLE | INCLUDE_BRACE},
	{"includea", INCLUDE_ALL},
};

static const struct {
	const char *option;
	unsigned check;
} include_options[] = {
	{"readable", INCLUDE_READABLE},
	{"match", INCLUDE_READABLE | INCLUDE_MATCH},
	{"wildcard_match", INCLUDE_READABLE | INCLUDE_WILDCARD},
	{"brace_match", INCLUDE_READABLE | INCLUDE_BRACE},
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

/* Words of a line that is not parsed here: scratch, so that it costs no memory of the tree. */
void include_text(struct expand *x, const char *path, char *text, size_t len)
{
	const char *slash = strrchr(path, '/');
	const struct include_file file = {
		.path = arena_strdup(x->arena, path),
		.dir = slash ? arena_strndup(x->arena, path, slash == path ? 1 : slash - path) : "",
		.depth = x->file ? x->file->depth + 1 : 0,
	};
	const struct include_file *outer = x->file;
	unsigned check = x->include_check;
	struct lexer lexer;
	struct line l = {0};

	x->file = &file;
	lexer_init(&lexer, x->arena, x->diags, file.path, text, len, &x->order);
	while (!x->stopped && lexer_next_line(&lexer, &l))
		expand_line(x, &l, 0);
	line_done(&l);
	x->file = outer;
	x->include_check = check;
}

static const char *read_error(int err)
{
	return err == -ENOEXEC ? "not a regular, non-executable file" : strerror(-err);
}

int include_read(struct expand *x, const char *path, const struct ast_loc *loc)
{
	struct source_line *whole;
	char *text;
	size_t len;
	int err;

	err = x->input->read(x->input->ctx, x->arena, path, &text, &len);
	if (!err) {
		include_text(x, path, text, len);
		return 0;
	}
	if (loc) {
		diags_add(x->diags, x->include_check & INCLUDE_READABLE ? DIAG_WARNING : DIAG_NOTE,
			  loc, "cannot read %s: %s; it is left out", path, read_error(err));
		return err;
	}
	whole = arena_alloc(x->arena, sizeof(*whole));
	whole->file = path;
	diags_add(x->diags, DIAG_ERROR, &(struct ast_loc){.src = whole}, "cannot read: %s",
		  read_error(err));
	return err;
}

static bool include_too_deep(struct expand *x, const struct ast_loc *loc)
{
	if (x->file->depth < EXPAND_INCLUDE_MAX)
		return false;
	diags_add(x->diags, DIAG_ERROR, loc, "files include each other more than %d deep",
		  EXPAND_INCLUDE_MAX);
	x->stopped = true;
	return true;
}

static void include_nothing(struct expand *x, const char *pattern, const struct ast_loc *loc)
{
	bool wild = strpbrk(pattern, "*?[") != NULL, brace = strchr(pattern, '{') != NULL;
	unsigned wants = wild ? INCLUDE_WILDCARD : brace ? INCLUDE_BRACE : INCLUDE_MATCH;

	/* A pattern may match nothing (conf.d is empty) unless somebody said that it must not. */
	diags_add(x->diags, x->include_check & wants ? DIAG_WARNING : DIAG_NOTE, loc,
		  "no file matches %s", pattern);
}

static void include_files(struct expand *x, const char *pattern, const struct ast_loc *loc)
{
	const char **paths;
	size_t n;
	int err;

	if (pattern[0] != '/' && x->file->dir[0])
		pattern = arena_printf(x->arena, "%s/%s",
				       strcmp(x->file->dir, "/") ? x->file->dir : "", pattern);
	err = x->input->glob(x->input->ctx, x->arena, pattern, &paths, &n);
	if (err || !n) {
		include_nothing(x, pattern, loc);
		return;
	}
	for (size_t i = 0; i < n && !x->stopped; i++)
		include_read(x, paths[i], loc);
}

bool include_expand(struct expand *x, const struct line *l)
{
	unsigned check = x->include_check;
	struct ast_word word;
	size_t pos, i;

	if (strncmp(l->s, "include", strlen("include")) != 0)
		return false;
	for (i = 0; i < ARRAY_SIZE(include_keywords); i++)
		if (line_first_word_is(l, include_keywords[i].keyword))
			break;
	if (i == ARRAY_SIZE(include_keywords))
		return false;

	/* The rest of the line is one path, braces of the pattern included. */
	pos = line_skip_space(l, strlen(include_keywords[i].keyword));
	word.loc = line_loc(l, pos);
	if (pos >= l->len) {
		diags_add(x->diags, DIAG_WARNING, &word.loc, "include of what?");
		return true;
	}
	word.s = l->s + pos;
	if (word.s[0] == '"' && strlen(word.s) > 1 && l->s[l->len - 1] == '"')
		word.s = arena_strndup(x->arena, word.s + 1, strlen(word.s) - 2);
	x->include_check |= include_keywords[i].check;
	if (!include_too_deep(x, &word.loc))
		include_files(x, word.s, &word.loc);
	x->include_check = check;
	return true;
}

/* One word of include_check: an option, with + or - in front or not. */
static void include_option(struct expand *x, const char *word, size_t len)
{
	char sign = *word == '+' || *word == '-' ? *word : '\0';

	word += sign != 0;
	len -= sign != 0;
	for (size_t i = 0; i < ARRAY_SIZE(include_options); i++) {
		if (strlen(include_options[i].option) != len ||
		    memcmp(include_options[i].option, word, len))
			continue;
		if (sign == '-')
			x->include_check &= ~include_options[i].check | INCLUDE_READABLE;
		else
			x->include_check |= include_options[i].check;
	}
}

void include_check_update(struct expand *x, const struct line *l)
{
	size_t pos, end;

	if (!line_first_word_is(l, "include_check"))
		return;
	pos = line_skip_space(l, strlen("include_check"));
	if (pos >= l->len)
		x->include_check = INCLUDE_ALL;
	else if (l->s[pos] != '+' && l->s[pos] != '-')
		x->include_check = 0;
	for (; pos < l->len; pos = line_skip_space(l, end)) {
		end = pos + strcspn(l->s + pos, " \t\n");
		include_option(x, l->s + pos, end - pos);
	}
}

/* The real file system. */

static int files_read_fd(int fd, struct arena *arena, char **ret_text, size_t *ret_len)
{
	size_t len = 0, cap;
	struct stat st;
	ssize_t n;
	char *text;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH))
		return -ENOEXEC;
	cap = (size_t)st.st_size;
	text = arena_alloc(arena, cap + 1);
	while (len < cap && (n = read(fd, text + len, cap - len)) != 0) {
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	*ret_text = text;
	*ret_len = len;
	return 0;
}

static int files_read(void *ctx, struct arena *arena, const char *path, char **ret_text,
		      size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int err;

	if (fd < 0)
		return -errno;
	err = files_read_fd(fd, arena, ret_text, ret_len);
	close(fd);
	return err;
}

static int files_glob(void *ctx, struct arena *arena, const char *pattern, const char ***ret_paths,
		      size_t *ret_n)
{
	glob_t g = {0};
	const char **paths;
	size_t n = 0;
	int err = glob(pattern, GLOB_MARK | GLOB_BRACE, NULL, &g);

	if (err) {
		globfree(&g);
		return err == GLOB_NOMATCH ? -ENOENT : -EIO;
	}
	paths = arena_array(arena, g.gl_pathc, sizeof(*paths));
	for (size_t i = 0; i < g.gl_pathc; i++)
		if (g.gl_pathv[i][strlen(g.gl_pathv[i]) - 1] != '/')
			paths[n++] = arena_strdup(arena, g.gl_pathv[i]);
	globfree(&g);
	*ret_paths = paths;
	*ret_n = n;
	return 0;
}

static const char *files_getenv(void *ctx, const char *name)
{
	return getenv(name);
}

const struct ast_input ast_input_files = {
	.read = files_read,
	.glob = files_glob,
	.getenv = files_getenv,
};
