/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtual_server_group: lines of addresses, ranges and firewall marks to the kernel's services that
 * a virtual server of this group stands for. One pool, one set of checks and one quorum serve all.
 */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"

/* More is a slip of the pen, and would keep the kernel busy for minutes. */
#define RANGE_MAX 65536

static const struct ast_node *find_group(const struct ast_node *root, const char *name)
{
	for (uint32_t i = 0; i < root->n_children; i++) {
		const struct ast_node *n = &root->child[i];

		if (n->n_words > 1 && !strcmp(n->word[0].s, "virtual_server_group") &&
		    !strcmp(n->word[1].s, name))
			return n;
	}
	return NULL;
}

/* To the next address; false behind the last one. */
static bool step(struct addr *a)
{
	int i = a->family == AF_INET6 ? 15 : 3;

	while (i >= 0 && ++a->b[i] == 0)
		i--;
	return i >= 0;
}

/* "/LEN": from the first address of the net to the last. */
static bool net_end(const char *text, const struct addr *first, struct addr *last)
{
	unsigned bits = first->family == AF_INET6 ? 128 : 32, len;
	char *end;

	len = (unsigned)strtoul(text, &end, 10);
	if (!*text || *end || !len || len > bits)
		return false;
	for (; len < bits; len++) {
		if (first->b[len / 8] & 0x80 >> len % 8)
			return false;
		last->b[len / 8] |= (uint8_t)(0x80 >> len % 8);
	}
	return true;
}

/* "-END": a whole address, or the last number of one, in the family's way of writing. */
static bool range_end(const char *text, const struct addr *first, struct addr *last)
{
	bool ipv6 = first->family == AF_INET6;
	unsigned long number;
	char *end;

	if (strchr(text, ipv6 ? ':' : '.'))
		return !addr_parse(text, last) && last->family == first->family;
	number = strtoul(text, &end, ipv6 ? 16 : 10);
	if (!*text || *end || number > (ipv6 ? 0xffff : 0xff))
		return false;
	if (ipv6)
		last->b[14] = (uint8_t)(number >> 8);
	last->b[ipv6 ? 15 : 3] = (uint8_t)number;
	return true;
}

static bool read_range(struct checker *c, const struct ast_word *w, struct addr *first,
		       struct addr *last)
{
	const char *mark = strpbrk(w->s, "/-");
	char *start = arena_strdup(c->arena, w->s);

	if (mark)
		start[mark - w->s] = '\0';
	if (addr_parse(start, first) < 0) {
		check_warn(c, &w->loc, "'%s' is not an address; the line is left out", start);
		return false;
	}
	*last = *first;
	if (!mark)
		return true;
	if (*mark == '/' ? net_end(mark + 1, first, last) : range_end(mark + 1, first, last)) {
		if (addr_compare(first, last) <= 0)
			return true;
	}
	check_warn(c, &w->loc,
		   "'%s' is not a range such as 192.0.2.1-10 or 192.0.2.16/28; "
		   "the line is left out",
		   w->s);
	return false;
}

static void add_member(struct checker *c, struct service_draft *d, struct member m)
{
	struct virtual_server *vs = &d->vs;

	vs->members = arena_grow(c->arena, vs->members, vs->n_members, &d->members_cap, sizeof(m));
	vs->members[vs->n_members++] = m;
}

static void read_fwmark(struct checker *c, struct service_draft *d, const struct ast_node *n)
{
	struct member m = {0};
	int64_t mark;

	if (n->n_words < 2)
		check_warn(c, &n->word[0].loc, "'fwmark' wants a number; the line is left out");
	if (n->n_words < 2 || !value_number(c, &n->word[1], 1, UINT32_MAX, &mark))
		return;
	m.fwmark = (uint32_t)mark;
	through_claim(c, &n->word[1].loc, m.fwmark);
	if (n->n_words > 2 && !strcmp(n->word[2].s, "inet")) {
		m.family = AF_INET;
	} else if (n->n_words > 2 && !strcmp(n->word[2].s, "inet6")) {
		m.family = AF_INET6;
	} else if (n->n_words > 2) {
		check_warn(c, &n->word[2].loc,
			   "'%s' is neither inet nor inet6; the line is left out", n->word[2].s);
		return;
	}
	add_member(c, d, m);
}

