/* SPDX-License-Identifier: Apache-2.0 */
/* First runs are spread evenly, and always in the same way. */
#include "checkers/schedule.h"
#include "core/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define N 10000

static struct schedule_slot *slots(size_t n)
{
	struct schedule_slot *s = calloc(n, sizeof(*s));

	assert_non_null(s);
	for (size_t i = 0; i < n; i++)
		s[i] = (struct schedule_slot){
			.id = i + 1, .warmup_us = 60 * USEC_PER_SEC, .place = i};
	return s;
}

static int by_place(const void *a, const void *b)
{
	size_t x = ((const struct schedule_slot *)a)->place;
	size_t y = ((const struct schedule_slot *)b)->place;

	return x < y ? -1 : x > y;
}

static void test_even(void **state)
{
	struct schedule_slot *s = slots(N);
	unsigned in_second[60] = {0};

	schedule_spread(s, N, 1000 * USEC_PER_SEC);
	for (size_t i = 0; i < N; i++) {
		int64_t second = s[i].first_run_us / USEC_PER_SEC - 1000;

		assert_in_range(second, 0, 59);
		in_second[second]++;
	}
	for (int i = 0; i < 60; i++)
		assert_in_range(in_second[i], N / 60, N / 60 + 1);
	free(s);
}

static void test_neighbours_are_apart_and_order_does_not_matter(void **state)
{
	struct schedule_slot *a = slots(N), *b = slots(N), swap;
	size_t near = 0;

	for (size_t i = 0; i < N / 2; i++) {
		swap = b[i];
		b[i] = b[N - 1 - i];
		b[N - 1 - i] = swap;
	}
	schedule_spread(a, N, 0);
	schedule_spread(b, N, 0);
	qsort(a, N, sizeof(*a), by_place);
	qsort(b, N, sizeof(*b), by_place);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(a[i].first_run_us, b[i].first_run_us);
		if (i && llabs(a[i].first_run_us - a[i - 1].first_run_us) < USEC_PER_SEC)
			near++;
	}
	assert_true(near < N / 20);
	free(a);
	free(b);
}

static void test_each_within_its_own_warmup(void **state)
{
	struct schedule_slot *s = slots(N);

	for (size_t i = 0; i < N; i++)
		s[i].warmup_us = (int64_t)(i % 7) * USEC_PER_SEC;
	schedule_spread(s, N, 5);
	for (size_t i = 0; i < N; i++) {
		assert_true(s[i].first_run_us >= 5);
		assert_true(s[i].first_run_us <= 5 + s[i].warmup_us);
	}
	free(s);
}

static void test_one_runs_at_once(void **state)
{
	struct schedule_slot s = {.id = 7, .warmup_us = 60 * USEC_PER_SEC};

	schedule_spread(&s, 1, 77);
	assert_int_equal(s.first_run_us, 77);
	schedule_spread(NULL, 0, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_even),
		cmocka_unit_test(test_neighbours_are_apart_and_order_does_not_matter),
		cmocka_unit_test(test_each_within_its_own_warmup),
		cmocka_unit_test(test_one_runs_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
