/* SPDX-License-Identifier: Apache-2.0 */
/* Being a daemon: the run directory, the pid file that keeps a second one out, the background. */
#ifndef TANDEM_DAEMON_H
#define TANDEM_DAEMON_H

#include <sys/types.h>

/* Makes the directory and, when they are missing, those above it. 0 or -errno. */
int daemon_make_run_dir(const char *path);

/*
 * Writes our pid and keeps the file locked as long as we live. The descriptor, or -errno;
 * -EEXIST: another one is alive (*ret_other).
 */
int daemon_lock_pid_file(const char *path, pid_t *ret_other);
/* Another process's pid, for scripts that look for it. pid 0 removes the file. */
void daemon_write_pid(const char *path, pid_t pid);

/*
 * Goes on in a child of our own session. The parent waits until daemon_tell_parent() and exits
 * with that status. 0 or -errno.
 */
int daemon_fork(int *ret_parent);
void daemon_tell_parent(int parent, int status);

#endif
