/* SPDX-License-Identifier: Apache-2.0 */
/* Firewall tables, in a network namespace of the test's own; skipped where there can be none. */
#include "core/nft.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RULES(address)                                                                             \
	"set refused { type ipv4_addr; elements = { " address " } ; }\n"                           \
	"chain input { type filter hook input priority 110; ip daddr @refused drop; }\n"

static bool isolated;

/* What `nft` says of the table. */
static bool table_has(const char *words)
{
	FILE *f = popen("nft list table inet tandem_test 2>&1", "r");
	char text[4096];
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	pclose(f);
	return strstr(text, words) != NULL;
}

static void set(const char *rules)
{
	struct text reason = {""};

	if (!isolated)
		skip();
	if (nft_table_set("tandem_test", rules, &reason)) {
		print_message("%s\n", reason.s);
		skip();
	}
}

static void test_replaced_whole(void **state)
{
	set(RULES("192.0.2.1"));
	assert_true(table_has("192.0.2.1"));
	set(RULES("192.0.2.2"));
	assert_true(table_has("192.0.2.2"));
	assert_false(table_has("192.0.2.1"));
}

static void test_refused_changes_nothing(void **state)
{
	struct text reason = {""};

	set(RULES("192.0.2.1"));
	assert_int_not_equal(nft_table_set("tandem_test", "chain input {", &reason), 0);
	assert_non_null(strstr(reason.s, "nftables: "));
	assert_null(strchr(reason.s, '\n'));
	assert_true(table_has("192.0.2.1"));
}

static void test_removed(void **state)
{
	set(RULES("192.0.2.1"));
	assert_int_equal(nft_table_remove("tandem_test"), 0);
	assert_true(table_has("No such file"));
	assert_int_equal(nft_table_remove("tandem_test"), 0);
}

static void test_listed(void **state)
{
	struct text reason = {""};
	char *json = NULL;

	set(RULES("192.0.2.1"));
	assert_int_equal(nft_list_ruleset(&json, &reason), 0);
	assert_non_null(strstr(json, "\"tandem_test\""));
	assert_non_null(strstr(json, "192.0.2.1"));
	free(json);
}

/* No right to do it is a reason too, and the library is not asked. */
static void test_not_permitted(void **state)
{
	struct text reason = {""};
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		if (getuid() == 0 && setuid(65534) < 0)
			_exit(2);
		_exit(nft_table_set("tandem_test", RULES("192.0.2.1"), &reason) >= 0 ||
		      !reason.s[0]);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replaced_whole),
		cmocka_unit_test(test_refused_changes_nothing),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_listed),
		cmocka_unit_test(test_not_permitted),
	};

	isolated = unshare(CLONE_NEWNET) == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
