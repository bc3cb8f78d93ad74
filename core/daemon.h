/* SPDX-License-Identifier: Apache-2.0 */
/* Being a daemon: the run directory, the pid file that keeps a second one out, the background. */
#ifndef TANDEM_DAEMON_H
#define TANDEM_DAEMON_H

#include <sys/types.h>

/* What says that a run directory is taken, and who took it. */
struct daemon_place {
	char pid_path[256];
	int lock; /* of the directory: the pid file may be anywhere */
	int pid;
};

/*
 * Makes the directory and, when they are missing, those above it, and keeps others out as long as we
 * live. pid_file may be NULL: RUN_DIR/tandemd.pid. 0, or -errno after saying why; either way what
 * was taken is for daemon_disown().
 */
int daemon_own(const char *run_dir, const char *pid_file, struct daemon_place *ret);
void daemon_disown(const struct daemon_place *own);
/* Another process's pid, for scripts that look for it. pid 0 removes the file. */
void daemon_write_pid(const char *path, pid_t pid);

/*
 * Goes on in a child of our own session. The parent waits until daemon_tell_parent() and exits
 * with that status. 0 or -errno.
 */
int daemon_fork(int *ret_parent);
void daemon_tell_parent(int parent, int status);

#endif
