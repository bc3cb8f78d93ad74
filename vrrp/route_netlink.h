/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes and rules of the kernel: read, changed in batches, and watched. The one file behind this
 * that knows libnl-route.
 */
#ifndef TANDEM_VRRP_ROUTE_NETLINK_H
#define TANDEM_VRRP_ROUTE_NETLINK_H

#include "vrrp/netif.h"
#include "vrrp/route_plan.h"

#include <ev.h>

struct arena;
struct fib_netlink;

/* `changed` is told that a route or rule of one of the protocols was changed. 0 or -errno. */
int fib_netlink_open(struct ev_loop *loop, void (*changed)(void *ctx), void *ctx,
		     struct fib_netlink **ret);

/* Which protocols are looked at, and whether changes are to be told, too. 0 or -errno. */
int fib_netlink_watch(struct fib_netlink *n, const bool protocols[256], bool told);

/* All of those protocols. Objects and what they point to are of the arena. 0 or -errno. */
int fib_netlink_dump(struct fib_netlink *n, const struct netifs *netifs, struct arena *arena,
		     struct fib_object **ret, size_t *ret_n);

/* Carries out as many as fit into one send; each one's `error` is the kernel's answer, 0 also when
 * it was so already. Returns how many, or -errno when the kernel can't be spoken to. */
int fib_netlink_apply(struct fib_netlink *n, const struct netifs *netifs, struct fib_op *ops,
		      size_t n_ops);

#endif
