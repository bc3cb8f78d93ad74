/* SPDX-License-Identifier: Apache-2.0 */
/* What carries over between models and lives: the rules of set.h. */
#include "checkers/set.h"
#include "checkers/share.h"
#include "checkers/suspend.h"
#include "core/clock.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S	   USEC_PER_SEC
#define CHECKS_MAX 4

/* One service with servers 10.0.0.1 …, the i-th with n_checks[i] checks. */
struct world {
	struct check checks[4][CHECKS_MAX];
	struct real_server servers[4];
	struct virtual_server service;
	struct model model;
};

static void world_init(struct world *w, const uint32_t *n_checks, uint32_t n)
{
	memset(w, 0, sizeof(*w));
	w->service = (struct virtual_server){.family = AF_INET,
					     .protocol = IPPROTO_TCP,
					     .port = 80,
					     .servers = w->servers,
					     .n_servers = n};
	addr_parse("192.0.2.10", &w->service.address);
	w->service.id = model_id_virtual_server(&w->service);
	w->model = (struct model){.services = &w->service, .n_services = 1};
	for (uint32_t i = 0; i < n; i++) {
		struct real_server *rs = &w->servers[i];

		*rs = (struct real_server){
			.port = 80, .checks = w->checks[i], .n_checks = n_checks[i]};
		addr_parse("10.0.0.1", &rs->address);
		rs->address.b[3] = (uint8_t)(i + 1);
		rs->id = model_id_real_server(w->service.id, &rs->address, rs->port);
		for (uint32_t j = 0; j < n_checks[i]; j++)
			w->checks[i][j] = (struct check){
				.id = model_id_check(rs->id, CHECK_TCP, j),
				.address = rs->address,
				.port = 80,
				.bind_ifname = "",
				.delay_loop_us = 10 * S,
				.warmup_us = 10 * S,
				.delay_before_retry_us = S,
			};
	}
}

static struct checked *check_of(struct check_set *set, const struct world *w, int rs, int check)
{
	struct checked *c = check_set_find(set, w->checks[rs][check].id);

	assert_non_null(c);
	assert_ptr_equal(c->conf, &w->checks[rs][check]);
	return c;
}

static struct checked_server *server_of(struct check_set *set, const struct world *w, int rs)
{
	for (size_t i = 0; i < set->n_servers; i++)
		if (set->servers[i]->conf == &w->servers[rs])
			return set->servers[i];
	fail_msg("no server %d", rs);
	return NULL;
}

static enum check_change end(struct checked *c, enum check_outcome outcome, int64_t now_us)
{
	struct check_result r = {.outcome = outcome};

	text_set(&r.reason, outcome == CHECK_PASS ? "connected in 0.4 ms" : "connection refused");
	return checked_result(c, &r, now_us);
}

static void update(struct check_set *set, const struct world *w, int64_t now_us)
{
	check_set_update(set, &w->model, NULL, now_us, NULL, NULL);
}

static void test_server_is_up_when_all_checks_are(void **state)
{
	struct check_set set = {0};
	struct world w;
	struct checked_server *s;

	world_init(&w, (uint32_t[]){2, 0}, 2);
	w.checks[0][1].port = 81;
	update(&set, &w, 100 * S);
	s = server_of(&set, &w, 0);
	assert_true(s->up && s->fresh);
	assert_string_equal(s->reason.s, "TCP_CHECK 10.0.0.1:80: not run yet");
	assert_int_equal(set.n_servers, 1);
	assert_int_equal(set.n_unchecked, 1);

	assert_int_equal(end(check_of(&set, &w, 0, 0), CHECK_FAIL, 101 * S), CHECK_WENT_DOWN);
	assert_false(s->up);
	assert_int_equal(s->since_us, 101 * S);
	assert_string_equal(s->reason.s,
			    "TCP_CHECK 10.0.0.1:80: connection refused (1 of 1 tries)");
	assert_int_equal(end(check_of(&set, &w, 0, 1), CHECK_FAIL, 102 * S), CHECK_WENT_DOWN);
	assert_int_equal(end(check_of(&set, &w, 0, 0), CHECK_PASS, 103 * S), CHECK_WENT_UP);
	assert_false(s->up);
	assert_int_equal(s->since_us, 101 * S);
	assert_string_equal(s->reason.s,
			    "TCP_CHECK 10.0.0.1:81: connection refused (1 of 1 tries)");
	assert_int_equal(end(check_of(&set, &w, 0, 1), CHECK_PASS, 104 * S), CHECK_WENT_UP);
	assert_true(s->up);
	assert_int_equal(s->since_us, 104 * S);
	assert_string_equal(s->reason.s, "TCP_CHECK 10.0.0.1:81: connected in 0.4 ms");
	check_set_done(&set);
}

