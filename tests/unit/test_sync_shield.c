/* SPDX-License-Identifier: Apache-2.0 */
/* When resets are withheld, and the firewall's rules (sync/shield.c). */
#include "sync/shield.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S USEC_PER_SEC

static void test_until_the_peers_have_told(void **state)
{
	struct sync_shield_facts f = {.started_us = 100 * S, .wait_us = 30 * S};

	assert_true(sync_shield_withholds(&f, 101 * S));
	assert_true(sync_shield_withholds(&f, 129 * S));
	assert_false(sync_shield_withholds(&f, 130 * S)); /* nobody has anything to tell */
	f.was_synced = true;
	assert_false(sync_shield_withholds(&f, 101 * S));
}

static void test_after_a_takeover(void **state)
{
	struct sync_shield_facts f = {
		.started_us = 100 * S, .wait_us = 30 * S, .was_synced = true, .gained_us = 500 * S};

	assert_true(sync_shield_withholds(&f, 500 * S));
	assert_true(sync_shield_withholds(&f, 509 * S));
	assert_false(sync_shield_withholds(&f, 510 * S));
}

static void test_rules(void **state)
{
	static const char guard[] =
		"chain output {\ntype filter hook output priority 0; policy accept;\n"
		"ip daddr 224.0.0.84 udp dport 8850 meta skuid != 7 drop\n"
		"ip daddr 224.0.0.85 udp dport 8851 meta skuid != 7 drop\n"
		"ip daddr 192.0.0.8 udp dport 8852 meta skuid != 7 drop\n";
	struct addr a = addr_from_bytes(AF_INET, (uint8_t[]){192, 0, 2, 1});
	struct addr b = addr_from_bytes(AF_INET, (uint8_t[]){192, 0, 2, 2});
	struct addr c = addr_from_bytes(AF_INET6, (uint8_t[16]){0xfd, [15] = 1});
	struct sync_roles roles;
	char expected[1024];
	char *rules;

	sync_roles_init(&roles);
	sync_roles_set(&roles, &a, true);
	sync_roles_set(&roles, &c, false);
	sync_roles_set(&roles, &b, false);
	rules = sync_shield_rules(&roles, true, 7);
	snprintf(expected, sizeof(expected),
		 "%sip saddr { 192.0.2.1, 192.0.2.2 } tcp flags & rst == rst drop\n"
		 "ip6 saddr { fd00::1 } tcp flags & rst == rst drop\n}\n",
		 guard);
	assert_string_equal(rules, expected);
	free(rules);
	rules = sync_shield_rules(&roles, false, 7);
	snprintf(expected, sizeof(expected), "%s}\n", guard);
	assert_string_equal(rules, expected);
	free(rules);
	sync_roles_done(&roles);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_until_the_peers_have_told),
		cmocka_unit_test(test_after_a_takeover),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
