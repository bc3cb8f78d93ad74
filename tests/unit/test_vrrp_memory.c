/* SPDX-License-Identifier: Apache-2.0 */
/* Whose place in the memory is whose, over reloads. */
#include "vrrp/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The instances 1 … LAST. */
#define LAST 3

static uint64_t gone;

static bool is_there(uint64_t instance)
{
	return instance != gone;
}

static void test_places(void **state)
{
	struct memory m = {0};
	struct vrrp_hmac_memory *of[LAST + 1];

	for (uint64_t i = 1; i <= LAST; i++) {
		of[i] = memory_of(&m, i);
		of[i]->sent = i;
	}
	assert_false(m.file);
	memory_retain(&m, is_there);
	for (uint64_t i = 1; i <= LAST; i++) {
		assert_ptr_equal(memory_of(&m, i), of[i]);
		assert_int_equal(of[i]->sent, i);
	}
	/* Its place is the next one's, who finds nothing of it. */
	gone = 2;
	memory_retain(&m, is_there);
	assert_ptr_equal(memory_of(&m, LAST + 1), of[2]);
	assert_int_equal(of[2]->sent, 0);
	assert_ptr_not_equal(memory_of(&m, 2), of[2]);
	assert_int_equal(of[1]->sent, 1);
	assert_int_equal(of[3]->sent, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
