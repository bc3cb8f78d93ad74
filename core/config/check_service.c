/* SPDX-License-Identifier: Apache-2.0 */
/* virtual_server: its keywords, defaults and consistency. Its servers are in check_server.c. */
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/arena.h"
#include "core/config/check.h"
#include "core/config/names.h"

#define PERSISTENCE_DEFAULT_S 360
#define PERSISTENCE_MAX_S     (31 * 86400) /* the kernel's IP_VS_MAX_TIMEOUT, as keepalived */

#define FEEDBACK_MIN_DEFAULT 25
#define WEIGHT_WITH_PARTS    20

/* keepalived's IP_VS_TUNNEL_ENCAP_FLAG_*: linux/ip_vs.h of Debian 12 has them. */
#define TUNNEL_NOCSUM  IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM
#define TUNNEL_CSUM    IP_VS_TUNNEL_ENCAP_FLAG_CSUM
#define TUNNEL_REMCSUM IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM

/* lvs_method */

static bool tunnel_type(struct checker *c, const struct ast_node *n, uint32_t *i,
			struct forward_draft *f)
{
	const struct ast_word *w = *i + 1 < n->n_words ? &n->word[++*i] : NULL;

	if (w && !strcmp(w->s, "ipip")) {
		f->tunnel_type = IPVS_TUNNEL_IPIP;
	} else if (w && !strcmp(w->s, "gre")) {
		f->tunnel_type = IPVS_TUNNEL_GRE;
	} else if (w && !strcmp(w->s, "gue")) {
		f->tunnel_type = IPVS_TUNNEL_GUE;
	} else {
		check_warn(c, &n->word[*i].loc,
			   "a tunnel's type is ipip, gue or gre; "
			   "the line is left out");
		return false;
	}
	return true;
}

static bool tunnel_option(struct checker *c, const struct ast_node *n, uint32_t *i,
			  struct forward_draft *f)
{
	const char *s = n->word[*i].s;

	if (!strcmp(s, "type"))
		return tunnel_type(c, n, i, f);
	if (!strcmp(s, "port") && *i + 1 < n->n_words)
		return value_port(c, &n->word[++*i], &f->tunnel_port);
	if (!strcmp(s, "nocsum"))
		f->tunnel_flags = TUNNEL_NOCSUM;
	else if (!strcmp(s, "csum"))
		f->tunnel_flags = TUNNEL_CSUM;
	else if (!strcmp(s, "remcsum"))
		f->tunnel_flags = TUNNEL_REMCSUM;
	else
		check_warn(c, &n->word[*i].loc, "unknown word '%s' for a tunnel; it is left out",
			   s);
	return true;
}

static bool tunnel_check(struct checker *c, const struct ast_node *n, const struct forward_draft *f)
{
	if ((f->tunnel_type == IPVS_TUNNEL_GUE) == !f->tunnel_port) {
		check_warn(c, &n->word[1].loc,
			   "a gue tunnel wants a port, the others have none; "
			   "the line is left out");
		return false;
	}
	if (f->tunnel_flags && f->tunnel_type == IPVS_TUNNEL_IPIP) {
		check_warn(c, &n->word[1].loc,
			   "an ipip tunnel has no checksum option; "
			   "the line is left out");
		return false;
	}
	if (f->tunnel_flags == TUNNEL_REMCSUM && f->tunnel_type == IPVS_TUNNEL_GRE) {
		check_warn(c, &n->word[1].loc, "a gre tunnel has no remcsum; the line is left out");
		return false;
	}
	return true;
}

void forward_set(struct checker *c, struct forward_draft *f, const struct ast_node *n)
{
	struct forward_draft got = {.set = true};
	const char *s = n->word[1].s;

	if (!strcmp(s, "NAT")) {
		got.method = IPVS_FORWARD_NAT;
	} else if (!strcmp(s, "SNAT")) {
		got.method = IPVS_FORWARD_SNAT;
	} else if (!strcmp(s, "DR")) {
		got.method = IPVS_FORWARD_DR;
	} else if (!strcmp(s, "TUN")) {
		got.method = IPVS_FORWARD_TUNNEL;
		for (uint32_t i = 2; i < n->n_words; i++)
			if (!tunnel_option(c, n, &i, &got))
				return;
		if (!tunnel_check(c, n, &got))
			return;
	} else {
		check_warn(c, &n->word[1].loc, "'%s' is none of NAT, DR, TUN, SNAT; it is left out", s);
		return;
	}
	if (got.method != IPVS_FORWARD_TUNNEL && n->n_words > 2)
		diags_add(c->diags, DIAG_NOTE, &n->word[2].loc,
			  "'%s' and what follows on this line is not used by '%s'", n->word[2].s,
			  s);
	*f = got;
}

