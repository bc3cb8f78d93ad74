/* SPDX-License-Identifier: Apache-2.0 */
/* What the control socket answers: see status.h. */
#include "core/status.h"

#include "core/clock.h"
#include "core/document.h"
#include "core/selector.h"
#include "core/status_sync.h"
#include "core/fifos.h"
#include "core/mails.h"
#include "core/supervisor.h"
#include "core/warnings.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

static json *role(const struct supervisor *s, const struct process *p)
{
	json *o = json_object_new_object();

	add_str(o, "name", role_name(p->desc->id));
	add_str(o, "phase", process_phase_name(p->phase));
	add_bool(o, "wanted", supervisor_wants(s, p->desc->id));
	add_int(o, "pid", p->pid);
	if (p->desc == s->stand_by->desc && s->stand_by->phase == PROCESS_STANDING_BY)
		add_int(o, "stand_by_pid", s->stand_by->pid);
	add_str(o, "version", p->version);
	add_int(o, "generation", (int64_t)p->generation);
	add_int(o, "restarts", p->restarts);
	add_bool(o, "adopted", p->adopted);
	add_bool(o, "stale", s->snapshot.stale & p->desc->id);
	add_time(o, "since", p->started_us);
	return o;
}

static json *roles(const struct supervisor *s)
{
	json *list = json_object_new_array();

	for (size_t i = 0; i < ROLE_COUNT; i++)
		json_object_array_add(list, role(s, s->processes[i]));
	return list;
}

/* Its fields as they are named in msg.def. */
static json *counters(const struct msg_vrrp_counters *v)
{
	json *o = json_object_new_object();

#define ADD_COUNTER(kind, name) add_int(o, #name, (int64_t)v->name);
#define NO_LISTS(record, name)
	RECORD_msg_vrrp_counters(ADD_COUNTER, NO_LISTS) json_object_object_del(o, "instance");
	return o;
}

static json *addresses(const struct vrrp_instance *v)
{
	json *list = json_object_new_array();
	char text[ADDR_TEXT_MAX], with_length[ADDR_TEXT_MAX + 8];

	for (uint32_t i = 0; i < v->n_vips; i++) {
		snprintf(with_length, sizeof(with_length), "%s/%u",
			 addr_format(&v->vips[i].address, text), v->vips[i].prefixlen);
		json_object_array_add(list, json_object_new_string(with_length));
	}
	return list;
}

static void add_vrrp_state(json *o, const struct msg_vrrp_state *v)
{
	add_str(o, "state", vrrp_state_name((enum vrrp_state_id)v->state));
	add_time(o, "since", v->since_us);
	add_str(o, "reason", v->reason.s);
	add_int(o, "priority", v->priority);
	add_addr(o, "active_address", &v->active);
	add_int(o, "active_priority", v->active_priority);
	add_int(o, "transitions", v->transitions);
}

static void add_age(json *o, const char *key, int64_t at_us)
{
	add_int(o, key, (clock_now_us() - at_us) / USEC_PER_SEC);
}

static json *heard(const struct vrrp_instance *v, const struct msg_vrrp_heard *h)
{
	json *o = json_object_new_object();

	if (h->stranger_us) {
		add_addr(o, "stranger", &h->stranger);
		add_str(o, "stranger_reason", h->why.s);
		add_age(o, "stranger_s_ago", h->stranger_us);
	}
	if (h->other_us) {
		add_addr(o, "other", &h->other);
		add_int(o, "other_virtual_router_id", h->other_vrid);
		add_age(o, "other_s_ago", h->other_us);
	}
	if (h->clock_us && v->n_hmac) {
		add_addr(o, "clock_of", &h->clock);
		add_int(o, "clock_ahead_s", h->clock_ahead_s);
		add_int(o, "clock_window_s", v->hmac->window_s);
		add_age(o, "clock_s_ago", h->clock_us);
	}
	return o;
}

static json *peers(const struct vrrp_instance *v)
{
	json *list = json_object_new_array();
	char text[ADDR_TEXT_MAX];

	for (uint32_t i = 0; i < v->n_peers; i++)
		json_object_array_add(list, json_object_new_string(
						    addr_format(&v->peers[i].address, text)));
	return list;
}

