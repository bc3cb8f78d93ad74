/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to try again what goes on failing: after 1, 2, 4 … 60 s; and a role that has ended: at once,
 * then so while it goes on ending young. Pure: knows no process and no clock.
 */
#ifndef TANDEM_BACKOFF_H
#define TANDEM_BACKOFF_H

#include <stdint.h>

#define BACKOFF_MAX_US	   (60 * (int64_t)1000000)
#define BACKOFF_FORGIVE_US (5 * (int64_t)1000000) /* served longer than this: starts afresh */

/* How long to wait after so many failures in a row; after none: not at all. */
int64_t backoff_after_us(uint32_t failures);

struct backoff {
	uint32_t young_deaths; /* in a row */
};

/* It ran for ran_us and ended: how long to wait before the next start. */
int64_t backoff_delay_us(struct backoff *b, int64_t ran_us);

#endif
