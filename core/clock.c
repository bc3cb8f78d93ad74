/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the clock: see clock.h. */
#include "core/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
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

int duration_parse(const char *s, int64_t *ret_us)
{
	static const struct {
		const char *unit;
		int64_t seconds;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	char *end;
	long long n = strtoll(s, &end, 10);

	if (*s < '0' || *s > '9' || n <= 0 || n > DURATION_MAX_S)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		if (n * units[i].seconds > DURATION_MAX_S)
			return -EINVAL;
		*ret_us = n * units[i].seconds * USEC_PER_SEC;
		return 0;
	}
	return -EINVAL;
}