static void test_alpha_starts_down(void **state)
{
	struct check_set set = {0};
	struct world w;

	world_init(&w, (uint32_t[]){1}, 1);
	w.checks[0][0].alpha = true;
	update(&set, &w, 100 * S);
	assert_false(server_of(&set, &w, 0)->up);
	end(check_of(&set, &w, 0, 0), CHECK_PASS, 101 * S);
	assert_true(server_of(&set, &w, 0)->up);
	check_set_done(&set);
}

static void test_reload_without_change_changes_nothing(void **state)
{
	struct check_set set = {0};
	struct world a, b;
	struct check_state before;

	world_init(&a, (uint32_t[]){1, 2, 1}, 3);
	update(&set, &a, 100 * S);
	end(check_of(&set, &a, 1, 1), CHECK_FAIL, 104 * S);
	before = check_of(&set, &a, 1, 1)->state;
	world_init(&b, (uint32_t[]){1, 2, 1}, 3);
	update(&set, &b, 105 * S);
	assert_memory_equal(&check_of(&set, &b, 1, 1)->state, &before, sizeof(before));
	for (int i = 0; i < 3; i++) {
		struct checked_server *s = server_of(&set, &b, i);

		assert_false(s->fresh || s->changed || s->checks[0]->fresh ||
			     s->checks[0]->retargeted);
		assert_ptr_equal(s->service, &b.service);
		assert_int_equal(s->up, i != 1);
	}
	assert_int_equal(server_of(&set, &b, 1)->since_us, 104 * S);
	check_set_done(&set);
}

static void test_new_check_begins_as_its_server_is(void **state)
{
	struct check_set set = {0};
	struct world a, b;

	world_init(&a, (uint32_t[]){1, 1}, 2);
	update(&set, &a, 100 * S);
	end(check_of(&set, &a, 0, 0), CHECK_FAIL, 101 * S);
	world_init(&b, (uint32_t[]){2, 2}, 2);
	b.checks[1][1].alpha = true; /* no reason to drop a server that is up */
	update(&set, &b, 102 * S);
	assert_false(check_of(&set, &b, 0, 1)->state.up);
	assert_true(check_of(&set, &b, 1, 1)->state.up);
	assert_true(check_of(&set, &b, 1, 1)->fresh);
	assert_false(server_of(&set, &b, 1)->changed);
	/* The failing check goes; the new one must pass before the server comes back. */
	b.servers[0].checks = &b.checks[0][1];
	b.servers[0].n_checks = 1;
	update(&set, &b, 103 * S);
	assert_false(server_of(&set, &b, 0)->up);
	end(check_of(&set, &b, 0, 1), CHECK_PASS, 104 * S);
	assert_true(server_of(&set, &b, 0)->up);
	check_set_done(&set);
}

/* What an operator may do to the checks of a server, of which one passes and one fails. */
static void edit_address(struct world *w)
{
	w->checks[0][0].address.b[3] = 9;
	w->checks[0][1].address.b[3] = 9;
}

static void edit_port(struct world *w)
{
	w->checks[0][0].port = 8080;
	w->checks[0][1].port = 8081;
}

static void edit_times(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		w->checks[0][i].retry = 5;
		w->checks[0][i].rise = 3;
		w->checks[0][i].delay_loop_us = S;
		w->checks[0][i].connect_timeout_us = S;
	}
}

static void edit_method(struct world *w)
{
	for (uint32_t i = 0; i < 2; i++)
		w->checks[0][i].id = model_id_check(w->servers[0].id, CHECK_PING, i);
}

static void edit_order(struct world *w)
{
	w->checks[0][0].port = 81;
	w->checks[0][1].port = 80;
}

