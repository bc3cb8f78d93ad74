/* SPDX-License-Identifier: Apache-2.0 */
/* global_defs: how the kernel schedules the VRRP and check processes (core/tuning.h). */
#include <sched.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"

void tuning_init(struct global_draft *d)
{
	const struct tuning own = {.nice = TUNING_NICE_NONE, .name = ""};

	d->vrrp_tuning = d->checker_tuning = own;
}

static struct tuning *keep(struct checker *c, const struct tuning *t)
{
	struct tuning *kept = arena_alloc(c->arena, sizeof(*kept));

	*kept = *t;
	return kept;
}

void tuning_finish(struct checker *c)
{
	struct global_draft *d = &c->global;

	d->g.vrrp_tuning = keep(c, &d->vrrp_tuning);
	d->g.n_vrrp_tuning = 1;
	d->g.checker_tuning = keep(c, &d->checker_tuning);
	d->g.n_checker_tuning = 1;
}

static struct tuning *tuning_of(struct global_draft *d, const struct ast_node *n)
{
	return strncmp(n->word[0].s, "vrrp_", 5) == 0 ? &d->vrrp_tuning : &d->checker_tuning;
}

/* keepalived takes what is too high as the highest. */
void set_global_rt_priority(struct checker *c, void *draft, const struct ast_node *n)
{
	int64_t value;

	if (!value_number(c, &n->word[1], 1, INT32_MAX, &value))
		return;
	if (value > 99)
		check_warn(c, &n->word[1].loc,
			   "%s is above the highest real-time priority; 99 is used", n->word[1].s);
	tuning_of(draft, n)->rt_priority = value > 99 ? 99 : (uint8_t)value;
}

/* Whether this machine has such a CPU is for the kernel to say: a file is checked anywhere. */
void set_global_cpu_affinity(struct checker *c, void *draft, const struct ast_node *n)
{
	struct tuning *t = tuning_of(draft, n);
	struct cpu *cpus = check_extend(c, NULL, 0, n->n_words, sizeof(*cpus));
	uint32_t n_cpus = 0;
	int64_t number;

	for (uint32_t i = 1; i < n->n_words; i++) {
		if (!value_number(c, &n->word[i], 0, CPU_SETSIZE - 1, &number))
			return;
		cpus[n_cpus++].number = (uint32_t)number;
	}
	t->cpus = cpus;
	t->n_cpus = n_cpus;
}
