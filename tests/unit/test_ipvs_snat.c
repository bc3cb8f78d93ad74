/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of lvs_method SNAT: ipvs/snat.c. */
#include "ipvs/snat.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct real_server server(const char *text, uint16_t port, enum ipvs_forward forward)
{
	return (struct real_server){.address = address(text), .port = port, .forward = forward};
}

static struct virtual_server service(const char *text, uint16_t port, struct real_server *servers,
				     uint32_t n)
{
	struct virtual_server vs = {.protocol = IPPROTO_TCP,
				    .address = address(text),
				    .port = port,
				    .servers = servers,
				    .n_servers = n};

	vs.family = vs.address.family;
	return vs;
}

static void assert_rules(struct virtual_server *services, uint32_t n, const char *rules)
{
	const struct model m = {.services = services, .n_services = n};
	char *got = snat_rules(&m), whole[1024];

	snprintf(whole, sizeof(whole),
		 "\tchain postrouting {\n"
		 "\t\ttype nat hook postrouting priority srcnat; policy accept;\n%s\t}\n",
		 rules);
	assert_string_equal(got, whole);
	free(got);
}

static void test_only_snat_servers_have_rules(void **state)
{
	struct real_server servers[] = {server("10.0.1.11", 8080, IPVS_FORWARD_SNAT),
					server("10.0.1.12", 8080, IPVS_FORWARD_NAT)};
	struct virtual_server vs = service("192.0.2.10", 80, servers, 2);
	const struct model m = {.services = &vs, .n_services = 1};

	assert_true(snat_is_wanted(&m));
	assert_rules(&vs, 1,
		     "\t\tmeta l4proto tcp ct original ip daddr 192.0.2.10 ct original proto-dst 80 "
		     "ip daddr 10.0.1.11 th dport 8080 masquerade\n");
	servers[0].forward = IPVS_FORWARD_DR;
	assert_false(snat_is_wanted(&m));
}

static void test_ipv6_and_any_port(void **state)
{
	struct real_server one = server("fd00:1::11", 0, IPVS_FORWARD_SNAT);
	struct virtual_server vs = service("fd00::100", 0, &one, 1);

	assert_rules(&vs, 1,
		     "\t\tmeta l4proto tcp ct original ip6 daddr fd00::100 "
		     "ip6 daddr fd00:1::11 masquerade\n");
}

static void test_a_mark_names_the_service(void **state)
{
	struct real_server one = server("10.0.1.11", 80, IPVS_FORWARD_SNAT);
	struct virtual_server vs = {
		.family = AF_INET, .fwmark = 7, .servers = &one, .n_servers = 1};

	assert_rules(&vs, 1, "\t\tmeta mark 7 ip daddr 10.0.1.11 th dport 80 masquerade\n");
}

static void test_groups_and_the_sorry_server(void **state)
{
	struct real_server sorry = server("10.0.1.99", 80, IPVS_FORWARD_SNAT);
	struct member members[] = {
		{.family = AF_INET, .protocol = IPPROTO_UDP, .port = 53,
		 .address = address("192.0.2.1")},
		{.family = AF_INET, .protocol = IPPROTO_UDP, .port = 53,
		 .address = address("192.0.2.2")}};
	struct virtual_server vs = {
		.group = "dns", .members = members, .n_members = 2, .sorry = &sorry, .n_sorry = 1};

	assert_rules(&vs, 1,
		     "\t\tmeta l4proto udp ct original ip daddr 192.0.2.1 ct original proto-dst 53 "
		     "ip daddr 10.0.1.99 th dport 80 masquerade\n"
		     "\t\tmeta l4proto udp ct original ip daddr 192.0.2.2 ct original proto-dst 53 "
		     "ip daddr 10.0.1.99 th dport 80 masquerade\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_snat_servers_have_rules),
		cmocka_unit_test(test_ipv6_and_any_port),
		cmocka_unit_test(test_a_mark_names_the_service),
		cmocka_unit_test(test_groups_and_the_sorry_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