/* The failing one moves up to where the passing one was. */
static void edit_number(struct world *w)
{
	w->checks[0][0].port = 81;
	w->servers[0].n_checks = 1;
}

static void edit_more(struct world *w)
{
	w->checks[0][2] = w->checks[0][1];
	w->checks[0][2].id = model_id_check(w->servers[0].id, CHECK_TCP, 2);
	w->servers[0].n_checks = 3;
}

static void edit_alpha(struct world *w)
{
	w->checks[0][0].alpha = w->checks[0][1].alpha = true;
}

static void edit_server(struct world *w)
{
	w->servers[0].weight = 7;
	w->servers[0].forward = IPVS_FORWARD_TUNNEL;
}

static void (*const edits[])(struct world *w) = {
	edit_address, edit_port, edit_times, edit_method, edit_order,
	edit_number, edit_more, edit_alpha, edit_server,
};
#define EDITS (sizeof(edits) / sizeof(*edits))

static void two_checks(struct world *w)
{
	world_init(w, (uint32_t[]){2}, 1);
	w->checks[0][1].port = 81;
}

static void run_all(struct check_set *set, const struct world *w, enum check_outcome outcome,
		    int64_t now_us)
{
	for (uint32_t n = 0; n < 8; n++)
		for (uint32_t i = 0; i < w->servers[0].n_checks; i++)
			end(check_of(set, w, 0, (int)i), outcome, now_us);
}

static void test_no_edit_puts_a_server_back(void **state)
{
	for (size_t i = 0; i < EDITS; i++) {
		struct check_set set = {0};
		struct world a, b;

		two_checks(&a);
		update(&set, &a, 100 * S);
		end(check_of(&set, &a, 0, 0), CHECK_PASS, 101 * S);
		end(check_of(&set, &a, 0, 1), CHECK_FAIL, 101 * S);
		two_checks(&b);
		edits[i](&b);
		update(&set, &b, 102 * S);
		assert_false(server_of(&set, &b, 0)->up);
		assert_false(server_of(&set, &b, 0)->changed);
		assert_int_equal(server_of(&set, &b, 0)->since_us, 101 * S);
		run_all(&set, &b, CHECK_FAIL, 103 * S);
		assert_false(server_of(&set, &b, 0)->up);
		run_all(&set, &b, CHECK_PASS, 104 * S);
		assert_true(server_of(&set, &b, 0)->up);
		check_set_done(&set);
	}
}

static void test_no_edit_takes_a_server_out(void **state)
{
	for (size_t i = 0; i < EDITS; i++) {
		struct check_set set = {0};
		struct world a, b;

		two_checks(&a);
		update(&set, &a, 100 * S);
		run_all(&set, &a, CHECK_PASS, 101 * S);
		two_checks(&b);
		edits[i](&b);
		update(&set, &b, 102 * S);
		assert_true(server_of(&set, &b, 0)->up);
		assert_false(server_of(&set, &b, 0)->changed);
		run_all(&set, &b, CHECK_FAIL, 103 * S);
		assert_false(server_of(&set, &b, 0)->up);
		check_set_done(&set);
	}
}

static void test_last_failing_check_removed(void **state)
{
	struct check_set set = {0};
	struct world a, b;

	world_init(&a, (uint32_t[]){1}, 1);
	update(&set, &a, 100 * S);
	end(check_of(&set, &a, 0, 0), CHECK_FAIL, 101 * S);
	world_init(&b, (uint32_t[]){0}, 1);
	update(&set, &b, 102 * S);
	assert_true(server_of(&set, &b, 0)->up && server_of(&set, &b, 0)->changed);
	assert_int_equal(set.n_checks, 0);
	check_set_done(&set);
}

/* It serves: also a check that starts down for others does not take it away. */
static void test_first_check_of_a_known_server(void **state)
{
	struct check_set set = {0};
	struct world a, b;

	world_init(&a, (uint32_t[]){0}, 1);
	update(&set, &a, 100 * S);
	assert_int_equal(set.n_servers, 0);
	world_init(&b, (uint32_t[]){1}, 1);
	b.checks[0][0].alpha = true;
	update(&set, &b, 102 * S);
	assert_true(server_of(&set, &b, 0)->up && !server_of(&set, &b, 0)->changed);
	assert_int_equal(set.n_unchecked, 0);
	end(check_of(&set, &b, 0, 0), CHECK_FAIL, 103 * S);
	assert_false(server_of(&set, &b, 0)->up);
	check_set_done(&set);
}

