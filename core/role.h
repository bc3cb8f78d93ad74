/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every role program has in common: the connection to the supervisor, the model and its
 * replacement, direct links to other roles, the orderly stop, and life without a supervisor.
 *
 * The life of a role, as seen from the supervisor's end:
 *
 *	HELLO →
 *	← PREPARE (model image attached)      → PREPARED
 *	← state of a former incarnation, message by message (only before the first COMMIT)
 *	← LINK (a socket attached), for each role it talks to
 *	← COMMIT                              → COMMITTED
 *	…  state messages both ways, REPORT → REPORTED, further PREPARE/COMMIT or ABORT  …
 *	← STOP                                   the process exits with 0
 *
 * When the connection ends without a STOP, the supervisor has died: the role serves on, and tries
 * to reach a new one at RUN_DIR/adopt.sock every ADOPT_INTERVAL_US. Once connected it says HELLO
 * and reports all of its state, and the life goes on as above from the second line, whether or not
 * the model is new.
 *
 * The supervisor starts a role with the connection as descriptor ROLE_FD_CONTROL, and as
 * ROLE_FD_LOCK the file RUN_DIR/ROLE.lock, on which the process takes a POSIX write lock at its
 * first COMMIT and holds it as long as it lives: that is how a new supervisor knows who is alive. A
 * process that has not come so far (a stand-by, above all) ends when its supervisor does.
 *
 * A role that has to remember more than it can report has as ROLE_FD_MEMORY the file
 * RUN_DIR/ROLE.memory, which stays when the process ends.
 */
#ifndef TANDEM_ROLE_H
#define TANDEM_ROLE_H

#include "core/model.h"
#include "core/msg.h"

struct ev_loop;

#define ROLE_FD_CONTROL	       3
#define ROLE_FD_LOCK	       4
#define ROLE_FD_MEMORY	       5
#define ROLE_ADOPT_INTERVAL_US 100000
#define ROLE_ADOPT_SOCKET      "adopt.sock"

/* What a role program does with all that; `ctx` is its own. All are called from the loop. */
struct role_ops {
	enum role_id id;
	const char *program; /* "tandem-vrrp": the name in the log */
	/* Its models come without services: whose number must not hold it up. */
	bool without_services;

	/* Once, before HELLO. 0, or -errno to give up. */
	int (*init)(void *ctx, struct ev_loop *loop);

	/* A model is offered: check that it can be run, change nothing. It stays valid until it
	 * is aborted or, once committed, replaced. 0, or -errno with the reason in words. */
	int (*prepare)(void *ctx, const struct model *next, struct text *ret_reason);

	/* Run this model from now on; it differs from the last one by what the ids and the
	 * RECORD_equal functions say. The former model is freed after the return. */
	void (*commit)(void *ctx, const struct model *now);

	/* Forget what prepare() kept, if anything. May be NULL. */
	void (*abort)(void *ctx);

	/* Any other message that msg.def allows. Before the first commit: the state that a former
	 * incarnation left. */
	void (*receive)(void *ctx, enum role_id from, const struct msg *m);

	/* Send every current value that `to` wants. */
	void (*report)(void *ctx, enum role_id to);

	/* Stop in order, call role_stopped() when done, at the latest at deadline_us. */
	void (*stop)(void *ctx, int64_t deadline_us);
};

/* Runs the role until it is stopped; returns the exit status. */
int role_main(int argc, char **argv, const struct role_ops *ops, void *ctx);

/* Never blocks. A message to a role that is not connected is dropped: report() makes up for it. */
void role_send(enum role_id to, const struct msg *m);
/* Waits until all that was sent to it is in the socket, where it outlives this process; but not for
 * one that reads nothing for a second. */
void role_flush(enum role_id to);

void role_stopped(void);

/* Locks all memory, limits CPU time in real time, and takes a name, or no longer; the rest is
 * core/tuning.h's. */
void role_tune(const struct tuning *t);

/* The directory that holds everything of this instance; for files of the role's own. */
const char *role_run_dir(void);

#endif