static json *instance(const struct supervisor *s, const struct vrrp_instance *v)
{
	json *o = json_object_new_object();
	struct msg m;

	add_id(o, "id", v->id);
	add_str(o, "name", v->name);
	add_str(o, "interface", v->ifname);
	add_int(o, "virtual_router_id", v->vrid);
	add_str(o, "family", v->family == AF_INET6 ? "ipv6" : "ipv4");
	add_int(o, "vrrp_version", v->version);
	add_int(o, "configured_priority", v->priority);
	add_int(o, "advert_interval_ms", v->adver_int_cs * 10);
	add(o, "virtual_addresses", addresses(v));
	if (v->use_vmac)
		add_str(o, "virtual_mac_interface", v->vmacs[0].ifname);
	if (v->unicast)
		add(o, "unicast_peers", peers(v));
	else
		add_addr(o, "multicast_group", &v->group);
	if (store_get(&s->store, MSG_VRRP_STATE, v->id, &m))
		add_vrrp_state(o, &m.vrrp_state);
	else
		add(o, "state", NULL);
	if (store_get(&s->store, MSG_VRRP_COUNTERS, v->id, &m))
		add(o, "counters", counters(&m.vrrp_counters));
	if (store_get(&s->store, MSG_VRRP_HEARD, v->id, &m))
		add(o, "heard", heard(v, &m.vrrp_heard));
	return o;
}

static json *group(const struct supervisor *s, const struct sync_group *g)
{
	json *o = json_object_new_object(), *members = json_object_new_array();
	struct msg m;

	for (uint32_t i = 0; i < g->n_members; i++) {
		const struct vrrp_instance *v =
			model_find_instance(s->running.model, g->members[i].instance);

		json_object_array_add(members, json_object_new_string(v->name));
	}
	add_id(o, "id", g->id);
	add_str(o, "name", g->name);
	add(o, "members", members);
	if (store_get(&s->store, MSG_GROUP_STATE, g->id, &m))
		add_str(o, "state", vrrp_state_name((enum vrrp_state_id)m.group_state.state));
	else
		add(o, "state", NULL);
	return o;
}

static json *groups(const struct supervisor *s)
{
	json *list = json_object_new_array();

	for (uint32_t i = 0; i < s->running.model->n_groups; i++)
		json_object_array_add(list, group(s, &s->running.model->groups[i]));
	return list;
}

/* "state": up, down, or null while nothing is known; of a file its "value". */
static json *tracker(const struct supervisor *s, enum track_kind kind, uint64_t id, const char *name)
{
	json *o = json_object_new_object();
	struct msg m;

	add_str(o, "kind", track_kind_name(kind));
	add_str(o, "name", name);
	if (kind == TRACK_FILE && store_get(&s->store, MSG_FILE_VALUE, id, &m)) {
		add_int(o, "value", m.file_value.value);
	} else if (kind != TRACK_FILE && store_get(&s->store, MSG_TRACK_STATE, id, &m)) {
		add_str(o, "state", m.track_state.up ? "up" : "down");
		add_str(o, "reason", m.track_state.reason.s);
	} else {
		add(o, kind == TRACK_FILE ? "value" : "state", NULL);
	}
	return o;
}

static json *trackers(const struct supervisor *s)
{
	const struct model *m = s->running.model;
	json *list = json_object_new_array();
	char text[TEXT_MAX];

	for (uint32_t i = 0; i < m->n_scripts; i++)
		json_object_array_add(list, tracker(s, TRACK_SCRIPT, m->scripts[i].id,
						    m->scripts[i].name));
	for (uint32_t i = 0; i < m->n_files; i++)
		json_object_array_add(list,
				      tracker(s, TRACK_FILE, m->files[i].id, m->files[i].name));
	for (uint32_t i = 0; i < m->n_processes; i++)
		json_object_array_add(list, tracker(s, TRACK_PROCESS, m->processes[i].id,
						    m->processes[i].name));
	for (uint32_t i = 0; i < s->track_services.n; i++) {
		const struct virtual_server *vs = s->track_services.list[i];

		json_object_array_add(list, tracker(s, TRACK_SERVICE, vs->id,
						    virtual_server_format(vs, text)));
	}
	return list;
}