static void count_drop(void *ctx, struct checked *c)
{
	(*(int *)ctx)++;
}

static void test_removed_checks_are_dropped_once(void **state)
{
	struct check_set set = {0};
	struct world a, b;
	int drops = 0;

	world_init(&a, (uint32_t[]){3, 2, 1}, 3);
	check_set_update(&set, &a.model, NULL, S, count_drop, &drops);
	assert_int_equal(drops, 0);
	world_init(&b, (uint32_t[]){1, 2}, 2);
	check_set_update(&set, &b.model, NULL, 2 * S, count_drop, &drops);
	assert_int_equal(drops, 3);
	assert_int_equal(set.n_checks, 3);
	assert_int_equal(set.n_servers, 2);
	check_set_done(&set);
}

static void test_changed_target_is_marked(void **state)
{
	struct check_set set = {0};
	struct world a, b;

	world_init(&a, (uint32_t[]){1}, 1);
	update(&set, &a, 100 * S);
	end(check_of(&set, &a, 0, 0), CHECK_FAIL, 101 * S);
	world_init(&b, (uint32_t[]){1}, 1);
	b.checks[0][0].port = 8080;
	update(&set, &b, 102 * S);
	assert_true(check_of(&set, &b, 0, 0)->retargeted);
	assert_false(server_of(&set, &b, 0)->up);
	assert_int_equal(check_of(&set, &b, 0, 0)->state.next_run_us, 102 * S);
	check_set_done(&set);
}

static void remember(struct check_memory *m, const struct check *c, bool up, int64_t since_us)
{
	struct msg_check_state state = {.check = c->id,
					.up = up,
					.has_run = true,
					.failures = up ? 0 : 1,
					.since_us = since_us,
					.next_run_us = 105 * S};

	text_set(&state.result, up ? "connected in 0.4 ms" : "connection refused");
	check_memory_add(m, &state);
}

static void test_next_life_resumes(void **state)
{
	struct check_memory memory = {0};
	struct msg_check_latency latency;
	struct check_set set = {0};
	struct world w;

	world_init(&w, (uint32_t[]){2, 2, 2}, 3);
	latency = (struct msg_check_latency){.check = w.checks[1][0].id, .n2 = 7, .more = 9};
	for (int i = 0; i < 2; i++) {
		remember(&memory, &w.checks[i][0], i == 1, 50 * S);
		remember(&memory, &w.checks[i][1], true, 60 * S);
	}
	remember(&memory, &w.checks[2][1], false, 70 * S);
	check_memory_add_latency(&memory, &latency);
	w.checks[2][0].alpha = false;
	check_set_update(&set, &w.model, &memory, 100 * S, NULL, NULL);
	check_memory_done(&memory);
	assert_int_equal(check_of(&set, &w, 1, 0)->state.histogram[2], 7);
	assert_int_equal(check_of(&set, &w, 1, 0)->state.histogram[CHECK_BUCKETS - 1], 9);
	assert_int_equal(check_of(&set, &w, 1, 1)->state.histogram[2], 0);
	assert_false(server_of(&set, &w, 0)->up);
	assert_int_equal(server_of(&set, &w, 0)->since_us, 50 * S);
	assert_string_equal(server_of(&set, &w, 0)->reason.s,
			    "TCP_CHECK 10.0.0.1:80: connection refused (1 of 1 tries)");
	assert_true(server_of(&set, &w, 1)->up);
	assert_int_equal(server_of(&set, &w, 1)->since_us, 60 * S);
	assert_int_equal(check_of(&set, &w, 0, 0)->state.next_run_us, 105 * S);
	/* The check nobody knew begins as its brother left the server: down. */
	assert_false(check_of(&set, &w, 2, 0)->state.up);
	check_set_done(&set);
}

