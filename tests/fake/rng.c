/* SPDX-License-Identifier: Apache-2.0 */
/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
#include "tests/fake/rng.h"

static uint64_t next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void rng_init(struct rng *rng, uint64_t seed)
{
	rng->state = seed;
}

unsigned rng_below(struct rng *rng, unsigned n)
{
	return (unsigned)(next(rng) % n);
}

int64_t rng_between(struct rng *rng, int64_t least, int64_t most)
{
	return least + (int64_t)(next(rng) % (uint64_t)(most - least + 1));
}

bool rng_percent(struct rng *rng, unsigned percent)
{
	return rng_below(rng, 100) < percent;
}
