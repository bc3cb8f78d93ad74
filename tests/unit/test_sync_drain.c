/* SPDX-License-Identifier: Apache-2.0 */
/* When the peers have all before a hand-over (sync/drain.c). */
#include "sync/drain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define T  (100 * USEC_PER_SEC)
#define MS USEC_PER_MSEC

static void test_waits_for_the_kernel(void **state)
{
	struct sync_drain d = {0};

	assert_false(sync_drain_is_over(&d, T, 10, 1, 10)); /* nobody has asked */
	sync_drain_ask(&d, T);
	assert_false(sync_drain_is_over(&d, T, 10, 1, 10));
	assert_false(sync_drain_is_over(&d, T + 49 * MS, 10, 1, 10));
	assert_true(sync_drain_is_over(&d, T + 50 * MS, 10, 1, 10));
	assert_false(sync_drain_is_over(&d, T + 51 * MS, 10, 1, 10)); /* it was said */
}

static void test_waits_for_the_peers(void **state)
{
	struct sync_drain d = {0};

	sync_drain_ask(&d, T);
	assert_false(sync_drain_is_over(&d, T + 10 * MS, 10, 2, 10));
	/* The kernel has told two more meanwhile, and goes on telling. */
	assert_false(sync_drain_is_over(&d, T + 50 * MS, 12, 2, 10));
	assert_false(sync_drain_is_over(&d, T + 60 * MS, 20, 2, 11));
	assert_true(sync_drain_is_over(&d, T + 70 * MS, 30, 2, 12));
}

static void test_nobody_follows(void **state)
{
	struct sync_drain d = {0};

	sync_drain_ask(&d, T);
	assert_true(sync_drain_is_over(&d, T, 10, 0, UINT64_MAX));
	/* The last one dies while it is waited for. */
	sync_drain_ask(&d, T);
	assert_false(sync_drain_is_over(&d, T + 60 * MS, 10, 1, 3));
	assert_true(sync_drain_is_over(&d, T + 90 * MS, 10, 0, UINT64_MAX));
}

static void test_a_peer_asks(void **state)
{
	struct sync_drain_order o = {0};

	assert_int_equal(sync_drain_order_due(&o, T), 0);
	sync_drain_order(&o, T, 77);
	assert_int_equal(sync_drain_order_due(&o, T + 49 * MS), 0);
	assert_int_equal(sync_drain_order_due(&o, T + 50 * MS), 77);
	assert_int_equal(sync_drain_order_due(&o, T + 90 * MS), 0);
}

/* Each is answered by what the kernel told after it, and the first is not put off by the others. */
static void test_a_peer_asks_again_and_again(void **state)
{
	struct sync_drain_order o = {0};

	sync_drain_order(&o, T, 1);
	sync_drain_order(&o, T + 20 * MS, 2);
	sync_drain_order(&o, T + 40 * MS, 3);
	assert_int_equal(sync_drain_order_due(&o, T + 50 * MS), 1);
	assert_int_equal(sync_drain_order_due(&o, T + 60 * MS), 0);
	assert_int_equal(sync_drain_order_due(&o, T + 100 * MS), 3);
	assert_int_equal(sync_drain_order_due(&o, T + 200 * MS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_for_the_kernel),
		cmocka_unit_test(test_waits_for_the_peers),
		cmocka_unit_test(test_nobody_follows),
		cmocka_unit_test(test_a_peer_asks),
		cmocka_unit_test(test_a_peer_asks_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
