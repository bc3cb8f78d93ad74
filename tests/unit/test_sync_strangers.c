/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation between peers when others talk, too: keys, versions, replays, forgeries, damage. */
#include "tests/fake/sync_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_another_key(void **state)
{
	rig->ends[1].conf.psk[0].b[0] = 1;
	put(0, 1, 1);
	run(USEC_PER_SEC);
	assert_null(get(1, 1));
	assert_true(counters(0)->auth_failed > 0);
	assert_true(rig->ends[0].events[SYNC_EVENT_FOREIGN_KEY] > 0);
	assert_int_equal(sync_session_peers(rig->ends[0].session), 0);
}

/* Old key everywhere; new key added here, then there; old key taken away. Nothing is missed. */
static void test_rotation_of_keys(void **state)
{
	struct sync_conf *a = &rig->ends[0].conf, *b = &rig->ends[1].conf;

	run(20 * USEC_PER_MSEC);
	a->psk[1] = a->psk[0];
	a->psk[0].b[0] = 1;
	a->n_psk = 2;
	sync_session_renew(rig->ends[0].session, rig->now_us);
	put(0, 1, 1);
	run(USEC_PER_SEC);
	assert_non_null(get(1, 1));
	b->psk[0].b[0] = 1;
	sync_session_renew(rig->ends[1].session, rig->now_us);
	a->n_psk = 1;
	sync_session_renew(rig->ends[0].session, rig->now_us);
	put(0, 2, 1);
	put(1, 3, 1);
	run(USEC_PER_SEC);
	assert_non_null(get(1, 2));
	assert_non_null(get(0, 3));
	assert_true(counters(0)->auth_failed == 0);
}

static void test_another_version(void **state)
{
	struct sync_path path = path_of(1);
	uint8_t b[SYNC_FRAME_HEAD_LEN] = {'T', 'S', 'N', 'C', 4, 9};

	sync_session_receive(rig->ends[0].session, rig->now_us, &path, b, sizeof(b));
	assert_int_equal(rig->ends[0].events[SYNC_EVENT_FOREIGN_VERSION], 1);
	assert_true(counters(0)->version == 1);
	b[0] = 'X';
	sync_session_receive(rig->ends[0].session, rig->now_us, &path, b, sizeof(b));
	assert_true(counters(0)->malformed == 1);
}

static void test_same_name(void **state)
{
	rig->ends[1].conf.node = 1;
	run(USEC_PER_SEC);
	assert_true(rig->ends[0].events[SYNC_EVENT_SAME_NODE] > 0);
	assert_int_equal(sync_session_peers(rig->ends[0].session), 0);
}

/* All that was ever sent is sent again, to everybody, from elsewhere. */
static void test_replay_of_everything(void **state)
{
	struct sync_peer_state before, after;
	unsigned n;

	for (uint32_t i = 0; i < 500; i++)
		put(0, i, 1);
	run(2 * USEC_PER_SEC);
	put(0, 7, 4);
	run(USEC_PER_SEC);
	n = rig->n_frames;
	assert_in_range(n, 50, KEPT_FRAMES);
	before = peer(0, 1);
	for (unsigned i = 0; i < n; i++)
		for (unsigned to = 0; to < 2; to++)
			if (rig->frames[i].from != to)
				hand(0, to, 9, rig->frames[i].bytes, rig->frames[i].len);
	after = peer(0, 1);
	assert_true(after.followed && after.acked == before.acked &&
		    after.rewinds == before.rewinds);
	assert_int_equal(rig->ends[0].events[SYNC_EVENT_FOLLOWED], 1);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_FOLLOWING], 1);
	assert_int_equal(state_of(1, 7), 4);
	run(USEC_PER_SEC);
	assert_true(sync_session_is_synced(rig->ends[1].session));
	assert_int_equal(rig->ends[0].events[SYNC_EVENT_FOLLOWED], 1);
}

/* One of those that were recorded, as it was, or damaged somewhere, or only its head true. */
static void forge(const struct frame *f, uint8_t *bytes)
{
	unsigned how = draw();

	memcpy(bytes, f->bytes, f->len);
	if (how % 3 == 1)
		bytes[how / 3 % f->len] ^= 1u << how / 3 % 8;
	for (size_t i = SYNC_FRAME_HEAD_LEN; how % 3 == 2 && i < f->len; i++)
		bytes[i] = (uint8_t)draw();
}

