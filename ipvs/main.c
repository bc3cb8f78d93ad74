/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tandem-ipvs: the one writer of the kernel's IPVS table. Messages and timers in, calls of the
 * keeper out.
 */
#include "core/clock.h"
#include "core/kept_table.h"
#include "core/role.h"
#include "core/tunables.h"
#include "ipvs/keeper.h"
#include "ipvs/loopback.h"
#include "ipvs/snat.h"

#include <ev.h>

#define UNAVAILABLE_RETRY_S 3.0
#define RETRY_MIN_S	    1.0
#define RETRY_MAX_S	    60.0
/* A round of the patrol starts this long after the last one ended. Within a round it takes no more
 * than this part of the time, unless a single slice would then have to wait longer than that: on a
 * machine that is too busy a look takes long, and what it looks for must be found all the same. */
#define PATROL_PAUSE_S 2.0
#define PATROL_SHARE   0.01
/* What is kept beside the table costs the same however big that is. */
#define BESIDE_S 2.0
/* What is due by the clock within this is done in one pass, with one edit for each weight. */
#define TEND_WITHIN_S 0.1

struct ipvs_role {
	struct keeper keeper;
	struct tunables vs;
	struct tunables core;
	struct loopback loopback;
	struct kept_table translation;
	struct ev_loop *loop;
	ev_prepare apply;
	ev_timer retry;
	ev_timer patrol;
	ev_timer beside;
	ev_timer tend;
	double retry_s;
};

static double next_retry_s(struct ipvs_role *r)
{
	if (!r->keeper.available)
		return UNAVAILABLE_RETRY_S;
	r->retry_s = r->retry_s * 2 < RETRY_MIN_S ? RETRY_MIN_S : r->retry_s * 2;
	if (r->retry_s > RETRY_MAX_S)
		r->retry_s = RETRY_MAX_S;
	return r->retry_s;
}

static void schedule_retry(struct ipvs_role *r)
{
	if (!keeper_wants_retry(&r->keeper)) {
		r->retry_s = 0;
		ev_timer_stop(r->loop, &r->retry);
	} else if (!ev_is_active(&r->retry)) {
		ev_timer_set(&r->retry, next_retry_s(r), 0);
		ev_timer_start(r->loop, &r->retry);
	}
}

static void schedule_tend(struct ipvs_role *r)
{
	int64_t at_us = keeper_tend_us(&r->keeper), wait_us = at_us - clock_now_us();
	double wait_s = wait_us > 0 ? (double)wait_us / USEC_PER_SEC : 0;

	ev_timer_stop(r->loop, &r->tend);
	if (!at_us)
		return;
	ev_timer_set(&r->tend, wait_s + TEND_WITHIN_S, 0);
	ev_timer_start(r->loop, &r->tend);
}

static void check_tunables(struct ipvs_role *r)
{
	tunables_check(&r->core);
	tunables_check(&r->vs);
}

/* The kernel does it when it is asked for. Whether it could is seen and told by the keeper. */
static void load_ip_vs(struct ipvs_role *r)
{
	ipvs_netlink_open(&r->keeper.nl);
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int events)
{
	struct ipvs_role *r = w->data;

	load_ip_vs(r);
	check_tunables(r);
	keeper_retry(&r->keeper);
	schedule_retry(r);
	schedule_tend(r);
}

static void on_patrol(struct ev_loop *loop, ev_timer *w, int events)
{
	struct ipvs_role *r = w->data;
	int64_t started_us = clock_now_us();
	bool round_done = keeper_patrol(&r->keeper);
	double pause_s = (double)(clock_now_us() - started_us) / USEC_PER_SEC / PATROL_SHARE;

	if (round_done || pause_s > PATROL_PAUSE_S)
		pause_s = PATROL_PAUSE_S;
	ev_timer_set(w, pause_s, 0);
	ev_timer_start(loop, w);
	schedule_retry(r);
}

static void on_beside(struct ev_loop *loop, ev_timer *w, int events)
{
	struct ipvs_role *r = w->data;

	loopback_keep(&r->loopback);
	kept_table_check(&r->translation);
	check_tunables(r);
	keeper_peers_look(&r->keeper, clock_now_us());
}

static void on_tend(struct ev_loop *loop, ev_timer *w, int events)
{
	struct ipvs_role *r = w->data;

	keeper_tend(&r->keeper, clock_now_us());
	schedule_tend(r);
}

/* However many messages have come in, the kernel's table is brought in line once. */
static void on_apply(struct ev_loop *loop, ev_prepare *w, int events)
{
	struct ipvs_role *r = w->data;

	kept_table_run(&r->translation);
	if (!keeper_is_dirty(&r->keeper))
		return;
	keeper_run(&r->keeper, clock_now_us());
	schedule_retry(r);
	schedule_tend(r);
}

static const struct tunables_place vs_place = {
	.dir = "/proc/sys/net/ipv4/vs",
	.called = "net.ipv4.vs.",
	.report = MSG_VS_SYSCTL,
	.missing = "this kernel has no such setting, or ip_vs is not loaded",
};

/* Newer kernels show some of them in other namespaces, too, to be read. */
#define FIRST_ONLY "it can be raised in the machine's first network namespace only"
static const struct tunables_place core_place = {
	.dir = "/proc/sys/net/core",
	.called = "net.core.",
	.report = MSG_CORE_SYSCTL,
	.missing = FIRST_ONLY,
	.denied = FIRST_ONLY,
	.optional = true,
};

