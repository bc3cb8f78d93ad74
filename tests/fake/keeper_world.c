/* SPDX-License-Identifier: Apache-2.0 */
/* A world for the keeper: see keeper_world.h. */
#include "tests/fake/keeper_world.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/must.h"
#include "core/role.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct keeper_world world;

/* ---- the netlink port ---- */

void ipvs_netlink_init(struct ipvs_netlink *nl)
{
	*nl = (struct ipvs_netlink){.sock = -1};
}

void ipvs_netlink_done(struct ipvs_netlink *nl)
{
}

/* A dead keeper goes on as a ghost: nothing it does reaches anybody. */
static bool do_deed(void)
{
	if (!world.deeds_left)
		world.dead = true;
	else
		world.deeds_left--;
	return !world.dead;
}

static int reach(void)
{
	return world.dead ? -EPIPE : world.unreachable;
}

static void observe_service(struct arena *arena, struct ipvs_table *ret,
			    const struct ipvs_service *s)
{
	struct ipvs_service *seen = &ret->services[ret->n_services++];

	*seen = *s;
	seen->dests = arena_array(arena, s->n_dests, sizeof(*seen->dests));
	memcpy(seen->dests, s->dests, s->n_dests * sizeof(*s->dests));
}

int ipvs_netlink_observe_dests(struct ipvs_netlink *nl, struct arena *arena, struct ipvs_table *t)
{
	struct ipvs_table found = {.services = arena_array(arena, t->n_services, sizeof(*t->services))};

	for (uint32_t i = 0; i < t->n_services; i++) {
		const struct ipvs_service *s = fake_ipvs_find(&world.kernel, &t->services[i].key);

		if (s)
			observe_service(arena, &found, s);
		else
			found.services[found.n_services++] = t->services[i];
	}
	t->services = found.services;
	ipvs_table_sort(t);
	return reach();
}

int ipvs_netlink_observe_services(struct ipvs_netlink *nl, struct arena *arena,
				  struct ipvs_table *ret)
{
	int err = ipvs_netlink_observe(nl, arena, ret);

	for (uint32_t i = 0; i < ret->n_services; i++)
		ret->services[i].n_dests = 0;
	return err;
}

int ipvs_netlink_observe(struct ipvs_netlink *nl, struct arena *arena, struct ipvs_table *ret)
{
	world.looks_at_all++;
	*ret = (struct ipvs_table){.timeouts = world.kernel.table.timeouts,
				   .daemons = world.kernel.table.daemons};
	ret->daemons.known = true;
	ret->services = arena_array(arena, FAKE_SERVICES_MAX, sizeof(*ret->services));
	for (uint32_t i = 0; i < world.kernel.table.n_services && !reach(); i++)
		observe_service(arena, ret, &world.kernel.services[i]);
	ipvs_table_sort(ret);
	return reach();
}

int ipvs_netlink_observe_some(struct ipvs_netlink *nl, struct arena *arena,
			      const struct ipvs_key *keys, uint32_t n_keys, struct ipvs_table *ret)
{
	*ret = (struct ipvs_table){0};
	ret->services = arena_array(arena, FAKE_SERVICES_MAX, sizeof(*ret->services));
	for (uint32_t i = 0; i < n_keys; i++) {
		const struct ipvs_service *s = fake_ipvs_find(&world.kernel, &keys[i]);

		world.looks_at_services++;
		if (s)
			observe_service(arena, ret, s);
	}
	ipvs_table_sort(ret);
	return reach();
}

int ipvs_netlink_observe_daemons(struct ipvs_netlink *nl, struct ipvs_table *ret)
{
	ret->daemons = world.kernel.table.daemons;
	ret->daemons.known = true;
	return reach();
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

	if (reach())
		return reach();
	for (uint32_t i = 0; i < n_edits; i++) {
		edits[i].error = do_deed() ? answer(&edits[i]) : -EPIPE;
		failed += edits[i].error != 0;
	}
	world.edits += n_edits;
	nl->edits += n_edits;
	world.lose_next = false;
	return world.dead ? -EPIPE : failed;
}

