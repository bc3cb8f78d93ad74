/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of static_rules and virtual_rules: ip rule's own words, in any order. A line with a
 * word that can't be honoured is left out as a whole: half a rule catches more than it should.
 */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config/check.h"
#include "core/config/iproute.h"

/* keepalived's first preference of a rule without one; each further one is one lower. */
#define PREFERENCE_FIRST 16384

/* A line on its way through its words. */
struct rule_line {
	struct ip_line ip;
	bool preference_set;
	bool protocol_set;
	bool of_table; /* has words that only a table's rule can have */
	struct rule r;
};

static void set_action(struct rule_line *l, const struct ast_word *w, uint8_t action)
{
	if (l->r.action)
		ip_fail(&l->ip, w, "is a second thing to do");
	else
		l->r.action = action;
}

/* Words */

static void set_prefix(struct rule_line *l, struct addr *ret, uint8_t *ret_len)
{
	const struct ast_word *w = ip_next(&l->ip);

	if (!w || !iproute_prefix(l->ip.c, w, l->ip.family, ret, ret_len)) {
		l->ip.failed = true;
		return;
	}
	if (*ret_len || strchr(w->s, '/'))
		ip_take_family(&l->ip, w, ret->family);
	if (!*ret_len)
		*ret = (struct addr){0}; /* all: as if it were not said */
}

static void set_from(struct rule_line *l)
{
	set_prefix(l, &l->r.from, &l->r.from_len);
}

static void set_to(struct rule_line *l)
{
	set_prefix(l, &l->r.to, &l->r.to_len);
}

static void set_table(struct rule_line *l)
{
	const struct ast_word *w = ip_word(&l->ip);

	ip_read_named(&l->ip, "rt_tables", UINT32_MAX, &l->r.table);
	if (!l->ip.failed && !l->r.table)
		ip_fail(&l->ip, ip_word(&l->ip), "is no table of its own");
	set_action(l, w, FR_ACT_TO_TBL);
}

static void set_l3mdev(struct rule_line *l)
{
	l->r.l3mdev = true;
	set_action(l, ip_word(&l->ip), FR_ACT_TO_TBL);
}

static void set_not(struct rule_line *l)
{
	l->r.invert = true;
}

static void set_preference(struct rule_line *l)
{
	int64_t value;

	if (!ip_read_number(&l->ip, 0, UINT32_MAX, &value))
		return;
	l->r.preference = (uint32_t)value;
	l->preference_set = true;
}

static void set_tos(struct rule_line *l)
{
	uint32_t value = 0;

	ip_read_named(&l->ip, "rt_dsfield", UINT8_MAX, &value);
	l->r.tos = (uint8_t)value;
}

/* MARK[/MASK] */
static void set_fwmark(struct rule_line *l)
{
	const struct ast_word *w = ip_next(&l->ip);
	unsigned long mark, mask = UINT32_MAX;
	char *end;

	if (!w)
		return;
	mark = strtoul(w->s, &end, 0);
	if (*end == '/' && end[1])
		mask = strtoul(end + 1, &end, 0);
	if (w->s[0] < '0' || w->s[0] > '9' || *end || mark > UINT32_MAX || mask > UINT32_MAX) {
		ip_fail(&l->ip, w, "is no MARK or MARK/MASK");
		return;
	}
	l->r.fwmark = (uint32_t)mark;
	l->r.fwmask = (uint32_t)mask;
}

static void set_realms(struct rule_line *l)
{
	const struct ast_word *w = ip_next(&l->ip);

	if (!w || !iproute_realms(l->ip.c, w, &l->r.realms))
		l->ip.failed = true;
	else
		ip_take_family(&l->ip, w, AF_INET);
	l->of_table = true;
}

static void set_iif(struct rule_line *l)
{
	const struct ast_word *w = ip_next(&l->ip);

	if (!w || !value_ifname(l->ip.c, w, &l->r.iif))
		l->ip.failed = true;
}

static void set_oif(struct rule_line *l)
{
	const struct ast_word *w = ip_next(&l->ip);

	if (!w || !value_ifname(l->ip.c, w, &l->r.oif))
		l->ip.failed = true;
}

static void set_suppress_prefixlength(struct rule_line *l)
{
	int64_t value;

	if (ip_read_number(&l->ip, 0, 128, &value))
		l->r.suppress_prefixlen = (int32_t)value;
	l->of_table = true;
}

