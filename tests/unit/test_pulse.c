/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a process that does not answer is at work (core/pulse.c). */
#include "core/pulse.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void test_a_line_of_stat(void **state)
{
	uint64_t ticks = 0;
	char at = 0;

	assert_true(pulse_parse("7 (a) R 1) S 1 2 3 0 -1 4 5 6 7 8 30 12 0 0 20 0 1", &at, &ticks));
	assert_int_equal(at, 'S');
	assert_int_equal(ticks, 42);
	assert_false(pulse_parse("", &at, &ticks));
	assert_false(pulse_parse("7 (a) S 1 2 3", &at, &ticks));
	assert_false(pulse_parse("7 (a) S 1 2 3 0 -1 4 5 6 7 8 thirty 12", &at, &ticks));
}

static void test_who_sleeps_and_who_works(void **state)
{
	struct pulse p = {0};
	pid_t sleeper = fork(), worker;

	if (!sleeper)
		while (1)
			pause();
	/* It may have used some time before it slept. */
	for (int i = 0; i < 1000 && pulse_feel(&p, sleeper); i++)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	assert_false(pulse_feel(&p, sleeper));
	kill(sleeper, SIGKILL);
	waitpid(sleeper, NULL, 0);
	assert_false(pulse_feel(&p, sleeper));

	worker = fork();
	if (!worker)
		while (1)
			;
	p = (struct pulse){0};
	assert_true(pulse_feel(&p, worker));
	assert_true(pulse_feel(&p, worker));
	kill(worker, SIGKILL);
	waitpid(worker, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line_of_stat),
		cmocka_unit_test(test_who_sleeps_and_who_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
