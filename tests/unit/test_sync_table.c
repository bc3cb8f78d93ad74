/* SPDX-License-Identifier: Apache-2.0 */
/* The shadow table and its cursors: sync/table.c, roles.c, replay.c. */
#include "sync/replay.h"
#include "sync/roles.h"
#include "sync/table.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct rig {
	struct sync_table t;
	uint8_t record[SYNC_RECORD_MAX];
};

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_int_equal(sync_table_init(&r->t, 42, 7, 100000), 0);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	sync_table_done(&r->t);
	free(r);
	return 0;
}

/* A connection named by a number, to one of seven services. */
static size_t make(struct rig *r, uint32_t n, uint32_t flags, uint32_t timeout_s)
{
	struct sync_record record = {
		.protocol = IPPROTO_TCP,
		.state = 1,
		.flags = flags,
		.timeout_s = timeout_s,
		.client = addr_from_bytes(AF_INET, &n),
		.vip = addr_from_bytes(AF_INET, (uint8_t[]){10, 0, 0, 1}),
		.server = addr_from_bytes(AF_INET, (uint8_t[]){10, 0, 1, 1}),
		.client_port = 1000,
		.vip_port = (uint16_t)(n % 7),
	};

	return sync_record_encode(&record, r->record);
}

static int put(struct rig *r, uint32_t n, uint32_t flags, uint32_t timeout_s, uint32_t now_s)
{
	size_t len = make(r, n, flags, timeout_s);

	return sync_table_put(&r->t, r->record, len, SYNC_OWNER_OWN, 1, now_s);
}

static struct sync_entry *get(struct rig *r, uint32_t n)
{
	make(r, n, 0, 0);
	return sync_table_find(&r->t, r->record);
}

/* Nothing else is so old. */
static void expire(struct rig *r, uint32_t n)
{
	get(r, n)->expires_s = 1;
	assert_int_equal(sync_table_expire(&r->t, 1, SIZE_MAX), 1);
}

static uint32_t number_of(const struct sync_entry *e)
{
	uint32_t n;

	memcpy(&n, e->record + 24, sizeof(n));
	return n;
}

static void test_put_and_find(void **state)
{
	struct rig *r = *state;

	for (uint32_t n = 0; n < 5000; n++)
		assert_int_equal(put(r, n, 0, 100, 0), 1);
	for (uint32_t n = 0; n < 5000; n++)
		assert_int_equal(number_of(get(r, n)), n);
	assert_null(get(r, 5000));
	assert_int_equal(put(r, 17, 0, 200, 0), 0);
	assert_int_equal(r->t.n, 5000);
	assert_int_equal(r->t.n_own, 5000);
	assert_true(r->t.version == 5001);
	assert_true(get(r, 17)->version == 5001);
	expire(r, 17);
	assert_null(get(r, 17));
	assert_int_equal(r->t.n, 4999);
}

static void test_bound(void **state)
{
	struct rig *r = *state;
	struct sync_note note = {.topic = 1};

	r->t.max = 10;
	for (uint32_t n = 0; n < 10; n++)
		put(r, n, 0, 100, 0);
	assert_int_equal(put(r, 10, 0, 100, 0), -ENOSPC);
	assert_true(r->t.counters.refused == 1);
	assert_int_equal(put(r, 3, 0, 100, 0), 0); /* what is known is updated */
	assert_int_equal(sync_table_put(&r->t, r->record, sync_note_encode(&note, r->record),
					SYNC_OWNER_OWN, 0, 0),
			 1);
	assert_int_equal(r->t.n, 10);
	assert_int_equal(r->t.n_notes, 1);
}

/* A follower sees each entry's last change, once, in order. */
static void test_cursor_follows(void **state)
{
	struct rig *r = *state;
	struct sync_cursor c;
	struct sync_entry *e;
	uint64_t last = 0;
	unsigned seen = 0;

	sync_cursor_open(&r->t, &c);
	for (uint32_t n = 0; n < 100; n++)
		put(r, n, 0, 100, 0);
	for (uint32_t n = 0; n < 50; n++)
		put(r, n, 0, 100, 0);
	while ((e = sync_cursor_peek(&r->t, &c))) {
		assert_true(e->version > last);
		last = e->version;
		sync_cursor_pass(&c, e);
		seen++;
	}
	assert_int_equal(seen, 100);
	assert_true(c.version == r->t.version);
	sync_cursor_close(&r->t, &c);
	assert_null(r->t.cursors);
}

