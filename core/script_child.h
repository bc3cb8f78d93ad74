/* SPDX-License-Identifier: Apache-2.0 */
/* A script's process: what happens between fork and exec. */
#ifndef TANDEM_SCRIPT_CHILD_H
#define TANDEM_SCRIPT_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct script_identity {
	const char *user;
	const char *group; /* "[:][NAME]": with ':' the user's supplementary groups as well */
	bool secure;
	bool groups; /* as if there were a ':' */
};

/*
 * Forks and execs. The child leads a process group of its own, has no descriptors but /dev/null (on
 * standard input: `input`, if it is not -1),
 * no capabilities (unless it stays root), default signals, and outlives us. When it can't be
 * exec'ed, it writes why, in words, to a pipe whose other end is *ret_why (to be read when the
 * child has ended, and closed). User names are looked up in the child: that may take its time.
 *
 * 0 or -errno.
 */
int script_child_start(char *const *argv, const struct script_identity *who, int input,
		       pid_t *ret_pid, int *ret_why);

#endif
