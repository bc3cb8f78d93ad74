/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: adopting, reloads, health, drift, refusals, the stop, groups. */
#include "ipvs/keeper_private.h"
#include "tests/fake/keeper_world.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_from_nothing(void **state)
{
	struct fixture *f = *state;

	commit(f);
	assert_int_equal(world.edits, SERVICES * (SERVERS + 1));
	assert_int_equal(world.service_states, SERVICES);
	assert_int_equal(world.last.services, SERVICES);
	assert_int_equal(world.last.servers, SERVICES * SERVERS);
	assert_true(logged("kernel table: 6 services and 18 real servers; 24 added, 0 changed"));
	assert_settled(f);
}

static void test_a_former_life_is_adopted(void **state)
{
	struct fixture *f = *state;
	struct keeper next;

	commit(f);
	keeper_init(&next);
	world.edits = 0;
	keeper_commit(&next, f->model, 2);
	assert_int_equal(world.edits, 0);
	keeper_free(&next);
}

static void test_only_what_was_ours_is_removed(void **state)
{
	struct fixture *f = *state;
	struct ipvs_key key = foreign_key();
	struct msg_service_state left = {.service = f->model->services[0].id};

	fake_ipvs_add(&world.kernel, &key);
	key = wanted_key(&f->model->services[0], 0);
	fake_ipvs_add(&world.kernel, &key);
	f->model->services++; /* the first left the configuration while nobody ran */
	f->model->n_services--;
	keeper_resume(&f->keeper, &left);
	commit(f);
	assert_null(in_kernel(f, 0));
	key = foreign_key();
	assert_non_null(fake_ipvs_find(&world.kernel, &key));
	assert_true(logged("192.0.2.1:80 TCP: service removed: no longer configured"));
	assert_true(logged("other services left alone"));
}

static void test_unknown_services_are_foreign(void **state)
{
	struct fixture *f = *state;
	struct ipvs_key key = wanted_key(&f->model->services[0], 0);

	fake_ipvs_add(&world.kernel, &key);
	f->model->services++;
	f->model->n_services--;
	commit(f);
	assert_non_null(in_kernel(f, 0));
}

static void test_lvs_flush_only_at_the_very_first_start(void **state)
{
	struct fixture *f = *state;
	struct ipvs_key key = foreign_key();
	struct msg_service_state left = {.service = f->model->services[0].id};
	struct keeper next;

	fake_ipvs_add(&world.kernel, &key);
	f->model->global->lvs_flush = true;
	commit(f);
	assert_null(fake_ipvs_find(&world.kernel, &key));
	fake_ipvs_add(&world.kernel, &key);
	f->model->global->lvs_flush = true;
	keeper_init(&next);
	keeper_resume(&next, &left);
	keeper_commit(&next, f->model, 2);
	assert_non_null(fake_ipvs_find(&world.kernel, &key));
	keeper_free(&next);
}

static void test_a_reload_edits_only_what_differs(void **state)
{
	struct fixture *f = *state;

	commit(f);
	f->model->services[2].servers[1].weight = 5;
	commit(f);
	assert_int_equal(world.edits, 1);
	assert_int_equal(world.looks_at_all, 0);
	assert_int_equal(world.looks_at_services, 1);
	assert_true(logged("192.0.2.3:80 TCP: real server 10.0.0.2:80 weight 1 -> 5\n"));
	f->model->services[2].servers[1].weight = 5;
	f->model->services[3].scheduler = "wrr"; /* which changes no state */
	commit(f);
	assert_int_equal(world.edits, 1);
	assert_int_equal(world.looks_at_services, 1);
	f->model->services[2].servers[1].weight = 5;
	f->model->services[3].scheduler = "wrr";
	commit(f);
	assert_int_equal(world.edits + world.looks_at_services, 0);
}

