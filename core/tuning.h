/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the kernel is to schedule a role: nice value, real time, CPUs. The supervisor sets it from
 * outside, so that no role needs a capability for it and a reload can take it back. What a process
 * may do for itself, lock its memory and limit its time, it does: role_tune().
 */
#ifndef TANDEM_TUNING_H
#define TANDEM_TUNING_H

#include "core/model.h"
#include "core/spawn.h"

#include <sched.h>

struct tuning_wanted {
	int nice;	 /* -20 to 19 */
	bool nice_asked; /* by the file: a refusal is told */
	int policy;	 /* SCHED_... */
	int rt_priority; /* of a real-time policy, 1 to 99; else 0 */
	bool no_swap;	 /* RLIMIT_MEMLOCK is to allow it */
	cpu_set_t cpus;
};

/* What the file says of the role. */
const struct tuning *tuning_configured(const struct role_desc *desc, const struct global *g);

/* Pure. Of `whole`, which the administrator gave us all, a role has what the file does not say:
 * policy, rt_priority, cpus. */
void tuning_want(const struct role_desc *desc, const struct global *g,
		 const struct tuning_wanted *whole, struct tuning_wanted *ret);

/* Makes it so for the process; sets only what differs. What the kernel refuses is logged. */
void tuning_apply(const struct role_desc *desc, const struct global *g, pid_t pid);

#endif
