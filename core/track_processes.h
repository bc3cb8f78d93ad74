/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the processes of every vrrp_track_process of the model, and tells when there are enough of
 * them or no longer. The kernel tells of each process that begins or ends; where it does not (in a
 * container, or in another network namespace than the first) /proc is read each second.
 */
#ifndef TANDEM_TRACK_PROCESSES_H
#define TANDEM_TRACK_PROCESSES_H

#include "core/model.h"
#include "core/msg.h"

struct ev_loop;
struct store;
struct track_processes;

/* `tell` is called with each change. 0 or -errno. */
int track_processes_new(struct ev_loop *loop,
			void (*tell)(void *ctx, const struct msg_track_state *state), void *ctx,
			struct track_processes **ret);
void track_processes_free(struct track_processes *t); /* NULL is fine */

/* The model in force is `m` from now on; what is known of one that is new here is in `s`. */
void track_processes_commit(struct track_processes *t, const struct model *m,
			    const struct store *s);

#endif
