/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of lvs_method SNAT: see snat.h. */
#include "ipvs/snat.h"

#include "core/must.h"
#include "ipvs/wanted.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static bool is_snat(const struct real_server *rs)
{
	return rs->forward == IPVS_FORWARD_SNAT;
}

static bool serves_by_snat(const struct virtual_server *vs)
{
	for (uint32_t i = 0; i < vs->n_servers; i++)
		if (is_snat(&vs->servers[i]))
			return true;
	return vs->n_sorry && is_snat(vs->sorry);
}

bool snat_is_wanted(const struct model *model)
{
	for (uint32_t i = 0; i < model->n_services; i++)
		if (serves_by_snat(&model->services[i]))
			return true;
	return false;
}

static const char *family_word(uint8_t family)
{
	return family == AF_INET6 ? "ip6" : "ip";
}

static const char *protocol_word(uint8_t protocol)
{
	return protocol == IPPROTO_UDP ? "udp" : protocol == IPPROTO_SCTP ? "sctp" : "tcp";
}

/* What the client asked for. */
static void put_service(FILE *out, const struct ipvs_key *key)
{
	char text[ADDR_TEXT_MAX];

	if (key->fwmark) {
		fprintf(out, "meta mark %u ", key->fwmark);
		return;
	}
	fprintf(out, "meta l4proto %s ct original %s daddr %s ", protocol_word(key->protocol),
		family_word(key->family), addr_format(&key->address, text));
	if (key->port)
		fprintf(out, "ct original proto-dst %u ", key->port);
}

/* Whom IPVS has given it to. A server without a port is asked at the client's. */
static void put_server(FILE *out, const struct real_server *rs)
{
	char text[ADDR_TEXT_MAX];

	fprintf(out, "%s daddr %s ", family_word(rs->address.family),
		addr_format(&rs->address, text));
	if (rs->port)
		fprintf(out, "th dport %u ", rs->port);
}

static void put_rule(FILE *out, const struct ipvs_key *key, const struct real_server *rs)
{
	if (!is_snat(rs) || rs->address.family != key->family)
		return;
	fputs("\t\t", out);
	put_service(out, key);
	put_server(out, rs);
	fputs("masquerade\n", out);
}

static void put_rules(FILE *out, const struct virtual_server *vs)
{
	for (uint32_t i = 0; i < wanted_keys(vs); i++) {
		const struct ipvs_key key = wanted_key(vs, i);

		for (uint32_t j = 0; j < vs->n_servers; j++)
			put_rule(out, &key, &vs->servers[j]);
		for (uint32_t j = 0; j < vs->n_sorry; j++)
			put_rule(out, &key, &vs->sorry[j]);
	}
}

char *snat_rules(const struct model *model)
{
	char *text = NULL;
	size_t size;
	FILE *out = must(open_memstream(&text, &size));

	fputs("\tchain postrouting {\n"
	      "\t\ttype nat hook postrouting priority srcnat; policy accept;\n",
	      out);
	for (uint32_t i = 0; i < model->n_services; i++)
		if (serves_by_snat(&model->services[i]))
			put_rules(out, &model->services[i]);
	fputs("\t}\n", out);
	if (fclose(out))
		abort();
	return text;
}
