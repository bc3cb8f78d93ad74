/* SPDX-License-Identifier: Apache-2.0 */
/* Rise and fall of a vrrp_script (core/track_machine.c): runs as letters, p passed and f failed. */
#include "core/model.h"
#include "core/track_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* After each run: u up, d down; ? before the first, when nothing is known. */
static void expect(const struct track_script *conf, const char *runs, const char *states)
{
	struct track_machine m;

	track_machine_init(&m, conf);
	for (size_t i = 0;; i++) {
		char is = !m.known ? '?' : m.up ? 'u' : 'd';
		bool changed;

		assert_int_equal(is, states[i]);
		if (!runs[i])
			return;
		changed = track_machine_step(&m, conf, runs[i] == 'p');
		assert_int_equal(changed, states[i + 1] != states[i]);
	}
}

static void test_first_run_decides(void **state)
{
	const struct track_script conf = {.rise = 3, .fall = 3};

	expect(&conf, "p", "?u");
	expect(&conf, "f", "?d");
}

static void test_rise_and_fall(void **state)
{
	const struct track_script conf = {.rise = 2, .fall = 3}, plain = {.rise = 1, .fall = 1};

	expect(&conf, "pffpfffppf", "?uuuuuudduu");
	expect(&plain, "pfpf", "?udud");
}

static void test_init_fail(void **state)
{
	const struct track_script conf = {.rise = 2, .fall = 1, .init_fail = true};

	expect(&conf, "fpp", "dddu");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_run_decides),
		cmocka_unit_test(test_rise_and_fall),
		cmocka_unit_test(test_init_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
