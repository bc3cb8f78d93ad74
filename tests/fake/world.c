/* SPDX-License-Identifier: Apache-2.0 */
/* The run: see world.h. */
#include "tests/fake/world.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

bool world_traces(const struct world *w)
{
	return w->trace && w->act >= w->trace_from;
}

void world_trace(const struct world *w, const struct node *n, const char *format, ...)
{
	va_list args;

	if (!world_traces(w))
		return;
	fprintf(w->trace, "%12.3f ms  %-5s ", (double)w->now_us / USEC_PER_MSEC, n ? n->name : "");
	va_start(args, format);
	vfprintf(w->trace, format, args);
	va_end(args);
	fputc('\n', w->trace);
}

void world_init(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->now_us = USEC_PER_SEC; /* not 0: nothing may depend on it */
	rng_init(&w->rng, seed);
}

void world_plan(struct world *w, int64_t at_us, void (*what)(struct world *w, struct node *n),
		struct node *node)
{
	assert(w->n_todo < WORLD_TODO_MAX);
	w->todo[w->n_todo++] = (struct todo){.at_us = at_us, .what = what, .node = node};
}

static struct todo *next_todo(struct world *w)
{
	struct todo *first = NULL;

	for (unsigned i = 0; i < w->n_todo; i++)
		if (!first || w->todo[i].at_us < first->at_us)
			first = &w->todo[i];
	return first;
}

static void do_next(struct world *w, struct todo *todo)
{
	struct todo now = *todo;

	memmove(todo, todo + 1, (size_t)(&w->todo[w->n_todo--] - (todo + 1)) * sizeof(*todo));
	now.what(w, now.node);
}

static struct node *next_node(struct world *w)
{
	struct node *first = NULL;

	for (struct node *n = w->nodes; n < w->nodes + w->n_nodes; n++)
		if (node_wake_us(n) != USEC_NEVER &&
		    (!first || node_wake_us(n) < node_wake_us(first)))
			first = n;
	return first;
}

/* A client believes the last that said it has the addresses. */
static void client_hears(struct world *w, const struct lan_frame *f)
{
	struct node *from = &w->nodes[f->from];

	if (w->gateway[f->to] == from)
		return;
	w->gateway[f->to] = from;
	world_trace(w, NULL, "client %u sends to %s", f->to + 1, from->name);
	watch_moment(w);
}

static void deliver(struct world *w)
{
	struct lan_frame f = lan_take(&w->lan);

	if (f.kind == LAN_ANNOUNCE)
		client_hears(w, &f);
	else
		node_receive(w, &w->nodes[f.to], &f);
}

static void advance(struct world *w, int64_t to_us)
{
	watch_time(w, to_us);
	if (to_us > w->now_us)
		w->now_us = to_us;
}

bool world_run(struct world *w, int64_t until_us)
{
	while (!w->watch.violation[0]) {
		int64_t frame_us = lan_next_us(&w->lan);
		struct todo *todo = next_todo(w);
		struct node *node = next_node(w);
		int64_t todo_us = todo ? todo->at_us : USEC_NEVER;
		int64_t node_us = node ? node_wake_us(node) : USEC_NEVER;
		int64_t next_us = frame_us < node_us ? frame_us : node_us;

		if (todo_us < next_us)
			next_us = todo_us;
		if (channel_next_us(w) < next_us)
			next_us = channel_next_us(w);
		if (next_us > until_us)
			break;
		advance(w, next_us);
		if (w->watch.violation[0])
			break;
		w->n_events++;
		if (next_us == todo_us)
			do_next(w, todo);
		else if (next_us == frame_us)
			deliver(w);
		else if (next_us == channel_next_us(w))
			channel_run(w);
		else
			node_wake(w, node);
	}
	if (!w->watch.violation[0])
		advance(w, until_us);
	return !w->watch.violation[0];
}
