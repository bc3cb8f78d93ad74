/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications: which scripts a change of state calls for and which lines it puts into FIFOs,
 * and which mails it sends, with keepalived's arguments and words. A state that is only told again (a role that resumed, a
 * supervisor that adopted) is no change. Knows nothing of how scripts are run (scripts.h) and lines
 * written (fifos.h).
 */
#ifndef TANDEM_NOTIFY_H
#define TANDEM_NOTIFY_H

#include "core/model.h"
#include "core/msg.h"

struct fifos;
struct mails;
struct scripts;
struct store;

/* Where notifications go. */
struct notify_outlets {
	struct scripts *scripts;
	struct fifos *fifos;
	struct mails *mails;
};

/* `former` is what was known before; NULL: nothing. Other messages are fine and do nothing. */
void notify_change(const struct notify_outlets *to, const struct model *m, const struct msg *now,
		   const struct msg *former);
/* `now` replaces `former` (NULL: this is the start): what left it, what is new in it, and, when it
 * is asked for, all states again. `s`: the last known states. */
void notify_model(const struct notify_outlets *to, const struct model *former,
		  const struct model *now, const struct store *s);
/* The services are gone: what "omega" asks for. */
void notify_omega(const struct notify_outlets *to, const struct model *m, const struct store *s);

#endif
