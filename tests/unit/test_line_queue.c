/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that wait for a slow reader (core/line_queue.c). */
#include "core/line_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What a reader that takes `at_once` bytes at a time gets. */
static const char *read_all(struct line_queue *q, size_t at_once)
{
	static char got[512];
	const char *next;
	size_t len, at = 0;

	while ((next = line_queue_next(q, &len))) {
		size_t n = len < at_once ? len : at_once;

		memcpy(got + at, next, n);
		at += n;
		line_queue_took(q, n);
	}
	got[at] = 0;
	return got;
}

static uint32_t add(struct line_queue *q, const char *line)
{
	return line_queue_add(q, line, strlen(line));
}

static void test_order(void **state)
{
	struct line_queue q;

	line_queue_init(&q, 100);
	assert_string_equal(read_all(&q, 9), "");
	for (size_t at_once = 1; at_once < 6; at_once++) {
		assert_int_equal(add(&q, "one\n"), 0);
		assert_int_equal(add(&q, "two\n"), 0);
		assert_string_equal(read_all(&q, at_once), "one\ntwo\n");
	}
	assert_int_equal(q.passed, 10);
	assert_int_equal(q.lost, 0);
	assert_int_equal(q.bytes, 0);
	line_queue_done(&q);
}

static void test_the_oldest_are_lost(void **state)
{
	struct line_queue q;

	line_queue_init(&q, 12);
	assert_int_equal(add(&q, "aaa\n") + add(&q, "bbb\n") + add(&q, "ccc\n"), 0);
	assert_int_equal(add(&q, "d\n"), 1);
	assert_int_equal(add(&q, "eeeeee\n"), 2);
	assert_string_equal(read_all(&q, 3), "d\neeeeee\n");
	assert_int_equal(q.lost, 3);
	assert_int_equal(q.passed, 2);
	line_queue_done(&q);
}

/* The reader has its beginning: it gets the rest, and no line is glued to another. */
static void test_a_line_on_its_way_is_kept(void **state)
{
	struct line_queue q;

	line_queue_init(&q, 8);
	add(&q, "aaa\n");
	add(&q, "bbb\n");
	line_queue_took(&q, 2);
	assert_int_equal(add(&q, "ccc\n"), 1);
	assert_int_equal(add(&q, "a long one\n"), 1);
	assert_string_equal(read_all(&q, 99), "a\na long one\n");
	line_queue_done(&q);
}

static void test_giving_up(void **state)
{
	struct line_queue q;

	line_queue_init(&q, 100);
	add(&q, "aaa\n");
	add(&q, "bbb\n");
	line_queue_took(&q, 2);
	assert_int_equal(line_queue_give_up(&q), 2);
	assert_int_equal(q.lost, 2);
	add(&q, "ccc\n");
	assert_string_equal(read_all(&q, 99), "ccc\n");
	add(&q, "left behind\n");
	line_queue_done(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_the_oldest_are_lost),
		cmocka_unit_test(test_a_line_on_its_way_is_kept),
		cmocka_unit_test(test_giving_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
