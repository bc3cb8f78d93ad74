/* SPDX-License-Identifier: Apache-2.0 */
/* How directors come to the same weights (ipvs/agree.c), by what they have told (ipvs/peers.c). */
#include "ipvs/agree.h"
#include "ipvs/peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int64_t led(struct agreed *a, int32_t theirs, int32_t own)
{
	return agree_step(a, &(struct agree_input){.led = true, .theirs = theirs, .own = own}, 1);
}

static int64_t alone(struct agreed *a, int32_t own, int64_t now_us)
{
	return agree_step(a, &(struct agree_input){.own = own}, now_us);
}

static void test_the_active_says_the_weight(void **state)
{
	struct agreed a = {0};

	assert_int_equal(led(&a, 7, 10), 0);
	assert_int_equal(a.weight, 7);
	led(&a, 8, 3); /* our own factors move, which matters to nobody */
	assert_int_equal(a.weight, 8);
}

/* Neither is a server readmitted that we find down, nor one taken out that only the Active does. */
static void test_verdicts_are_our_own(void **state)
{
	struct agreed a = {0};

	led(&a, 7, 0);
	assert_int_equal(a.weight, 0);
	led(&a, 0, 10);
	assert_int_equal(a.weight, 0);
	led(&a, 7, 10);
	led(&a, 7, 0);
	assert_int_equal(a.weight, 0);
}

static void test_a_weight_is_held_for_a_time(void **state)
{
	struct agreed a = {0};

	led(&a, 7, 10);
	assert_int_equal(alone(&a, 10, USEC_PER_SEC), USEC_PER_SEC + AGREE_HOLD_US);
	assert_int_equal(alone(&a, 10, 2 * USEC_PER_SEC), USEC_PER_SEC + AGREE_HOLD_US);
	assert_int_equal(a.weight, 7);
	assert_int_equal(alone(&a, 10, USEC_PER_SEC + AGREE_HOLD_US), 0);
	assert_int_equal(a.weight, 0);
	assert_int_equal(alone(&a, 10, USEC_PER_SEC + AGREE_HOLD_US + 1), 0);
}

static void test_our_own_judgement_ends_the_hold(void **state)
{
	struct agreed a = {0};

	led(&a, 7, 10);
	alone(&a, 10, 1);
	assert_int_equal(alone(&a, 11, 2), 0);
	assert_int_equal(a.weight, 0);
	led(&a, 7, 10);
	alone(&a, 10, 1);
	alone(&a, 0, 2);
	assert_int_equal(a.weight, 0);
}

static void test_an_active_that_is_heard_again_goes_on(void **state)
{
	struct agreed a = {0};

	led(&a, 7, 10);
	alone(&a, 10, 1);
	led(&a, 6, 10);
	assert_int_equal(a.weight, 6);
	/* The next hold is a whole one. */
	assert_int_equal(alone(&a, 10, 9 * USEC_PER_SEC), 9 * USEC_PER_SEC + AGREE_HOLD_US);
}

static void test_differences_are_told_once_they_last(void **state)
{
	struct agree_difference d = {0};

	assert_int_equal(agree_compare(&d, false, 10, 100), AGREE_NO_NEWS);
	assert_int_equal(agree_compare(&d, true, 10, 100), AGREE_NO_NEWS);
	assert_int_equal(agree_compare(&d, true, 10, 109), AGREE_NO_NEWS);
	assert_int_equal(agree_compare(&d, false, 10, 109), AGREE_NO_NEWS);
	assert_int_equal(agree_compare(&d, true, 10, 115), AGREE_NO_NEWS);
	assert_int_equal(agree_compare(&d, true, 10, 125), AGREE_DIFFERS);
	assert_int_equal(agree_compare(&d, true, 10, 200), AGREE_NO_NEWS);
	assert_int_equal(agree_compare(&d, false, 10, 201), AGREE_NO_LONGER);
	assert_int_equal(agree_compare(&d, false, 10, 202), AGREE_NO_NEWS);
}

/* Peers: services are 1 to 9, servers from 10 on. */

static void lead(struct peers *p, uint64_t node, uint64_t service, bool led)
{
	peers_led(p, &(struct msg_service_led){.node = node, .service = service, .led = led});
}

static void hear(struct peers *p, uint64_t node, bool heard, int64_t now_us)
{
	lead(p, node, PEER_HAS_TOLD, true);
	peers_heard(p, &(struct msg_peer_heard){.node = node, .heard = heard}, now_us);
}

static void view(struct peers *p, uint64_t node, uint64_t server, bool up, int32_t weight)
{
	peers_view(p, &(struct msg_server_view){.node = node, .server = server, .up = up,
						.weight = weight, .feedback_permille = 1000});
}

