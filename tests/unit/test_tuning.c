/* SPDX-License-Identifier: Apache-2.0 */
/* What the file and tandem's defaults make of a role's scheduling (core/tuning.c). */
#include "core/tuning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct role_desc vrrp = {.id = ROLE_VRRP, .nice = -15};
static const struct role_desc check = {.id = ROLE_CHECK};
static const struct role_desc ipvs = {.id = ROLE_IPVS, .nice = -5};

static struct cpu cpus[] = {{1}, {3}};
static struct tuning silent = {.nice = TUNING_NICE_NONE};
static struct tuning full = {.nice = 0,
				   .rt_priority = 50,
				   .no_swap = true,
				   .cpus = cpus,
				   .n_cpus = 2};

/* What an administrator may have given the whole. */
static struct tuning_wanted batch_on_four(void)
{
	struct tuning_wanted whole = {.policy = SCHED_BATCH};

	for (int i = 0; i < 4; i++)
		CPU_SET(i, &whole.cpus);
	return whole;
}

static void test_nothing_said_is_the_roles_own(void **state)
{
	struct global g = {.vrrp_tuning = &silent, .checker_tuning = &full};
	struct tuning_wanted whole = batch_on_four(), w;

	tuning_want(&vrrp, &g, &whole, &w);
	assert_int_equal(w.nice, -15);
	assert_false(w.nice_asked);
	assert_int_equal(w.policy, SCHED_BATCH);
	assert_int_equal(w.rt_priority, 0);
	assert_false(w.no_swap);
	assert_true(CPU_EQUAL(&w.cpus, &whole.cpus));
}

static void test_what_is_said_is_taken(void **state)
{
	struct global g = {.vrrp_tuning = &silent, .checker_tuning = &full};
	struct tuning_wanted whole = batch_on_four(), w;

	tuning_want(&check, &g, &whole, &w);
	assert_int_equal(w.nice, 0);
	assert_true(w.nice_asked);
	assert_int_equal(w.policy, SCHED_RR);
	assert_int_equal(w.rt_priority, 50);
	assert_true(w.no_swap);
	assert_int_equal(CPU_COUNT(&w.cpus), 2);
	assert_true(CPU_ISSET(1, &w.cpus) && CPU_ISSET(3, &w.cpus));
}

static void test_other_roles_keep_theirs(void **state)
{
	struct global g = {.vrrp_tuning = &full, .checker_tuning = &full};
	struct tuning_wanted whole = batch_on_four(), w;

	tuning_want(&ipvs, &g, &whole, &w);
	assert_int_equal(w.nice, -5);
	assert_int_equal(w.policy, SCHED_BATCH);
	assert_int_equal(w.rt_priority, 0);
	assert_true(CPU_EQUAL(&w.cpus, &whole.cpus));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_said_is_the_roles_own),
		cmocka_unit_test(test_what_is_said_is_taken),
		cmocka_unit_test(test_other_roles_keep_theirs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
