/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's memory (checkers/curl_memory.c). */
#include "checkers/curl_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MANY 100000

static bool is_filled(const uint8_t *at, size_t n, uint8_t with)
{
	for (size_t i = 0; i < n; i++)
		if (at[i] != with)
			return false;
	return true;
}

static void test_a_block_serves_again(void **state)
{
	void *first = curl_memory_malloc(100);
	void *other;

	curl_memory_free(first);
	other = curl_memory_malloc(120); /* of the same size, near enough */
	assert_ptr_equal(other, first);
	curl_memory_free(other);
	curl_memory_free(NULL);
}

static void test_all_sizes_are_whole_and_aligned(void **state)
{
	for (size_t bytes = 0; bytes < 20000; bytes += 37) {
		uint8_t *at = curl_memory_malloc(bytes);

		assert_int_equal((uintptr_t)at % _Alignof(max_align_t), 0);
		memset(at, 0xa5, bytes);
		curl_memory_free(at);
	}
}

static void test_calloc_is_zeroed_and_does_not_overflow(void **state)
{
	uint8_t *at = curl_memory_malloc(500);

	memset(at, 0xff, 500);
	curl_memory_free(at);
	at = curl_memory_calloc(50, 10);
	assert_true(is_filled(at, 500, 0));
	curl_memory_free(at);
	assert_null(curl_memory_calloc(SIZE_MAX / 2, 3));
	assert_null(curl_memory_malloc(SIZE_MAX));
	assert_null(curl_memory_realloc(NULL, SIZE_MAX - 4));
}

static void test_realloc_keeps_what_is_there(void **state)
{
	uint8_t *at = curl_memory_realloc(NULL, 10);

	memset(at, 7, 10);
	for (size_t bytes = 10; bytes < 100000; bytes = bytes * 3 / 2) {
		at = curl_memory_realloc(at, bytes);
		assert_true(is_filled(at, 10, 7));
		memset(at, 7, bytes);
	}
	at = curl_memory_realloc(at, 10);
	assert_true(is_filled(at, 10, 7));
	curl_memory_free(at);
}

static void test_strdup(void **state)
{
	char *copy = curl_memory_strdup("192.0.2.1");

	assert_string_equal(copy, "192.0.2.1");
	curl_memory_free(copy);
}

/* More than may wait goes back; the sanitizer counts what is lost. */
static void test_a_crowd_comes_and_goes(void **state)
{
	static uint32_t *crowd[MANY];

	/* Each is somebody's own: what is written to one is in no other. */
	for (uint32_t i = 0; i < MANY; i++) {
		crowd[i] = curl_memory_malloc(sizeof(**crowd) + i % 300);
		assert_non_null(crowd[i]);
		*crowd[i] = i;
	}
	for (uint32_t i = 0; i < MANY; i++) {
		assert_int_equal(*crowd[i], i);
		curl_memory_free(crowd[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_block_serves_again),
		cmocka_unit_test(test_all_sizes_are_whole_and_aligned),
		cmocka_unit_test(test_calloc_is_zeroed_and_does_not_overflow),
		cmocka_unit_test(test_realloc_keeps_what_is_there),
		cmocka_unit_test(test_strdup),
		cmocka_unit_test(test_a_crowd_comes_and_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
