/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that reads the clock. Engines are given `now_us`; only shells call this.
 * Monotonic time is comparable between all processes of one machine since its boot.
 */
#ifndef TANDEM_CLOCK_H
#define TANDEM_CLOCK_H

#include <stdint.h>

#define USEC_PER_MSEC ((int64_t)1000)
#define USEC_PER_CSEC ((int64_t)10000)
#define USEC_PER_SEC  ((int64_t)1000000)
#define USEC_NEVER    INT64_MAX

int64_t clock_now_us(void);	 /* CLOCK_MONOTONIC, microseconds */
int64_t clock_realtime_us(void); /* CLOCK_REALTIME, microseconds since 1970 */

#define DURATION_MAX_S (INT64_C(366) * 86400)
/* What people say: "90", "90s", "10m", "2h", "1d"; at least a second. 0, or -EINVAL. */
int duration_parse(const char *s, int64_t *ret_us);

#endif