/* Keywords */

void set_service_forward(struct checker *c, void *draft, const struct ast_node *n)
{
	forward_set(c, &((struct service_draft *)draft)->forward, n);
}

void set_service_sorry_forward(struct checker *c, void *draft, const struct ast_node *n)
{
	forward_set(c, &((struct service_draft *)draft)->sorry_forward, n);
}

void set_service_scheduler(struct checker *c, void *draft, const struct ast_node *n)
{
	struct service_draft *d = draft;

	if (name_is_scheduler(n->word[1].s))
		d->vs.scheduler = value_string(c, &n->word[1]);
	else
		check_warn(c, &n->word[1].loc,
			   "'%s' is none of rr, wrr, lc, wlc, lblc, lblcr, dh, sh, mh, fo, ovf, "
			   "sed, nq, twos; it is left out",
			   n->word[1].s);
}

void set_service_option(struct checker *c, void *draft, const struct ast_node *n)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} options[] = {
		{"hashed", IP_VS_SVC_F_HASHED}, {"ops", IP_VS_SVC_F_ONEPACKET},
		{"flag-1", IP_VS_SVC_F_SCHED1}, {"flag-2", IP_VS_SVC_F_SCHED2},
		{"flag-3", IP_VS_SVC_F_SCHED3},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (!strcmp(options[i].name, n->word[0].s))
			((struct service_draft *)draft)->vs.scheduler_flags |= options[i].flag;
}

static void set_hash_option(struct service_draft *d, const struct ast_node *n,
			    const char *scheduler)
{
	bool port = !strcmp(n->word[0].s + 3, "port");

	d->vs.scheduler_flags |= port ? IP_VS_SVC_F_SCHED_SH_PORT : IP_VS_SVC_F_SCHED_SH_FALLBACK;
	d->scheduler_option = n;
	d->option_scheduler = scheduler;
}

void set_service_sh_option(struct checker *c, void *draft, const struct ast_node *n)
{
	set_hash_option(draft, n, "sh");
}

void set_service_mh_option(struct checker *c, void *draft, const struct ast_node *n)
{
	set_hash_option(draft, n, "mh");
}

void set_service_family(struct checker *c, void *draft, const struct ast_node *n)
{
	struct service_draft *d = draft;
	const char *s = n->word[1].s;
	uint8_t family = !strcmp(s, "inet") ? AF_INET : !strcmp(s, "inet6") ? AF_INET6 : 0;

	if (!family)
		check_warn(c, &n->word[1].loc, "'%s' is neither inet nor inet6; it is left out", s);
	else if (d->vs.family && d->vs.family != family)
		check_warn(c, &n->word[1].loc, "the service's address is not %s; it is left out",
			   s);
	else
		d->vs.family = family;
}

void set_service_protocol(struct checker *c, void *draft, const struct ast_node *n)
{
	struct service_draft *d = draft;
	const char *s = n->word[1].s;
	uint8_t protocol = !strcasecmp(s, "TCP")    ? IPPROTO_TCP
			   : !strcasecmp(s, "UDP")  ? IPPROTO_UDP
			   : !strcasecmp(s, "SCTP") ? IPPROTO_SCTP
						    : 0;

	if (!protocol)
		check_warn(c, &n->word[1].loc, "'%s' is none of TCP, UDP, SCTP; it is left out", s);
	else if (d->vs.fwmark)
		check_warn(c, &n->word[0].loc, "a firewall mark has no protocol; it is left out");
	else
		d->vs.protocol = protocol;
}

void set_service_persistence(struct checker *c, void *draft, const struct ast_node *n)
{
	struct service_draft *d = draft;
	int64_t value = PERSISTENCE_DEFAULT_S;

	if (n->n_words < 2 || value_number(c, &n->word[1], 1, PERSISTENCE_MAX_S, &value))
		d->persistence_timeout_s = value;
}

