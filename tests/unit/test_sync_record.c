/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's records, byte by byte: sync/record.c. */
#include "sync/record.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* As ip_vs_sync_conn() writes it: 192.0.2.1:1025 to 198.51.100.80:80 at 10.0.0.3:8080, by route. */
static const uint8_t sample[] = {
	0,    7,    0,	  44,	1,    1,    0, 0, /* syncid 7, 44 bytes, 1 record, version 1 */
	0,    6,    0,	  36,	0,    0,    0, 0x83, 0,	  1, /* TCP, 36 bytes, flags, ESTABLISHED */
	0x04, 0x01, 0,	  80,	0x1f, 0x90, 0, 0,    0,	  5, /* ports, mark 5 */
	0,    0,    0x03, 0x84, 192,  0,    2, 1,    198, 51, 100, 80, 10, 0, 0, 3};

static void put_size(uint8_t *record, size_t len)
{
	record[2] = (uint8_t)(len >> 8);
	record[3] = (uint8_t)len;
}

static void test_decode(void **state)
{
	char text[ADDR_TEXT_MAX];
	struct sync_datagram d;
	const uint8_t *at;
	struct sync_record r;
	size_t len;

	assert_int_equal(sync_datagram_open(sample, sizeof(sample), &d), 0);
	assert_int_equal(d.syncid, 7);
	assert_int_equal(sync_datagram_next(&d, &at, &len), 1);
	assert_int_equal(len, 36);
	sync_record_decode(at, &r);
	assert_int_equal(r.protocol, IPPROTO_TCP);
	assert_int_equal(r.flags, 0x83);
	assert_int_equal(r.state, 1);
	assert_int_equal(r.fwmark, 5);
	assert_int_equal(r.timeout_s, 900);
	assert_string_equal(addr_format_port(&r.client, r.client_port, text), "192.0.2.1:1025");
	assert_string_equal(addr_format_port(&r.vip, r.vip_port, text), "198.51.100.80:80");
	assert_string_equal(addr_format_port(&r.server, r.server_port, text), "10.0.0.3:8080");
	assert_int_equal(r.options_len, 0);
	assert_int_equal(sync_datagram_next(&d, &at, &len), 0);
}

static void test_encode_gives_the_same_bytes(void **state)
{
	uint8_t record[SYNC_RECORD_MAX], out[64];
	struct sync_record r;
	struct sync_batch b;

	sync_record_decode(sample + 8, &r);
	assert_int_equal(sync_record_encode(&r, record), 36);
	sync_batch_init(&b, out, sizeof(out), 7);
	assert_int_equal(sync_batch_finish(&b), 0);
	assert_true(sync_batch_add(&b, record, 36));
	assert_int_equal(sync_batch_finish(&b), sizeof(sample));
	assert_memory_equal(out, sample, sizeof(sample));
	assert_false(sync_batch_add(&b, record, 36)); /* 80 bytes would not fit */
}

static void test_heads_that_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} wrong[] = {{0, 1}, {3, 43}, {3, 45}, {5, 0}, {5, 2}, {6, 1}, {7, 1}};
	struct sync_datagram d;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint8_t b[sizeof(sample)];

		memcpy(b, sample, sizeof(b));
		b[wrong[i].at] = wrong[i].value;
		assert_int_equal(sync_datagram_open(b, sizeof(b), &d), -EBADMSG);
	}
	assert_int_equal(sync_datagram_open(sample, 7, &d), -EBADMSG);
}

static void test_short_records(void **state)
{
	struct sync_datagram d;
	const uint8_t *at;
	size_t len;

	/* Cut anywhere, with the head's length corrected: never read past the end. */
	for (size_t n = 8; n < sizeof(sample); n++) {
		uint8_t *b = malloc(n);

		memcpy(b, sample, n);
		put_size(b, n);
		assert_int_equal(sync_datagram_open(b, n, &d), 0);
		assert_int_equal(sync_datagram_next(&d, &at, &len), -EBADMSG);
		free(b);
	}
}

