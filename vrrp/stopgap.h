/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A route that stands in for the kernel's own. The kernel takes an IPv6 address in at once, but
 * gives it its local route from a work queue, also when there is no duplicate address detection:
 * some milliseconds later on a busy machine, a second on a starved one. Until then it forwards what
 * is sent to the address, and redirects the sender to whoever had it before. Pure: only the
 * messages.
 */
#ifndef TANDEM_VRRP_STOPGAP_H
#define TANDEM_VRRP_STOPGAP_H

#include "core/addr.h"

struct nlmsghdr;

/* Carried by the route (RTA_PROTOCOL), and behind what the kernel's own has. */
#define STOPGAP_PROTOCOL 112
#define STOPGAP_METRIC	 1024
/* It ends by itself when nobody is left to remove it. */
#define STOPGAP_EXPIRES_S 5

/* `h` has a header only; `index` is of the interface that the address is on. */
void stopgap_put(struct nlmsghdr *h, bool add, int index, const struct addr *address);

#endif
