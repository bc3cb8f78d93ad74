/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes and rules as rtnetlink messages (rtnetlink(7)), by libnl-route. Pure: knows the names of
 * interfaces (netif.h), no socket.
 */
#ifndef TANDEM_VRRP_ROUTE_MESSAGE_H
#define TANDEM_VRRP_ROUTE_MESSAGE_H

#include "vrrp/netif.h"
#include "vrrp/route_plan.h"

struct arena;
struct nl_msg;
struct nlmsghdr;

/* The request for it, to be freed by nlmsg_free(). 0 or -errno; -ENODEV: no such interface. */
int fib_encode(const struct fib_op *op, const struct netifs *netifs, struct nl_msg **ret);

/* Of a RTM_NEWROUTE or RTM_NEWRULE; what it points to is of the arena. False: not understood. */
bool fib_decode(struct nlmsghdr *h, const struct netifs *netifs, struct arena *arena,
		struct fib_object *ret);
/* Without parsing it whole: others may have a million. */
int fib_protocol(struct nlmsghdr *h);

/* libnl's errors are its own. */
int fib_errno(int err);

#endif
