/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes and rules to messages for the kernel: see route_message.h. What libnl-route 3.7 has no
 * field for (a rule's inversion, suppressors, users and tunnel; a route's preference and life time)
 * is put into the message that it has built.
 */
#include "vrrp/route_message.h"

#include "core/must.h"

#include <endian.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
#include <sys/socket.h>

static struct nl_addr *to_nl_addr(const struct addr *a, unsigned len)
{
	struct nl_addr *n = must(nl_addr_build(a->family, a->b, addr_len(a)));

	nl_addr_set_prefixlen(n, (int)len);
	return n;
}

static int index_of(const struct netifs *netifs, const char *ifname)
{
	const struct netif *nif = ifname[0] ? netif_by_name(netifs, ifname) : NULL;

	return nif ? nif->index : ifname[0] ? -ENODEV : 0;
}

static int add_hop(struct rtnl_route *route, const struct netifs *netifs, const struct nexthop *h,
		   bool alone)
{
	int index = index_of(netifs, h->ifname);
	struct rtnl_nexthop *nh;
	struct nl_addr *via;

	if (index < 0)
		return index;
	nh = must(rtnl_route_nh_alloc());
	if (addr_is_set(&h->via)) {
		via = to_nl_addr(&h->via, addr_bits(&h->via));
		rtnl_route_nh_set_gateway(nh, via);
		nl_addr_put(via);
	}
	if (index)
		rtnl_route_nh_set_ifindex(nh, index);
	if (h->realms)
		rtnl_route_nh_set_realms(nh, h->realms);
	if (!alone)
		rtnl_route_nh_set_weight(nh, (uint8_t)(h->weight - 1));
	/* Alone, the route's own flags are the hop's. */
	if (h->onlink && alone)
		rtnl_route_set_flags(route, RTNH_F_ONLINK);
	else if (h->onlink)
		rtnl_route_nh_set_flags(nh, RTNH_F_ONLINK);
	rtnl_route_add_nexthop(route, nh);
	return 0;
}

static void set_addresses(struct rtnl_route *route, const struct route *r)
{
	struct nl_addr *a = to_nl_addr(&r->to, r->to_len);

	rtnl_route_set_dst(route, a);
	nl_addr_put(a);
	if (addr_is_set(&r->from)) {
		a = to_nl_addr(&r->from, r->from_len);
		rtnl_route_set_src(route, a);
		nl_addr_put(a);
	}
	if (addr_is_set(&r->src)) {
		a = to_nl_addr(&r->src, addr_bits(&r->src));
		rtnl_route_set_pref_src(route, a);
		nl_addr_put(a);
	}
}

/* 0 or -errno. */
static int to_rtnl_route(const struct route *r, const struct netifs *netifs,
			 struct rtnl_route *route)
{
	int err = 0;

	rtnl_route_set_family(route, r->family);
	rtnl_route_set_type(route, r->type);
	rtnl_route_set_table(route, r->table);
	rtnl_route_set_scope(route, r->scope);
	rtnl_route_set_protocol(route, r->protocol);
	rtnl_route_set_tos(route, r->tos);
	if (r->metric)
		rtnl_route_set_priority(route, r->metric);
	set_addresses(route, r);
	for (uint32_t i = 0; i < r->n_metrics; i++)
		rtnl_route_set_metric(route, r->metrics[i].type, r->metrics[i].value);
	for (uint32_t i = 0; i < r->n_nexthops && !err; i++)
		err = add_hop(route, netifs, &r->nexthops[i], r->n_nexthops == 1);
	return err;
}

int fib_errno(int err)
{
	return err == -NLE_NOMEM ? -ENOMEM : err == -NLE_MISSING_ATTR ? -EINVAL : -EIO;
}

static int route_message(const struct fib_op *op, const struct netifs *netifs, struct nl_msg **ret)
{
	const struct route *r = &op->object->route;
	struct rtnl_route *route = must(rtnl_route_alloc());
	int flags = op->verb == FIB_REPLACE ? NLM_F_REPLACE
		    : r->append		    ? NLM_F_APPEND
					    : 0;
	int err;

	err = to_rtnl_route(r, netifs, route);
	if (!err) {
		err = op->verb == FIB_DELETE ? rtnl_route_build_del_request(route, 0, ret)
					     : rtnl_route_build_add_request(route, flags, ret);
		err = err < 0 ? fib_errno(err) : 0;
	}
	rtnl_route_put(route);
	if (!err && r->pref)
		nla_put_u8(*ret, RTA_PREF, r->pref);
	if (!err && r->expires_s && op->verb != FIB_DELETE)
		nla_put_u32(*ret, RTA_EXPIRES, r->expires_s);
	return err;
}

