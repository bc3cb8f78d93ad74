/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TCP_CHECK says to a server and wants to hear from it, step by step. What is wanted may
 * stand anywhere in what comes; bytes before it and its own are used up by it. What is kept of an
 * answer is bounded, whatever the server sends. Knows no connection.
 */
#ifndef TANDEM_CHECKERS_DIALOGUE_H
#define TANDEM_CHECKERS_DIALOGUE_H

#include "checkers/machine.h"
#include "core/model.h"

#define DIALOGUE_SEND_MAX 4096	/* of one step */
#define DIALOGUE_KEPT_MAX 16384 /* of what came and was not wanted yet */

struct dialogue {
	const struct check_step *steps;
	uint32_t n_steps;
	uint32_t at;
	uint8_t *got;
	size_t len;
	size_t cap;
};

enum dialogue_turn {
	DIALOGUE_SAY,	 /* *ret_len bytes in `out`; then ask again */
	DIALOGUE_LISTEN, /* until more has come */
	DIALOGUE_DONE,	 /* all was as wanted */
	DIALOGUE_WRONG,	 /* what is wanted has not come within the bound */
};

void dialogue_init(struct dialogue *d, const struct check *conf);
void dialogue_done(struct dialogue *d);

enum dialogue_turn dialogue_next(struct dialogue *d, uint8_t out[DIALOGUE_SEND_MAX],
				 size_t *ret_len);
/* Beyond the bound bytes are left out: dialogue_next() tells. */
void dialogue_hear(struct dialogue *d, const void *at, size_t len);

/* "answered \"-ERR no\", wanted \"+PONG\"" */
void dialogue_describe(const struct dialogue *d, struct text *ret);

#endif