/* In one second of the peers' time: they go on as if nobody were there, and answer hardly any. */
static void test_a_million_forged_and_replayed_frames(void **state)
{
	unsigned recorded, attack = 1000000, per_turn = 1000;
	uint64_t records[2], seen = 0;
	uint8_t bytes[SYNC_FRAME_MAX];

	for (uint32_t i = 0; i < 500; i++)
		put(0, i, 1);
	run(2 * USEC_PER_SEC);
	recorded = rig->n_frames;
	for (unsigned i = 0; i < 2; i++)
		records[i] = counters(i)->records_in;
	for (unsigned i = 0; i < attack; i++) {
		const struct frame *f = &rig->frames[recorded / 2 + draw() % (recorded / 2)];

		forge(f, bytes);
		hand(0, 1 - f->from, f->from, bytes, f->len);
		if (i % per_turn == 0)
			run(USEC_PER_SEC * per_turn / attack);
	}
	assert_in_range(rig->n_frames - recorded, 10, 500);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(counters(i)->records_in == records[i]);
		seen += counters(i)->auth_failed + counters(i)->replayed + counters(i)->malformed +
			counters(i)->unknown + counters(i)->version;
		assert_int_equal(rig->ends[i].events[SYNC_EVENT_SILENT], 0);
		assert_int_equal(rig->ends[i].events[SYNC_EVENT_LEFT], 0);
	}
	assert_in_range(seen, attack - attack / 100, attack);
	put(0, 7, 4);
	run(USEC_PER_SEC);
	assert_int_equal(state_of(1, 7), 4);
	assert_true(peer(0, 1).followed && peer(1, 0).synced && peer(0, 1).rewinds == 0);
}

static bool is_subscription(const struct frame *f, unsigned from)
{
	struct sync_frame_head head;

	return f->from == from && !sync_frame_read_head(f->bytes, f->len, &head) &&
	       head.type == SYNC_FRAME_SUBSCRIBE;
}

/*
 * Somebody has recorded the subscriptions of days, and answers each new one with an old one that looks like
 * it, before it is answered: the director that returns is heard all the same.
 */
static void test_old_subscriptions(void **state)
{
	static struct frame old[256];
	unsigned seen;

	rig->ends[0].deaf = true;
	for (unsigned n = 0; n < 4000; n++) {
		seen = rig->n_frames;
		sync_session_renew(rig->ends[1].session, rig->now_us);
		run(STEP_US);
		for (; seen < rig->n_frames; seen++) {
			const struct frame *f = &rig->frames[seen % KEPT_FRAMES];

			if (is_subscription(f, 1))
				old[f->bytes[SYNC_FRAME_HEAD_LEN]] = *f;
		}
	}
	end_stop(1);
	end_start(1);
	rig->ends[0].deaf = false;
	for (int64_t end_us = rig->now_us + 5 * USEC_PER_SEC; rig->now_us < end_us;) {
		seen = rig->n_frames;
		run(STEP_US);
		for (; seen < rig->n_frames; seen++) {
			const struct frame *f = &rig->frames[seen % KEPT_FRAMES];

			for (unsigned to = 0; to < 2; to++) {
				const struct frame *like = &old[f->bytes[SYNC_FRAME_HEAD_LEN]];

				if (is_subscription(f, 1 - to) && like->len)
					hand(0, to, 9, like->bytes, like->len);
			}
		}
	}
	assert_true(peer(0, 1).synced && peer(0, 1).followed);
}

static void test_damaged_frames(void **state)
{
	unsigned n;

	put(0, 1, 1);
	run(USEC_PER_SEC);
	n = rig->n_frames;
	for (unsigned i = 0; i < n; i++) {
		struct frame *f = &rig->frames[i];

		for (size_t at = 0; at < f->len; at++) {
			f->bytes[at] ^= 0x55;
			hand(0, 1 - f->from, f->from, f->bytes, f->len);
			f->bytes[at] ^= 0x55;
			hand(0, 1 - f->from, f->from, f->bytes, at); /* and cut short */
		}
	}
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].table.n, 1);
	assert_true(peer(0, 1).followed && peer(1, 0).following);
	assert_true(counters(1)->auth_failed > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYNC_RIG_TEST(test_another_key),
		SYNC_RIG_TEST(test_rotation_of_keys),
		SYNC_RIG_TEST(test_another_version),
		SYNC_RIG_TEST(test_same_name),
		SYNC_RIG_TEST(test_replay_of_everything),
		SYNC_RIG_TEST(test_a_million_forged_and_replayed_frames),
		SYNC_RIG_TEST(test_old_subscriptions),
		SYNC_RIG_TEST(test_damaged_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
