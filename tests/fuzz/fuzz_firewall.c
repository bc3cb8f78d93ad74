/* SPDX-License-Identifier: Apache-2.0 */
/* Firewall rules as text: the first byte says whether nftables' JSON or iptables-save's lines
 * follow. */
#include "ctl/firewall.h"

#include <netinet/in.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct firewall *f)
{
	struct firewall_packet p = {
		.family = AF_INET, .protocol = IPPROTO_TCP, .dport = 80, .states = FIREWALL_NEW};
	const struct firewall_chain *chain;
	const struct firewall_rule *rule;

	addr_parse("10.0.0.1", &p.dst);
	for (int hook = FIREWALL_PREROUTING; hook <= FIREWALL_POSTROUTING; hook++)
		if (firewall_drops(f, (enum firewall_hook)hook, &p, &chain, &rule) &&
		    (!chain->text || (rule && !rule->text)))
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct firewall f = {.arena = arena_new()};
	char *text;

	if (size) {
		text = arena_strndup(f.arena, (const char *)data + 1, size - 1);
		if (data[0] & 1)
			firewall_read_nft(&f, text);
		else
			firewall_read_iptables(&f, data[0] & 2 ? AF_INET6 : AF_INET, text);
		walk(&f);
	}
	arena_free(f.arena);
	return 0;
}
