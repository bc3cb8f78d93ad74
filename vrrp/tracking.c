/* SPDX-License-Identifier: Apache-2.0 */
/* What is tracked: see tracking.h. */
#include "vrrp/tracking.h"

#include "core/must.h"
#include "vrrp/config.h"
#include "vrrp/machine.h"

#include <stdlib.h>

/* A file's number times the weight: at the lower end it is a fault, as with keepalived. */
#define PRODUCT_FAULT (-254)
#define PRODUCT_MAX   253

struct track_value {
	uint64_t tracker;
	bool up;       /* of a file: 0 */
	int32_t value; /* of a file */
	struct text reason;
};

static struct track_value *find(const struct tracking *t, uint64_t tracker)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->list[i].tracker == tracker)
			return &t->list[i];
	return NULL;
}

static void put(struct tracking *t, const struct track_value *value)
{
	struct track_value *v = find(t, value->tracker);

	if (!v) {
		t->list = must(realloc(t->list, (t->n + 1) * sizeof(*t->list)));
		v = &t->list[t->n++];
	}
	*v = *value;
}

void tracking_set(struct tracking *t, uint64_t tracker, bool up, const struct text *reason)
{
	put(t, &(struct track_value){.tracker = tracker, .up = up, .reason = *reason});
}

void tracking_set_value(struct tracking *t, uint64_t file, int32_t value)
{
	struct track_value v = {.tracker = file, .up = value == 0, .value = value};

	text_set(&v.reason, "holds %d", value);
	put(t, &v);
}

/* What an instance tracks is there, also a virtual server: the model of this role has none of those. */
static bool is_tracked(const struct model *m, uint64_t id)
{
	for (uint32_t i = 0; i < m->n_instances; i++)
		if (vrrp_config_tracks(&m->instances[i], id))
			return true;
	return false;
}

static bool is_tracker_of(const struct model *m, uint64_t id)
{
	for (uint32_t i = 0; i < m->n_scripts; i++)
		if (m->scripts[i].id == id)
			return true;
	for (uint32_t i = 0; i < m->n_files; i++)
		if (m->files[i].id == id)
			return true;
	for (uint32_t i = 0; i < m->n_processes; i++)
		if (m->processes[i].id == id)
			return true;
	return is_tracked(m, id);
}

void tracking_retain(struct tracking *t, const struct model *m)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < t->n; i++)
		if (is_tracker_of(m, t->list[i].tracker))
			t->list[kept++] = t->list[i];
	t->n = kept;
}

bool tracking_knows(const struct tracking *t, uint64_t tracker)
{
	return find(t, tracker);
}

static enum track_state state_of(const struct track_value *v)
{
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

static int product(int32_t value, int weight, bool reverse)
{
	int64_t p = (int64_t)value * weight * (reverse ? -1 : 1);

	return p < PRODUCT_FAULT ? PRODUCT_FAULT : p > PRODUCT_MAX ? PRODUCT_MAX : (int)p;
}

int tracking_adds(const struct tracking *t, const struct tracked *tracked)
{
	const struct track_value *v = find(t, tracked->tracker);
	int p;

	if (tracked->kind != TRACK_FILE)
		return tracking_weight(tracked->weight, tracked->reverse, state_of(v));
	p = v ? product(v->value, tracked->weight, tracked->reverse) : 0;
	return p == PRODUCT_FAULT ? 0 : p;
}

bool tracking_faults(const struct tracking *t, const struct tracked *tracked)
{
	const struct track_value *v = find(t, tracked->tracker);

	if (tracked->kind == TRACK_FILE && tracked->weight)
		return v && product(v->value, tracked->weight, tracked->reverse) == PRODUCT_FAULT;
	return tracking_fails(tracked->weight, tracked->reverse, state_of(v));
}

int tracking_weight(int weight, bool reverse, enum track_state state)
{
	if (state == TRACK_UNKNOWN || (state == TRACK_UP) != (weight > 0))
		return 0;
	return reverse ? -weight : weight;
}

bool tracking_fails(int weight, bool reverse, enum track_state state)
{
	return !weight && state != TRACK_UNKNOWN && (state == TRACK_UP) == reverse;
}

uint8_t tracking_priority(uint8_t configured, int sum)
{
	int priority = configured + sum;

	if (configured == VRRP_PRIORITY_OWNER)
		return VRRP_PRIORITY_OWNER;
	return (uint8_t)(priority < 1 ? 1 : priority > 254 ? 254 : priority);
}
