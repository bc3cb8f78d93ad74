/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split brain: another router that is Active beside us, or another machine that has one of our
 * addresses. When that is worth a line, and when it is over. Pure: told what was heard and when;
 * knows neither packets nor the log.
 */
#ifndef TANDEM_VRRP_RIVAL_H
#define TANDEM_VRRP_RIVAL_H

#include "core/clock.h"

#include <stdbool.h>
#include <stdint.h>

struct rival_conf {
	/* What is left of a takeover, the last words of the former Active above all, is no rival:
	 * of what is heard, so much after we became Active; and of a claim, so long until it has
	 * made us yield. */
	int64_t grace_us;
	int64_t over_us;  /* not heard for so long: gone */
	int64_t again_us; /* between two answers to claims that go on */
};

/* All zero: none. */
struct rival {
	bool heard;
	bool told;
	int64_t first_us;
	int64_t last_us;
	int64_t answered_us;
	bool owed; /* an answer, when again_us is over: else the last word would be the rival's */
};

enum rival_act {
	RIVAL_NOTHING,
	RIVAL_TELL,   /* and announce our addresses anew */
	RIVAL_ANSWER, /* announce our addresses anew */
	RIVAL_OVER,   /* tell that it is: it lasted from first_us to last_us */
};

/* An advertisement that does not beat ours. The machine answers it itself. */
enum rival_act rival_advertises(struct rival *r, const struct rival_conf *c, int64_t now_us,
				int64_t active_since_us);
/* Somebody says that an address of ours is his. */
enum rival_act rival_claims(struct rival *r, const struct rival_conf *c, int64_t now_us);
/* Time has passed. */
enum rival_act rival_wait(struct rival *r, const struct rival_conf *c, int64_t now_us);
/* When to call rival_wait(); USEC_NEVER: not before something is heard. */
int64_t rival_deadline(const struct rival *r, const struct rival_conf *c);
/* We are Active no more. */
void rival_forget(struct rival *r);

#endif
