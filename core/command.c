/* SPDX-License-Identifier: Apache-2.0 */
/* A script's command line: see command.h. */
#include "core/command.h"

#include "core/arena.h"
#include "core/hex.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WHITE_SPACE " \t\f\n\r\v"

static char escape_letter(char c)
{
	static const char from[] = "abEfnrtv", to[] = "\a\b\033\f\n\r\t\v";
	const char *at = strchr(from, c);

	return at ? to[at - from] : c;
}

/* Up to `digits` digits of the base. */
static char escape_number(const char **at, int base, int digits)
{
	unsigned v = 0;

	for (; digits > 0; digits--, (*at)++) {
		int digit = hex_value(**at);

		if (digit < 0 || digit >= base)
			break;
		v = v * (unsigned)base + (unsigned)digit;
	}
	return (char)v;
}

/* *at is behind a backslash; moves it behind the escape. */
static int unescape(const char **at, char *ret)
{
	char c = **at;

	if (!c)
		return -EINVAL;
	if (c == 'x' && hex_value((*at)[1]) >= 0) {
		(*at)++;
		*ret = escape_number(at, 16, 2);
	} else if (c == 'c' && (*at)[1]) {
		*ret = (*at)[1] & 0x1f;
		*at += 2;
	} else if (c >= '0' && c <= '7') {
		*ret = escape_number(at, 8, 3);
	} else {
		*ret = escape_letter(c);
		(*at)++;
	}
	return *ret ? 0 : -EINVAL;
}

/* One word, from its first character on, into `to`; moves *at behind it. */
static int take_word(const char **at, char *to)
{
	char quote = 0;

	while (**at && (quote || !strchr(WHITE_SPACE, **at))) {
		char c = *(*at)++;

		if (c == '\\') {
			int err = unescape(at, &c);

			if (err)
				return err;
			*to++ = c;
		} else if (c == quote) {
			quote = 0;
		} else if (!quote && (c == '"' || c == '\'')) {
			quote = c;
		} else {
			*to++ = c;
		}
	}
	*to = '\0';
	return quote ? -EINVAL : 0;
}

int command_split(struct arena *a, const char *command, size_t n_more, char ***ret_argv,
		  size_t *ret_n)
{
	size_t len = strlen(command), n = 0;
	/* A word and its separator are two characters at least. */
	char **argv = arena_array(a, len / 2 + 2 + n_more, sizeof(*argv));
	char *word = arena_alloc(a, len + 1);

	for (command += strspn(command, WHITE_SPACE); *command;
	     command += strspn(command, WHITE_SPACE)) {
		int err = take_word(&command, word);

		if (err)
			return err;
		argv[n++] = word;
		word += strlen(word) + 1;
	}
	if (n == 0)
		return -EINVAL;
	*ret_argv = argv;
	*ret_n = n;
	return 0;
}

const char *command_find(struct arena *a, const char *name)
{
	const char *path = getenv("PATH");
	size_t len;

	if (strchr(name, '/'))
		return name;
	for (path = path ? path : "/usr/bin:/bin"; *path; path += len + (path[len] == ':')) {
		char *full;

		len = strcspn(path, ":");
		full = arena_printf(a, "%.*s%s%s", (int)len, path, len ? "/" : "./", name);
		if (access(full, X_OK) == 0)
			return full;
	}
	return NULL;
}

/* Is this file or directory root's alone? */
static bool roots_own(const struct stat *st)
{
	bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);

	if (st->st_uid != 0)
		return false;
	return sticky ||
	       (!(st->st_mode & S_IWOTH) && (st->st_gid == 0 || !(st->st_mode & S_IWGRP)));
}

static int check_component(const char *path, struct text *ret_reason)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (roots_own(&st))
		return 0;
	text_set(ret_reason, "%s can be changed by others than root", path);
	return -EPERM;
}

/* "/", "/a", "/a/b" of "/a/b"; "a", "a/b" of "a/b". */
static int check_components(const char *path, struct text *ret_reason)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	int err = 0;

	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t i = 1; i <= len && !err; i++) {
		bool end = i == len || path[i] == '/' || (i == 1 && path[0] == '/');

		if (!end || (i > 1 && path[i - 1] == '/'))
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		err = check_component(part, ret_reason);
	}
	return err;
}

int command_check_secure(const char *path, uid_t uid, gid_t gid, struct text *ret_reason)
{
	char real[PATH_MAX];
	struct stat st;
	bool set_id;
	int err;

	if (stat(path, &st) < 0 || !realpath(path, real))
		return -errno;
	set_id = (st.st_uid == 0 && (st.st_mode & S_ISUID)) ||
		 (st.st_gid == 0 && (st.st_mode & S_ISGID));
	if (uid != 0 && gid != 0 && !set_id)
		return 0;
	err = check_components(path, ret_reason);
	return err ? err : check_components(real, ret_reason);
}
