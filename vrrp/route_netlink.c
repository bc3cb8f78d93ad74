/* SPDX-License-Identifier: Apache-2.0 */
/* Routes and rules of the kernel: see route_netlink.h. What libnl-route 3.7 has no field for (a
 * rule's inversion, suppressors, users and tunnel; a route's preference and life time) is put into
 * the message that it has built. */
#include "vrrp/route_netlink.h"

#include "core/arena.h"
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
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH_MESSAGES	 64
#define BATCH_BYTES	 32768
#define RECEIVE_BYTES	 65536
#define EVENT_SOCK_BYTES (1 << 20)
#define EVENT_BYTES	 16384
/* Somebody who changes a whole table must not keep us from advertising. */
#define EVENTS_AT_ONCE 32

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

struct fib_netlink {
	struct nl_sock *requests;
	struct nl_sock *events;
	ev_io readable;
	bool protocols[256];
	bool watching;
	bool seen_change;
	void (*changed)(void *ctx);
	void *ctx;
};

/* What a dump puts its objects into. */
struct collector {
	struct fib_netlink *n;
	const struct netifs *netifs;
	struct arena *arena;
	struct fib_object *list;
	size_t n_list;
	size_t cap;
};

/* Messages out */

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

/* libnl's errors are its own. */
static int nl_errno(int err)
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
		err = err < 0 ? nl_errno(err) : 0;
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
		return nl_errno(err);
	put_rule_extras(*ret, r);
	return 0;
}

/* Batches */

struct answers {
	struct fib_op *ops;
	size_t n;
	uint32_t seqs[BATCH_MESSAGES];
	struct fib_op *sent[BATCH_MESSAGES];
	size_t n_sent;
	size_t answered;
};

/* Already so is as good as done. */
static int harmless(const struct fib_op *op, int err)
{
	if (op->verb == FIB_DELETE && (err == -ESRCH || err == -ENOENT))
		return 0;
	return op->verb != FIB_DELETE && err == -EEXIST ? 0 : err;
}

static void note_answer(struct answers *a, uint32_t seq, int err)
{
	for (size_t i = 0; i < a->n_sent; i++) {
		if (a->seqs[i] != seq)
			continue;
		a->sent[i]->error = harmless(a->sent[i], err);
		a->answered++;
	}
}

static int on_ack(struct nl_msg *msg, void *ctx)
{
	note_answer(ctx, nlmsg_hdr(msg)->nlmsg_seq, 0);
	return NL_OK;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *err, void *ctx)
{
	note_answer(ctx, err->msg.nlmsg_seq, err->error);
	return NL_SKIP;
}

static int any_sequence(struct nl_msg *msg, void *ctx)
{
	return NL_OK;
}

static int read_answers(struct fib_netlink *n, struct answers *a)
{
	struct nl_cb *cb = must(nl_cb_alloc(NL_CB_DEFAULT));
	int err = 0;

	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, any_sequence, NULL);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, a);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, a);
	while (a->answered < a->n_sent && err >= 0)
		err = nl_recvmsgs(n->requests, cb);
	nl_cb_put(cb);
	return err < 0 ? nl_errno(err) : 0;
}

int fib_netlink_apply(struct fib_netlink *n, const struct netifs *netifs, struct fib_op *ops,
		      size_t n_ops)
{
	struct answers a = {.ops = ops};
	char buf[BATCH_BYTES];
	size_t bytes = 0, i;
	int err;

	for (i = 0; i < n_ops && a.n_sent < BATCH_MESSAGES; i++) {
		struct nl_msg *msg = NULL;

		ops[i].error = ops[i].object->kind == FIB_ROUTE ? route_message(&ops[i], netifs, &msg)
								: rule_message(&ops[i], &msg);
		if (ops[i].error)
			continue;
		nl_complete_msg(n->requests, msg);
		if (bytes + nlmsg_hdr(msg)->nlmsg_len > sizeof(buf)) {
			nlmsg_free(msg);
			break;
		}
		memcpy(buf + bytes, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
		bytes += NLMSG_ALIGN(nlmsg_hdr(msg)->nlmsg_len);
		a.seqs[a.n_sent] = nlmsg_hdr(msg)->nlmsg_seq;
		a.sent[a.n_sent++] = &ops[i];
		nlmsg_free(msg);
	}
	if (a.n_sent && nl_sendto(n->requests, buf, bytes) < 0)
		return -EIO;
	err = read_answers(n, &a);
	return err ? err : (int)i;
}

/* Messages in */

static struct addr from_nl_addr(struct nl_addr *a, uint8_t family, uint8_t *ret_len)
{
	struct addr got = {.family = family};

	if (a && nl_addr_get_len(a) && nl_addr_get_len(a) <= sizeof(got.b))
		memcpy(got.b, nl_addr_get_binary_addr(a), nl_addr_get_len(a));
	if (ret_len)
		*ret_len = a ? (uint8_t)nl_addr_get_prefixlen(a) : 0;
	return got;
}

static const char *name_of(const struct collector *c, int index)
{
	const struct netif *nif = index ? netif_by_index(c->netifs, index) : NULL;

	return nif ? arena_strdup(c->arena, nif->name) : "";
}

static void read_hop(struct collector *c, struct rtnl_route *route, struct rtnl_nexthop *nh,
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

static void read_hops(struct collector *c, struct rtnl_route *route, struct route *r)
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

static void read_metrics(struct collector *c, struct rtnl_route *route, struct route *r)
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

static bool read_route(struct collector *c, struct nlmsghdr *h, struct route *r)
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

static bool read_rule(struct collector *c, struct nlmsghdr *h, struct rule *r)
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

/* Without parsing it whole: others may have a million. */
static int protocol_of(struct nlmsghdr *h)
{
	bool is_rule = h->nlmsg_type == RTM_NEWRULE || h->nlmsg_type == RTM_DELRULE;
	struct nlattr *a;

	if (!is_rule)
		return ((struct rtmsg *)nlmsg_data(h))->rtm_protocol;
	a = nlmsg_find_attr(h, sizeof(struct fib_rule_hdr), FRA_PROTOCOL);
	return a ? nla_get_u8(a) : 0;
}

static int on_dumped(struct nl_msg *msg, void *ctx)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct collector *c = ctx;
	struct fib_object o;
	bool ok;

	if (!c->n->protocols[protocol_of(h)])
		return NL_OK;
	o.kind = h->nlmsg_type == RTM_NEWRULE ? FIB_RULE : FIB_ROUTE;
	ok = o.kind == FIB_RULE ? read_rule(c, h, &o.rule) : read_route(c, h, &o.route);
	if (!ok)
		return NL_OK;
	c->list = arena_grow(c->arena, c->list, c->n_list, &c->cap, sizeof(*c->list));
	c->list[c->n_list++] = o;
	return NL_OK;
}

/* The kernel filters by protocol where it can. */
static int dump(struct collector *c, int type, uint8_t family, uint8_t protocol)
{
	struct rtmsg route = {.rtm_family = family, .rtm_protocol = protocol};
	struct fib_rule_hdr rule = {.family = family};
	struct nl_cb *cb = must(nl_cb_alloc(NL_CB_DEFAULT));
	int err;

	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_dumped, c);
	err = type == RTM_GETRULE
		      ? nl_send_simple(c->n->requests, type, NLM_F_DUMP, &rule, sizeof(rule))
		      : nl_send_simple(c->n->requests, type, NLM_F_DUMP, &route, sizeof(route));
	if (err >= 0)
		err = nl_recvmsgs(c->n->requests, cb);
	nl_cb_put(cb);
	/* No rules of a family that the kernel has not. */
	return err >= 0 || err == -NLE_OPNOTSUPP ? 0 : nl_errno(err);
}