static int check_with(const uint8_t *options, size_t n)
{
	uint8_t b[SYNC_RECORD_MAX + 16];
	size_t len;

	memcpy(b, sample + 8, 36);
	memcpy(b + 36, options, n);
	put_size(b, 36 + n);
	return sync_record_check(b, 36 + n, &len);
}

static void test_options(void **state)
{
	uint8_t seq[26] = {1, 24}, seq_short[25] = {1, 23}, name[19] = {3, 17}, twice[52];

	memcpy(twice, seq, 26);
	memcpy(twice + 26, seq, 26);
	assert_int_equal(check_with(seq, 26), 0);
	assert_int_equal(check_with(seq, 25), -EBADMSG); /* its data ends early */
	assert_int_equal(check_with(seq, 1), -EBADMSG);
	assert_int_equal(check_with(seq_short, 25), -EBADMSG);
	assert_int_equal(check_with(twice, 52), -EBADMSG);
	assert_int_equal(check_with(name, 18 + 1), -EBADMSG); /* 17 bytes of name */
	assert_int_equal(check_with((uint8_t[]){3, 3, 's', 'i', 'p'}, 5), 0);
	assert_int_equal(check_with((uint8_t[]){2, 0}, 2), -EBADMSG);	 /* empty */
	assert_int_equal(check_with((uint8_t[]){9, 1, 0}, 3), -EBADMSG); /* unknown */
	assert_int_equal(check_with((uint8_t[]){0x49, 1, 0}, 3), 0); /* unknown, may be ignored */
}

static void test_v6_and_padding(void **state)
{
	struct sync_record r = {.protocol = IPPROTO_UDP, .client_port = 9, .vip_port = 53};
	uint8_t records[2][SYNC_RECORD_MAX], out[256];
	uint8_t option[] = {3, 3, 's', 'i', 'p'};
	struct sync_datagram d;
	struct sync_batch b;
	const uint8_t *at;
	size_t len;

	addr_parse("2001:db8::1", &r.client);
	addr_parse("2001:db8::2", &r.vip);
	addr_parse("2001:db8::3", &r.server);
	r.options = option;
	r.options_len = sizeof(option);
	assert_int_equal(sync_record_encode(&r, records[0]), 77);
	r.options_len = 0;
	assert_int_equal(sync_record_encode(&r, records[1]), 72);
	addr_parse("192.0.2.1", &r.server);
	assert_int_equal(sync_record_encode(&r, out), 0); /* families don't fit */
	sync_batch_init(&b, out, sizeof(out), 0);
	assert_true(sync_batch_add(&b, records[0], 77));
	assert_true(sync_batch_add(&b, records[1], 72));
	assert_int_equal(sync_batch_finish(&b), 8 + 80 + 72); /* padded between, not behind */
	assert_int_equal(sync_datagram_open(out, b.len, &d), 0);
	assert_int_equal(sync_datagram_next(&d, &at, &len), 1);
	assert_int_equal(len, 77);
	assert_int_equal(sync_datagram_next(&d, &at, &len), 1);
	assert_memory_equal(at, records[1], 72);
	assert_int_equal(sync_datagram_next(&d, &at, &len), 0);
}

static void test_batch_holds_255(void **state)
{
	static uint8_t out[65507];
	struct sync_batch b;
	unsigned n = 0;

	sync_batch_init(&b, out, sizeof(out), 0);
	while (sync_batch_add(&b, sample + 8, 36))
		n++;
	assert_int_equal(n, 255);
	assert_int_equal(sync_batch_finish(&b), 8 + 255 * 36);
}