void set_service_persistence_engine(struct checker *c, void *draft, const struct ast_node *n)
{
	struct service_draft *d = draft;

	if (strlen(n->word[1].s) >= IP_VS_PENAME_MAXLEN)
		check_warn(c, &n->word[1].loc,
			   "an engine's name has at most %d characters; "
			   "it is left out",
			   IP_VS_PENAME_MAXLEN - 1);
	else
		d->vs.persistence_engine = value_string(c, &n->word[1]);
}

/* Read when the family is known. */
void set_service_granularity(struct checker *c, void *draft, const struct ast_node *n)
{
	((struct service_draft *)draft)->granularity = n;
}

/* "30%" or "30". */
static bool percent_parse(struct checker *c, const struct ast_word *w, uint8_t *ret)
{
	size_t len = strlen(w->s);
	struct ast_word number = *w;
	int64_t value;

	if (len && w->s[len - 1] == '%')
		number.s = arena_printf(c->arena, "%.*s", (int)len - 1, w->s);
	if (!value_number(c, &number, 1, 100, &value))
		return false;
	*ret = (uint8_t)value;
	return true;
}

void set_service_max_ejection(struct checker *c, void *draft, const struct ast_node *n)
{
	percent_parse(c, &n->word[1], &((struct service_draft *)draft)->vs.max_ejection);
}

void set_service_feedback(struct checker *c, void *draft, const struct ast_node *n)
{
	struct virtual_server *vs = &((struct service_draft *)draft)->vs;

	for (enum feedback f = FEEDBACK_NONE; f <= FEEDBACK_BANDWIDTH; f++) {
		if (strcmp(n->word[1].s, feedback_name(f)))
			continue;
		vs->feedback = (uint8_t)f;
		return;
	}
	check_warn(c, &n->word[1].loc, "'%s' is not latency, bandwidth or none; the line is left out",
		   n->word[1].s);
}

void set_service_feedback_min(struct checker *c, void *draft, const struct ast_node *n)
{
	struct service_draft *d = draft;

	if (percent_parse(c, &n->word[1], &d->vs.feedback_min))
		d->feedback_min = n;
}

void set_service_notify(struct checker *c, void *draft, const struct ast_node *n)
{
	struct virtual_server *vs = &((struct service_draft *)draft)->vs;

	value_notify(c, n, !strcmp(n->word[0].s, "quorum_up") ? NOTIFY_UP : NOTIFY_DOWN,
		     &vs->notifies, &vs->n_notifies);
}

void set_service_sorry(struct checker *c, void *draft, const struct ast_node *n)
{
	struct service_draft *d = draft;
	struct real_server *r = arena_alloc(c->arena, sizeof(*r));

	if (!value_addr(c, &n->word[1], &r->address))
		return;
	if (n->n_words > 2 && !value_port_or_none(c, &n->word[2], &r->port))
		return;
	if (d->vs.n_sorry)
		check_warn(c, &n->word[0].loc,
			   "there is a sorry_server already; "
			   "this one takes its place");
	r->weight = 1;
	d->vs.sorry = r;
	d->vs.n_sorry = 1;
}

/* Completion */

static const struct ast_loc *draft_loc(const struct service_draft *d)
{
	return &d->node->word[0].loc;
}

static const char *draft_name(struct checker *c, const struct service_draft *d)
{
	return arena_printf(c->arena, "%s%s%s", d->node->word[1].s, d->node->n_words > 2 ? " " : "",
			    d->node->n_words > 2 ? d->node->word[2].s : "");
}

static bool has_address(const struct virtual_server *vs)
{
	for (uint32_t i = 0; i < vs->n_members; i++)
		if (!vs->members[i].fwmark)
			return true;
	return !vs->n_members && !vs->fwmark;
}

static bool has_no_port(const struct virtual_server *vs)
{
	for (uint32_t i = 0; i < vs->n_members; i++)
		if (!vs->members[i].fwmark && !vs->members[i].port)
			return true;
	return !vs->n_members && !vs->fwmark && !vs->port;
}

