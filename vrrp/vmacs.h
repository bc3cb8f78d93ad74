/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes, keeps and removes the interfaces of virtual addresses: the only writer of links. What is
 * ours carries a mark (its alias), so that a later life finds it; nothing is removed by a death.
 */
#ifndef TANDEM_VRRP_VMACS_H
#define TANDEM_VRRP_VMACS_H

#include "core/model.h"
#include "vrrp/netif.h"

/*
 * Sees that the interfaces of this instance are there, as they are to be; new ones are awake (see
 * below) or not. Costs nothing when they are. False: one can't be; *ret_fault says why.
 */
bool vmacs_ensure(struct netifs *netifs, const struct vrrp_instance *c, bool awake,
		  struct text *ret_fault);

/*
 * IPv6 works on them while the instance has its addresses, or speaks: an interface that is quiet
 * answers no query of a multicast router, which would lead switches here.
 */
void vmacs_wake(const struct vrrp_instance *c, bool awake);

/* Removes those with our mark that nobody wants. */
void vmacs_prune(struct netifs *netifs, bool (*wanted)(void *ctx, const char *ifname), void *ctx);

#endif
