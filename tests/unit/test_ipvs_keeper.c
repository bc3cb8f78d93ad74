/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper (ipvs/keeper.c, ipvs/pass.c) over a kernel made of values. This file stands in for
 * the netlink port, for the links to other processes and for the log.
 */
#include "core/clock.h"
#include "core/log.h"
#include "core/role.h"
#include "core/vrrp_state.h"
#include "ipvs/keeper.h"
#include "tests/fake/ipvs_kernel.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SERVICES 6
#define SERVERS	 3

static struct {
	struct fake_ipvs kernel;
	int unreachable;	    /* -errno of every call, or 0 */
	const char *no_scheduler;   /* refused with ENOENT */
	bool lose_next;		    /* the next answers are lost, the edits done */
	unsigned looks_at_all;
	unsigned looks_at_services; /* one by one */
	uint32_t edits;		    /* that were tried */
	uint32_t service_states;
	uint32_t states_at_first_edit;
	struct msg_ipvs_state last;
	char log[1 << 16];
	/* The last of each. */
	struct msg_server_idle idle;
	struct msg_server_weight weight;
	struct msg_server_leaving leaving;
} world;

/* ---- the netlink port ---- */

void ipvs_netlink_init(struct ipvs_netlink *nl)
{
	*nl = (struct ipvs_netlink){ .sock = -1 };
}

void ipvs_netlink_done(struct ipvs_netlink *nl)
{
}

static void observe_service(struct arena *arena, struct ipvs_table *ret,
			    const struct ipvs_service *s)
{
	struct ipvs_service *seen = &ret->services[ret->n_services++];

	*seen = *s;
	seen->dests = arena_array(arena, s->n_dests, sizeof(*seen->dests));
	memcpy(seen->dests, s->dests, s->n_dests * sizeof(*s->dests));
}

int ipvs_netlink_observe(struct ipvs_netlink *nl, struct arena *arena, struct ipvs_table *ret)
{
	world.looks_at_all++;
	*ret = (struct ipvs_table){ .timeouts = world.kernel.table.timeouts,
				    .daemons = world.kernel.table.daemons };
	ret->daemons.known = true;
	ret->services = arena_array(arena, FAKE_SERVICES_MAX, sizeof(*ret->services));
	for (uint32_t i = 0; i < world.kernel.table.n_services && !world.unreachable; i++)
		observe_service(arena, ret, &world.kernel.services[i]);
	ipvs_table_sort(ret);
	return world.unreachable;
}

int ipvs_netlink_observe_some(struct ipvs_netlink *nl, struct arena *arena,
			      const struct ipvs_key *keys, uint32_t n_keys,
			      struct ipvs_table *ret)
{
	*ret = (struct ipvs_table){ 0 };
	ret->services = arena_array(arena, FAKE_SERVICES_MAX, sizeof(*ret->services));
	for (uint32_t i = 0; i < n_keys; i++) {
		const struct ipvs_service *s = fake_ipvs_find(&world.kernel, &keys[i]);

		world.looks_at_services++;
		if (s)
			observe_service(arena, ret, s);
	}
	ipvs_table_sort(ret);
	return world.unreachable;
}

int ipvs_netlink_observe_daemons(struct ipvs_netlink *nl, struct ipvs_table *ret)
{
	ret->daemons = world.kernel.table.daemons;
	ret->daemons.known = true;
	return world.unreachable;
}

static int answer(const struct ipvs_edit *e)
{
	bool makes = e->kind == IPVS_EDIT_NEW_SERVICE || e->kind == IPVS_EDIT_SET_SERVICE;
	int err;

	if (e->kind == IPVS_EDIT_NEW_DAEMON && !strcmp(e->daemon->ifname, "nowhere0"))
		return -ENODEV;
	if (makes && world.no_scheduler && !strcmp(e->service->scheduler, world.no_scheduler))
		return -ENOENT;
	err = fake_ipvs_apply(&world.kernel, e);
	return world.lose_next ? -ENOBUFS : err;
}

