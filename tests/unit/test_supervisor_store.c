/* SPDX-License-Identifier: Apache-2.0 */
/* The last known state of every object (core/store.c). */
#include "core/store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct msg health(uint64_t server, bool up)
{
	return (struct msg){.type = MSG_SERVER_HEALTH,
			    .server_health = {.service = 1, .server = server, .up = up}};
}

static struct msg vrrp(uint64_t instance, enum vrrp_state_id state)
{
	return (struct msg){.type = MSG_VRRP_STATE,
			    .vrrp_state = {.instance = instance, .state = (uint8_t)state}};
}

static void count(void *ctx, const struct msg *m)
{
	(*(unsigned *)ctx)++;
}

static unsigned said_to(const struct store *s, enum role_id to)
{
	unsigned n = 0;

	store_each(s, to, count, &n);
	return n;
}

static void test_put_tells_what_changed(void **state)
{
	struct msg up = health(5, true), down = health(5, false), former;
	struct store s;

	store_init(&s);
	assert_int_equal(store_put(&s, &up, NULL), STORE_NEW);
	assert_int_equal(store_put(&s, &up, NULL), STORE_SAME);
	assert_int_equal(store_put(&s, &down, &former), STORE_CHANGED);
	assert_true(former.server_health.up);
	assert_true(store_get(&s, MSG_SERVER_HEALTH, 5, &former));
	assert_false(former.server_health.up);
	assert_false(store_get(&s, MSG_SERVER_STATE, 5, &former));
	assert_int_equal(s.n, 1);
	store_done(&s);
}

static void test_one_id_may_have_several_states(void **state)
{
	struct msg a = health(5, true), b = vrrp(5, VRRP_STATE_ACTIVE), got;
	struct store s;

	store_init(&s);
	store_put(&s, &a, NULL);
	store_put(&s, &b, NULL);
	assert_int_equal(s.n, 2);
	assert_true(store_get(&s, MSG_VRRP_STATE, 5, &got));
	assert_int_equal(got.vrrp_state.state, VRRP_STATE_ACTIVE);
	store_done(&s);
}

static void test_each_role_hears_its_own(void **state)
{
	struct msg h = health(5, true), v = vrrp(6, VRRP_STATE_ACTIVE);
	struct msg people = {.type = MSG_IPVS_STATE};
	struct store s;

	store_init(&s);
	store_put(&s, &h, NULL);
	store_put(&s, &v, NULL);
	store_put(&s, &people, NULL);
	assert_int_equal(said_to(&s, ROLE_VRRP), 1);
	assert_int_equal(said_to(&s, ROLE_IPVS), 2); /* its sync daemons follow an instance */
	assert_int_equal(said_to(&s, ROLE_CHECK), 0);
	store_done(&s);
}

static void test_forget(void **state)
{
	struct msg m;
	struct store s;

	store_init(&s);
	for (uint64_t i = 0; i < 100; i++) {
		m = health(i, true);
		store_put(&s, &m, NULL);
	}
	store_forget(&s, MSG_SERVER_HEALTH, 0);
	store_forget(&s, MSG_SERVER_HEALTH, 50);
	store_forget(&s, MSG_SERVER_HEALTH, 99);
	store_forget(&s, MSG_SERVER_HEALTH, 99);
	assert_int_equal(s.n, 97);
	assert_false(store_get(&s, MSG_SERVER_HEALTH, 50, &m));
	assert_true(store_get(&s, MSG_SERVER_HEALTH, 51, &m));
	assert_int_equal(m.server_health.server, 51);
	store_done(&s);
}

static void test_an_empty_store(void **state)
{
	struct msg m;
	struct store s;

	store_init(&s);
	assert_false(store_get(&s, MSG_IPVS_STATE, 0, &m));
	assert_int_equal(s.n, 0);
	store_done(&s);
}

