/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: weights that directors agree on (ipvs/confer.c). */
#include "core/clock.h"
#include "tests/fake/keeper_world.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define INSTANCE 7
#define PEER	 5
#define WEIGHT	 10

/* Service 1 belongs to the instance; its servers have checks and weight 10. */
static void commit_pair(struct fixture *f)
{
	struct virtual_server *vs = &f->model->services[1];

	f->model->global->n_peering = 1;
	vs->instance = INSTANCE;
	for (unsigned i = 0; i < SERVERS; i++)
		vs->servers[i].weight = WEIGHT;
	commit(f);
}

static const struct real_server *server(struct fixture *f, unsigned n)
{
	return &f->model->services[1].servers[n];
}

static void run(struct fixture *f, int64_t now_us)
{
	keeper_tend(&f->keeper, now_us);
	keeper_run(&f->keeper, now_us);
}

static void peer_says_of(struct fixture *f, unsigned n, bool up, int32_t weight)
{
	const struct msg_server_view m = {.node = PEER,
					  .service = f->model->services[1].id,
					  .server = server(f, n)->id,
					  .up = up,
					  .weight = weight,
					  .feedback_permille = HEALTH_WHOLE};

	keeper_peer_view(&f->keeper, &m);
}

static void peer_is_active(struct fixture *f, bool led, int64_t now_us)
{
	const struct msg_service_led m = {
		.node = PEER, .service = f->model->services[1].id, .led = led};
	struct msg_peer_heard heard = {.node = PEER, .heard = true};

	heard.address = addr_from_bytes(AF_INET, (uint8_t[]){192, 0, 2, 200});
	keeper_peer_led(&f->keeper, &m);
	keeper_peer_led(&f->keeper, &(struct msg_service_led){
					    .node = PEER, .service = PEER_HAS_TOLD, .led = true});
	keeper_peer_heard(&f->keeper, &heard, now_us);
	run(f, now_us);
}

static void peer_is_gone(struct fixture *f, int64_t now_us)
{
	keeper_peer_heard(&f->keeper, &(struct msg_peer_heard){.node = PEER}, now_us);
	run(f, now_us);
}

static int weight(struct fixture *f, unsigned n)
{
	const struct ipvs_dest *d = dest_of(f, 1, n);

	return d ? d->weight : -1;
}

static void test_backup_has_the_actives_weights(void **state)
{
	struct fixture *f = *state;

	commit_pair(f);
	peer_says_of(f, 0, true, 3);
	run(f, 2);
	assert_int_equal(weight(f, 0), WEIGHT); /* it is not Active */
	peer_is_active(f, true, 2);
	assert_int_equal(weight(f, 0), 3);
	assert_int_equal(weight(f, 1), WEIGHT);
	assert_true(logged("weight 10 -> 3: as on the Active director"));
	assert_int_equal(world.weight.agreed, 3);
	assert_true(world.weight.peer_leads);
	assert_int_equal(world.weight.peer_weight, 3);
	assert_settled(f);
	/* All others know what our kernel has. */
	assert_int_equal(world.view.server, server(f, 0)->id);
	assert_int_equal(world.view.weight, 3);
}

static void test_active_does_not_follow(void **state)
{
	struct fixture *f = *state;

	commit_pair(f);
	say_vrrp(f, INSTANCE, VRRP_STATE_ACTIVE);
	assert_true(world.led.led);
	peer_says_of(f, 0, true, 3);
	peer_is_active(f, true, 2); /* split brain */
	assert_int_equal(weight(f, 0), WEIGHT);
}

/* A takeover moves nobody; what is left of the other's word goes with time. */
static void test_takeover_holds_the_weights(void **state)
{
	struct fixture *f = *state;
	int64_t at_us;

	commit_pair(f);
	peer_says_of(f, 0, true, 3);
	peer_is_active(f, true, 2);
	say_vrrp(f, INSTANCE, VRRP_STATE_ACTIVE);
	assert_int_equal(weight(f, 0), 3);
	peer_is_gone(f, 3);
	assert_int_equal(weight(f, 0), 3);
	at_us = keeper_tend_us(&f->keeper);
	assert_true(at_us > 3 && at_us <= 3 + AGREE_HOLD_US);
	run(f, at_us);
	assert_int_equal(weight(f, 0), WEIGHT);
	assert_int_equal(keeper_tend_us(&f->keeper), 0);
}

static void test_nobody_tells_that_the_peer_is_heard(void **state)
{
	struct fixture *f = *state;

	commit_pair(f);
	peer_says_of(f, 0, true, 3);
	peer_is_active(f, true, 2);
	keeper_peers_look(&f->keeper, 2 + PEER_AGE_US);
	run(f, 2 + PEER_AGE_US);
	assert_int_equal(weight(f, 0), 3);
	run(f, 2 + PEER_AGE_US + AGREE_HOLD_US);
	assert_int_equal(weight(f, 0), WEIGHT);
}

