/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking over the roles that a killed supervisor has left behind. Whoever holds RUN_DIR/ROLE.lock
 * is alive and keeps trying to connect to RUN_DIR/adopt.sock; it is waited for, and replaced when
 * it does not come.
 */
#ifndef TANDEM_ADOPT_H
#define TANDEM_ADOPT_H

#include "core/log.h"
#include "core/spawn.h"

#include <ev.h>

struct supervisor;

struct adopt {
	int sock; /* -1: not listening */
	char path[108];
	ev_io acceptable;
	ev_timer timer;
	pid_t expected[ROLE_COUNT]; /* 0: nobody, or no longer */
	struct log_limit strangers; /* anybody may connect */
};

/* Starts waiting. Returns the roles that are waited for, as a set. When the last of them is there
 * or given up, supervisor_adopted() is called. */
unsigned adopt_begin(struct supervisor *s);
void adopt_end(struct supervisor *s);
bool adopt_is_waiting(const struct supervisor *s);

#endif