static void read_addresses(struct checker *c, struct service_draft *d, const struct ast_node *n)
{
	struct member m = {0};
	struct addr last;
	uint32_t count = 0;

	if (!read_range(c, &n->word[0], &m.address, &last))
		return;
	if (n->n_words > 1 && !value_port_or_none(c, &n->word[1], &m.port))
		return;
	m.family = m.address.family;
	do {
		if (++count > RANGE_MAX) {
			check_warn(c, &n->word[0].loc,
				   "a range has at most %d addresses; the rest is left out",
				   RANGE_MAX);
			return;
		}
		add_member(c, d, m);
	} while (addr_compare(&m.address, &last) < 0 && step(&m.address));
}

/* Of all addresses; 0 when they differ. */
static uint16_t common_port(const struct virtual_server *vs)
{
	uint16_t port = 0;

	for (uint32_t i = 0; i < vs->n_members; i++) {
		if (vs->members[i].fwmark)
			continue;
		if (port && port != vs->members[i].port)
			return 0;
		port = vs->members[i].port;
		if (!port)
			return 0;
	}
	return port;
}

static bool has_family(const struct virtual_server *vs, uint8_t family)
{
	for (uint32_t i = 0; i < vs->n_members; i++)
		if (vs->members[i].family == family)
			return true;
	return false;
}

static void take_family(struct checker *c, struct service_draft *d)
{
	bool ipv4 = has_family(&d->vs, AF_INET), ipv6 = has_family(&d->vs, AF_INET6);
	uint8_t family = ipv4 && ipv6 ? 0 : ipv4 ? AF_INET : ipv6 ? AF_INET6 : d->vs.family;

	if (d->vs.family && d->vs.family != family)
		check_warn(c, &d->node->word[0].loc,
			   "ip_family does not fit the group %s; it is left out", d->vs.group);
	d->vs.family = family;
	d->mixed_family = ipv4 && ipv6;
}

bool group_read(struct checker *c, struct service_draft *d)
{
	const struct ast_node *group = find_group(c->root, d->vs.group);

	if (!group) {
		check_warn(c, &d->node->word[2].loc,
			   "there is no virtual_server_group %s; the service is left out",
			   d->vs.group);
		return false;
	}
	for (uint32_t i = 0; i < group->n_children; i++) {
		if (!strcmp(group->child[i].word[0].s, "fwmark"))
			read_fwmark(c, d, &group->child[i]);
		else
			read_addresses(c, d, &group->child[i]);
	}
	if (!d->vs.n_members) {
		check_warn(c, &group->word[0].loc,
			   "the group %s has no address; its services are left out", d->vs.group);
		return false;
	}
	d->vs.port = common_port(&d->vs);
	take_family(c, d);
	return true;
}

static bool finish_member(struct checker *c, const struct service_draft *d, struct member *m)
{
	const struct ast_loc *first;
	struct virtual_server alone;
	char text[TEXT_MAX];

	if (!m->family)
		m->family = d->vs.family ? d->vs.family : AF_INET;
	m->protocol = m->fwmark ? 0 : d->vs.protocol;
	alone = (struct virtual_server){
		.family = m->family,
		.protocol = m->protocol,
		.address = m->address,
		.port = m->port,
		.fwmark = m->fwmark,
	};
	m->id = model_id_virtual_server(&alone);
	first = check_id(c, m->id, &d->node->word[0].loc);
	if (first)
		check_warn(c, &d->node->word[0].loc,
			   "%s of the group %s is there already, at %s:%u; it is left out",
			   virtual_server_format(&alone, text), d->vs.group, first->src->file,
			   first->src->number);
	return !first;
}

bool group_finish(struct checker *c, struct service_draft *d)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < d->vs.n_members; i++)
		if (finish_member(c, d, &d->vs.members[i]))
			d->vs.members[kept++] = d->vs.members[i];
	d->vs.n_members = kept;
	return kept;
}
