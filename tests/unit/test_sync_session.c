/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation between peers: sync/session.c and its files, on a wire made of values. */
#include "tests/fake/sync_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_snapshot_then_stream(void **state)
{
	for (uint32_t n = 0; n < 1000; n++)
		put(0, n, 1);
	assert_false(sync_session_is_synced(rig->ends[1].session));
	run(20 * USEC_PER_MSEC);
	assert_true(sync_session_is_synced(rig->ends[1].session));
	assert_int_equal(rig->ends[1].table.n, 1000);
	assert_int_equal(rig->ends[1].table.n_own, 0);
	assert_true(peer(0, 1).told_synced);
	put(0, 5, 4);
	run(5 * USEC_PER_MSEC);
	assert_int_equal(state_of(1, 5), 4);
	assert_true(peer(0, 1).lag == 0);
	/* What is learned is not told back. */
	assert_true(counters(1)->records_out == 0);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_FOLLOWING], 1);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_SYNCED], 1);
	assert_int_equal(rig->ends[0].events[SYNC_EVENT_FOLLOWED], 1);
}

static void test_nobody_is_not_synced(void **state)
{
	rig->n = 1;
	run(USEC_PER_SEC);
	assert_false(sync_session_is_synced(rig->ends[0].session));
	assert_in_range(counters(0)->frames_out, 4, 6); /* it asks, but not like mad */
}

/* In each frame, and at once when it changes; not known of one that is not heard. */
static void test_what_it_is_active_for(void **state)
{
	const uint32_t both = SYNC_ACTIVE_SAID | sync_active_bit(3) | sync_active_bit(64);

	run(20 * USEC_PER_MSEC);
	assert_int_equal(peer(1, 0).active, 0);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_ACTIVE], 0);
	sync_session_set_active(rig->ends[0].session, rig->now_us, both);
	run(2 * USEC_PER_MSEC);
	assert_int_equal(peer(1, 0).active, both);
	sync_session_set_active(rig->ends[0].session, rig->now_us, SYNC_ACTIVE_SAID);
	run(2 * USEC_PER_MSEC);
	assert_int_equal(peer(1, 0).active, SYNC_ACTIVE_SAID);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_ACTIVE], 2);
	rig->ends[1].deaf = true;
	run(2 * USEC_PER_SEC);
	assert_int_equal(peer(1, 0).active, 0);
}

static void test_remaining_time_is_told(void **state)
{
	put(0, 1, 1);
	rig->now_us += 100 * USEC_PER_SEC;
	run(20 * USEC_PER_MSEC);
	assert_int_equal(sync_entry_timeout_s(get(1, 1), (uint32_t)(rig->now_us / USEC_PER_SEC)),
			 800);
}

static void test_silence_and_return(void **state)
{
	for (uint32_t n = 0; n < 500; n++)
		put(0, n, 1);
	run(USEC_PER_SEC);
	rig->ends[1].deaf = true;
	for (uint32_t n = 0; n < 20; n++)
		put(0, n, 4);
	run(5 * USEC_PER_SEC);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_SILENT], 1);
	assert_int_equal(rig->ends[0].events[SYNC_EVENT_LEFT], 1);
	assert_false(sync_session_is_synced(rig->ends[1].session));
	rig->ends[1].deaf = false;
	run(1500 * USEC_PER_MSEC);
	assert_true(sync_session_is_synced(rig->ends[1].session));
	assert_int_equal(state_of(1, 19), 4);
	/* Only what has changed is sent, and what was lost in flight. */
	assert_in_range(counters(0)->records_out, 520, 500 + 20 * 40);
	assert_true(counters(1)->records_in == 520);
}

/* A virtual machine that is moved, or a host that has no time for us. */
static void test_held_up(void **state)
{
	run(USEC_PER_SEC);
	rig->now_us += 5 * USEC_PER_SEC;
	for (unsigned i = 0; i < 2; i++)
		sync_session_held_up(rig->ends[i].session, rig->now_us, 5 * USEC_PER_SEC);
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_SILENT], 0);
	assert_int_equal(rig->ends[0].events[SYNC_EVENT_LEFT], 0);
	rig->ends[1].deaf = true;
	run(5 * USEC_PER_SEC);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_SILENT], 1);
	assert_int_equal(rig->ends[0].events[SYNC_EVENT_LEFT], 1);
	rig->ends[1].deaf = false;
	run(USEC_PER_SEC);
	rig->now_us += 5 * USEC_PER_SEC; /* and nobody says so */
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_SILENT], 2);
}

