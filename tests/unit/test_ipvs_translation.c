/* SPDX-License-Identifier: Apache-2.0 */
/* The table of lvs_method SNAT comes, is put back and goes, also when the kernel refuses at first.
 */
#include "core/log.h"
#include "core/nft.h"
#include "ipvs/translation.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

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

static struct real_server server = {.port = 80, .forward = IPVS_FORWARD_SNAT};
static struct virtual_server service = {
	.family = AF_INET, .protocol = IPPROTO_TCP, .port = 80, .servers = &server, .n_servers = 1};
static const struct model with = {.services = &service, .n_services = 1};
static const struct model without;

static int setup(void **state)
{
	static struct translation t;

	memset(&world, 0, sizeof(world));
	t = (struct translation){0};
	server.address = addr_from_bytes(AF_INET, (uint8_t[]){10, 0, 0, 1});
	service.address = addr_from_bytes(AF_INET, (uint8_t[]){192, 0, 2, 1});
	*state = &t;
	return 0;
}

static void commit(struct translation *t, const struct model *m)
{
	translation_commit(t, m);
	translation_run(t);
}

static void test_comes_and_goes_with_the_model(void **state)
{
	struct translation *t = *state;

	commit(t, &with);
	assert_true(world.table);
	translation_check(t);
	assert_int_equal(world.asked, 1);
	world.table = false;
	translation_check(t);
	assert_true(world.table);
	assert_non_null(strstr(world.last, "was gone: set again"));
	commit(t, &without);
	assert_false(world.table);
	assert_non_null(strstr(world.last, "removed"));
	translation_stop(t);
	assert_int_equal(world.lines, 3);
}

static void test_a_former_life_is_cleaned_up(void **state)
{
	struct translation *t = *state;

	world.table = true;
	commit(t, &without);
	assert_false(world.table);
}

static void test_a_refused_set_is_tried_again(void **state)
{
	struct translation *t = *state;

	world.refusal = -EBUSY;
	commit(t, &with);
	translation_check(t);
	assert_int_equal(world.asked, 2);
	assert_int_equal(world.lines, 1);
	world.refusal = 0;
	translation_check(t);
	assert_true(world.table);
	translation_stop(t);
	assert_false(world.table);
}

static void test_a_refused_removal_is_tried_again(void **state)
{
	struct translation *t = *state;

	commit(t, &with);
	world.refusal = -EBUSY;
	commit(t, &without);
	assert_non_null(strstr(world.last, "can't be removed"));
	translation_check(t);
	assert_int_equal(world.lines, 2);
	world.refusal = 0;
	translation_check(t);
	assert_false(world.table);
	translation_check(t);
	assert_int_equal(world.asked, 4);
	translation_stop(t);
	assert_int_equal(world.asked, 4);
}

/* What is wanted again is not removed by what was left to do. */
static void test_a_refused_removal_may_be_overtaken(void **state)
{
	struct translation *t = *state;

	commit(t, &with);
	world.refusal = -EBUSY;
	commit(t, &without);
	world.refusal = 0;
	commit(t, &with);
	translation_check(t);
	assert_true(world.table);
	translation_stop(t);
	assert_false(world.table);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_comes_and_goes_with_the_model),
		TEST(test_a_former_life_is_cleaned_up),
		TEST(test_a_refused_set_is_tried_again),
		TEST(test_a_refused_removal_is_tried_again),
		TEST(test_a_refused_removal_may_be_overtaken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