/* A long absence: what is overdue is made up for soon, but not all at once. */
static void test_overdue_checks_are_spread(void **state)
{
	struct check_memory memory = {0};
	struct check_set set = {0};
	struct world w;
	int64_t sum_us = 0;

	world_init(&w, (uint32_t[]){1, 1, 1, 1}, 4);
	for (int i = 0; i < 4; i++)
		remember(&memory, &w.checks[i][0], true, 50 * S);
	check_set_update(&set, &w.model, &memory, 900 * S, NULL, NULL);
	check_memory_done(&memory);
	for (int i = 0; i < 4; i++)
		sum_us += check_of(&set, &w, i, 0)->state.next_run_us - 900 * S;
	assert_int_equal(sum_us, 1500000); /* 0, 0.25, 0.5 and 0.75 s */
	check_set_done(&set);
}

/* Reloads more frequent than delay_loop must not starve a check (they do in keepalived). */
static void test_frequent_reloads_do_not_starve(void **state)
{
	struct check_set set = {0};
	struct world w[2];
	int64_t due_us;

	for (int i = 0; i < 2; i++)
		world_init(&w[i], (uint32_t[]){1, 1, 1, 1}, 4);
	update(&set, &w[0], 100 * S);
	due_us = check_of(&set, &w[0], 3, 0)->state.next_run_us;
	for (int i = 1; i < 200; i++) {
		w[i % 2].checks[0][0].port = (uint16_t)i; /* something is new each time */
		update(&set, &w[i % 2], 100 * S + i * S / 10);
	}
	assert_int_equal(check_of(&set, &w[1], 3, 0)->state.next_run_us, due_us);
	assert_true(check_of(&set, &w[1], 0, 0)->state.next_run_us <= 110 * S);
	check_set_done(&set);
}

static void give_weight(struct checked *c, int32_t weight, int64_t now_us)
{
	struct check_result r = {
		.outcome = CHECK_PASS, .has_weight = weight >= 0, .weight = weight};

	checked_result(c, &r, now_us);
}

static void move_weight(struct checked *c, int32_t by, int64_t now_us)
{
	struct check_result r = {.outcome = CHECK_PASS, .has_weight = true, .weight = by};

	checked_result(c, &r, now_us);
}

/* Several add up; without misc_dynamic none; nothing is forgotten by a pass that gives none. */
static void test_checks_give_weights(void **state)
{
	struct check_misc misc[2] = {{.command = "/x", .user = "", .group = "", .dynamic = true},
				     {.command = "/x", .user = "", .group = "", .dynamic = true}};
	struct check_set set = {0};
	struct checked_server *s;
	struct world w, w2;

	world_init(&w, (uint32_t[]){2}, 1);
	for (int i = 0; i < 2; i++) {
		w.checks[0][i].misc = &misc[i];
		w.checks[0][i].n_misc = 1;
	}
	w.servers[0].weight = 5;
	update(&set, &w, 100 * S);
	s = server_of(&set, &w, 0);
	assert_false(s->has_weight);
	give_weight(check_of(&set, &w, 0, 0), 7, 101 * S);
	assert_true(s->has_weight && s->weight == 7);
	give_weight(check_of(&set, &w, 0, 1), 1, 102 * S);
	assert_true(s->has_weight && s->weight == 3);
	give_weight(check_of(&set, &w, 0, 1), -1, 103 * S);
	assert_true(s->has_weight && s->weight == 3);
	give_weight(check_of(&set, &w, 0, 0), 0, 104 * S);
	assert_true(s->has_weight && s->weight == 0);

	world_init(&w2, (uint32_t[]){2}, 1);
	update(&set, &w2, 105 * S);
	s = server_of(&set, &w2, 0);
	assert_true(!s->has_weight && s->weighed);
	check_set_done(&set);
}

