/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth_hmac against packets that hmac_vectors.py made from the format's description, and against
 * replay, damage and clocks that are wrong.
 */
#include "core/clock.h"
#include "vrrp/hmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hmac_vectors.h"

#define NOW_US	 (INT64_C(1764331200) * USEC_PER_SEC + USEC_PER_SEC / 2) /* of the vectors */
#define WINDOW_S 5

static struct addr ip(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct vrrp_hmac_conf conf_of(uint8_t version, uint8_t vrid, uint8_t key_id,
				     const uint8_t *key, uint8_t key_len)
{
	struct vrrp_hmac_conf conf = {
		.sign = true,
		.enforce = true,
		.window_s = WINDOW_S,
		.version = version,
		.vrid = vrid,
		.senders = VRRP_HMAC_MULTICAST,
		.active_key = key_id,
		.n_keys = 1,
		.keys = {{.id = key_id, .len = key_len}},
	};

	memcpy(conf.keys[0].bytes, key, key_len);
	return conf;
}

static struct vrrp_hmac_conf v2_conf(void)
{
	return conf_of(2, 51, 7, key_32, sizeof(key_32));
}

/* A packet of our own from `source`, signed at the time. */
struct signed_packet {
	struct addr source;
	uint8_t message[12];
	uint8_t trailer[VRRP_TRAILER_LEN];
};

static struct signed_packet sign(const struct vrrp_hmac_conf *conf, struct vrrp_hmac_memory *memory,
				 const char *source, int64_t utc_us)
{
	struct signed_packet p = {.source = ip(source), .message = {0x31, 51, 100, 1, 0, 100}};

	vrrp_hmac_sign(conf, memory, &p.source, utc_us, p.message, sizeof(p.message), p.trailer);
	return p;
}

static enum vrrp_packet_result check(const struct vrrp_hmac_conf *conf,
				     struct vrrp_hmac_memory *memory, const struct signed_packet *p,
				     int64_t utc_us)
{
	int64_t ahead_s;

	return vrrp_hmac_check(conf, memory, &p->source, utc_us, p->message, sizeof(p->message),
			       p->trailer, &ahead_s);
}

/* What is signed here is the vector; the vector is accepted here; and it is one whole packet. */
static void assert_vector(const struct vrrp_hmac_conf *conf, const char *source, const char *group,
			  uint64_t before, const uint8_t *bytes, size_t len)
{
	struct vrrp_path path = {ip(source), ip(group)};
	const size_t message = len - VRRP_TRAILER_LEN;
	struct vrrp_hmac_memory memory = {.sent = before}, heard = {0};
	uint8_t trailer[VRRP_TRAILER_LEN], again[VRRP_PACKET_MAX];
	struct vrrp_packet p;
	int64_t ahead_s;

	vrrp_hmac_sign(conf, &memory, &path.src, NOW_US, bytes, message, trailer);
	assert_memory_equal(trailer, bytes + message, sizeof(trailer));
	assert_int_equal(vrrp_packet_decode(bytes, len, &path, &p), VRRP_PACKET_OK);
	assert_ptr_equal(p.trailer, bytes + message);
	assert_int_equal(vrrp_packet_encode(&p, &path, again, sizeof(again)), len);
	assert_memory_equal(again, bytes, len);
	assert_int_equal(vrrp_hmac_check(conf, &heard, &path.src, NOW_US, bytes, message, p.trailer,
					 &ahead_s),
			 VRRP_PACKET_OK);
	assert_int_equal(vrrp_hmac_check(conf, &heard, &path.src, NOW_US, bytes, message, p.trailer,
					 &ahead_s),
			 VRRP_PACKET_AUTH_REPLAY);
}

static void test_vectors(void **state)
{
	const uint64_t clock = UINT64_C(1764331200) << 32 | UINT64_C(0x8000) << 16;
	struct vrrp_hmac_conf v2 = v2_conf();
	struct vrrp_hmac_conf v3 = conf_of(3, 52, 255, key_64, sizeof(key_64));
	struct vrrp_hmac_conf v6 = conf_of(3, 53, 1, key_32, sizeof(key_32));

	assert_vector(&v2, "192.0.2.1", "224.0.0.18", 0, signed_ipv4_v2, sizeof(signed_ipv4_v2));
	assert_vector(&v3, "192.0.2.1", "224.0.0.18", clock, signed_ipv4_v3,
		      sizeof(signed_ipv4_v3));
	assert_vector(&v6, "fe80::1", "ff02::12", clock + 0xfffe, signed_ipv6_v3,
		      sizeof(signed_ipv6_v3));
}

/* Of what is authenticated no bit may change, nor the router and the sender that it is said of. */
static void test_every_bit_counts(void **state)
{
	const size_t message = sizeof(signed_ipv4_v2) - VRRP_TRAILER_LEN;
	struct vrrp_hmac_conf conf = v2_conf(), other = conf_of(2, 52, 7, key_32, 32);
	struct addr source = ip("192.0.2.1"), stranger = ip("192.0.2.2");
	uint8_t bytes[sizeof(signed_ipv4_v2)];
	int64_t ahead_s;

	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		struct vrrp_hmac_memory memory = {0};
		enum vrrp_packet_result result;

		memcpy(bytes, signed_ipv4_v2, sizeof(bytes));
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		result = vrrp_hmac_check(&conf, &memory, &source, NOW_US, bytes, message,
					 bytes + message, &ahead_s);
		if (bit / 8 == 6 || bit / 8 == 7) /* the checksum is the packet's own affair */
			assert_int_equal(result, VRRP_PACKET_OK);
		else
			assert_int_not_equal(result, VRRP_PACKET_OK);
		if (result != VRRP_PACKET_OK)
			assert_int_equal(memory.uses, 0);
	}
	for (int i = 0; i < 2; i++) {
		struct vrrp_hmac_memory memory = {0};

		assert_int_equal(vrrp_hmac_check(i ? &other : &conf, &memory,
						 i ? &source : &stranger, NOW_US, signed_ipv4_v2,
						 message, signed_ipv4_v2 + message, &ahead_s),
				 VRRP_PACKET_AUTH_FAILURE);
	}
}

