/* SPDX-License-Identifier: Apache-2.0 */
/* What is tracked: see tracking.h. */
#include "vrrp/tracking.h"

#include "vrrp/machine.h"

#include <stdlib.h>

struct track_value {
	uint64_t tracker;
	bool up;
	struct text reason;
};

static struct track_value *find(const struct tracking *t, uint64_t tracker)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->list[i].tracker == tracker)
			return &t->list[i];
	return NULL;
}

void tracking_set(struct tracking *t, uint64_t tracker, bool up, const struct text *reason)
{
	struct track_value *v = find(t, tracker);

	if (!v) {
		t->list = realloc(t->list, (t->n + 1) * sizeof(*t->list));
		if (!t->list)
			abort();
		v = &t->list[t->n++];
	}
	*v = (struct track_value){.tracker = tracker, .up = up, .reason = *reason};
}

enum track_state tracking_state(const struct tracking *t, uint64_t tracker)
{
	const struct track_value *v = find(t, tracker);

	return !v ? TRACK_UNKNOWN : v->up ? TRACK_UP : TRACK_DOWN;
}

const char *tracking_reason(const struct tracking *t, uint64_t tracker)
{
	const struct track_value *v = find(t, tracker);

	return v ? v->reason.s : "";
}

void tracking_done(struct tracking *t)
{
	free(t->list);
	*t = (struct tracking){0};
}

static bool is_well(bool reverse, enum track_state state)
{
	return (state == TRACK_UP) != reverse;
}

int tracking_weight(int weight, bool reverse, enum track_state state)
{
	if (state == TRACK_UNKNOWN)
		return 0;
	return (is_well(reverse, state) ? weight > 0 : weight < 0) ? weight : 0;
}

bool tracking_fails(int weight, bool reverse, enum track_state state)
{
	return !weight && state != TRACK_UNKNOWN && !is_well(reverse, state);
}

uint8_t tracking_priority(uint8_t configured, int sum)
{
	int priority = configured + sum;

	if (configured == VRRP_PRIORITY_OWNER)
		return VRRP_PRIORITY_OWNER;
	return (uint8_t)(priority < 1 ? 1 : priority > 254 ? 254 : priority);
}
