/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of static_routes and virtual_routes: ip route's own words, in any order. The result is
 * as the kernel will show it: scopes, metrics and protocols are filled in. A line with a word that
 * can't be honoured is left out as a whole: half a route leads elsewhere.
 */
#include <linux/icmpv6.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"
#include "core/config/iproute.h"

/* The kernel's own, of an IPv6 route without a metric. */
#define METRIC_IPV6 1024
#define HOPS_MAX    256

/* A line on its way through its words. */
struct route_line {
	struct ip_line ip;
	bool scope_set;
	bool protocol_set;
	bool metric_set;
	bool in_hops; /* behind the first nexthop */
	uint32_t lock;
	uint32_t metrics[RTAX_MAX + 1];
	uint32_t has_metric;
	struct route r;
	struct nexthop *hop; /* that via, dev, … are of */
};

static bool is_peek(const struct route_line *l, const char *s)
{
	return l->ip.at + 1 < l->ip.n->n_words && !strcmp(l->ip.n->word[l->ip.at + 1].s, s);
}

/* Words */

static void set_address(struct route_line *l, const struct ast_word *w, struct addr *ret)
{
	if (!w || !value_addr(l->ip.c, w, ret))
		l->ip.failed = true;
	else
		ip_take_family(&l->ip, w, ret->family);
}

static void set_via(struct route_line *l)
{
	if (is_peek(l, "inet") || is_peek(l, "inet6")) {
		ip_take_family(&l->ip, ip_word(&l->ip), is_peek(l, "inet") ? AF_INET : AF_INET6);
		l->ip.at++;
	}
	set_address(l, ip_next(&l->ip), &l->hop->via);
}

static void set_src(struct route_line *l)
{
	set_address(l, ip_next(&l->ip), &l->r.src);
}

static void set_from(struct route_line *l)
{
	const struct ast_word *w = ip_next(&l->ip);

	if (!w || !iproute_prefix(l->ip.c, w, AF_INET6, &l->r.from, &l->r.from_len))
		l->ip.failed = true;
	else if (l->r.from.family != AF_INET6)
		ip_fail(&l->ip, w, "is not of IPv6, and only there a route has a source");
	else
		ip_take_family(&l->ip, w, AF_INET6);
}

static void set_dev(struct route_line *l)
{
	const struct ast_word *w = ip_next(&l->ip);

	if (!w || !value_ifname(l->ip.c, w, &l->hop->ifname))
		l->ip.failed = true;
}

static void set_table(struct route_line *l)
{
	ip_read_named(&l->ip, "rt_tables", UINT32_MAX, &l->r.table);
	if (!l->r.table)
		l->r.table = RT_TABLE_MAIN;
}

static void set_protocol(struct route_line *l)
{
	uint32_t value = 0;

	ip_read_named(&l->ip, "rt_protos", UINT8_MAX, &value);
	l->r.protocol = (uint8_t)value;
	l->protocol_set = true;
}

static void set_scope(struct route_line *l)
{
	uint32_t value = 0;

	ip_read_named(&l->ip, "rt_scopes", UINT8_MAX, &value);
	l->r.scope = (uint8_t)value;
	l->scope_set = true;
}

static void set_tos(struct route_line *l)
{
	uint32_t value = 0;

	ip_read_named(&l->ip, "rt_dsfield", UINT8_MAX, &value);
	l->r.tos = (uint8_t)value;
}

static void set_metric(struct route_line *l)
{
	int64_t value;

	if (!ip_read_number(&l->ip, 0, UINT32_MAX, &value))
		return;
	l->r.metric = (uint32_t)value;
	l->metric_set = true;
}

static void set_expires(struct route_line *l)
{
	int64_t value;

	if (ip_take_family(&l->ip, ip_word(&l->ip), AF_INET6) && ip_read_number(&l->ip, 1, INT32_MAX, &value))
		l->r.expires_s = (uint32_t)value;
}

