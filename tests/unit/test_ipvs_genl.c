/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPVS generic netlink messages (ipvs/genl.c), against what a Linux 6.1 kernel wrote for
 *
 *	ipvsadm -A -t 192.0.2.10:80 -s wrr -p 300 -M 255.255.255.0
 *	ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 3 -x 100 -y 50
 *	ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.2:80 -i --tun-type gue --tun-port 6080 -w 0
 *	ipvsadm -A -u [2001:db8::10]:53 -s mh -b mh-port
 *	ipvsadm -A -f 7 -s rr -o
 *
 * on a little-endian machine, and the requests against bytes that this kernel took.
 */
#include "ipvs/genl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char service_persistent[] =
	"680100001c0002004d000000e1020000010100005401010006000100020000000600020006000000"
	"14000300c000020a000000000000000000000000060004000050000008000600777272000c000700"
	"03000000ffffffff080008002c01000008000900ffffff0060000a00080001000000000008000200"
	"0000000008000300000000000c000400000000000000000004000b000c0005000000000000000000"
	"080006000000000008000700000000000800080000000000080009000000000008000a0000000000"
	"a0000c000c000100000000000000000004000b000c000200000000000000000004000b000c000300"
	"000000000000000004000b000c000400000000000000000004000b000c0005000000000000000000"
	"04000b000c000600000000000000000004000b000c000700000000000000000004000b000c000800"
	"000000000000000004000b000c000900000000000000000004000b000c000a000000000000000000";

static const char service_ipv6[] =
	"680100001c0002004d000000e10200000101000054010100060001000a0000000600020011000000"
	"1400030020010db80000000000000000000000100600040000350000070006006d6800000c000700"
	"12000000ffffffff0800080000000000080009008000000060000a00080001000000000008000200"
	"0000000008000300000000000c000400000000000000000004000b000c0005000000000000000000"
	"080006000000000008000700000000000800080000000000080009000000000008000a0000000000"
	"a0000c000c000100000000000000000004000b000c000200000000000000000004000b000c000300"
	"000000000000000004000b000c000400000000000000000004000b000c0005000000000000000000"
	"04000b000c000600000000000000000004000b000c000700000000000000000004000b000c000800"
	"000000000000000004000b000c000900000000000000000004000b000c000a000000000000000000";

static const char service_fwmark[] =
	"500100001c0002004d000000e1020000010100003c01010006000100020000000800050007000000"
	"07000600727200000c00070006000000ffffffff080008000000000008000900ffffffff64000a00"
	"08000100000000000800020000000000080003000000000004000b000c0004000000000000000000"
	"04000b000c0005000000000000000000080006000000000008000700000000000800080000000000"
	"080009000000000008000a0000000000a0000c000c000100000000000000000004000b000c000200"
	"000000000000000004000b000c000300000000000000000004000b000c0004000000000000000000"
	"04000b000c000500000000000000000004000b000c000600000000000000000004000b000c000700"
	"000000000000000004000b000c000800000000000000000004000b000c0009000000000000000000"
	"04000b000c000a000000000000000000";

static const char dest_gue[] =
	"900100001c0002004d000000e1020000050100007c010200140001000a0000020000000000000000"
	"0000000006000200005000000800030002000000080004000000000005000d000100000006000e00"
	"17c0000006000f000000000008000500000000000800060000000000080007000000000008000800"
	"00000000080009000000000006000b000200000064000a0008000100000000000800020000000000"
	"080003000000000004000b000c000400000000000000000004000b000c0005000000000000000000"
	"080006000000000008000700000000000800080000000000080009000000000008000a0000000000"
	"a0000c000c000100000000000000000004000b000c000200000000000000000004000b000c000300"
	"000000000000000004000b000c000400000000000000000004000b000c0005000000000000000000"
	"04000b000c000600000000000000000004000b000c000700000000000000000004000b000c000800"
	"000000000000000004000b000c000900000000000000000004000b000c000a000000000000000000";