static void test_keys(void **state)
{
	struct vrrp_hmac_conf both = v2_conf(), former = v2_conf(), next = v2_conf();
	struct vrrp_hmac_memory memory = {0}, sender = {0};
	struct signed_packet p;

	both.n_keys = 2;
	both.keys[1] = (struct vrrp_hmac_key){.id = 8, .len = 64};
	memcpy(both.keys[1].bytes, key_64, 64);
	next.keys[0] = both.keys[1];
	next.active_key = 8;
	p = sign(&former, &sender, "192.0.2.1", NOW_US);
	assert_int_equal(check(&both, &memory, &p, NOW_US), VRRP_PACKET_OK);
	p = sign(&next, &sender, "192.0.2.1", NOW_US);
	assert_int_equal(check(&both, &memory, &p, NOW_US), VRRP_PACKET_OK);
	assert_int_equal(check(&former, &memory, &p, NOW_US), VRRP_PACKET_AUTH_KEY);
	next.keys[0].bytes[63] ^= 1;
	p = sign(&next, &sender, "192.0.2.1", NOW_US);
	assert_int_equal(check(&both, &memory, &p, NOW_US), VRRP_PACKET_AUTH_FAILURE);
}

static void test_modes(void **state)
{
	struct vrrp_hmac_conf conf = v2_conf();
	struct vrrp_hmac_memory memory = {0};
	struct addr source = ip("192.0.2.1");
	uint8_t message[12] = {0};
	int64_t ahead_s;

	assert_int_equal(vrrp_hmac_check(&conf, &memory, &source, NOW_US, message, sizeof(message),
					 NULL, &ahead_s),
			 VRRP_PACKET_AUTH_MISSING);
	conf.enforce = false;
	assert_int_equal(vrrp_hmac_check(&conf, &memory, &source, NOW_US, message, sizeof(message),
					 NULL, &ahead_s),
			 VRRP_PACKET_OK);
}

static void test_window(void **state)
{
	struct vrrp_hmac_conf conf = v2_conf();
	static const int64_t off_s[] = {-6, -5, 0, 5, 6};

	for (size_t i = 0; i < sizeof(off_s) / sizeof(*off_s); i++) {
		struct vrrp_hmac_memory memory = {0}, sender = {0};
		struct signed_packet p =
			sign(&conf, &sender, "192.0.2.1", NOW_US + off_s[i] * USEC_PER_SEC);
		bool within = off_s[i] >= -WINDOW_S && off_s[i] <= WINDOW_S;
		int64_t ahead_s;

		assert_int_equal(vrrp_hmac_check(&conf, &memory, &p.source, NOW_US, p.message,
						 sizeof(p.message), p.trailer, &ahead_s),
				 within ? VRRP_PACKET_OK : VRRP_PACKET_AUTH_TIME);
		assert_int_equal(ahead_s, off_s[i]);
		conf.monotonic = true;
		memory = (struct vrrp_hmac_memory){0};
		assert_int_equal(check(&conf, &memory, &p, NOW_US), VRRP_PACKET_OK);
		conf.monotonic = false;
	}
}

