/* SPDX-License-Identifier: Apache-2.0 */
/* Routes and rules from the kernel's messages: see route_message.h. What libnl-route 3.7 does not
 * read is taken from the attributes. */
#include "vrrp/route_message.h"

#include "core/arena.h"

#include <endian.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <string.h>
#include <sys/socket.h>

struct decoder {
	const struct netifs *netifs;
	struct arena *arena; /* of what the object points to */
};

static struct addr from_nl_addr(struct nl_addr *a, uint8_t family, uint8_t *ret_len)
{
	struct addr got = {.family = family};

	if (a && nl_addr_get_len(a) && nl_addr_get_len(a) <= sizeof(got.b))
		memcpy(got.b, nl_addr_get_binary_addr(a), nl_addr_get_len(a));
	if (ret_len)
		*ret_len = a ? (uint8_t)nl_addr_get_prefixlen(a) : 0;
	return got;
}

static const char *name_of(const struct decoder *c, int index)
{
	const struct netif *nif = index ? netif_by_index(c->netifs, index) : NULL;

	return nif ? arena_strdup(c->arena, nif->name) : "";
}

static void read_hop(const struct decoder *c, struct rtnl_route *route, struct rtnl_nexthop *nh,
		     bool alone, struct nexthop *ret)
{
	unsigned flags = alone ? rtnl_route_get_flags(route) : rtnl_route_nh_get_flags(nh);
	struct nl_addr *via = rtnl_route_nh_get_gateway(nh);

	*ret = (struct nexthop){
		.ifname = name_of(c, rtnl_route_nh_get_ifindex(nh)),
		.weight = (uint16_t)(alone ? 1 : rtnl_route_nh_get_weight(nh) + 1),
		.onlink = flags & RTNH_F_ONLINK,
		.realms = rtnl_route_nh_get_realms(nh),
	};
	if (via)
		ret->via = from_nl_addr(via, (uint8_t)nl_addr_get_family(via), NULL);
}

static void read_hops(const struct decoder *c, struct rtnl_route *route, struct route *r)
{
	int n = rtnl_route_get_nnexthops(route);

	/* IPv6 shows lo for those. */
	if (r->type == RTN_BLACKHOLE || r->type == RTN_UNREACHABLE || r->type == RTN_PROHIBIT ||
	    r->type == RTN_THROW)
		return;
	r->nexthops = arena_array(c->arena, (size_t)n, sizeof(*r->nexthops));
	r->n_nexthops = (uint32_t)n;
	for (int i = 0; i < n; i++)
		read_hop(c, route, rtnl_route_nexthop_n(route, i), n == 1, &r->nexthops[i]);
}

static void read_metrics(const struct decoder *c, struct rtnl_route *route, struct route *r)
{
	uint32_t value;

	r->metrics = arena_array(c->arena, RTAX_MAX, sizeof(*r->metrics));
	for (uint8_t type = 1; type <= RTAX_MAX; type++)
		if (rtnl_route_get_metric(route, type, &value) == 0)
			r->metrics[r->n_metrics++] =
				(struct route_metric){.type = type, .value = value};
}

static void read_route_extras(struct nlmsghdr *h, struct route *r)
{
	struct nlattr *tb[RTA_MAX + 1];
	const struct rta_cacheinfo *info;

	if (nlmsg_parse(h, sizeof(struct rtmsg), tb, RTA_MAX, NULL) < 0)
		return;
	if (tb[RTA_PREF])
		r->pref = nla_get_u8(tb[RTA_PREF]);
	if (!tb[RTA_CACHEINFO] || nla_len(tb[RTA_CACHEINFO]) < (int)sizeof(*info))
		return;
	info = nla_data(tb[RTA_CACHEINFO]);
	r->expires_s = info->rta_expires > 0 ? (uint32_t)info->rta_expires : 0;
}

static bool read_route(const struct decoder *c, struct nlmsghdr *h, struct route *r)
{
	struct rtnl_route *route = NULL;
	struct nl_addr *src, *pref;

	if (rtnl_route_parse(h, &route) < 0)
		return false;
	*r = (struct route){.family = rtnl_route_get_family(route),
			    .type = rtnl_route_get_type(route),
			    .table = rtnl_route_get_table(route),
			    .scope = rtnl_route_get_scope(route),
			    .protocol = rtnl_route_get_protocol(route),
			    .tos = rtnl_route_get_tos(route),
			    .metric = rtnl_route_get_priority(route)};
	r->to = from_nl_addr(rtnl_route_get_dst(route), r->family, &r->to_len);
	src = rtnl_route_get_src(route);
	if (src && nl_addr_get_prefixlen(src))
		r->from = from_nl_addr(src, r->family, &r->from_len);
	pref = rtnl_route_get_pref_src(route);
	if (pref)
		r->src = from_nl_addr(pref, r->family, NULL);
	read_hops(c, route, r);
	read_metrics(c, route, r);
	read_route_extras(h, r);
	rtnl_route_put(route);
	return true;
}

