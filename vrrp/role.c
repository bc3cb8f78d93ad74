/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tandem-vrrp: the process. Holds the set of virtual routers, and does to it what the supervisor
 * asks. Knows neither packets nor the protocol.
 */
#include "core/role.h"
#include "core/clock.h"
#include "core/kept_table.h"
#include "core/log.h"
#include "core/must.h"
#include "vrrp/accept.h"
#include "vrrp/claims.h"
#include "vrrp/config.h"
#include "vrrp/detector.h"
#include "vrrp/groups.h"
#include "vrrp/instance.h"
#include "vrrp/sysctls.h"
#include "vrrp/vips.h"
#include "vrrp/vmacs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct vrrp_role {
	struct vrrp_shell shell;
	struct instance *instances;
	struct groups groups;
	struct detector detector; /* peer_detect */
	struct tunables sysctls;
	unsigned links_gen; /* of the links that they were last looked at with */
	bool no_local_igmp; /* disable_local_igmp */
	bool accept_local;  /* some check has through_service */
	bool committing;
	bool started; /* the first model was committed */
	bool stopping;
	bool copies;		       /* there is a sync block */
	int64_t sync_wait_us;	       /* its */
	bool synced;		       /* tandem-sync says so */
	int64_t drain_asked_us;	       /* the last question for the peers' connections */
	struct msg_vrrp_state *handed; /* from an earlier incarnation, until the first commit */
	size_t n_handed;
	struct log_limit unknown_limit;
	struct claims claims;
	struct kept_table accept; /* no_accept */
	ev_timer look;		  /* whether that is still there */
	ev_timer startup;	  /* vrrp_startup_delay */
	ev_timer drain;		  /* the longest that a hand-over waits for the peers' connections */
	ev_timer reap;
};

/* A table that is there may be flushed; what the kernel refused it will refuse for a while. */
#define LOOK_S	     1
#define LOOK_AGAIN_S 60
/* Beyond what a peer on a bad link needs; a hand-over is not to hang on one that is worse. */
#define DRAIN_US (500 * USEC_PER_MSEC)
#define DRAIN_S	 ((double)DRAIN_US / USEC_PER_SEC)

/* The ops of role.h carry the context; the shells' callbacks have one process to serve. */
static struct vrrp_role vrrp = {
	.accept = {.name = ACCEPT_TABLE,
		   .purpose = "no_accept is enforced",
		   .unset = "no_accept is not enforced, the addresses accept packets",
		   .unremoved = "addresses still accept no packets"},
};

static struct instance *find_instance(uint64_t id)
{
	struct instance *in = vrrp.instances;

	while (in && in->config->id != id)
		in = in->next;
	return in;
}

/* One that leaves still is. */
static bool is_there(uint64_t id)
{
	return find_instance(id);
}

static const struct msg_vrrp_state *find_handed(uint64_t id)
{
	for (size_t i = 0; i < vrrp.n_handed; i++)
		if (vrrp.handed[i].instance == id)
			return &vrrp.handed[i];
	return NULL;
}

static void forget_handed(void)
{
	free(vrrp.handed);
	vrrp.handed = NULL;
	vrrp.n_handed = 0;
}

/* Callbacks of the shells */

static void observe_all(void *ctx)
{
	if (vrrp.links_gen != vrrp.shell.netifs.links_gen)
		tunables_check(&vrrp.sysctls);
	vrrp.links_gen = vrrp.shell.netifs.links_gen;
	if (ev_is_active(&vrrp.startup))
		return;
	for (struct instance *in = vrrp.instances; in; in = in->next)
		if (!in->leaving)
			instance_observe(in);
}

static void on_netifs_changed(void *ctx)
{
	if (!vrrp.stopping)
		static_addresses_observe(&vrrp.shell.statics);
	routes_touch(vrrp.shell.routes);
	observe_all(ctx);
}

static void on_frame(void *owner, const struct vrrp_frame *frame)
{
	if (!ev_is_active(&vrrp.startup))
		instance_receive(owner, frame);
}

static void on_send_failed(void *owner, const struct addr *dst, int err)
{
	instance_cannot_send(owner, dst, err);
}

/* tandem-ipvs has sync daemons that follow an instance, tandem-sync owns what the Active says. */
static void report(const struct msg *m)
{
	role_send(ROLE_SUPERVISOR, m);
	if (m->type != MSG_VRRP_STATE)
		return;
	role_send(ROLE_IPVS, m);
	role_send(ROLE_SYNC, m);
	detector_touch(&vrrp.detector);
}

