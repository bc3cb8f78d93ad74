/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is tracked, and what it does to a virtual router. With a weight it moves the priority, as
 * keepalived has it: a positive weight is earned while all is well, a negative one is a penalty
 * while it is not. Without one its failure is a fault. "reverse" swaps well and not well. Pure but
 * for the memory of what the trackers said last.
 */
#ifndef TANDEM_VRRP_TRACKING_H
#define TANDEM_VRRP_TRACKING_H

#include "core/codec.h"

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
enum track_state tracking_state(const struct tracking *t, uint64_t tracker);
/* "exit status 1" */
const char *tracking_reason(const struct tracking *t, uint64_t tracker);
void tracking_done(struct tracking *t);

/* What one tracker adds to the priority. */
int tracking_weight(int weight, bool reverse, enum track_state state);
bool tracking_fails(int weight, bool reverse, enum track_state state);
/* Within 1..254; an owner's priority (255) stays. */
uint8_t tracking_priority(uint8_t configured, int sum);

#endif
