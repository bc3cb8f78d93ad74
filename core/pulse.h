/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a process that does not answer at work? One that waits for something that does not come uses
 * no CPU time; one on a machine that is too busy uses some, or waits for a CPU.
 */
#ifndef TANDEM_PULSE_H
#define TANDEM_PULSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct pulse {
	uint64_t cpu_ticks; /* when it was last felt */
};

/* True when it has used CPU time since it was felt last, or waits for a CPU or a disk now. */
bool pulse_feel(struct pulse *p, pid_t pid);

/* A line of /proc/PID/stat (proc_pid_stat(5)). False: it is none. */
bool pulse_parse(const char *stat, char *ret_state, uint64_t *ret_cpu_ticks);

#endif