static void on_stepped(void)
{
	if (!vrrp.committing)
		groups_settle(&vrrp.groups);
}

/* Told from inside an instance: it is freed from the loop. */
static void on_instance_done(void)
{
	ev_timer_set(&vrrp.reap, 0, 0);
	ev_timer_start(vrrp.shell.loop, &vrrp.reap);
}

/* A hand-over on purpose, by a stop or a tracker's fault: the successor is to know the connections
 * before it hears that it is to succeed. */

static void leave_all(void)
{
	for (struct instance *in = vrrp.instances; in; in = in->next)
		instance_stop(in);
	on_instance_done(); /* there may be none */
}

static void drain_first(void)
{
	static const struct msg drain = {.type = MSG_SYNC_DRAIN};

	/* A timer that was stopped has kept what was left of its time. */
	ev_timer_stop(vrrp.shell.loop, &vrrp.drain);
	ev_timer_set(&vrrp.drain, DRAIN_S, 0);
	ev_timer_start(vrrp.shell.loop, &vrrp.drain);
	role_send(ROLE_SYNC, &drain);
}

static void hand_over(void)
{
	ev_timer_stop(vrrp.shell.loop, &vrrp.drain);
	if (vrrp.stopping)
		leave_all();
	else
		observe_all(NULL);
}

/* Is there an Active that this tracker puts at fault? 0: any tracker. */
static bool makes_leave(uint64_t tracker)
{
	for (struct instance *in = vrrp.instances; in; in = in->next)
		if (!in->leaving && in->m.state == VRRP_STATE_ACTIVE &&
		    (!tracker || vrrp_config_tracks(in->config, tracker)) &&
		    vrrp_config_failed_tracker(in->config, &vrrp.shell.tracking))
			return true;
	return false;
}

static void on_drained(unsigned peers)
{
	if (!ev_is_active(&vrrp.drain))
		return;
	/* The tracker may be well again. */
	if (peers && (vrrp.stopping || makes_leave(0)))
		log_info("the peers have all connections: handing over");
	hand_over();
}

static void on_drain(struct ev_loop *loop, ev_timer *w, int events)
{
	log_warning("after %.1f s the peers are not known to have all connections: handing over",
		    DRAIN_S);
	hand_over();
}

/* Before a takeover from a living Active. Whoever asks in the same moment is answered with it. */
static void ask_peers(int64_t asked_us)
{
	const struct msg m = {.type = MSG_PEERS_DRAIN, .peers_drain = {.asked_us = asked_us}};

	if (asked_us != vrrp.drain_asked_us)
		role_send(ROLE_SYNC, &m);
	vrrp.drain_asked_us = asked_us;
}

static void on_peers_drained(const struct msg_peers_drain *m)
{
	if (m->peers)
		log_info("all connections of the last moments are here");
	for (struct instance *in = vrrp.instances; in; in = in->next)
		if (!in->leaving)
			instance_drained(in, m->asked_us);
}

static void on_peer_serves(const struct msg_peer_serves *m)
{
	struct instance *in = find_instance(m->instance);

	if (in && !in->leaving)
		instance_peer_serves(in, m->until_us);
}

static bool is_made_for_nobody(void *ctx, const char *ifname)
{
	return false;
}

/* Interfaces that were made for addresses, and have none to expect any more. */
static void prune_vmacs(void)
{
	vmacs_prune(&vrrp.shell.netifs, instance_any_makes, &vrrp.shell);
}

/* What any instance wants, also one that is leaving. */
static void settle_sysctls(void)
{
	tunables_begin(&vrrp.sysctls);
	if (vrrp.no_local_igmp && !vrrp.stopping)
		sysctls_want_no_igmp(&vrrp.sysctls);
	if (vrrp.accept_local && !vrrp.stopping)
		sysctls_want_accept_local(&vrrp.sysctls);
	for (const struct instance *in = vrrp.instances; in; in = in->next)
		sysctls_want_instance(&vrrp.sysctls, in->config);
	tunables_settle(&vrrp.sysctls);
}

static void remove_statics(void)
{
	routes_stop(vrrp.shell.routes);
	static_addresses_stop(&vrrp.shell.statics);
}