static void test_a_reload_removes_and_adds_services(void **state)
{
	struct fixture *f = *state;

	f->model->n_services--;
	commit(f);
	f->model->services++;
	f->model->n_services--;
	commit(f);
	assert_null(in_kernel(f, 0));
	assert_non_null(in_kernel(f, SERVICES - 1));
	assert_int_equal(world.looks_at_all, 0);
	assert_int_equal(world.last.services, SERVICES - 1);
	assert_settled(f);
}

static void test_what_was_given_up_is_foreign(void **state)
{
	struct fixture *f = *state;
	struct ipvs_key key = wanted_key(&f->model->services[0], 0);

	commit(f);
	f->model->services++;
	f->model->n_services--;
	commit(f);
	fake_ipvs_add(&world.kernel, &key); /* by somebody else */
	f->model->services++;
	f->model->n_services--;
	f->model->global->udp_timeout_s = 30; /* so that the whole table is looked at */
	commit(f);
	assert_int_equal(world.looks_at_all, 1);
	assert_non_null(fake_ipvs_find(&world.kernel, &key));
}

static void test_timeouts_follow_a_reload(void **state)
{
	struct fixture *f = *state;

	world.kernel.table.timeouts = (struct ipvs_timeouts){900, 120, 300};
	commit(f);
	f->model->global->udp_timeout_s = 30;
	commit(f);
	assert_int_equal(world.edits, 1);
	assert_int_equal(world.kernel.table.timeouts.udp_s, 30);
	assert_int_equal(world.kernel.table.timeouts.tcp_s, 900);
}

static void test_health_is_applied_once(void **state)
{
	struct fixture *f = *state;

	commit(f);
	world.edits = 0;
	forget_log();
	say(f, 1, 0, false);
	say(f, 1, 1, false);
	say(f, 4, 2, true); /* what was thought anyway */
	keeper_run(&f->keeper, 2);
	assert_int_equal(f->keeper.n_dirty, 0);
	keeper_run(&f->keeper, 3);
	assert_int_equal(world.edits, 2);
	assert_int_equal(world.looks_at_services, 1);
	assert_true(logged("192.0.2.2:80 TCP: real server 10.0.0.1:80 removed: "
			   "TCP_CHECK: connection refused"));
	say(f, 1, 2, false);
	keeper_run(&f->keeper, 4);
	assert_true(logged("192.0.2.2:80 TCP: quorum lost: weight 0 up of 1 wanted"));
	say(f, 1, 0, true);
	say(f, 1, 1, true);
	say(f, 1, 2, true);
	keeper_run(&f->keeper, 5);
	assert_int_equal(in_kernel(f, 1)->n_dests, SERVERS);
	assert_true(logged("quorum regained"));
	assert_settled(f);
}

static void test_health_may_come_before_its_model(void **state)
{
	struct fixture *f = *state;

	say(f, 0, 0, false);
	commit(f);
	assert_int_equal(in_kernel(f, 0)->n_dests, SERVERS - 1);
	commit(f); /* and is not forgotten by the next one */
	assert_int_equal(in_kernel(f, 0)->n_dests, SERVERS - 1);
}

static void test_quorum_is_resumed(void **state)
{
	struct fixture *f = *state;
	struct msg_service_state left = {
		.service = f->model->services[0].id, .quorum_up = true, .since_us = 77};

	/* 3 up: enough to keep a quorum of 3 with hysteresis 2, not enough to gain one. */
	f->model->services[0].quorum = 3;
	f->model->services[0].hysteresis = 2;
	f->model->services[1].quorum = 3;
	f->model->services[1].hysteresis = 2;
	keeper_resume(&f->keeper, &left);
	commit(f);
	assert_true(keeper_find(&f->keeper, f->model->services[0].id)->state.quorum_up);
	assert_int_equal(keeper_find(&f->keeper, f->model->services[0].id)->state.since_us, 77);
	assert_false(keeper_find(&f->keeper, f->model->services[1].id)->state.quorum_up);
	assert_false(logged("192.0.2.1:80 TCP: quorum"));
	assert_true(logged("192.0.2.2:80 TCP: quorum not reached"));
}

