/* SPDX-License-Identifier: Apache-2.0 */
/* A packet's way through firewall rules: see firewall.h. */
#include "ctl/firewall.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Chains call each other no deeper than the kernel lets them. */
#define DEPTH_MAX 16
/* Chains that call each other in many ways: so many rules are looked at for one packet. */
#define STEPS_MAX 100000

/* Building */

struct firewall_chain *firewall_chain(struct firewall *f, int family, const char *table,
				      const char *name)
{
	struct firewall_chain *c;

	for (size_t i = 0; i < f->n; i++)
		if (f->chains[i].family == family && strcmp(f->chains[i].table, table) == 0 &&
		    strcmp(f->chains[i].name, name) == 0)
			return &f->chains[i];
	f->chains = arena_grow(f->arena, f->chains, f->n, &f->cap, sizeof(*f->chains));
	c = &f->chains[f->n++];
	*c = (struct firewall_chain){.family = family,
				     .table = arena_strdup(f->arena, table),
				     .name = arena_strdup(f->arena, name)};
	return c;
}

struct firewall_rule *firewall_add_rule(struct firewall *f, struct firewall_chain *c)
{
	c->rules = arena_grow(f->arena, c->rules, c->n, &c->cap, sizeof(*c->rules));
	c->rules[c->n] = (struct firewall_rule){.text = ""};
	return &c->rules[c->n++];
}

struct firewall_match *firewall_add_match(struct firewall *f, struct firewall_rule *r,
					  enum firewall_field field)
{
	r->matches = arena_grow(f->arena, r->matches, r->n, &r->cap, sizeof(*r->matches));
	r->matches[r->n] = (struct firewall_match){.field = field};
	return &r->matches[r->n++];
}

struct firewall_value *firewall_add_value(struct firewall *f, struct firewall_match *m)
{
	m->values = arena_grow(f->arena, m->values, m->n, &m->cap, sizeof(*m->values));
	m->values[m->n] = (struct firewall_value){.low = 0};
	return &m->values[m->n++];
}

/* Values as text */

static bool parse_word(const char *text, enum firewall_field field, uint32_t *ret)
{
	static const struct {
		enum firewall_field field;
		const char *word;
		uint32_t value;
	} words[] = {
		{FIREWALL_STATE, "new", FIREWALL_NEW},
		{FIREWALL_STATE, "established", FIREWALL_ESTABLISHED},
		{FIREWALL_STATE, "related", FIREWALL_RELATED},
		{FIREWALL_STATE, "invalid", FIREWALL_INVALID},
		{FIREWALL_STATE, "untracked", FIREWALL_UNTRACKED},
		{FIREWALL_FAMILY, "ipv4", AF_INET},
		{FIREWALL_FAMILY, "ipv6", AF_INET6},
		{FIREWALL_PROTOCOL, "tcp", IPPROTO_TCP},
		{FIREWALL_PROTOCOL, "udp", IPPROTO_UDP},
		{FIREWALL_PROTOCOL, "sctp", IPPROTO_SCTP},
		{FIREWALL_PROTOCOL, "icmp", IPPROTO_ICMP},
		{FIREWALL_PROTOCOL, "icmpv6", IPPROTO_ICMPV6},
		{FIREWALL_PROTOCOL, "ipv6-icmp", IPPROTO_ICMPV6},
		{FIREWALL_PROTOCOL, "vrrp", 112},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (words[i].field == field && strcasecmp(words[i].word, text) == 0) {
			*ret = words[i].value;
			return true;
		}
	return false;
}

/* A port or a protocol may be a name of this machine's own list. */
static bool parse_name(const char *text, enum firewall_field field, uint32_t *ret)
{
	struct protoent *protocol;
	struct servent *service;

	if (field == FIREWALL_PROTOCOL && (protocol = getprotobyname(text))) {
		*ret = (uint32_t)protocol->p_proto;
		return true;
	}
	if ((field == FIREWALL_SPORT || field == FIREWALL_DPORT) &&
	    (service = getservbyname(text, NULL))) {
		*ret = ntohs((uint16_t)service->s_port);
		return true;
	}
	return false;
}

static bool parse_number(const char *text, enum firewall_field field, uint32_t *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text && !*end && n <= UINT32_MAX) {
		*ret = (uint32_t)n;
		return true;
	}
	return parse_word(text, field, ret) || parse_name(text, field, ret);
}

static bool is_address(enum firewall_field field)
{
	return field == FIREWALL_SADDR || field == FIREWALL_DADDR;
}

static bool is_interface(enum firewall_field field)
{
	return field == FIREWALL_IIF || field == FIREWALL_OIF;
}

/* What can't be read may be anything. */
static bool give_up(struct firewall_match *m)
{
	m->field = FIREWALL_OTHER;
	return false;
}

