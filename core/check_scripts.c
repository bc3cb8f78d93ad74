/* SPDX-License-Identifier: Apache-2.0 */
/* The scripts of MISC_CHECK: see check_scripts.h. */
#include "core/check_scripts.h"

#include "core/scripts.h"

#include <errno.h>
#include <stdlib.h>

/* Apart from notify scripts, which must not wait for these. */
#define RUNNING_MAX 256

/* A check with a script, in the model of this generation. */
struct known {
	uint64_t id;
	const struct check *conf;
	uint32_t serial; /* of the last who asked */
	bool runs;
};

struct check_scripts {
	struct scripts *scripts;
	void (*tell)(void *ctx, const struct msg_script_end *end);
	void *ctx;
	const struct model *model; /* that `known` is of */
	uint64_t generation;
	struct known *known; /* by id */
	size_t n;
};

static int compare_known(const void *a, const void *b)
{
	uint64_t x = ((const struct known *)a)->id, y = ((const struct known *)b)->id;

	return (x > y) - (x < y);
}

static struct known *find(const struct check_scripts *cs, uint64_t id)
{
	const struct known key = {.id = id};

	return cs->n ? bsearch(&key, cs->known, cs->n, sizeof(*cs->known), compare_known) : NULL;
}

/* What is NULL only counts. */
static size_t collect(const struct model *m, struct known *ret)
{
	size_t n = 0;

	for (uint32_t i = 0; i < m->n_services; i++) {
		const struct virtual_server *vs = &m->services[i];

		for (uint32_t j = 0; j < vs->n_servers; j++) {
			for (uint32_t k = 0; k < vs->servers[j].n_checks; k++) {
				const struct check *c = &vs->servers[j].checks[k];

				if (!c->n_misc)
					continue;
				if (ret)
					ret[n] = (struct known){.id = c->id, .conf = c};
				n++;
			}
		}
	}
	return n;
}

/* Runs go on over a reload. 0 or -ENOMEM. */
static int know(struct check_scripts *cs, const struct model *m)
{
	struct check_scripts next = *cs;

	if (cs->model == m && cs->generation == m->generation)
		return 0;
	next.n = collect(m, NULL);
	next.known = calloc(next.n + 1, sizeof(*next.known));
	if (!next.known)
		return -ENOMEM;
	collect(m, next.known);
	qsort(next.known, next.n, sizeof(*next.known), compare_known);
	for (size_t i = 0; i < cs->n; i++) {
		struct known *same = find(&next, cs->known[i].id);

		if (same) {
			same->runs = cs->known[i].runs;
			same->serial = cs->known[i].serial;
		}
	}
	next.model = m;
	next.generation = m->generation;
	free(cs->known);
	*cs = next;
	return 0;
}

static void on_ended(void *ctx, uint64_t object, const struct script_end *end)
{
	struct check_scripts *cs = ctx;
	struct known *k = find(cs, object);
	struct msg_script_end answer = {.check = object,
					.how = (uint8_t)end->how,
					.value = (uint8_t)end->value};

	if (!k)
		return; /* the check is gone meanwhile */
	k->runs = false;
	answer.serial = k->serial;
	text_set(&answer.reason, "%s", end->why ? end->why : "");
	cs->tell(cs->ctx, &answer);
}

static int run(struct check_scripts *cs, const struct model *m, struct known *k)
{
	const struct check_misc *misc = k->conf->misc;
	struct script_request r =
		scripts_request_as(misc->command, misc->user, misc->group, m->global);
	char name[TEXT_MAX];

	r.object = k->id;
	r.name = check_format(k->conf, name);
	r.timeout_us = misc->timeout_us;
	r.ended = on_ended;
	r.ctx = cs;
	return scripts_run(cs->scripts, &r);
}

/* Who asks of a check that is not here yet, or asks again, gets its answer by asking again. */
void check_scripts_ask(struct check_scripts *cs, const struct model *m,
		       const struct msg_script_ask *ask)
{
	struct known *k;

	if (!m || know(cs, m) < 0)
		return;
	k = find(cs, ask->check);
	if (!k)
		return;
	k->serial = ask->serial;
	if (k->runs)
		return;
	k->runs = true;
	if (run(cs, m, k) < 0)
		on_ended(cs, k->id,
			 &(struct script_end){.how = SCRIPT_NOT_RUN,
					      .why = "open quote, or nothing to run"});
}

int check_scripts_new(struct ev_loop *loop,
		      void (*tell)(void *ctx, const struct msg_script_end *end), void *ctx,
		      struct check_scripts **ret)
{
	struct check_scripts *cs = calloc(1, sizeof(*cs));
	int err;

	if (!cs)
		return -ENOMEM;
	err = scripts_new(loop, RUNNING_MAX, &cs->scripts);
	if (err) {
		free(cs);
		return err;
	}
	cs->tell = tell;
	cs->ctx = ctx;
	*ret = cs;
	return 0;
}

void check_scripts_free(struct check_scripts *cs)
{
	if (!cs)
		return;
	scripts_free(cs->scripts);
	free(cs->known);
	free(cs);
}