int ipvs_netlink_apply(struct ipvs_netlink *nl, struct ipvs_edit *edits, uint32_t n_edits)
{
	int failed = 0;

	if (world.unreachable)
		return world.unreachable;
	if (n_edits && !world.edits)
		world.states_at_first_edit = world.service_states;
	for (uint32_t i = 0; i < n_edits; i++) {
		edits[i].error = answer(&edits[i]);
		failed += edits[i].error != 0;
	}
	world.edits += n_edits;
	nl->edits += n_edits;
	world.lose_next = false;
	return failed;
}

int ipvs_netlink_flush(struct ipvs_netlink *nl)
{
	fake_ipvs_clear(&world.kernel);
	return 0;
}

/* ---- links and log ---- */

void role_send(enum role_id to, const struct msg *m)
{
	assert_int_equal(to, ROLE_SUPERVISOR);
	assert_true(msg_allowed(m->type, ROLE_IPVS, to));
	world.service_states += m->type == MSG_SERVICE_STATE;
	if (m->type == MSG_SERVER_IDLE)
		world.idle = m->server_idle;
	if (m->type == MSG_SERVER_WEIGHT)
		world.weight = m->server_weight;
	if (m->type == MSG_SERVER_LEAVING)
		world.leaving = m->server_leaving;
	if (m->type == MSG_IPVS_STATE)
		world.last = m->ipvs_state;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	size_t len = strlen(world.log);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(world.log + len, sizeof(world.log) - len, fmt, ap);
	va_end(ap);
	strncat(world.log, "\n", sizeof(world.log) - strlen(world.log) - 1);
}

static bool logged(const char *text)
{
	return strstr(world.log, text);
}

static void forget_log(void)
{
	world.log[0] = '\0';
}

/* ---- models ---- */

struct fixture {
	struct arena *arena;
	struct keeper keeper;
	struct model *model; /* what is committed next; tests change it first */
	uint64_t generation;
};

static void fill_server(struct arena *arena, struct virtual_server *vs, unsigned n)
{
	struct real_server *rs = &vs->servers[n];

	*rs = (struct real_server){ .port = 80, .weight = 1, .forward = IPVS_FORWARD_DR };
	rs->address = addr_from_bytes(AF_INET, (uint8_t[]){ 10, 0, 0, (uint8_t)(n + 1) });
	rs->id = model_id_real_server(vs->id, &rs->address, rs->port);
	rs->checks = arena_array(arena, 1, sizeof(*rs->checks));
	rs->n_checks = 1;
}

static void fill_service(struct arena *arena, struct virtual_server *vs, unsigned n)
{
	*vs = (struct virtual_server){ .family = AF_INET,
				       .protocol = IPPROTO_TCP,
				       .port = 80,
				       .scheduler = "rr",
				       .persistence_engine = "",
				       .quorum = 1,
				       .n_servers = SERVERS };
	vs->address = addr_from_bytes(AF_INET, (uint8_t[]){ 192, 0, 2, (uint8_t)n });
	vs->id = model_id_virtual_server(vs);
	vs->servers = arena_array(arena, SERVERS, sizeof(*vs->servers));
	for (unsigned i = 0; i < SERVERS; i++)
		fill_server(arena, vs, i);
}

static void next_model(struct fixture *f)
{
	struct model *m = arena_alloc(f->arena, sizeof(*m));

	m->generation = ++f->generation;
	m->global = arena_alloc(f->arena, sizeof(*m->global));
	*m->global = (struct global){ .router_id = "", .script_user = "", .script_group = "" };
	m->n_global = 1;
	m->services = arena_array(f->arena, SERVICES, sizeof(*m->services));
	m->n_services = SERVICES;
	for (unsigned i = 0; i < SERVICES; i++)
		fill_service(f->arena, &m->services[i], i + 1);
	f->model = m;
}