static void finish_protocol(struct checker *c, struct service_draft *d)
{
	struct virtual_server *vs = &d->vs;
	const char *name = draft_name(c, d);

	if (!has_address(vs)) {
		vs->protocol = 0;
	} else if (!vs->protocol) {
		check_warn(c, draft_loc(d), "%s has no protocol; UDP is used", name);
		vs->protocol = IPPROTO_UDP;
	}
	if (vs->scheduler_flags & IP_VS_SVC_F_ONEPACKET && has_address(vs) &&
	    vs->protocol != IPPROTO_UDP) {
		check_warn(c, draft_loc(d), "%s: ops is for UDP only; it is left out", name);
		vs->scheduler_flags &= ~(uint32_t)IP_VS_SVC_F_ONEPACKET;
	}
	if (has_no_port(vs) && d->persistence_timeout_s < 0) {
		check_warn(c, draft_loc(d),
			   "%s has no port, which goes with persistence only; "
			   "a timeout of %d s is used",
			   name, PERSISTENCE_DEFAULT_S);
		d->persistence_timeout_s = PERSISTENCE_DEFAULT_S;
	}
}

static void finish_scheduler(struct checker *c, struct service_draft *d)
{
	struct virtual_server *vs = &d->vs;

	if (!vs->scheduler[0]) {
		check_warn(c, draft_loc(d), "%s has no lvs_sched; wlc is used", draft_name(c, d));
		vs->scheduler = "wlc";
	}
	if (d->scheduler_option && strcmp(vs->scheduler, d->option_scheduler)) {
		check_warn(c, &d->scheduler_option->word[0].loc,
			   "'%s' is for the scheduler %s only; it is left out",
			   d->scheduler_option->word[0].s, d->option_scheduler);
		vs->scheduler_flags &=
			~(uint32_t)(IP_VS_SVC_F_SCHED_SH_PORT | IP_VS_SVC_F_SCHED_SH_FALLBACK);
	}
}

/* The number of leading ones of a netmask; -1 when it has holes. */
static int mask_length(const struct addr *mask)
{
	int len = 0;

	while (len < 32 && mask->b[len / 8] & 0x80 >> len % 8)
		len++;
	for (int i = len; i < 32; i++)
		if (mask->b[i / 8] & 0x80 >> i % 8)
			return -1;
	return len;
}

static int granularity_parse(struct checker *c, const struct ast_word *w, uint8_t family)
{
	struct addr mask;
	int64_t value;
	int len = -1;

	if (family == AF_INET6)
		return value_number(c, w, 1, 128, &value) ? (int)value : -1;
	if (!addr_parse(w->s, &mask) && mask.family == AF_INET)
		len = mask_length(&mask);
	if (len > 0)
		return len;
	check_warn(c, &w->loc, "'%s' is not a netmask such as 255.255.255.0; the line is left out",
		   w->s);
	return -1;
}

static void finish_persistence(struct checker *c, struct service_draft *d)
{
	struct virtual_server *vs = &d->vs;
	int len = vs->family == AF_INET6 ? 128 : vs->family ? 32 : 0, got;

	if (d->granularity && d->mixed_family) {
		check_warn(c, &d->granularity->word[0].loc,
			   "one granularity does not fit IPv4 and IPv6; it is left out");
	} else if (d->granularity) {
		got = granularity_parse(c, &d->granularity->word[1], vs->family);
		if (got > 0) {
			len = got;
			if (d->persistence_timeout_s < 0)
				d->persistence_timeout_s = PERSISTENCE_DEFAULT_S;
		}
	}
	vs->persistence_prefixlen = (uint8_t)len;
	vs->persistence_timeout_s =
		d->persistence_timeout_s > 0 ? (uint32_t)d->persistence_timeout_s : 0;
	/* An engine without a timeout would be refused by the kernel. */
	if (vs->persistence_engine[0] && !vs->persistence_timeout_s) {
		check_warn(c, draft_loc(d),
			   "%s: persistence_engine goes with persistence_timeout "
			   "only; it is left out",
			   draft_name(c, d));
		vs->persistence_engine = "";
	}
}

static void finish_quorum(struct checker *c, struct service_draft *d)
{
	struct virtual_server *vs = &d->vs;
	uint64_t total = 0;

	for (uint32_t i = 0; i < vs->n_servers; i++)
		total += (uint64_t)vs->servers[i].weight;
	if (vs->n_servers && vs->quorum > total && vs->quorum > 1) {
		uint32_t used = total ? (uint32_t)total : 1;

		check_warn(c, draft_loc(d),
			   "%s: quorum %u is more than the weights of all servers, %llu; %u is used",
			   draft_name(c, d), vs->quorum, (unsigned long long)total, used);
		vs->quorum = used;
	}
	if (vs->hysteresis && vs->hysteresis >= vs->quorum) {
		check_warn(c, draft_loc(d),
			   "%s: hysteresis %u is not less than quorum %u; 0 is used",
			   draft_name(c, d), vs->hysteresis, vs->quorum);
		vs->hysteresis = 0;
	}
}

