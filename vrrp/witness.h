/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pings one router by one interface, and tells of its answers: see detect.h. Knows nothing of what
 * they are for.
 */
#ifndef TANDEM_VRRP_WITNESS_H
#define TANDEM_VRRP_WITNESS_H

#include "vrrp/ping.h"

#include "core/addr.h"

#include <ev.h>

struct witness {
	struct ev_loop *loop;
	int fd; /* -1: closed */
	int family;
	struct ping_id id;
	void (*answered)(struct witness *w, uint16_t seq);
	ev_io readable;
};

/* 0 or -errno. Index 0: by whichever interface leads there. `w` must stay where it is. */
int witness_open(struct witness *w, struct ev_loop *loop, const struct addr *peer, int index,
		 const char *ifname, void (*answered)(struct witness *w, uint16_t seq));
void witness_close(struct witness *w);
/* What can't be sent is not answered either. */
void witness_ping(const struct witness *w, uint16_t seq);
/* Takes in what has come already. */
void witness_drain(struct witness *w);

#endif
