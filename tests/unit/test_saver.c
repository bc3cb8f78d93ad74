/* SPDX-License-Identifier: Apache-2.0 */
/* A file is written beside the loop (core/saver.c). The disk is ours here, and takes its time. */
#include "core/saver.h"
#include "core/file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned allowed; /* so many writes may end */
	unsigned begun;
	char last[16];
	int error;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static struct {
	unsigned calls;
	int error;
} told;

int file_replace_synced(const char *path, const void *bytes, size_t n, mode_t mode)
{
	int err;

	pthread_mutex_lock(&disk.lock);
	disk.begun++;
	pthread_cond_broadcast(&disk.changed);
	while (!disk.allowed)
		pthread_cond_wait(&disk.changed, &disk.lock);
	disk.allowed--;
	err = disk.error;
	if (!err)
		snprintf(disk.last, sizeof(disk.last), "%.*s", (int)n, (const char *)bytes);
	pthread_mutex_unlock(&disk.lock);
	return err;
}

static void allow(unsigned writes)
{
	pthread_mutex_lock(&disk.lock);
	disk.allowed += writes;
	pthread_cond_broadcast(&disk.changed);
	pthread_mutex_unlock(&disk.lock);
}

static void wait_until_begun(unsigned writes)
{
	pthread_mutex_lock(&disk.lock);
	while (disk.begun < writes)
		pthread_cond_wait(&disk.changed, &disk.lock);
	pthread_mutex_unlock(&disk.lock);
}

static void on_done(struct saver *s, int err)
{
	told.calls++;
	told.error = err;
	ev_break(s->loop, EVBREAK_ONE);
}

static void stop_waiting(struct ev_loop *loop, ev_timer *w, int events)
{
	ev_break(loop, EVBREAK_ONE);
}

/* The loop runs until it is told something, or, when the disk does nothing, for a moment. */
static void run(struct ev_loop *loop, double at_most_s)
{
	ev_timer patience;

	ev_timer_init(&patience, stop_waiting, at_most_s, 0);
	ev_timer_start(loop, &patience);
	ev_run(loop, 0);
	ev_timer_stop(loop, &patience);
}

static void say(struct saver *s, const char *text)
{
	saver_write(s, strdup(text), strlen(text));
}

static void begin(struct saver *s)
{
	disk.allowed = disk.begun = 0;
	disk.error = told.error = 0;
	told.calls = 0;
	disk.last[0] = 0;
	saver_init(s, ev_loop_new(0), "/nowhere", 0600, on_done, NULL);
}

static void end(struct saver *s)
{
	struct ev_loop *loop = s->loop;

	saver_end(s);
	ev_loop_destroy(loop);
}

static void test_the_loop_goes_on_while_the_disk_hangs(void **state)
{
	struct saver s;

	begin(&s);
	say(&s, "one");
	wait_until_begun(1);
	run(s.loop, 0.01);
	assert_int_equal(told.calls, 0);
	assert_true(s.saved < s.given);
	allow(1);
	run(s.loop, 60);
	assert_int_equal(told.calls, 1);
	assert_int_equal(s.saved, s.given);
	assert_string_equal(disk.last, "one");
	end(&s);
}

static void test_of_those_that_wait_the_last_is_written(void **state)
{
	struct saver s;

	begin(&s);
	say(&s, "one");
	wait_until_begun(1);
	say(&s, "two");
	say(&s, "three");
	allow(1);
	wait_until_begun(2);
	run(s.loop, 60);
	assert_int_equal(s.saved, 1); /* who has said two or three is not told yet */
	allow(1);
	while (s.saved < s.given)
		run(s.loop, 60);
	assert_string_equal(disk.last, "three");
	assert_int_equal(disk.begun, 2);
	end(&s);
}

static void test_an_error_is_told_and_the_next_one_is_tried(void **state)
{
	struct saver s;

	begin(&s);
	disk.error = -ENOSPC;
	allow(2);
	say(&s, "one");
	run(s.loop, 60);
	assert_int_equal(told.error, -ENOSPC);
	assert_int_equal(s.saved, s.given);
	disk.error = 0;
	say(&s, "two");
	run(s.loop, 60);
	assert_int_equal(told.error, 0);
	assert_string_equal(disk.last, "two");
	end(&s);
}

static void test_the_end_waits_for_what_was_given(void **state)
{
	struct saver s;

	begin(&s);
	say(&s, "one");
	wait_until_begun(1);
	say(&s, "two");
	allow(2);
	end(&s);
	assert_string_equal(disk.last, "two");
	assert_true(told.calls >= 1);
	begin(&s); /* and there may have been nothing */
	end(&s);
	assert_int_equal(told.calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_loop_goes_on_while_the_disk_hangs),
		cmocka_unit_test(test_of_those_that_wait_the_last_is_written),
		cmocka_unit_test(test_an_error_is_told_and_the_next_one_is_tried),
		cmocka_unit_test(test_the_end_waits_for_what_was_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