static bool looks_at_weights(const struct virtual_server *vs)
{
	return strcmp(vs->scheduler, "rr") && strcmp(vs->scheduler, "lc");
}

/* Of weight 1 there are no parts. */
static void warn_of_small_weights(struct checker *c, struct service_draft *d)
{
	for (uint32_t i = 0; i < d->vs.n_servers; i++) {
		int32_t weight = d->vs.servers[i].weight;

		if (!weight || weight >= WEIGHT_WITH_PARTS)
			continue;
		check_warn(c, draft_loc(d),
			   "%s: a weight of %d leaves slow_start and feedback few steps or none: "
			   "write 100 for 1",
			   draft_name(c, d), weight);
		return;
	}
}

static void finish_weights(struct checker *c, struct service_draft *d)
{
	struct virtual_server *vs = &d->vs;
	bool moves = vs->slow_start_us || vs->feedback;

	if (d->feedback_min && !vs->feedback)
		check_warn(c, &d->feedback_min->word[0].loc,
			   "feedback_min without feedback; it is left out");
	if (d->feedback_min && !vs->feedback)
		vs->feedback_min = FEEDBACK_MIN_DEFAULT;
	if (!moves)
		return;
	if (!looks_at_weights(vs)) {
		check_warn(c, draft_loc(d),
			   "%s: slow_start and feedback act on weights, which %s does not look at; "
			   "they are left out",
			   draft_name(c, d), vs->scheduler);
		vs->slow_start_us = 0;
		vs->feedback = FEEDBACK_NONE;
		return;
	}
	warn_of_small_weights(c, d);
}

static void finish_sorry(struct checker *c, struct service_draft *d)
{
	struct server_draft s = {
		.node = d->node, .forward = d->sorry_forward, .inhibit = d->vs.sorry_inhibit};

	if (!d->vs.n_sorry) {
		if (d->sorry_forward.set || d->vs.sorry_inhibit)
			check_warn(c, draft_loc(d),
				   "%s has options for a sorry_server, but none; "
				   "they are left out",
				   draft_name(c, d));
		d->vs.sorry_inhibit = false;
		return;
	}
	s.r = d->vs.sorry[0];
	server_finish(c, d, &s);
	d->vs.sorry[0] = s.r;
	if (s.r.address.family != d->vs.family && s.r.forward != IPVS_FORWARD_TUNNEL) {
		check_warn(c, draft_loc(d),
			   "%s: the sorry_server is not of the service's family; "
			   "it is left out",
			   draft_name(c, d));
		d->vs.n_sorry = 0;
		d->vs.sorry_inhibit = false;
	}
}

/* Servers that are not behind a tunnel have the service's family; the first such decides for a
 * mark. */
static void finish_family(struct service_draft *d)
{
	uint8_t any = d->vs.n_sorry ? d->vs.sorry[0].address.family : 0;

	if (d->mixed_family)
		return;
	for (uint32_t i = 0; !d->vs.family && i < d->n_servers; i++) {
		const struct forward_draft *f =
			d->servers[i].forward.set ? &d->servers[i].forward : &d->forward;

		if (f->method != IPVS_FORWARD_TUNNEL)
			d->vs.family = d->servers[i].r.address.family;
		else if (!any)
			any = d->servers[i].r.address.family;
		else if (any != d->servers[i].r.address.family)
			any = AF_INET;
	}
	if (!d->vs.family)
		d->vs.family = any ? any : AF_INET;
}

static bool any_snat(const struct virtual_server *vs)
{
	for (uint32_t i = 0; i < vs->n_servers; i++)
		if (vs->servers[i].forward == IPVS_FORWARD_SNAT)
			return true;
	return vs->n_sorry && vs->sorry->forward == IPVS_FORWARD_SNAT;
}

/* The second translation is nftables', which sees IPVS's connections only with vs.conntrack. */
static void finish_snat(struct checker *c, struct service_draft *d)
{
	const struct vs_sysctl *y;

	if (!any_snat(&d->vs))
		return;
	lvs_default_sysctl(c, "conntrack", "1");
	y = lvs_sysctl_find(&c->global.g, "conntrack");
	if (strcmp(y->value, "1") != 0)
		check_warn(c, draft_loc(d),
			   "%s: SNAT wants lvs_sysctl conntrack 1, not %s: its clients keep their "
			   "own addresses",
			   draft_name(c, d), y->value);
}

