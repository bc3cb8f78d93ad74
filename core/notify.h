/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notify scripts: which of them a change of state calls for, with keepalived's arguments. A state
 * that is only told again (a role that resumed, a supervisor that adopted) is no change. Knows
 * nothing of how scripts are run (scripts.h).
 */
#ifndef TANDEM_NOTIFY_H
#define TANDEM_NOTIFY_H

#include "core/model.h"
#include "core/msg.h"

struct scripts;

/* `former` is what was known before; NULL: nothing. Other messages are fine and do nothing. */
void notify_change(struct scripts *scripts, const struct model *m, const struct msg *now,
		   const struct msg *former);
/* The services are gone: what "omega" asks for. `was_up` says whether an object counted as up. */
void notify_omega(struct scripts *scripts, const struct model *m,
		  bool (*was_up)(void *ctx, enum msg_type type, uint64_t id), void *ctx);

#endif
