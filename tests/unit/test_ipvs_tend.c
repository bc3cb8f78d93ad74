/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: what operators say, what goes on by the clock, and servers that leave. */
#include "core/clock.h"
#include "tests/fake/keeper_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void order(struct fixture *f, unsigned service, unsigned server,
		  const struct msg_server_override *word)
{
	struct msg_server_override m = *word;

	m.service = f->model->services[service].id;
	m.server = f->model->services[service].servers[server].id;
	keeper_override(&f->keeper, &m);
	keeper_run(&f->keeper, 2 * USEC_PER_SEC);
}

static void test_operators_words(void **state)
{
	struct fixture *f = *state;

	commit(f);
	forget_log();
	order(f, 1, 0, &(struct msg_server_override){.admin = ADMIN_DRAIN});
	assert_int_equal(dest_of(f, 1, 0)->weight, 0);
	assert_true(logged("weight 1 -> 0: drained by its operator"));
	order(f, 1, 1, &(struct msg_server_override){.has_weight = true, .weight = 42});
	assert_int_equal(dest_of(f, 1, 1)->weight, 42);
	assert_true(logged("weight 1 -> 42: the operator's weight 42"));
	order(f, 1, 2, &(struct msg_server_override){.admin = ADMIN_MAINT});
	assert_null(dest_of(f, 1, 2));
	assert_true(logged("removed: in maintenance by its operator"));
	assert_settled(f);
	order(f, 1, 2, &(struct msg_server_override){.admin = ADMIN_READY});
	assert_int_equal(dest_of(f, 1, 2)->weight, 1);
	/* Nobody sends words about what does not exist; but if so, it must not matter. */
	keeper_override(&f->keeper, &(struct msg_server_override){.service = 5, .server = 6});
	assert_false(keeper_is_dirty(&f->keeper));
}

static void test_drain_until_idle_looks_at_the_kernel(void **state)
{
	struct fixture *f = *state;
	int64_t now_us = 10 * USEC_PER_SEC;

	commit(f);
	assert_int_equal(keeper_tend_us(&f->keeper), 0);
	order(f, 1, 0,
	      &(struct msg_server_override){
		      .admin = ADMIN_DRAIN, .until_idle = true, .version = 77});
	dest_of(f, 1, 0)->active_conns = 3;
	assert_true(keeper_tend_us(&f->keeper) > 0);
	keeper_tend(&f->keeper, now_us);
	assert_int_equal(world.idle.server, 0);
	dest_of(f, 1, 0)->active_conns = 0;
	keeper_tend(&f->keeper, now_us + 1); /* not again so soon */
	assert_int_equal(world.idle.server, 0);
	keeper_tend(&f->keeper, now_us + USEC_PER_SEC);
	assert_int_equal(world.idle.server, f->model->services[1].servers[0].id);
	assert_int_equal(world.idle.version, 77);
}

/* However many drain, the kernel is asked once for each of their services. */
static void test_one_look_for_all_that_drain(void **state)
{
	const struct msg_server_override drain = {.admin = ADMIN_DRAIN, .until_idle = true};
	struct fixture *f = *state;

	commit(f);
	for (unsigned server = 0; server < SERVERS; server++) {
		order(f, 1, server, &drain);
		order(f, 2, server, &drain);
		dest_of(f, 2, server)->active_conns = 1;
	}
	dest_of(f, 1, 0)->active_conns = 1;
	world.looks_at_services = 0;
	keeper_tend(&f->keeper, 10 * USEC_PER_SEC);
	assert_int_equal(world.looks_at_services, 2);
	assert_int_equal(world.idle.server, f->model->services[1].servers[2].id);
}

/* A server with weight 100 has come back at 3 s, and is to have its weight at 13 s. */
static void begin_slow_start(struct fixture *f)
{
	f->model->services[1].slow_start_us = 10 * USEC_PER_SEC;
	f->model->services[1].servers[0].weight = 100;
	commit(f);
	say(f, 1, 0, false);
	keeper_run(&f->keeper, 2 * USEC_PER_SEC);
	say(f, 1, 0, true);
	keeper_run(&f->keeper, 3 * USEC_PER_SEC);
}

static void test_slow_start_goes_by_the_clock(void **state)
{
	struct fixture *f = *state;
	int64_t at_us;
	int last = 0;

	begin_slow_start(f);
	assert_int_equal(dest_of(f, 1, 0)->weight, 5);
	assert_int_equal(world.weight.ramp_permille, 50);
	for (at_us = keeper_tend_us(&f->keeper); at_us; at_us = keeper_tend_us(&f->keeper)) {
		assert_true(at_us <= 13 * USEC_PER_SEC);
		keeper_tend(&f->keeper, at_us);
		keeper_run(&f->keeper, at_us);
		assert_true(dest_of(f, 1, 0)->weight > last);
		last = dest_of(f, 1, 0)->weight;
		assert_settled(f);
	}
	assert_int_equal(last, 100);
	assert_int_equal(world.weight.ramp_permille, 1000);
}

