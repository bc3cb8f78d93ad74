/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_detect at work: heartbeats of what this node is Active for, and a watch on each router whose
 * advertisements a Backup follows. The judgement is detect.c's, what follows from it the machine's.
 */
#ifndef TANDEM_VRRP_DETECTOR_H
#define TANDEM_VRRP_DETECTOR_H

#include "vrrp/beats.h"
#include "vrrp/detect.h"
#include "vrrp/instance.h"
#include "vrrp/witness.h"

/* One router, by one interface: all instances there that follow it share this. */
struct watch {
	struct watch *next;
	struct detector *detector;
	struct addr peer;
	int index;
	char ifname[IF_NAMESIZE]; /* "": any */
	struct detect d;
	struct witness witness;
	struct alarm alarm;
	uint8_t active[32]; /* what its last heartbeat said */
	uint8_t left[32];
	int64_t since_us;
	int64_t interval_us; /* of its heartbeats, told last */
	const char *told;    /* the last line about it */
	bool wanted;
};

struct detector {
	struct vrrp_shell *shell;
	struct instance **instances; /* the first of them */
	struct beats beats;
	struct watch *watches;
	bool touched;
	ev_prepare settle;
};

/* `d` must stay where it is. */
void detector_init(struct detector *d, struct vrrp_shell *shell, struct instance **instances);
void detector_configure(struct detector *d, const struct sync_block *block);
/* An instance has changed its state, or follows another router. */
void detector_touch(struct detector *d);
/* The router that is watched has advertised itself. */
void detector_hear_advert(struct watch *w);
void detector_done(struct detector *d);

#endif