/* Where the cursor stands, entries move away, change their length, and vanish. */
static void test_cursor_survives_changes(void **state)
{
	struct rig *r = *state;
	uint8_t option[] = {3, 3, 's', 'i', 'p'};
	struct sync_record longer;
	struct sync_cursor c;

	sync_cursor_open(&r->t, &c);
	for (uint32_t n = 0; n < 4; n++)
		put(r, n, 0, 100, 0);
	sync_cursor_pass(&c, sync_cursor_peek(&r->t, &c));
	sync_cursor_pass(&c, sync_cursor_peek(&r->t, &c));
	put(r, 1, 0, 100, 0); /* it stood there */
	assert_int_equal(number_of(sync_cursor_peek(&r->t, &c)), 2);
	sync_cursor_pass(&c, sync_cursor_peek(&r->t, &c));
	make(r, 2, 0, 100);
	sync_record_decode(r->record, &longer);
	longer.options = option;
	longer.options_len = sizeof(option);
	uint8_t bytes[SYNC_RECORD_MAX];
	size_t len = sync_record_encode(&longer, bytes);
	assert_int_equal(sync_table_put(&r->t, bytes, len, SYNC_OWNER_PEER, 1, 0), 0);
	assert_int_equal(get(r, 2)->len, len);
	assert_int_equal(number_of(sync_cursor_peek(&r->t, &c)), 3);
	sync_cursor_pass(&c, sync_cursor_peek(&r->t, &c));
	expire(r, 3);
	assert_int_equal(number_of(sync_cursor_peek(&r->t, &c)), 1);
	expire(r, 1);
	expire(r, 2);
	assert_null(sync_cursor_peek(&r->t, &c));
	/* What had the last versions is gone: nothing is missing all the same. */
	assert_true(c.version == r->t.version);
	sync_cursor_close(&r->t, &c);
}

static void test_cursor_seeks(void **state)
{
	struct rig *r = *state;
	struct sync_cursor c;

	sync_cursor_open(&r->t, &c);
	for (uint32_t n = 1; n <= 100; n++)
		put(r, n, 0, 100, 0);
	sync_cursor_seek(&r->t, &c, 60);
	assert_int_equal(number_of(sync_cursor_peek(&r->t, &c)), 61);
	sync_cursor_seek(&r->t, &c, 20);
	assert_int_equal(number_of(sync_cursor_peek(&r->t, &c)), 21);
	sync_cursor_seek(&r->t, &c, 0);
	assert_int_equal(number_of(sync_cursor_peek(&r->t, &c)), 1);
	sync_cursor_seek(&r->t, &c, 100);
	assert_null(sync_cursor_peek(&r->t, &c));
	put(r, 50, 0, 100, 0);
	sync_cursor_seek(&r->t, &c, 49);
	assert_int_equal(number_of(sync_cursor_peek(&r->t, &c)), 51);
	sync_cursor_close(&r->t, &c);
}

static void test_expiry(void **state)
{
	struct rig *r = *state;
	struct sync_note note = {.topic = 1};
	uint8_t copy[SYNC_RECORD_MAX];

	for (uint32_t n = 0; n < 1000; n++)
		put(r, n, 0, n < 500 ? 50 : 100, 1000);
	sync_table_put(&r->t, r->record, sync_note_encode(&note, r->record), SYNC_OWNER_OWN, 0, 0);
	assert_int_equal(sync_entry_timeout_s(get(r, 0), 1020), 30);
	assert_int_equal(sync_entry_timeout_s(get(r, 0), 1055), 1); /* in the kernel's slack */
	sync_entry_copy(get(r, 0), 1020, copy);
	assert_int_equal(sync_record_timeout_s(copy), 30);
	assert_int_equal(sync_table_expire(&r->t, 1059, SIZE_MAX), 0);
	assert_int_equal(sync_table_expire(&r->t, 1060, SIZE_MAX), 500);
	assert_null(get(r, 0));
	assert_non_null(get(r, 500));
	/* Little by little, too. */
	for (int i = 0; i < 1000; i++)
		sync_table_expire(&r->t, 2000, 10);
	assert_int_equal(r->t.n, 0);
	assert_int_equal(r->t.n_notes, 1);
	assert_true(r->t.counters.expired == 1000);
}

