/* SPDX-License-Identifier: Apache-2.0 */
/* Who writes a connection, and whose word counts: takeovers, restarts, two Actives, hearsay. */
#include "tests/fake/sync_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_takeover(void **state)
{
	set_active(0, true);
	put(0, 1, 1);
	put(0, 2, 1);
	run(USEC_PER_SEC);
	set_active(1, true);
	put(1, 1, 4);
	/* The former Active does not know yet, and speaks once more. */
	put(0, 1, 2);
	put(0, 2, 2);
	put(0, 3, 2);
	run(50 * USEC_PER_MSEC);
	assert_int_equal(state_of(1, 1), 4); /* the new Active has rewritten it */
	assert_int_equal(state_of(1, 2), 2); /* not this one: taken, but not for the kernel */
	assert_true(get(1, 2)->not_for_kernel);
	assert_int_equal(state_of(1, 3), 2); /* unknown until now */
	assert_false(get(1, 3)->not_for_kernel);
	set_active(0, false);
	run(50 * USEC_PER_MSEC);
	assert_int_equal(state_of(0, 1), 4);
	assert_int_equal(get(0, 1)->owner, SYNC_OWNER_PEER);
}

/* Its daemon alone restarts: what it writes is not taken for old. */
static void test_restart_of_the_active(void **state)
{
	set_active(0, true);
	put(0, 1, 1);
	run(USEC_PER_SEC);
	end_stop(0);
	end_start(0);
	set_active(0, true);
	put(0, 1, 4);
	run(USEC_PER_SEC);
	assert_int_equal(state_of(0, 1), 4);
	assert_int_equal(state_of(1, 1), 4);
}

/* So are connections that its kernel has, and that a peer tells back as they were: a client may have used
 * its port again since, for a connection to another real server. */
static void test_restart_leaves_the_kernel_alone(void **state)
{
	set_active(0, true);
	put(0, 1, 1);
	run(USEC_PER_SEC);
	for (unsigned knows = 0; knows < 2; knows++) {
		end_stop(0);
		end_start(0);
		sync_session_set_kernel_knows(rig->ends[0].session, knows);
		set_active(0, true);
		run(USEC_PER_SEC);
		assert_int_equal(get(0, 1)->owner, SYNC_OWNER_HEARSAY);
		assert_int_equal(get(0, 1)->not_for_kernel, knows);
	}
	/* A Backup's kernel is told everything. */
	end_stop(0);
	end_start(0);
	sync_session_set_kernel_knows(rig->ends[0].session, true);
	sync_session_set_active(rig->ends[0].session, rig->now_us, SYNC_ACTIVE_SAID);
	run(USEC_PER_SEC);
	assert_false(get(0, 1)->not_for_kernel);
	put(1, 2, 1); /* the peer's own word is news */
	run(50 * USEC_PER_MSEC);
	assert_false(get(0, 2)->not_for_kernel);
}

/*
 * What one has only heard of is withheld from a kernel that had connections before, as long as it is not
 * known whether it serves them. A director that was stopped for a while, and is Backup, gets it then.
 */
static void test_hearsay_for_a_backup(void **state)
{
	put(0, 1, 1);
	put(0, SECOND + 1, 1);
	run(USEC_PER_SEC);
	rig->ends[0].deaf = true; /* it has told them to 1; now 2 comes, and 0 is gone */
	rig->n = 3;
	sync_session_set_kernel_knows(rig->ends[2].session, true);
	run(USEC_PER_SEC);
	assert_true(get(2, 1)->not_for_kernel && get(2, SECOND + 1)->not_for_kernel);
	set_active_for(2, vip_of(SECOND), true);
	sync_session_set_active(rig->ends[2].session, rig->now_us, SYNC_ACTIVE_SAID);
	assert_false(get(2, 1)->not_for_kernel);
	assert_true(get(2, SECOND + 1)->not_for_kernel);
}