/* The sender's clock is set back: first its numbers go on, then they follow the clock. */
static void test_clock_back(void **state)
{
	struct vrrp_hmac_conf conf = v2_conf();
	struct vrrp_hmac_memory sender = {0}, memory = {0};
	int64_t back_us[] = {0, 3 * USEC_PER_SEC, 60 * USEC_PER_SEC};
	struct signed_packet p;

	for (size_t i = 0; i < 2; i++) {
		p = sign(&conf, &sender, "192.0.2.1", NOW_US - back_us[i]);
		assert_int_equal(check(&conf, &memory, &p, NOW_US), VRRP_PACKET_OK);
	}
	p = sign(&conf, &sender, "192.0.2.1", NOW_US - back_us[2]);
	/* … so that a receiver whose clock went back too hears it, in spite of its mark. */
	assert_int_equal(check(&conf, &memory, &p, NOW_US - back_us[2]), VRRP_PACKET_OK);
	assert_int_equal(check(&conf, &memory, &p, NOW_US - back_us[2]), VRRP_PACKET_AUTH_REPLAY);
	/* Monotonic numbers never go back. */
	conf.monotonic = true;
	sender = memory = (struct vrrp_hmac_memory){0};
	for (size_t i = 0; i < 3; i++) {
		p = sign(&conf, &sender, "192.0.2.1", NOW_US - back_us[i]);
		assert_int_equal(check(&conf, &memory, &p, NOW_US), VRRP_PACKET_OK);
	}
}

/* RFC 1982, for whoever still runs this in 2106. */
static void test_seconds_overflow(void **state)
{
	const int64_t last_us = ((INT64_C(1) << 32) - 1) * USEC_PER_SEC;
	struct vrrp_hmac_conf conf = v2_conf();
	struct vrrp_hmac_memory sender = {0}, memory = {0};
	struct signed_packet p = sign(&conf, &sender, "192.0.2.1", last_us), q;

	assert_int_equal(check(&conf, &memory, &p, last_us), VRRP_PACKET_OK);
	q = sign(&conf, &sender, "192.0.2.1", last_us + 2 * USEC_PER_SEC);
	assert_int_equal(check(&conf, &memory, &q, last_us + 2 * USEC_PER_SEC), VRRP_PACKET_OK);
	assert_int_equal(check(&conf, &memory, &p, last_us + 2 * USEC_PER_SEC),
			 VRRP_PACKET_AUTH_REPLAY);
}

/* Four senders have a mark each; a fifth takes the place of the one not heard for longest. */
static void test_marks(void **state)
{
	struct vrrp_hmac_conf conf = v2_conf();
	struct vrrp_hmac_memory memory = {0}, sender = {0};
	struct signed_packet p[5];
	char source[32];

	for (int i = 0; i < 5; i++) {
		snprintf(source, sizeof(source), "192.0.2.%d", i + 1);
		p[i] = sign(&conf, &sender, source, NOW_US);
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(check(&conf, &memory, &p[i], NOW_US), VRRP_PACKET_OK);
	for (int i = 0; i < 4; i++)
		assert_int_equal(check(&conf, &memory, &p[i], NOW_US), VRRP_PACKET_AUTH_REPLAY);
	assert_int_equal(check(&conf, &memory, &p[4], NOW_US), VRRP_PACKET_OK);
	for (int i = 1; i < 5; i++)
		assert_int_equal(check(&conf, &memory, &p[i], NOW_US), VRRP_PACKET_AUTH_REPLAY);
	assert_int_equal(check(&conf, &memory, &p[0], NOW_US), VRRP_PACKET_OK);
}

/* What is not verified has no say: neither in the marks nor in who has one. */
static void test_forged_moves_nothing(void **state)
{
	struct vrrp_hmac_conf conf = v2_conf();
	struct vrrp_hmac_memory memory = {0}, sender = {0}, before;
	struct signed_packet p = sign(&conf, &sender, "192.0.2.1", NOW_US), forged;

	assert_int_equal(check(&conf, &memory, &p, NOW_US), VRRP_PACKET_OK);
	before = memory;
	for (int i = 0; i < 256; i++) {
		forged = p;
		forged.source.b[3] = (uint8_t)i;
		forged.trailer[7]++;
		assert_int_equal(check(&conf, &memory, &forged, NOW_US), VRRP_PACKET_AUTH_FAILURE);
	}
	assert_memory_equal(&memory, &before, sizeof(memory));
}

/* Without auth_hmac such a packet has the wrong length, as for everybody who knows no trailer. */
static void test_unexpected(void **state)
{
	struct vrrp_path path = {ip("192.0.2.1"), ip("224.0.0.18")};
	struct vrrp_expect expect = {.version = 2, .adver_int_cs = 100};
	struct vrrp_packet p;

	assert_int_equal(vrrp_packet_decode(signed_ipv4_v2, sizeof(signed_ipv4_v2), &path, &p),
			 VRRP_PACKET_OK);
	assert_int_equal(vrrp_packet_check(&p, &expect, VRRP_TTL), VRRP_PACKET_LENGTH);
	expect.trailer = true;
	assert_int_equal(vrrp_packet_check(&p, &expect, VRRP_TTL), VRRP_PACKET_OK);
	for (size_t len = 0; len < sizeof(signed_ipv4_v2); len++)
		if (len != sizeof(signed_ipv4_v2) - VRRP_TRAILER_LEN)
			assert_int_equal(vrrp_packet_decode(signed_ipv4_v2, len, &path, &p),
					 VRRP_PACKET_LENGTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_clock_back),
		cmocka_unit_test(test_seconds_overflow),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_forged_moves_nothing),
		cmocka_unit_test(test_unexpected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