static void test_many_objects(void **state)
{
	struct msg m;
	struct store s;

	store_init(&s);
	for (uint64_t i = 1; i <= 20000; i++) {
		m = health(i << 32, i % 3 == 0);
		assert_int_equal(store_put(&s, &m, NULL), STORE_NEW);
	}
	for (uint64_t i = 1; i <= 20000; i++) {
		assert_true(store_get(&s, MSG_SERVER_HEALTH, i << 32, &m));
		assert_int_equal(m.server_health.up, i % 3 == 0);
	}
	assert_int_equal(s.n, 20000);
	store_done(&s);
}

static void test_retain_forgets_what_left_the_model(void **state)
{
	struct check check = {.id = 12};
	struct real_server server = {.id = 11, .checks = &check, .n_checks = 1};
	struct virtual_server service = {.id = 10, .servers = &server, .n_servers = 1};
	struct vrrp_instance instance = {.id = 9};
	struct global global = {0};
	struct sync_group group = {.id = 8};
	struct track_script script = {.id = 7};
	struct model model = {.global = &global,
			      .n_global = 1,
			      .instances = &instance,
			      .n_instances = 1,
			      .groups = &group,
			      .n_groups = 1,
			      .scripts = &script,
			      .n_scripts = 1,
			      .services = &service,
			      .n_services = 1};
	const struct msg put[] = {
		health(11, true),
		health(99, true),
		vrrp(9, VRRP_STATE_BACKUP),
		vrrp(98, VRRP_STATE_ACTIVE),
		{.type = MSG_GROUP_STATE, .group_state = {.group = 8}},
		{.type = MSG_GROUP_STATE, .group_state = {.group = 97}},
		{.type = MSG_TRACK_STATE, .track_state = {.tracker = 7}},
		{.type = MSG_CHECK_STATE, .check_state = {.check = 12}},
		{.type = MSG_SERVICE_STATE, .service_state = {.service = 10}},
		{.type = MSG_IPVS_STATE, .ipvs_state = {.available = true}},
		{.type = MSG_NET_SYSCTL, .vs_sysctl_state = {.id = 50, .former = {"1"}}},
		{.type = MSG_NET_SYSCTL, .vs_sysctl_state = {.id = 51}}, /* has gone back */
		{.type = MSG_VS_SYSCTL, .vs_sysctl_state = {.id = 52, .former = {"1"}}},
		{.type = MSG_CORE_SYSCTL, .vs_sysctl_state = {.id = 53, .former = {"1"}}},
		{.type = MSG_SYNC_PEER, .sync_peer = {.place = 1}},
		{.type = MSG_SYNC_LINK, .sync_link = {.place = 2}},
	};
	struct sync_block peering = {.port = 8849};
	struct msg m;
	struct store s;

	store_init(&s);
	for (size_t i = 0; i < sizeof(put) / sizeof(put[0]); i++)
		store_put(&s, &put[i], NULL);
	global.peering = &peering;
	global.n_peering = 1;
	store_retain(&s, &model);
	assert_int_equal(s.n, 12);
	assert_true(store_get(&s, MSG_SYNC_PEER, 1, &m));
	assert_true(store_get(&s, MSG_SYNC_LINK, 2, &m));
	global.n_peering = 0; /* they are nobody's any more */
	store_retain(&s, &model);
	assert_int_equal(s.n, 10);
	assert_true(store_get(&s, MSG_NET_SYSCTL, 50, &m));
	assert_true(store_get(&s, MSG_VS_SYSCTL, 52, &m));
	assert_true(store_get(&s, MSG_CORE_SYSCTL, 53, &m));
	assert_false(store_get(&s, MSG_NET_SYSCTL, 51, &m));
	assert_true(store_get(&s, MSG_GROUP_STATE, 8, &m));
	assert_true(store_get(&s, MSG_TRACK_STATE, 7, &m));
	assert_true(store_get(&s, MSG_SERVER_HEALTH, 11, &m));
	assert_true(store_get(&s, MSG_IPVS_STATE, 0, &m));
	assert_false(store_get(&s, MSG_SERVER_HEALTH, 99, &m));
	assert_false(store_get(&s, MSG_VRRP_STATE, 98, &m));
	store_done(&s);
}

