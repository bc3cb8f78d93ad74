/* SPDX-License-Identifier: Apache-2.0 */
/* From wanted and observed to edits: ipvs/plan.c, on a kernel made of values. */
#include "ipvs/plan.h"

#include <errno.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_SERVICES 32
#define MAX_DESTS    8

/* A table with room: the fake kernel, and what tests build wanted tables in. */
struct fake {
	struct ipvs_table table;
	struct ipvs_service services[MAX_SERVICES];
	struct ipvs_dest dests[MAX_SERVICES][MAX_DESTS]; /* by services[i].dests */
};

static void fake_clear(struct fake *f)
{
	memset(f, 0, sizeof(*f));
	f->table.services = f->services;
}

static void fake_copy(struct fake *to, const struct fake *from)
{
	fake_clear(to);
	to->table.n_services = from->table.n_services;
	to->table.timeouts = from->table.timeouts;
	for (uint32_t i = 0; i < from->table.n_services; i++) {
		const struct ipvs_service *s = &from->services[i];

		to->services[i] = *s;
		to->services[i].dests = to->dests[i];
		memcpy(to->dests[i], s->dests, s->n_dests * sizeof(*s->dests));
	}
}

static struct ipvs_key key(unsigned n)
{
	struct ipvs_key k = { .family = AF_INET, .protocol = IPPROTO_TCP, .port = 80 };

	if (n % 5 == 4)
		return (struct ipvs_key){ .family = AF_INET, .fwmark = n };
	k.address = addr_from_bytes(AF_INET, (uint8_t[]){ 192, 0, 2, (uint8_t)n });
	return k;
}

static struct ipvs_service *add_service(struct fake *f, unsigned n)
{
	struct ipvs_service *s = &f->services[f->table.n_services];

	*s = (struct ipvs_service){ .key = key(n), .scheduler = "rr", .prefixlen = 32 };
	s->dests = f->dests[f->table.n_services++];
	return s;
}

static struct ipvs_dest *add_dest(struct ipvs_service *s, unsigned n, int32_t weight)
{
	struct ipvs_dest *d = &s->dests[s->n_dests++];

	*d = (struct ipvs_dest){ .port = 80, .weight = weight, .forward = IP_VS_CONN_F_DROUTE };
	d->address = addr_from_bytes(AF_INET, (uint8_t[]){ 10, 0, 0, (uint8_t)n });
	return d;
}

static struct ipvs_service *find_service(struct fake *f, const struct ipvs_key *k)
{
	for (uint32_t i = 0; i < f->table.n_services; i++)
		if (ipvs_key_compare(&f->services[i].key, k) == 0)
			return &f->services[i];
	return NULL;
}

static struct ipvs_dest *find_dest(struct ipvs_service *s, const struct ipvs_dest *d)
{
	for (uint32_t i = 0; i < s->n_dests; i++)
		if (ipvs_dest_compare(&s->dests[i], d) == 0)
			return &s->dests[i];
	return NULL;
}

/* The kernel's own rules (ip_vs_ctl.c): what exists can't be new, what does not can't be edited. */
static int apply_service(struct fake *f, const struct ipvs_edit *e)
{
	struct ipvs_service *s = find_service(f, &e->service->key);
	struct ipvs_dest *dests;
	uint32_t n;

	if (e->kind == IPVS_EDIT_NEW_SERVICE) {
		if (s)
			return -EEXIST;
		s = &f->services[f->table.n_services];
		dests = f->dests[f->table.n_services++];
		*s = *e->service;
		s->dests = dests;
		s->n_dests = 0;
		return 0;
	}
	if (!s)
		return -ESRCH;
	if (e->kind == IPVS_EDIT_SET_SERVICE) {
		dests = s->dests;
		n = s->n_dests;
		*s = *e->service;
		s->dests = dests;
		s->n_dests = n;
		return 0;
	}
	for (uint32_t i = (uint32_t)(s - f->services); i + 1 < f->table.n_services; i++) {
		f->services[i] = f->services[i + 1];
		memcpy(f->dests[i], f->dests[i + 1], sizeof(f->dests[i]));
		f->services[i].dests = f->dests[i];
	}
	f->table.n_services--;
	return 0;
}

static int apply_dest(struct fake *f, const struct ipvs_edit *e)
{
	struct ipvs_service *s = find_service(f, &e->service->key);
	struct ipvs_dest *d;

	if (!s)
		return -ESRCH;
	d = find_dest(s, e->dest);
	if (e->kind == IPVS_EDIT_NEW_DEST) {
		if (d)
			return -EEXIST;
		s->dests[s->n_dests++] = *e->dest;
		return 0;
	}
	if (!d)
		return -ENOENT;
	if (e->kind == IPVS_EDIT_SET_DEST)
		*d = *e->dest;
	else
		*d = s->dests[--s->n_dests];
	return 0;
}

