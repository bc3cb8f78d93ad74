/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: see log.h. */
#include "core/log.h"

#include "core/clock.h"
#include "core/system_log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
/* A burst of lines may fill the log's socket for a moment. One that hangs costs this once. */
#define PATIENCE_MS 3

static struct {
	const char *program;
	bool to_stderr;
	enum log_level least;
	uint64_t dropped;
} log_state = { .program = "tandem", .to_stderr = true, .least = LOG_LEVEL_INFO };

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_INFO] = "info",   [LOG_LEVEL_DEBUG] = "debug",
};

static const int level_priorities[] = {
	[LOG_LEVEL_ERROR] = LOG_ERR,   [LOG_LEVEL_WARNING] = LOG_WARNING,
	[LOG_LEVEL_NOTICE] = LOG_NOTICE, [LOG_LEVEL_INFO] = LOG_INFO,
	[LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

void log_open(const char *program, bool to_stderr, enum log_level least)
{
	log_state.program = program;
	log_state.to_stderr = to_stderr;
	log_state.least = least;
}

static int stamp(char *at, size_t size, enum log_level level)
{
	int64_t now_us = clock_realtime_us();
	time_t seconds = (time_t)(now_us / USEC_PER_SEC);
	struct tm tm;
	char day[32];

	gmtime_r(&seconds, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	return snprintf(at, size, "%s.%06dZ %s[%d] %s: ", day, (int)(now_us % USEC_PER_SEC),
			log_state.program, (int)getpid(), level_names[level]);
}

/* stderr may be a pipe whose reader sleeps: a line is worth less than an advertisement. */
static int write_stderr(const char *line, size_t len)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&out, 1, 0) != 1 || write(STDERR_FILENO, line, len) != (ssize_t)len)
		return -EAGAIN;
	return 0;
}

/* The next line that arrives tells how many did not. */
static void count(int err)
{
	log_state.dropped = err ? log_state.dropped + 1 : 0;
}

/* One fact a line, whatever a peer or a file has put into its words. */
static void mask_controls(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = *text == '\t' ? ' ' : '?';
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	size_t at = 0;
	va_list ap;

	if (level > log_state.least)
		return;
	if (log_state.to_stderr)
		at = (size_t)stamp(line, sizeof(line), level);
	va_start(ap, fmt);
	vsnprintf(line + at, sizeof(line) - at - 64, fmt, ap);
	va_end(ap);
	mask_controls(line + at);
	at = strlen(line);
	if (log_state.dropped)
		at += (size_t)snprintf(line + at, 48, " (%llu lines lost before this one)",
				       (unsigned long long)log_state.dropped);
	if (log_state.to_stderr)
		line[at++] = '\n';
	count(log_state.to_stderr ? write_stderr(line, at)
				  : system_log_send(level_priorities[level], log_state.program,
						    line, log_state.dropped ? 0 : PATIENCE_MS));
}

bool log_limit_pass(struct log_limit *l, int64_t now_us)
{
	if (now_us - l->window_start_us >= l->interval_us) {
		l->window_start_us = now_us;
		l->in_window = 0;
	}
	if (l->in_window >= l->burst) {
		l->suppressed++;
		return false;
	}
	l->in_window++;
	return true;
}

const char *log_limit_suffix(struct log_limit *l)
{
	if (!l->suppressed)
		return "";
	snprintf(l->suffix, sizeof(l->suffix), " (%llu more not shown)",
		 (unsigned long long)l->suppressed);
	l->suppressed = 0;
	return l->suffix;
}