static void on_reap(struct ev_loop *loop, ev_timer *w, int events)
{
	for (struct instance **at = &vrrp.instances; *at;) {
		struct instance *in = *at;

		if (in->leaving && instance_is_done(in)) {
			*at = in->next;
			instance_free(in);
			detector_touch(&vrrp.detector);
		} else {
			at = &in->next;
		}
	}
	prune_vmacs();
	settle_sysctls();
	if (!vrrp.stopping || vrrp.instances)
		return;
	remove_statics();
	role_stopped();
}

/* The set of instances */

static void add_instance(const struct vrrp_instance *config)
{
	struct instance *in = instance_new(&vrrp.shell, config);

	in->next = vrrp.instances;
	vrrp.instances = in;
}

static void stop_missing(const struct model *now)
{
	for (struct instance *in = vrrp.instances; in; in = in->next)
		if (!in->leaving && !model_find_instance(now, in->config->id))
			instance_stop(in);
}

static bool is_wanted(const struct model *model, const struct netif_addr *a)
{
	const struct netif *nif = netif_by_index(&vrrp.shell.netifs, a->index);

	for (uint32_t i = 0; i < model->n_static_addresses; i++)
		if (addr_equal(&model->static_addresses[i].address, &a->address))
			return true;
	for (uint32_t i = 0; nif && i < model->n_instances; i++)
		if (vrrp_config_puts(&model->instances[i], &a->address, nif->name))
			return true;
	return false;
}

/* Addresses with our mark that an earlier life left and no instance has any more. */
static void remove_strays(const struct model *model)
{
	struct netifs *n = &vrrp.shell.netifs;
	char text[ADDR_TEXT_MAX];

	for (const struct netif_addr *a = n->first, *after; a; a = after) {
		struct netif_change change = {.index = a->index,
					      .address = a->address,
					      .peer = a->peer,
					      .prefixlen = a->prefixlen};

		after = a->next;
		if (!a->ours || is_wanted(model, a))
			continue;
		log_notice("address %s was ours and is no longer configured: removed",
			   addr_format(&a->address, text));
		netifs_apply(n, &change, 1, NULL, NULL);
	}
}

/* A member of a sync group starts with the faults of the others. */
static void start_new(void)
{
	for (struct instance *in = vrrp.instances; in; in = in->next)
		if (in->grouped && in->m.state == VRRP_STATE_INITIALIZE)
			instance_probe(in);
	groups_settle(&vrrp.groups);
	vrrp.committing = true;
	for (struct instance *in = vrrp.instances; in; in = in->next)
		if (!in->leaving && in->m.state == VRRP_STATE_INITIALIZE &&
		    (!instance_awaits(in) || find_handed(in->config->id)))
			instance_start(in, find_handed(in->config->id));
	vrrp.committing = false;
	groups_settle(&vrrp.groups);
}

static void on_startup(struct ev_loop *loop, ev_timer *w, int events)
{
	start_new();
}

static void on_claim(const struct claim *claim)
{
	for (struct instance *in = vrrp.instances; in; in = in->next)
		instance_hear_claim(in, claim);
}

static void want_claims(const struct model *now)
{
	struct addr *list = NULL;
	uint32_t n = 0;
	int err;

	for (uint32_t i = 0; i < now->n_instances; i++)
		n += vrrp_config_vips(&now->instances[i]);
	list = must(calloc(n ? n : 1, sizeof(*list)));
	n = 0;
	for (uint32_t i = 0; i < now->n_instances; i++)
		for (uint32_t k = 0; k < vrrp_config_vips(&now->instances[i]); k++)
			list[n++] = vrrp_config_vip(&now->instances[i], k)->address;
	err = claims_want(&vrrp.claims, list, n);
	if (err)
		log_warning("machines that have our addresses are not heard: %s", strerror(-err));
	free(list);
}

/* Its virtual router id is none of ours: are its addresses? */
static void tell_of_other(const struct vrrp_frame *f)
{
	struct vrrp_packet p;

	if (vrrp_packet_decode(f->bytes, f->len, &f->path, &p) != VRRP_PACKET_OK)
		return;
	for (struct instance *in = vrrp.instances; in; in = in->next)
		if (in->config->family == f->path.src.family &&
		    vrrp_config_shares_address(in->config, &p))
			instance_hear_other(in, f, p.vrid);
}

static void on_unknown(const struct vrrp_frame *f)
{
	char text[ADDR_TEXT_MAX];

	tell_of_other(f);
	if (log_limit_pass(&vrrp.unknown_limit, clock_now_us()))
		log_notice("advertisement of virtual router %u from %s: no vrrp_instance has it%s",
			   f->bytes[1], addr_format(&f->path.src, text),
			   log_limit_suffix(&vrrp.unknown_limit));
}

