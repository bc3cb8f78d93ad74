/* SPDX-License-Identifier: Apache-2.0 */
/* The advertisement codec against packets captured from keepalived 2.2.7, and against damage. */
#include "vrrp/packet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t v2_pass[] = {
	0x21, 0x33, 0x96, 0x02, 0x01, 0x01, 0x55, 0x80, 0xc0, 0x00, 0x02, 0x64,
	0xc0, 0x00, 0x02, 0x65, 's',  'e',  'c',  'r',	'e',  't',  '1',  '2',
};
static const uint8_t v3_ipv4[] = {
	0x31, 0x34, 0x65, 0x01, 0x00, 0x0a, 0x04, 0xc9, 0xc0, 0x00, 0x02, 0x66,
};
/* The same with the checksum over the message alone: RFC 9568 §5.2.8. */
static const uint8_t v3_ipv4_plain[] = {
	0x31, 0x34, 0x65, 0x01, 0x00, 0x0a, 0xa7, 0x59, 0xc0, 0x00, 0x02, 0x66,
};
static const uint8_t v3_ipv6[] = {
	0x31, 0x35, 0xc8, 0x02, 0x00, 0x19, 0xda, 0x45, 0xfe, 0x80, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x20, 0x01, 0x0d, 0xb8,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00,
};

static struct vrrp_path path_of(const char *src, const char *dst)
{
	struct vrrp_path path;

	assert_int_equal(addr_parse(src, &path.src), 0);
	assert_int_equal(addr_parse(dst, &path.dst), 0);
	return path;
}

static struct vrrp_path path4(void)
{
	return path_of("192.0.2.1", "224.0.0.18");
}

static struct vrrp_path path6(void)
{
	return path_of("fe80::1", "ff02::12");
}

static void assert_encodes_to(const struct vrrp_packet *packet, const struct vrrp_path *path,
			      const uint8_t *bytes, size_t len)
{
	uint8_t buf[VRRP_PACKET_MAX];

	assert_int_equal(vrrp_packet_encode(packet, path, buf, sizeof(buf)), len);
	assert_memory_equal(buf, bytes, len);
	assert_int_equal(vrrp_packet_encode(packet, path, buf, len - 1), -EMSGSIZE);
}

static void test_v2(void **state)
{
	struct vrrp_path path = path4();
	struct vrrp_packet p;

	assert_int_equal(vrrp_packet_decode(v2_pass, sizeof(v2_pass), &path, &p), VRRP_PACKET_OK);
	assert_int_equal(p.version, 2);
	assert_int_equal(p.vrid, 51);
	assert_int_equal(p.priority, 150);
	assert_int_equal(p.adver_int_cs, 100);
	assert_int_equal(p.auth_type, VRRP_PACKET_AUTH_PASS);
	assert_memory_equal(p.auth_data, "secret12", 8);
	assert_int_equal(p.n_addrs, 2);
	assert_memory_equal(p.addrs, "\xc0\x00\x02\x64\xc0\x00\x02\x65", 8);
	assert_encodes_to(&p, &path, v2_pass, sizeof(v2_pass));
}

static void test_v3_ipv4(void **state)
{
	struct vrrp_path path = path4();
	struct vrrp_packet p;

	assert_int_equal(vrrp_packet_decode(v3_ipv4, sizeof(v3_ipv4), &path, &p), VRRP_PACKET_OK);
	assert_int_equal(p.version, 3);
	assert_int_equal(p.vrid, 52);
	assert_int_equal(p.priority, 101);
	assert_int_equal(p.adver_int_cs, 10);
	assert_int_equal(p.checksum, VRRP_CHECKSUM_PSEUDO_HEADER);
	assert_encodes_to(&p, &path, v3_ipv4, sizeof(v3_ipv4));
}

static void test_v3_ipv4_plain_checksum(void **state)
{
	struct vrrp_path path = path4();
	struct vrrp_packet p;

	assert_int_equal(vrrp_packet_decode(v3_ipv4_plain, sizeof(v3_ipv4_plain), &path, &p),
			 VRRP_PACKET_OK);
	assert_int_equal(p.checksum, VRRP_CHECKSUM_MESSAGE);
	assert_encodes_to(&p, &path, v3_ipv4_plain, sizeof(v3_ipv4_plain));
}