static void test_weights_are_resumed(void **state)
{
	struct fixture *f = *state;
	struct keeper next;

	begin_slow_start(f);
	f->model->services[1].slow_start_us = 10 * USEC_PER_SEC;
	f->model->services[1].servers[0].weight = 100;
	keeper_init(&next);
	keeper_resume_weight(&next, &world.weight);
	keeper_commit(&next, f->model, 8 * USEC_PER_SEC);
	assert_int_equal(dest_of(f, 1, 0)->weight, 50); /* half of the way, as if nothing was */
	keeper_free(&next);
}

static void test_a_removed_server_drains(void **state)
{
	struct fixture *f = *state;
	struct virtual_server *vs = &f->model->services[1];
	struct keeper next;

	vs->servers[SERVERS - 1].drain_on_remove_us = 60 * USEC_PER_SEC;
	commit(f);
	vs = &f->model->services[1]; /* the next model's */
	dest_of(f, 1, SERVERS - 1)->active_conns = 2;
	vs->n_servers--;
	commit(f);
	assert_int_equal(in_kernel(f, 1)->n_dests, SERVERS);
	assert_true(logged("is not configured any more: drains for 60 s at most"));
	assert_int_equal(dest_of(f, 1, SERVERS - 1)->weight, 0);
	assert_settled(f);
	/* The next incarnation knows of it. */
	keeper_init(&next);
	keeper_resume_leaving(&next, &world.leaving);
	keeper_commit(&next, f->model, 1);
	assert_int_equal(in_kernel(f, 1)->n_dests, SERVERS);
	keeper_free(&next);
	dest_of(f, 1, SERVERS - 1)->active_conns = 0;
	keeper_tend(&f->keeper, 5 * USEC_PER_SEC);
	keeper_run(&f->keeper, 5 * USEC_PER_SEC);
	assert_int_equal(in_kernel(f, 1)->n_dests, SERVERS - 1);
	assert_true(logged("has drained: no connection is active"));
	assert_true(world.leaving.gone);
	assert_settled(f);
}

/* A table with the same destination twice can't be made. */
static void test_a_removed_server_is_the_sorry_server(void **state)
{
	struct real_server rs = {.id = 7, .port = 80, .drain_on_remove_us = USEC_PER_SEC};
	const struct virtual_server former = {.id = 1, .servers = &rs, .n_servers = 1};
	const struct virtual_server next = {.id = 1, .sorry = &rs, .n_sorry = 1};
	struct ipvs_dest sorry = {.port = 80, .weight = 1};
	struct ipvs_service s = {.dests = &sorry, .n_dests = 1};
	struct arena *arena = arena_new();
	struct leaving l = {0};

	assert_int_equal(leaving_add(&l, &former, &next, 0), 1);
	leaving_want(&l, arena, 1, &s);
	assert_int_equal(s.n_dests, 1);
	assert_int_equal(s.dests[0].weight, 1);
	leaving_done(&l);
	arena_free(arena);
}

static void test_a_removed_server_may_come_back(void **state)
{
	struct fixture *f = *state;

	f->model->services[1].servers[SERVERS - 1].drain_on_remove_us = 60 * USEC_PER_SEC;
	commit(f);
	f->model->services[1].n_servers--;
	commit(f);
	f->model->services[1].servers[SERVERS - 1].drain_on_remove_us = 60 * USEC_PER_SEC;
	commit(f);
	assert_int_equal(dest_of(f, 1, SERVERS - 1)->weight, 1);
	assert_int_equal(f->keeper.leaving.n, 0);
	/* And time does end it. */
	f->model->services[1].n_servers--;
	commit(f);
	dest_of(f, 1, SERVERS - 1)->active_conns = 2;
	keeper_tend(&f->keeper, 59 * USEC_PER_SEC);
	assert_int_equal(f->keeper.leaving.n, 1);
	keeper_tend(&f->keeper, 62 * USEC_PER_SEC);
	keeper_run(&f->keeper, 62 * USEC_PER_SEC);
	assert_int_equal(in_kernel(f, 1)->n_dests, SERVERS - 1);
	assert_true(logged("has had its time to drain: 2 active connections end"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_operators_words),
		TEST(test_drain_until_idle_looks_at_the_kernel),
		TEST(test_one_look_for_all_that_drain),
		TEST(test_slow_start_goes_by_the_clock),
		TEST(test_weights_are_resumed),
		TEST(test_a_removed_server_drains),
		TEST(test_a_removed_server_is_the_sorry_server),
		TEST(test_a_removed_server_may_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
