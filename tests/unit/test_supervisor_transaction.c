/* SPDX-License-Identifier: Apache-2.0 */
/* The reload over all roles (core/transaction.c). */
#include "core/transaction.h"

#include "core/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ALL  (ROLE_VRRP | ROLE_CHECK | ROLE_IPVS)
#define LATE (1000 * USEC_PER_SEC)

static struct transaction begun(void)
{
	struct transaction t = {0};
	struct transaction_actions a = transaction_begin(&t, 7, ALL, 0);

	assert_int_equal(a.prepare, ALL);
	assert_int_equal(a.result, TRANSACTION_PENDING);
	return t;
}

static struct transaction decided(void)
{
	struct transaction t = begun();
	struct transaction_actions a;

	transaction_prepared(&t, ROLE_VRRP, 7, 0, 1);
	transaction_prepared(&t, ROLE_CHECK, 7, 0, 1);
	a = transaction_prepared(&t, ROLE_IPVS, 7, 0, 1);
	assert_int_equal(a.commit, ALL);
	assert_true(a.decided);
	assert_int_equal(a.result, TRANSACTION_PENDING);
	return t;
}

static void assert_idle(const struct transaction *t)
{
	assert_int_equal(t->phase, TRANSACTION_IDLE);
	assert_int_equal(t->deadline_us, USEC_NEVER);
}

static void assert_nothing(struct transaction_actions a)
{
	assert_false(a.prepare || a.commit || a.abort || a.kill || a.decided);
	assert_int_equal(a.result, TRANSACTION_PENDING);
}

static void test_all_agree(void **state)
{
	struct transaction t = decided();

	assert_nothing(transaction_committed(&t, ROLE_VRRP, 7));
	assert_nothing(transaction_committed(&t, ROLE_VRRP, 7));
	assert_nothing(transaction_committed(&t, ROLE_IPVS, 7));
	assert_int_equal(transaction_committed(&t, ROLE_CHECK, 7).result, TRANSACTION_COMMITTED);
	assert_idle(&t);
}

static void test_no_roles(void **state)
{
	struct transaction t = {0};
	struct transaction_actions a = transaction_begin(&t, 2, 0, 0);

	assert_true(a.decided);
	assert_int_equal(a.result, TRANSACTION_COMMITTED);
	assert_idle(&t);
}

static void test_one_refuses(void **state)
{
	struct transaction t = begun();
	struct transaction_actions a;

	transaction_prepared(&t, ROLE_VRRP, 7, 0, 1);
	a = transaction_prepared(&t, ROLE_IPVS, 7, -EINVAL, 1);
	assert_int_equal(a.result, TRANSACTION_REFUSED);
	assert_int_equal(a.culprit, ROLE_IPVS);
	assert_int_equal(a.abort, ROLE_VRRP | ROLE_CHECK);
	assert_false(a.decided);
	assert_idle(&t);
	assert_nothing(transaction_prepared(&t, ROLE_CHECK, 7, 0, 2));
}

static void test_one_dies_while_preparing(void **state)
{
	struct transaction t = begun();
	struct transaction_actions a = transaction_role_lost(&t, ROLE_CHECK);

	assert_int_equal(a.result, TRANSACTION_LOST);
	assert_int_equal(a.culprit, ROLE_CHECK);
	assert_int_equal(a.abort, ROLE_VRRP | ROLE_IPVS);
	assert_idle(&t);
}

static void test_one_is_silent_while_preparing(void **state)
{
	struct transaction t = begun();
	struct transaction_actions a;

	transaction_prepared(&t, ROLE_VRRP, 7, 0, 1);
	transaction_prepared(&t, ROLE_IPVS, 7, 0, 1);
	assert_nothing(transaction_timer(&t, 0, 2));
	a = transaction_timer(&t, 0, LATE);
	assert_int_equal(a.result, TRANSACTION_TIMED_OUT);
	assert_int_equal(a.culprit, ROLE_CHECK);
	assert_int_equal(a.abort, ALL);
	assert_idle(&t);
}

static void test_late_answers_to_another_generation(void **state)
{
	struct transaction t = begun();

	assert_nothing(transaction_prepared(&t, ROLE_VRRP, 6, -EINVAL, 1));
	assert_nothing(transaction_committed(&t, ROLE_VRRP, 7));
	assert_int_equal(t.answered, 0);
}

static void test_no_way_back_after_the_decision(void **state)
{
	struct transaction t = decided();
	struct transaction_actions a;

	assert_nothing(transaction_role_lost(&t, ROLE_VRRP));
	assert_nothing(transaction_committed(&t, ROLE_CHECK, 7));
	a = transaction_committed(&t, ROLE_IPVS, 7);
	assert_int_equal(a.result, TRANSACTION_PARTIAL);
	assert_int_equal(a.culprit, ROLE_VRRP);
	assert_int_equal(a.abort, 0);
	assert_idle(&t);
}

static void test_one_is_silent_after_the_decision(void **state)
{
	struct transaction t = decided();
	struct transaction_actions a;

	transaction_committed(&t, ROLE_VRRP, 7);
	transaction_committed(&t, ROLE_CHECK, 7);
	a = transaction_timer(&t, 0, LATE);
	assert_int_equal(a.kill, ROLE_IPVS);
	assert_int_equal(a.result, TRANSACTION_PARTIAL);
	assert_idle(&t);
}

/* A busy machine, not a role that hangs: but not for ever. */
static void test_one_is_slow(void **state)
{
	struct transaction t = decided();
	struct transaction_actions a;
	int64_t deadline_us = t.deadline_us;

	transaction_committed(&t, ROLE_VRRP, 7);
	transaction_committed(&t, ROLE_CHECK, 7);
	assert_nothing(transaction_timer(&t, ROLE_IPVS, deadline_us));
	assert_true(t.deadline_us > deadline_us);
	assert_nothing(transaction_timer(&t, 0, deadline_us + 1));
	a = transaction_timer(&t, ROLE_CHECK, t.deadline_us);
	assert_int_equal(a.kill, ROLE_IPVS);

	t = begun();
	transaction_prepared(&t, ROLE_VRRP, 7, 0, 1);
	while (!(a = transaction_timer(&t, ROLE_IPVS, t.deadline_us)).result)
		assert_true(t.deadline_us < LATE);
	assert_int_equal(a.result, TRANSACTION_TIMED_OUT);
}

static void test_roles_that_take_no_part(void **state)
{
	struct transaction t = {0};

	transaction_begin(&t, 7, ROLE_VRRP, 0);
	assert_nothing(transaction_role_lost(&t, ROLE_IPVS));
	assert_nothing(transaction_prepared(&t, ROLE_IPVS, 7, -EINVAL, 0));
	assert_int_equal(transaction_prepared(&t, ROLE_VRRP, 7, 0, 0).commit, ROLE_VRRP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_agree),
		cmocka_unit_test(test_no_roles),
		cmocka_unit_test(test_one_refuses),
		cmocka_unit_test(test_one_dies_while_preparing),
		cmocka_unit_test(test_one_is_silent_while_preparing),
		cmocka_unit_test(test_late_answers_to_another_generation),
		cmocka_unit_test(test_no_way_back_after_the_decision),
		cmocka_unit_test(test_one_is_silent_after_the_decision),
		cmocka_unit_test(test_one_is_slow),
		cmocka_unit_test(test_roles_that_take_no_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