/* What makes a connection the same one, and what does not. */
static void test_same(void **state)
{
	static const struct {
		size_t at;
		bool same;
	} change[] = {{1, false}, {7, true},  {9, true},   {10, false}, {13, false}, {15, true},
		      {19, true}, {23, true}, {24, false}, {31, false}, {35, true}};
	uint8_t a[36], b[36];

	memcpy(a, sample + 8, 36);
	for (size_t i = 0; i < sizeof(change) / sizeof(change[0]); i++) {
		memcpy(b, a, 36);
		b[change[i].at] ^= 1;
		assert_int_equal(sync_record_same(a, b), change[i].same);
		if (change[i].same)
			assert_int_equal(sync_record_hash(a, 1), sync_record_hash(b, 1));
		else
			assert_int_not_equal(sync_record_hash(a, 1), sync_record_hash(b, 1));
	}
	memcpy(b, a, 36);
	sync_record_set_flags(b, SYNC_FLAG_TEMPLATE);
	assert_false(sync_record_same(a, b));
	assert_int_not_equal(sync_record_hash(a, 1), sync_record_hash(a, 2)); /* seeded */
}

static void test_templates_of_persistence_engines(void **state)
{
	uint8_t call1[] = {2, 2, 'a', 'b', 3, 3, 's', 'i', 'p'};
	uint8_t call2[] = {2, 2, 'a', 'c', 3, 3, 's', 'i', 'p'};
	uint8_t a[SYNC_RECORD_MAX], b[SYNC_RECORD_MAX];
	struct sync_record r;

	sync_record_decode(sample + 8, &r);
	r.flags = SYNC_FLAG_TEMPLATE;
	r.options = call1;
	r.options_len = sizeof(call1);
	sync_record_encode(&r, a);
	r.options = call2;
	sync_record_encode(&r, b);
	assert_false(sync_record_same(a, b));
	assert_true(sync_record_same(a, a));
	r.flags = 0; /* of connections it is no part of the name */
	sync_record_encode(&r, b);
	r.options = call1;
	sync_record_encode(&r, a);
	assert_true(sync_record_same(a, b));
}

static void test_timeouts(void **state)
{
	uint8_t b[36];

	memcpy(b, sample + 8, 36);
	assert_int_equal(sync_record_timeout_s(b), 900);
	sync_record_set_timeout(b, 17);
	assert_int_equal(sync_record_timeout_s(b), 17);
	sync_record_set_timeout(b, 0);
	b[9] = 6; /* CLOSE */
	assert_int_equal(sync_record_timeout_s(b), 10);
}

static void test_notes(void **state)
{
	struct sync_note out, n = {.topic = 3,
				   .id = 0x0102030405060708,
				   .value = (const uint8_t *)"up",
				   .len = 2};
	uint8_t a[SYNC_RECORD_MAX], b[SYNC_RECORD_MAX], datagram[32] = {0, 0, 0, 24, 1, 1};
	struct sync_datagram d;
	const uint8_t *at;
	size_t len;

	assert_int_equal(sync_note_encode(&n, a), 14);
	assert_int_equal(sync_record_check(a, 14, &len), 0);
	assert_int_equal(sync_record_check(a, 13, &len), -EBADMSG);
	sync_note_decode(a, &out);
	assert_int_equal(out.topic, 3);
	assert_true(out.id == n.id);
	assert_int_equal(out.len, 2);
	assert_memory_equal(out.value, "up", 2);
	n.len = 0;
	sync_note_encode(&n, b);
	assert_true(sync_record_same(a, b));
	n.id++;
	sync_note_encode(&n, b);
	assert_false(sync_record_same(a, b));
	n.len = SYNC_NOTE_MAX + 1;
	assert_int_equal(sync_note_encode(&n, b), 0);
	/* The kernel's side has no say in them. */
	memcpy(datagram + 8, a, 14);
	assert_int_equal(sync_datagram_open(datagram, 24, &d), 0);
	assert_int_equal(sync_datagram_next(&d, &at, &len), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_encode_gives_the_same_bytes),
		cmocka_unit_test(test_heads_that_are_refused),
		cmocka_unit_test(test_short_records),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_v6_and_padding),
		cmocka_unit_test(test_batch_holds_255),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_templates_of_persistence_engines),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
