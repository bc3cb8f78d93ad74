/* SPDX-License-Identifier: Apache-2.0 */
/* When a role is started again (core/backoff.c). */
#include "core/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SECOND ((int64_t)1000000)

static void test_first_restart_is_at_once_then_doubles(void **state)
{
	static const int want_s[] = {0, 1, 2, 4, 8, 16, 32, 60, 60, 60};
	struct backoff b = {0};

	for (size_t i = 0; i < sizeof(want_s) / sizeof(want_s[0]); i++)
		assert_int_equal(backoff_delay_us(&b, SECOND / 10), want_s[i] * SECOND);
}

static void test_later_and_later(void **state)
{
	assert_int_equal(backoff_after_us(0), 0);
	assert_int_equal(backoff_after_us(1), SECOND);
	assert_int_equal(backoff_after_us(6), 32 * SECOND);
	assert_int_equal(backoff_after_us(7), 60 * SECOND);
	assert_int_equal(backoff_after_us(UINT32_MAX), 60 * SECOND);
}

static void test_a_long_life_is_forgiven(void **state)
{
	struct backoff b = {0};

	for (int i = 0; i < 9; i++)
		backoff_delay_us(&b, 0);
	assert_int_equal(backoff_delay_us(&b, BACKOFF_FORGIVE_US), 60 * SECOND);
	assert_int_equal(backoff_delay_us(&b, BACKOFF_FORGIVE_US + 1), 0);
	assert_int_equal(backoff_delay_us(&b, SECOND), SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_restart_is_at_once_then_doubles),
		cmocka_unit_test(test_later_and_later),
		cmocka_unit_test(test_a_long_life_is_forgiven),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
