/* SPDX-License-Identifier: Apache-2.0 */
/* What the ends of MISC_CHECK's scripts, and the numbers of FILE_CHECK's files, mean. */
#include "checkers/file_judge.h"
#include "checkers/misc_judge.h"
#include "core/scripts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct check_misc fixed = {.command = "/x", .timeout_us = 2500000};
static const struct check_misc dynamic = {
	.command = "/x", .timeout_us = 2500000, .dynamic = true};

static struct check_result judge(const struct check_misc *conf, uint8_t how, uint8_t value)
{
	struct msg_script_end end = {.how = how, .value = value};
	struct check_result r = {.latency_us = 1500};

	text_set(&end.reason, "there is no user x");
	misc_judge(conf, &end, &r);
	return r;
}

static void expect(struct check_result r, enum check_outcome outcome, const char *reason)
{
	assert_string_equal(r.reason.s, reason);
	assert_int_equal(r.outcome, outcome);
}

static void test_status(void **state)
{
	expect(judge(&fixed, SCRIPT_EXITED, 0), CHECK_PASS, "exit status 0 in 1.5 ms");
	expect(judge(&fixed, SCRIPT_EXITED, 1), CHECK_FAIL, "exit status 1 after 1.5 ms");
	expect(judge(&fixed, SCRIPT_EXITED, 2), CHECK_FAIL, "exit status 2 after 1.5 ms");
	assert_false(judge(&fixed, SCRIPT_EXITED, 7).has_weight);
}

/* keepalived: 0 leaves the weight as it is, 1 fails, from 2 on the weight is the status less 2. */
static void test_dynamic(void **state)
{
	struct check_result r = judge(&dynamic, SCRIPT_EXITED, 255);

	expect(r, CHECK_PASS, "exit status 255, weight 253, in 1.5 ms");
	assert_true(r.has_weight);
	assert_int_equal(r.weight, 253);
	r = judge(&dynamic, SCRIPT_EXITED, 2);
	assert_true(r.has_weight && r.weight == 0 && r.outcome == CHECK_PASS);
	assert_false(judge(&dynamic, SCRIPT_EXITED, 0).has_weight);
	assert_int_equal(judge(&dynamic, SCRIPT_EXITED, 1).outcome, CHECK_FAIL);
}

static void test_other_ends(void **state)
{
	expect(judge(&dynamic, SCRIPT_SIGNALLED, 9), CHECK_FAIL, "ended by signal 9 after 1.5 ms");
	expect(judge(&dynamic, SCRIPT_TOO_LATE, 0), CHECK_FAIL, "not done in 2.500 s: ended");
	expect(judge(&fixed, SCRIPT_NOT_RUN, 0), CHECK_UNKNOWN, "not run: there is no user x");
	assert_int_equal(judge(&fixed, 77, 0).outcome, CHECK_UNKNOWN);
}

static struct check_result judge_file(int32_t weight, bool reverse, int32_t value)
{
	const struct check_file conf = {.weight = weight, .reverse = reverse};
	struct check_result r = {0};

	file_judge(&conf, value, &r);
	return r;
}

static void expect_weight(struct check_result r, int32_t weight, const char *reason)
{
	expect(r, CHECK_PASS, reason);
	assert_true(r.has_weight);
	assert_int_equal(r.weight, weight);
}

static void test_files(void **state)
{
	expect_weight(judge_file(1, false, 0), 0, "holds 0: +0");
	expect_weight(judge_file(-3, false, 7), -21, "holds 7: -21");
	expect_weight(judge_file(-3, true, 7), 21, "holds 7: +21");
	expect_weight(judge_file(2, false, INT32_MAX), INT32_MAX, "holds 2147483647: +2147483647");
	expect(judge_file(2, false, INT32_MIN), CHECK_FAIL,
	       "holds -2147483648: -4294967296, which is a fault");
	expect(judge_file(1, false, INT32_MIN), CHECK_FAIL,
	       "holds -2147483648: -2147483648, which is a fault");
	expect_weight(judge_file(1, false, -INT32_MAX), -INT32_MAX, "holds -2147483647: -2147483647");
}

static void test_files_with_weight_0(void **state)
{
	expect(judge_file(0, false, 0), CHECK_PASS, "holds 0");
	expect(judge_file(0, false, -1), CHECK_FAIL, "holds -1");
	expect(judge_file(0, true, 0), CHECK_FAIL, "holds 0");
	expect(judge_file(0, true, 3), CHECK_PASS, "holds 3");
	assert_false(judge_file(0, true, 3).has_weight);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_dynamic),
		cmocka_unit_test(test_other_ends),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_files_with_weight_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