/* What a file's number adds is added to the configured weight; with weight 0 it adds nothing. */
static void test_files_move_weights(void **state)
{
	struct check_file file[2] = {{.name = "a", .weight = 1}, {.name = "b", .weight = -2}};
	struct check_set set = {0};
	struct checked_server *s;
	struct world w, w2;

	world_init(&w, (uint32_t[]){2}, 1);
	world_init(&w2, (uint32_t[]){2}, 1);
	for (int i = 0; i < 2; i++) {
		w.checks[0][i].file = &file[i];
		w.checks[0][i].n_file = 1;
	}
	w.servers[0].weight = w2.servers[0].weight = 5;
	update(&set, &w, 100 * S);
	s = server_of(&set, &w, 0);
	move_weight(check_of(&set, &w, 0, 0), 70000, 101 * S);
	assert_int_equal(s->weight, 65535);
	move_weight(check_of(&set, &w, 0, 0), 7, 101 * S);
	assert_true(s->has_weight && s->weight == 12);
	move_weight(check_of(&set, &w, 0, 1), -4, 102 * S);
	assert_int_equal(s->weight, 8);
	move_weight(check_of(&set, &w, 0, 1), INT32_MIN + 1, 103 * S);
	assert_int_equal(s->weight, 0);

	w2.checks[0][0] = w.checks[0][0];
	update(&set, &w2, 104 * S);
	assert_int_equal(server_of(&set, &w2, 0)->weight, 12);
	file[0].weight = 0;
	update(&set, &w2, 105 * S);
	assert_false(server_of(&set, &w2, 0)->has_weight);
	check_set_done(&set);
}

/* Only checks that are equal in all but their id are one; the least id leads, whatever comes. */
static void test_same_checks_are_run_once(void **state)
{
	struct check_set set = {0};
	struct checked *leader, *other;
	struct world w;

	world_init(&w, (uint32_t[]){1, 1, 2}, 3);
	update(&set, &w, 100 * S);
	w.checks[2][1].port = 81;
	assert_int_equal(share_group(&set), 4);
	for (int i = 1; i < 3; i++)
		w.checks[i][0].address = w.checks[0][0].address;
	assert_int_equal(share_group(&set), 2);
	leader = check_of(&set, &w, 0, 0)->leader;
	assert_ptr_equal(leader->leader, leader);
	for (int i = 0; i < 3; i++) {
		other = check_of(&set, &w, i, 0);
		assert_ptr_equal(other->leader, leader);
		assert_true(leader->conf->id <= other->conf->id);
		other->state.next_run_us = (200 - i) * S;
	}
	assert_ptr_equal(check_of(&set, &w, 2, 1)->leader, check_of(&set, &w, 2, 1));
	assert_int_equal(share_next_run_us(leader), 198 * S);
	w.checks[1][0].connect_timeout_us = 1;
	assert_int_equal(share_group(&set), 3);
	check_set_done(&set);
}

/* ha_suspend: a probe rests when all of the services it is for do. */
static void test_suspended_checks_rest(void **state)
{
	struct virtual_server follows = {.ha_suspend = true, .instance = 7}, free_one = {.id = 2};
	struct checked_server a = {.service = &follows}, b = {.service = &free_one};
	struct checked other = {.server = &b}, leader = {.server = &a};
	struct suspension s = {0};

	assert_false(suspension_holds(&s, &leader));
	suspension_set(&s, 8, false);
	assert_false(suspension_holds(&s, &leader));
	suspension_set(&s, 7, false);
	suspension_set(&s, 7, false);
	assert_true(suspension_holds(&s, &leader));
	leader.next_same = &other;
	assert_false(suspension_holds(&s, &leader));
	leader.next_same = NULL;
	suspension_set(&s, 7, true);
	assert_false(suspension_holds(&s, &leader));
	free(s.away);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suspended_checks_rest),
		cmocka_unit_test(test_server_is_up_when_all_checks_are),
		cmocka_unit_test(test_alpha_starts_down),
		cmocka_unit_test(test_reload_without_change_changes_nothing),
		cmocka_unit_test(test_new_check_begins_as_its_server_is),
		cmocka_unit_test(test_no_edit_puts_a_server_back),
		cmocka_unit_test(test_no_edit_takes_a_server_out),
		cmocka_unit_test(test_last_failing_check_removed),
		cmocka_unit_test(test_first_check_of_a_known_server),
		cmocka_unit_test(test_removed_checks_are_dropped_once),
		cmocka_unit_test(test_changed_target_is_marked),
		cmocka_unit_test(test_next_life_resumes),
		cmocka_unit_test(test_overdue_checks_are_spread),
		cmocka_unit_test(test_frequent_reloads_do_not_starve),
		cmocka_unit_test(test_checks_give_weights),
		cmocka_unit_test(test_files_move_weights),
		cmocka_unit_test(test_same_checks_are_run_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