static void test_drift_is_repaired(void **state)
{
	struct fixture *f = *state;
	struct ipvs_key key = foreign_key();

	commit(f);
	fake_ipvs_add(&world.kernel, &key);
	in_kernel(f, 0)->n_dests--;
	in_kernel(f, 1)->dests[0].weight = 9;
	fake_ipvs_add_dest(in_kernel(f, 2), 200, 1);
	strcpy(in_kernel(f, 3)->scheduler, "wlc");
	keeper_patrol(&f->keeper);
	assert_int_equal(f->keeper.repairs, 4);
	assert_true(logged("192.0.2.1:80 TCP: real server 10.0.0.3:80 was missing: added again"));
	assert_true(logged("192.0.2.2:80 TCP: real server 10.0.0.1:80 was changed: put back: "
			   "weight 9 -> 1"));
	assert_true(logged("192.0.2.3:80 TCP: real server 10.0.0.200:80 was there, but should "
			   "not be: removed"));
	assert_true(logged("192.0.2.4:80 TCP: service was changed: put back: "
			   "scheduler wlc -> rr"));
	assert_non_null(fake_ipvs_find(&world.kernel, &key));
	assert_int_equal(world.last.servers, SERVICES * SERVERS);
	assert_settled(f);
}

static void test_a_refusal_is_told_once_and_tried_again(void **state)
{
	struct fixture *f = *state;

	world.no_scheduler = "mh";
	f->model->services[0].scheduler = "mh";
	commit(f);
	assert_null(in_kernel(f, 0));
	assert_int_equal(in_kernel(f, 1)->n_dests, SERVERS);
	assert_true(logged("192.0.2.1:80 TCP: can't add service: the kernel has no scheduler "
			   "\"mh\": run \"modprobe ip_vs_mh\""));
	assert_false(logged("can't add real server"));
	assert_true(keeper_wants_retry(&f->keeper));
	forget_log();
	keeper_retry(&f->keeper);
	assert_string_equal(world.log, "");
	world.no_scheduler = NULL;
	keeper_patrol(&f->keeper);
	assert_null(in_kernel(f, 0));
	keeper_retry(&f->keeper);
	assert_int_equal(in_kernel(f, 0)->n_dests, SERVERS);
	assert_int_equal(world.last.services, SERVICES);
	assert_false(keeper_wants_retry(&f->keeper));
	assert_settled(f);
}

static void test_without_ipvs_the_rest_goes_on(void **state)
{
	struct fixture *f = *state;

	world.unreachable = -ENOENT;
	commit(f);
	assert_int_equal(world.service_states, SERVICES);
	assert_false(world.last.available);
	assert_non_null(strstr(world.last.reason.s, "modprobe ip_vs"));
	assert_true(keeper_wants_retry(&f->keeper));
	for (unsigned i = 0; i < 5; i++)
		commit(f);
	assert_int_equal(f->keeper.n_owned, SERVICES); /* however often it is reloaded */
	world.service_states = SERVICES;
	forget_log();
	keeper_retry(&f->keeper);
	say(f, 0, 0, false);
	keeper_run(&f->keeper, 2);
	assert_int_equal(world.service_states, SERVICES + 1);
	assert_string_equal(world.log, "");
	world.unreachable = 0;
	keeper_retry(&f->keeper);
	assert_true(world.last.available);
	assert_int_equal(in_kernel(f, 0)->n_dests, SERVERS - 1);
	assert_settled(f);
}

static void test_lost_answers_are_no_failures(void **state)
{
	struct fixture *f = *state;

	world.lose_next = true;
	commit(f);
	assert_false(keeper_wants_retry(&f->keeper));
	assert_int_equal(world.last.services, SERVICES);
	assert_settled(f);
}

static void test_stop_removes_ours(void **state)
{
	struct fixture *f = *state;
	struct ipvs_key key = foreign_key();

	commit(f);
	fake_ipvs_add(&world.kernel, &key);
	keeper_stop(&f->keeper);
	assert_int_equal(world.kernel.table.n_services, 1);
	assert_non_null(fake_ipvs_find(&world.kernel, &key));
}