static void expire(unsigned i)
{
	sync_table_expire(&rig->ends[i].table, (uint32_t)(rig->now_us / USEC_PER_SEC), SIZE_MAX);
}

/* Nobody hears anybody; all that both knew has ended meanwhile, and each thing since has changed
 * twice. */
static void test_an_hour_apart(void **state)
{
	for (uint32_t n = 0; n < 500; n++)
		put(0, n, 1);
	run(USEC_PER_SEC);
	rig->ends[0].deaf = rig->ends[1].deaf = true;
	for (unsigned minute = 0; minute < 60; minute++) {
		rig->now_us += 60 * USEC_PER_SEC;
		run(10 * USEC_PER_MSEC);
	}
	expire(0);
	assert_int_equal(rig->ends[0].table.n, 0);
	for (uint16_t state_is = 1; state_is < 5; state_is += 3)
		for (uint32_t n = 1000; n < 3000; n++)
			put(0, n, state_is);
	expire(1);
	rig->ends[0].deaf = rig->ends[1].deaf = false;
	run(3 * USEC_PER_SEC);
	assert_true(sync_session_is_synced(rig->ends[1].session));
	assert_int_equal(rig->ends[1].table.n, 2000);
	assert_int_equal(state_of(1, 2999), 4);
	assert_true(counters(1)->records_in == 500 + 2000);
}

static void test_restart_of_the_sender(void **state)
{
	put(0, 1, 1);
	run(USEC_PER_SEC);
	end_stop(0);
	end_start(0);
	put(0, 2, 1);
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_RESTARTED], 1);
	assert_non_null(get(1, 2));
	/* It gets back what it has told in its former life. */
	assert_non_null(get(0, 1));
	assert_int_equal(get(0, 1)->owner, SYNC_OWNER_HEARSAY);
}

static struct sync_peer_state place(unsigned i)
{
	struct sync_peer_state s;

	sync_session_peer(rig->ends[0].session, i, rig->now_us, &s);
	return s;
}

/* It has gone over to other paths, and is called by the first of them. */
static void test_another_name(void **state)
{
	struct sync_session *s = rig->ends[0].session;

	run(USEC_PER_SEC);
	rig->ends[1].conf.node = 9;
	end_renew(1);
	run(500 * USEC_PER_MSEC);
	assert_int_equal(place(0).node, 2);
	assert_int_equal(place(1).node, 9);
	assert_true(place(1).stream_us >= place(0).heard_us);
	assert_true(place(0).stream_us < place(1).heard_us);
	sync_session_forget(s, 2); /* it may be two */
	assert_int_equal(place(0).node, 2);
	run(5 * USEC_PER_SEC);
	sync_session_forget(s, 2);
	sync_session_forget(s, 9);
	assert_int_equal(place(0).node, 0);
	assert_int_equal(place(1).node, 9);
	assert_true(place(1).following && place(1).followed);
}

/* The same name, and another stream: the synced time is not begun anew, but the stream is. */
static void test_another_stream(void **state)
{
	int64_t opened_us;

	run(USEC_PER_SEC);
	opened_us = place(0).opened_us;
	end_renew(1);
	run(500 * USEC_PER_MSEC);
	assert_int_equal(place(0).opened_us, opened_us);
	assert_in_range(place(0).stream_us, opened_us + USEC_PER_SEC / 2, rig->now_us);
}

