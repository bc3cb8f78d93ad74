/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When checks run for the first time: evenly spread, each within its own warmup. keepalived draws
 * lots, at start and again at each reload, so that some moments get many checks and a reload can
 * put a check off. Here every check that needs a first run gets a place in a row of equal steps,
 * in the order of a hash of its id: checks of one server are far apart, the same configuration
 * always gives the same row, and a single new check runs at once. Checks that have run are not
 * placed again. Pure.
 */
#ifndef TANDEM_CHECKERS_SCHEDULE_H
#define TANDEM_CHECKERS_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

struct schedule_slot {
	uint64_t id;
	int64_t warmup_us;
	int64_t first_run_us; /* the answer */
	size_t place;	      /* the caller's, not looked at */
};

/* Reorders the slots. */
void schedule_spread(struct schedule_slot *slots, size_t n, int64_t now_us);

#endif