/* A reload changes its paths while nobody else is there: what its kernel says is still taken in. */
static void test_other_paths_of_an_active_alone(void **state)
{
	for (unsigned i = 0; i < 3; i++)
		set_active(0, true);
	put(0, 1, 1);
	end_renew(0);
	set_active(0, true);
	put(0, 1, 4);
	assert_int_equal(state_of(0, 1), 4);
	/* A Backup's kernel, too. */
	set_active(0, false);
	end_renew(0);
	put(0, 1, 2);
	assert_int_equal(state_of(0, 1), 2);
}

static void test_two_actives(void **state)
{
	run(USEC_PER_SEC);
	set_active(0, true);
	run(USEC_PER_SEC);
	set_active(1, true);
	for (unsigned i = 0; i < 300; i++) {
		put(i % 2, i, 1);
		put(i % 2, 1000 + i % 2, (uint16_t)(1 + i % 8));
		run(100 * USEC_PER_MSEC);
	}
	/* They insist by turns, more and more rarely, and lose nothing that only one knows. */
	assert_in_range(counters(0)->frames_out, 300, 3000);
	set_active(0, false);
	run(20 * USEC_PER_SEC);
	for (uint32_t n = 0; n < 300; n++) {
		assert_non_null(get(0, n));
		assert_non_null(get(1, n));
	}
	assert_int_equal(state_of(0, 1001), state_of(1, 1001));
}

/* Each is Active for one address: neither takes the other for a rival. */
static void test_shared_work(void **state)
{
	run(USEC_PER_SEC);
	set_active_for(0, vip_of(0), true);
	run(USEC_PER_SEC);
	set_active_for(1, vip_of(SECOND), true);
	for (unsigned i = 0; i < 200; i++) {
		put(0, i, 1);
		put(1, SECOND + i, 1);
		run(100 * USEC_PER_MSEC);
	}
	assert_int_equal(rig->ends[0].table.n, 400);
	assert_int_equal(rig->ends[1].table.n, 400);
	assert_true(counters(0)->records_out == 200 && counters(1)->records_out == 200);
	/* And one takes the other's work over. */
	set_active_for(0, vip_of(SECOND), true);
	set_active_for(1, vip_of(SECOND), false);
	put(0, SECOND + 7, 4);
	run(100 * USEC_PER_MSEC);
	assert_int_equal(state_of(1, SECOND + 7), 4);
}

/*
 * Who hands one of two addresses over, and is told of that a moment after the new Active's first word, does
 * not insist on what he writes about the other: all of it would be told again, and outdo who takes over
 * that one meanwhile.
 */
static void test_one_of_two_is_handed_over(void **state)
{
	uint64_t records;

	run(USEC_PER_SEC);
	set_active_for(0, vip_of(0), true);
	set_active_for(0, vip_of(SECOND), true);
	for (uint32_t i = 0; i < 100; i++)
		put(0, i, 1);
	run(USEC_PER_SEC);
	records = counters(0)->records_out;
	set_active_for(1, vip_of(SECOND), true);
	put(1, SECOND, 1);
	run(100 * USEC_PER_MSEC);
	assert_null(get(0, SECOND)); /* it waits */
	set_active_for(0, vip_of(SECOND), false);
	run(3 * USEC_PER_SEC);
	assert_non_null(get(0, SECOND));
	assert_int_equal(counters(0)->records_out, records);
}

static void put_many(unsigned end, uint32_t first, uint32_t n, uint16_t state)
{
	for (uint32_t i = first; i < first + n; i++)
		put(end, i, state);
}

/*
 * Each has been Active for both addresses, and is for one of them now. What it once wrote about the
 * other's is not insisted on, whatever makes it insist: they would go on with that for ever.
 */