static void test_verdicts_stay_our_own(void **state)
{
	struct fixture *f = *state;
	int64_t settled_us = 100 * USEC_PER_SEC;

	commit_pair(f);
	peer_is_active(f, true, 2);
	say(f, 1, 0, false);
	peer_says_of(f, 1, false, 0);
	run(f, 3);
	assert_int_equal(weight(f, 0), -1);
	assert_int_equal(weight(f, 1), WEIGHT);
	assert_false(logged("says"));
	/* They last, and are told once. */
	assert_true(keeper_tend_us(&f->keeper) <= settled_us);
	run(f, settled_us);
	assert_true(logged("peer 192.0.2.200 says up, we say down: TCP_CHECK: connection refused"));
	assert_true(logged("peer 192.0.2.200 says down, we say up"));
	forget_log();
	peer_is_active(f, true, settled_us + 1);
	run(f, 2 * settled_us);
	assert_false(logged("says"));
	say(f, 1, 0, true);
	run(f, 2 * settled_us);
	assert_true(logged("all directors say up again"));
	assert_int_equal(weight(f, 0), WEIGHT);
}

/* The Active sees that a takeover would cost a server. */
static void test_active_tells_what_its_backup_lacks(void **state)
{
	struct fixture *f = *state;

	commit_pair(f);
	say_vrrp(f, INSTANCE, VRRP_STATE_ACTIVE);
	peer_says_of(f, 2, false, 0);
	peer_is_active(f, false, 2);
	run(f, 100 * USEC_PER_SEC);
	assert_true(logged("peer 192.0.2.200 says down, we say up"));
	assert_true(world.weight.differs);
	assert_false(world.weight.peer_leads);
}

/* Both ends may die alone. */
static void test_a_new_sync_is_told_everything(void **state)
{
	struct fixture *f = *state;

	commit_pair(f);
	say_vrrp(f, INSTANCE, VRRP_STATE_ACTIVE);
	say(f, 1, 0, false);
	run(f, 2);
	assert_int_equal(world.view.server, server(f, 0)->id);
	assert_false(world.view.up);
	world.views = 0;
	world.led = (struct msg_service_led){0};
	keeper_confer(&f->keeper);
	run(f, 3);
	assert_int_equal(world.views, 1);
	assert_true(world.led.led && world.led.service == PEER_HAS_TOLD); /* the last word */
}

static void test_a_new_ipvs_goes_on(void **state)
{
	struct fixture *f = *state;
	const struct model *m = f->model;

	commit_pair(f);
	peer_says_of(f, 0, true, 3);
	peer_is_active(f, true, 2);
	revive(f, m, UINT_MAX);
	assert_int_equal(weight(f, 0), 3); /* held until the peer's word is there again */
	peer_says_of(f, 0, true, 4);
	peer_is_active(f, true, 2);
	assert_int_equal(weight(f, 0), 4);
}

/* Who is added again later must not be met with an old word. */
static void test_what_is_gone_is_unsaid(void **state)
{
	struct fixture *f = *state;

	commit_pair(f);
	say(f, 1, 2, false);
	run(f, 2);
	assert_false(world.view.configured);
	f->model->services[1].n_servers = SERVERS - 1;
	commit_pair(f);
	assert_true(world.view.configured);
	assert_int_equal(world.view.server, server(f, 2)->id);
}

static void test_feedback_of_bytes_is_the_actives(void **state)
{
	const struct model *m;
	struct fixture *f = *state;
	struct msg_server_view view = {.node = PEER, .up = true, .weight = 5, .feedback_permille = 500};

	f->model->services[1].feedback = FEEDBACK_BANDWIDTH;
	f->model->services[1].feedback_min = 25;
	m = f->model;
	commit_pair(f);
	say(f, 1, 0, true);
	view.service = m->services[1].id;
	view.server = m->services[1].servers[0].id;
	keeper_peer_view(&f->keeper, &view);
	peer_is_active(f, true, 2);
	assert_int_equal(weight(f, 0), 5);
	/* So there is no jump when the hold is over: it goes on from there. */
	assert_int_equal(health_get(&f->keeper.health, view.server)->pool.feedback, 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_backup_has_the_actives_weights),
		TEST(test_active_does_not_follow),
		TEST(test_takeover_holds_the_weights),
		TEST(test_nobody_tells_that_the_peer_is_heard),
		TEST(test_verdicts_stay_our_own),
		TEST(test_active_tells_what_its_backup_lacks),
		TEST(test_a_new_sync_is_told_everything),
		TEST(test_a_new_ipvs_goes_on),
		TEST(test_what_is_gone_is_unsaid),
		TEST(test_feedback_of_bytes_is_the_actives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