static void set_suppress_ifgroup(struct rule_line *l)
{
	uint32_t value = 0;

	ip_read_named(&l->ip, "group", INT32_MAX, &value);
	l->r.suppress_ifgroup = (int32_t)value;
	l->of_table = true;
}

static void set_tunnel_id(struct rule_line *l)
{
	int64_t value;

	if (ip_read_number(&l->ip, 1, INT64_MAX, &value))
		l->r.tunnel_id = (uint64_t)value;
}

/* "A-B", or "A" where one is enough. */
static bool read_range(struct rule_line *l, unsigned long max, bool one_does, uint32_t *ret_first,
		       uint32_t *ret_last)
{
	const struct ast_word *w = ip_next(&l->ip);
	unsigned long first, last;
	char *end;

	if (!w)
		return false;
	first = last = strtoul(w->s, &end, 10);
	if (*end == '-')
		last = strtoul(end + 1, &end, 10);
	else if (!one_does)
		last = max + 1;
	if (w->s[0] < '0' || w->s[0] > '9' || *end || last < first || last > max) {
		ip_fail(&l->ip, w, "is no range of numbers");
		return false;
	}
	*ret_first = (uint32_t)first;
	*ret_last = (uint32_t)last;
	return true;
}

static void set_uidrange(struct rule_line *l)
{
	l->r.by_uid = read_range(l, UINT32_MAX, false, &l->r.uid_first, &l->r.uid_last);
}

static void set_ports(struct rule_line *l, uint16_t *first, uint16_t *last)
{
	uint32_t a = 0, b = 0;

	if (read_range(l, UINT16_MAX, true, &a, &b) && !a)
		ip_fail(&l->ip, ip_word(&l->ip), "is no port");
	*first = (uint16_t)a;
	*last = (uint16_t)b;
}

static void set_sport(struct rule_line *l)
{
	set_ports(l, &l->r.sport_first, &l->r.sport_last);
}

static void set_dport(struct rule_line *l)
{
	set_ports(l, &l->r.dport_first, &l->r.dport_last);
}

static void set_ipproto(struct rule_line *l)
{
	static const struct {
		const char *name;
		uint8_t value;
	} names[] = {{"tcp", IPPROTO_TCP},     {"udp", IPPROTO_UDP},   {"sctp", IPPROTO_SCTP},
		     {"icmp", IPPROTO_ICMP},   {"ipv6-icmp", IPPROTO_ICMPV6},
		     {"gre", IPPROTO_GRE},     {"esp", IPPROTO_ESP},   {"ah", IPPROTO_AH}};
	const struct ast_word *w = ip_next(&l->ip);
	int64_t value;

	for (size_t i = 0; w && i < sizeof(names) / sizeof(*names); i++) {
		if (strcasecmp(names[i].name, w->s))
			continue;
		l->r.ipproto = names[i].value;
		return;
	}
	if (!w || !value_number(l->ip.c, w, 1, UINT8_MAX, &value))
		l->ip.failed = true;
	else
		l->r.ipproto = (uint8_t)value;
}

static void set_protocol(struct rule_line *l)
{
	uint32_t value = 0;

	ip_read_named(&l->ip, "rt_protos", UINT8_MAX, &value);
	l->r.protocol = (uint8_t)value;
	l->protocol_set = true;
}

static void set_goto(struct rule_line *l)
{
	const struct ast_word *w = ip_word(&l->ip);
	int64_t value;

	if (ip_read_number(&l->ip, 1, UINT32_MAX, &value))
		l->r.jump = (uint32_t)value;
	set_action(l, w, FR_ACT_GOTO);
}

static void set_simple(struct rule_line *l)
{
	const char *s = ip_word(&l->ip)->s;

	set_action(l, ip_word(&l->ip),
		   !strcmp(s, "nop")	     ? FR_ACT_NOP
		   : !strcmp(s, "blackhole") ? FR_ACT_BLACKHOLE
		   : !strcmp(s, "prohibit")  ? FR_ACT_PROHIBIT
					     : FR_ACT_UNREACHABLE);
}

static void set_inet(struct rule_line *l)
{
	ip_take_family(&l->ip, ip_word(&l->ip), AF_INET);
}

static void set_inet6(struct rule_line *l)
{
	ip_take_family(&l->ip, ip_word(&l->ip), AF_INET6);
}

static void set_no_track(struct rule_line *l)
{
	l->r.no_track = true;
}

/* "type blackhole": the next word says it. */
static void set_nothing(struct rule_line *l)
{
}

static void set_track_group(struct rule_line *l)
{
	ip_read_track_group(&l->ip, "rule", &l->r.track_group);
}