/* A template is given the whole of its time again by each connection: the whole is what is told. */
static void test_time_of_templates(void **state)
{
	struct rig *r = *state;
	struct sync_entry *e;

	put(r, 1, SYNC_FLAG_TEMPLATE, 360, 1000);
	e = sync_table_newest(&r->t);
	assert_int_equal(sync_entry_timeout_s(e, 1000), 360);
	assert_int_equal(sync_entry_timeout_s(e, 1350), 360);
	assert_int_equal(sync_entry_timeout_s(e, 1360), 1); /* it may be gone */
	assert_int_equal(sync_table_expire(&r->t, 1370, SIZE_MAX), 1);
}

static bool is_not(void *ctx, const struct sync_entry *e)
{
	return e != ctx;
}

static void test_change_of_term(void **state)
{
	struct rig *r = *state;

	for (uint32_t n = 0; n < 10; n++)
		put(r, n, 0, 100, 0);
	make(r, 3, 0, 100);
	sync_table_put(&r->t, r->record, 36, SYNC_OWNER_PEER, 1, 0);
	sync_table_change_term(&r->t, 1, 5, is_not, get(r, 4));
	assert_int_equal(get(r, 3)->term, 1); /* not ours */
	assert_int_equal(get(r, 4)->term, 1);
	assert_int_equal(get(r, 0)->term, 5);
	assert_true(get(r, 0)->version > get(r, 3)->version); /* all are to hear of it */
	assert_true(get(r, 9)->version == r->t.version);
	assert_true(sync_term_is_newer(1, 0));
	assert_false(sync_term_is_newer(1, 1));
	assert_true(sync_term_is_newer(3, 0xfffe));
}

static void test_retell(void **state)
{
	struct rig *r = *state;

	for (uint32_t n = 0; n < 10; n++) {
		size_t len = make(r, n, 0, 100);

		sync_table_put(&r->t, r->record, len, n % 2 ? SYNC_OWNER_PEER : SYNC_OWNER_OWN, 1,
			       0);
	}
	sync_table_retell(&r->t, 4); /* n has version n + 1 */
	assert_true(get(r, 3)->version == 4);
	assert_true(get(r, 4)->version == 5); /* ours */
	assert_true(get(r, 5)->version == 11);
	assert_true(get(r, 9)->version == 13);
	assert_true(r->t.version == 13);
	assert_int_equal(number_of(sync_table_newest(&r->t)), 9);
}

static void test_counts(void **state)
{
	struct rig *r = *state;

	for (uint32_t n = 0; n < 70; n++)
		put(r, n, n < 7 ? SYNC_FLAG_TEMPLATE : n < 14 ? SYNC_FLAG_INACTIVE : 0, 100, 0);
	assert_true(r->t.n == 70 && r->t.n_own == 70 && r->t.n_templates == 7);
	put(r, 3, SYNC_FLAG_TEMPLATE, 100, 0); /* known */
	put(r, 3, 0, 100, 0);		       /* the client's connection */
	assert_true(r->t.n == 71 && r->t.n_templates == 7);
	make(r, 20, 0, 100);
	sync_table_put(&r->t, r->record, 36, SYNC_OWNER_PEER, 1, 0);
	assert_true(r->t.n == 71 && r->t.n_own == 70);
	sync_table_expire(&r->t, 1000, SIZE_MAX);
	assert_true(!r->t.n && !r->t.n_own && !r->t.n_templates);
}

static void test_memory_each(void **state)
{
	struct rig *r = *state;

	for (uint32_t n = 0; n < 65536; n++)
		put(r, n, 0, 100, 0);
	assert_in_range(r->t.bytes / r->t.n, 80, 115);
}

