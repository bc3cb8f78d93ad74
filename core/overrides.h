/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators want of real servers: drain, maint, disable, another weight. Pure memory with
 * deadlines: it knows no file, no socket and no clock. Times are of the wall clock, so that they
 * outlive a reboot.
 *
 * An override that has ended stays as one that says "ready", with its version: whoever has a copy
 * of it must learn that it ended.
 */
#ifndef TANDEM_OVERRIDES_H
#define TANDEM_OVERRIDES_H

#include "core/model.h"
#include "core/msg.h"

struct overrides {
	struct msg_server_override *list; /* sorted by server */
	size_t n;
	size_t cap;
};

void overrides_done(struct overrides *o);

/* Does it want anything that the configuration does not? */
bool override_is_active(const struct msg_server_override *v);
/* Are its numbers in their ranges? */
bool override_is_sane(const struct msg_server_override *v);
/* Is its server one of the model's? */
bool override_is_configured(const struct msg_server_override *v, const struct model *m);
/* NULL: nothing was ever said of this server. */
const struct msg_server_override *overrides_find(const struct overrides *o, uint64_t server);

/* The operator's word. Its version is made here: now, but more than the former one. */
const struct msg_server_override *overrides_say(struct overrides *o,
						const struct msg_server_override *word,
						int64_t wall_us);
/* A copy of a word that was said elsewhere. False, and nothing changed, when ours is as new. */
bool overrides_copy(struct overrides *o, const struct msg_server_override *word);

/* A server that was to leave once idle is idle: ADMIN_MAINT from now on. NULL: that is history. */
const struct msg_server_override *overrides_idle(struct overrides *o, uint64_t server,
						 uint64_t version, int64_t wall_us);
/* Ends what has come to its end; `ended` is told of each. True when any was. */
bool overrides_expire(struct overrides *o, int64_t wall_us,
		      void (*ended)(void *ctx, const struct msg_server_override *v), void *ctx);
/* When the next one ends; 0: none does by itself. */
int64_t overrides_next_us(const struct overrides *o);
/* Forgets the servers that are not in the model; `gone` is told of each. */
bool overrides_retain(struct overrides *o, const struct model *m,
		      void (*gone)(void *ctx, const struct msg_server_override *v), void *ctx);

/* As a file's bytes, with a checksum. */
void overrides_encode(const struct overrides *o, struct writer *w);
/* 0, or -EBADMSG, and nothing is taken: not ours, of another version, cut off, or damaged. */
int overrides_decode(struct overrides *o, const void *bytes, size_t n);

#endif
