/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runs of a vrrp_script make of it: up after `rise` passes in a row, down after `fall`
 * failures in a row; the first run decides at once, as with keepalived. Pure.
 */
#ifndef TANDEM_TRACK_MACHINE_H
#define TANDEM_TRACK_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

struct track_script;

struct track_machine {
	bool known; /* until then it is neither up nor down */
	bool up;
	uint32_t against; /* runs in a row that say the contrary */
};

void track_machine_init(struct track_machine *m, const struct track_script *conf);
/* A run has ended. True: up or down has changed, or is known now. */
bool track_machine_step(struct track_machine *m, const struct track_script *conf, bool passed);

#endif