/* Pairs of a bound and how many took less than it, and more than the one before; null: the rest. */
static json *histogram(const struct msg_check_latency *l)
{
	const uint32_t n[] = {l->n0, l->n1, l->n2, l->n3,  l->n4,  l->n5,  l->n6,
			      l->n7, l->n8, l->n9, l->n10, l->n11, l->n12, l->more};
	const size_t buckets = sizeof(n) / sizeof(n[0]);
	json *list = json_object_new_array();

	for (size_t i = 0; i < buckets; i++) {
		json *o = json_object_new_object();

		if (i + 1 < buckets)
			add_int(o, "below_us", INT64_C(250) << i);
		else
			add(o, "below_us", NULL);
		add_int(o, "passes", n[i]);
		json_object_array_add(list, o);
	}
	return list;
}

static void add_check_state(json *o, const struct check *c, const struct msg_check_state *v)
{
	int64_t wait_us = v->next_run_us - clock_now_us();

	add_bool(o, "up", v->up);
	add_bool(o, "has_run", v->has_run);
	add_int(o, "failures_in_a_row", v->failures);
	add_int(o, "failures_to_be_down", c->retry + 1);
	add_int(o, "passes_to_be_up", c->rise);
	add_int(o, "streak", v->streak);
	add_bool(o, "held_down", v->held);
	add_time(o, "since", v->since_us);
	add_int(o, "next_run_ms", wait_us > 0 ? wait_us / 1000 : 0);
	add_int(o, "latency_us", v->latency_us);
	add_int(o, "latency_smoothed_us", v->smoothed_us);
	if (v->has_weight)
		add_int(o, "weight", v->weight);
	add_str(o, "agent_admin", server_admin_name((enum server_admin)v->agent_admin));
	add_int(o, "agent_percent", v->agent_percent);
	add_int(o, "agent_maxconn", v->agent_maxconn);
	add_str(o, "result", v->result.s);
}

static json *check(const struct supervisor *s, const struct check *c)
{
	json *o = json_object_new_object();
	struct msg m;

	add_id(o, "id", c->id);
	add_str(o, "method", check_method_name((enum check_method)c->method));
	add_addr(o, "address", &c->address);
	add_int(o, "port", c->port);
	if (store_get(&s->store, MSG_CHECK_STATE, c->id, &m))
		add_check_state(o, c, &m.check_state);
	if (store_get(&s->store, MSG_CHECK_LATENCY, c->id, &m))
		add(o, "latency_histogram", histogram(&m.check_latency));
	return o;
}

static json *checks(const struct supervisor *s, const struct real_server *r)
{
	json *list = json_object_new_array();

	for (uint32_t i = 0; i < r->n_checks; i++)
		json_object_array_add(list, check(s, &r->checks[i]));
	return list;
}

/* What another director says of it. Null when nobody is heard that says anything of interest. */
static json *peer_view(const struct msg_server_weight *w)
{
	json *o;

	if (!addr_is_set(&w->peer))
		return NULL;
	o = json_object_new_object();
	add_addr(o, "address", &w->peer);
	add_bool(o, "active", w->peer_leads);
	add_bool(o, "up", w->peer_up);
	add_int(o, "weight", w->peer_weight);
	add_bool(o, "differs", w->differs);
	return o;
}

/* The factors of its weight; without a word of tandem-ipvs it has the configured one. */
static void add_factors(json *o, const struct supervisor *s, const struct real_server *r)
{
	struct msg m = {.type = MSG_SERVER_WEIGHT,
			.server_weight = {.base = r->weight,
					  .ramp_permille = 1000,
					  .agent_permille = 1000,
					  .feedback_permille = 1000}};

	store_get(&s->store, MSG_SERVER_WEIGHT, r->id, &m);
	add_int(o, "base_weight", m.server_weight.base);
	add_int(o, "slow_start_permille", m.server_weight.ramp_permille);
	add_int(o, "agent_permille", m.server_weight.agent_permille);
	add_int(o, "feedback_permille", m.server_weight.feedback_permille);
	add_bool(o, "kept_by_max_ejection", m.server_weight.kept);
	add_int(o, "feedback_bytes_per_s", (int64_t)m.server_weight.bytes_per_s);
	if (m.server_weight.agreed)
		add_int(o, "agreed_weight", m.server_weight.agreed);
	add(o, "peer", peer_view(&m.server_weight));
}

