/* SPDX-License-Identifier: Apache-2.0 */
/* When to try again: see backoff.h. */
#include "core/backoff.h"

#define SECOND_US     ((int64_t)1000000)
#define DOUBLINGS_MAX 6

int64_t backoff_after_us(uint32_t failures)
{
	if (failures == 0)
		return 0;
	return failures <= DOUBLINGS_MAX ? SECOND_US << (failures - 1) : BACKOFF_MAX_US;
}

int64_t backoff_delay_us(struct backoff *b, int64_t ran_us)
{
	int64_t delay_us;

	if (ran_us > BACKOFF_FORGIVE_US)
		b->young_deaths = 0;
	delay_us = backoff_after_us(b->young_deaths);
	if (b->young_deaths <= DOUBLINGS_MAX)
		b->young_deaths++;
	return delay_us;
}