static int setup(void **state)
{
	static struct fixture f;

	memset(&world, 0, sizeof(world));
	fake_ipvs_clear(&world.kernel);
	f = (struct fixture){ .arena = arena_new() };
	keeper_init(&f.keeper);
	next_model(&f);
	*state = &f;
	return 0;
}

static void keeper_free(struct keeper *k)
{
	free(k->served);
	free(k->keys);
	free(k->owned);
	free(k->resumed);
	free(k->instances);
	free(k->tended.drains);
	leaving_done(&k->leaving);
	health_done(&k->health);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	keeper_free(&f->keeper);
	arena_free(f->arena);
	return 0;
}

static void commit(struct fixture *f)
{
	world.edits = 0;
	world.looks_at_all = world.looks_at_services = 0;
	keeper_commit(&f->keeper, f->model, 1);
	next_model(f);
}

static void say(struct fixture *f, unsigned service, unsigned server, bool up)
{
	const struct virtual_server *vs = &f->model->services[service];
	struct msg_server_health m = { .service = vs->id,
				       .server = vs->servers[server].id,
				       .up = up,
				       .agent_percent = 100 };

	text_set(&m.reason, "TCP_CHECK: %s", up ? "connected" : "connection refused");
	keeper_health(&f->keeper, &m);
}

static struct ipvs_service *in_kernel(struct fixture *f, unsigned service)
{
	struct ipvs_key key = wanted_key(&f->model->services[service], 0);

	return fake_ipvs_find(&world.kernel, &key);
}

static struct ipvs_key foreign_key(void)
{
	return (struct ipvs_key){ .family = AF_INET, .fwmark = 99 };
}

/* The kernel has what the keeper's model and health ask for, and the foreign services. */
static void assert_settled(struct fixture *f)
{
	world.edits = 0;
	while (!keeper_patrol(&f->keeper))
		;
	assert_int_equal(world.edits, 0);
	assert_false(keeper_wants_retry(&f->keeper));
}

/* ---- tests ---- */

