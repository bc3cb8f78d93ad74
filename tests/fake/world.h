/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole of one run: a LAN, its directors and clients, the time, and what is to happen to them.
 * It moves time from one event to the next; what happens is the script's business, and what must
 * be true is the watch's.
 */
#ifndef TANDEM_FAKE_WORLD_H
#define TANDEM_FAKE_WORLD_H

#include "tests/fake/lan.h"
#include "tests/fake/node.h"
#include "tests/fake/watch.h"

#include <stdio.h>

#define WORLD_TODO_MAX 64

/* Something that happens to one director (or to the LAN) at its time. */
struct todo {
	int64_t at_us;
	void (*what)(struct world *w, struct node *n);
	struct node *node;
};

struct world {
	uint64_t seed;
	struct rng rng;
	int64_t now_us;
	struct lan lan;
	struct lan_quality calm;
	struct channel channel;
	int64_t interval_us; /* of advertisements, as first configured */
	int64_t tardy_us;    /* a timer fires at most so late */
	unsigned n_nodes;
	struct node nodes[LAN_PORTS_MAX];
	struct node *gateway[LAN_PORTS_MAX]; /* of each port's client: who has the addresses */
	unsigned n_todo;
	struct todo todo[WORLD_TODO_MAX];
	struct watch watch;
	uint64_t n_events;
	unsigned act;
	FILE *trace;	     /* NULL: none */
	unsigned trace_from; /* the first act that is of interest */
};

void world_init(struct world *w, uint64_t seed);
/* At this time, or at once when it is in the past. */
void world_plan(struct world *w, int64_t at_us, void (*what)(struct world *w, struct node *n),
		struct node *node);
/* Runs until then, or until a property is violated: then false. */
bool world_run(struct world *w, int64_t until_us);

bool world_traces(const struct world *w);
/* One line: the time, who (NULL: the world), and what. */
void world_trace(const struct world *w, const struct node *n, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
