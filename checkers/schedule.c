/* SPDX-License-Identifier: Apache-2.0 */
/* When checks run for the first time: see schedule.h. */
#include "checkers/schedule.h"

#include <stdlib.h>

/* Ids of the model are hashes already, but nothing here depends on that. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= UINT64_C(0x7fb5d329728ea185);
	x ^= x >> 27;
	x *= UINT64_C(0x81dadef4bc2dd44d);
	return x ^ x >> 33;
}

static int compare_slots(const void *a, const void *b)
{
	uint64_t x = mix(((const struct schedule_slot *)a)->id);
	uint64_t y = mix(((const struct schedule_slot *)b)->id);

	return x < y ? -1 : x > y;
}

void schedule_spread(struct schedule_slot *slots, size_t n, int64_t now_us)
{
	if (n == 0)
		return;
	qsort(slots, n, sizeof(*slots), compare_slots);
	for (size_t i = 0; i < n; i++)
		slots[i].first_run_us =
			now_us + (int64_t)((double)slots[i].warmup_us * (double)i / (double)n);
}