static void test_former_work(void **state)
{
	uint64_t frames;

	run(USEC_PER_SEC);
	for (unsigned end = 0; end < 2; end++) {
		set_active_for(!end, vip_of(0), false);
		set_active_for(!end, vip_of(SECOND), false);
		set_active_for(end, vip_of(0), true);
		set_active_for(end, vip_of(SECOND), true);
		put_many(end, 0, end ? 1000 : 2000, 1);
		put_many(end, SECOND, end ? 1000 : 2000, 1);
		run(USEC_PER_SEC);
	}
	set_active_for(1, vip_of(0), false);
	set_active_for(0, vip_of(0), true);
	put_many(0, 0, 500, 4);
	run(USEC_PER_SEC);
	end_renew(1);
	frames = counters(0)->frames_out + counters(1)->frames_out;
	run(30 * USEC_PER_SEC);
	assert_in_range(counters(0)->frames_out + counters(1)->frames_out - frames, 300, 1600);
	assert_true(peer(0, 1).synced && peer(1, 0).synced && !peer(0, 1).lag && !peer(1, 0).lag);
	assert_int_equal(state_of(1, 7), 4);
	assert_int_equal(get(1, 7)->owner, SYNC_OWNER_PEER);
}

/* However much there is to tell, those who contest each other's word do not shout. */
static void test_two_actives_with_much_to_tell(void **state)
{
	uint64_t frames;

	run(USEC_PER_SEC);
	set_active(0, true);
	put_many(0, 0, 5000, 1);
	run(USEC_PER_SEC);
	set_active(1, true);
	put_many(1, 0, 5000, 1);
	run(100 * USEC_PER_MSEC);
	frames = counters(1)->frames_out;
	run(USEC_PER_SEC); /* before either insists */
	assert_in_range(counters(1)->frames_out - frames, 10, 400);
	set_active(0, false);
	run(USEC_PER_SEC);
	assert_int_equal(get(0, 4999)->owner, SYNC_OWNER_PEER);
}

static void test_hearsay(void **state)
{
	put(0, 1, 1);
	run(USEC_PER_SEC);
	rig->ends[0].deaf = true; /* it has told it to 1; now 2 comes, and 0 is gone */
	rig->n = 3;
	end_stop(0);
	end_start(0);
	run(USEC_PER_SEC);
	assert_int_equal(get(2, 1)->owner, SYNC_OWNER_HEARSAY);
	assert_int_equal(state_of(2, 1), 1);
	assert_int_equal(sync_record_flags(get(2, 1)->record), 0); /* no mark of ours is left */
}

/*
 * What an end that restarts has told is told on, behind all that was there before. It does not believe
 * to have all before that has come, in whatever order the two meet.
 */
static void test_synced_when_all_is_there(void **state)
{
	rig->loss = 20;
	for (unsigned life = 0; life < 30; life++) {
		set_active(0, true);
		for (uint32_t n = 0; n < 500; n++)
			put(0, n, 1 + life % 2);
		run(300 * USEC_PER_MSEC);
		assert_int_equal(rig->ends[1].table.n, 500);
		end_stop(0);
		rig->now_us += draw() % 2000 * USEC_PER_MSEC;
		end_start(0);
		for (unsigned i = 0; i < 2000 && !sync_session_is_synced(rig->ends[0].session); i++)
			run(USEC_PER_MSEC);
		assert_true(sync_session_is_synced(rig->ends[0].session));
		assert_int_equal(rig->ends[0].table.n, 500);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYNC_RIG_TEST(test_takeover),
		SYNC_RIG_TEST(test_restart_of_the_active),
		SYNC_RIG_TEST(test_restart_leaves_the_kernel_alone),
		SYNC_RIG_TEST(test_hearsay_for_a_backup),
		SYNC_RIG_TEST(test_other_paths_of_an_active_alone),
		SYNC_RIG_TEST(test_two_actives),
		SYNC_RIG_TEST(test_shared_work),
		SYNC_RIG_TEST(test_one_of_two_is_handed_over),
		SYNC_RIG_TEST(test_former_work),
		SYNC_RIG_TEST(test_two_actives_with_much_to_tell),
		SYNC_RIG_TEST(test_hearsay),
		SYNC_RIG_TEST(test_synced_when_all_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
