/* SPDX-License-Identifier: Apache-2.0 */
/* A firewall table comes, is put back and goes, also when the kernel refuses at first. */
#include "core/kept_table.h"
#include "core/log.h"
#include "core/nft.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct {
	bool table;
	int refusal; /* -errno of whatever is asked, or 0 */
	unsigned asked;
	unsigned lines;
	char last[512];
} world;

int nft_table_set(const char *table, const char *rules, struct text *ret_reason)
{
	world.asked++;
	if (world.refusal)
		text_set(ret_reason, "no");
	else
		world.table = true;
	return world.refusal;
}

bool nft_table_exists(const char *table)
{
	return world.table;
}

int nft_table_remove(const char *table)
{
	world.asked++;
	if (!world.refusal)
		world.table = false;
	return world.refusal;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(world.last, sizeof(world.last), fmt, ap);
	va_end(ap);
	world.lines++;
}

static int setup(void **state)
{
	static struct kept_table t;

	memset(&world, 0, sizeof(world));
	t = (struct kept_table){.name = "t", .purpose = "what for", .unset = "it is missed",
				.unremoved = "it is too much"};
	*state = &t;
	return 0;
}

static void commit(struct kept_table *t, const char *rules)
{
	kept_table_want(t, rules ? strdup(rules) : NULL);
	kept_table_run(t);
}

static void test_comes_and_goes_as_wanted(void **state)
{
	struct kept_table *t = *state;

	commit(t, "rules");
	assert_true(world.table);
	kept_table_check(t);
	assert_int_equal(world.asked, 1);
	world.table = false;
	kept_table_check(t);
	assert_true(world.table);
	assert_non_null(strstr(world.last, "was gone: set again"));
	commit(t, NULL);
	assert_false(world.table);
	assert_non_null(strstr(world.last, "removed"));
	kept_table_stop(t);
	assert_int_equal(world.lines, 3);
}

static void test_a_former_life_is_cleaned_up(void **state)
{
	struct kept_table *t = *state;

	world.table = true;
	commit(t, NULL);
	assert_false(world.table);
}

static void test_a_refused_set_is_tried_again(void **state)
{
	struct kept_table *t = *state;

	world.refusal = -EBUSY;
	commit(t, "rules");
	kept_table_check(t);
	assert_int_equal(world.asked, 2);
	assert_int_equal(world.lines, 1);
	world.refusal = 0;
	kept_table_check(t);
	assert_true(world.table);
	kept_table_stop(t);
	assert_false(world.table);
}

static void test_a_refused_removal_is_tried_again(void **state)
{
	struct kept_table *t = *state;

	commit(t, "rules");
	world.refusal = -EBUSY;
	commit(t, NULL);
	assert_non_null(strstr(world.last, "can't be removed"));
	kept_table_check(t);
	assert_int_equal(world.lines, 2);
	world.refusal = 0;
	kept_table_check(t);
	assert_false(world.table);
	kept_table_check(t);
	assert_int_equal(world.asked, 4);
	kept_table_stop(t);
	assert_int_equal(world.asked, 4);
}

/* What is wanted again is not removed by what was left to do. */
static void test_a_refused_removal_may_be_overtaken(void **state)
{
	struct kept_table *t = *state;

	commit(t, "rules");
	world.refusal = -EBUSY;
	commit(t, NULL);
	world.refusal = 0;
	commit(t, "rules");
	kept_table_check(t);
	assert_true(world.table);
	kept_table_stop(t);
	assert_false(world.table);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_comes_and_goes_as_wanted),
		TEST(test_a_former_life_is_cleaned_up),
		TEST(test_a_refused_set_is_tried_again),
		TEST(test_a_refused_removal_is_tried_again),
		TEST(test_a_refused_removal_may_be_overtaken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
