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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_for_the_kernel),
		cmocka_unit_test(test_waits_for_the_peers),
		cmocka_unit_test(test_nobody_follows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
