/* SPDX-License-Identifier: Apache-2.0 */
/* Quorum, sorry server, alpha, inhibit_on_failure: ipvs/wanted.c, and the lines of explain.c. */
#include "ipvs/explain.h"
#include "ipvs/wanted.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SERVERS 4

struct fixture {
	struct arena *arena;
	struct health health;
	struct check checks[SERVERS];
	struct real_server servers[SERVERS];
	struct real_server sorry;
	struct virtual_server vs;
	struct service_state state;
	struct ipvs_service got;
};

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct real_server server(const char *text, int32_t weight)
{
	return (struct real_server){ .address = address(text),
				     .port = 80,
				     .weight = weight,
				     .forward = IPVS_FORWARD_DR };
}

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .arena = arena_new() };
	f.vs = (struct virtual_server){ .family = AF_INET,
					.protocol = IPPROTO_TCP,
					.address = address("192.0.2.10"),
					.port = 80,
					.scheduler = "wrr",
					.persistence_engine = "",
					.quorum = 1,
					.n_servers = SERVERS,
					.servers = f.servers };
	f.vs.id = model_id_virtual_server(&f.vs);
	for (int i = 0; i < SERVERS; i++) {
		char text[32];

		/* Not in the order of addresses, on purpose. */
		snprintf(text, sizeof(text), "10.0.0.%d", SERVERS - i);
		f.servers[i] = server(text, 1);
		f.servers[i].id =
			model_id_real_server(f.vs.id, &f.servers[i].address, f.servers[i].port);
		f.servers[i].n_checks = 1;
		f.servers[i].checks = &f.checks[i];
	}
	f.sorry = server("10.0.9.9", 1);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_free(f->arena);
	health_done(&f->health);
	return 0;
}

static void say(struct fixture *f, int which, bool up)
{
	health_set(&f->health, f->servers[which].id, up, 5,
		   up ? "TCP_CHECK: connected" : "TCP_CHECK: connection refused");
}

static bool run(struct fixture *f, int64_t now_us)
{
	struct ipvs_table t = { .services = &f->got, .n_services = 1 };
	bool changed = wanted_quorum_step(&f->vs, &f->health, &f->state, now_us);

	wanted_service(f->arena, &f->vs, 0, &f->health, &f->state, &f->got);
	ipvs_table_sort(&t);
	return changed;
}

/* -1: not in the table. */
static int weight_of(const struct fixture *f, const char *text)
{
	struct addr a = address(text);
	const struct ipvs_dest *d = ipvs_service_find(&f->got, &a, 80);

	return d ? d->weight : -1;
}

static void test_unknown_health_is_up(void **state)
{
	struct fixture *f = *state;

	assert_true(run(f, 10));
	assert_true(f->state.quorum_up);
	assert_int_equal(f->state.servers_up, SERVERS);
	assert_int_equal(f->state.since_us, 10);
	assert_int_equal(f->got.n_dests, SERVERS);
	assert_string_equal(f->got.scheduler, "wrr");
	assert_int_equal(f->got.prefixlen, 32);
	assert_false(run(f, 20));
	assert_int_equal(f->state.since_us, 10);
}

static void test_destinations_are_sorted(void **state)
{
	struct fixture *f = *state;

	run(f, 1);
	for (int i = 0; i < SERVERS; i++)
		assert_int_equal(f->got.dests[i].address.b[3], i + 1);
}

static void test_alpha_is_down_until_told(void **state)
{
	struct fixture *f = *state;

	f->checks[1].alpha = true;
	run(f, 1);
	assert_int_equal(weight_of(f, "10.0.0.3"), -1);
	say(f, 1, true);
	assert_true(run(f, 2));
	assert_int_equal(weight_of(f, "10.0.0.3"), 1);
}

static void test_a_server_without_checks_is_up(void **state)
{
	struct fixture *f = *state;

	f->servers[0].n_checks = 0;
	say(f, 0, false); /* of a check that the configuration had once */
	run(f, 1);
	assert_int_equal(weight_of(f, "10.0.0.4"), 1);
}