/* Null when the operator has no wish. */
static json *override(const struct supervisor *s, uint64_t server)
{
	const struct msg_server_override *v = overrides_find(&s->operator.overrides, server);
	json *o;

	if (!v || !override_is_active(v))
		return NULL;
	o = json_object_new_object();
	add_str(o, "state", server_admin_name((enum server_admin)v->admin));
	add_bool(o, "until_idle", v->until_idle);
	if (v->until_us)
		add_int(o, "ends_in_s", (v->until_us - clock_realtime_us()) / USEC_PER_SEC);
	if (v->has_weight)
		add_int(o, "weight", v->weight);
	add_time(o, "since", clock_now_us() - (clock_realtime_us() - (int64_t)v->version));
	return o;
}

static json *real_server(const struct supervisor *s, const struct real_server *r)
{
	json *o = json_object_new_object();
	struct msg m;

	add_id(o, "id", r->id);
	add_addr(o, "address", &r->address);
	add_int(o, "port", r->port);
	add_int(o, "configured_weight", r->weight);
	if (store_get(&s->store, MSG_SERVER_HEALTH, r->id, &m)) {
		add_bool(o, "up", m.server_health.up);
		add_time(o, "since", m.server_health.since_us);
		add_str(o, "reason", m.server_health.reason.s);
		add_str(o, "agent",
			server_admin_name((enum server_admin)m.server_health.agent_admin));
	} else if (!r->n_checks) {
		add_bool(o, "up", true);
		add_str(o, "reason", "has no checks");
	}
	if (store_get(&s->store, MSG_SERVER_STATE, r->id, &m)) {
		add_bool(o, "in_kernel", m.server_state.in_kernel);
		add_int(o, "weight", m.server_state.weight);
		add_int(o, "active_connections", m.server_state.active_conns);
		add_int(o, "inactive_connections", m.server_state.inactive_conns);
	}
	add_factors(o, s, r);
	add(o, "override", override(s, r->id));
	add(o, "checks", checks(s, r));
	return o;
}

/* All of them, or one. */
static json *real_servers(const struct supervisor *s, const struct virtual_server *vs,
			  const struct real_server *only)
{
	json *list = json_object_new_array();

	for (uint32_t i = 0; i < vs->n_servers; i++)
		if (!only || only == &vs->servers[i])
			json_object_array_add(list, real_server(s, &vs->servers[i]));
	return list;
}

static json *members(const struct virtual_server *vs)
{
	json *list = json_object_new_array();
	char text[TEXT_MAX];

	for (uint32_t i = 0; i < vs->n_members; i++) {
		const struct member *m = &vs->members[i];
		const struct virtual_server alone = {.family = m->family,
						     .protocol = m->protocol,
						     .address = m->address,
						     .port = m->port,
						     .fwmark = m->fwmark};

		json_object_array_add(
			list, json_object_new_string(virtual_server_format(&alone, text)));
	}
	return list;
}

static json *service(const struct supervisor *s, const struct virtual_server *vs,
		     const struct real_server *only)
{
	json *o = json_object_new_object();
	char text[TEXT_MAX];
	struct msg m;

	add_id(o, "id", vs->id);
	add_str(o, "name", virtual_server_format(vs, text));
	add_addr(o, "address", &vs->address);
	add_int(o, "port", vs->port);
	add_int(o, "fwmark", vs->fwmark);
	if (vs->n_members)
		add(o, "members", members(vs));
	add_str(o, "scheduler", vs->scheduler);
	add_int(o, "quorum", vs->quorum);
	add_int(o, "hysteresis", vs->hysteresis);
	add_int(o, "max_ejection_percent", vs->max_ejection ? vs->max_ejection : 100);
	add_int(o, "servers_total", vs->n_servers);
	if (store_get(&s->store, MSG_SERVICE_STATE, vs->id, &m)) {
		add_int(o, "servers_up", m.service_state.servers_up);
		add_int(o, "servers_kept", m.service_state.servers_kept);
		add_int(o, "weight_up", m.service_state.weight_up);
		add_bool(o, "quorum_up", m.service_state.quorum_up);
		add_bool(o, "sorry_server_serves", m.service_state.sorry);
		add_time(o, "since", m.service_state.since_us);
	}
	add(o, "real_servers", real_servers(s, vs, only));
	return o;
}