static void set_pref(struct route_line *l)
{
	static const struct {
		const char *name;
		uint8_t value;
	} prefs[] = {{"low", ICMPV6_ROUTER_PREF_LOW},
		     {"medium", ICMPV6_ROUTER_PREF_MEDIUM},
		     {"high", ICMPV6_ROUTER_PREF_HIGH}};
	const struct ast_word *w;

	if (!ip_take_family(&l->ip, ip_word(&l->ip), AF_INET6) || !(w = ip_next(&l->ip)))
		return;
	for (size_t i = 0; i < sizeof(prefs) / sizeof(*prefs); i++) {
		if (strcmp(prefs[i].name, w->s))
			continue;
		l->r.pref = prefs[i].value;
		return;
	}
	ip_fail(&l->ip, w, "is none of low, medium, high");
}

static void set_realms(struct route_line *l)
{
	const struct ast_word *w = ip_next(&l->ip);

	if (!w || !iproute_realms(l->ip.c, w, &l->hop->realms))
		l->ip.failed = true;
	else
		ip_take_family(&l->ip, w, AF_INET);
}

static void set_onlink(struct route_line *l)
{
	l->hop->onlink = true;
}

static void set_weight(struct route_line *l)
{
	int64_t value;

	if (!l->in_hops)
		ip_fail(&l->ip, ip_word(&l->ip), "is for a nexthop");
	else if (ip_read_number(&l->ip, 1, HOPS_MAX, &value))
		l->hop->weight = (uint16_t)value;
}

static void set_append(struct route_line *l)
{
	l->r.append = true;
}

static void set_inet(struct route_line *l)
{
	ip_take_family(&l->ip, ip_word(&l->ip), AF_INET);
}

static void set_inet6(struct route_line *l)
{
	ip_take_family(&l->ip, ip_word(&l->ip), AF_INET6);
}

static void set_no_track(struct route_line *l)
{
	l->r.no_track = true;
}

static void set_nothing(struct route_line *l)
{
}

static void set_track_group(struct route_line *l)
{
	ip_read_track_group(&l->ip, "route", &l->r.track_group);
}

static void add_hop(struct route_line *l)
{
	struct route *r = &l->r;

	r->nexthops = check_extend(l->ip.c, r->nexthops, r->n_nexthops, 1, sizeof(*r->nexthops));
	l->hop = &r->nexthops[r->n_nexthops++];
	*l->hop = (struct nexthop){.ifname = "", .weight = 1};
}

static void set_nexthop(struct route_line *l)
{
	const struct nexthop *first = &l->r.nexthops[0];

	if (!l->in_hops && (addr_is_set(&first->via) || first->ifname[0])) {
		ip_fail(&l->ip, ip_word(&l->ip), "does not go with via or dev before it");
		return;
	}
	if (!l->in_hops)
		l->r.n_nexthops = 0;
	l->in_hops = true;
	add_hop(l);
}

/* An old way to say that there are two. */
static void set_or(struct route_line *l)
{
	l->in_hops = true;
	add_hop(l);
	set_address(l, ip_next(&l->ip), &l->hop->via);
}

/* Metrics: a number, or a time in ms (or with s or ms behind it) in the kernel's own fractions. */

static void store_metric(struct route_line *l, int type, uint32_t value)
{
	l->metrics[type] = value;
	l->has_metric |= 1u << type;
}

static bool read_time_ms(struct route_line *l, const struct ast_word *w, uint32_t fraction,
			 uint32_t *ret)
{
	char *end;
	double ms = strtod(w->s, &end);

	if (end != w->s && !strcmp(end, "s"))
		ms *= 1000;
	else if (end == w->s || (*end && strcmp(end, "ms")))
		ms = -1;
	if (!(ms >= 0 && ms * fraction <= UINT32_MAX)) /* strtod() knows nan, too */
		ip_fail(&l->ip, w, "is no time in ms");
	else
		*ret = (uint32_t)(ms * fraction + 0.5);
	return !l->ip.failed;
}

static const struct route_metric_word {
	const char *name;
	uint8_t type;
	bool locks;
	uint8_t fraction; /* of a ms, for times */
	uint32_t max;	  /* 0: of 32 bits */
} metric_words[] = {
	{"mtu", .type = RTAX_MTU, .locks = true},
	{"advmss", .type = RTAX_ADVMSS, .locks = true},
	{"rtt", .type = RTAX_RTT, .locks = true, .fraction = 8},
	{"rttvar", .type = RTAX_RTTVAR, .locks = true, .fraction = 4},
	{"rto_min", .type = RTAX_RTO_MIN, .locks = true, .fraction = 1},
	{"reordering", .type = RTAX_REORDERING, .locks = true},
	{"window", .type = RTAX_WINDOW},
	{"cwnd", .type = RTAX_CWND, .locks = true},
	{"ssthresh", .type = RTAX_SSTHRESH, .locks = true},
	{"hoplimit", .type = RTAX_HOPLIMIT, .max = 255},
	{"initcwnd", .type = RTAX_INITCWND},
	{"initrwnd", .type = RTAX_INITRWND},
	{"quickack", .type = RTAX_QUICKACK, .max = 1},
	{"fastopen_no_cookie", .type = RTAX_FASTOPEN_NO_COOKIE, .max = 1},
};

