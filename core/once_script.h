/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripts that run once: startup_script before any role is started, shutdown_script when all
 * have ended. Knows how they are run and told of, not what comes before or after.
 */
#ifndef TANDEM_ONCE_SCRIPT_H
#define TANDEM_ONCE_SCRIPT_H

#include "core/model.h"

struct scripts;

struct once_script {
	const char *keyword;
	void (*then)(void *ctx); /* or NULL */
	void *ctx;
};

/* Calls `then` when it has ended, in whatever way, or at its deadline: at the latest when it has
 * been killed. At once when it can't be run. `o` must outlive the script. */
void once_script_run(struct once_script *o, struct scripts *s, const struct notify *script,
		     const struct global *g, int64_t timeout_us);

/* Ends the one that runs, if one does, as if its deadline had passed. */
void once_script_end(struct scripts *s);

#endif
