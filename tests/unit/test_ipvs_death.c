/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: whatever happens in whatever order, and a death between any two things that it does,
 * edits of the kernel's table and messages to the supervisor.
 */
#include "tests/fake/keeper_world.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static unsigned random_below(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % n;
}

static void random_model(struct fixture *f, unsigned *seed)
{
	for (unsigned i = 0; i < SERVICES; i++) {
		struct virtual_server *vs = &f->model->services[i];

		vs->quorum = 1 + random_below(seed, 3);
		vs->scheduler = random_below(seed, 2) ? "rr" : "wrr";
		vs->n_servers = 1 + random_below(seed, SERVERS);
		vs->servers[0].weight = (int32_t)random_below(seed, 3);
		vs->servers[0].inhibit_on_failure = random_below(seed, 2);
	}
	f->model->n_services = random_below(seed, SERVICES + 1);
	f->model->services += random_below(seed, SERVICES + 1 - f->model->n_services);
}

static void random_meddling(unsigned *seed)
{
	struct ipvs_service *s;

	if (!world.kernel.table.n_services)
		return;
	s = &world.kernel.services[random_below(seed, world.kernel.table.n_services)];
	if (s->key.fwmark)
		return;
	if (s->n_dests && random_below(seed, 2))
		s->dests[0].weight = 42;
	else if (s->n_dests)
		s->n_dests--;
}

/* Whatever happens in whatever order: the patrol's second round finds nothing to do. */
static void test_random_walk(void **state)
{
	struct fixture *f = *state;
	struct ipvs_key key = foreign_key();
	unsigned seed = 1;

	fake_ipvs_add(&world.kernel, &key);
	commit(f);
	for (int i = 0; i < 3000; i++) {
		unsigned what = random_below(&seed, 20);

		forget_log();
		if (what == 0) {
			random_model(f, &seed);
			commit(f);
		} else if (what < 3) {
			random_meddling(&seed);
		} else {
			say(f, random_below(&seed, SERVICES), random_below(&seed, SERVERS),
			    random_below(&seed, 2));
		}
		if (random_below(&seed, 3) == 0)
			keeper_run(&f->keeper, i);
		if (random_below(&seed, 10))
			continue;
		keeper_run(&f->keeper, i);
		keeper_patrol(&f->keeper);
		assert_settled(f);
		assert_int_equal(world.kernel.table.n_services, f->keeper.n_served + 1);
		assert_int_equal(f->keeper.services_in_kernel, f->keeper.n_served);
	}
}

/* The kernel has the keeper's services and nothing else but the foreign one. */
static void assert_whole(struct fixture *f)
{
	struct ipvs_key foreign = foreign_key();

	assert_settled(f);
	assert_int_equal(world.kernel.table.n_services, f->keeper.n_keys + 1);
	assert_non_null(fake_ipvs_find(&world.kernel, &foreign));
	assert_int_equal(f->keeper.services_in_kernel, f->keeper.n_keys);
}

static void reload(struct fixture *f, unsigned *seed)
{
	random_model(f, seed);
	commit(f);
}

static void hear_verdicts(struct fixture *f, unsigned *seed)
{
	for (unsigned i = 0; i < SERVICES; i++)
		say(f, i, random_below(seed, SERVERS), random_below(seed, 2));
	keeper_run(&f->keeper, 1);
}

static void stop(struct fixture *f, unsigned *seed)
{
	keeper_stop(&f->keeper);
}

/*
 * One life makes a table, and dies after so many deeds of a step; the next dies after as many when
 * it takes over; the third is to live. Returns whether the step was longer than that.
 */
static bool die_after(unsigned deeds, unsigned seed,
		      void (*step)(struct fixture *f, unsigned *seed))
{
	struct ipvs_key key = foreign_key();
	const struct model *last;
	struct fixture *f;
	bool died;

	setup((void **)&f);
	fake_ipvs_add(&world.kernel, &key);
	reload(f, &seed);
	hear_verdicts(f, &seed);
	let_die_after(deeds);
	step(f, &seed);
	died = world.dead;
	last = f->keeper.model;
	if (seed % 2) { /* the configuration has changed again while it was dead */
		random_model(f, &seed);
		store_leave(&world.store, last, f->model);
		last = f->model;
	}
	revive(f, last, deeds);
	revive(f, last, UINT_MAX);
	assert_whole(f);
	teardown((void **)&f);
	return died;
}

static void die_at_each(void (*step)(struct fixture *f, unsigned *seed))
{
	for (unsigned seed = 1; seed <= 40; seed++)
		for (unsigned deeds = 0; die_after(deeds, seed, step); deeds++)
			;
}

static void test_death_in_a_reload(void **state)
{
	die_at_each(reload);
}

static void test_death_while_servers_come_and_go(void **state)
{
	die_at_each(hear_verdicts);
}

static void test_death_in_the_stop(void **state)
{
	die_at_each(stop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_random_walk),
		cmocka_unit_test(test_death_in_a_reload),
		cmocka_unit_test(test_death_while_servers_come_and_go),
		cmocka_unit_test(test_death_in_the_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
