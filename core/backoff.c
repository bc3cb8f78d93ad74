/* SPDX-License-Identifier: Apache-2.0 */
/* When to start a role again: see backoff.h. */
#include "core/backoff.h"

#define SECOND_US     ((int64_t)1000000)
#define DOUBLINGS_MAX 6

int64_t backoff_delay_us(struct backoff *b, int64_t ran_us)
{
	int64_t delay_us;
	uint32_t n;

	if (ran_us > BACKOFF_FORGIVE_US)
		b->young_deaths = 0;
	n = b->young_deaths;
	if (n == 0)
		delay_us = 0;
	else if (n <= DOUBLINGS_MAX)
		delay_us = SECOND_US << (n - 1);
	else
		delay_us = BACKOFF_MAX_US;
	if (n <= DOUBLINGS_MAX)
		b->young_deaths++;
	return delay_us;
}
