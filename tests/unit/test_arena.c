/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is taken back all at once (core/arena.c). */
#include "core/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void fill(struct arena *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t *at = arena_alloc(a, 100);

		for (size_t k = 0; k < 100; k++)
			assert_int_equal(at[k], 0);
		memset(at, 0xff, 100);
	}
}

/* What is taken again and again finds the same room, zeroed. */
static void test_cleared_and_filled_again(void **state)
{
	struct arena *a = arena_new();
	size_t bytes;

	arena_clear(a);
	assert_int_equal(arena_bytes(a), 0);
	for (int i = 0; i < 3; i++) { /* until one block holds it all */
		fill(a, 1000);
		arena_clear(a);
	}
	bytes = arena_bytes(a);
	for (int i = 0; i < 20; i++) {
		fill(a, 1000);
		assert_int_equal(arena_bytes(a), bytes);
		arena_clear(a);
	}
	arena_free(a);
}

/* A piece of its own size stands behind the block in front. */
static void test_the_largest_block_is_kept(void **state)
{
	struct arena *a = arena_new();
	void *large;

	fill(a, 2);
	large = arena_alloc(a, 1 << 20);
	arena_clear(a);
	assert_ptr_equal(arena_alloc(a, 1 << 20), large);
	arena_free(a);
}

/* It is taken at once; what is given out later is in it, and zeroed. */
static void test_extended(void **state)
{
	struct arena *a = arena_new();
	size_t bytes;

	arena_extend(a, 1 << 20);
	bytes = arena_bytes(a);
	assert_true(bytes >= 1 << 20);
	fill(a, 5000);
	assert_int_equal(arena_bytes(a), bytes);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cleared_and_filled_again),
		cmocka_unit_test(test_the_largest_block_is_kept),
		cmocka_unit_test(test_extended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
