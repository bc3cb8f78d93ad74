/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hears who claims an address of ours: one socket for ARP, one for neighbour advertisements, on all
 * interfaces. The kernel passes on only what is about the addresses that are asked for, and nothing
 * of the traffic that is forwarded is looked at for it. Knows nothing of VRRP.
 */
#ifndef TANDEM_VRRP_CLAIMS_H
#define TANDEM_VRRP_CLAIMS_H

#include "vrrp/claim.h"

#include <ev.h>

struct claims {
	struct ev_loop *loop;
	void (*heard)(const struct claim *claim);
	int arp;
	int na;
	ev_io on_arp;
	ev_io on_na;
};

/* 0 or -errno; then nothing is heard. `c` must stay where it is. */
int claims_open(struct claims *c, struct ev_loop *loop, void (*heard)(const struct claim *claim));
/* Of these addresses from now on, of either family. Too many for a filter: of all. 0 or -errno. */
int claims_want(struct claims *c, const struct addr *list, uint32_t n);

#endif
