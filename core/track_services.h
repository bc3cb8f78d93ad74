/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual servers that instances track (track_virtual_server): says of each whether it has its
 * quorum, from what tandem-ipvs and tandem-check report. A quorum that is up is believed at once; one
 * that is down before all checks of the service have run once, and have been counted, is no verdict
 * yet: nothing is known.
 */
#ifndef TANDEM_TRACK_SERVICES_H
#define TANDEM_TRACK_SERVICES_H

#include "core/model.h"
#include "core/msg.h"

struct store;

struct track_services {
	const struct virtual_server **list;
	uint32_t n;
	const struct store *store;
	bool unchecked; /* nobody checks here: all count as up */
	void (*tell)(void *ctx, const struct msg_track_state *state); /* also of what is known */
	void *ctx;
};

void track_services_done(struct track_services *t);

/* The model in force is `m` from now on. */
void track_services_commit(struct track_services *t, const struct model *m);
/* This was kept in the store just now. */
void track_services_note(struct track_services *t, const struct msg *kept);

#endif