json *status_of_explanation(const struct supervisor *s, const struct selected *at, int n)
{
	json *o = new_document("tandem.explain/1"), *services = json_object_new_array();

	for (int i = 0; i < n; i++)
		json_object_array_add(services, service(s, at[i].vs, at[i].rs));
	add_time(o, "time", clock_now_us());
	add(o, "services", services);
	return o;
}

/* Null when none is ours. */
static json *sync_daemons(const struct supervisor *s)
{
	const struct global *g = s->running.model->global;
	json *o;
	struct msg m;

	if (!g->n_sync || !store_get(&s->store, MSG_SYNC_DAEMONS, 0, &m))
		return NULL;
	o = json_object_new_object();
	add_str(o, "interface", g->sync->ifname);
	add_int(o, "sync_id", g->sync->sync_id);
	add_bool(o, "master", m.sync_daemons.master);
	add_bool(o, "backup", m.sync_daemons.backup);
	return o;
}

static json *sysctls(const struct supervisor *s, enum msg_type type,
		     const struct vs_sysctl *configured, uint32_t n)
{
	json *list = json_object_new_array();
	struct msg m;

	for (uint32_t i = 0; i < n; i++) {
		json *o = json_object_new_object();

		add_str(o, "name", configured[i].name);
		add_str(o, "configured", configured[i].value);
		add_bool(o, "at_least", configured[i].at_least);
		if (store_get(&s->store, type, configured[i].id, &m)) {
			add_str(o, "value", m.vs_sysctl_state.value.s);
			add_str(o, "former", m.vs_sysctl_state.former.s);
		}
		json_object_array_add(list, o);
	}
	return list;
}

static json *ipvs(const struct supervisor *s)
{
	const struct global *g = s->running.model->global;
	json *o = json_object_new_object();
	struct msg m;

	if (!store_get(&s->store, MSG_IPVS_STATE, 0, &m)) {
		add(o, "available", NULL);
		return o;
	}
	add_bool(o, "available", m.ipvs_state.available);
	add_str(o, "reason", m.ipvs_state.reason.s);
	add_int(o, "services", m.ipvs_state.services);
	add_int(o, "servers", m.ipvs_state.servers);
	add_int(o, "edits", (int64_t)m.ipvs_state.edits);
	add_int(o, "failures", (int64_t)m.ipvs_state.failures);
	add_int(o, "repairs", (int64_t)m.ipvs_state.repairs);
	add(o, "sync_daemons", sync_daemons(s));
	add(o, "sysctls", sysctls(s, MSG_VS_SYSCTL, g->sysctls, g->n_sysctls));
	add(o, "core_sysctls", sysctls(s, MSG_CORE_SYSCTL, g->core_sysctls, g->n_core_sysctls));
	return o;
}

static json *check_load(const struct supervisor *s)
{
	json *o = json_object_new_object();
	struct msg m;

	if (!store_get(&s->store, MSG_CHECK_LOAD, 0, &m))
		return o;
	add_int(o, "in_flight", m.check_load.in_flight);
	add_int(o, "in_flight_max", m.check_load.in_flight_max);
	add_int(o, "waiting", m.check_load.waiting);
	add_int(o, "late_starts", (int64_t)m.check_load.late);
	add_int(o, "latest_start_us", m.check_load.latest_us);
	return o;
}

static void add_fifo(void *ctx, const struct fifo_status *f)
{
	json *o = json_object_new_object();

	add_str(o, "keyword", f->keyword);
	add_str(o, "path", f->path);
	add_bool(o, "open", f->open);
	add_int(o, "lines_written", (int64_t)f->written);
	add_int(o, "lines_waiting", f->waiting);
	add_int(o, "lines_lost", (int64_t)f->lost);
	json_object_array_add(ctx, o);
}

static json *notify_fifos(const struct supervisor *s)
{
	json *list = json_object_new_array();

	fifos_each(s->outlets.fifos, add_fifo, list);
	return list;
}

