/* SPDX-License-Identifier: Apache-2.0 */
/* Fresh values for people: see snapshot.h. */
#include "core/snapshot.h"

#include "core/dump.h"
#include "core/supervisor.h"

#define REPORT_TIMEOUT_S 0.5

static void taken(struct supervisor *s)
{
	struct snapshot *n = &s->snapshot;

	ev_timer_stop(s->loop, &n->timer);
	n->stale = n->waiting;
	n->waiting = 0;
	if (n->data_wanted)
		dump_data(s);
	if (n->stats_wanted)
		dump_stats(s);
	n->data_wanted = n->stats_wanted = false;
	control_snapshot_taken(s);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	taken(w->data);
}

void snapshot_take(struct supervisor *s)
{
	struct snapshot *n = &s->snapshot;
	struct msg m = {.type = MSG_REPORT};

	if (n->waiting)
		return;
	m.report.serial = ++n->serial;
	n->waiting = supervisor_ready_roles(s);
	if (!n->waiting) {
		taken(s);
		return;
	}
	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (n->waiting & s->processes[i]->desc->id)
			process_send(s->processes[i], &m, -1);
	ev_timer_set(&n->timer, REPORT_TIMEOUT_S, 0);
	ev_timer_start(s->loop, &n->timer);
}

void snapshot_reported(struct supervisor *s, enum role_id role, uint32_t serial)
{
	struct snapshot *n = &s->snapshot;

	if (serial != n->serial || !(n->waiting & role))
		return;
	n->waiting &= ~(unsigned)role;
	if (!n->waiting)
		taken(s);
}

void snapshot_role_gone(struct supervisor *s, enum role_id role)
{
	snapshot_reported(s, role, s->snapshot.serial);
}

void snapshot_write_data(struct supervisor *s)
{
	s->snapshot.data_wanted = true;
	snapshot_take(s);
}

void snapshot_write_stats(struct supervisor *s)
{
	s->snapshot.stats_wanted = true;
	snapshot_take(s);
}

void snapshot_init(struct supervisor *s)
{
	ev_init(&s->snapshot.timer, on_timer);
	s->snapshot.timer.data = s;
}

void snapshot_done(struct supervisor *s)
{
	ev_timer_stop(s->loop, &s->snapshot.timer);
}
