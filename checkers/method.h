/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam between the runner and the kinds of checks: one table of functions for each method, one
 * file for each table. A method makes one run and says how it went; it knows nothing of retries,
 * of other checks, nor of what follows from its answer.
 */
#ifndef TANDEM_CHECKERS_METHOD_H
#define TANDEM_CHECKERS_METHOD_H

#include "checkers/machine.h"
#include "core/model.h"

#include <stddef.h>

struct ev_loop;

/* One run in flight. A method's own struct begins with it. */
struct check_probe {
	struct ev_loop *loop;
	const struct check *conf; /* valid until done or cancelled; may move to an equal one */
	/* Called exactly once, from start() or later, and not after cancel(). Frees the probe. */
	void (*done)(struct check_probe *p, const struct check_result *result);
	void *owner; /* the runner's */
};

struct check_method_ops {
	size_t probe_bytes; /* of the method's own struct, handed to start() zeroed */
	/*
	 * Begins a run and ends it in any case: at the latest when the method's own deadline has
	 * passed. Uses at most one descriptor.
	 */
	void (*start)(struct check_probe *p);
	/* Forgets a run: releases what it holds, but the probe itself. */
	void (*cancel)(struct check_probe *p);
};

extern const struct check_method_ops check_tcp_ops;
extern const struct check_method_ops check_misc_ops;
extern const struct check_method_ops check_ping_ops;
extern const struct check_method_ops check_udp_ops;
extern const struct check_method_ops check_dns_ops;
extern const struct check_method_ops check_smtp_ops;
extern const struct check_method_ops check_agent_ops;
extern const struct check_method_ops check_file_ops;

/* A script that a MISC_CHECK asked for has ended. */
struct msg_script_end;
void check_misc_ended(const struct msg_script_end *end);

/*
 * Before a model is run: loads the methods of its checks that are not part of the program (plugin.h).
 * 0, or -errno and why, in words.
 */
int check_methods_load(const struct model *m, struct text *ret_reason);

/* How this check is run. */
const struct check_method_ops *check_method(const struct check *c);

#endif