static int apply(struct fake *f, const struct ipvs_edit *e)
{
	switch (e->kind) {
	case IPVS_EDIT_NEW_SERVICE:
	case IPVS_EDIT_SET_SERVICE:
	case IPVS_EDIT_DEL_SERVICE:
		return apply_service(f, e);
	case IPVS_EDIT_NEW_DEST:
	case IPVS_EDIT_SET_DEST:
	case IPVS_EDIT_DEL_DEST:
		return apply_dest(f, e);
	case IPVS_EDIT_SET_TIMEOUTS:
		if (e->timeouts.tcp_s)
			f->table.timeouts.tcp_s = e->timeouts.tcp_s;
		if (e->timeouts.tcpfin_s)
			f->table.timeouts.tcpfin_s = e->timeouts.tcpfin_s;
		if (e->timeouts.udp_s)
			f->table.timeouts.udp_s = e->timeouts.udp_s;
		return 0;
	case IPVS_EDIT_KINDS:
		break;
	}
	return -EINVAL;
}

static struct ipvs_plan plan(struct arena *arena, struct fake *wanted, struct fake *observed,
			     const struct ipvs_owned *owned)
{
	struct ipvs_plan p;

	ipvs_table_sort(&wanted->table);
	ipvs_table_sort(&observed->table);
	ipvs_plan_make(arena, &wanted->table, &observed->table, owned, &p);
	return p;
}

static const struct ipvs_owned nothing_owned;

static struct fake wanted, observed;

static int setup(void **state)
{
	*state = arena_new();
	fake_clear(&wanted);
	fake_clear(&observed);
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

	add_dest(add_service(&wanted, 1), 1, 5);
	add_dest(add_service(&observed, 1), 1, 5)->active_conns = 9;
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
	add_dest(o, 1, 1); /* goes */
	add_dest(o, 2, 1);
	add_dest(w, 2, 0); /* lowered */
	add_dest(o, 3, 0);
	add_dest(w, 3, 1); /* raised */
	add_dest(w, 4, 1); /* comes */
	p = plan(*state, &wanted, &observed, &owned);
	assert_int_equal(p.n_edits, 6);
	/* Raised (a change) and coming, in the order of their addresses … */
	assert_int_equal(p.edits[0].kind, IPVS_EDIT_SET_DEST);
	assert_int_equal(p.edits[0].dest->weight, 1);
	assert_int_equal(p.edits[1].kind, IPVS_EDIT_NEW_DEST);
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
	add_dest(o, 1, 1);
	add_dest(w, 1, 1)->forward = IP_VS_CONN_F_TUNNEL;
	add_dest(o, 2, 1);
	add_dest(w, 2, 1)->upper_threshold = 10;
	d = add_dest(o, 3, 1);
	d->forward = IP_VS_CONN_F_TUNNEL;
	d = add_dest(w, 3, 1);
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
	add_dest(add_service(&wanted, 1), 1, 1)->tunnel_port = 6080;
	add_dest(add_service(&observed, 1), 1, 1);
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

static unsigned random_below(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % n;
}

static void random_dest(struct ipvs_service *s, unsigned n, unsigned *seed)
{
	struct ipvs_dest *d = add_dest(s, n, (int32_t)random_below(seed, 3));

	d->forward = random_below(seed, 2) ? IP_VS_CONN_F_DROUTE : IP_VS_CONN_F_TUNNEL;
	d->tunnel_type = (uint8_t)random_below(seed, 2);
	d->upper_threshold = random_below(seed, 2);
}

static void random_table(struct fake *f, unsigned *seed, unsigned services)
{
	static const char *const schedulers[] = { "rr", "wrr", "mh" };

	fake_clear(f);
	for (unsigned n = 0; n < services; n++) {
		struct ipvs_service *s;

		if (random_below(seed, 3) == 0)
			continue;
		s = add_service(f, n);
		strcpy(s->scheduler, schedulers[random_below(seed, 3)]);
		for (unsigned d = 1; d <= MAX_DESTS; d++)
			if (random_below(seed, 2))
				random_dest(s, d, seed);
	}
	ipvs_table_sort(&f->table);
}

/* While edits run, a pool that serves before and after never has nothing to serve with. */
static bool serves(struct fake *f, const struct ipvs_key *k)
{
	struct ipvs_service *s = find_service(f, k);

	for (uint32_t i = 0; s && i < s->n_dests; i++)
		if (s->dests[i].weight)
			return true;
	return false;
}

static void assert_never_empty(struct fake *before, struct fake *now)
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
	static struct fake kernel;
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
	fake_copy(&kernel, &observed);
	p = plan(arena, &wanted, &observed, &owned);
	assert_int_equal(p.n_foreign, foreign);
	for (uint32_t i = 0; i < p.n_edits; i++) {
		assert_int_equal(apply(&kernel, &p.edits[i]), 0);
		assert_never_empty(&observed, &kernel);
	}
	p = plan(arena, &wanted, &kernel, &owned);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_equal_tables_need_nothing),
		TEST(test_foreign_services_are_left_alone),
		TEST(test_new_before_old),
		TEST(test_every_setting_is_edited_in_place),
		TEST(test_tunnel_settings_count_only_for_tunnels),
		TEST(test_timeouts_are_set_only_when_asked_for),
		TEST(test_random_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
