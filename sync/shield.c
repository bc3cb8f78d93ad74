/* SPDX-License-Identifier: Apache-2.0 */
/* The firewall's part in sync: see shield.h. */
#include "sync/shield.h"

#include "core/log.h"
#include "core/nft.h"
#include "core/sync_kernel.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TABLE "tandem_sync"
/* What failed is tried again after so long. */
#define AGAIN_US (30 * USEC_PER_SEC)

bool sync_shield_withholds(const struct sync_shield_facts *f, int64_t now_us)
{
	if (!f->was_synced && now_us - f->started_us < f->wait_us)
		return true;
	return f->gained_us && now_us - f->gained_us < SYNC_SHIELD_US;
}

static void put_addresses(FILE *out, const struct sync_roles *roles, int family)
{
	const char *before = family == AF_INET6 ? "ip6 saddr { " : "ip saddr { ";
	char text[ADDR_TEXT_MAX];
	bool any = false;

	for (size_t i = 0; i < roles->n; i++) {
		if (roles->list[i].address.family != family)
			continue;
		fprintf(out, "%s%s", any ? ", " : before,
			addr_format(&roles->list[i].address, text));
		any = true;
	}
	if (any)
		fputs(" } tcp flags & rst == rst drop\n", out);
}

/* The kernel's own sockets have no user, and pass. */
static void put_guard(FILE *out, uint32_t address, unsigned port, unsigned uid)
{
	struct in_addr in = {.s_addr = htonl(address)};
	char text[INET_ADDRSTRLEN];

	fprintf(out, "ip daddr %s udp dport %u meta skuid != %u drop\n",
		inet_ntop(AF_INET, &in, text, sizeof(text)), port, uid);
}

char *sync_shield_rules(const struct sync_roles *roles, bool withholds, unsigned uid)
{
	char *rules = NULL;
	size_t size;
	FILE *out = open_memstream(&rules, &size);

	if (!out)
		return NULL;
	fputs("chain output {\ntype filter hook output priority 0; policy accept;\n", out);
	put_guard(out, SYNC_KERNEL_SOURCE_GROUP, SYNC_KERNEL_SOURCE_PORT, uid);
	put_guard(out, SYNC_KERNEL_SINK_GROUP, SYNC_KERNEL_SINK_PORT, uid);
	put_guard(out, SYNC_KERNEL_ADDRESS, SYNC_KERNEL_PUSH_PORT, uid);
	if (withholds) {
		put_addresses(out, roles, AF_INET);
		put_addresses(out, roles, AF_INET6);
	}
	fputs("}\n", out);
	if (fclose(out)) {
		free(rules);
		return NULL;
	}
	return rules;
}

static void tell(struct sync_shield *s, const struct text *trouble)
{
	if (!trouble->s[0] && s->trouble.s[0])
		log_notice("sync: the firewall helps now");
	if (trouble->s[0] && strcmp(trouble->s, s->trouble.s) != 0)
		log_warning("sync: the firewall can't help: %s; resets for connections that are not "
			    "known yet are not withheld, and any local user can forge connections",
			    trouble->s);
	s->trouble = *trouble;
}

/* As asked for, and as far as is known also there. */
static bool stands(const struct sync_shield *s, const char *rules, int64_t now_us)
{
	if (!s->rules || strcmp(rules, s->rules) != 0)
		return false;
	if (s->trouble.s[0])
		return now_us < s->tried_us + AGAIN_US;
	if (nft_table_exists(TABLE))
		return true;
	log_notice("sync: table " TABLE " of the firewall was gone: set again");
	return false;
}

void sync_shield_set(struct sync_shield *s, const struct sync_roles *roles, bool withholds,
		     int64_t now_us)
{
	char *rules = sync_shield_rules(roles, withholds, getuid());
	struct text trouble = {""};

	if (!rules)
		return;
	if (stands(s, rules, now_us)) {
		free(rules);
		return;
	}
	s->tried_us = now_us;
	nft_table_set(TABLE, rules, &trouble);
	tell(s, &trouble);
	free(s->rules);
	s->rules = rules;
	s->withholds = withholds && !trouble.s[0];
}

void sync_shield_remove(struct sync_shield *s)
{
	if (s->rules)
		nft_table_remove(TABLE);
	free(s->rules);
	*s = (struct sync_shield){0};
}