static json *mail(const struct supervisor *s)
{
	json *o = json_object_new_object();
	struct mails_status m;

	mails_status(s->outlets.mails, &m);
	add_int(o, "sent", (int64_t)m.sent);
	add_int(o, "waiting", m.waiting);
	add_int(o, "lost", (int64_t)m.lost);
	add_str(o, "failure", m.failure);
	return o;
}

static void add_warning(void *ctx, const char *sentence)
{
	json_object_array_add(ctx, json_object_new_string(sentence));
}

static json *warnings(const struct supervisor *s)
{
	json *list = json_object_new_array();

	warnings_each(s, add_warning, list);
	return list;
}

/* One word for the whole node: its instances' state, when they agree. */
static void add_node_state(json *o, const struct supervisor *s)
{
	const struct model *m = s->running.model;
	const struct msg_vrrp_state *latest = NULL;
	struct msg states[2];
	bool mixed = false;

	for (uint32_t i = 0; i < m->n_instances; i++) {
		struct msg *at = &states[latest == &states[0].vrrp_state];

		if (!store_get(&s->store, MSG_VRRP_STATE, m->instances[i].id, at))
			continue;
		mixed |= latest && latest->state != at->vrrp_state.state;
		if (!latest || at->vrrp_state.since_us > latest->since_us)
			latest = &at->vrrp_state;
	}
	if (!latest) {
		add(o, "state", NULL);
		return;
	}
	add_str(o, "state", mixed ? "MIXED" : vrrp_state_name((enum vrrp_state_id)latest->state));
	add_time(o, "state_since", latest->since_us);
	add_str(o, "state_reason", latest->reason.s);
}

static json *node(const struct supervisor *s)
{
	const struct model *m = s->running.model;
	json *o = json_object_new_object();

	add_str(o, "router_id", m->global->router_id);
	add_node_state(o, s);
	add_str(o, "version", PACKAGE_VERSION);
	add_str(o, "phase", supervisor_phase_name(s->phase));
	add_time(o, "started", s->started_us);
	add_int(o, "generation", (int64_t)m->generation);
	add_id(o, "model_hash", s->running.hash);
	add_str(o, "config_file", s->options.config_file);
	add_int(o, "config_warnings", (int64_t)s->running.diags.n_warnings);
	add_int(o, "config_not_honoured", (int64_t)s->running.diags.n_not_honoured);
	return o;
}

static void add_reload(json *o, const struct reload_result *r)
{
	add_str(o, "outcome", reload_outcome_name(r->outcome));
	add_int(o, "generation", (int64_t)r->generation);
	add_str(o, "message", r->message);
	add_time(o, "ended", r->ended_us);
}

static json *last_reload(const struct supervisor *s)
{
	json *o;

	if (!s->reload.last.serial)
		return NULL;
	o = json_object_new_object();
	add_reload(o, &s->reload.last);
	return o;
}

json *status_of_reload(const struct supervisor *s)
{
	json *o = new_document("tandem.reload/1");

	add_reload(o, &s->reload.last);
	add_str(o, "diagnostics", s->reload.last.diagnostics ? s->reload.last.diagnostics : "");
	return o;
}

json *status_of_confirmed(const struct supervisor *s)
{
	json *o = new_document("tandem.confirmed/1");

	add_str(o, "file", s->apply.file);
	add_str(o, "configured_file", s->options.config_file);
	return o;
}

json *status_of_versions(const struct supervisor *s)
{
	json *o = new_document("tandem.version/1");

	add_str(o, "version", PACKAGE_VERSION);
	add_int(o, "pid", getpid());
	add_time(o, "started", s->started_us);
	add_str(o, "phase", supervisor_phase_name(s->phase));
	add(o, "roles", roles(s));
	return o;
}

json *status_of_done(const char *verb)
{
	json *o = new_document("tandem.done/1");

	add_str(o, "verb", verb);
	return o;
}

json *status_of_error(const char *message)
{
	json *o = new_document("tandem.error/1");

	add_str(o, "error", message);
	return o;
}

/* Its fields as they are named in msg.def. */
#define ADD_IPVS_COUNTER(kind, name) add_int(o, #name, (int64_t)c->name);

