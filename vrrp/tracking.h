/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is tracked, and what it does to a virtual router. With a weight it moves the priority, as
 * keepalived has it: a positive weight is earned while all is well, a negative one is a penalty
 * while it is not; "reverse" changes the sign of what is added. Without one its failure is a fault,
 * and "reverse" swaps well and not well. A file's number is multiplied by the weight. Pure but for
 * the memory of what the trackers said last.
 */
#ifndef TANDEM_VRRP_TRACKING_H
#define TANDEM_VRRP_TRACKING_H

#include "core/model.h"

#include <stdbool.h>
#include <stdint.h>

enum track_state {
	TRACK_UNKNOWN, /* no effect */
	TRACK_DOWN,
	TRACK_UP,
};

struct track_value;
struct tracking {
	struct track_value *list;
	unsigned n;
};

void tracking_set(struct tracking *t, uint64_t tracker, bool up, const struct text *reason);
/* What is in a track_file. */
void tracking_set_value(struct tracking *t, uint64_t file, int32_t value);
/* Forgets those that the model does not have: one that comes back later begins anew. */
void tracking_retain(struct tracking *t, const struct model *m);
bool tracking_knows(const struct tracking *t, uint64_t tracker);
/* "exit status 1", "holds 3" */
const char *tracking_reason(const struct tracking *t, uint64_t tracker);
void tracking_done(struct tracking *t);

/* What one of the instance's trackers adds to the priority, and whether it is a fault. */
int tracking_adds(const struct tracking *t, const struct tracked *tracked);
bool tracking_faults(const struct tracking *t, const struct tracked *tracked);

/* The same for what is up or down. */
int tracking_weight(int weight, bool reverse, enum track_state state);
bool tracking_fails(int weight, bool reverse, enum track_state state);
/* Within 1..254; an owner's priority (255) stays. */
uint8_t tracking_priority(uint8_t configured, int sum);

#endif
