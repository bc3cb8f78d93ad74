/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One timer of the event loop for the deadlines of thousands. Deadlines mostly move to later before
 * they are reached: an alarm may ring too early, and its owner then sets it anew. Knows nothing of
 * who is woken.
 */
#ifndef TANDEM_VRRP_ALARM_H
#define TANDEM_VRRP_ALARM_H

#include <ev.h>
#include <stdint.h>

/* Part of its owner. */
struct alarm {
	int64_t at_us; /* USEC_NEVER: does not ring */
	void (*ring)(struct alarm *alarm);
};

struct alarm_entry;

struct alarms {
	struct ev_loop *loop;
	ev_timer timer;
	int64_t armed_us; /* the timer's; USEC_NEVER: it is not set */
	struct alarm_entry *heap; /* by time; more than one of an alarm: only its at_us counts */
	unsigned n;
	unsigned cap;
};

/* `alarms` must stay where it is. */
void alarms_open(struct alarms *alarms, struct ev_loop *loop);
void alarms_done(struct alarms *alarms);

void alarm_init(struct alarm *alarm, void (*ring)(struct alarm *alarm));
/* Rings at this time of CLOCK_MONOTONIC or before, once; USEC_NEVER: not by this. */
void alarm_set(struct alarms *alarms, struct alarm *alarm, int64_t at_us);
/* Before its memory goes. */
void alarm_forget(struct alarms *alarms, struct alarm *alarm);

#endif
