/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the clock: see clock.h. */
#include "core/clock.h"

#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t clock_realtime_us(void)
{
	return read_us(CLOCK_REALTIME);
}
