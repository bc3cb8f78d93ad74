/* SPDX-License-Identifier: Apache-2.0 */
/* One timer for many deadlines: see alarm.h. */
#include "vrrp/alarm.h"

#include "core/clock.h"
#include "core/must.h"

#include <stdlib.h>

struct alarm_entry {
	int64_t at_us;
	struct alarm *alarm; /* NULL: forgotten */
};

static void push(struct alarms *a, struct alarm_entry entry)
{
	unsigned at = a->n++;

	if (at == a->cap) {
		a->cap = a->cap ? 2 * a->cap : 64;
		a->heap = must(realloc(a->heap, a->cap * sizeof(*a->heap)));
	}
	for (; at && a->heap[(at - 1) / 2].at_us > entry.at_us; at = (at - 1) / 2)
		a->heap[at] = a->heap[(at - 1) / 2];
	a->heap[at] = entry;
}

static struct alarm_entry pop(struct alarms *a)
{
	struct alarm_entry first = a->heap[0];
	struct alarm_entry last = a->heap[--a->n];
	unsigned at = 0, child;

	while ((child = 2 * at + 1) < a->n) {
		if (child + 1 < a->n && a->heap[child + 1].at_us < a->heap[child].at_us)
			child++;
		if (a->heap[child].at_us >= last.at_us)
			break;
		a->heap[at] = a->heap[child];
		at = child;
	}
	a->heap[at] = last;
	return first;
}

/* The event loop counts from its own, older idea of now. */
static void arm(struct alarms *a)
{
	int64_t at_us = a->n ? a->heap[0].at_us : USEC_NEVER;
	double left_s;

	if (at_us == a->armed_us)
		return;
	a->armed_us = at_us;
	ev_timer_stop(a->loop, &a->timer);
	if (at_us == USEC_NEVER)
		return;
	ev_now_update(a->loop);
	left_s = (double)(at_us - clock_now_us()) / USEC_PER_SEC;
	ev_timer_set(&a->timer, left_s > 0 ? left_s : 0, 0);
	ev_timer_start(a->loop, &a->timer);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct alarms *a = w->data;
	int64_t now_us = clock_now_us();

	a->armed_us = INT64_MIN; /* while they ring, nothing sets the timer */
	while (a->n && a->heap[0].at_us <= now_us) {
		struct alarm_entry entry = pop(a);

		if (!entry.alarm || entry.alarm->at_us != entry.at_us)
			continue;
		entry.alarm->at_us = USEC_NEVER;
		entry.alarm->ring(entry.alarm);
	}
	arm(a);
}

void alarms_open(struct alarms *a, struct ev_loop *loop)
{
	*a = (struct alarms){.loop = loop, .armed_us = USEC_NEVER};
	ev_init(&a->timer, on_timer);
	a->timer.data = a;
}

void alarms_done(struct alarms *a)
{
	ev_timer_stop(a->loop, &a->timer);
	free(a->heap);
	a->heap = NULL;
	a->n = a->cap = 0;
}

void alarm_init(struct alarm *alarm, void (*ring)(struct alarm *alarm))
{
	*alarm = (struct alarm){.at_us = USEC_NEVER, .ring = ring};
}

void alarm_set(struct alarms *a, struct alarm *alarm, int64_t at_us)
{
	if (at_us >= alarm->at_us)
		return;
	alarm->at_us = at_us;
	push(a, (struct alarm_entry){at_us, alarm});
	if (at_us < a->armed_us)
		arm(a);
}

void alarm_forget(struct alarms *a, struct alarm *alarm)
{
	for (unsigned i = 0; i < a->n; i++)
		if (a->heap[i].alarm == alarm)
			a->heap[i].alarm = NULL;
	alarm->at_us = USEC_NEVER;
}
