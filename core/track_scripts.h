/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs every vrrp_script of the model at its interval, and tells when one comes up or goes down.
 * tandem-vrrp has neither the rights nor the time for it.
 */
#ifndef TANDEM_TRACK_SCRIPTS_H
#define TANDEM_TRACK_SCRIPTS_H

#include "core/model.h"
#include "core/msg.h"

struct ev_loop;
struct store;
struct track_scripts;

/* `tell` is called with each change. 0 or -errno. */
int track_scripts_new(struct ev_loop *loop,
		      void (*tell)(void *ctx, const struct msg_track_state *state), void *ctx,
		      struct track_scripts **ret);
void track_scripts_free(struct track_scripts *t); /* NULL is fine */

/* The model in force is `m` from now on; what is known of a script that is new here is in `s`. */
void track_scripts_commit(struct track_scripts *t, const struct model *m, const struct store *s);

#endif