static void set_unknown(bool wanted)
{
	if (wanted == (vrrp.shell.ports.unknown != NULL))
		return;
	vrrp.shell.ports.unknown = wanted ? on_unknown : NULL;
	vrrp_ports_update(&vrrp.shell.ports);
}

static void plan_look(void)
{
	ev_timer_stop(vrrp.shell.loop, &vrrp.look);
	if (!vrrp.accept.rules && !vrrp.accept.leftover)
		return;
	ev_timer_set(&vrrp.look, vrrp.accept.there ? LOOK_S : LOOK_AGAIN_S, 0);
	ev_timer_start(vrrp.shell.loop, &vrrp.look);
}

static void on_look(struct ev_loop *loop, ev_timer *w, int events)
{
	kept_table_check(&vrrp.accept);
	plan_look();
}

static void keep_accept(const struct model *now)
{
	kept_table_want(&vrrp.accept, accept_rules(now));
	kept_table_run(&vrrp.accept);
	plan_look();
}

/* Until vrrp_startup_delay is over, and vrrp_delay_after_boot since the machine's boot. */
static int64_t start_delay_us(const struct global *g)
{
	struct timespec up = {0};
	int64_t left_us;

	if (!g->delay_after_boot_us)
		return g->startup_delay_us;
	clock_gettime(CLOCK_BOOTTIME, &up);
	left_us = g->delay_after_boot_us - (int64_t)up.tv_sec * USEC_PER_SEC;
	return left_us > g->startup_delay_us ? left_us : g->startup_delay_us;
}

static void start_first(const struct model *now)
{
	int64_t delay_us = start_delay_us(now->global);

	vrrp.started = true;
	/* A former incarnation may have changed addresses until a moment ago. */
	netifs_catch_up(&vrrp.shell.netifs);
	remove_strays(now);
	/* Only a fresh start waits: an incarnation that was handed a state goes on at once. */
	if (delay_us && !vrrp.n_handed) {
		log_notice("waiting for %lld ms before VRRP starts",
			   (long long)(delay_us / USEC_PER_MSEC));
		ev_timer_set(&vrrp.startup, (double)delay_us / USEC_PER_SEC, 0);
		ev_timer_start(vrrp.shell.loop, &vrrp.startup);
	}
}

/* What the supervisor asks: see role.h */

static int vrrp_init(void *ctx, struct ev_loop *loop)
{
	int err;

	vrrp.shell = (struct vrrp_shell){.loop = loop,
					 .instances = &vrrp.instances,
					 .report = report,
					 .drain = ask_peers,
					 .done = on_instance_done,
					 .stepped = on_stepped};
	vrrp.shell.ports = (struct vrrp_ports){
		.loop = loop, .receive = on_frame, .failed = on_send_failed};
	vrrp_ports_open(&vrrp.shell.ports);
	alarms_open(&vrrp.shell.alarms, loop);
	ev_idle_init(&vrrp.shell.idle, instance_idle);
	vrrp.shell.idle.data = &vrrp.shell;
	ev_set_priority(&vrrp.shell.idle, EV_MINPRI);
	detector_init(&vrrp.detector, &vrrp.shell, &vrrp.instances);
	vrrp.groups.report = report;
	tunables_init(&vrrp.sysctls, &sysctls_place);
	vrrp.unknown_limit = (struct log_limit){.interval_us = 60 * USEC_PER_SEC, .burst = 3};
	ev_timer_init(&vrrp.startup, on_startup, 0, 0);
	ev_init(&vrrp.look, on_look);
	ev_timer_init(&vrrp.reap, on_reap, 0, 0);
	ev_init(&vrrp.drain, on_drain);
	static_addresses_init(&vrrp.shell.statics, &vrrp.shell.netifs);
	err = netifs_open(&vrrp.shell.netifs, loop, on_netifs_changed, NULL);
	if (!err)
		err = routes_new(loop, &vrrp.shell.netifs, observe_all, NULL, &vrrp.shell.routes);
	if (!err)
		err = claims_open(&vrrp.claims, loop, on_claim);
	return err ? err : announcer_open(&vrrp.shell.announcer, loop);
}

static int vrrp_prepare(void *ctx, const struct model *next, struct text *ret_reason)
{
	return 0;
}