static const char dest_direct[] =
	"900100001c0002004d000000e1020000050100007c010200140001000a0000010000000000000000"
	"0000000006000200005000000800030003000000080004000300000005000d000000000006000e00"
	"0000000006000f000000000008000500640000000800060032000000080007000000000008000800"
	"00000000080009000000000006000b000200000064000a0008000100000000000800020000000000"
	"080003000000000004000b000c000400000000000000000004000b000c0005000000000000000000"
	"080006000000000008000700000000000800080000000000080009000000000008000a0000000000"
	"a0000c000c000100000000000000000004000b000c000200000000000000000004000b000c000300"
	"000000000000000004000b000c000400000000000000000004000b000c0005000000000000000000"
	"04000b000c000600000000000000000004000b000c000700000000000000000004000b000c000800"
	"000000000000000004000b000c000900000000000000000004000b000c000a000000000000000000";

static const char timeouts[] =
	"2c0000001c0000004d000000e10200000c0100000800040084030000080005007800000008000600"
	"2c010000";

/* A copy of exactly the message's size, so that a read past its end is found. */
static struct nlmsghdr *message(const char *hex)
{
	size_t n = strlen(hex) / 2;
	uint8_t *at = malloc(n);

	for (size_t i = 0; i < n; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		at[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return (struct nlmsghdr *)at;
}

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void assert_address(const struct addr *a, const char *expected)
{
	char text[ADDR_TEXT_MAX];

	assert_string_equal(addr_format(a, text), expected);
}

static struct ipvs_service service_of(const char *hex)
{
	struct nlmsghdr *nlh = message(hex);
	struct ipvs_service s;

	assert_int_equal(ipvs_genl_get_service(nlh, &s), 0);
	free(nlh);
	return s;
}

static struct ipvs_dest dest_of(const char *hex)
{
	struct nlmsghdr *nlh = message(hex);
	struct ipvs_dest d;

	assert_int_equal(ipvs_genl_get_dest(nlh, AF_INET, &d), 0);
	free(nlh);
	return d;
}

static void test_read_persistent_service(void **state)
{
	struct ipvs_service s = service_of(service_persistent);

	assert_int_equal(s.key.family, AF_INET);
	assert_int_equal(s.key.protocol, IPPROTO_TCP);
	assert_int_equal(s.key.port, 80);
	assert_address(&s.key.address, "192.0.2.10");
	assert_string_equal(s.scheduler, "wrr");
	assert_string_equal(s.engine, "");
	assert_int_equal(s.flags, IP_VS_SVC_F_PERSISTENT);
	assert_int_equal(s.timeout_s, 300);
	assert_int_equal(s.prefixlen, 24);
}

static void test_read_ipv6_service(void **state)
{
	struct ipvs_service s = service_of(service_ipv6);

	assert_int_equal(s.key.protocol, IPPROTO_UDP);
	assert_int_equal(s.key.port, 53);
	assert_address(&s.key.address, "2001:db8::10");
	assert_string_equal(s.scheduler, "mh");
	assert_int_equal(s.flags, IP_VS_SVC_F_SCHED2);
	assert_int_equal(s.prefixlen, 128);
}

static void test_read_fwmark_service(void **state)
{
	struct ipvs_service s = service_of(service_fwmark);

	assert_int_equal(s.key.fwmark, 7);
	assert_int_equal(s.key.protocol, 0);
	assert_false(addr_is_set(&s.key.address));
	assert_int_equal(s.flags, IP_VS_SVC_F_ONEPACKET);
	assert_int_equal(s.prefixlen, 32);
}

static void test_read_dests(void **state)
{
	struct ipvs_dest d = dest_of(dest_direct);

	assert_address(&d.address, "10.0.0.1");
	assert_int_equal(d.port, 80);
	assert_int_equal(d.forward, IP_VS_CONN_F_DROUTE);
	assert_int_equal(d.weight, 3);
	assert_int_equal(d.upper_threshold, 100);
	assert_int_equal(d.lower_threshold, 50);
	d = dest_of(dest_gue);
	assert_address(&d.address, "10.0.0.2");
	assert_int_equal(d.forward, IP_VS_CONN_F_TUNNEL);
	assert_int_equal(d.weight, 0);
	assert_int_equal(d.tunnel_type, IP_VS_CONN_F_TUNNEL_TYPE_GUE);
	assert_int_equal(d.tunnel_port, 6080);
}

static void test_read_timeouts(void **state)
{
	struct nlmsghdr *nlh = message(timeouts);
	struct ipvs_timeouts t;

	assert_int_equal(ipvs_genl_get_timeouts(nlh, &t), 0);
	assert_int_equal(t.tcp_s, 900);
	assert_int_equal(t.tcpfin_s, 120);
	assert_int_equal(t.udp_s, 300);
	free(nlh);
}

/* Cut anywhere, in memory of that size: refused or read, but never read past the end. */
static void test_cut_messages(void **state)
{
	static const char *const all[] = { service_persistent, service_ipv6, service_fwmark,
					   dest_direct, dest_gue, timeouts };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (size_t n = NLMSG_HDRLEN; n < strlen(all[i]) / 2; n++) {
			struct nlmsghdr *whole = message(all[i]), *cut = malloc(n);
			struct ipvs_service s;
			struct ipvs_dest d;
			struct ipvs_timeouts t;
			uint16_t family;

			memcpy(cut, whole, n);
			cut->nlmsg_len = (uint32_t)n;
			assert_int_equal(ipvs_genl_get_service(cut, &s), -EBADMSG);
			assert_int_equal(ipvs_genl_get_dest(cut, AF_INET, &d), -EBADMSG);
			ipvs_genl_get_timeouts(cut, &t);
			ipvs_genl_get_family(cut, &family);
			free(whole);
			free(cut);
		}
	}
}

static const struct ipvs_genl_head head = { .family = 28, .flags = NLM_F_ACK, .seq = 77 };

static void assert_request(const void *at, size_t len, const char *expected)
{
	const uint8_t *bytes = at;
	char hex[2 * IPVS_REQUEST_MAX + 1];

	assert_true(len <= IPVS_REQUEST_MAX);
	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	assert_string_equal(hex, expected);
}

static struct ipvs_service web(void)
{
	return (struct ipvs_service){
		.key = { .family = AF_INET,
			 .protocol = IPPROTO_TCP,
			 .port = 80,
			 .address = address("192.0.2.10") },
		.scheduler = "wrr",
		.flags = IP_VS_SVC_F_PERSISTENT,
		.timeout_s = 300,
		.prefixlen = 24,
	};
}

static void test_write_service(void **state)
{
	struct ipvs_service s = web();
	struct ipvs_edit e = { .kind = IPVS_EDIT_NEW_SERVICE, .service = &s };
	uint8_t at[IPVS_REQUEST_MAX];

	assert_request(at, ipvs_genl_put_edit(at, &head, &e),
		       "680000001c0005004d00000000000000" /* type 28, REQUEST | ACK, seq 77 */
		       "01010000"			  /* NEW_SERVICE, version 1 */
		       "54000180"			  /* nested SERVICE */
		       "0600010002000000"		  /* AF */
		       "0600020006000000"		  /* PROTOCOL */
		       "14000300c000020a000000000000000000000000" /* ADDR */
		       "0600040000500000"		  /* PORT */
		       "0800060077727200"		  /* SCHED_NAME */
		       "0c00070001000000ffffffff"	  /* FLAGS, mask */
		       "080008002c010000"		  /* TIMEOUT */
		       "08000900ffffff00");		  /* NETMASK */
}

static void test_write_dest(void **state)
{
	struct ipvs_service s = web();
	struct ipvs_dest d = { .address = address("10.0.0.2"),
			       .port = 80,
			       .forward = IP_VS_CONN_F_TUNNEL,
			       .tunnel_type = IP_VS_CONN_F_TUNNEL_TYPE_GUE,
			       .tunnel_port = 6080,
			       .weight = 3,
			       .upper_threshold = 100,
			       .lower_threshold = 50 };
	struct ipvs_edit e = { .kind = IPVS_EDIT_SET_DEST, .service = &s, .dest = &d };
	uint8_t at[IPVS_REQUEST_MAX];

	assert_request(at, ipvs_genl_put_edit(at, &head, &e),
		       "a40000001c0005004d00000000000000"
		       "06010000" /* SET_DEST */
		       "30000180" /* nested SERVICE: its key */
		       "06000100020000000600020006000000"
		       "14000300c000020a0000000000000000000000000600040000500000"
		       "60000280" /* nested DEST */
		       "06000b0002000000"
		       "140001000a000002000000000000000000000000"
		       "0600020000500000"
		       "0800030002000000"
		       "0800040003000000"
		       "0800050064000000"
		       "0800060032000000"
		       "05000d0001000000"
		       "06000e0017c00000"
		       "06000f0000000000");
	e.kind = IPVS_EDIT_DEL_DEST;
	assert_request(at, ipvs_genl_put_edit(at, &head, &e),
		       "6c0000001c0005004d00000000000000"
		       "07010000"
		       "3000018006000100020000000600020006000000"
		       "14000300c000020a0000000000000000000000000600040000500000"
		       "2800028006000b0002000000"
		       "140001000a0000020000000000000000000000000600020000500000");
}

/* The longest request there can be fits, and the kernel's own reader takes what we write. */
static void test_write_and_read(void **state)
{
	struct ipvs_service s = web(), back;
	struct ipvs_edit e = { .kind = IPVS_EDIT_SET_SERVICE, .service = &s };
	_Alignas(8) uint8_t at[IPVS_REQUEST_MAX];

	for (int family = 0; family < 2; family++) {
		if (family) {
			s.key = (struct ipvs_key){ .family = AF_INET6,
						   .protocol = IPPROTO_SCTP,
						   .port = 65535,
						   .address = address("2001:db8::1") };
			s.prefixlen = 64;
		}
		strcpy(s.scheduler, "fifteen_letters");
		strcpy(s.engine, "fifteen_letters");
		assert_true(ipvs_genl_put_edit(at, &head, &e) <= IPVS_REQUEST_MAX);
		assert_int_equal(ipvs_genl_get_service((struct nlmsghdr *)at, &back), 0);
		assert_int_equal(ipvs_key_compare(&s.key, &back.key), 0);
		assert_string_equal(back.scheduler, s.scheduler);
		assert_string_equal(back.engine, s.engine);
		assert_int_equal(back.flags, s.flags);
		assert_int_equal(back.timeout_s, s.timeout_s);
		assert_int_equal(back.prefixlen, s.prefixlen);
	}
}

static void test_daemon_write_and_read(void **state)
{
	struct ipvs_daemon d = { .runs = true, .ifname = "fifteen_letters", .sync_id = 255,
				 .ttl = 2, .port = 8850, .maxlen = 1400 };
	struct ipvs_edit e = { .kind = IPVS_EDIT_NEW_DAEMON, .daemon = &d };
	uint8_t at[IPVS_REQUEST_MAX] __attribute__((aligned(4)));
	enum ipvs_daemon_kind kind;
	struct ipvs_daemon back;

	for (int family = AF_INET; family <= AF_INET6; family += AF_INET6 - AF_INET) {
		e.daemon_kind = family == AF_INET ? IPVS_DAEMON_MASTER : IPVS_DAEMON_BACKUP;
		d.group = address(family == AF_INET ? "224.0.0.90" : "ff02::90");
		assert_true(ipvs_genl_put_edit(at, &head, &e) <= IPVS_REQUEST_MAX);
		assert_int_equal(ipvs_genl_get_daemon((struct nlmsghdr *)at, &kind, &back), 0);
		assert_int_equal(kind, e.daemon_kind);
		assert_string_equal(back.ifname, d.ifname);
		assert_int_equal(back.sync_id, d.sync_id);
		assert_int_equal(back.ttl, d.ttl);
		assert_int_equal(back.port, d.port);
		assert_int_equal(back.maxlen, d.maxlen);
		assert_true(addr_equal(&back.group, &d.group));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_persistent_service),
		cmocka_unit_test(test_read_ipv6_service),
		cmocka_unit_test(test_read_fwmark_service),
		cmocka_unit_test(test_read_dests),
		cmocka_unit_test(test_read_timeouts),
		cmocka_unit_test(test_cut_messages),
		cmocka_unit_test(test_write_service),
		cmocka_unit_test(test_write_dest),
		cmocka_unit_test(test_write_and_read),
		cmocka_unit_test(test_daemon_write_and_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
