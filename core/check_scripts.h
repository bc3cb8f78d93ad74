/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripts of MISC_CHECK: tandem-check, which has no rights, asks for one by its check's id, and
 * the supervisor runs what its own model says. One run of a check at a time.
 */
#ifndef TANDEM_CHECK_SCRIPTS_H
#define TANDEM_CHECK_SCRIPTS_H

#include "core/model.h"
#include "core/msg.h"

struct check_scripts;
struct ev_loop;

/* `tell` is called with each answer. 0 or -errno. */
int check_scripts_new(struct ev_loop *loop,
		      void (*tell)(void *ctx, const struct msg_script_end *end), void *ctx,
		      struct check_scripts **ret);
void check_scripts_free(struct check_scripts *cs); /* NULL is fine */

/* `m`: the model in force. */
void check_scripts_ask(struct check_scripts *cs, const struct model *m,
		       const struct msg_script_ask *ask);

#endif