static struct addr attr_addr(uint8_t family, struct nlattr *a)
{
	struct addr got = {0};

	if (a && nla_len(a) == (family == AF_INET ? 4 : 16))
		got = addr_from_bytes(family, nla_data(a));
	return got;
}

static uint32_t attr_u32(struct nlattr *a, uint32_t otherwise)
{
	return a && nla_len(a) >= 4 ? nla_get_u32(a) : otherwise;
}

static void read_range(struct nlattr *a, uint16_t *first, uint16_t *last)
{
	struct fib_rule_port_range range = {0};

	if (a && nla_len(a) >= (int)sizeof(range))
		memcpy(&range, nla_data(a), sizeof(range));
	*first = range.start;
	*last = range.end;
}

static void read_rule_extras(struct nlattr **tb, struct rule *r)
{
	struct fib_rule_uid_range uids;

	read_range(tb[FRA_SPORT_RANGE], &r->sport_first, &r->sport_last);
	read_range(tb[FRA_DPORT_RANGE], &r->dport_first, &r->dport_last);
	r->suppress_prefixlen = (int32_t)attr_u32(tb[FRA_SUPPRESS_PREFIXLEN], UINT32_MAX);
	r->suppress_ifgroup = (int32_t)attr_u32(tb[FRA_SUPPRESS_IFGROUP], UINT32_MAX);
	if (tb[FRA_TUN_ID])
		r->tunnel_id = be64toh(nla_get_u64(tb[FRA_TUN_ID]));
	if (!tb[FRA_UID_RANGE] || nla_len(tb[FRA_UID_RANGE]) < (int)sizeof(uids))
		return;
	memcpy(&uids, nla_data(tb[FRA_UID_RANGE]), sizeof(uids));
	r->by_uid = true;
	r->uid_first = uids.start;
	r->uid_last = uids.end;
}

static bool read_rule(const struct decoder *c, struct nlmsghdr *h, struct rule *r)
{
	const struct fib_rule_hdr *rule = nlmsg_data(h);
	struct nlattr *tb[FRA_MAX + 1];

	if (nlmsg_parse(h, sizeof(*rule), tb, FRA_MAX, NULL) < 0)
		return false;
	*r = (struct rule){
		.family = rule->family,
		.preference = attr_u32(tb[FRA_PRIORITY], 0),
		.invert = rule->flags & FIB_RULE_INVERT,
		.from = attr_addr(rule->family, tb[FRA_SRC]),
		.from_len = rule->src_len,
		.to = attr_addr(rule->family, tb[FRA_DST]),
		.to_len = rule->dst_len,
		.iif = tb[FRA_IIFNAME] ? arena_strdup(c->arena, nla_get_string(tb[FRA_IIFNAME]))
				       : "",
		.oif = tb[FRA_OIFNAME] ? arena_strdup(c->arena, nla_get_string(tb[FRA_OIFNAME]))
				       : "",
		.tos = rule->tos,
		.fwmark = attr_u32(tb[FRA_FWMARK], 0),
		.fwmask = attr_u32(tb[FRA_FWMASK], 0),
		.ipproto = tb[FRA_IP_PROTO] ? nla_get_u8(tb[FRA_IP_PROTO]) : 0,
		.action = rule->action,
		.table = attr_u32(tb[FRA_TABLE], rule->table),
		.jump = attr_u32(tb[FRA_GOTO], 0),
		.realms = attr_u32(tb[FRA_FLOW], 0),
		.l3mdev = tb[FRA_L3MDEV] && nla_get_u8(tb[FRA_L3MDEV]),
		.protocol = tb[FRA_PROTOCOL] ? nla_get_u8(tb[FRA_PROTOCOL]) : 0,
	};
	if (r->action != FR_ACT_TO_TBL)
		r->table = 0;
	read_rule_extras(tb, r);
	return true;
}

int fib_protocol(struct nlmsghdr *h)
{
	bool is_rule = h->nlmsg_type == RTM_NEWRULE || h->nlmsg_type == RTM_DELRULE;
	struct nlattr *a;

	if (!is_rule)
		return ((struct rtmsg *)nlmsg_data(h))->rtm_protocol;
	a = nlmsg_find_attr(h, sizeof(struct fib_rule_hdr), FRA_PROTOCOL);
	return a ? nla_get_u8(a) : 0;
}

bool fib_decode(struct nlmsghdr *h, const struct netifs *netifs, struct arena *arena,
		struct fib_object *ret)
{
	const struct decoder c = {netifs, arena};

	ret->kind = h->nlmsg_type == RTM_NEWRULE ? FIB_RULE : FIB_ROUTE;
	return ret->kind == FIB_RULE ? read_rule(&c, h, &ret->rule)
				     : read_route(&c, h, &ret->route);
}
