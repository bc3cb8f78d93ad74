/* SPDX-License-Identifier: Apache-2.0 */
/* How the kernel schedules a role: see tuning.h. */
#include "core/tuning.h"

#include "core/log.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

const struct tuning *tuning_configured(const struct role_desc *desc, const struct global *g)
{
	static const struct tuning none = {.nice = TUNING_NICE_NONE};

	if (desc->id == ROLE_VRRP)
		return g->vrrp_tuning;
	return desc->id == ROLE_CHECK ? g->checker_tuning : &none;
}

void tuning_want(const struct role_desc *desc, const struct global *g,
		 const struct tuning_wanted *whole, struct tuning_wanted *ret)
{
	const struct tuning *t = tuning_configured(desc, g);

	*ret = *whole;
	ret->no_swap = t->no_swap;
	ret->nice_asked = t->nice != TUNING_NICE_NONE;
	ret->nice = ret->nice_asked ? t->nice : desc->nice;
	if (t->rt_priority) {
		ret->policy = SCHED_RR;
		ret->rt_priority = t->rt_priority;
	}
	if (t->n_cpus)
		CPU_ZERO(&ret->cpus);
	for (uint32_t i = 0; i < t->n_cpus; i++)
		CPU_SET(t->cpus[i].number, &ret->cpus);
}

static void refused(const struct role_desc *desc, const char *what, int value)
{
	log_warning("%s: %s %d refused: %s", role_name(desc->id), what, value, strerror(errno));
}

static void set_nice(const struct role_desc *desc, const struct tuning_wanted *w, pid_t pid)
{
	if (getpriority(PRIO_PROCESS, (id_t)pid) == w->nice)
		return;
	/* A container may forbid it: told when somebody asked for it. */
	if (setpriority(PRIO_PROCESS, (id_t)pid, w->nice) < 0 && w->nice_asked)
		refused(desc, "nice value", w->nice);
}

static void set_real_time(const struct role_desc *desc, const struct tuning_wanted *w, pid_t pid)
{
	struct sched_param now, param = {.sched_priority = w->rt_priority};

	if (sched_getscheduler(pid) == w->policy && sched_getparam(pid, &now) == 0 &&
	    now.sched_priority == w->rt_priority)
		return;
	if (sched_setscheduler(pid, w->policy, &param) < 0)
		refused(desc, "real-time priority", w->rt_priority);
}

static void set_cpus(const struct role_desc *desc, const struct tuning_wanted *w, pid_t pid)
{
	cpu_set_t now;

	if (sched_getaffinity(pid, sizeof(now), &now) == 0 && CPU_EQUAL(&now, &w->cpus))
		return;
	if (sched_setaffinity(pid, sizeof(w->cpus), &w->cpus) < 0)
		log_warning("%s: its CPUs are refused: %s", role_name(desc->id), strerror(errno));
}

/*
 * For a process that was started without CAP_IPC_LOCK, because the file asks for it only now.
 * Never lowered again: what is locked by then could not grow.
 */
static void allow_lock(const struct role_desc *desc, const struct tuning_wanted *w, pid_t pid)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit limit;

	if (!w->no_swap)
		return;
	if (prlimit(pid, RLIMIT_MEMLOCK, NULL, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY)
		return;
	if (prlimit(pid, RLIMIT_MEMLOCK, &all, NULL) < 0)
		log_info("%s: its limit of locked memory can't be raised: %s", role_name(desc->id),
			 strerror(errno));
}

void tuning_apply(const struct role_desc *desc, const struct global *g, pid_t pid)
{
	struct tuning_wanted whole = {.policy = sched_getscheduler(0)}, w;
	struct sched_param param;

	if (whole.policy < 0 || sched_getparam(0, &param) < 0 ||
	    sched_getaffinity(0, sizeof(whole.cpus), &whole.cpus) < 0)
		return;
	whole.rt_priority = param.sched_priority;
	tuning_want(desc, g, &whole, &w);
	set_nice(desc, &w, pid);
	set_real_time(desc, &w, pid);
	set_cpus(desc, &w, pid);
	allow_lock(desc, &w, pid);
}
