/* SPDX-License-Identifier: Apache-2.0 */
/* track_virtual_server: when the quorum of a service is a verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/store.h"
#include "core/track_services.h"

static struct check checks[] = {{.id = 11}, {.id = 12}};
static struct real_server servers[] = {{.id = 2, .checks = checks, .n_checks = 2}};
static struct virtual_server services[] = {
	{.id = 1, .quorum = 1, .servers = servers, .n_servers = 1},
	{.id = 3, .quorum = 1},
};
static struct tracked tracked[] = {{.kind = TRACK_SERVICE, .tracker = 1}, {.tracker = 3}};
static struct vrrp_instance instances[] = {{.tracked = tracked, .n_tracked = 2},
					   {.tracked = tracked, .n_tracked = 1}};
static const struct model model = {
	.instances = instances, .n_instances = 2, .services = services, .n_services = 2};

struct told {
	struct store store;
	unsigned n;
	struct msg_track_state last;
};

/* As the supervisor: what is told is kept. */
static void tell(void *ctx, const struct msg_track_state *state)
{
	const struct msg m = {.type = MSG_TRACK_STATE, .track_state = *state};
	struct told *told = ctx;

	if (store_put(&told->store, &m, NULL) == STORE_SAME)
		return;
	told->n++;
	told->last = *state;
}

static void note(struct track_services *t, struct told *told, const struct msg *m)
{
	store_put(&told->store, m, NULL);
	track_services_note(t, m);
}

static void quorum(struct track_services *t, struct told *told, bool up)
{
	note(t, told, &(struct msg){.type = MSG_SERVICE_STATE,
				    .service_state = {.service = 1, .quorum_up = up}});
}

static void ran(struct track_services *t, struct told *told, uint64_t check)
{
	note(t, told, &(struct msg){.type = MSG_CHECK_STATE,
				    .check_state = {.check = check, .has_run = true}});
}

static struct track_services begin(struct told *told)
{
	*told = (struct told){.n = 0};
	store_init(&told->store);
	return (struct track_services){.store = &told->store, .tell = tell, .ctx = told};
}

static void end(struct track_services *t, struct told *told)
{
	track_services_done(t);
	store_done(&told->store);
}

static void test_down_needs_all_checks(void **state)
{
	struct told told;
	struct track_services t = begin(&told);

	track_services_commit(&t, &model);
	assert_int_equal(t.n, 1); /* twice tracked, and the script is not one */
	quorum(&t, &told, false);
	ran(&t, &told, 11);
	assert_int_equal(told.n, 0);
	ran(&t, &told, 12);
	assert_int_equal(told.n, 1);
	assert_false(told.last.up);
	quorum(&t, &told, true);
	assert_int_equal(told.n, 2);
	assert_true(told.last.up);
	assert_string_equal(told.last.reason.s, "has its quorum");
	end(&t, &told);
}

/* The check has passed, but the quorum is still the one from before. */
static void test_a_pass_is_waited_for(void **state)
{
	struct told told;
	struct track_services t = begin(&told);
	const struct msg passed[] = {
		{.type = MSG_CHECK_STATE, .check_state = {.check = 11, .has_run = true, .up = true}},
		{.type = MSG_CHECK_STATE, .check_state = {.check = 12, .has_run = true, .up = true}},
	};

	track_services_commit(&t, &model);
	quorum(&t, &told, false);
	note(&t, &told, &passed[0]);
	note(&t, &told, &passed[1]);
	assert_int_equal(told.n, 0);
	quorum(&t, &told, true);
	assert_true(told.n == 1 && told.last.up);
	end(&t, &told);
}

static void test_up_is_believed(void **state)
{
	struct told told;
	struct track_services t = begin(&told);

	track_services_commit(&t, &model);
	quorum(&t, &told, true);
	assert_true(told.n == 1 && told.last.up);
	/* What was known once is a verdict for good, also after a reload. */
	track_services_commit(&t, &model);
	assert_int_equal(told.n, 1);
	quorum(&t, &told, false);
	assert_true(told.n == 2 && !told.last.up);
	end(&t, &told);
}

static void test_nobody_checks(void **state)
{
	struct told told;
	struct track_services t = begin(&told);

	t.unchecked = true;
	track_services_commit(&t, &model);
	assert_true(told.n == 1 && told.last.up);
	end(&t, &told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_down_needs_all_checks),
		cmocka_unit_test(test_a_pass_is_waited_for),
		cmocka_unit_test(test_up_is_believed),
		cmocka_unit_test(test_nobody_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