static void test_one_frame_for_all(void **state)
{
	uint64_t before;

	rig->n = 3;
	for (unsigned i = 0; i < 3; i++)
		rig->ends[i].conf.expected = 2;
	run(2 * USEC_PER_SEC);
	before = counters(0)->records_out;
	for (uint32_t n = 0; n < 100; n++)
		put(0, n, 1);
	run(50 * USEC_PER_MSEC);
	assert_int_equal(rig->ends[1].table.n, 100);
	assert_int_equal(rig->ends[2].table.n, 100);
	assert_true(counters(0)->records_out - before == 100);
}

/* One is not heard by the first for a time, but hears by the group what that tells the others. */
static void test_unheard_for_a_time(void **state)
{
	rig->n = 4;
	rig->multicast = true;
	for (unsigned i = 0; i < 4; i++)
		rig->ends[i].conf.expected = 3;
	run(2 * USEC_PER_SEC);
	assert_true(peer(0, 3).followed);
	rig->ends[3].unheard_by[0] = true;
	run(SYNC_DEAF_US + USEC_PER_SEC);
	assert_false(peer(0, 3).followed);
	rig->ends[3].unheard_by[0] = false;
	put(0, 1, 1);
	run(USEC_PER_SEC);
	assert_non_null(get(3, 1));
	assert_true(peer(0, 3).followed);
	assert_true(peer(0, 3).lag == 0);
}

static unsigned paths_to(unsigned from)
{
	unsigned n;

	sync_session_paths(rig->ends[from].session, 0, &n);
	return n;
}

/* One way after the other fails for longer than it is remembered; nobody is missed. */
static void test_paths_come_back(void **state)
{
	rig->n_links = 2;
	run(2 * USEC_PER_SEC);
	assert_int_equal(paths_to(0), 2);
	for (unsigned link = 0; link < 2; link++) {
		rig->dead[link] = true;
		run(5 * USEC_PER_SEC);
		assert_int_equal(paths_to(0), 1);
		assert_int_equal(paths_to(1), 1);
		rig->dead[link] = false;
		run(3 * USEC_PER_SEC);
		assert_int_equal(paths_to(0), 2);
		assert_int_equal(paths_to(1), 2);
	}
	assert_int_equal(rig->ends[0].events[SYNC_EVENT_SILENT], 0);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_LEFT], 0);
}

static void test_full_table_is_told(void **state)
{
	rig->ends[1].table.max = 10;
	for (uint32_t n = 0; n < 30; n++)
		put(0, n, 1);
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].table.n, 10);
	assert_true(counters(1)->refused == 20);
	assert_true(peer(0, 1).refused == 20);
	assert_true(peer(0, 1).entries == 10);
}

static void test_what_was_refused_is_asked_for_again(void **state)
{
	rig->ends[1].table.max = 10;
	for (uint32_t n = 0; n < 30; n++)
		put(0, n, 1);
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].table.n, 10);
	rig->ends[1].table.max = 25;
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].table.n, 25);
	rig->ends[1].table.max = 40;
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].table.n, 25); /* not all the time */
	run(10 * USEC_PER_SEC);
	assert_int_equal(rig->ends[1].table.n, 30);
	assert_true(peer(1, 0).synced);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_SILENT], 0);
}

static void test_notes(void **state)
{
	struct sync_note note = {.topic = 1, .value = (const uint8_t *)"hello", .len = 5};

	sync_note_put(&rig->ends[0].table, &note, (uint32_t)(rig->now_us / USEC_PER_SEC));
	run(USEC_PER_SEC);
	assert_string_equal(rig->ends[1].note, "hello");
	sync_note_put(&rig->ends[0].table, &note, (uint32_t)(rig->now_us / USEC_PER_SEC)); /* nothing new */
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_NOTE], 1);
	note.len = 0;
	sync_note_put(&rig->ends[0].table, &note, (uint32_t)(rig->now_us / USEC_PER_SEC));
	run(USEC_PER_SEC);
	assert_string_equal(rig->ends[1].note, "");
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_NOTE], 2);
	note.len = SYNC_NOTE_MAX + 1;
	assert_int_equal(sync_note_put(&rig->ends[0].table, &note, (uint32_t)(rig->now_us / USEC_PER_SEC)), -EMSGSIZE);
}