static void test_down_is_removed_or_inhibited(void **state)
{
	struct fixture *f = *state;

	f->servers[1].inhibit_on_failure = true;
	say(f, 0, false);
	say(f, 1, false);
	run(f, 1);
	assert_int_equal(weight_of(f, "10.0.0.4"), -1);
	assert_int_equal(weight_of(f, "10.0.0.3"), 0);
	assert_int_equal(f->state.servers_up, 2);
	assert_int_equal(f->state.weight_up, 2);
}

static void test_weight_zero_stays_in_the_table(void **state)
{
	struct fixture *f = *state;

	f->servers[0].weight = 0;
	run(f, 1);
	assert_int_equal(weight_of(f, "10.0.0.4"), 0);
	assert_int_equal(f->state.servers_up, 4);
	assert_int_equal(f->state.weight_up, 3);
}

/* A weight that a check gives counts for the kernel and for the quorum; 0 keeps it in the table. */
static void test_a_check_gives_the_weight(void **state)
{
	struct fixture *f = *state;
	uint32_t before;

	run(f, 1);
	before = f->state.weight_up;
	health_set_weight(&f->health, f->servers[0].id, true, 100); /* nothing was said of it yet */
	assert_false(run(f, 2));
	say(f, 0, true);
	health_set_weight(&f->health, f->servers[0].id, true, 100);
	assert_true(run(f, 3));
	assert_int_equal(f->state.weight_up, before + 99);
	health_set_weight(&f->health, f->servers[0].id, true, 0);
	run(f, 4);
	assert_int_equal(f->state.weight_up, before - 1);
	assert_int_equal(f->got.n_dests, SERVERS);
	health_set_weight(&f->health, f->servers[0].id, true, -5);
	run(f, 5);
	assert_int_equal(f->state.weight_up, before);
	health_set_weight(&f->health, f->servers[0].id, false, 0);
	run(f, 6);
	assert_int_equal(f->state.weight_up, before);
}

static void test_quorum_sums_weights_with_hysteresis(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < SERVERS; i++)
		f->servers[i].weight = 10;
	f->vs.quorum = 25;
	f->vs.hysteresis = 5;
	run(f, 1);
	assert_true(f->state.quorum_up); /* 40 >= 25 + 5 */
	say(f, 0, false);
	say(f, 1, false);
	run(f, 2);
	assert_true(f->state.quorum_up); /* 20 >= 25 - 5 */
	say(f, 2, false);
	run(f, 3);
	assert_false(f->state.quorum_up);
	assert_int_equal(f->state.since_us, 3);
	say(f, 2, true);
	run(f, 4);
	assert_false(f->state.quorum_up); /* 20 < 30 */
	say(f, 1, true);
	run(f, 5);
	assert_true(f->state.quorum_up);
}

static void test_a_new_service_needs_quorum_plus_hysteresis(void **state)
{
	struct fixture *f = *state;

	f->vs.quorum = 4;
	f->vs.hysteresis = 1;
	run(f, 1);
	assert_false(f->state.quorum_up);
	f->state = (struct service_state){ .service = f->vs.id, .quorum_up = true };
	run(f, 2);
	assert_true(f->state.quorum_up);
}

static void test_nothing_up_is_no_quorum_whatever_the_hysteresis(void **state)
{
	struct fixture *f = *state;

	f->vs.quorum = 1;
	f->vs.hysteresis = 1;
	run(f, 1);
	assert_true(f->state.quorum_up);
	for (int i = 0; i < SERVERS; i++)
		say(f, i, false);
	run(f, 2);
	assert_false(f->state.quorum_up);
}

/* As when an operator has set them all to 0: it does not come and go by itself. */
static void test_weights_of_zero_are_no_quorum(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < SERVERS; i++)
		f->servers[i].weight = 0;
	for (uint32_t quorum = 0; quorum < 2; quorum++) {
		f->vs.quorum = quorum;
		for (int64_t now_us = 1; now_us < 4; now_us++) {
			run(f, now_us);
			assert_false(f->state.quorum_up);
		}
	}
}

