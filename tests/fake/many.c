/* SPDX-License-Identifier: Apache-2.0 */
/* The second kind of run: see many.h. */
#include "tests/fake/many.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#define ACTS_LEAST 4
#define ACTS_MOST  10

void many_trace(const struct many *w, const struct host *h, const char *format, ...)
{
	va_list args;

	if (!w->trace || w->act < w->trace_from)
		return;
	fprintf(w->trace, "%12.3f ms  %-5s ", (double)w->now_us / USEC_PER_MSEC, h ? h->name : "");
	va_start(args, format);
	vfprintf(w->trace, format, args);
	va_end(args);
	fputc('\n', w->trace);
}

int64_t many_down_us(const struct many *w)
{
	return 3 * w->interval_us +
	       (w->hosts[0].routers[0].conf.version == 2 ? USEC_PER_SEC : w->interval_us);
}

void many_plan(struct many *w, int64_t at_us,
	       void (*what)(struct many *w, struct host *h, unsigned router), struct host *h,
	       unsigned router)
{
	assert(w->n_todo < MANY_TODO_MAX);
	w->todo[w->n_todo++] =
		(struct many_todo){.at_us = at_us, .what = what, .host = h, .router = router};
}

static struct many_todo *next_todo(struct many *w)
{
	struct many_todo *first = NULL;

	for (unsigned i = 0; i < w->n_todo; i++)
		if (!first || w->todo[i].at_us < first->at_us)
			first = &w->todo[i];
	return first;
}

static void do_todo(struct many *w, struct many_todo *todo)
{
	struct many_todo now = *todo;

	memmove(todo, todo + 1, (size_t)(&w->todo[w->n_todo--] - (todo + 1)) * sizeof(*todo));
	now.what(w, now.host, now.router);
}

static int64_t next_wake(const struct many *w, unsigned *ret_host, unsigned *ret_router)
{
	int64_t first_us = USEC_NEVER;

	for (unsigned k = 0; k < w->n_hosts; k++)
		for (unsigned i = 0; i < w->n_routers; i++) {
			int64_t at_us = host_deadline_us(w, &w->hosts[k], i);

			if (at_us >= first_us)
				continue;
			first_us = at_us;
			*ret_host = k;
			*ret_router = i;
		}
	return first_us;
}

static bool run_for(struct many *w, int64_t us)
{
	int64_t until_us = w->now_us + us;

	while (!w->violation[0]) {
		unsigned host = 0, router = 0;
		int64_t wake_us = next_wake(w, &host, &router), frame_us = lan_next_us(&w->lan);
		struct many_todo *todo = next_todo(w);
		int64_t todo_us = todo ? todo->at_us : USEC_NEVER;
		int64_t next_us = wake_us < frame_us ? wake_us : frame_us;

		next_us = todo_us < next_us ? todo_us : next_us;
		if (next_us > until_us)
			break;
		if (next_us > w->now_us)
			w->now_us = next_us;
		w->n_events++;
		if (next_us == todo_us) {
			do_todo(w, todo);
		} else if (next_us == frame_us) {
			struct lan_frame f = lan_take(&w->lan);

			host_receive(w, &w->hosts[f.to], &f);
		} else {
			host_wake(w, &w->hosts[host], router);
		}
	}
	w->now_us = until_us;
	return !w->violation[0];
}

/* Everybody times out, the wrong group is Active, the right one takes over, addresses are let go.
 */
static int64_t settle_us(const struct many *w)
{
	return 5 * many_down_us(w) + 6 * w->interval_us + 4 * VRRP_LET_GO_US +
	       2 * w->hosts[0].routers[0].conf.drain_us;
}

static bool act(struct many *w)
{
	int64_t lasts_us = w->act ? many_act(w) : many_start(w);
	bool stormy;

	if (!run_for(w, lasts_us))
		return false;
	stormy = !w->expect.steady && !w->expect.held;
	if (stormy)
		many_calm(w);
	if (!run_for(w, settle_us(w)))
		return false;
	many_watch_settled(w);
	many_watch_expect(w, &(struct many_expect){.act = "all is calm"});
	return run_for(w, rng_between(&w->rng, 0, w->interval_us));
}

bool many_run(struct many *w, uint64_t seed, FILE *trace, unsigned trace_from)
{
	unsigned acts;

	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->now_us = USEC_PER_SEC;
	w->trace = trace;
	w->trace_from = trace_from;
	rng_init(&w->rng, seed);
	many_setup(w);
	acts = (unsigned)rng_between(&w->rng, ACTS_LEAST, ACTS_MOST);
	for (; w->act < acts; w->act++)
		if (!act(w))
			return false;
	return true;
}
