/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a role's program: its user, its capabilities and nothing more, its connection and its
 * lock (role.h). Knows nothing of what happens to the process afterwards.
 */
#ifndef TANDEM_SPAWN_H
#define TANDEM_SPAWN_H

#include "core/msg.h"

#include <sys/types.h>

#define ROLE_CAPS_MAX 4

/* What a role program is and may. `stand_by`, when not NULL, is what a second process of it is
 * called, which is ready to take over. */
struct role_desc {
	enum role_id id;
	const char *program;
	const char *user;
	int caps[ROLE_CAPS_MAX]; /* CAP_*, ended by -1 */
	int nice;		 /* a late advertisement costs a failover */
	bool memory;		 /* has ROLE_FD_MEMORY */
	const char *stand_by;
};

#define ROLE_COUNT 4
extern const struct role_desc role_descs[ROLE_COUNT]; /* in the order of an orderly stop */

struct spawn_options {
	const char *run_dir;
	bool log_console;
	bool log_detail;
	bool no_swap; /* may lock its memory */
};

struct spawn_result {
	pid_t pid;
	int sock;    /* the supervisor's end */
	int failure; /* a pipe that tells why the program was not started: spawn_failure() */
};

/* 0 or -errno. That the process exists does not mean yet that the program runs. */
int spawn_role(const struct role_desc *desc, const struct spawn_options *o,
	       struct spawn_result *ret);
/* Once the process has ended: closes the pipe; true when the program never ran, with the reason. */
bool spawn_failure(int failure, struct text *ret_reason);

/* What a new process of the role is started from. */
const char *spawn_program_path(const char *program, char *path, size_t size);

/* RUN_DIR/ROLE.lock */
const char *spawn_lock_path(const struct role_desc *desc, const char *run_dir, char *path,
			    size_t size);

#endif