static void test_without_sorry_server_the_living_stay(void **state)
{
	struct fixture *f = *state;

	f->vs.quorum = 3;
	run(f, 1);
	say(f, 0, false);
	say(f, 1, false);
	run(f, 2);
	assert_false(f->state.quorum_up);
	assert_false(f->state.sorry);
	assert_int_equal(f->got.n_dests, 2);
}

static void test_sorry_server_replaces_the_pool(void **state)
{
	struct fixture *f = *state;

	f->vs.sorry = &f->sorry;
	f->vs.n_sorry = 1;
	f->vs.quorum = 3;
	f->servers[3].inhibit_on_failure = true;
	run(f, 1);
	assert_int_equal(weight_of(f, "10.0.9.9"), -1);
	say(f, 0, false);
	say(f, 1, false);
	assert_true(run(f, 2));
	assert_true(f->state.sorry);
	assert_int_equal(weight_of(f, "10.0.9.9"), 1);
	assert_int_equal(weight_of(f, "10.0.0.2"), -1);
	assert_int_equal(weight_of(f, "10.0.0.1"), 0); /* up, but inhibited rather than removed */
	say(f, 0, true);
	run(f, 3);
	assert_false(f->state.sorry);
	assert_int_equal(weight_of(f, "10.0.9.9"), -1);
	assert_int_equal(f->got.n_dests, 3);
}

static void test_inhibited_sorry_server_waits_with_weight_zero(void **state)
{
	struct fixture *f = *state;

	f->vs.sorry = &f->sorry;
	f->vs.n_sorry = 1;
	f->vs.sorry_inhibit = true;
	run(f, 1);
	assert_int_equal(weight_of(f, "10.0.9.9"), 0);
	for (int i = 0; i < SERVERS; i++)
		say(f, i, false);
	run(f, 2);
	assert_int_equal(f->got.n_dests, 1);
	assert_int_equal(weight_of(f, "10.0.9.9"), 1);
}

static void test_sorry_server_may_be_one_of_the_pool(void **state)
{
	struct fixture *f = *state;

	f->sorry = server("10.0.0.1", 7);
	f->vs.sorry = &f->sorry;
	f->vs.n_sorry = 1;
	f->vs.sorry_inhibit = true;
	run(f, 1);
	assert_int_equal(f->got.n_dests, SERVERS);
	assert_int_equal(weight_of(f, "10.0.0.1"), 1);
	for (int i = 0; i < SERVERS; i++)
		say(f, i, false);
	run(f, 2);
	assert_int_equal(f->got.n_dests, 1);
	assert_int_equal(weight_of(f, "10.0.0.1"), 7);
}

static void test_persistence_and_flags(void **state)
{
	struct fixture *f = *state;

	f->vs.persistence_timeout_s = 360;
	f->vs.persistence_prefixlen = 24;
	f->vs.persistence_engine = "sip";
	f->vs.scheduler_flags = IP_VS_SVC_F_HASHED | IP_VS_SVC_F_SCHED2;
	run(f, 1);
	assert_int_equal(f->got.flags, IP_VS_SVC_F_PERSISTENT | IP_VS_SVC_F_SCHED2);
	assert_int_equal(f->got.timeout_s, 360);
	assert_int_equal(f->got.prefixlen, 24);
	assert_string_equal(f->got.engine, "sip");
}

static void test_fwmark_key_has_no_address(void **state)
{
	struct fixture *f = *state;
	struct ipvs_key key;

	f->vs.fwmark = 7;
	key = wanted_key(&f->vs, 0);
	assert_int_equal(key.fwmark, 7);
	assert_int_equal(key.protocol, 0);
	assert_int_equal(key.port, 0);
	assert_false(addr_is_set(&key.address));
}

static void test_key_and_virtual_server_have_one_id(void **state)
{
	struct fixture *f = *state;
	struct ipvs_key key = wanted_key(&f->vs, 0);

	assert_true(ipvs_key_id(&key) == f->vs.id);
}