static void test_stop_may_flush(void **state)
{
	struct fixture *f = *state;
	struct ipvs_key key = foreign_key();

	f->model->global->lvs_flush_on_stop = true;
	commit(f);
	fake_ipvs_add(&world.kernel, &key);
	keeper_stop(&f->keeper);
	assert_int_equal(world.kernel.table.n_services, 0);
}

/* The first service becomes a group of so many addresses. */
static void make_group(struct fixture *f, unsigned n)
{
	struct virtual_server *vs = &f->model->services[0];

	vs->group = "web";
	vs->members = arena_array(f->arena, n, sizeof(*vs->members));
	vs->n_members = n;
	for (unsigned i = 0; i < n; i++) {
		struct virtual_server alone = {.family = AF_INET, .protocol = IPPROTO_TCP};

		alone.port = 80;
		alone.address = addr_from_bytes(AF_INET, (uint8_t[]){192, 0, 9, (uint8_t)i});
		vs->members[i] = (struct member){.id = model_id_virtual_server(&alone),
						 .family = alone.family,
						 .protocol = alone.protocol,
						 .address = alone.address,
						 .port = alone.port};
	}
	vs->address = (struct addr){0};
	vs->port = 0;
	vs->id = model_id_virtual_server(vs);
	for (unsigned i = 0; i < SERVERS; i++)
		fill_server(f->arena, vs, i);
}

static void test_a_group_is_many_services(void **state)
{
	struct fixture *f = *state;
	struct ipvs_key key = foreign_key(), last;
	struct keeper next;

	fake_ipvs_add(&world.kernel, &key);
	make_group(f, 4);
	last = wanted_key(&f->model->services[0], 3);
	say(f, 0, 1, true); /* before its model */
	commit(f);
	assert_int_equal(world.kernel.table.n_services, SERVICES - 1 + 4 + 1);
	assert_int_equal(fake_ipvs_find(&world.kernel, &last)->n_dests, SERVERS);

	make_group(f, 4);
	say(f, 0, 1, false); /* one verdict for all */
	world.edits = 0;
	keeper_run(&f->keeper, 2);
	assert_int_equal(world.edits, 4);
	assert_int_equal(fake_ipvs_find(&world.kernel, &last)->n_dests, SERVERS - 1);

	make_group(f, 3);
	commit(f);
	assert_int_equal(world.edits, 1);
	assert_null(fake_ipvs_find(&world.kernel, &last));

	/* A new life that finds a smaller group knows the others as its own: they were told. */
	make_group(f, 3);
	keeper_init(&next);
	for (unsigned i = 0; i < 3; i++) {
		struct msg_service_state m = {.quorum_up = true};

		m.service = f->model->services[0].members[i].id;
		keeper_resume(&next, &m);
	}
	make_group(f, 2);
	keeper_commit(&next, f->model, 3);
	assert_int_equal(world.kernel.table.n_services, SERVICES - 1 + 2 + 1);
	keeper_stop(&next);
	assert_int_equal(world.kernel.table.n_services, 1);
	keeper_free(&next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_from_nothing),
		TEST(test_a_former_life_is_adopted),
		TEST(test_only_what_was_ours_is_removed),
		TEST(test_unknown_services_are_foreign),
		TEST(test_lvs_flush_only_at_the_very_first_start),
		TEST(test_a_reload_edits_only_what_differs),
		TEST(test_a_reload_removes_and_adds_services),
		TEST(test_what_was_given_up_is_foreign),
		TEST(test_timeouts_follow_a_reload),
		TEST(test_health_is_applied_once),
		TEST(test_health_may_come_before_its_model),
		TEST(test_quorum_is_resumed),
		TEST(test_drift_is_repaired),
		TEST(test_a_refusal_is_told_once_and_tried_again),
		TEST(test_without_ipvs_the_rest_goes_on),
		TEST(test_lost_answers_are_no_failures),
		TEST(test_stop_removes_ours),
		TEST(test_stop_may_flush),
		TEST(test_a_group_is_many_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
