/* SPDX-License-Identifier: Apache-2.0 */
/* Links that come and go (vrrp/debounce.c). */
#include "vrrp/debounce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_at_once(void **state)
{
	struct debounce d = {.up = true};

	debounce_note(&d, false, 0, 100);
	assert_false(d.up);
	debounce_note(&d, true, 0, 200);
	assert_true(d.up);
	assert_int_equal(d.turns_us, 0);
}

static void test_stays(void **state)
{
	struct debounce d = {.up = true};

	debounce_note(&d, false, 50, 100);
	assert_true(d.up);
	assert_false(debounce_turn(&d, 149));
	debounce_note(&d, false, 50, 140); /* told again: it counts from the first */
	assert_true(debounce_turn(&d, 150));
	assert_false(d.up);
	assert_false(debounce_turn(&d, 1000));
}

static void test_comes_back(void **state)
{
	struct debounce d = {.up = true};

	debounce_note(&d, false, 50, 100);
	debounce_note(&d, true, 50, 130);
	assert_int_equal(d.turns_us, 0);
	assert_false(debounce_turn(&d, 1000));
	assert_true(d.up);
	debounce_note(&d, false, 50, 2000); /* and counts anew */
	assert_false(debounce_turn(&d, 2049));
	assert_true(debounce_turn(&d, 2050));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_stays),
		cmocka_unit_test(test_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