static const struct {
	const char *name;
	void (*set)(struct rule_line *l);
} words[] = {
	{"from", set_from},
	{"to", set_to},
	{"table", set_table},
	{"lookup", set_table},
	{"l3mdev", set_l3mdev},
	{"not", set_not},
	{"preference", set_preference},
	{"order", set_preference},
	{"priority", set_preference},
	{"tos", set_tos},
	{"dsfield", set_tos},
	{"fwmark", set_fwmark},
	{"realms", set_realms},
	{"dev", set_iif},
	{"iif", set_iif},
	{"oif", set_oif},
	{"suppress_prefixlength", set_suppress_prefixlength},
	{"sup_pl", set_suppress_prefixlength},
	{"suppress_ifgroup", set_suppress_ifgroup},
	{"sup_group", set_suppress_ifgroup},
	{"tunnel-id", set_tunnel_id},
	{"uidrange", set_uidrange},
	{"sport", set_sport},
	{"dport", set_dport},
	{"ipproto", set_ipproto},
	{"ip_proto", set_ipproto},
	{"protocol", set_protocol},
	{"goto", set_goto},
	{"nop", set_simple},
	{"blackhole", set_simple},
	{"prohibit", set_simple},
	{"unreachable", set_simple},
	{"type", set_nothing},
	{"inet", set_inet},
	{"inet6", set_inet6},
	{"no_track", set_no_track},
	{"track_group", set_track_group},
};

static void read_word(struct rule_line *l)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(words[i].name, ip_word(&l->ip)->s))
			continue;
		words[i].set(l);
		return;
	}
	ip_fail(&l->ip, ip_word(&l->ip), "is no word of a rule");
}

/* Completion */

/* In the order of the file, like keepalived: both nodes of a pair get the same. */
static void finish_preference(struct rule_line *l)
{
	uint32_t *used = &l->ip.c->n_preferences[l->r.family == AF_INET6];

	if (l->preference_set)
		return;
	l->r.preference = PREFERENCE_FIRST - (*used)++;
	check_warn(l->ip.c, &l->ip.n->word[0].loc,
		   "a rule without a preference: %u is used, which is hardly what is wanted",
		   l->r.preference);
}

static void finish_protocol(struct rule_line *l)
{
	if (l->protocol_set && l->r.no_track)
		return;
	if (l->protocol_set && l->r.protocol != RTPROT_KEEPALIVED)
		check_warn(l->ip.c, &l->ip.n->word[0].loc,
			   "a rule that is tracked has protocol keepalived (%d), which is used",
			   RTPROT_KEEPALIVED);
	l->r.protocol = RTPROT_KEEPALIVED;
}

static bool finish(struct rule_line *l)
{
	const struct ast_word *first = &l->ip.n->word[0];
	struct rule *r = &l->r;

	r->family = l->ip.family ? l->ip.family : AF_INET;
	if (!r->action)
		ip_fail(&l->ip, first, "begins a rule that does nothing: table, goto, nop, blackhole …");
	else if (r->action != FR_ACT_TO_TBL && l->of_table)
		ip_fail(&l->ip, first, "begins a rule with realms or suppress_…, which are of a table's");
	else if (r->action == FR_ACT_GOTO && (!l->preference_set || r->preference >= r->jump))
		ip_fail(&l->ip, first, "begins a rule that goes back: goto wants a higher preference than "
			       "its own");
	if (l->ip.failed)
		return false;
	finish_preference(l);
	finish_protocol(l);
	return true;
}

static bool rule_parse(struct checker *c, const struct ast_node *n, bool is_static,
		       struct rule *ret)
{
	struct rule_line l = {.ip = {.c = c, .n = n, .is_static = is_static}};

	l.r = (struct rule){
		.iif = "", .oif = "", .suppress_prefixlen = -1, .suppress_ifgroup = -1};
	for (; l.ip.at < n->n_words && !l.ip.failed; l.ip.at++)
		read_word(&l);
	if (!l.ip.failed && finish(&l)) {
		*ret = l.r;
		return true;
	}
	return false;
}

void rule_add_lines(struct checker *c, const struct ast_node *block, bool is_static,
		    struct rule **list, uint32_t *n_list)
{
	*list = check_extend(c, *list, *n_list, block->n_children, sizeof(**list));
	for (uint32_t i = 0; i < block->n_children; i++)
		if (rule_parse(c, &block->child[i], is_static, &(*list)[*n_list]))
			(*n_list)++;
}