static void test_roles(void **state)
{
	struct sync_roles roles;
	struct addr a, b, c;

	addr_parse("10.0.0.2", &a);
	addr_parse("10.0.0.1", &b);
	addr_parse("2001:db8::1", &c);
	sync_roles_init(&roles);
	assert_false(sync_roles_is_active(&roles, &a));
	sync_roles_set(&roles, &a, true);
	sync_roles_set(&roles, &c, true);
	sync_roles_set(&roles, &b, false);
	assert_true(sync_roles_is_active(&roles, &a));
	assert_false(sync_roles_is_active(&roles, &b));
	assert_true(sync_roles_is_active(&roles, &c));
	sync_roles_set(&roles, &a, false);
	assert_false(sync_roles_is_active(&roles, &a));
	assert_true(sync_roles_has_active(&roles));
	sync_roles_set(&roles, &c, false);
	assert_false(sync_roles_has_active(&roles));
	sync_roles_done(&roles);
}

static void test_replay_window(void **state)
{
	struct sync_replay r;

	sync_replay_init(&r, 100);
	assert_false(sync_replay_is_fresh(&r, 100));
	assert_true(sync_replay_is_fresh(&r, 101));
	sync_replay_mark(&r, 105);
	assert_false(sync_replay_is_fresh(&r, 105));
	assert_true(sync_replay_is_fresh(&r, 101));
	sync_replay_mark(&r, 101);
	assert_false(sync_replay_is_fresh(&r, 101));
	sync_replay_mark(&r, 105 + SYNC_REPLAY_WINDOW);
	assert_false(sync_replay_is_fresh(&r, 105));
	assert_true(sync_replay_is_fresh(&r, 106));
	sync_replay_mark(&r, 1u << 30); /* a long way: nothing of old is left */
	assert_true(sync_replay_is_fresh(&r, (1u << 30) - SYNC_REPLAY_WINDOW + 1));
	assert_false(sync_replay_is_fresh(&r, (1u << 30) - SYNC_REPLAY_WINDOW));
}

/* Every number once, in any order within the window, and never twice. */
static void test_replay_window_at_random(void **state)
{
	static bool seen[100000];
	struct sync_replay r;
	unsigned random = 1;

	sync_replay_init(&r, 0);
	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < 200000; i++) {
		uint64_t seq;

		random = random * 1103515245 + 12345;
		seq = i / 4 + 1 + (random >> 16) % 1500;
		if (seq >= 100000)
			break;
		if (sync_replay_is_fresh(&r, seq)) {
			assert_false(seen[seq]);
			sync_replay_mark(&r, seq);
			seen[seq] = true;
		} else {
			assert_true(seen[seq] || r.newest - seq >= SYNC_REPLAY_WINDOW);
		}
	}
}

/* A port that is used again may lead to another real server: our kernel is to be told so. */
static void test_moved(void **state)
{
	struct rig *r = *state;
	size_t len = make(r, 1, 0, 900);

	sync_table_put(&r->t, r->record, len, SYNC_OWNER_PEER, 1, 100);
	assert_true(get(r, 1)->moved);
	make(r, 1, 0, 900);
	sync_table_put(&r->t, r->record, len, SYNC_OWNER_PEER, 1, 100);
	assert_true(get(r, 1)->moved); /* our kernel has not been told yet */
	r->t.given = r->t.version;
	make(r, 1, 0, 900);
	sync_table_put(&r->t, r->record, len, SYNC_OWNER_PEER, 1, 100);
	assert_false(get(r, 1)->moved);
	make(r, 1, SYNC_FLAG_INACTIVE, 900);
	r->record[32] ^= 1; /* the real server's address */
	sync_table_put(&r->t, r->record, len, SYNC_OWNER_PEER, 1, 100);
	assert_true(get(r, 1)->moved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_put_and_find, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cursor_follows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cursor_survives_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cursor_seeks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expiry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_time_of_templates, setup, teardown),
		cmocka_unit_test_setup_teardown(test_change_of_term, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retell, setup, teardown),
		cmocka_unit_test_setup_teardown(test_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moved, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_each, setup, teardown),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_replay_window),
		cmocka_unit_test(test_replay_window_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
