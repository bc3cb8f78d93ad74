/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a link that has come up counts as up, and one that has gone down as down: after a delay, if
 * it stays so. Pure.
 */
#ifndef TANDEM_VRRP_DEBOUNCE_H
#define TANDEM_VRRP_DEBOUNCE_H

#include <stdbool.h>
#include <stdint.h>

struct debounce {
	bool up;	  /* it counts as that */
	int64_t turns_us; /* when it will count as the other; 0: it does not wait */
};

/* The kernel says that it is up, or not. */
void debounce_note(struct debounce *d, bool up, int64_t delay_us, int64_t now_us);
/* Time has passed. True when it counts as the other now. */
bool debounce_turn(struct debounce *d, int64_t now_us);

#endif