static void set_metric_word(struct route_line *l, const struct route_metric_word *m)
{
	int64_t number = 0;
	uint32_t value = 0;

	if (m->locks && is_peek(l, "lock")) {
		l->lock |= 1u << m->type;
		l->ip.at++;
	}
	if (m->fraction) {
		const struct ast_word *w = ip_next(&l->ip);

		if (!w || !read_time_ms(l, w, m->fraction, &value))
			return;
	} else if (!ip_read_number(&l->ip, 0, m->max ? m->max : UINT32_MAX, &number)) {
		return;
	}
	store_metric(l, m->type, m->fraction ? value : (uint32_t)number);
}

static void set_features(struct route_line *l)
{
	const struct ast_word *w = ip_next(&l->ip);

	if (w && strcmp(w->s, "ecn"))
		ip_fail(&l->ip, w, "is not ecn");
	store_metric(l, RTAX_FEATURES, RTAX_FEATURE_ECN);
}

static const struct {
	const char *name;
	void (*set)(struct route_line *l);
} words[] = {
	{"via", set_via},	{"gw", set_via},
	{"src", set_src},	{"from", set_from},
	{"dev", set_dev},	{"oif", set_dev},
	{"table", set_table},	{"protocol", set_protocol},
	{"scope", set_scope},	{"tos", set_tos},
	{"dsfield", set_tos},	{"metric", set_metric},
	{"priority", set_metric}, {"preference", set_metric},
	{"expires", set_expires}, {"pref", set_pref},
	{"realms", set_realms}, {"onlink", set_onlink},
	{"weight", set_weight}, {"nexthop", set_nexthop},
	{"or", set_or},		{"features", set_features},
	{"append", set_append}, {"prepend", set_nothing},
	{"add", set_nothing},	{"inet", set_inet},
	{"inet6", set_inet6},	{"no_track", set_no_track},
	{"track_group", set_track_group},
};

/* What libnl-route has no word for, or nothing here needs. */
static const struct {
	const char *name;
	const char *why;
} refused[] = {
	{"congctl", "the congestion control of a route is not set"},
	{"encap", "packets of a route are not encapsulated"},
	{"ttl-propagate", "it is for MPLS, which is not done"},
	{"as", "it is for MPLS, which is not done"},
	{"vrf", "say the VRF's table"},
};

static bool is_refused(struct route_line *l)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		if (strcmp(refused[i].name, ip_word(&l->ip)->s))
			continue;
		check_later(l->ip.c, &ip_word(&l->ip)->loc, "'%s': %s; the route is left out", ip_word(&l->ip)->s,
			    refused[i].why);
		l->ip.failed = true;
	}
	return l->ip.failed;
}

/* [to] [TYPE] PREFIX */
static void set_destination(struct route_line *l)
{
	const struct ast_word *w = ip_word(&l->ip);
	int type;

	if (!strcmp(w->s, "to") && !(w = ip_next(&l->ip)))
		return;
	type = iproute_type_parse(w->s);
	if (type >= 0) {
		l->r.type = (uint8_t)type;
		if (!(w = ip_next(&l->ip)))
			return;
	}
	if (addr_is_set(&l->r.to))
		ip_fail(&l->ip, w, "is one word too many");
	else if (!iproute_prefix(l->ip.c, w, l->ip.family, &l->r.to, &l->r.to_len))
		l->ip.failed = true;
	else if (l->r.to_len || strchr(w->s, '/'))
		ip_take_family(&l->ip, w, l->r.to.family);
}