/* 20 % of all frames are lost, in both directions. */
static void test_bulk_under_loss(void **state)
{
	int64_t start_us;

	for (uint32_t n = 0; n < 20000; n++)
		put(0, n, 1);
	rig->loss = 20;
	start_us = rig->now_us;
	while (!sync_session_is_synced(rig->ends[1].session) &&
	       rig->now_us - start_us < 2 * USEC_PER_SEC)
		run(USEC_PER_MSEC);
	assert_true(sync_session_is_synced(rig->ends[1].session));
	assert_int_equal(rig->ends[1].table.n, 20000);
	print_message("# 20000 entries at 20 %% loss: %lld ms, sent %.1f times\n",
		      (long long)(rig->now_us - start_us) / 1000,
		      (double)counters(0)->records_out / 20000);
}

/* The last frame of a burst is lost: it is noticed well before the next heartbeat. */
static void test_loss_of_the_last_frame(void **state)
{
	int64_t start_us;

	run(USEC_PER_SEC);
	rig->loss = 100;
	put(0, 1, 1);
	run(USEC_PER_MSEC * 2);
	rig->loss = 0;
	start_us = rig->now_us;
	while (!get(1, 1) && rig->now_us - start_us < USEC_PER_SEC)
		run(STEP_US);
	assert_in_range(rig->now_us - start_us, 0, 20 * USEC_PER_MSEC);
}

/*
 * A connection now and then, each in a frame with nothing behind it, at a loss of 20 % each way: it
 * is sent until it has arrived, at short intervals.
 */
static void test_lone_frames_under_loss(void **state)
{
	const unsigned n = 3000;
	unsigned late = 0;

	run(USEC_PER_SEC);
	rig->loss = 20;
	for (uint32_t i = 0; i < n; i++) {
		put(0, i, 1);
		run(20 * USEC_PER_MSEC);
		late += !get(1, i);
	}
	print_message("# of %u lone frames %u took more than 20 ms\n", n, late);
	assert_in_range(late, 0, n / 1000);
}

/* How many frames the first end sends for so many connections that come one by one. */
static uint64_t frames_for(unsigned n)
{
	uint64_t before = counters(0)->frames_out;
	static uint32_t next;

	for (unsigned i = 0; i < n; i++) {
		put(0, next++, 1);
		run(20 * USEC_PER_MSEC);
	}
	return counters(0)->frames_out - before;
}

/* Who takes its time with all answers is not asked each time whether it has heard. */
static void test_slow_answers(void **state)
{
	run(50 * USEC_PER_MSEC);
	rig->ends[1].rest_us = 16 * USEC_PER_MSEC;
	assert_in_range(frames_for(5), 10, 20);
	frames_for(30);
	assert_in_range(frames_for(20), 20, 24);
	/* And one that is quick again is asked soon again. */
	rig->ends[1].rest_us = 0;
	frames_for(30);
	test_loss_of_the_last_frame(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYNC_RIG_TEST(test_snapshot_then_stream),
		SYNC_RIG_TEST(test_nobody_is_not_synced),
		SYNC_RIG_TEST(test_what_it_is_active_for),
		SYNC_RIG_TEST(test_remaining_time_is_told),
		SYNC_RIG_TEST(test_silence_and_return),
		SYNC_RIG_TEST(test_held_up),
		SYNC_RIG_TEST(test_an_hour_apart),
		SYNC_RIG_TEST(test_restart_of_the_sender),
		SYNC_RIG_TEST(test_another_name),
		SYNC_RIG_TEST(test_another_stream),
		SYNC_RIG_TEST(test_one_frame_for_all),
		SYNC_RIG_TEST(test_unheard_for_a_time),
		SYNC_RIG_TEST(test_paths_come_back),
		SYNC_RIG_TEST(test_full_table_is_told),
		SYNC_RIG_TEST(test_what_was_refused_is_asked_for_again),
		SYNC_RIG_TEST(test_notes),
		SYNC_RIG_TEST(test_bulk_under_loss),
		SYNC_RIG_TEST(test_loss_of_the_last_frame),
		SYNC_RIG_TEST(test_lone_frames_under_loss),
		SYNC_RIG_TEST(test_slow_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
