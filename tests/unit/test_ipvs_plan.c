/* SPDX-License-Identifier: Apache-2.0 */
/* From wanted and observed to edits: ipvs/plan.c, on a kernel made of values. */
#include "tests/fake/ipvs_kernel.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_DESTS 8

static struct ipvs_key key(unsigned n)
{
	struct ipvs_key k = { .family = AF_INET, .protocol = IPPROTO_TCP, .port = 80 };

	if (n % 5 == 4)
		return (struct ipvs_key){ .family = AF_INET, .fwmark = n };
	k.address = addr_from_bytes(AF_INET, (uint8_t[]){ 192, 0, 2, (uint8_t)n });
	return k;
}

static struct ipvs_service *add_service(struct fake_ipvs *f, unsigned n)
{
	struct ipvs_key k = key(n);

	return fake_ipvs_add(f, &k);
}

static struct ipvs_plan plan(struct arena *arena, struct fake_ipvs *w, struct fake_ipvs *o,
			     const struct ipvs_owned *owned)
{
	struct ipvs_plan p;

	ipvs_table_sort(&w->table);
	ipvs_table_sort(&o->table);
	ipvs_plan_make(arena, &w->table, &o->table, owned, &p);
	return p;
}

static const struct ipvs_owned nothing_owned;

static struct fake_ipvs wanted, observed;

