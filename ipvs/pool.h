/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pool's judgement: which of its servers take part, which of those that fail are kept because
 * too many do (max_ejection), and how their weights move (slow_start, feedback). Pure. What it
 * finds is in health_entry.pool; what follows for the kernel's table is wanted.h's.
 */
#ifndef TANDEM_IPVS_POOL_H
#define TANDEM_IPVS_POOL_H

#include "core/model.h"
#include "ipvs/health.h"
#include "ipvs/weight.h"

/* Of two moments when something is due; 0 is none. */
static inline int64_t earlier_us(int64_t a_us, int64_t b_us)
{
	return !a_us || (b_us && b_us < a_us) ? b_us : a_us;
}

/* The checks' verdict. Nothing known: up, unless a check has alpha; without checks always up. */
bool pool_passes(const struct real_server *rs, const struct health_entry *e);
/* The harder word of the operator's and the agent's. */
enum server_admin pool_admin(const struct health_entry *e);
/* Is it in the pool: does it pass, or is it kept, and does nobody want it out? */
bool pool_has(const struct real_server *rs, const struct health_entry *e);
/* May it get new connections? */
bool pool_draws(const struct real_server *rs, const struct health_entry *e);

void pool_factors(const struct real_server *rs, const struct health_entry *e,
		  struct weight_factors *ret);
/* What it counts for in the quorum: without slow start and feedback, which come and go. */
int32_t pool_quorum_weight(const struct real_server *rs, const struct health_entry *e);

enum pool_change {
	POOL_SAME,
	POOL_KEPT,     /* would have been taken out, but max_ejection is reached */
	POOL_RELEASED, /* no longer kept: it passes, or others do and it is taken out */
	POOL_MOVED,    /* anything else */
};

/*
 * Moves on to now_us. `changed` is called for each server of which more than nothing has changed.
 * Returns when the pool is to be stepped again without being asked to; 0: never.
 */
int64_t pool_step(const struct virtual_server *vs, struct health *h, int64_t now_us,
		  void (*changed)(void *ctx, const struct real_server *rs, enum pool_change what),
		  void *ctx);

/* How long its checks take to have had their word again, at most 30 s. */
int64_t pool_checks_round_us(const struct real_server *rs);

/* How many of a pool of n max_ejection lets its checks take out. */
uint32_t pool_ejection_max(const struct virtual_server *vs, uint32_t n);

/*
 * One round of feedback over the pool; loads are in health_entry.latency_us or .pool.bytes_per_s.
 * True when a factor has changed.
 */
bool pool_feedback(const struct virtual_server *vs, struct health *h);

/* `bytes` have been forwarded to and from the server so far: its smoothed rate. */
void pool_count_bytes(struct health_entry *e, uint64_t bytes, int64_t interval_us);

#endif
