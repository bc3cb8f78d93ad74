/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, arenas, values in bytes, and how often a stranger can make us log. */
#include "core/addr.h"
#include "core/arena.h"
#include "core/codec.h"
#include "core/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct addr ip(const char *s)
{
	struct addr a;

	assert_int_equal(addr_parse(s, &a), 0);
	return a;
}

static void test_addr_text(void **state)
{
	static const char *const good[] = {"0.0.0.0", "192.0.2.1",   "255.255.255.255",
					   "::",      "2001:db8::1", "fe80::1"};
	static const char *const bad[] = {"",	      "1.2.3",	    "1.2.3.4.5",    "256.1.1.1",
					  "1.2.3.4 ", "1.2.3.4/24", "fe80::1%eth0", ":",
					  "g::1",     "host"};
	struct addr a = {.family = 77};
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		a = ip(good[i]);
		assert_string_equal(addr_format(&a, text), good[i]);
	}
	a.family = 77;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(addr_parse(bad[i], &a), -EINVAL);
	assert_int_equal(a.family, 77);
	a = (struct addr){0};
	assert_string_equal(addr_format(&a, text), "-");
	a = ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_string_equal(addr_format_port(&a, 65535, text),
			    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
	a = ip("192.0.2.1");
	assert_string_equal(addr_format_port(&a, 80, text), "192.0.2.1:80");
}

static void test_addr_order(void **state)
{
	struct addr low = ip("9.255.255.255"), high = ip("10.0.0.0"), six = ip("::");
	struct addr none = {0};

	/* Network order, whatever this machine's is: RFC 9568 §6.4.3 breaks ties by it. */
	assert_true(addr_compare(&low, &high) < 0);
	assert_true(addr_compare(&high, &low) > 0);
	assert_int_equal(addr_compare(&low, &low), 0);
	assert_true(addr_compare(&high, &six) < 0);
	assert_true(addr_compare(&none, &low) < 0);
	assert_true(addr_equal(&none, &none));
	assert_false(addr_is_set(&none));
}

static void test_addr_kinds(void **state)
{
	static const struct {
		const char *text;
		bool link_local;
		bool multicast;
		unsigned bits;
	} cases[] = {
		{"224.0.0.18", false, true, 32},   {"239.255.255.255", false, true, 32},
		{"240.0.0.1", false, false, 32},   {"169.254.1.1", true, false, 32},
		{"169.253.1.1", false, false, 32}, {"fe80::1", true, false, 128},
		{"febf::1", true, false, 128},	   {"fec0::1", false, false, 128},
		{"ff02::12", false, true, 128},	   {"2001:db8::1", false, false, 128},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr a = ip(cases[i].text);

		assert_int_equal(addr_is_link_local(&a), cases[i].link_local);
		assert_int_equal(addr_is_multicast(&a), cases[i].multicast);
		assert_int_equal(addr_bits(&a), cases[i].bits);
	}
}

static void test_addr_sockaddr(void **state)
{
	struct addr a[] = {ip("192.0.2.1"), ip("2001:db8::1")}, got;
	struct sockaddr_storage ss;
	uint16_t port;

	for (int i = 0; i < 2; i++) {
		assert_true(addr_to_sockaddr(&a[i], 8080, &ss) > 0);
		assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &got, &port), 0);
		assert_true(addr_equal(&got, &a[i]));
		assert_int_equal(port, 8080);
	}
	ss.ss_family = AF_UNIX;
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &got, NULL), -EAFNOSUPPORT);
	got = (struct addr){0};
	assert_int_equal(addr_to_sockaddr(&got, 1, &ss), 0);
}

static void test_arena(void **state)
{
	struct arena *a = arena_new();
	size_t cap = 0;
	int *numbers = NULL;
	char *s;

	for (size_t size = 0; size < 200000; size += 997) {
		unsigned char *p = arena_alloc(a, size);

		assert_int_equal((uintptr_t)p % sizeof(uint64_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
	}
	for (int i = 0; i < 10000; i++) {
		numbers = arena_grow(a, numbers, (size_t)i, &cap, sizeof(*numbers));
		numbers[i] = i;
	}
	for (int i = 0; i < 10000; i++)
		assert_int_equal(numbers[i], i);
	s = arena_printf(a, "%s-%05d", "x", 42);
	assert_string_equal(s, "x-00042");
	assert_string_equal(arena_strndup(a, "abcdef", 3), "abc");
	assert_string_equal(arena_strdup(a, ""), "");
	assert_true(arena_bytes(a) > 200000);
	arena_free(a);
	arena_free(NULL);
}

static void test_reader_stops_at_the_end(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3};
	struct reader r;

	reader_init(&r, bytes, sizeof(bytes), NULL);
	assert_int_equal(get_u16(&r), 0x0102);
	assert_false(reader_done(&r));
	assert_int_equal(get_u32(&r), 0);
	assert_int_equal(get_u8(&r), 0); /* although there is one left */
	assert_false(reader_done(&r));
	/* Strings and lists need an arena. */
	reader_init(&r, "\0\0\0\0", 4, NULL);
	assert_string_equal(get_str(&r), "");
	assert_true(r.bad);
	reader_init(&r, "\0\0\0\1x", 5, NULL);
	assert_int_equal(get_count(&r), 0);
	assert_true(r.bad);
}

static void test_writer_that_is_full(void **state)
{
	uint8_t buf[5] = {0};
	struct writer w;

	writer_init_fixed(&w, buf, 4);
	put_u16(&w, 0x0102);
	put_u32(&w, 0);
	assert_true(w.full);
	assert_int_equal(w.len, 2);
	put_u16(&w, 0x0304);
	assert_memory_equal(buf, "\1\2\3\4\0", 5);
}

static void test_text_is_cut(void **state)
{
	struct text t;

	memset(&t, 'x', sizeof(t));
	text_set(&t, "%0300d", 7);
	assert_int_equal(strlen(t.s), TEXT_MAX - 1);
	text_set(&t, "ab");
	for (size_t i = 2; i < sizeof(t.s); i++)
		assert_int_equal(t.s[i], 0); /* nothing of the old text leaves the process */
}

static void test_log_limit(void **state)
{
	struct log_limit l = {.interval_us = 1000, .burst = 2};

	assert_true(log_limit_pass(&l, 5000));
	assert_true(log_limit_pass(&l, 5500));
	assert_string_equal(log_limit_suffix(&l), "");
	for (int i = 0; i < 12; i++)
		assert_false(log_limit_pass(&l, 5999));
	assert_true(log_limit_pass(&l, 6000));
	assert_string_equal(log_limit_suffix(&l), " (12 more not shown)");
	assert_string_equal(log_limit_suffix(&l), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addr_text),
		cmocka_unit_test(test_addr_order),
		cmocka_unit_test(test_addr_kinds),
		cmocka_unit_test(test_addr_sockaddr),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_reader_stops_at_the_end),
		cmocka_unit_test(test_writer_that_is_full),
		cmocka_unit_test(test_text_is_cut),
		cmocka_unit_test(test_log_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
