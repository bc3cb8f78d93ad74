/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to ask again for what the kernel has refused: after a second, then later and later
 * (core/backoff.h); at once when interfaces have come or gone. Knows not what it is.
 */
#ifndef TANDEM_VRRP_AGAIN_H
#define TANDEM_VRRP_AGAIN_H

#include "vrrp/netif.h"

struct again {
	const struct netifs *netifs;
	void (*ask)(void *ctx);
	void *ctx;
	unsigned times;	    /* that it was refused, one after the other */
	unsigned links_gen; /* at the last time */
	ev_timer timer;
};

/* `ask` is called when it is time. `a` must stay where it is. */
void again_init(struct again *a, const struct netifs *netifs, void (*ask)(void *ctx), void *ctx);
void again_stop(struct again *a);
/* It was asked for. True when it had been refused, and is not any more. */
bool again_note(struct again *a, bool refused);
/* It was refused, and nothing has changed since then. */
bool again_waits(const struct again *a);

#endif