/* A role gone bad tells of one object after the other that does not exist. */
static void test_a_flood_of_unknown_objects_ends(void **state)
{
	struct global global = {0};
	struct model model = {.global = &global, .n_global = 1};
	enum store_change change = STORE_NEW;
	struct msg m = health(1, true);
	struct store s;

	store_init(&s);
	store_put(&s, &m, NULL);
	store_expect(&s, &model);
	for (uint64_t id = 2; id < 1000000 && change == STORE_NEW; id++) {
		m = health(id, true);
		change = store_put(&s, &m, NULL);
	}
	assert_int_equal(change, STORE_FULL);
	m = health(1, false);
	assert_int_equal(store_put(&s, &m, NULL), STORE_CHANGED);
	store_done(&s);
}

static void save(struct writer *w)
{
	struct msg a = health(5, true), b = vrrp(6, VRRP_STATE_ACTIVE);
	struct msg people = {.type = MSG_IPVS_STATE};
	struct store s;

	store_init(&s);
	store_put(&s, &a, NULL);
	store_put(&s, &people, NULL);
	store_put(&s, &b, NULL);
	writer_init_growing(w);
	store_save(&s, w);
	store_done(&s);
}

static void test_save_and_load(void **state)
{
	struct reader r;
	struct writer w;
	struct msg m;
	struct store s;

	save(&w);
	reader_init(&r, w.at, w.len, NULL);
	store_init(&s);
	assert_int_equal(store_load(&s, &r, NULL), 0);
	assert_int_equal(s.n, 2);
	assert_true(store_get(&s, MSG_VRRP_STATE, 6, &m));
	assert_int_equal(m.vrrp_state.state, VRRP_STATE_ACTIVE);
	store_done(&s);
	writer_done(&w);
}

/* Whatever is cut off, what came whole is kept and the rest is refused. */
static void test_load_of_a_cut_file(void **state)
{
	struct writer w;

	save(&w);
	for (size_t len = 1; len < w.len; len++) {
		struct reader r;
		struct store s;
		int err;

		reader_init(&r, w.at, len, NULL);
		store_init(&s);
		err = store_load(&s, &r, NULL);
		assert_true(err == -EBADMSG ? s.n <= 1 : s.n == 1);
		store_done(&s);
	}
	writer_done(&w);
}

static void test_what_a_model_may_have_left(void **state)
{
	struct global global = {0};
	struct member members[] = {{.id = 31}, {.id = 32}};
	struct virtual_server before[] = {{.id = 1}, {.id = 2}, {.id = 3, .members = members, .n_members = 2}};
	struct virtual_server after[] = {{.id = 2}};
	const struct model former = {.global = &global, .services = before, .n_services = 3};
	const struct model next = {.global = &global, .services = after, .n_services = 1};
	struct msg told = {.type = MSG_SERVICE_STATE, .service_state = {.service = 1, .quorum_up = true}};
	struct store s;

	store_init(&s);
	store_put(&s, &told, NULL);
	store_leave(&s, &former, &next);
	assert_int_equal(said_to(&s, ROLE_IPVS), 4); /* 1, 3, 31 and 32 */
	assert_true(store_get(&s, MSG_SERVICE_STATE, 1, &told));
	assert_true(told.service_state.quorum_up);
	assert_true(store_get(&s, MSG_SERVICE_STATE, 32, &told));
	assert_false(store_get(&s, MSG_SERVICE_STATE, 2, &told));
	store_retain(&s, &next);
	assert_int_equal(said_to(&s, ROLE_IPVS), 0);
	store_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_tells_what_changed),
		cmocka_unit_test(test_what_a_model_may_have_left),
		cmocka_unit_test(test_one_id_may_have_several_states),
		cmocka_unit_test(test_each_role_hears_its_own),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_an_empty_store),
		cmocka_unit_test(test_many_objects),
		cmocka_unit_test(test_a_flood_of_unknown_objects_ends),
		cmocka_unit_test(test_retain_forgets_what_left_the_model),
		cmocka_unit_test(test_save_and_load),
		cmocka_unit_test(test_load_of_a_cut_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
