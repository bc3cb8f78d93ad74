/* SPDX-License-Identifier: Apache-2.0 */
/* Routes, rules and track groups, from the model: see dump.h. Numbers, where ip(8) has names. */
#include "core/config/dump.h"
#include "core/config/iproute.h"

#include <inttypes.h>
#include <linux/fib_rules.h>
#include <linux/icmpv6.h>
#include <linux/rtnetlink.h>

static void say_prefix(FILE *out, const char *keyword, const struct addr *a, unsigned len)
{
	char text[ADDR_TEXT_MAX];

	if (addr_is_set(a))
		fprintf(out, " %s %s/%u", keyword, addr_format(a, text), len);
}

static void say_addr(FILE *out, const char *keyword, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	if (addr_is_set(a))
		fprintf(out, " %s %s", keyword, addr_format(a, text));
}

static void say_name(FILE *out, const char *keyword, const char *name)
{
	if (!name[0])
		return;
	fprintf(out, " %s ", keyword);
	dump_string(out, name);
}

void dump_track_group_of(FILE *out, const struct model *m, uint64_t id)
{
	for (uint32_t i = 0; i < m->n_track_groups; i++)
		if (id && m->track_groups[i].id == id)
			say_name(out, "track_group", m->track_groups[i].name);
}

static void say_number(FILE *out, const char *keyword, uint32_t value, uint32_t usual)
{
	if (value != usual)
		fprintf(out, " %s %u", keyword, value);
}

static void say_realms(FILE *out, uint32_t realms)
{
	if (realms)
		fprintf(out, " realms %u/%u", realms >> 16, realms & 0xffff);
}

static void dump_hop(FILE *out, const struct nexthop *h, bool many)
{
	if (many)
		fputs(" nexthop", out);
	say_addr(out, "via", &h->via);
	say_name(out, "dev", h->ifname);
	say_realms(out, h->realms);
	if (h->onlink)
		fputs(" onlink", out);
	if (many)
		fprintf(out, " weight %u", h->weight);
}

static void dump_metrics(FILE *out, const struct route *r)
{
	static const struct {
		const char *name;
		uint8_t fraction;
	} names[RTAX_MAX + 1] = {
		[RTAX_MTU] = {"mtu", 1},
		[RTAX_WINDOW] = {"window", 1},
		[RTAX_RTT] = {"rtt", 8},
		[RTAX_RTTVAR] = {"rttvar", 4},
		[RTAX_SSTHRESH] = {"ssthresh", 1},
		[RTAX_CWND] = {"cwnd", 1},
		[RTAX_ADVMSS] = {"advmss", 1},
		[RTAX_REORDERING] = {"reordering", 1},
		[RTAX_HOPLIMIT] = {"hoplimit", 1},
		[RTAX_INITCWND] = {"initcwnd", 1},
		[RTAX_RTO_MIN] = {"rto_min", 1},
		[RTAX_INITRWND] = {"initrwnd", 1},
		[RTAX_QUICKACK] = {"quickack", 1},
		[RTAX_FASTOPEN_NO_COOKIE] = {"fastopen_no_cookie", 1},
	};
	uint32_t lock = r->n_metrics && r->metrics[0].type == RTAX_LOCK ? r->metrics[0].value : 0;

	for (uint32_t i = 0; i < r->n_metrics; i++) {
		const struct route_metric *m = &r->metrics[i];

		if (m->type == RTAX_FEATURES)
			fputs(" features ecn", out);
		else if (names[m->type].name)
			fprintf(out, " %s %s%.10g", names[m->type].name,
				lock & 1u << m->type ? "lock " : "",
				(double)m->value / names[m->type].fraction);
	}
}

static void dump_route_options(FILE *out, const struct route *r)
{
	static const char *const prefs[] = {[ICMPV6_ROUTER_PREF_LOW] = "low",
					    [ICMPV6_ROUTER_PREF_HIGH] = "high"};

	say_prefix(out, "from", &r->from, r->from_len);
	say_addr(out, "src", &r->src);
	fprintf(out, " table %u", r->table);
	say_number(out, "tos", r->tos, 0);
	if (r->family == AF_INET)
		fprintf(out, " scope %u", r->scope);
	fprintf(out, " metric %u protocol %u", r->metric, r->protocol);
	say_number(out, "expires", r->expires_s, 0);
	if (r->pref)
		fprintf(out, " pref %s", prefs[r->pref & 3]);
	dump_metrics(out, r);
	if (r->append)
		fputs(" append", out);
	if (r->no_track)
		fputs(" no_track", out);
}

