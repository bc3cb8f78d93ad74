/* SPDX-License-Identifier: Apache-2.0 */
/* no_accept as rules of a firewall table: see accept.h. */
#include "vrrp/accept.h"

#include "core/must.h"
#include "vrrp/config.h"

#include <stdio.h>
#include <stdlib.h>

/* Link-local addresses are one for each link; all others mean the same wherever they are asked for.
 */
enum refused {
	REFUSED_IPV4,
	REFUSED_IPV6,
	REFUSED_LINK_LOCAL,
	REFUSED_KINDS,
};

static const struct {
	const char *set;
	const char *type;
	const char *match;
} kinds[] = {
	[REFUSED_IPV4] = {"ipv4", "ipv4_addr", "ip daddr"},
	[REFUSED_IPV6] = {"ipv6", "ipv6_addr", "ip6 daddr"},
	[REFUSED_LINK_LOCAL] = {"link_local", "ipv6_addr . ifname", "ip6 daddr . iifname"},
};

static enum refused kind_of(const struct addr *a)
{
	if (a->family == AF_INET)
		return REFUSED_IPV4;
	return addr_is_link_local(a) ? REFUSED_LINK_LOCAL : REFUSED_IPV6;
}

static bool refuses(const struct vrrp_instance *v)
{
	return !v->accept && v->priority != VRRP_PRIORITY_OWNER;
}

/* How many there were. */
static unsigned put_elements(FILE *out, const struct model *m, enum refused kind)
{
	char text[ADDR_TEXT_MAX];
	unsigned n = 0;

	for (uint32_t i = 0; i < m->n_instances; i++) {
		const struct vrrp_instance *v = &m->instances[i];

		for (uint32_t k = 0; refuses(v) && k < vrrp_config_vips(v); k++) {
			const struct vip *vip = vrrp_config_vip(v, k);

			if (kind_of(&vip->address) != kind)
				continue;
			fprintf(out, "%s%s", n++ ? ", " : "", addr_format(&vip->address, text));
			if (kind == REFUSED_LINK_LOCAL)
				fprintf(out, " . \"%s\"", vrrp_config_vip_ifname(v, vip));
		}
	}
	return n;
}

static bool put_set(FILE *out, const struct model *m, enum refused kind)
{
	char *elements = NULL;
	size_t size;
	FILE *list = must(open_memstream(&elements, &size));
	unsigned n = put_elements(list, m, kind);

	fclose(list);
	if (n)
		fprintf(out, "set %s {\n\ttype %s\n\telements = { %s }\n}\n", kinds[kind].set,
			kinds[kind].type, elements);
	free(elements);
	return n;
}

/* Neighbours must still find and keep the link-layer address: RFC 9568 §6.4.3. */
static void put_chain(FILE *out, const struct global *g, const bool *used)
{
	fprintf(out,
		"chain input {\n"
		"\ttype filter hook input priority %d\n"
		"\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n",
		g->nft_priority);
	for (int kind = 0; kind < REFUSED_KINDS; kind++)
		if (used[kind])
			fprintf(out, "\t%s @%s%s drop\n", kinds[kind].match, kinds[kind].set,
				g->nft_counters ? " counter" : "");
	fputs("}\n", out);
}

char *accept_rules(const struct model *m)
{
	bool used[REFUSED_KINDS], any = false;
	char *rules = NULL;
	size_t size;
	FILE *out = must(open_memstream(&rules, &size));

	for (int kind = 0; kind < REFUSED_KINDS; kind++) {
		used[kind] = put_set(out, m, (enum refused)kind);
		any |= used[kind];
	}
	put_chain(out, m->global, used);
	fclose(out);
	if (any)
		return rules;
	free(rules);
	return NULL;
}