static int setup(void **state)
{
	*state = arena_new();
	fake_ipvs_clear(&wanted);
	fake_ipvs_clear(&observed);
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static void test_equal_tables_need_nothing(void **state)
{
	struct ipvs_plan p;

	fake_ipvs_add_dest(add_service(&wanted, 1), 1, 5);
	fake_ipvs_add_dest(add_service(&observed, 1), 1, 5)->active_conns = 9;
	observed.table.timeouts.tcp_s = 900;
	p = plan(*state, &wanted, &observed, &nothing_owned);
	assert_int_equal(p.n_edits, 0);
	assert_int_equal(p.n_foreign, 0);
}

static void test_foreign_services_are_left_alone(void **state)
{
	uint64_t id;
	struct ipvs_owned owned = { .ids = &id, .n_ids = 1 };
	struct ipvs_plan p;

	id = ipvs_key_id(&add_service(&observed, 2)->key);
	add_service(&observed, 3);
	p = plan(*state, &wanted, &observed, &owned);
	assert_int_equal(p.n_edits, 1);
	assert_int_equal(p.edits[0].kind, IPVS_EDIT_DEL_SERVICE);
	assert_true(ipvs_key_id(&p.edits[0].service->key) == id);
	assert_int_equal(p.n_foreign, 1);
	owned.all = true;
	p = plan(*state, &wanted, &observed, &owned);
	assert_int_equal(p.n_edits, 2);
}

static void test_new_before_old(void **state)
{
	uint64_t id;
	struct ipvs_owned owned = { .ids = &id, .n_ids = 1 };
	struct ipvs_service *w = add_service(&wanted, 2), *o = add_service(&observed, 2);
	struct ipvs_plan p;

	id = ipvs_key_id(&add_service(&observed, 1)->key);
	add_service(&wanted, 3);
	fake_ipvs_add_dest(o, 1, 1); /* goes */
	fake_ipvs_add_dest(o, 2, 1);
	fake_ipvs_add_dest(w, 2, 0); /* lowered */
	fake_ipvs_add_dest(o, 3, 0);
	fake_ipvs_add_dest(w, 3, 1); /* raised */
	fake_ipvs_add_dest(w, 4, 1); /* comes */
	p = plan(*state, &wanted, &observed, &owned);
	assert_int_equal(p.n_edits, 6);
	/* Coming, then raised … */
	assert_int_equal(p.edits[0].kind, IPVS_EDIT_NEW_DEST);
	assert_int_equal(p.edits[1].kind, IPVS_EDIT_SET_DEST);
	assert_int_equal(p.edits[1].dest->weight, 1);
	/* … then lowered, then gone, … */
	assert_int_equal(p.edits[2].kind, IPVS_EDIT_SET_DEST);
	assert_int_equal(p.edits[2].dest->weight, 0);
	assert_int_equal(p.edits[3].kind, IPVS_EDIT_DEL_DEST);
	/* … and the service that goes is last of all. */
	assert_int_equal(p.edits[4].kind, IPVS_EDIT_NEW_SERVICE);
	assert_int_equal(p.edits[5].kind, IPVS_EDIT_DEL_SERVICE);
}

static void test_every_setting_is_edited_in_place(void **state)
{
	struct ipvs_service *w = add_service(&wanted, 1), *o = add_service(&observed, 1);
	struct ipvs_dest *d;
	struct ipvs_plan p;

	strcpy(w->scheduler, "mh");
	fake_ipvs_add_dest(o, 1, 1);
	fake_ipvs_add_dest(w, 1, 1)->forward = IP_VS_CONN_F_TUNNEL;
	fake_ipvs_add_dest(o, 2, 1);
	fake_ipvs_add_dest(w, 2, 1)->upper_threshold = 10;
	d = fake_ipvs_add_dest(o, 3, 1);
	d->forward = IP_VS_CONN_F_TUNNEL;
	d = fake_ipvs_add_dest(w, 3, 1);
	d->forward = IP_VS_CONN_F_TUNNEL;
	d->tunnel_type = IP_VS_CONN_F_TUNNEL_TYPE_GUE;
	p = plan(*state, &wanted, &observed, &nothing_owned);
	assert_int_equal(p.n_edits, 4);
	assert_int_equal(p.edits[0].kind, IPVS_EDIT_SET_SERVICE);
	for (uint32_t i = 1; i < p.n_edits; i++)
		assert_int_equal(p.edits[i].kind, IPVS_EDIT_SET_DEST);
}

static void test_tunnel_settings_count_only_for_tunnels(void **state)
{
	fake_ipvs_add_dest(add_service(&wanted, 1), 1, 1)->tunnel_port = 6080;
	fake_ipvs_add_dest(add_service(&observed, 1), 1, 1);
	assert_int_equal(plan(*state, &wanted, &observed, &nothing_owned).n_edits, 0);
}

static void test_timeouts_are_set_only_when_asked_for(void **state)
{
	struct ipvs_plan p;

	observed.table.timeouts = (struct ipvs_timeouts){ 900, 120, 300 };
	assert_int_equal(plan(*state, &wanted, &observed, &nothing_owned).n_edits, 0);
	wanted.table.timeouts = (struct ipvs_timeouts){ .tcp_s = 900, .udp_s = 60 };
	p = plan(*state, &wanted, &observed, &nothing_owned);
	assert_int_equal(p.n_edits, 1);
	assert_int_equal(p.edits[0].timeouts.tcp_s, 0);
	assert_int_equal(p.edits[0].timeouts.udp_s, 60);
}

/* "+2" adds 10.0.0.2, "-2" removes it. */
static const char *plan_order(struct arena *arena)
{
	static char said[64];
	struct ipvs_plan p = plan(arena, &wanted, &observed, &nothing_owned);
	char *at = said;

	for (uint32_t i = 0; i < p.n_edits; i++) {
		*at++ = p.edits[i].kind == IPVS_EDIT_NEW_DEST ? '+' : '-';
		*at++ = (char)('0' + p.edits[i].dest->address.b[3]);
	}
	*at = '\0';
	return said;
}

/* A server that returns comes to the head of the list; those that belong before it follow. */
static void test_mh_keeps_its_order(void **state)
{
	struct ipvs_service *w = add_service(&wanted, 1), *o = add_service(&observed, 1);

	strcpy(w->scheduler, "mh");
	strcpy(o->scheduler, "mh");
	for (unsigned d = 1; d <= 4; d++)
		fake_ipvs_add_dest(w, d, 1);
	for (unsigned d = 1; d <= 4; d++)
		if (d != 2)
			fake_ipvs_add_dest(o, d, 1);
	assert_string_equal(plan_order(*state), "+2-3+3-4+4");
	strcpy(w->scheduler, "rr");
	strcpy(o->scheduler, "rr");
	assert_string_equal(plan_order(*state), "+2");
}

static void test_mh_last_returns(void **state)
{
	struct ipvs_service *w = add_service(&wanted, 1), *o = add_service(&observed, 1);

	strcpy(w->scheduler, "mh");
	strcpy(o->scheduler, "mh");
	for (unsigned d = 1; d <= 3; d++)
		fake_ipvs_add_dest(w, d, 1);
	for (unsigned d = 1; d <= 2; d++)
		fake_ipvs_add_dest(o, d, 1);
	assert_string_equal(plan_order(*state), "+3");
}

static unsigned random_below(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % n;
}

static void random_dest(struct ipvs_service *s, unsigned n, unsigned *seed)
{
	struct ipvs_dest *d = fake_ipvs_add_dest(s, n, (int32_t)random_below(seed, 3));

	d->forward = random_below(seed, 2) ? IP_VS_CONN_F_DROUTE : IP_VS_CONN_F_TUNNEL;
	d->tunnel_type = (uint8_t)random_below(seed, 2);
	d->upper_threshold = random_below(seed, 2);
}

static void shuffle_places(struct ipvs_service *s, unsigned *seed)
{
	for (uint32_t i = 0; i < s->n_dests; i++) {
		struct ipvs_dest *a = &s->dests[i], *b = &s->dests[random_below(seed, s->n_dests)];
		uint32_t place = a->place;

		a->place = b->place;
		b->place = place;
	}
}

static void random_table(struct fake_ipvs *f, unsigned *seed, unsigned services)
{
	static const char *const schedulers[] = { "rr", "wrr", "mh" };

	fake_ipvs_clear(f);
	for (unsigned n = 0; n < services; n++) {
		struct ipvs_service *s;

		if (random_below(seed, 3) == 0)
			continue;
		s = add_service(f, n);
		strcpy(s->scheduler, schedulers[random_below(seed, 3)]);
		for (unsigned d = 1; d <= MAX_DESTS; d++)
			if (random_below(seed, 2))
				random_dest(s, d, seed);
		shuffle_places(s, seed);
	}
	ipvs_table_sort(&f->table);
}

/* The hashing schedulers' lists are as if all had just been added in their order. */
static void assert_in_order(const struct ipvs_service *s)
{
	for (uint32_t i = 0; strcmp(s->scheduler, "mh") == 0 && i < s->n_dests; i++)
		assert_int_equal(s->dests[i].place, s->n_dests - 1 - i);
}

/* While edits run, a pool that serves before and after never has nothing to serve with. */
static bool serves(struct fake_ipvs *f, const struct ipvs_key *k)
{
	struct ipvs_service *s = fake_ipvs_find(f, k);

	for (uint32_t i = 0; s && i < s->n_dests; i++)
		if (s->dests[i].weight)
			return true;
	return false;
}

static void assert_never_empty(struct fake_ipvs *before, struct fake_ipvs *now)
{
	for (uint32_t i = 0; i < wanted.table.n_services; i++) {
		const struct ipvs_key *k = &wanted.services[i].key;

		if (serves(before, k) && serves(&wanted, k))
			assert_true(serves(now, k));
	}
}

static int compare_ids(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Of the keys 0..17 those below 12 are ours; the wanted table has none but ours. */
static void walk(struct arena *arena, unsigned seed)
{
	static struct fake_ipvs kernel;
	uint64_t ids[12];
	struct ipvs_owned owned = { .ids = ids, .n_ids = 12 };
	struct ipvs_plan p;
	uint32_t foreign = 0;

	for (unsigned n = 0; n < 12; n++) {
		struct ipvs_key k = key(n);

		ids[n] = ipvs_key_id(&k);
	}
	qsort(ids, 12, sizeof(ids[0]), compare_ids);
	random_table(&wanted, &seed, 12);
	random_table(&observed, &seed, 18);
	for (uint32_t i = 0; i < observed.table.n_services; i++)
		foreign += !ipvs_is_owned(&owned, &observed.services[i].key);
	fake_ipvs_copy(&kernel, &observed);
	p = plan(arena, &wanted, &observed, &owned);
	assert_int_equal(p.n_foreign, foreign);
	for (uint32_t i = 0; i < p.n_edits; i++) {
		assert_int_equal(fake_ipvs_apply(&kernel, &p.edits[i]), 0);
		/* Between the halves of a move the only one that serves may be the one that moves. */
		if (!p.edits[i].moves)
			assert_never_empty(&observed, &kernel);
	}
	p = plan(arena, &wanted, &kernel, &owned);
	for (uint32_t i = 0; i < wanted.table.n_services; i++)
		assert_in_order(ipvs_table_find(&kernel.table, &wanted.services[i].key));
	assert_int_equal(p.n_edits, 0);
	assert_int_equal(p.n_foreign, foreign);
	assert_int_equal(kernel.table.n_services, wanted.table.n_services + foreign);
}

static void test_random_walk(void **state)
{
	for (unsigned seed = 1; seed <= 2000; seed++) {
		struct arena *arena = arena_new();

		walk(arena, seed);
		arena_free(arena);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static struct ipvs_daemon daemon_on(const char *ifname)
{
	struct ipvs_daemon d = { .runs = true, .sync_id = 1 };

	strcpy(d.ifname, ifname);
	return d;
}

/* "+m" starts the master, "-b" stops the backup. */
static const char *plan_daemons(const struct ipvs_daemons *want,
				const struct ipvs_daemons *found)
{
	const struct ipvs_table w = { .daemons = *want }, o = { .daemons = *found };
	const struct ipvs_owned nothing = { 0 };
	struct arena *arena = arena_new();
	static char said[16];
	struct ipvs_plan plan;
	char *at = said;

	ipvs_plan_make(arena, &w, &o, &nothing, &plan);
	for (uint32_t i = 0; i < plan.n_edits; i++) {
		*at++ = plan.edits[i].kind == IPVS_EDIT_NEW_DAEMON ? '+' : '-';
		*at++ = ipvs_daemon_name(plan.edits[i].daemon_kind)[0];
	}
	*at = '\0';
	arena_free(arena);
	return said;
}

static void test_daemons_start_before_stop(void **state)
{
	struct ipvs_daemons master = { .known = true, .of[IPVS_DAEMON_MASTER] = daemon_on("a") };
	struct ipvs_daemons backup = { .known = true, .of[IPVS_DAEMON_BACKUP] = daemon_on("a") };
	struct ipvs_daemons none = { .known = true }, unknown = { 0 };

	assert_string_equal(plan_daemons(&master, &backup), "+m-b");
	assert_string_equal(plan_daemons(&backup, &master), "+b-m");
	assert_string_equal(plan_daemons(&master, &none), "+m");
	assert_string_equal(plan_daemons(&none, &master), "-m");
	assert_string_equal(plan_daemons(&master, &master), "");
	assert_string_equal(plan_daemons(&unknown, &master), "");
	assert_string_equal(plan_daemons(&master, &unknown), "");
}

/* What the kernel chose by itself is no difference; what it was told is. */
static void test_daemon_differences(void **state)
{
	struct ipvs_daemons want = { .known = true, .of[IPVS_DAEMON_BACKUP] = daemon_on("a") };
	struct ipvs_daemon *w = &want.of[IPVS_DAEMON_BACKUP];
	struct ipvs_daemons found = want;
	struct ipvs_daemon *o = &found.of[IPVS_DAEMON_BACKUP];

	o->maxlen = 1472;
	o->port = 8848;
	o->ttl = 1;
	addr_parse("224.0.0.81", &o->group);
	assert_string_equal(plan_daemons(&want, &found), "");
	w->maxlen = 1000; /* which the kernel raises for a backup */
	assert_string_equal(plan_daemons(&want, &found), "-b+b");
	o->maxlen = 1024;
	assert_string_equal(plan_daemons(&want, &found), "");
	w->port = 8850;
	assert_string_equal(plan_daemons(&want, &found), "-b+b");
	w->port = 0;
	w->sync_id = 2;
	assert_string_equal(plan_daemons(&want, &found), "-b+b");
	w->sync_id = 1;
	addr_parse("ff02::90", &w->group);
	assert_string_equal(plan_daemons(&want, &found), "-b+b");
	o->group = w->group;
	w->maxlen = 65507;
	o->maxlen = 65487;
	assert_string_equal(plan_daemons(&want, &found), "");
	strcpy(w->ifname, "b");
	assert_string_equal(plan_daemons(&want, &found), "-b+b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_daemons_start_before_stop),
		cmocka_unit_test(test_daemon_differences),
		TEST(test_equal_tables_need_nothing),
		TEST(test_foreign_services_are_left_alone),
		TEST(test_new_before_old),
		TEST(test_every_setting_is_edited_in_place),
		TEST(test_tunnel_settings_count_only_for_tunnels),
		TEST(test_timeouts_are_set_only_when_asked_for),
		TEST(test_mh_keeps_its_order),
		TEST(test_mh_last_returns),
		TEST(test_random_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