static int role_init(void *ctx, struct ev_loop *loop)
{
	struct ipvs_role *r = ctx;

	r->loop = loop;
	keeper_init(&r->keeper);
	tunables_init(&r->vs, &vs_place);
	tunables_init(&r->core, &core_place);
	ev_prepare_init(&r->apply, on_apply);
	ev_timer_init(&r->retry, on_retry, 0, 0);
	ev_timer_init(&r->patrol, on_patrol, PATROL_PAUSE_S, 0);
	ev_timer_init(&r->beside, on_beside, BESIDE_S, BESIDE_S);
	ev_init(&r->tend, on_tend);
	r->apply.data = r->retry.data = r->patrol.data = r->beside.data = r->tend.data = r;
	ev_prepare_start(loop, &r->apply);
	return 0;
}

/* What the kernel accepts is only known by trying; what it refuses is named then, and retried. */
static int role_prepare(void *ctx, const struct model *next, struct text *ret_reason)
{
	return 0;
}

static void commit_sysctls(struct tunables *t, const struct vs_sysctl *sysctls, uint32_t n)
{
	tunables_begin(t);
	for (uint32_t i = 0; i < n; i++) {
		if (sysctls[i].at_least)
			tunables_want_at_least(t, sysctls[i].name, sysctls[i].value);
		else
			tunables_want(t, sysctls[i].name, sysctls[i].value);
	}
	tunables_settle(t);
}

static void role_commit(void *ctx, const struct model *now)
{
	struct ipvs_role *r = ctx;

	/* Before the sync daemons are started: sync_ports and sync_sock_size are looked at then, and
	 * net.core's bounds for the latter. */
	load_ip_vs(r);
	commit_sysctls(&r->core, now->global->core_sysctls, now->global->n_core_sysctls);
	commit_sysctls(&r->vs, now->global->sysctls, now->global->n_sysctls);
	if (now->global->n_peering)
		loopback_add(&r->loopback);
	keeper_commit(&r->keeper, now, clock_now_us());
	if (!now->global->n_peering)
		loopback_remove(&r->loopback);
	kept_table_want(&r->translation, snat_is_wanted(now) ? snat_rules(now) : NULL);
	r->retry_s = 0;
	ev_timer_stop(r->loop, &r->retry);
	schedule_retry(r);
	schedule_tend(r);
	if (!ev_is_active(&r->patrol))
		ev_timer_start(r->loop, &r->patrol);
	if (!ev_is_active(&r->beside))
		ev_timer_start(r->loop, &r->beside);
}

static void role_receive(void *ctx, enum role_id from, const struct msg *m)
{
	struct ipvs_role *r = ctx;

	if (m->type == MSG_SERVER_HEALTH)
		keeper_health(&r->keeper, &m->server_health);
	else if (m->type == MSG_SERVER_VIEW)
		keeper_peer_view(&r->keeper, &m->server_view);
	else if (m->type == MSG_SERVICE_LED)
		keeper_peer_led(&r->keeper, &m->service_led);
	else if (m->type == MSG_PEER_HEARD)
		keeper_peer_heard(&r->keeper, &m->peer_heard, clock_now_us());
	else if (m->type == MSG_SERVER_OVERRIDE)
		keeper_override(&r->keeper, &m->server_override);
	else if (m->type == MSG_SERVER_LEAVING)
		keeper_resume_leaving(&r->keeper, &m->server_leaving);
	else if (m->type == MSG_SERVER_WEIGHT)
		keeper_resume_weight(&r->keeper, &m->server_weight);
	else if (m->type == MSG_SERVICE_STATE)
		keeper_resume(&r->keeper, &m->service_state);
	else if (m->type == MSG_SYNC_DAEMONS)
		keeper_resume_sync(&r->keeper, &m->sync_daemons);
	else if (m->type == MSG_VS_SYSCTL)
		tunables_resume(&r->vs, &m->vs_sysctl_state);
	else if (m->type == MSG_CORE_SYSCTL)
		tunables_resume(&r->core, &m->vs_sysctl_state);
	else if (m->type == MSG_VRRP_STATE)
		keeper_vrrp(&r->keeper, &m->vrrp_state);
}

static void role_report(void *ctx, enum role_id to)
{
	struct ipvs_role *r = ctx;

	if (to == ROLE_SYNC)
		keeper_confer(&r->keeper);
	if (to != ROLE_SUPERVISOR)
		return;
	keeper_report(&r->keeper);
	tunables_report(&r->vs);
	tunables_report(&r->core);
}

static void role_stop(void *ctx, int64_t deadline_us)
{
	struct ipvs_role *r = ctx;

	ev_prepare_stop(r->loop, &r->apply);
	ev_timer_stop(r->loop, &r->retry);
	ev_timer_stop(r->loop, &r->patrol);
	ev_timer_stop(r->loop, &r->beside);
	ev_timer_stop(r->loop, &r->tend);
	keeper_stop(&r->keeper);
	loopback_remove(&r->loopback);
	kept_table_stop(&r->translation);
	tunables_stop(&r->vs);
	tunables_stop(&r->core);
	role_stopped();
}

int main(int argc, char **argv)
{
	static const struct role_ops ops = {
		.id = ROLE_IPVS,
		.program = "tandem-ipvs",
		.init = role_init,
		.prepare = role_prepare,
		.commit = role_commit,
		.receive = role_receive,
		.report = role_report,
		.stop = role_stop,
	};
	static struct ipvs_role role = {
		.translation = {.name = SNAT_TABLE,
				.purpose = "SNAT of clients' addresses",
				.unset = "real servers see the clients' own addresses",
				.unremoved = "clients' addresses are still translated"},
	};

	return role_main(argc, argv, &ops, &role);
}
