/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail of changes of state: a queue in the order of events, one message at a time, each through a
 * tandem-mail of its own (mail_main.c), so that no server, however slow or strange, delays or
 * harms anything here. A message that is not taken is tried again a few times and then given up; a
 * server that fails is told of once, and once when it is well again. Knows nothing of what mails
 * say (mail_text.h).
 */
#ifndef TANDEM_MAILS_H
#define TANDEM_MAILS_H

#include "core/mail_text.h"
#include "core/model.h"

#include <stdbool.h>
#include <stdint.h>

struct ev_loop;
struct mails;
struct scripts;

#define MAILS_WAITING_MAX 256 /* beyond it the oldest is given up */
#define MAIL_TRIES_MAX	  4

struct mails_status {
	uint64_t sent;
	uint64_t lost; /* given up */
	uint32_t waiting;
	const char *failure; /* of the last try; "": it went well */
};

/* 0 or -errno. `s` outlives it. */
int mails_new(struct ev_loop *loop, struct scripts *s, struct mails **ret);
/* What waits is given up, which is logged. */
void mails_free(struct mails *m);

/* Where mail goes, and from whom, from now on; `model` stays until the next call. */
void mails_commit(struct mails *m, const struct model *model);

/* Nothing happens where there is no smtp_server or nobody to write to. */
void mails_send(struct mails *m, const struct mail *mail);
/* False when `state` is what the last mail of this object told, or would have. */
bool mails_is_news(struct mails *m, uint64_t object, enum vrrp_state_id state);

/* Nothing waits. */
bool mails_idle(const struct mails *m);
void mails_status(const struct mails *m, struct mails_status *ret);

#endif