/* False when it has no place in the kernel. */
static bool finish_service(struct checker *c, struct service_draft *d)
{
	if (d->vs.group[0] && !group_read(c, d))
		return false;
	finish_family(d);
	finish_protocol(c, d);
	pair_use_hash(c, d);
	finish_scheduler(c, d);
	if (d->vs.group[0] && !group_finish(c, d))
		return false;
	d->vs.id = model_id_virtual_server(&d->vs);
	server_check_all(c, d);
	finish_sorry(c, d);
	finish_snat(c, d);
	finish_persistence(c, d);
	finish_quorum(c, d);
	finish_weights(c, d);
	d->vs.smtp_alert = mail_wanted(d->smtp_alert, c->global.smtp_alert_checker,
				       c->global.smtp_alert, false);
	return true;
}

/* The words behind virtual_server. False when there is no such service. */
static bool service_parse_name(struct checker *c, struct virtual_server *vs,
			       const struct ast_node *n)
{
	const char *s = n->word[1].s;
	int64_t mark;

	if (!strcmp(s, "group")) {
		if (n->n_words < 3) {
			check_warn(c, &n->word[1].loc,
				   "'group' wants a name; the service is left out");
			return false;
		}
		vs->group = value_string(c, &n->word[2]);
		return true;
	}
	if (!strcmp(s, "fwmark")) {
		if (n->n_words < 3) {
			check_warn(c, &n->word[1].loc,
				   "'fwmark' wants a number; "
				   "the service is left out");
			return false;
		}
		if (!value_number(c, &n->word[2], 1, UINT32_MAX, &mark))
			return false;
		vs->fwmark = (uint32_t)mark;
		through_claim(c, &n->word[2].loc, vs->fwmark);
		return true;
	}
	if (!value_addr(c, &n->word[1], &vs->address))
		return false;
	vs->family = vs->address.family;
	return n->n_words < 3 || value_port_or_none(c, &n->word[2], &vs->port);
}

static void draft_init(struct service_draft *d, const struct ast_node *n)
{
	*d = (struct service_draft){
		.node = n,
		.timing = timing_none,
		.persistence_timeout_s = -1,
		.drain_on_remove_us = -1,
		.smtp_alert = -1,
		.weight = 1,
		.vs =
			{
				.group = "",
				.scheduler = "",
				.persistence_engine = "",
				.quorum = 1,
				.feedback_min = FEEDBACK_MIN_DEFAULT,
			},
	};
}

static struct server_draft *room_for_drafts(struct checker *c, uint32_t n)
{
	if (n > c->drafts_cap) {
		c->drafts = arena_array(c->arena, n, sizeof(*c->drafts));
		c->drafts_cap = n;
	}
	return c->drafts;
}

static void add_service(struct checker *c, const struct service_draft *d)
{
	pair_keep(c, d);
	c->services[c->n_services++] = d->vs;
}

static void service_check(struct checker *c, const struct ast_node *n)
{
	const struct ast_loc *first;
	struct service_draft d;

	draft_init(&d, n);
	if (n->n_words < 2 || !service_parse_name(c, &d.vs, n))
		return;
	/* What holds for all servers may stand behind them. */
	check_block_part(c, PLACE_VS, &d, n, "real_server", false);
	d.servers = room_for_drafts(c, n->n_children);
	check_block_part(c, PLACE_VS, &d, n, "real_server", true);
	if (!finish_service(c, &d))
		return;

	first = check_id(c, d.vs.id, draft_loc(&d));
	if (first)
		check_warn(c, draft_loc(&d), "%s is there already, at %s:%u; this one is left out",
			   draft_name(c, &d), first->src->file, first->src->number);
	else if (!d.vs.n_servers && !d.vs.n_sorry)
		check_warn(c, draft_loc(&d), "%s has no real_server; it is left out",
			   draft_name(c, &d));
	else
		add_service(c, &d);
}

void service_check_all(struct checker *c, const struct ast_node *root)
{
	c->services = arena_array(c->arena, root->n_children, sizeof(*c->services));
	for (uint32_t i = 0; i < root->n_children; i++)
		if (!strcmp(root->child[i].word[0].s, "virtual_server"))
			service_check(c, &root->child[i]);
	through_add_services(c);
}
