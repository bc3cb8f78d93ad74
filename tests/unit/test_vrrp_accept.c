/* SPDX-License-Identifier: Apache-2.0 */
/* no_accept: the rules for a model, and that nftables takes them where it is there. */
#include "core/nft.h"
#include "vrrp/accept.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct vip vip(const char *text, const char *ifname)
{
	struct vip v = {.prefixlen = 24, .ifname = ifname, .label = ""};

	assert_int_equal(addr_parse(text, &v.address), 0);
	return v;
}

struct sample {
	struct global global;
	struct vip vips[2][3];
	struct vrrp_instance instances[2];
	struct model model;
};

/* Of two instances the first refuses: addresses of all kinds, one on another interface. */
static void sample_init(struct sample *s)
{
	*s = (struct sample){
		.global = {.nft_priority = 110},
		.vips = {{vip("192.0.2.1", ""), vip("192.0.2.2", ""), vip("2001:db8::1", "")},
			 {vip("fe80::1", ""), vip("fe80::2", "eth1"), vip("192.0.2.3", "")}},
		.instances = {{.name = "a", .ifname = "eth0", .priority = 100},
			      {.name = "b", .ifname = "eth0", .priority = 100, .accept = true}},
	};
	for (int i = 0; i < 2; i++) {
		s->instances[i].vips = s->vips[i];
		s->instances[i].n_vips = 2;
		s->instances[i].excluded = &s->vips[i][2];
		s->instances[i].n_excluded = 1;
	}
	s->model = (struct model){
		.global = &s->global, .n_global = 1, .instances = s->instances, .n_instances = 2};
}

static void test_all_accept(void **state)
{
	struct sample s;

	sample_init(&s);
	s.instances[0].accept = true;
	assert_null(accept_rules(&s.model));
	s.instances[0].accept = false;
	s.instances[0].priority = 255; /* the owner always accepts */
	assert_null(accept_rules(&s.model));
}

static void test_rules(void **state)
{
	struct sample s;
	char *rules;

	sample_init(&s);
	rules = accept_rules(&s.model);
	assert_string_equal(rules,
			    "set ipv4 {\n\ttype ipv4_addr\n"
			    "\telements = { 192.0.2.1, 192.0.2.2 }\n}\n"
			    "set ipv6 {\n\ttype ipv6_addr\n\telements = { 2001:db8::1 }\n}\n"
			    "chain input {\n"
			    "\ttype filter hook input priority 110\n"
			    "\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n"
			    "\tip daddr @ipv4 drop\n"
			    "\tip6 daddr @ipv6 drop\n"
			    "}\n");
	free(rules);
	s.instances[0].accept = true;
	s.instances[1].accept = false;
	s.global.nft_counters = true;
	rules = accept_rules(&s.model);
	assert_non_null(strstr(rules, "{ fe80::1 . \"eth0\", fe80::2 . \"eth1\" }"));
	assert_non_null(strstr(rules, "ip6 daddr . iifname @link_local counter drop"));
	free(rules);
}

static void test_nftables_takes_them(void **state)
{
	struct text reason = {""};
	struct sample s;
	char *rules;

	if (unshare(CLONE_NEWNET) < 0)
		skip();
	sample_init(&s);
	s.instances[1].accept = false;
	s.global.nft_counters = true;
	rules = accept_rules(&s.model);
	if (nft_table_set(ACCEPT_TABLE, rules, &reason) == -EOPNOTSUPP) {
		free(rules);
		print_message("%s\n", reason.s);
		skip();
	}
	free(rules);
	assert_string_equal(reason.s, "");
	assert_int_equal(nft_table_remove(ACCEPT_TABLE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_accept),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_nftables_takes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
