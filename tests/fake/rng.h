/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's dice: one seed, one sequence, on every machine. */
#ifndef TANDEM_FAKE_RNG_H
#define TANDEM_FAKE_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

/* Any seed is a good one. */
void rng_init(struct rng *rng, uint64_t seed);
/* From 0 to n - 1. */
unsigned rng_below(struct rng *rng, unsigned n);
/* From least to most, both included. */
int64_t rng_between(struct rng *rng, int64_t least, int64_t most);
bool rng_percent(struct rng *rng, unsigned percent);

#endif
