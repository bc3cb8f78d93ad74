/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches every track_file of the model, and tells the number in it when it changes. A file that is
 * not there counts as 0; it, and its directory, may come and go. Knows nothing of weights.
 */
#ifndef TANDEM_TRACK_FILES_H
#define TANDEM_TRACK_FILES_H

#include "core/model.h"
#include "core/msg.h"

struct ev_loop;
struct store;
struct track_files;

/* `tell` is called with each change, and with what a new one holds. 0 or -errno. */
int track_files_new(struct ev_loop *loop, void (*tell)(void *ctx, const struct msg_file_value *value),
		    void *ctx, struct track_files **ret);
void track_files_free(struct track_files *t); /* NULL is fine */

/* The model in force is `m` from now on; what is known of a file that is new here is in `s`. */
void track_files_commit(struct track_files *t, const struct model *m, const struct store *s);

#endif
