/* SPDX-License-Identifier: Apache-2.0 */
/* What the first line of reload_time_file means, in keepalived's formats. Pure. */
#ifndef TANDEM_RELOAD_TIME_H
#define TANDEM_RELOAD_TIME_H

#include <stdbool.h>
#include <time.h>

/*
 * "[[YY]YY-MM-DD ]HH:MM:SS[Z]" and nothing else, up to the end of the line or the text; with Z it
 * is UTC, else local time. Without a date it is the next time of day after `now_s`. *ret_s: since
 * the epoch. 0; -EINVAL: it is none of these; -ETIME: the date has passed.
 */
int reload_time_parse(const char *text, time_t now_s, time_t *ret_s);

#endif