static void set_selectors(const struct rule *r, struct rtnl_rule *rule)
{
	struct nl_addr *a;

	if (addr_is_set(&r->from)) {
		a = to_nl_addr(&r->from, r->from_len);
		rtnl_rule_set_src(rule, a);
		nl_addr_put(a);
	}
	if (addr_is_set(&r->to)) {
		a = to_nl_addr(&r->to, r->to_len);
		rtnl_rule_set_dst(rule, a);
		nl_addr_put(a);
	}
	if (r->iif[0])
		rtnl_rule_set_iif(rule, r->iif);
	if (r->oif[0])
		rtnl_rule_set_oif(rule, r->oif);
	if (r->tos)
		rtnl_rule_set_dsfield(rule, r->tos);
	if (r->fwmask) {
		rtnl_rule_set_mark(rule, r->fwmark);
		rtnl_rule_set_mask(rule, r->fwmask);
	}
	if (r->ipproto)
		rtnl_rule_set_ipproto(rule, r->ipproto);
	if (r->sport_first)
		rtnl_rule_set_sport_range(rule, r->sport_first, r->sport_last);
	if (r->dport_first)
		rtnl_rule_set_dport_range(rule, r->dport_first, r->dport_last);
}

static void to_rtnl_rule(const struct rule *r, struct rtnl_rule *rule)
{
	rtnl_rule_set_family(rule, r->family);
	rtnl_rule_set_prio(rule, r->preference);
	rtnl_rule_set_action(rule, r->action);
	rtnl_rule_set_protocol(rule, r->protocol);
	if (r->l3mdev)
		rtnl_rule_set_l3mdev(rule, 1);
	else if (r->table)
		rtnl_rule_set_table(rule, r->table);
	if (r->jump)
		rtnl_rule_set_goto(rule, r->jump);
	if (r->realms)
		rtnl_rule_set_realms(rule, r->realms);
	set_selectors(r, rule);
}

static void put_rule_extras(struct nl_msg *msg, const struct rule *r)
{
	const struct fib_rule_uid_range uids = {r->uid_first, r->uid_last};
	struct fib_rule_hdr *h = nlmsg_data(nlmsg_hdr(msg));

	if (r->invert)
		h->flags |= FIB_RULE_INVERT;
	if (r->by_uid)
		nla_put(msg, FRA_UID_RANGE, sizeof(uids), &uids);
	if (r->suppress_prefixlen >= 0)
		nla_put_u32(msg, FRA_SUPPRESS_PREFIXLEN, (uint32_t)r->suppress_prefixlen);
	if (r->suppress_ifgroup >= 0)
		nla_put_u32(msg, FRA_SUPPRESS_IFGROUP, (uint32_t)r->suppress_ifgroup);
	if (r->tunnel_id)
		nla_put_u64(msg, FRA_TUN_ID, htobe64(r->tunnel_id));
}

static int rule_message(const struct fib_op *op, struct nl_msg **ret)
{
	const struct rule *r = &op->object->rule;
	struct rtnl_rule *rule = must(rtnl_rule_alloc());
	int err;

	to_rtnl_rule(r, rule);
	/* Without EXCL the kernel would have the same rule twice. */
	err = op->verb == FIB_DELETE ? rtnl_rule_build_delete_request(rule, 0, ret)
				     : rtnl_rule_build_add_request(rule, NLM_F_EXCL, ret);
	rtnl_rule_put(rule);
	if (err < 0)
		return fib_errno(err);
	put_rule_extras(*ret, r);
	return 0;
}

int fib_encode(const struct fib_op *op, const struct netifs *netifs, struct nl_msg **ret)
{
	return op->object->kind == FIB_ROUTE ? route_message(op, netifs, ret)
					     : rule_message(op, ret);
}
