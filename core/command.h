/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A script's command line as it stands in the configuration: its words, and whether its file is
 * safe from others. Runs nothing.
 */
#ifndef TANDEM_COMMAND_H
#define TANDEM_COMMAND_H

#include "core/codec.h"

#include <stdbool.h>
#include <sys/types.h>

struct arena;

/*
 * Splits into words by keepalived's rules: white space separates; '…' and "…" keep it together;
 * backslash escapes work everywhere, within quotes too (\a \b \E \f \n \r \t \v, \ooo, \xhh, \cX,
 * any other character stands for itself). No shell is involved: no variables, no redirection.
 *
 * *ret_argv ends with NULL, with room for n_more words before it. 0, or -EINVAL for an open quote,
 * a lone backslash at the end, a zero byte, or no word at all.
 */
int command_split(struct arena *a, const char *command, size_t n_more, char ***ret_argv,
		  size_t *ret_n);

/*
 * enable_script_security: a script that runs with root's user or group must not be replaceable by
 * anybody else. Every component of its path (and of the path that symbolic links lead to) must be
 * root's, and nobody else may write there; directories with the sticky bit are as good. 0, -EPERM
 * with the reason in words, or -errno.
 */
int command_check_secure(const char *path, uid_t uid, gid_t gid, struct text *ret_reason);

/* Finds a bare name in $PATH, as exec does; a name with a slash is itself. NULL: not found. */
const char *command_find(struct arena *a, const char *name);

#endif