static void commit_groups(const struct model *now)
{
	for (struct instance *in = vrrp.instances; in; in = in->next)
		instance_set_grouped(in, model_is_grouped(now, in->config->id));
	groups_commit(&vrrp.groups, now, find_instance);
}

static void update_sync_wait(void)
{
	vrrp.shell.sync_wait_us = vrrp.synced ? 0 : vrrp.sync_wait_us;
	vrrp.shell.drain_us = vrrp.copies && vrrp.synced ? DRAIN_US : 0;
	for (struct instance *in = vrrp.instances; in; in = in->next)
		instance_set_sync_wait(in);
}

static void set_synced(bool synced)
{
	if (synced == vrrp.synced)
		return;
	vrrp.synced = synced;
	log_notice(synced ? "connections are synced: preemption does not wait"
			  : "connections are not synced: preemption waits, %d s at most",
		   (int)(vrrp.sync_wait_us / USEC_PER_SEC));
	update_sync_wait();
}

static void set_delays(const struct global *g)
{
	struct netif_delay *list = must(calloc(g->n_link_delays + 1, sizeof(*list)));

	for (uint32_t i = 0; i < g->n_link_delays; i++) {
		const struct link_delay *l = &g->link_delays[i];

		strncpy(list[i].name, l->ifname, sizeof(list[i].name) - 1);
		list[i].down_us = l->down_us;
		list[i].up_us = l->up_us;
	}
	netifs_set_delays(&vrrp.shell.netifs, list, g->n_link_delays);
}

static void set_garp_groups(const struct global *g)
{
	struct announcer_group *list;
	size_t n = 0;

	for (uint32_t i = 0; i < g->n_garp_groups; i++)
		n += g->garp_groups[i].n_interfaces;
	list = must(calloc(n + 1, sizeof(*list)));
	n = 0;
	for (uint32_t i = 0; i < g->n_garp_groups; i++) {
		const struct garp_group *group = &g->garp_groups[i];

		for (uint32_t k = 0; k < group->n_interfaces; k++) {
			struct announcer_group *to = &list[n++];

			strncpy(to->ifname, group->interfaces[k].ifname, sizeof(to->ifname) - 1);
			to->pace = i;
			to->arp_interval_us = group->garp_interval_us;
			to->na_interval_us = group->gna_interval_us;
		}
	}
	announcer_set_groups(&vrrp.shell.announcer, list, n);
}

/* What has gone is seen at once: the kernel's own word for it is to come yet. */
static void mend_addresses(void)
{
	static_addresses_mend(&vrrp.shell.statics);
	for (struct instance *in = vrrp.instances; in; in = in->next)
		if (!in->leaving)
			instance_mend(in);
}

static void vrrp_commit(void *ctx, const struct model *now)
{
	vrrp.copies = now->global->n_peering;
	vrrp.sync_wait_us = now->global->n_peering ? now->global->peering->wait_us : 0;
	update_sync_wait();
	detector_configure(&vrrp.detector, now->global->n_peering ? now->global->peering : NULL);
	role_tune(now->global->vrrp_tuning);
	keep_accept(now);
	want_claims(now);
	set_unknown(now->global->log_unknown_vrids);
	set_garp_groups(now->global);
	if (!vrrp.started)
		start_first(now);
	static_addresses_commit(&vrrp.shell.statics, now);
	routes_commit(vrrp.shell.routes, now);
	vrrp.committing = true;
	stop_missing(now);
	for (uint32_t i = 0; i < now->n_instances; i++) {
		struct instance *in = find_instance(now->instances[i].id);

		if (in && in->leaving)
			instance_revive(in, &now->instances[i]);
		else if (in)
			instance_reload(in, &now->instances[i]);
		else
			add_instance(&now->instances[i]);
	}
	for (struct instance *in = vrrp.instances; in; in = in->next)
		routes_hold(vrrp.shell.routes, in->config->id, in->routed);
	mend_addresses();
	commit_groups(now);
	memory_retain(&vrrp.shell.memory, is_there);
	tracking_retain(&vrrp.shell.tracking, now);
	vrrp.committing = false;
	vrrp.no_local_igmp = now->global->disable_local_igmp;
	vrrp.accept_local = now->global->accept_local;
	set_delays(now->global);
	settle_sysctls();
	if (!ev_is_active(&vrrp.startup))
		start_new();
	prune_vmacs();
	if (vrrp.n_handed)
		routes_resume(vrrp.shell.routes);
	forget_handed();
}

