/* SPDX-License-Identifier: Apache-2.0 */
/* VRRP messages in the IP packets that a listener hears (vrrp/listener.c). */
#include "vrrp/listener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* 8 bytes of VRRP from 10.0.0.1 to 224.0.0.18; the checksum of the header was computed by hand. */
static const uint8_t ipv4[] = {
	0x45, 0xc0, 0x00, 0x1c, 0x00, 0x00, 0x00, 0x00, 0xff, 0x70, 0xd0, 0x9e, 0x0a, 0x00,
	0x00, 0x01, 0xe0, 0x00, 0x00, 0x12, 0x31, 0x33, 0x64, 0x00, 0x00, 0x64, 0xbe, 0xef,
};
static const uint8_t ipv6[] = {
	0x6c, 0,    0,    0, 0, 8, 0x70, 0xff, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	0xff, 0x02, 0,    0, 0, 0, 0,    0,    0,    0,    0, 0, 0, 0, 0, 0x12,
	0x31, 0x33, 0x64, 0, 0, 0x64, 0xbe, 0xef,
};

static bool decodes(int family, const uint8_t *packet, size_t size, size_t len, size_t at,
		    uint8_t value, struct vrrp_frame *f)
{
	static uint8_t copy[128]; /* the frame points into it */

	memset(copy, 0, sizeof(copy));
	memcpy(copy, packet, size);
	if (at < size)
		copy[at] = value;
	*f = (struct vrrp_frame){0};
	return listener_decode(family, copy, len, f);
}

#define WHOLE 1000 /* no byte is changed */

static void test_ipv4(void **state)
{
	struct vrrp_frame f;

	assert_true(decodes(AF_INET, ipv4, sizeof(ipv4), sizeof(ipv4), WHOLE, 0, &f));
	assert_int_equal(f.ttl, 255);
	assert_int_equal(f.len, 8);
	assert_memory_equal(f.bytes, ipv4 + 20, 8);
	assert_int_equal(f.path.src.b[0], 10);
	assert_int_equal(f.path.dst.b[3], 18);
	/* Ethernet's padding is none of it. */
	assert_true(decodes(AF_INET, ipv4, sizeof(ipv4), 46, WHOLE, 0, &f));
	assert_int_equal(f.len, 8);
}

static void test_ipv4_damaged(void **state)
{
	struct vrrp_frame f;

	for (size_t len = 0; len < sizeof(ipv4); len++)
		assert_false(decodes(AF_INET, ipv4, sizeof(ipv4), len, WHOLE, 0, &f));
	for (size_t at = 0; at < 20; at++) /* each byte is under the checksum */
		assert_false(decodes(AF_INET, ipv4, sizeof(ipv4), sizeof(ipv4), at,
				     (uint8_t)(ipv4[at] ^ 0x5a), &f));
}

static void test_ipv6(void **state)
{
	struct vrrp_frame f;

	assert_true(decodes(AF_INET6, ipv6, sizeof(ipv6), sizeof(ipv6), WHOLE, 0, &f));
	assert_int_equal(f.ttl, 255);
	assert_int_equal(f.len, 8);
	assert_memory_equal(f.bytes, ipv6 + 40, 8);
	assert_int_equal(f.path.dst.b[15], 0x12);
	assert_true(decodes(AF_INET6, ipv6, sizeof(ipv6), 60, WHOLE, 0, &f));
	assert_int_equal(f.len, 8);
	for (size_t len = 0; len < sizeof(ipv6); len++)
		assert_false(decodes(AF_INET6, ipv6, sizeof(ipv6), len, WHOLE, 0, &f));
	assert_false(decodes(AF_INET6, ipv6, sizeof(ipv6), sizeof(ipv6), 0, 0x45, &f));
	assert_false(decodes(AF_INET6, ipv6, sizeof(ipv6), sizeof(ipv6), 5, 9, &f));
	assert_false(decodes(AF_INET6, ipv6, sizeof(ipv6), sizeof(ipv6), 6, 0, &f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv4_damaged),
		cmocka_unit_test(test_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
