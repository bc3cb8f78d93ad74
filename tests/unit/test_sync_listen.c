/* SPDX-License-Identifier: Apache-2.0 */
/* How often to look for more: sync/listen.c. */
#include "sync/listen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A steady rate: how long the turns become. */
static int64_t turn_at(unsigned rate)
{
	int64_t us = SYNC_LISTEN_US;

	for (unsigned i = 0; i < 20; i++)
		us = sync_listen_us((uint64_t)(us * rate / USEC_PER_SEC), us);
	return us;
}

static void test_steady(void **state)
{
	assert_int_equal(turn_at(0), SYNC_LISTEN_US);
	assert_int_equal(turn_at(1000), SYNC_LISTEN_US);
	/* Too many for a turn of 1 ms to be cheap, and still there when turns are longer. */
	assert_int_equal(turn_at(20000), SYNC_LISTEN_FAST_US);
	assert_int_equal(turn_at(50000), SYNC_LISTEN_FAST_US);
	assert_int_equal(turn_at(2000000), SYNC_LISTEN_US);
}

/* The kernel tells 32 at a time, when it has them. */
static void test_in_tens(void **state)
{
	assert_int_equal(sync_listen_us(4, 200 * USEC_PER_MSEC), SYNC_LISTEN_US);
	assert_int_equal(sync_listen_us(32, 20 * USEC_PER_MSEC), SYNC_LISTEN_BUSY_US);
	assert_int_equal(sync_listen_us(32, 3200), SYNC_LISTEN_FAST_US);
	assert_int_equal(sync_listen_us(96, 10 * USEC_PER_MSEC), SYNC_LISTEN_FAST_US);
	assert_int_equal(sync_listen_us(6720, 10 * USEC_PER_MSEC), SYNC_LISTEN_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_in_tens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
