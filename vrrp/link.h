/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links as rtnetlink speaks of them: what a message tells of a link, and the requests that make,
 * set up and remove macvlan and ipvlan interfaces. Pure: bytes in, bytes out.
 */
#ifndef TANDEM_VRRP_LINK_H
#define TANDEM_VRRP_LINK_H

#include "vrrp/netif.h"

struct nlmsghdr;

/* Enough for any of the requests. */
#define LINK_REQUEST_MAX 512

/* What RTM_NEWLINK or RTM_DELLINK says. False: it is not about a link that comes or goes. */
bool link_read(const struct nlmsghdr *h, struct netif *ret);

/* How an interface of ours is to be. */
struct link_wish {
	const char *ifname;
	enum netif_kind kind; /* MACVLAN or IPVLAN */
	uint32_t mode;	      /* MACVLAN_MODE_*, IPVLAN_MODE_* */
	uint16_t flags;	      /* IPVLAN_F_* */
	int base;	      /* index of the interface below */
	bool has_mac;
	uint8_t mac[6];
	uint32_t group;
	int master;	   /* index of the VRF it belongs to; 0: none */
	const char *alias; /* the mark, and whose it is */
	uint32_t rp_filter;
};

/* Each fills `buf` with one request that wants an answer. */
struct nlmsghdr *link_put_create(void *buf, const struct link_wish *w);
/* All that can be changed on one that is there, `index`; and it goes up. */
struct nlmsghdr *link_put_set(void *buf, int index, const struct link_wish *w);
struct nlmsghdr *link_put_delete(void *buf, int index);
/* Tells everybody about a link anew: its group is set to what it is. */
struct nlmsghdr *link_put_touch(void *buf, const struct netif *l);

#endif