int ipvs_netlink_flush(struct ipvs_netlink *nl)
{
	if (do_deed())
		fake_ipvs_clear(&world.kernel);
	return reach();
}

/* ---- links and log ---- */

void role_send(enum role_id to, const struct msg *m)
{
	assert_true(to == ROLE_SUPERVISOR || to == ROLE_SYNC);
	assert_true(msg_allowed(m->type, ROLE_IPVS, to));
	if (!do_deed())
		return;
	if (store_keeps(m->type)) {
		world.unsent = must(realloc(world.unsent, (world.n_unsent + 1) * sizeof(*m)));
		world.unsent[world.n_unsent++] = *m;
	}
	world.service_states += m->type == MSG_SERVICE_STATE;
	if (m->type == MSG_SERVER_IDLE)
		world.idle = m->server_idle;
	if (m->type == MSG_SERVER_WEIGHT)
		world.weight = m->server_weight;
	if (m->type == MSG_SERVER_LEAVING)
		world.leaving = m->server_leaving;
	if (m->type == MSG_IPVS_STATE)
		world.last = m->ipvs_state;
	if (m->type == MSG_SERVICE_LED)
		world.led = m->service_led;
	if (m->type == MSG_SERVER_VIEW)
		world.view = m->server_view;
	world.views += m->type == MSG_SERVER_VIEW;
}