static void test_nobody_leads_before_all_has_come(void **state)
{
	struct peers p = {0};

	lead(&p, 5, 1, true);
	assert_false(peers_look(&p, 1));
	assert_null(peers_leader(&p, 1));
	hear(&p, 5, true, 1);
	assert_true(peers_look(&p, 1));
	assert_false(peers_look(&p, 1));
	assert_int_equal(peers_leader(&p, 1)->node, 5);
	assert_null(peers_leader(&p, 2));
	lead(&p, 5, 1, false);
	assert_null(peers_leader(&p, 1));
	peers_done(&p);
}

/* A tandem that is only just starting, or an older one. */
static void test_who_has_not_told_is_no_peer(void **state)
{
	struct peers p = {0};

	lead(&p, 5, 1, true);
	peers_heard(&p, &(struct msg_peer_heard){.node = 5, .heard = true}, 1);
	assert_false(peers_look(&p, 1));
	assert_null(peers_leader(&p, 1));
	assert_null(peers_differing(&p, 10, false));
	lead(&p, 5, PEER_HAS_TOLD, true);
	assert_true(peers_look(&p, 1));
	assert_non_null(peers_leader(&p, 1));
	peers_done(&p);
}

static void test_who_is_not_heard_says_nothing(void **state)
{
	struct peers p = {0};

	lead(&p, 5, 1, true);
	hear(&p, 5, true, 1);
	peers_look(&p, 1);
	assert_false(peers_look(&p, PEER_AGE_US));
	assert_true(peers_look(&p, 1 + PEER_AGE_US));
	assert_null(peers_leader(&p, 1));
	/* It is there again, and so is what it had told. */
	hear(&p, 5, true, 2 * PEER_AGE_US);
	assert_true(peers_look(&p, 2 * PEER_AGE_US));
	assert_non_null(peers_leader(&p, 1));
	hear(&p, 5, false, 2 * PEER_AGE_US);
	assert_true(peers_look(&p, 2 * PEER_AGE_US));
	hear(&p, 5, true, 2 * PEER_AGE_US);
	assert_true(peers_look(&p, 2 * PEER_AGE_US));
	assert_null(peers_leader(&p, 1));
	peers_done(&p);
}

/* Two say so while a partition heals; which one it is must not depend on who was met first. */
static void test_of_two_actives_the_same_is_chosen(void **state)
{
	struct peers p = {0};

	for (uint64_t node = 6; node > 3; node--) {
		lead(&p, node, 1, true);
		hear(&p, node, true, 1);
	}
	peers_look(&p, 1);
	assert_int_equal(peers_leader(&p, 1)->node, 4);
	peers_done(&p);
}

static void test_views_are_kept_in_any_order(void **state)
{
	const uint64_t servers[] = {50, 10, 40, 20, 30};
	struct peers p = {0};

	for (unsigned i = 0; i < 5; i++)
		view(&p, 5, servers[i], true, (int32_t)servers[i]);
	view(&p, 5, 30, false, 0);
	peers_view(&p, &(struct msg_server_view){.node = 5, .server = 40, .configured = true});
	peers_view(&p, &(struct msg_server_view){.node = 5, .server = 41, .configured = true});
	hear(&p, 5, true, 1);
	peers_look(&p, 1);
	assert_int_equal(p.list[0].n_words, 4 + 1);
	assert_int_equal(peer_says(&p.list[0], 10)->weight, 10);
	assert_int_equal(peer_says(&p.list[0], 50)->weight, 50);
	assert_false(peer_says(&p.list[0], 30)->up);
	assert_null(peer_says(&p.list[0], 40));
	assert_non_null(peers_differing(&p, 30, true));
	assert_null(peers_differing(&p, 30, false));
	assert_null(peers_differing(&p, 40, true)); /* as configured is up */
	assert_non_null(peers_differing(&p, 40, false));
	peers_done(&p);
}

static void test_there_are_not_more_peers_than_places(void **state)
{
	struct peers p = {0};

	for (uint64_t node = 0; node < PEERS_MAX + 3; node++) {
		view(&p, node, 10, false, 0);
		hear(&p, node, true, 1);
	}
	peers_look(&p, 1);
	assert_non_null(peers_differing(&p, 10, true));
	peers_done(&p);
	assert_null(peers_differing(&p, 10, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_active_says_the_weight),
		cmocka_unit_test(test_verdicts_are_our_own),
		cmocka_unit_test(test_a_weight_is_held_for_a_time),
		cmocka_unit_test(test_our_own_judgement_ends_the_hold),
		cmocka_unit_test(test_an_active_that_is_heard_again_goes_on),
		cmocka_unit_test(test_differences_are_told_once_they_last),
		cmocka_unit_test(test_nobody_leads_before_all_has_come),
		cmocka_unit_test(test_who_has_not_told_is_no_peer),
		cmocka_unit_test(test_who_is_not_heard_says_nothing),
		cmocka_unit_test(test_of_two_actives_the_same_is_chosen),
		cmocka_unit_test(test_views_are_kept_in_any_order),
		cmocka_unit_test(test_there_are_not_more_peers_than_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
