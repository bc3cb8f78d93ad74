/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines: one fact a line, written by programs (never by library code under them).
 * To stderr with a time stamp when in the foreground, else to syslog. Never blocks: a line that
 * cannot be written at once is dropped and counted, and the count is told with the next line.
 */
#ifndef TANDEM_LOG_H
#define TANDEM_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,   /* something does not work; the operator should act */
	LOG_LEVEL_WARNING, /* works, but not as wished */
	LOG_LEVEL_NOTICE,  /* a change of state */
	LOG_LEVEL_INFO,	   /* what is going on */
	LOG_LEVEL_DEBUG,
};

/* `program` must outlive the log. With to_stderr false, lines go to syslog's daemon facility. */
void log_open(const char *program, bool to_stderr, enum log_level least);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * At most `burst` lines in each `interval_us`, for what a stranger on the network can provoke.
 *
 *	if (log_limit_pass(&limit, now_us))
 *		log_warning("…%s", log_limit_suffix(&limit));
 */
struct log_limit {
	int64_t interval_us;
	uint32_t burst;
	int64_t window_start_us;
	uint32_t in_window;
	uint64_t suppressed;
	char suffix[48];
};

bool log_limit_pass(struct log_limit *l, int64_t now_us);
/* "" or " (12 more not shown)", since the last line that passed; resets the count. */
const char *log_limit_suffix(struct log_limit *l);

#endif