static void test_health_forgets_what_is_gone(void **state)
{
	struct fixture *f = *state;
	for (uint64_t id = 1; id <= 1000; id++)
		health_set(&f->health, id * 64, id % 2, 1, "x");
	for (uint64_t id = 1; id <= 1000; id += 10)
		health_keep(&f->health, id * 64);
	health_keep(&f->health, 77); /* never heard of */
	health_sweep(&f->health);
	assert_int_equal(f->health.used, 100);
	for (uint64_t id = 1; id <= 1000; id++)
		assert_int_equal(!!health_get(&f->health, id * 64), id % 10 == 1);
	assert_true(health_get(&f->health, 64)->up);
}

static void assert_line(struct fixture *f, enum ipvs_edit_kind kind, enum ipvs_cause cause,
			const struct ipvs_dest *dest, const struct ipvs_dest *was,
			const char *expected)
{
	struct ipvs_edit e = { .kind = kind, .service = &f->got, .dest = dest, .was = was };
	char line[EXPLAIN_MAX];

	assert_string_equal(explain_edit(&e, cause, &f->vs, &f->state, &f->health, line), expected);
}

static void test_lines_tell_the_reason(void **state)
{
	struct fixture *f = *state;
	struct ipvs_dest d, was;
	char line[EXPLAIN_MAX];

	run(f, 1);
	d = was = f->got.dests[SERVERS - 1];
	assert_line(f, IPVS_EDIT_NEW_DEST, IPVS_CAUSE_MODEL, &d, NULL,
		    "192.0.2.10:80 TCP: real server 10.0.0.4:80 added with weight 1: configured");
	say(f, 0, false);
	run(f, 2);
	assert_line(f, IPVS_EDIT_DEL_DEST, IPVS_CAUSE_HEALTH, &d, NULL,
		    "192.0.2.10:80 TCP: real server 10.0.0.4:80 removed: "
		    "TCP_CHECK: connection refused");
	d.weight = 0;
	assert_line(f, IPVS_EDIT_SET_DEST, IPVS_CAUSE_HEALTH, &d, &was,
		    "192.0.2.10:80 TCP: real server 10.0.0.4:80 weight 1 -> 0: "
		    "TCP_CHECK: connection refused");
	d.weight = 5;
	assert_line(f, IPVS_EDIT_SET_DEST, IPVS_CAUSE_MODEL, &d, &was,
		    "192.0.2.10:80 TCP: real server 10.0.0.4:80 weight 1 -> 5");
	assert_line(f, IPVS_EDIT_NEW_DEST, IPVS_CAUSE_DRIFT, &d, NULL,
		    "192.0.2.10:80 TCP: real server 10.0.0.4:80 was missing: added again");
	f->vs.quorum = 4;
	f->vs.hysteresis = 1;
	assert_string_equal(explain_quorum(&f->vs, &f->state, false, line),
			    "192.0.2.10:80 TCP: quorum regained: weight 3 up of 5 wanted");
	f->state.quorum_up = false;
	assert_string_equal(explain_quorum(&f->vs, &f->state, true, line),
			    "192.0.2.10:80 TCP: quorum not reached: weight 3 up of 5 wanted");
	f->vs.n_sorry = 1;
	f->vs.sorry = &f->sorry;
	f->state.sorry = true;
	assert_string_equal(explain_quorum(&f->vs, &f->state, false, line),
			    "192.0.2.10:80 TCP: quorum lost: weight 3 up of 3 wanted: "
			    "the sorry server serves");
	d.address = f->sorry.address;
	assert_line(f, IPVS_EDIT_NEW_DEST, IPVS_CAUSE_HEALTH, &d, NULL,
		    "192.0.2.10:80 TCP: sorry server 10.0.9.9:80 added with weight 5: no quorum");
}

