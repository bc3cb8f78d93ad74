/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket, RUN_DIR/control.sock: one line of JSON asks, one line of JSON answers, and
 * the connection ends. {"verb": "status"} and the like; the verbs are a table in control.c.
 */
#ifndef TANDEM_CONTROL_H
#define TANDEM_CONTROL_H

#include <ev.h>

#define CONTROL_SOCKET "control.sock"
/* Whose members may ask for the status. */
#define CONTROL_GROUP "tandem"

struct supervisor;
struct text;
struct control_client;

struct control {
	int sock; /* -1: not listening */
	char path[108];
	ev_io acceptable;
	struct control_client *clients;
	unsigned n_clients;
};

/* 0 or -errno, after saying why. */
int control_init(struct supervisor *s);
void control_done(struct supervisor *s);

/* For those who wait: s->reload.last is new. */
void control_reload_ended(struct supervisor *s);
/* For those who wait: the upgrade begins, or (`reason` not empty) does not. */
void control_upgrade_tested(struct supervisor *s, const struct text *reason);
/* For those who wait: what operators have said is in the file, or can't be. */
void control_words_saved(struct supervisor *s);
/* For those who wait: the state is as fresh as it gets. */
void control_snapshot_taken(struct supervisor *s);

#endif
