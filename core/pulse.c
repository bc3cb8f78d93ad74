/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a process is at work: see pulse.h. */
#include "core/pulse.h"

#include "core/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAT_MAX 4096

bool pulse_parse(const char *stat, char *ret_state, uint64_t *ret_cpu_ticks)
{
	/* The program's name stands in parentheses, and may have some itself. */
	const char *at = strrchr(stat, ')');
	uint64_t user, system;

	if (!at || sscanf(at + 1,
			  " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %" SCNu64,
			  ret_state, &user, &system) != 3)
		return false;
	*ret_cpu_ticks = user + system;
	return true;
}

bool pulse_feel(struct pulse *p, pid_t pid)
{
	uint64_t former = p->cpu_ticks;
	char path[64], state = 0;
	char *stat;
	bool known;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read(path, STAT_MAX, &stat, &n) < 0)
		return false;
	known = pulse_parse(stat, &state, &p->cpu_ticks);
	free(stat);
	return known && (p->cpu_ticks != former || state == 'R' || state == 'D');
}
