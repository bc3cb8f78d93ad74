/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: what follows a VRRP instance, sync daemons and services that are active_only. */
#include "tests/fake/keeper_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* "mb": both run. */
static const char *daemons(void)
{
	const struct ipvs_daemon *of = world.kernel.table.daemons.of;
	bool master = of[IPVS_DAEMON_MASTER].runs, backup = of[IPVS_DAEMON_BACKUP].runs;

	return master && backup ? "mb" : master ? "m" : backup ? "b" : "";
}

static void follow(struct fixture *f, const char *ifname, uint64_t instance)
{
	struct global *g = f->model->global;

	g->sync = arena_alloc(f->arena, sizeof(*g->sync));
	*g->sync = (struct sync_daemon){.ifname = ifname, .instance = instance, .sync_id = 1};
	g->n_sync = 1;
}

static void test_sync_daemons_follow(void **state)
{
	struct fixture *f = *state;

	follow(f, "eth0", 7);
	commit(f);
	assert_string_equal(daemons(), ""); /* nothing is known of the instance */
	say_vrrp(f, 8, VRRP_STATE_ACTIVE);
	assert_string_equal(daemons(), "");
	say_vrrp(f, 7, VRRP_STATE_BACKUP);
	assert_string_equal(daemons(), "b");
	say_vrrp(f, 7, VRRP_STATE_ACTIVE);
	assert_string_equal(daemons(), "m");
	world.edits = 0;
	say_vrrp(f, 7, VRRP_STATE_ACTIVE);
	assert_int_equal(world.edits, 0);
	say_vrrp(f, 7, VRRP_STATE_FAULT);
	assert_string_equal(daemons(), "b");

	follow(f, "eth0", 8); /* which is Active already */
	commit(f);
	assert_string_equal(daemons(), "m");
	follow(f, "eth0", 0);
	commit(f);
	assert_string_equal(daemons(), "mb");
	keeper_stop(&f->keeper);
	assert_string_equal(daemons(), "");
}

static void test_sync_daemons_drift_and_ownership(void **state)
{
	struct ipvs_daemon *kernel = world.kernel.table.daemons.of;
	struct fixture *f = *state;

	kernel[IPVS_DAEMON_BACKUP].runs = true;
	commit(f);
	keeper_patrol(&f->keeper);
	assert_string_equal(daemons(), "b"); /* somebody else's */
	follow(f, "eth0", 0);
	commit(f);
	kernel[IPVS_DAEMON_MASTER].runs = false;
	kernel[IPVS_DAEMON_BACKUP].sync_id = 9;
	keeper_patrol(&f->keeper);
	assert_string_equal(daemons(), "mb");
	assert_int_equal(kernel[IPVS_DAEMON_BACKUP].sync_id, 1);
	commit(f);
	assert_string_equal(daemons(), "");
	kernel[IPVS_DAEMON_BACKUP].runs = true;
	keeper_patrol(&f->keeper);
	commit(f);
	assert_string_equal(daemons(), "b");
}

static void test_sync_daemon_refused(void **state)
{
	struct fixture *f = *state;

	follow(f, "nowhere0", 0);
	commit(f);
	assert_true(logged("there is no such interface"));
	assert_true(keeper_wants_retry(&f->keeper));
	forget_log();
	keeper_retry(&f->keeper);
	assert_false(logged("no such interface"));
	assert_int_equal(f->keeper.services_in_kernel, SERVICES);
	follow(f, "eth0", 0);
	commit(f);
	assert_string_equal(daemons(), "mb");
	assert_false(keeper_wants_retry(&f->keeper));
}

/* active_only: nobody knows the instance yet, it is Active, holds for its successor, lets go. */
static void test_active_only_goes_with_its_instance(void **state)
{
	struct fixture *f = *state;
	struct msg_vrrp_state m = {.instance = 7, .state = VRRP_STATE_BACKUP, .release_us = 100};

	f->model->services[0].active_only = true;
	f->model->services[0].instance = 7;
	keeper_commit(&f->keeper, f->model, 1);
	assert_null(in_kernel(f, 0));
	assert_non_null(in_kernel(f, 1));

	say_vrrp(f, 7, VRRP_STATE_ACTIVE);
	assert_int_equal(in_kernel(f, 0)->n_dests, SERVERS);
	assert_true(logged("its vrrp instance is active"));
	keeper_vrrp(&f->keeper, &m);
	keeper_run(&f->keeper, 1);
	assert_non_null(in_kernel(f, 0));
	say_vrrp(f, 7, VRRP_STATE_BACKUP);
	assert_null(in_kernel(f, 0));
	assert_true(logged("service removed: its vrrp instance is not active here"));
	assert_settled(f);
}

/* A new process hears of the instance later than of the model: all stays as it was. */
static void test_active_only_outlives_the_process(void **state)
{
	struct fixture *f = *state;
	struct msg_service_state served = {.service = f->model->services[0].id};
	struct keeper next;

	f->model->services[0].active_only = true;
	f->model->services[0].instance = 7;
	keeper_vrrp(&f->keeper,
		    &(struct msg_vrrp_state){.instance = 7, .state = VRRP_STATE_ACTIVE});
	keeper_commit(&f->keeper, f->model, 1);
	assert_non_null(in_kernel(f, 0));
	keeper_init(&next);
	keeper_resume(&next, &served);
	world.edits = 0;
	keeper_commit(&next, f->model, 2);
	assert_int_equal(world.edits, 0);
	keeper_free(&next);

	keeper_init(&next);
	served.away = true;
	keeper_resume(&next, &served);
	keeper_commit(&next, f->model, 3);
	assert_null(in_kernel(f, 0));
	keeper_free(&next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sync_daemons_follow),
		TEST(test_sync_daemons_drift_and_ownership),
		TEST(test_sync_daemon_refused),
		TEST(test_active_only_goes_with_its_instance),
		TEST(test_active_only_outlives_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