bool firewall_add_range(struct firewall *f, struct firewall_match *m, const char *first,
			const char *last)
{
	struct firewall_value v = {.low = 0};

	if (is_address(m->field) ? addr_parse(first, &v.first) || addr_parse(last, &v.last)
				 : m->field == FIREWALL_OTHER || is_interface(m->field) ||
					   !parse_number(first, m->field, &v.low) ||
					   !parse_number(last, m->field, &v.high))
		return give_up(m);
	*firewall_add_value(f, m) = v;
	return true;
}

bool firewall_add_prefix(struct firewall *f, struct firewall_match *m, const char *address,
			 unsigned length)
{
	struct firewall_value v = {.low = 0};

	if (!is_address(m->field) || addr_parse(address, &v.first) || length > addr_bits(&v.first))
		return give_up(m);
	v.last = v.first;
	for (unsigned bit = length; bit < addr_bits(&v.first); bit++) {
		v.first.b[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		v.last.b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
	*firewall_add_value(f, m) = v;
	return true;
}

/* "10.0.0.0/8", also "10.0.0.0/255.0.0.0", whose mask must be a prefix. */
static bool add_prefix_text(struct firewall *f, struct firewall_match *m, const char *text)
{
	const char *slash = strchr(text, '/');
	char *address = arena_strndup(f->arena, text, (size_t)(slash - text));
	unsigned length = 0;
	struct addr mask;

	if (addr_parse(slash + 1, &mask))
		return firewall_add_prefix(f, m, address, (unsigned)atoi(slash + 1));
	while (length < addr_bits(&mask) && mask.b[length / 8] & 0x80 >> length % 8)
		length++;
	for (unsigned bit = length; bit < addr_bits(&mask); bit++)
		if (mask.b[bit / 8] & 0x80 >> bit % 8)
			return give_up(m);
	return firewall_add_prefix(f, m, address, length);
}

bool firewall_add_text(struct firewall *f, struct firewall_match *m, const char *text)
{
	const char *between;

	if (is_interface(m->field)) {
		struct firewall_value *v;

		if (strlen(text) >= sizeof(v->ifname))
			return give_up(m);
		v = firewall_add_value(f, m);
		strcpy(v->ifname, text);
		return true;
	}
	if (is_address(m->field) && strchr(text, '/'))
		return add_prefix_text(f, m, text);
	between = strpbrk(text, is_address(m->field) ? "-" : "-:");
	if (between && text[0] >= '0' && text[0] <= '9')
		return firewall_add_range(
			f, m, arena_strndup(f->arena, text, (size_t)(between - text)), between + 1);
	return firewall_add_range(f, m, text, text);
}

/* Walking */

/* In the order that makes the lesser of two an "and", the greater an "or". */
enum answer {
	NO,
	MAYBE,
	YES,
};

static enum answer name_is(const char *name, const char *wanted)
{
	size_t n = strlen(wanted);
	bool all = n && wanted[n - 1] == '*';

	if (!name)
		return strcmp(wanted, "lo") == 0 ? NO : MAYBE;
	if (all)
		return strncmp(name, wanted, n - 1) == 0 ? YES : NO;
	return strcmp(name, wanted) == 0 ? YES : NO;
}

static enum answer number_is(uint32_t n, const struct firewall_value *v)
{
	if (!n)
		return v->low == 0 && v->high >= 65535 ? YES : MAYBE;
	return n >= v->low && n <= v->high ? YES : NO;
}

static enum answer address_is(const struct addr *a, const struct firewall_value *v)
{
	static const struct addr zero;

	if (addr_is_set(a))
		return addr_compare(a, &v->first) >= 0 && addr_compare(a, &v->last) <= 0 ? YES : NO;
	/* "any" is sure of an unknown address, too. */
	return memcmp(v->first.b, zero.b, sizeof(zero.b)) == 0 && v->last.b[0] == 0xff &&
			       v->last.b[1] == 0xff
		       ? YES
		       : MAYBE;
}

static enum answer value_is(const struct firewall_packet *p, enum firewall_field field,
			    const struct firewall_value *v)
{
	switch (field) {
	case FIREWALL_IIF:
		return name_is(p->iif, v->ifname);
	case FIREWALL_OIF:
		return name_is(p->oif, v->ifname);
	case FIREWALL_FAMILY:
		return number_is((uint32_t)p->family, v);
	case FIREWALL_PROTOCOL:
		return number_is(p->protocol, v);
	case FIREWALL_SADDR:
		return address_is(&p->src, v);
	case FIREWALL_DADDR:
		return address_is(&p->dst, v);
	case FIREWALL_SPORT:
		return number_is(p->sport, v);
	case FIREWALL_DPORT:
		return number_is(p->dport, v);
	case FIREWALL_STATE:
	case FIREWALL_OTHER:
		break;
	}
	return MAYBE;
}

static enum answer state_is(const struct firewall_packet *p, const struct firewall_match *m)
{
	unsigned wanted = 0;

	for (size_t i = 0; i < m->n; i++)
		wanted |= m->values[i].low;
	return !(p->states & wanted) ? NO : !(p->states & ~wanted) ? YES : MAYBE;
}

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static enum answer match_is(const struct firewall_packet *p, const struct firewall_match *m)
{
	enum answer answer = NO;

	/* Where there is no such thing, neither it nor its opposite is so. */
	if ((m->field == FIREWALL_SPORT || m->field == FIREWALL_DPORT) && !has_ports(p->protocol))
		return NO;
	if (is_address(m->field) && m->n && m->values[0].first.family != p->family)
		return NO;
	if (m->field == FIREWALL_OTHER)
		return MAYBE;
	if (m->field == FIREWALL_STATE)
		answer = state_is(p, m);
	for (size_t i = 0; m->field != FIREWALL_STATE && i < m->n; i++) {
		enum answer one = value_is(p, m->field, &m->values[i]);

		answer = one > answer ? one : answer;
	}
	return !m->negated || answer == MAYBE ? answer : answer == YES ? NO : YES;
}

static enum answer rule_is(const struct firewall_packet *p, const struct firewall_rule *r)
{
	enum answer answer = YES;

	for (size_t i = 0; i < r->n && answer != NO; i++) {
		enum answer one = match_is(p, &r->matches[i]);

		answer = one < answer ? one : answer;
	}
	return answer;
}

struct walk {
	const struct firewall *firewall;
	const struct firewall_packet *packet;
	unsigned steps;
	bool may_accept; /* some packet of the kind may have been let through already */
	const struct firewall_rule *dropped; /* by this */
};

static const struct firewall_chain *find_target(const struct walk *w,
						const struct firewall_chain *from, const char *name)
{
	const struct firewall *f = w->firewall;

	for (size_t i = 0; i < f->n; i++)
		if (f->chains[i].family == from->family && strcmp(f->chains[i].name, name) == 0 &&
		    strcmp(f->chains[i].table, from->table) == 0)
			return &f->chains[i];
	return NULL;
}

/* What becomes of the packet in a chain; FIREWALL_NEXT: it comes out at the end. A verdict is one
 * for all packets of the kind that have come so far. */
static enum firewall_verdict walk_chain(struct walk *w, const struct firewall_chain *c,
					unsigned depth);

static enum firewall_verdict walk_jump(struct walk *w, const struct firewall_chain *c,
				       const struct firewall_rule *r, unsigned depth)
{
	const struct firewall_chain *target = r->target ? find_target(w, c, r->target) : NULL;

	if (target && depth < DEPTH_MAX && w->steps < STEPS_MAX)
		return walk_chain(w, target, depth + 1);
	w->may_accept = true;
	return FIREWALL_NEXT;
}

static enum firewall_verdict verdict_of(struct walk *w, const struct firewall_chain *c,
					const struct firewall_rule *r, unsigned depth)
{
	enum firewall_verdict verdict = r->verdict;

	if (verdict == FIREWALL_JUMP || verdict == FIREWALL_GOTO) {
		verdict = walk_jump(w, c, r, depth);
		if (r->verdict == FIREWALL_GOTO && verdict == FIREWALL_NEXT)
			return FIREWALL_RETURN;
		return verdict;
	}
	if (verdict == FIREWALL_DROP && !w->dropped)
		w->dropped = r;
	return verdict;
}

static enum firewall_verdict walk_chain(struct walk *w, const struct firewall_chain *c,
					unsigned depth)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct firewall_rule *r = &c->rules[i], *dropped = w->dropped;
		enum answer applies = rule_is(w->packet, r);
		enum firewall_verdict verdict;

		w->steps++;
		if (applies == NO)
			continue;
		verdict = verdict_of(w, c, r, depth);
		if (applies == MAYBE) {
			/* Who returns early may escape what drops the others here. */
			w->may_accept |= verdict == FIREWALL_ACCEPT || verdict == FIREWALL_RETURN;
			w->dropped = dropped;
			continue;
		}
		if (verdict == FIREWALL_RETURN)
			return FIREWALL_NEXT;
		if (verdict != FIREWALL_NEXT)
			return verdict;
	}
	return FIREWALL_NEXT;
}

bool firewall_drops(const struct firewall *f, enum firewall_hook hook,
		    const struct firewall_packet *p, const struct firewall_chain **ret_chain,
		    const struct firewall_rule **ret_rule)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct firewall_chain *c = &f->chains[i];
		struct walk w = {.firewall = f, .packet = p};
		enum firewall_verdict verdict;

		if (c->hook != hook || (c->family && c->family != p->family))
			continue;
		verdict = walk_chain(&w, c, 0);
		if (w.may_accept ||
		    (verdict != FIREWALL_DROP && (verdict != FIREWALL_NEXT || !c->drops)))
			continue;
		*ret_chain = c;
		*ret_rule = w.dropped;
		return true;
	}
	return false;
}