static json *service_counters(const struct supervisor *s, uint64_t service)
{
	json *o = json_object_new_object();
	struct msg m = {.type = MSG_SERVICE_COUNTERS};
	const struct msg_service_counters *c = &m.service_counters;

	store_get(&s->store, MSG_SERVICE_COUNTERS, service, &m);
	IPVS_COUNTERS(ADD_IPVS_COUNTER)
	return o;
}

static json *server_counters(const struct supervisor *s, uint64_t server)
{
	json *o = json_object_new_object();
	struct msg m = {.type = MSG_SERVER_COUNTERS};
	const struct msg_server_counters *c = &m.server_counters;

	store_get(&s->store, MSG_SERVER_COUNTERS, server, &m);
	IPVS_COUNTERS(ADD_IPVS_COUNTER)
	return o;
}

static void add_forwarding(json *o, const struct real_server *r)
{
	add_str(o, "forwarding", forward_name((enum ipvs_forward)r->forward));
	if (r->forward != IPVS_FORWARD_TUNNEL)
		return;
	add_str(o, "tunnel", tunnel_name((enum ipvs_tunnel)r->tunnel_type));
	add_bool(o, "tunnel_checksum", r->tunnel_flags & IP_VS_TUNNEL_ENCAP_FLAG_CSUM);
	add_bool(o, "tunnel_remote_checksum", r->tunnel_flags & IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM);
}

/* The kernel's services that a group stands for. */
static json *addresses_of(const struct virtual_server *vs)
{
	json *list = json_object_new_array();

	for (uint32_t i = 0; i < vs->n_members; i++) {
		json *o = json_object_new_object();

		add_addr(o, "address", &vs->members[i].address);
		add_int(o, "port", vs->members[i].port);
		json_object_array_add(list, o);
	}
	return list;
}

static json *counted_service(const struct supervisor *s, const struct virtual_server *vs)
{
	json *o = service(s, vs, NULL), *servers = NULL;

	add_int(o, "ip_protocol", vs->n_members ? vs->members[0].protocol : vs->protocol);
	if (vs->n_members)
		add(o, "member_addresses", addresses_of(vs));
	add_int(o, "persistence_timeout_s", vs->persistence_timeout_s);
	if (*vs->persistence_engine)
		add_str(o, "persistence_engine", vs->persistence_engine);
	add(o, "counters", service_counters(s, vs->id));
	json_object_object_get_ex(o, "real_servers", &servers);
	for (uint32_t i = 0; i < vs->n_servers; i++) {
		json *r = json_object_array_get_idx(servers, i);

		json_object_object_del(r, "checks");
		add_forwarding(r, &vs->servers[i]);
		add(r, "counters", server_counters(s, vs->servers[i].id));
	}
	return o;
}

json *status_of_services(const struct supervisor *s)
{
	const struct model *m = s->running.model;
	json *o = new_document("tandem.services/1"), *services = json_object_new_array();

	for (uint32_t i = 0; i < m->n_services; i++)
		json_object_array_add(services, counted_service(s, &m->services[i]));
	add_time(o, "time", clock_now_us());
	add(o, "ipvs", ipvs(s));
	add(o, "services", services);
	return o;
}

json *status_of_all(const struct supervisor *s)
{
	const struct model *m = s->running.model;
	json *instances = json_object_new_array(), *services = json_object_new_array();
	json *o = new_document("tandem.status/1");

	for (uint32_t i = 0; i < m->n_instances; i++)
		json_object_array_add(instances, instance(s, &m->instances[i]));
	for (uint32_t i = 0; i < m->n_services; i++)
		json_object_array_add(services, service(s, &m->services[i], NULL));
	add_time(o, "time", clock_now_us());
	add(o, "node", node(s));
	add(o, "roles", roles(s));
	add(o, "vrrp_instances", instances);
	add(o, "vrrp_sync_groups", groups(s));
	add(o, "trackers", trackers(s));
	add(o, "ipvs", ipvs(s));
	add(o, "checking", check_load(s));
	add(o, "sync", status_of_peering(s));
	add(o, "services", services);
	add(o, "notify_fifos", notify_fifos(s));
	add(o, "mail", mail(s));
	add(o, "last_reload", last_reload(s));
	add(o, "warnings", warnings(s));
	return o;
}
