/* SPDX-License-Identifier: Apache-2.0 */
/* Which way the kernel of this namespace would send. */
#ifndef TANDEM_CTL_ROUTE_H
#define TANDEM_CTL_ROUTE_H

#include "core/addr.h"

#include <net/if.h>

struct route_way {
	char ifname[IFNAMSIZ];
	int64_t mtu; /* of the route, else of the interface; -1: not known */
	bool local;  /* the address is this machine's own */
};

struct mnl_socket;

/* For many questions; closed with mnl_socket_close(). NULL with errno. */
struct mnl_socket *routes_open(void);
/* 0 or -errno; -ENETUNREACH: there is no way. */
int routes_ask(struct mnl_socket *sock, const struct addr *to, struct route_way *ret);

/* Of an interface; -1: there is none. */
int64_t routes_mtu(const char *ifname);

#endif