static void read_word(struct route_line *l)
{
	const char *s = ip_word(&l->ip)->s;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(words[i].name, s))
			continue;
		words[i].set(l);
		return;
	}
	for (size_t i = 0; i < sizeof(metric_words) / sizeof(*metric_words); i++) {
		if (strcmp(metric_words[i].name, s))
			continue;
		set_metric_word(l, &metric_words[i]);
		return;
	}
	if (!is_refused(l))
		set_destination(l);
}

/* Completion, to what the kernel shows */

static void finish_scope(struct route_line *l)
{
	struct route *r = &l->r;

	if (l->scope_set && r->family == AF_INET)
		return;
	r->scope = RT_SCOPE_UNIVERSE;
	if (r->family == AF_INET6)
		return;
	if (r->type == RTN_LOCAL)
		r->scope = RT_SCOPE_HOST;
	else if (r->type == RTN_BROADCAST || r->type == RTN_MULTICAST || r->type == RTN_ANYCAST)
		r->scope = RT_SCOPE_LINK;
	else if (r->type == RTN_UNICAST && !addr_is_set(&r->nexthops[0].via))
		r->scope = RT_SCOPE_LINK;
}

static void finish_metrics(struct route_line *l)
{
	struct route *r = &l->r;

	if (l->lock)
		store_metric(l, RTAX_LOCK, l->lock);
	r->metrics = arena_array(l->ip.c->arena, RTAX_MAX, sizeof(*r->metrics));
	for (uint8_t type = 1; type <= RTAX_MAX; type++)
		if (l->has_metric & 1u << type)
			r->metrics[r->n_metrics++] =
				(struct route_metric){.type = type, .value = l->metrics[type]};
	if (r->family == AF_INET6 && !l->metric_set)
		r->metric = METRIC_IPV6;
}

/* The mark by which it is found again, as with keepalived. */
static void finish_protocol(struct route_line *l)
{
	struct route *r = &l->r;

	if (l->protocol_set && r->no_track)
		return;
	if (l->protocol_set && r->protocol != RTPROT_KEEPALIVED)
		check_warn(l->ip.c, &l->ip.n->word[0].loc,
			   "a route that is tracked has protocol keepalived (%d), which is used",
			   RTPROT_KEEPALIVED);
	r->protocol = RTPROT_KEEPALIVED;
}

static void finish_hops(struct route_line *l)
{
	struct route *r = &l->r;
	bool leads = r->type == RTN_UNICAST || r->type == RTN_LOCAL || r->type == RTN_BROADCAST ||
		     r->type == RTN_MULTICAST || r->type == RTN_ANYCAST;

	for (uint32_t i = 0; i < r->n_nexthops; i++) {
		const struct nexthop *h = &r->nexthops[i];

		if (leads && !addr_is_set(&h->via) && !h->ifname[0])
			ip_fail(&l->ip, &l->ip.n->word[0], "has neither via nor dev");
	}
	if (!leads)
		r->n_nexthops = 0;
}

static bool finish(struct route_line *l)
{
	struct route *r = &l->r;

	if (!addr_is_set(&r->to))
		ip_fail(&l->ip, &l->ip.n->word[0], "is a route without a destination");
	r->family = l->ip.family ? l->ip.family : r->to.family;
	if (!r->to_len && r->to.family != r->family)
		r->to = (struct addr){.family = r->family};
	finish_hops(l);
	if (l->ip.failed)
		return false;
	finish_scope(l);
	finish_metrics(l);
	finish_protocol(l);
	return true;
}

static bool route_parse(struct checker *c, const struct ast_node *n, bool is_static,
			struct route *ret)
{
	struct route_line l = {.ip = {.c = c, .n = n, .is_static = is_static}};

	l.r.type = RTN_UNICAST;
	l.r.table = RT_TABLE_MAIN;
	add_hop(&l);
	for (; l.ip.at < n->n_words && !l.ip.failed; l.ip.at++)
		read_word(&l);
	if (!l.ip.failed && finish(&l)) {
		*ret = l.r;
		return true;
	}
	return false;
}

void route_add_lines(struct checker *c, const struct ast_node *block, bool is_static,
		     struct route **list, uint32_t *n_list)
{
	*list = check_extend(c, *list, *n_list, block->n_children, sizeof(**list));
	for (uint32_t i = 0; i < block->n_children; i++)
		if (route_parse(c, &block->child[i], is_static, &(*list)[*n_list]))
			(*n_list)++;
}