int fib_netlink_dump(struct fib_netlink *n, const struct netifs *netifs, struct arena *arena,
		     struct fib_object **ret, size_t *ret_n)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct collector c = {.n = n, .netifs = netifs, .arena = arena};
	int err = 0;

	for (size_t f = 0; f < 2 && !err; f++) {
		for (int protocol = 1; protocol < 256 && !err; protocol++)
			if (n->protocols[protocol])
				err = dump(&c, RTM_GETROUTE, families[f], (uint8_t)protocol);
		if (!err)
			err = dump(&c, RTM_GETRULE, families[f], 0);
	}
	*ret = c.list;
	*ret_n = c.n_list;
	return err;
}

/* Events */

static int on_event(struct nl_msg *msg, void *ctx)
{
	struct fib_netlink *n = ctx;
	struct nlmsghdr *h = nlmsg_hdr(msg);

	if (h->nlmsg_type >= RTM_NEWROUTE && h->nlmsg_type <= RTM_GETRULE)
		n->seen_change |= n->protocols[protocol_of(h)];
	return NL_OK;
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct fib_netlink *n = w->data;
	int err = 0;

	n->seen_change = false;
	for (int i = 0; i < EVENTS_AT_ONCE && err >= 0; i++)
		err = nl_recvmsgs_default(n->events);
	/* Events were lost: look at everything again. */
	if (n->seen_change || err == -NLE_NOMEM)
		n->changed(n->ctx);
}

static int open_events(struct fib_netlink *n, struct ev_loop *loop)
{
	n->events = nl_socket_alloc();
	if (!n->events)
		return -ENOMEM;
	nl_socket_disable_seq_check(n->events);
	nl_socket_modify_cb(n->events, NL_CB_VALID, NL_CB_CUSTOM, on_event, n);
	if (nl_connect(n->events, NETLINK_ROUTE) < 0)
		return -EIO;
	nl_socket_set_nonblocking(n->events);
	nl_socket_disable_msg_peek(n->events);
	nl_socket_set_msg_buf_size(n->events, EVENT_BYTES);
	nl_socket_set_buffer_size(n->events, EVENT_SOCK_BYTES, 0);
	ev_io_init(&n->readable, on_readable, nl_socket_get_fd(n->events), EV_READ);
	n->readable.data = n;
	ev_io_start(loop, &n->readable);
	return 0;
}

int fib_netlink_open(struct ev_loop *loop, void (*changed)(void *ctx), void *ctx,
		     struct fib_netlink **ret)
{
	struct fib_netlink *n = calloc(1, sizeof(*n));
	int strict = 1;

	if (!n)
		return -ENOMEM;
	n->changed = changed;
	n->ctx = ctx;
	n->requests = nl_socket_alloc();
	if (!n->requests || nl_connect(n->requests, NETLINK_ROUTE) < 0)
		return -EIO;
	nl_socket_set_msg_buf_size(n->requests, RECEIVE_BYTES);
	setsockopt(nl_socket_get_fd(n->requests), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &strict,
		   sizeof(strict));
	*ret = n;
	return open_events(n, loop);
}

/* Each address that anybody adds has a route, too: who has none to look after does not listen. */
int fib_netlink_watch(struct fib_netlink *n, const bool protocols[256], bool told)
{
	int err = 0;

	memcpy(n->protocols, protocols, sizeof(n->protocols));
	if (told && !n->watching)
		err = nl_socket_add_memberships(n->events, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
						RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, 0);
	else if (!told && n->watching)
		err = nl_socket_drop_memberships(n->events, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
						 RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, 0);
	if (err < 0)
		return -EIO;
	n->watching = told;
	return 0;
}
