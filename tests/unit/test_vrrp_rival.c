/* SPDX-License-Identifier: Apache-2.0 */
/* Split brain: when it is told, answered and over; and who claims an address, read from packets. */
#include "vrrp/announce.h"
#include "vrrp/claim.h"
#include "vrrp/rival.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS USEC_PER_MSEC

static const struct rival_conf conf = {
	.grace_us = 100 * MS, .over_us = 400 * MS, .again_us = 1000 * MS};

/* The former Active's last words, after we took over from it. */
static void test_takeover(void **state)
{
	struct rival r = {0};

	assert_int_equal(rival_advertises(&r, &conf, 5050 * MS, 5000 * MS), RIVAL_NOTHING);
	assert_int_equal(rival_deadline(&r, &conf), USEC_NEVER);
	assert_int_equal(rival_wait(&r, &conf, 9000 * MS), RIVAL_NOTHING);
}

/* A partition has healed: told with the first advertisement, once, and once that it is over. */
static void test_router(void **state)
{
	struct rival r = {0};

	assert_int_equal(rival_advertises(&r, &conf, 5100 * MS, 0), RIVAL_TELL);
	for (int at = 5200; at <= 6000; at += 100) {
		assert_int_equal(rival_wait(&r, &conf, at * MS - 1), RIVAL_NOTHING);
		assert_int_equal(rival_advertises(&r, &conf, at * MS, 0), RIVAL_NOTHING);
	}
	assert_int_equal(rival_deadline(&r, &conf), 6400 * MS);
	assert_int_equal(rival_wait(&r, &conf, 6400 * MS - 1), RIVAL_NOTHING);
	assert_int_equal(rival_wait(&r, &conf, 6400 * MS), RIVAL_OVER);
	assert_int_equal(r.last_us - r.first_us, 900 * MS);
	assert_int_equal(rival_deadline(&r, &conf), USEC_NEVER);
	assert_int_equal(rival_advertises(&r, &conf, 9000 * MS, 0), RIVAL_TELL);
}

/* The next Active announces itself before it advertises itself: then we yield, and say nothing. */
static void test_claim_of_successor(void **state)
{
	struct rival r = {0};

	assert_int_equal(rival_claims(&r, &conf, 5000 * MS), RIVAL_NOTHING);
	rival_forget(&r);
	assert_int_equal(rival_wait(&r, &conf, 5100 * MS), RIVAL_NOTHING);
}

/* Said once by a stranger; then again and again: answered, but not each time. */
static void test_claim(void **state)
{
	struct rival r = {0};
	unsigned answers = 0;

	assert_int_equal(rival_claims(&r, &conf, 5000 * MS), RIVAL_NOTHING);
	assert_int_equal(rival_deadline(&r, &conf), 5100 * MS);
	assert_int_equal(rival_wait(&r, &conf, 5100 * MS), RIVAL_TELL);
	for (int at = 5101; at < 8101; at++)
		answers += rival_claims(&r, &conf, at * MS) == RIVAL_ANSWER;
	assert_int_equal(answers, 3);
	assert_int_equal(rival_wait(&r, &conf, 8499 * MS), RIVAL_NOTHING);
	assert_int_equal(rival_wait(&r, &conf, 8500 * MS), RIVAL_OVER);
}

/* Said twice, as by one that dies then: the last word is ours. */
static void test_last_claim(void **state)
{
	const struct rival_conf slow = {.grace_us = 100 * MS, .over_us = 30000 * MS, .again_us = 1000 * MS};
	struct rival r = {0};

	rival_claims(&r, &slow, 5000 * MS);
	assert_int_equal(rival_wait(&r, &slow, 5100 * MS), RIVAL_TELL);
	assert_int_equal(rival_claims(&r, &slow, 5200 * MS), RIVAL_NOTHING);
	assert_int_equal(rival_deadline(&r, &slow), 6100 * MS);
	assert_int_equal(rival_wait(&r, &slow, 6099 * MS), RIVAL_NOTHING);
	assert_int_equal(rival_wait(&r, &slow, 6100 * MS), RIVAL_ANSWER);
	assert_int_equal(rival_deadline(&r, &slow), 35200 * MS);
	assert_int_equal(rival_wait(&r, &slow, 35200 * MS), RIVAL_OVER);
}

/* What announce.c sends is what is read. */
static void test_read(void **state)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	static const char *const addresses[] = {"192.0.2.1", "fe80::1"};

	for (int i = 0; i < 2; i++) {
		struct announcement a = {0};
		uint8_t frame[ANNOUNCE_FRAME_MAX];
		const size_t header = i ? 14 + 40 : 14;
		struct claim claim;
		size_t len;

		memcpy(a.mac, mac, sizeof(mac));
		assert_int_equal(addr_parse(addresses[i], &a.address), 0);
		len = announce_frame(&a, frame) - header;
		assert_true(i ? claim_read_na(frame + header, len, &claim)
			      : claim_read_arp(frame + header, len, &claim));
		assert_true(addr_equal(&claim.address, &a.address));
		assert_memory_equal(claim.mac, mac, sizeof(mac));
		while (len--)
			assert_false(i ? claim_read_na(frame + header, len, &claim)
				       : claim_read_arp(frame + header, len, &claim));
	}
}

/* Who asks whether an address is free does not have it: RFC 5227 §2.1.1. */
static void test_probe(void **state)
{
	uint8_t probe[28] = {0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9};
	struct claim claim;

	memcpy(probe + 24, "\xc0\x00\x02\x01", 4);
	assert_false(claim_read_arp(probe, sizeof(probe), &claim));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takeover),
		cmocka_unit_test(test_router),
		cmocka_unit_test(test_claim_of_successor),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_last_claim),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