void dump_routes(FILE *out, const char *indent, const char *keyword, const struct model *m,
		 const struct route *list, uint32_t n)
{
	char text[ADDR_TEXT_MAX];

	if (n)
		fprintf(out, "%s%s {\n", indent, keyword);
	for (uint32_t i = 0; i < n; i++) {
		const struct route *r = &list[i];

		fprintf(out, "%s" TAB "%s %s/%u", indent, iproute_type(r->type),
			addr_format(&r->to, text), r->to_len);
		dump_route_options(out, r);
		dump_track_group_of(out, m, r->track_group);
		for (uint32_t k = 0; k < r->n_nexthops; k++)
			dump_hop(out, &r->nexthops[k], r->n_nexthops > 1);
		fputc('\n', out);
	}
	if (n)
		fprintf(out, "%s}\n", indent);
}

static void dump_selectors(FILE *out, const struct rule *r)
{
	say_prefix(out, "from", &r->from, r->from_len);
	say_prefix(out, "to", &r->to, r->to_len);
	say_name(out, "iif", r->iif);
	say_name(out, "oif", r->oif);
	say_number(out, "tos", r->tos, 0);
	if (r->fwmask)
		fprintf(out, " fwmark %#x/%#x", r->fwmark, r->fwmask);
	say_number(out, "ipproto", r->ipproto, 0);
	if (r->sport_first)
		fprintf(out, " sport %u-%u", r->sport_first, r->sport_last);
	if (r->dport_first)
		fprintf(out, " dport %u-%u", r->dport_first, r->dport_last);
	if (r->by_uid)
		fprintf(out, " uidrange %u-%u", r->uid_first, r->uid_last);
	if (r->tunnel_id)
		fprintf(out, " tunnel-id %" PRIu64, r->tunnel_id);
}

static void dump_action(FILE *out, const struct rule *r)
{
	if (r->l3mdev)
		fputs(" l3mdev", out);
	else if (r->action == FR_ACT_TO_TBL)
		fprintf(out, " table %u", r->table);
	else if (r->action == FR_ACT_GOTO)
		fprintf(out, " goto %u", r->jump);
	else
		fputs(r->action == FR_ACT_NOP	      ? " nop"
		      : r->action == FR_ACT_BLACKHOLE ? " blackhole"
		      : r->action == FR_ACT_PROHIBIT  ? " prohibit"
						      : " unreachable",
		      out);
	say_realms(out, r->realms);
	if (r->suppress_prefixlen >= 0)
		fprintf(out, " suppress_prefixlength %d", r->suppress_prefixlen);
	if (r->suppress_ifgroup >= 0)
		fprintf(out, " suppress_ifgroup %d", r->suppress_ifgroup);
}

void dump_rules(FILE *out, const char *indent, const char *keyword, const struct model *m,
		const struct rule *list, uint32_t n)
{
	if (n)
		fprintf(out, "%s%s {\n", indent, keyword);
	for (uint32_t i = 0; i < n; i++) {
		const struct rule *r = &list[i];

		fprintf(out, "%s" TAB "%s preference %u", indent,
			r->family == AF_INET6 ? "inet6" : "inet", r->preference);
		if (r->invert)
			fputs(" not", out);
		dump_selectors(out, r);
		dump_action(out, r);
		fprintf(out, " protocol %u", r->protocol);
		if (r->no_track)
			fputs(" no_track", out);
		dump_track_group_of(out, m, r->track_group);
		fputc('\n', out);
	}
	if (n)
		fprintf(out, "%s}\n", indent);
}

void dump_track_groups(FILE *out, const struct model *m)
{
	for (uint32_t i = 0; i < m->n_track_groups; i++) {
		const struct track_group *g = &m->track_groups[i];

		fputs("\ntrack_group ", out);
		dump_string(out, g->name);
		fputs(" {\n" TAB "group {\n", out);
		for (uint32_t k = 0; k < g->n_members; k++)
			dump_item(out, model_find_instance(m, g->members[k].instance)->name);
		fputs(TAB "}\n}\n", out);
	}
}