void role_flush(enum role_id to)
{
	for (uint32_t i = 0; i < world.n_unsent && !world.dead; i++)
		store_put(&world.store, &world.unsent[i], NULL);
	world.n_unsent = 0;
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

bool logged(const char *text)
{
	return strstr(world.log, text);
}

void forget_log(void)
{
	world.log[0] = '\0';
}

/* ---- models ---- */

void fill_server(struct arena *arena, struct virtual_server *vs, unsigned n)
{
	struct real_server *rs = &vs->servers[n];

	*rs = (struct real_server){.port = 80, .weight = 1, .forward = IPVS_FORWARD_DR};
	rs->address = addr_from_bytes(AF_INET, (uint8_t[]){10, 0, 0, (uint8_t)(n + 1)});
	rs->id = model_id_real_server(vs->id, &rs->address, rs->port);
	rs->checks = arena_array(arena, 1, sizeof(*rs->checks));
	rs->n_checks = 1;
}

static void fill_service(struct arena *arena, struct virtual_server *vs, unsigned n)
{
	*vs = (struct virtual_server){.family = AF_INET,
				      .protocol = IPPROTO_TCP,
				      .port = 80,
				      .scheduler = "rr",
				      .persistence_engine = "",
				      .quorum = 1,
				      .n_servers = SERVERS};
	vs->address = addr_from_bytes(AF_INET, (uint8_t[]){192, 0, 2, (uint8_t)n});
	vs->id = model_id_virtual_server(vs);
	vs->servers = arena_array(arena, SERVERS, sizeof(*vs->servers));
	for (unsigned i = 0; i < SERVERS; i++)
		fill_server(arena, vs, i);
}

void next_model(struct fixture *f)
{
	struct model *m = arena_alloc(f->arena, sizeof(*m));

	m->generation = ++f->generation;
	m->global = arena_alloc(f->arena, sizeof(*m->global));
	*m->global = (struct global){.router_id = "", .script_user = "", .script_group = ""};
	m->n_global = 1;
	m->services = arena_array(f->arena, SERVICES, sizeof(*m->services));
	m->n_services = SERVICES;
	for (unsigned i = 0; i < SERVICES; i++)
		fill_service(f->arena, &m->services[i], i + 1);
	f->model = m;
}

int setup(void **state)
{
	static struct fixture f;

	world = (struct keeper_world){.deeds_left = UINT_MAX, .store.max = SIZE_MAX};
	store_init(&world.store);
	fake_ipvs_clear(&world.kernel);
	f = (struct fixture){.arena = arena_new()};
	keeper_init(&f.keeper);
	next_model(&f);
	*state = &f;
	return 0;
}

void keeper_free(struct keeper *k)
{
	free(k->served);
	free(k->keys);
	free(k->owned);
	free(k->resumed);
	free(k->instances);
	free(k->tended.drains);
	peers_done(&k->peers);
	leaving_done(&k->leaving);
	health_done(&k->health);
}

int teardown(void **state)
{
	struct fixture *f = *state;

	keeper_free(&f->keeper);
	store_done(&world.store);
	free(world.unsent);
	arena_free(f->arena);
	return 0;
}

void commit(struct fixture *f)
{
	world.edits = 0;
	world.looks_at_all = world.looks_at_services = 0;
	keeper_commit(&f->keeper, f->model, 1);
	role_flush(ROLE_SUPERVISOR); /* COMMITTED comes after all else */
	next_model(f);
}

void say(struct fixture *f, unsigned service, unsigned server, bool up)
{
	const struct virtual_server *vs = &f->model->services[service];
	struct msg m = {.type = MSG_SERVER_HEALTH,
			.server_health = {.service = vs->id,
					  .server = vs->servers[server].id,
					  .up = up,
					  .agent_percent = 100}};

	text_set(&m.server_health.reason, "TCP_CHECK: %s", up ? "connected" : "connection refused");
	store_put(&world.store, &m, NULL);
	keeper_health(&f->keeper, &m.server_health);
}

struct ipvs_service *in_kernel(struct fixture *f, unsigned service)
{
	struct ipvs_key key = wanted_key(&f->model->services[service], 0);

	return fake_ipvs_find(&world.kernel, &key);
}

struct ipvs_key foreign_key(void)
{
	return (struct ipvs_key){.family = AF_INET, .fwmark = 99};
}

void assert_settled(struct fixture *f)
{
	world.edits = 0;
	while (!keeper_patrol(&f->keeper))
		;
	assert_int_equal(world.edits, 0);
	assert_false(keeper_wants_retry(&f->keeper));
}

struct ipvs_dest *dest_of(struct fixture *f, unsigned service, unsigned server)
{
	const struct real_server *rs = &f->model->services[service].servers[server];
	const struct ipvs_dest like = {.address = rs->address, .port = rs->port};

	return fake_ipvs_find_dest(in_kernel(f, service), &like);
}

void say_vrrp(struct fixture *f, uint64_t instance, enum vrrp_state_id state)
{
	struct msg_vrrp_state m = {.instance = instance, .state = state, .release_us = USEC_NEVER};

	keeper_vrrp(&f->keeper, &m);
	keeper_run(&f->keeper, 1);
}

void let_die_after(unsigned deeds)
{
	role_flush(ROLE_SUPERVISOR); /* as the loop does in between */
	world.deeds_left = deeds;
	world.dead = false;
}

static void resume(void *ctx, const struct msg *m)
{
	struct keeper *k = ctx;

	if (m->type == MSG_SERVER_HEALTH)
		keeper_health(k, &m->server_health);
	else if (m->type == MSG_SERVER_LEAVING)
		keeper_resume_leaving(k, &m->server_leaving);
	else if (m->type == MSG_SERVER_WEIGHT)
		keeper_resume_weight(k, &m->server_weight);
	else if (m->type == MSG_SERVICE_STATE)
		keeper_resume(k, &m->service_state);
	else if (m->type == MSG_SYNC_DAEMONS)
		keeper_resume_sync(k, &m->sync_daemons);
}

void revive(struct fixture *f, const struct model *m, unsigned deeds)
{
	keeper_free(&f->keeper);
	let_die_after(deeds);
	keeper_init(&f->keeper);
	store_each(&world.store, ROLE_IPVS, resume, &f->keeper);
	keeper_commit(&f->keeper, m, 1);
}