static void on_tracked(uint64_t tracker)
{
	if (!vrrp.started || ev_is_active(&vrrp.startup) || vrrp.stopping)
		return;
	if (vrrp.copies && makes_leave(tracker)) {
		if (!ev_is_active(&vrrp.drain))
			drain_first();
		return;
	}
	for (struct instance *in = vrrp.instances; in; in = in->next)
		if (!in->leaving && vrrp_config_tracks(in->config, tracker))
			instance_observe(in);
	start_new();
}

/* The last word of each instance counts. */
static void keep_handed(const struct msg_vrrp_state *state)
{
	struct msg_vrrp_state *known = (struct msg_vrrp_state *)find_handed(state->instance), *more;

	if (known) {
		*known = *state;
		return;
	}
	more = must(realloc(vrrp.handed, (vrrp.n_handed + 1) * sizeof(*more)));
	vrrp.handed = more;
	vrrp.handed[vrrp.n_handed++] = *state;
}

static void vrrp_receive(void *ctx, enum role_id from, const struct msg *m)
{
	switch ((unsigned)m->type) {
	case MSG_NET_SYSCTL:
		if (!vrrp.started)
			tunables_resume(&vrrp.sysctls, &m->vs_sysctl_state);
		break;
	case MSG_TRACK_STATE:
		tracking_set(&vrrp.shell.tracking, m->track_state.tracker, m->track_state.up,
			     &m->track_state.reason);
		on_tracked(m->track_state.tracker);
		break;
	case MSG_FILE_VALUE:
		tracking_set_value(&vrrp.shell.tracking, m->file_value.file, m->file_value.value);
		on_tracked(m->file_value.file);
		break;
	case MSG_SYNC_STATE:
		set_synced(m->sync_state.synced);
		break;
	case MSG_SYNC_DRAINED:
		on_drained(m->sync_drain.peers);
		break;
	case MSG_PEERS_DRAINED:
		on_peers_drained(&m->peers_drain);
		break;
	case MSG_PEER_SERVES:
		on_peer_serves(&m->peer_serves);
		break;
	case MSG_VRRP_STATE:
		if (!vrrp.started)
			keep_handed(&m->vrrp_state);
		break;
	}
}

static void vrrp_report(void *ctx, enum role_id to)
{
	for (struct instance *in = vrrp.instances; in; in = in->next) {
		instance_report(in);
		if (to == ROLE_SUPERVISOR)
			instance_report_counters(in);
	}
	if (to != ROLE_SUPERVISOR)
		return;
	groups_report(&vrrp.groups);
	tunables_report(&vrrp.sysctls);
}

static bool is_active(void)
{
	for (struct instance *in = vrrp.instances; in; in = in->next)
		if (in->m.state == VRRP_STATE_ACTIVE)
			return true;
	return false;
}

static void vrrp_stop(void *ctx, int64_t deadline_us)
{
	vrrp.stopping = true;
	ev_timer_stop(vrrp.shell.loop, &vrrp.startup);
	if (vrrp.copies && is_active())
		drain_first();
	else
		leave_all();
}

static void let_go(void)
{
	vmacs_prune(&vrrp.shell.netifs, is_made_for_nobody, NULL);
	tunables_stop(&vrrp.sysctls);
}

/* What could not wait for its successor until the deadline. */
static void abandon_all(void)
{
	if (vrrp.stopping)
		kept_table_stop(&vrrp.accept);
	for (struct instance *in = vrrp.instances; in; in = in->next)
		instance_abandon(in);
	detector_done(&vrrp.detector);
	outbox_flush(&vrrp.shell.ports.outbox);
	outbox_done(&vrrp.shell.ports.outbox);
	alarms_done(&vrrp.shell.alarms);
	if (!vrrp.stopping)
		return;
	if (vrrp.instances)
		remove_statics();
	let_go();
}

int main(int argc, char **argv)
{
	static const struct role_ops ops = {
		.id = ROLE_VRRP,
		.without_services = true,
		.program = "tandem-vrrp",
		.init = vrrp_init,
		.prepare = vrrp_prepare,
		.commit = vrrp_commit,
		.receive = vrrp_receive,
		.report = vrrp_report,
		.stop = vrrp_stop,
	};

	int status = role_main(argc, argv, &ops, &vrrp);

	abandon_all();
	return status;
}