static void test_failures_name_what_helps(void **state)
{
	struct fixture *f = *state;
	struct ipvs_edit e = { .kind = IPVS_EDIT_NEW_SERVICE, .service = &f->got, .error = -2 };
	char line[EXPLAIN_MAX];

	run(f, 1);
	assert_string_equal(explain_failure(&e, line),
			    "192.0.2.10:80 TCP: can't add service: the kernel has no scheduler "
			    "\"wrr\": run \"modprobe ip_vs_wrr\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void test_sync_daemons_follow_their_instance(void **state)
{
	struct sync_daemon sync = { .ifname = "eth1", .instance = 1, .sync_id = 51 };
	struct global with = { .sync = &sync, .n_sync = 1 }, without = { 0 };
	struct ipvs_daemons d;

	d = wanted_daemons(&with, WANTED_FOLLOWS_UNKNOWN, true);
	assert_false(d.known);
	d = wanted_daemons(&with, WANTED_FOLLOWS_ACTIVE, true);
	assert_true(d.known && d.of[IPVS_DAEMON_MASTER].runs && !d.of[IPVS_DAEMON_BACKUP].runs);
	assert_string_equal(d.of[IPVS_DAEMON_MASTER].ifname, "eth1");
	assert_int_equal(d.of[IPVS_DAEMON_MASTER].sync_id, 51);
	d = wanted_daemons(&with, WANTED_FOLLOWS_OTHER, true);
	assert_true(d.known && !d.of[IPVS_DAEMON_MASTER].runs && d.of[IPVS_DAEMON_BACKUP].runs);
	sync.instance = 0;
	d = wanted_daemons(&with, WANTED_FOLLOWS_UNKNOWN, true);
	assert_true(d.known && d.of[IPVS_DAEMON_MASTER].runs && d.of[IPVS_DAEMON_BACKUP].runs);
	d = wanted_daemons(&without, WANTED_FOLLOWS_UNKNOWN, true);
	assert_true(d.known && !d.of[IPVS_DAEMON_MASTER].runs && !d.of[IPVS_DAEMON_BACKUP].runs);
	d = wanted_daemons(&without, WANTED_FOLLOWS_UNKNOWN, false);
	assert_false(d.known);
}

/* tandem-sync is told by one and speaks to the other, whatever VRRP says. */
static void test_sync_block_wants_both_daemons_on_lo(void **state)
{
	struct sync_block block = { .port = 8849 };
	struct global with = { .peering = &block, .n_peering = 1 };
	struct ipvs_daemons d = wanted_daemons(&with, WANTED_FOLLOWS_UNKNOWN, false);
	const struct ipvs_daemon *source = &d.of[IPVS_DAEMON_MASTER];
	const struct ipvs_daemon *sink = &d.of[IPVS_DAEMON_BACKUP];

	assert_true(wanted_any_daemon(&with));
	assert_true(d.known && source->runs && sink->runs);
	assert_string_equal(source->ifname, "lo");
	assert_string_equal(sink->ifname, "lo");
	assert_false(addr_equal(&source->group, &sink->group));
	assert_int_not_equal(source->port, sink->port);
	assert_int_equal(source->maxlen, 152);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sync_daemons_follow_their_instance),
		cmocka_unit_test(test_sync_block_wants_both_daemons_on_lo),
		TEST(test_unknown_health_is_up),
		TEST(test_destinations_are_sorted),
		TEST(test_alpha_is_down_until_told),
		TEST(test_a_server_without_checks_is_up),
		TEST(test_down_is_removed_or_inhibited),
		TEST(test_weight_zero_stays_in_the_table),
		TEST(test_a_check_gives_the_weight),
		TEST(test_quorum_sums_weights_with_hysteresis),
		TEST(test_a_new_service_needs_quorum_plus_hysteresis),
		TEST(test_nothing_up_is_no_quorum_whatever_the_hysteresis),
		TEST(test_weights_of_zero_are_no_quorum),
		TEST(test_without_sorry_server_the_living_stay),
		TEST(test_sorry_server_replaces_the_pool),
		TEST(test_inhibited_sorry_server_waits_with_weight_zero),
		TEST(test_sorry_server_may_be_one_of_the_pool),
		TEST(test_persistence_and_flags),
		TEST(test_fwmark_key_has_no_address),
		TEST(test_key_and_virtual_server_have_one_id),
		TEST(test_health_forgets_what_is_gone),
		TEST(test_lines_tell_the_reason),
		TEST(test_failures_name_what_helps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
