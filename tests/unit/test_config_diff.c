/* SPDX-License-Identifier: Apache-2.0 */
/* What a reload would change, from two texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/arena.h"
#include "core/config/config.h"
#include "core/config/diff.h"

#define VI(prio)                                                                                   \
	"vrrp_instance a {\n interface eth0\n virtual_router_id 1\n priority " prio "\n"           \
	" virtual_ipaddress {\n 192.0.2.1\n }\n}\n"
#define VS(port, sched, servers)                                                                   \
	"virtual_server 192.0.2.1 " port " {\n protocol TCP\n lvs_method DR\n lvs_sched " sched    \
	"\n" servers "}\n"
#define SYNC(ifname) "sync {\n interface " ifname "\n key file:/etc/tandem/sync.key\n}\n"
#define RS(last, weight) " real_server 198.51.100." last " {\n weight " weight "\n }\n"

static const struct model *model_of(struct arena *arena, const char *text)
{
	struct diags diags;
	struct ast_node root;

	diags_init(&diags, arena);
	assert_int_equal(
		ast_parse_text(arena, &ast_input_files, "t", text, strlen(text), &diags, &root), 0);
	return config_check(arena, &root, &diags);
}

static void expect(const char *old, const char *new, const char *want)
{
	struct arena *arena = arena_new();
	struct diff d;
	char *got = NULL;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	d = model_diff(arena, old ? model_of(arena, old) : NULL, model_of(arena, new));
	diff_print(&d, out);
	fclose(out);
	assert_string_equal(got, want);
	free(got);
	arena_free(arena);
}

static void test_nothing(void **state)
{
	expect(VI("1") VS("80", "rr", RS("1", "5")), VI("1") VS("80", "rr", RS("1", "5")), "");
	/* Order is not content. */
	expect(VS("80", "rr", RS("1", "5")) VS("81", "rr", RS("1", "5")),
	       VS("81", "rr", RS("1", "5")) VS("80", "rr", RS("1", "5")), "");
	expect(VS("80", "rr", RS("1", "5") RS("2", "5")), VS("80", "rr", RS("2", "5") RS("1", "5")),
	       "");
}

static void test_from_nothing(void **state)
{
	expect(NULL, VI("1") VS("80", "rr", RS("1", "5")),
	       "added vrrp_instance a\nadded virtual_server 192.0.2.1:80 TCP\n");
}

static void test_changes(void **state)
{
	expect(VI("1"), VI("2"), "changed vrrp_instance a: priority 1 -> 2\n");
	expect(VI("1"), "global_defs {\n router_id x\n}\n" VI("1"), "changed global_defs\n");
	/* Of the block itself it is no change of global_defs; its settings of the kernel are. */
	expect(SYNC("eth1"), SYNC("eth2"), "changed sync\n");
	expect(SYNC("eth1"), SYNC("eth1"), "");
	expect(VI("1"), VI("1") SYNC("eth1"), "changed global_defs\nadded sync\n");
	expect(VI("1") SYNC("eth1"), VI("1"), "changed global_defs\nremoved sync\n");
	expect(VI("1"), "", "removed vrrp_instance a\n");
	expect(VS("80", "rr", RS("1", "5") RS("2", "5")), VS("80", "rr", RS("1", "5") RS("2", "6")),
	       "changed real_server 198.51.100.2:80 of 192.0.2.1:80 TCP: weight 5 -> 6\n");
	expect(VS("80", "rr", RS("1", "5") RS("2", "5")),
	       VS("80", "wrr", RS("1", "5") RS("3", "5")),
	       "changed virtual_server 192.0.2.1:80 TCP: lvs_sched rr -> wrr\n"
	       "removed real_server 198.51.100.2:80 of 192.0.2.1:80 TCP\n"
	       "added real_server 198.51.100.3:80 of 192.0.2.1:80 TCP\n");
	expect(VS("80", "rr", RS("1", "5")), VS("81", "rr", RS("1", "5")),
	       "removed virtual_server 192.0.2.1:80 TCP\nadded virtual_server 192.0.2.1:81 TCP\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_from_nothing),
		cmocka_unit_test(test_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