static void test_from_nothing(void **state)
{
	struct fixture *f = *state;

	commit(f);
	assert_int_equal(world.edits, SERVICES * (SERVERS + 1));
	/* Known to the supervisor before anything is in the kernel. */
	assert_int_equal(world.states_at_first_edit, SERVICES);
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
	struct msg_service_state left = { .service = f->model->services[0].id };

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
	struct msg_service_state left = { .service = f->model->services[0].id };
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

	world.kernel.table.timeouts = (struct ipvs_timeouts){ 900, 120, 300 };
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

static struct ipvs_dest *dest_of(struct fixture *f, unsigned service, unsigned server)
{
	const struct real_server *rs = &f->model->services[service].servers[server];
	const struct ipvs_dest like = { .address = rs->address, .port = rs->port };

	return fake_ipvs_find_dest(in_kernel(f, service), &like);
}

static void order(struct fixture *f, unsigned service, unsigned server,
		  const struct msg_server_override *word)
{
	struct msg_server_override m = *word;

	m.service = f->model->services[service].id;
	m.server = f->model->services[service].servers[server].id;
	keeper_override(&f->keeper, &m);
	keeper_run(&f->keeper, 2 * USEC_PER_SEC);
}

static void test_operators_words(void **state)
{
	struct fixture *f = *state;

	commit(f);
	forget_log();
	order(f, 1, 0, &(struct msg_server_override){ .admin = ADMIN_DRAIN });
	assert_int_equal(dest_of(f, 1, 0)->weight, 0);
	assert_true(logged("weight 1 -> 0: drained by its operator"));
	order(f, 1, 1, &(struct msg_server_override){ .has_weight = true, .weight = 42 });
	assert_int_equal(dest_of(f, 1, 1)->weight, 42);
	assert_true(logged("weight 1 -> 42: the operator's weight 42"));
	order(f, 1, 2, &(struct msg_server_override){ .admin = ADMIN_MAINT });
	assert_null(dest_of(f, 1, 2));
	assert_true(logged("removed: in maintenance by its operator"));
	assert_settled(f);
	order(f, 1, 2, &(struct msg_server_override){ .admin = ADMIN_READY });
	assert_int_equal(dest_of(f, 1, 2)->weight, 1);
	/* Nobody sends words about what does not exist; but if so, it must not matter. */
	keeper_override(&f->keeper, &(struct msg_server_override){ .service = 5, .server = 6 });
	assert_false(keeper_is_dirty(&f->keeper));
}

static void test_drain_until_idle_looks_at_the_kernel(void **state)
{
	struct fixture *f = *state;
	int64_t now_us = 10 * USEC_PER_SEC;

	commit(f);
	assert_int_equal(keeper_tend_us(&f->keeper), 0);
	order(f, 1, 0, &(struct msg_server_override){
			       .admin = ADMIN_DRAIN, .until_idle = true, .version = 77 });
	dest_of(f, 1, 0)->active_conns = 3;
	assert_true(keeper_tend_us(&f->keeper) > 0);
	keeper_tend(&f->keeper, now_us);
	assert_int_equal(world.idle.server, 0);
	dest_of(f, 1, 0)->active_conns = 0;
	keeper_tend(&f->keeper, now_us + 1); /* not again so soon */
	assert_int_equal(world.idle.server, 0);
	keeper_tend(&f->keeper, now_us + USEC_PER_SEC);
	assert_int_equal(world.idle.server, f->model->services[1].servers[0].id);
	assert_int_equal(world.idle.version, 77);
}

static void test_slow_start_goes_by_the_clock(void **state)
{
	struct fixture *f = *state;
	int64_t at_us;
	int last = 0;

	f->model->services[1].slow_start_us = 10 * USEC_PER_SEC;
	f->model->services[1].servers[0].weight = 100;
	commit(f);
	say(f, 1, 0, false);
	keeper_run(&f->keeper, 2 * USEC_PER_SEC);
	say(f, 1, 0, true);
	keeper_run(&f->keeper, 3 * USEC_PER_SEC);
	assert_int_equal(dest_of(f, 1, 0)->weight, 5);
	assert_int_equal(world.weight.ramp_permille, 50);
	for (at_us = keeper_tend_us(&f->keeper); at_us; at_us = keeper_tend_us(&f->keeper)) {
		assert_true(at_us <= 13 * USEC_PER_SEC);
		keeper_tend(&f->keeper, at_us);
		keeper_run(&f->keeper, at_us);
		assert_true(dest_of(f, 1, 0)->weight > last);
		last = dest_of(f, 1, 0)->weight;
		assert_settled(f);
	}
	assert_int_equal(last, 100);
	assert_int_equal(world.weight.ramp_permille, 1000);
}

static void test_weights_are_resumed(void **state)
{
	struct fixture *f = *state;
	struct keeper next;

	f->model->services[1].slow_start_us = 10 * USEC_PER_SEC;
	f->model->services[1].servers[0].weight = 100;
	commit(f);
	say(f, 1, 0, false);
	keeper_run(&f->keeper, 2 * USEC_PER_SEC);
	say(f, 1, 0, true);
	keeper_run(&f->keeper, 3 * USEC_PER_SEC);
	f->model->services[1].slow_start_us = 10 * USEC_PER_SEC;
	f->model->services[1].servers[0].weight = 100;
	keeper_init(&next);
	keeper_resume_weight(&next, &world.weight);
	keeper_commit(&next, f->model, 8 * USEC_PER_SEC);
	assert_int_equal(dest_of(f, 1, 0)->weight, 50); /* half of the way, as if nothing was */
	keeper_free(&next);
}

static void test_a_removed_server_drains(void **state)
{
	struct fixture *f = *state;
	struct virtual_server *vs = &f->model->services[1];
	struct keeper next;

	vs->servers[SERVERS - 1].drain_on_remove_us = 60 * USEC_PER_SEC;
	commit(f);
	vs = &f->model->services[1]; /* the next model's */
	dest_of(f, 1, SERVERS - 1)->active_conns = 2;
	vs->n_servers--;
	commit(f);
	assert_int_equal(in_kernel(f, 1)->n_dests, SERVERS);
	assert_true(logged("is not configured any more: drains for 60 s at most"));
	assert_int_equal(dest_of(f, 1, SERVERS - 1)->weight, 0);
	assert_settled(f);
	/* The next incarnation knows of it. */
	keeper_init(&next);
	keeper_resume_leaving(&next, &world.leaving);
	keeper_commit(&next, f->model, 1);
	assert_int_equal(in_kernel(f, 1)->n_dests, SERVERS);
	keeper_free(&next);
	dest_of(f, 1, SERVERS - 1)->active_conns = 0;
	keeper_tend(&f->keeper, 5 * USEC_PER_SEC);
	keeper_run(&f->keeper, 5 * USEC_PER_SEC);
	assert_int_equal(in_kernel(f, 1)->n_dests, SERVERS - 1);
	assert_true(logged("has drained: no connection is active"));
	assert_true(world.leaving.gone);
	assert_settled(f);
}

/* A table with the same destination twice can't be made. */
static void test_a_removed_server_is_the_sorry_server(void **state)
{
	struct real_server rs = {.id = 7, .port = 80, .drain_on_remove_us = USEC_PER_SEC};
	const struct virtual_server former = {.id = 1, .servers = &rs, .n_servers = 1};
	const struct virtual_server next = {.id = 1, .sorry = &rs, .n_sorry = 1};
	struct ipvs_dest sorry = {.port = 80, .weight = 1};
	struct ipvs_service s = {.dests = &sorry, .n_dests = 1};
	struct arena *arena = arena_new();
	struct leaving l = {0};

	assert_int_equal(leaving_add(&l, &former, &next, 0), 1);
	leaving_want(&l, arena, 1, &s);
	assert_int_equal(s.n_dests, 1);
	assert_int_equal(s.dests[0].weight, 1);
	leaving_done(&l);
	arena_free(arena);
}

static void test_a_removed_server_may_come_back(void **state)
{
	struct fixture *f = *state;

	f->model->services[1].servers[SERVERS - 1].drain_on_remove_us = 60 * USEC_PER_SEC;
	commit(f);
	f->model->services[1].n_servers--;
	commit(f);
	f->model->services[1].servers[SERVERS - 1].drain_on_remove_us = 60 * USEC_PER_SEC;
	commit(f);
	assert_int_equal(dest_of(f, 1, SERVERS - 1)->weight, 1);
	assert_int_equal(f->keeper.leaving.n, 0);
	/* And time does end it. */
	f->model->services[1].n_servers--;
	commit(f);
	dest_of(f, 1, SERVERS - 1)->active_conns = 2;
	keeper_tend(&f->keeper, 59 * USEC_PER_SEC);
	assert_int_equal(f->keeper.leaving.n, 1);
	keeper_tend(&f->keeper, 62 * USEC_PER_SEC);
	keeper_run(&f->keeper, 62 * USEC_PER_SEC);
	assert_int_equal(in_kernel(f, 1)->n_dests, SERVERS - 1);
	assert_true(logged("has had its time to drain: 2 active connections end"));
}

static void test_quorum_is_resumed(void **state)
{
	struct fixture *f = *state;
	struct msg_service_state left = { .service = f->model->services[0].id,
					  .quorum_up = true,
					  .since_us = 77 };

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
		struct virtual_server alone = { .family = AF_INET, .protocol = IPPROTO_TCP };

		alone.port = 80;
		alone.address = addr_from_bytes(AF_INET, (uint8_t[]){ 192, 0, 9, (uint8_t)i });
		vs->members[i] = (struct member){ .id = model_id_virtual_server(&alone),
						  .family = alone.family,
						  .protocol = alone.protocol,
						  .address = alone.address,
						  .port = alone.port };
	}
	vs->address = (struct addr){ 0 };
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
		struct msg_service_state m = { .quorum_up = true };

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

/* "mb": both run. */
static const char *daemons(void)
{
	const struct ipvs_daemon *of = world.kernel.table.daemons.of;
	bool master = of[IPVS_DAEMON_MASTER].runs, backup = of[IPVS_DAEMON_BACKUP].runs;

	return master && backup ? "mb" : master ? "m" : backup ? "b" : "";
}

static void say_vrrp(struct fixture *f, uint64_t instance, enum vrrp_state_id state)
{
	struct msg_vrrp_state m = { .instance = instance,
				    .state = state,
				    .release_us = USEC_NEVER };

	keeper_vrrp(&f->keeper, &m);
	keeper_run(&f->keeper, 1);
}

static void follow(struct fixture *f, const char *ifname, uint64_t instance)
{
	struct global *g = f->model->global;

	g->sync = arena_alloc(f->arena, sizeof(*g->sync));
	*g->sync = (struct sync_daemon){ .ifname = ifname, .instance = instance, .sync_id = 1 };
	g->n_sync = 1;
}

static void test_sync_daemons_follow(void **state)
{
	struct fixture *f = *state;

	follow(f, "eth0", 7);
	commit(f);
	assert_string_equal(daemons(), ""); /* nothing is known of the instance */
	say_vrrp(f, 8, VRRP_STATE_ACTIVE);
	assert_string_equal(daemons(), "");
	say_vrrp(f, 7, VRRP_STATE_BACKUP);
	assert_string_equal(daemons(), "b");
	say_vrrp(f, 7, VRRP_STATE_ACTIVE);
	assert_string_equal(daemons(), "m");
	world.edits = 0;
	say_vrrp(f, 7, VRRP_STATE_ACTIVE);
	assert_int_equal(world.edits, 0);
	say_vrrp(f, 7, VRRP_STATE_FAULT);
	assert_string_equal(daemons(), "b");

	follow(f, "eth0", 8); /* which is Active already */
	commit(f);
	assert_string_equal(daemons(), "m");
	follow(f, "eth0", 0);
	commit(f);
	assert_string_equal(daemons(), "mb");
	keeper_stop(&f->keeper);
	assert_string_equal(daemons(), "");
}

static void test_sync_daemons_drift_and_ownership(void **state)
{
	struct ipvs_daemon *kernel = world.kernel.table.daemons.of;
	struct fixture *f = *state;

	kernel[IPVS_DAEMON_BACKUP].runs = true;
	commit(f);
	keeper_patrol(&f->keeper);
	assert_string_equal(daemons(), "b"); /* somebody else's */
	follow(f, "eth0", 0);
	commit(f);
	kernel[IPVS_DAEMON_MASTER].runs = false;
	kernel[IPVS_DAEMON_BACKUP].sync_id = 9;
	keeper_patrol(&f->keeper);
	assert_string_equal(daemons(), "mb");
	assert_int_equal(kernel[IPVS_DAEMON_BACKUP].sync_id, 1);
	commit(f);
	assert_string_equal(daemons(), "");
	kernel[IPVS_DAEMON_BACKUP].runs = true;
	keeper_patrol(&f->keeper);
	commit(f);
	assert_string_equal(daemons(), "b");
}

static void test_sync_daemon_refused(void **state)
{
	struct fixture *f = *state;

	follow(f, "nowhere0", 0);
	commit(f);
	assert_true(logged("there is no such interface"));
	assert_true(keeper_wants_retry(&f->keeper));
	forget_log();
	keeper_retry(&f->keeper);
	assert_false(logged("no such interface"));
	assert_int_equal(f->keeper.services_in_kernel, SERVICES);
	follow(f, "eth0", 0);
	commit(f);
	assert_string_equal(daemons(), "mb");
	assert_false(keeper_wants_retry(&f->keeper));
}

static unsigned random_below(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % n;
}

static void random_reload(struct fixture *f, unsigned *seed)
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
	commit(f);
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
		if (what == 0)
			random_reload(f, &seed);
		else if (what < 3)
			random_meddling(&seed);
		else
			say(f, random_below(&seed, SERVICES), random_below(&seed, SERVERS),
			    random_below(&seed, 2));
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* active_only: nobody knows the instance yet, it is Active, holds for its successor, lets go. */
static void test_active_only_goes_with_its_instance(void **state)
{
	struct fixture *f = *state;
	struct msg_vrrp_state m = { .instance = 7,
				    .state = VRRP_STATE_BACKUP,
				    .release_us = 100 };

	f->model->services[0].active_only = true;
	f->model->services[0].instance = 7;
	keeper_commit(&f->keeper, f->model, 1);
	assert_null(in_kernel(f, 0));
	assert_non_null(in_kernel(f, 1));

	say_vrrp(f, 7, VRRP_STATE_ACTIVE);
	assert_int_equal(in_kernel(f, 0)->n_dests, SERVERS);
	assert_true(logged("its vrrp instance is active"));
	keeper_vrrp(&f->keeper, &m);
	keeper_run(&f->keeper, 1);
	assert_non_null(in_kernel(f, 0));
	say_vrrp(f, 7, VRRP_STATE_BACKUP);
	assert_null(in_kernel(f, 0));
	assert_true(logged("service removed: its vrrp instance is not active here"));
	assert_settled(f);
}

/* A new process hears of the instance later than of the model: all stays as it was. */
static void test_active_only_outlives_the_process(void **state)
{
	struct fixture *f = *state;
	struct msg_service_state served = { .service = f->model->services[0].id };
	struct keeper next;

	f->model->services[0].active_only = true;
	f->model->services[0].instance = 7;
	keeper_vrrp(&f->keeper, &(struct msg_vrrp_state){ .instance = 7,
							  .state = VRRP_STATE_ACTIVE });
	keeper_commit(&f->keeper, f->model, 1);
	assert_non_null(in_kernel(f, 0));
	keeper_init(&next);
	keeper_resume(&next, &served);
	world.edits = 0;
	keeper_commit(&next, f->model, 2);
	assert_int_equal(world.edits, 0);
	keeper_free(&next);

	keeper_init(&next);
	served.away = true;
	keeper_resume(&next, &served);
	keeper_commit(&next, f->model, 3);
	assert_null(in_kernel(f, 0));
	keeper_free(&next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_from_nothing),
		TEST(test_active_only_goes_with_its_instance),
		TEST(test_active_only_outlives_the_process),
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
		TEST(test_operators_words),
		TEST(test_drain_until_idle_looks_at_the_kernel),
		TEST(test_slow_start_goes_by_the_clock),
		TEST(test_weights_are_resumed),
		TEST(test_a_removed_server_drains),
		TEST(test_a_removed_server_is_the_sorry_server),
		TEST(test_a_removed_server_may_come_back),
		TEST(test_quorum_is_resumed),
		TEST(test_drift_is_repaired),
		TEST(test_a_refusal_is_told_once_and_tried_again),
		TEST(test_without_ipvs_the_rest_goes_on),
		TEST(test_lost_answers_are_no_failures),
		TEST(test_stop_removes_ours),
		TEST(test_stop_may_flush),
		TEST(test_a_group_is_many_services),
		TEST(test_sync_daemons_follow),
		TEST(test_sync_daemons_drift_and_ownership),
		TEST(test_sync_daemon_refused),
		TEST(test_random_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
