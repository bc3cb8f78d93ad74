/* SPDX-License-Identifier: Apache-2.0 */
/* When what the kernel refused is asked for again (vrrp/again.c). */
#include "vrrp/again.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void ask(void *ctx)
{
	++*(int *)ctx;
}

static void test_refused(void **state)
{
	struct netifs n = {.loop = ev_loop_new(EVFLAG_AUTO)};
	struct again a;
	int asked = 0;

	again_init(&a, &n, ask, &asked);
	assert_false(again_note(&a, false));
	assert_false(again_waits(&a));
	assert_false(again_note(&a, true));
	assert_true(again_waits(&a));
	/* An interface has come: it may be what lacked. */
	n.links_gen++;
	assert_false(again_waits(&a));
	assert_false(again_note(&a, true));
	assert_int_equal(a.times, 2);
	assert_true(ev_timer_remaining(n.loop, &a.timer) > 1);
	/* When its time has come nobody else has to say so. */
	ev_feed_event(n.loop, &a.timer, EV_TIMER);
	ev_run(n.loop, EVRUN_NOWAIT);
	assert_int_equal(asked, 1);
	assert_true(again_note(&a, false));
	assert_false(again_waits(&a));
	assert_int_equal(a.times, 0);
	ev_loop_destroy(n.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
