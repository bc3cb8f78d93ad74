/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fresh values for people: asks every role for a report and waits a short while for all of them.
 * What a role does not tell in time is shown as last known, and said to be so.
 */
#ifndef TANDEM_SNAPSHOT_H
#define TANDEM_SNAPSHOT_H

#include "core/msg.h"

#include <ev.h>

struct supervisor;

struct snapshot {
	uint32_t serial;
	unsigned waiting;  /* roles that have not reported yet, as a set */
	unsigned stale;	   /* roles that did not answer the last time */
	bool data_wanted;  /* SIGUSR1 */
	bool stats_wanted; /* SIGUSR2 */
	ev_timer timer;
};

void snapshot_init(struct supervisor *s);
void snapshot_done(struct supervisor *s);
/* Ends with control_snapshot_taken(), maybe at once. */
void snapshot_take(struct supervisor *s);
void snapshot_reported(struct supervisor *s, enum role_id role, uint32_t serial);
void snapshot_role_gone(struct supervisor *s, enum role_id role);
/* Write their file when the values are there. */
void snapshot_write_data(struct supervisor *s);
void snapshot_write_stats(struct supervisor *s);

#endif
