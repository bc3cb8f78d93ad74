/* SPDX-License-Identifier: Apache-2.0 */
/* Runs checks when they are due: see runner.h. */
#include "checkers/runner.h"

#include "checkers/method.h"
#include "checkers/set.h"
#include "core/clock.h"
#include "core/must.h"

#include <stdio.h>
#include <stdlib.h>

#define GRID_PARTS 256
/* Runs begun in one turn of the loop: some milliseconds. */
#define BEGIN_AT_ONCE 64

/* The running part of one check. Idle (timer), waiting for a place, or in flight (probe). */
struct check_run {
	struct checked *checked;
	struct check_runner *runner;
	ev_timer due;
	bool waiting;
	bool granted;		/* has its place, starts in this very turn of the loop */
	struct check_run *next; /* while waiting */
	struct check_probe *probe;
	const struct check_method_ops *ops; /* of the probe: a reload may change the check's */
};

static void *zeroed(size_t bytes)
{
	void *p = must(calloc(1, bytes));

	return p;
}

static void wait_add(struct check_runner *r, struct check_run *run)
{
	run->waiting = true;
	run->next = NULL;
	*r->tail = run;
	r->tail = &run->next;
	if (r->waiting++ == 0 && r->in_flight >= r->in_flight_max)
		r->late(r);
}

static void wait_remove(struct check_runner *r, struct check_run *run)
{
	struct check_run **at = &r->head;

	while (*at != run)
		at = &(*at)->next;
	*at = run->next;
	if (!run->next)
		r->tail = at;
	run->waiting = false;
	r->waiting--;
}

/* Is there a place, now? */
static bool has_place(struct check_runner *r)
{
	unsigned turn = ev_iteration(r->loop);

	if (r->turn != turn)
		r->begun = 0;
	r->turn = turn;
	return r->in_flight < r->in_flight_max && r->begun < BEGIN_AT_ONCE;
}

/* Through the loop: results must not nest in one another. */
static void grant(struct check_runner *r, struct check_run *run)
{
	wait_remove(r, run);
	run->granted = true;
	r->in_flight++;
	r->begun++;
	ev_feed_event(r->loop, &run->due, EV_TIMER);
}

/* Whoever waits longest gets what is free; the rest comes back in the next turn. */
static void fill(struct check_runner *r)
{
	while (r->head && has_place(r))
		grant(r, r->head);
	if (r->head && r->in_flight < r->in_flight_max)
		ev_idle_start(r->loop, &r->go_on);
	else
		ev_idle_stop(r->loop, &r->go_on);
}

static void on_idle(struct ev_loop *loop, ev_idle *w, int events)
{
	fill(w->data);
}

static void on_done(struct check_probe *p, const struct check_result *result)
{
	struct check_run *run = p->owner;
	struct check_runner *r = run->runner;

	run->probe = NULL;
	free(p);
	r->in_flight--;
	r->result(run->checked, result);
	fill(r);
}

static void note_lateness(struct check_runner *r, const struct checked *c)
{
	int64_t late_us = clock_now_us() - c->state.next_run_us;

	if (late_us < CHECK_LATE_US)
		return;
	r->late_starts++;
	if (late_us > r->latest_us)
		r->latest_us = late_us < UINT32_MAX ? (uint32_t)late_us : UINT32_MAX;
}

static void launch(struct check_run *run)
{
	const struct check_method_ops *ops = check_method(run->checked->conf);
	struct check_probe *p = zeroed(ops->probe_bytes);

	p->loop = run->runner->loop;
	p->conf = run->checked->conf;
	p->done = on_done;
	p->owner = run;
	run->probe = p;
	run->ops = ops;
	note_lateness(run->runner, run->checked);
	ops->start(p);
}

static void on_due(struct ev_loop *loop, ev_timer *w, int events)
{
	struct check_run *run = w->data;
	struct check_runner *r = run->runner;

	if (run->granted) {
		run->granted = false;
		launch(run);
		return;
	}
	wait_add(r, run);
	fill(r);
}

void check_runner_init(struct check_runner *r, struct ev_loop *loop, size_t in_flight_max,
		       void (*result)(struct checked *c, const struct check_result *result),
		       void (*late)(struct check_runner *r))
{
	*r = (struct check_runner){
		.loop = loop,
		.in_flight_max = in_flight_max,
		.result = result,
		.late = late,
	};
	r->tail = &r->head;
	ev_idle_init(&r->go_on, on_idle);
	ev_set_priority(&r->go_on, EV_MAXPRI);
	r->go_on.data = r;
}

static struct check_run *run_of(struct check_runner *r, struct checked *c)
{
	if (!c->run) {
		c->run = zeroed(sizeof(*c->run));
		c->run->checked = c;
		c->run->runner = r;
		ev_init(&c->run->due, on_due);
		c->run->due.data = c->run;
	}
	return c->run;
}

/*
 * Runs that are due at nearly the same time are begun in one turn of the loop: a wakeup costs more
 * than a check. So each begins on a grid whose step is less than one part in GRID_PARTS of how long
 * it waits; before its time and never after it.
 */
static int64_t on_grid(int64_t at_us, int64_t now_us)
{
	int64_t step_us = 1;

	while (step_us * 2 * GRID_PARTS <= at_us - now_us)
		step_us *= 2;
	return at_us - at_us % step_us;
}

void check_runner_plan(struct check_runner *r, struct checked *c, int64_t now_us)
{
	struct check_run *run = run_of(r, c);
	int64_t wait_us = on_grid(c->state.next_run_us, now_us) - now_us;

	if (run->probe || run->waiting || run->granted)
		return;
	ev_timer_stop(r->loop, &run->due);
	ev_timer_set(&run->due, wait_us > 0 ? (double)wait_us / USEC_PER_SEC : 0, 0);
	ev_timer_start(r->loop, &run->due);
}

void check_runner_moved(struct checked *c)
{
	if (c->run && c->run->probe)
		c->run->probe->conf = c->conf;
}

void check_runner_cancel(struct check_runner *r, struct checked *c)
{
	struct check_run *run = c->run;

	if (!run || !run->probe)
		return;
	run->ops->cancel(run->probe);
	free(run->probe);
	run->probe = NULL;
	r->in_flight--;
	fill(r);
}

bool check_runner_is_in_flight(const struct checked *c)
{
	return c->run && c->run->probe;
}

void check_runner_forget(struct check_runner *r, struct checked *c)
{
	if (!c->run)
		return;
	check_runner_cancel(r, c);
	if (c->run->waiting)
		wait_remove(r, c->run);
	ev_timer_stop(r->loop, &c->run->due);
	if (c->run->granted) {
		r->in_flight--;
		fill(r);
	}
	free(c->run);
	c->run = NULL;
}
