/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for the next configuration is taken when nobody waits (core/room.c). */
#include "core/arena.h"
#include "core/room.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define WANTED ((size_t)3 << 20)

static struct room room;

static int begin(void **state)
{
	room_init(&room, ev_loop_new(0));
	return 0;
}

static int end(void **state)
{
	struct ev_loop *loop = room.loop;

	room_done(&room);
	ev_loop_destroy(loop);
	return 0;
}

static void test_by_pieces_and_all_is_given_back(void **state)
{
	size_t most = 0;
	int pieces = 0;

	room_want(&room, WANTED);
	assert_null(room.taken);
	while (ev_is_active(&room.idle)) {
		size_t before = room.taken ? arena_bytes(room.taken) : 0;

		ev_run(room.loop, EVRUN_ONCE);
		if (!room.taken)
			break;
		most = arena_bytes(room.taken);
		assert_true(most - before <= WANTED / 4); /* nobody waits for long */
		pieces++;
	}
	assert_true(pieces > 4);
	assert_true(most > WANTED / 2);
	assert_null(room.taken);
	assert_false(ev_is_active(&room.idle));
}

static void test_once(void **state)
{
	room_want(&room, WANTED);
	while (ev_is_active(&room.idle))
		ev_run(room.loop, EVRUN_ONCE);
	room_want(&room, 2 * WANTED);
	assert_false(ev_is_active(&room.idle));
}

static void test_little_is_not_worth_it(void **state)
{
	room_want(&room, 1000);
	assert_false(ev_is_active(&room.idle));
}

static void test_an_end_in_the_midst_leaves_nothing(void **state)
{
	room_want(&room, WANTED);
	while (!room.taken)
		ev_run(room.loop, EVRUN_ONCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_by_pieces_and_all_is_given_back, begin, end),
		cmocka_unit_test_setup_teardown(test_once, begin, end),
		cmocka_unit_test_setup_teardown(test_little_is_not_worth_it, begin, end),
		cmocka_unit_test_setup_teardown(test_an_end_in_the_midst_leaves_nothing, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