static void test_v3_ipv6(void **state)
{
	struct vrrp_path path = path6();
	struct vrrp_packet p;

	assert_int_equal(vrrp_packet_decode(v3_ipv6, sizeof(v3_ipv6), &path, &p), VRRP_PACKET_OK);
	assert_int_equal(p.vrid, 53);
	assert_int_equal(p.priority, 200);
	assert_int_equal(p.adver_int_cs, 25);
	assert_int_equal(p.n_addrs, 2);
	assert_encodes_to(&p, &path, v3_ipv6, sizeof(v3_ipv6));
}

/* Every length but the right one, and every single flipped bit, is refused or seen. */
static void check_damage(const uint8_t *good, size_t len, const struct vrrp_path *path)
{
	struct vrrp_packet p;

	for (size_t n = 0; n < len; n++) {
		uint8_t *cut = malloc(n ? n : 1);

		memcpy(cut, good, n);
		assert_int_equal(vrrp_packet_decode(cut, n, path, &p), VRRP_PACKET_LENGTH);
		free(cut);
	}
	for (size_t bit = 0; bit < len * 8; bit++) {
		uint8_t *bad = malloc(len);

		memcpy(bad, good, len);
		bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(vrrp_packet_decode(bad, len, path, &p), VRRP_PACKET_OK);
		free(bad);
	}
}

static void test_damage(void **state)
{
	struct vrrp_path four = path4();
	struct vrrp_path six = path6();
	uint8_t longer[sizeof(v3_ipv4) + 4] = {0};
	struct vrrp_packet p;

	check_damage(v2_pass, sizeof(v2_pass), &four);
	check_damage(v3_ipv4, sizeof(v3_ipv4), &four);
	check_damage(v3_ipv6, sizeof(v3_ipv6), &six);
	memcpy(longer, v3_ipv4, sizeof(v3_ipv4));
	assert_int_equal(vrrp_packet_decode(longer, sizeof(longer), &four, &p), VRRP_PACKET_LENGTH);
}

static void test_headers_refused(void **state)
{
	static const struct {
		uint8_t at;
		uint8_t value;
		enum vrrp_packet_result result;
	} cases[] = {
		{0, 0x41, VRRP_PACKET_VERSION}, {0, 0x11, VRRP_PACKET_VERSION},
		{0, 0x32, VRRP_PACKET_TYPE},	{0, 0x21, VRRP_PACKET_LENGTH},
		{3, 2, VRRP_PACKET_LENGTH},	{6, 0, VRRP_PACKET_CHECKSUM},
	};
	struct vrrp_path path = path4();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[sizeof(v3_ipv4)];
		struct vrrp_packet p;

		memcpy(bytes, v3_ipv4, sizeof(bytes));
		bytes[cases[i].at] = cases[i].value;
		assert_int_equal(vrrp_packet_decode(bytes, sizeof(bytes), &path, &p),
				 cases[i].result);
	}
}

/* Version 2 is IPv4 only; a checksum from another source address is not ours. */
static void test_path_matters(void **state)
{
	struct vrrp_path six = path6();
	struct vrrp_path other = path_of("fe80::2", "ff02::12");
	struct vrrp_packet p;

	assert_int_equal(vrrp_packet_decode(v2_pass, sizeof(v2_pass), &six, &p),
			 VRRP_PACKET_VERSION);
	assert_int_equal(vrrp_packet_decode(v3_ipv6, sizeof(v3_ipv6), &other, &p),
			 VRRP_PACKET_CHECKSUM);
}

