/* SPDX-License-Identifier: Apache-2.0 */
/* Links as rtnetlink speaks of them: see link.h. */
#include "vrrp/link.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* Reading */

static void copy_text(char *to, size_t size, const struct nlattr *a)
{
	strncpy(to, mnl_attr_get_str(a), size - 1);
}

static void read_mode(const struct nlattr *data, struct netif *l)
{
	struct nlattr *a;

	mnl_attr_for_each_nested(a, data)
	{
		unsigned type = mnl_attr_get_type(a);

		if (l->kind == NETIF_MACVLAN && type == IFLA_MACVLAN_MODE)
			l->mode = mnl_attr_get_u32(a);
		if (l->kind == NETIF_IPVLAN && type == IFLA_IPVLAN_MODE)
			l->mode = mnl_attr_get_u16(a);
		if (l->kind == NETIF_IPVLAN && type == IFLA_IPVLAN_FLAGS)
			l->mode_flags = mnl_attr_get_u16(a);
	}
}

static enum netif_kind kind_of(const char *name)
{
	return strcmp(name, "macvlan") == 0  ? NETIF_MACVLAN
	       : strcmp(name, "ipvlan") == 0 ? NETIF_IPVLAN
					     : NETIF_OTHER;
}

/* The kernel puts the kind before the data. */
static void read_info(const struct nlattr *info, struct netif *l)
{
	struct nlattr *a;

	mnl_attr_for_each_nested(a, info)
	{
		unsigned type = mnl_attr_get_type(a);

		if (type == IFLA_INFO_KIND)
			l->kind = kind_of(mnl_attr_get_str(a));
		if (type == IFLA_INFO_DATA)
			read_mode(a, l);
		if (type == IFLA_INFO_SLAVE_KIND)
			l->in_vrf = strcmp(mnl_attr_get_str(a), "vrf") == 0;
	}
}

static void read_attribute(const struct nlattr *a, struct netif *l)
{
	switch (mnl_attr_get_type(a)) {
	case IFLA_IFNAME:
		copy_text(l->name, sizeof(l->name), a);
		break;
	case IFLA_ADDRESS:
		l->has_mac = mnl_attr_get_payload_len(a) == sizeof(l->mac);
		if (l->has_mac)
			memcpy(l->mac, mnl_attr_get_payload(a), sizeof(l->mac));
		break;
	case IFLA_LINK:
		l->base = (int)mnl_attr_get_u32(a);
		break;
	case IFLA_MASTER:
		l->master = (int)mnl_attr_get_u32(a);
		break;
	case IFLA_GROUP:
		l->group = mnl_attr_get_u32(a);
		break;
	case IFLA_IFALIAS:
		l->ours = strncmp(mnl_attr_get_str(a), NETIF_ALIAS, strlen(NETIF_ALIAS)) == 0;
		break;
	case IFLA_LINKINFO:
		read_info(a, l);
		break;
	}
}

bool link_read(const struct nlmsghdr *h, struct netif *ret)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(h);
	struct nlattr *a;

	/* A bridge tells about its ports in a family of its own: not links that come or go. */
	if (info->ifi_family != AF_UNSPEC)
		return false;
	*ret = (struct netif){
		.index = info->ifi_index,
		.enabled = info->ifi_flags & IFF_UP,
		.up = (info->ifi_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING),
	};
	mnl_attr_for_each(a, h, sizeof(*info)) read_attribute(a, ret);
	return true;
}

/* Writing */

static struct nlmsghdr *put_request(void *buf, uint16_t type, uint16_t flags, int index)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(h, sizeof(*info));

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = index;
	return h;
}

static void put_kind(struct nlmsghdr *h, const struct link_wish *w)
{
	struct nlattr *info = mnl_attr_nest_start(h, IFLA_LINKINFO), *data;

	mnl_attr_put_str(h, IFLA_INFO_KIND, w->kind == NETIF_MACVLAN ? "macvlan" : "ipvlan");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	if (w->kind == NETIF_MACVLAN) {
		mnl_attr_put_u32(h, IFLA_MACVLAN_MODE, w->mode);
	} else {
		mnl_attr_put_u16(h, IFLA_IPVLAN_MODE, (uint16_t)w->mode);
		mnl_attr_put_u16(h, IFLA_IPVLAN_FLAGS, w->flags);
	}
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
}

struct nlmsghdr *link_put_create(void *buf, const struct link_wish *w)
{
	struct nlmsghdr *h = put_request(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);

	mnl_attr_put_strz(h, IFLA_IFNAME, w->ifname);
	mnl_attr_put_u32(h, IFLA_LINK, (uint32_t)w->base);
	mnl_attr_put_u32(h, IFLA_GROUP, w->group);
	if (w->has_mac)
		mnl_attr_put(h, IFLA_ADDRESS, sizeof(w->mac), w->mac);
	put_kind(h, w);
	return h;
}

/*
 * It answers ARP for its own addresses only, and takes in what comes from the host's own and from
 * networks that are routed elsewhere: the base's route is the better one.
 */
static void put_ipv4(struct nlmsghdr *h, const struct link_wish *w)
{
	struct nlattr *inet = mnl_attr_nest_start(h, AF_INET);
	struct nlattr *conf = mnl_attr_nest_start(h, IFLA_INET_CONF);

	mnl_attr_put_u32(h, IPV4_DEVCONF_ARP_IGNORE, 1);
	mnl_attr_put_u32(h, IPV4_DEVCONF_ACCEPT_LOCAL, 1);
	mnl_attr_put_u32(h, IPV4_DEVCONF_RP_FILTER, w->rp_filter);
	mnl_attr_put_u32(h, IPV4_DEVCONF_PROMOTE_SECONDARIES, 1);
	mnl_attr_nest_end(h, conf);
	mnl_attr_nest_end(h, inet);
}

/* No address made of the virtual MAC: both routers would have it (RFC 9568 §7.4). */
static void put_ipv6(struct nlmsghdr *h)
{
	struct nlattr *inet6 = mnl_attr_nest_start(h, AF_INET6);

	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(h, inet6);
}

struct nlmsghdr *link_put_set(void *buf, int index, const struct link_wish *w)
{
	struct nlmsghdr *h = put_request(buf, RTM_NEWLINK, 0, index);
	struct ifinfomsg *info = mnl_nlmsg_get_payload(h);
	struct nlattr *spec;

	info->ifi_flags = info->ifi_change = IFF_UP;
	if (w->has_mac)
		mnl_attr_put(h, IFLA_ADDRESS, sizeof(w->mac), w->mac);
	mnl_attr_put_str(h, IFLA_IFALIAS, w->alias);
	mnl_attr_put_u32(h, IFLA_GROUP, w->group);
	if (w->master)
		mnl_attr_put_u32(h, IFLA_MASTER, (uint32_t)w->master);
	spec = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	put_ipv4(h, w);
	put_ipv6(h);
	mnl_attr_nest_end(h, spec);
	return h;
}

struct nlmsghdr *link_put_delete(void *buf, int index)
{
	return put_request(buf, RTM_DELLINK, 0, index);
}

struct nlmsghdr *link_put_touch(void *buf, const struct netif *l)
{
	struct nlmsghdr *h = put_request(buf, RTM_NEWLINK, 0, l->index);

	mnl_attr_put_u32(h, IFLA_GROUP, l->group);
	return h;
}
