/* SPDX-License-Identifier: Apache-2.0 */
/* What the lines of reload_time_file mean (core/reload_time.c). */
#include "core/reload_time.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* 2026-03-04 12:00:00 UTC, which is 14:00:00 in the time zone of these tests. */
#define NOW_S 1772625600

static int use_zone(void **state)
{
	setenv("TZ", "TEST-2", 1);
	tzset();
	return 0;
}

static void expect_after(const char *text, long seconds)
{
	time_t at_s = 0;

	assert_int_equal(reload_time_parse(text, NOW_S, &at_s), 0);
	assert_int_equal(at_s - NOW_S, seconds);
}

static void test_time_of_day_is_the_next_one(void **state)
{
	expect_after("14:00:01", 1);
	expect_after("14:00:00", 24 * 3600);
	expect_after("13:59:59", 24 * 3600 - 1);
	expect_after("12:00:01Z", 1);
	expect_after("12:00:00Z\nthe rest is nobody's business\n", 24 * 3600);
	expect_after("01:00:00Z", 13 * 3600);
}

static void test_date(void **state)
{
	expect_after("2026-03-04 14:00:10", 10);
	expect_after("26-03-04 14:00:10", 10);
	expect_after("2026-03-04 12:00:10Z", 10);
	expect_after("26-03-05 12:00:00Z\n", 24 * 3600);
}

static void test_date_that_has_passed(void **state)
{
	time_t at_s;

	assert_int_equal(reload_time_parse("2026-03-04 14:00:00", NOW_S, &at_s), -ETIME);
	assert_int_equal(reload_time_parse("1999-12-31 23:59:59Z", NOW_S, &at_s), -ETIME);
}

static void test_what_is_no_time(void **state)
{
	static const char *const wrong[] = {
		"",
		"\n",
		"Z",
		"soon",
		" 14:00:01",
		"14:00:01 ",
		"14:00",
		"4:00:01",
		"24:00:00",
		"14:60:00",
		"14:00:60",
		"14:00:01z",
		"14:00:01 Z",
		"2026-03-04",
		"2026-03-04  14:00:10",
		"2026-3-4 14:00:10",
		"2026-13-04 14:00:10",
		"2026-00-04 14:00:10",
		"2026-04-31 14:00:10",
		"2026-04-00 14:00:10",
		"126-03-04 14:00:10",
		"2026-03-04T14:00:10",
	};
	time_t at_s;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (reload_time_parse(wrong[i], NOW_S, &at_s) != -EINVAL)
			fail_msg("'%s' was taken for a time", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_of_day_is_the_next_one),
		cmocka_unit_test(test_date),
		cmocka_unit_test(test_date_that_has_passed),
		cmocka_unit_test(test_what_is_no_time),
	};

	return cmocka_run_group_tests(tests, use_zone, NULL);
}