static void test_zero_interval_and_vrid(void **state)
{
	struct vrrp_path path = path4();
	struct vrrp_packet p = {.version = 3, .vrid = 0, .adver_int_cs = 100};
	uint8_t bytes[VRRP_HEADER_LEN];

	assert_int_equal(vrrp_packet_encode(&p, &path, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(vrrp_packet_decode(bytes, sizeof(bytes), &path, &p), VRRP_PACKET_VRID);
	p = (struct vrrp_packet){.version = 3, .vrid = 7, .adver_int_cs = 1, .checksum = 0};
	assert_int_equal(vrrp_packet_encode(&p, &path, bytes, sizeof(bytes)), sizeof(bytes));
	bytes[5] = 0;
	bytes[7]++; /* the sum stays right */
	assert_int_equal(vrrp_packet_decode(bytes, sizeof(bytes), &path, &p), VRRP_PACKET_INTERVAL);
}

static void test_encode_refuses(void **state)
{
	struct vrrp_path four = path4();
	struct vrrp_path six = path6();
	uint8_t buf[64];
	struct vrrp_packet p = {.version = 3, .vrid = 1, .adver_int_cs = 4096};

	assert_int_equal(vrrp_packet_encode(&p, &four, buf, sizeof(buf)), -EINVAL);
	p.adver_int_cs = 0;
	assert_int_equal(vrrp_packet_encode(&p, &four, buf, sizeof(buf)), -EINVAL);
	p = (struct vrrp_packet){.version = 2, .vrid = 1, .adver_int_cs = 50};
	assert_int_equal(vrrp_packet_encode(&p, &four, buf, sizeof(buf)), -EINVAL);
	p.adver_int_cs = 100;
	assert_int_equal(vrrp_packet_encode(&p, &six, buf, sizeof(buf)), -EINVAL);
	assert_int_equal(vrrp_packet_encode(&p, &four, buf, sizeof(buf)), 16);
}

static void test_check(void **state)
{
	struct vrrp_expect expect = {.version = 2,
				     .auth_type = VRRP_PACKET_AUTH_PASS,
				     .auth_data = "secret12",
				     .adver_int_cs = 100};
	struct vrrp_path path = path4();
	struct vrrp_packet p;

	assert_int_equal(vrrp_packet_decode(v2_pass, sizeof(v2_pass), &path, &p), VRRP_PACKET_OK);
	assert_int_equal(vrrp_packet_check(&p, &expect, 255), VRRP_PACKET_OK);
	assert_int_equal(vrrp_packet_check(&p, &expect, 254), VRRP_PACKET_TTL);
	expect.any_ttl = true;
	assert_int_equal(vrrp_packet_check(&p, &expect, 64), VRRP_PACKET_OK);
	expect.auth_data[7] = '3';
	assert_int_equal(vrrp_packet_check(&p, &expect, 255), VRRP_PACKET_AUTH_FAILURE);
	expect.auth_type = VRRP_PACKET_AUTH_NONE;
	assert_int_equal(vrrp_packet_check(&p, &expect, 255), VRRP_PACKET_AUTH_MISMATCH);
	p.auth_type = 3;
	assert_int_equal(vrrp_packet_check(&p, &expect, 255), VRRP_PACKET_AUTH_TYPE);
	expect.adver_int_cs = 200;
	assert_int_equal(vrrp_packet_check(&p, &expect, 255), VRRP_PACKET_INTERVAL);
	expect.version = 3;
	assert_int_equal(vrrp_packet_check(&p, &expect, 255), VRRP_PACKET_VERSION);
}

/* Version 3 learns the sender's interval. */
static void test_check_v3_interval(void **state)
{
	struct vrrp_expect expect = {.version = 3, .adver_int_cs = 100};
	struct vrrp_packet p = {.version = 3, .adver_int_cs = 10};

	assert_int_equal(vrrp_packet_check(&p, &expect, 255), VRRP_PACKET_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v2),
		cmocka_unit_test(test_v3_ipv4),
		cmocka_unit_test(test_v3_ipv4_plain_checksum),
		cmocka_unit_test(test_v3_ipv6),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_headers_refused),
		cmocka_unit_test(test_path_matters),
		cmocka_unit_test(test_zero_interval_and_vrid),
		cmocka_unit_test(test_encode_refuses),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_check_v3_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
