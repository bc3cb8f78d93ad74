/* SPDX-License-Identifier: Apache-2.0 */
/* What the control socket answers about the copying of connections: see status_sync.h. */
#include "core/status_sync.h"

#include "core/clock.h"
#include "core/document.h"
#include "core/supervisor.h"

/* As they are configured; whether they work is said of the links. */
static json *path(const struct sync_path_conf *p)
{
	json *o = json_object_new_object(), *peers = json_object_new_array();
	char text[ADDR_TEXT_MAX];

	for (uint32_t i = 0; i < p->n_peers; i++)
		json_object_array_add(
			peers, json_object_new_string(addr_format(&p->peers[i].address, text)));
	if (p->ifname[0])
		add_str(o, "interface", p->ifname);
	if (addr_is_set(&p->address))
		add_addr(o, "address", &p->address);
	if (addr_is_set(&p->group))
		add_addr(o, "group", &p->group);
	add(o, "peers", peers);
	return o;
}

static json *paths(const struct sync_block *b)
{
	json *list = json_object_new_array();

	for (uint32_t i = 0; i < b->n_paths; i++)
		json_object_array_add(list, path(&b->paths[i]));
	return list;
}

json *status_of_peering(const struct supervisor *s)
{
	const struct sync_block *b = s->running.model->global->peering;
	json *o;
	struct msg m;

	if (!s->running.model->global->n_peering || !store_get(&s->store, MSG_SYNC_STATE, 0, &m))
		return NULL;
	o = json_object_new_object();
	add_bool(o, "synced", m.sync_state.synced);
	add_str(o, "reason", m.sync_state.reason.s);
	add_int(o, "peers", m.sync_state.peers);
	add_int(o, "peers_expected", m.sync_state.expected);
	add_int(o, "connections", (int64_t)m.sync_state.entries);
	add_int(o, "connections_own", (int64_t)m.sync_state.own);
	add_int(o, "lag", (int64_t)m.sync_state.lag);
	add_int(o, "captured", (int64_t)m.sync_state.captured);
	add_int(o, "injected", (int64_t)m.sync_state.injected);
	add_int(o, "drops", (int64_t)m.sync_state.drops);
	add_int(o, "auth_failures", (int64_t)m.sync_state.auth_failures);
	add_bool(o, "resets_withheld", m.sync_state.withholds);
	add_str(o, "firewall_trouble", m.sync_state.shield.s);
	add_str(o, "kernel_multicast_trouble", m.sync_state.kernel_peer.s);
	add_int(o, "port", b->port);
	add_int(o, "heartbeat_port", b->detect_us ? b->port + 1 : 0);
	add(o, "paths", paths(b));
	return o;
}

static int64_t ms(int64_t us)
{
	return us / USEC_PER_MSEC;
}

static const char *in_state(enum sync_in_state state)
{
	switch (state) {
	case SYNC_IN_UNHEARD:
		return "never heard";
	case SYNC_IN_SILENT:
		return "silent";
	case SYNC_IN_TELLING:
		return "telling what it knows";
	case SYNC_IN_SYNCED:
		return "synced";
	}
	return "?";
}

static const char *out_state(enum sync_out_state state)
{
	switch (state) {
	case SYNC_OUT_UNFOLLOWED:
		return "does not follow";
	case SYNC_OUT_TELLING:
		return "being told";
	case SYNC_OUT_TOLD:
		return "told all, waits for others";
	case SYNC_OUT_SYNCED:
		return "synced";
	}
	return "?";
}

/* Its stream to us. */
static json *stream_in(const struct msg_sync_peer *p)
{
	json *o = json_object_new_object();

	add_str(o, "state", in_state((enum sync_in_state)p->in_state));
	add_bool(o, "synced", p->in_synced);
	add_time(o, "opened", p->in_opened_us);
	add_int(o, "synced_after_ms", ms(p->in_synced_us));
	add_int(o, "lag", (int64_t)p->in_lag);
	add_int(o, "lag_ms", ms(p->in_lag_us));
	add_int(o, "records", (int64_t)p->in_records);
	add_int(o, "bytes", (int64_t)p->in_bytes);
	add_int(o, "bytes_per_s", (int64_t)p->in_bytes_per_s);
	add_int(o, "gaps", (int64_t)p->in_gaps);
	return o;
}

/* Our stream to it. */
static json *stream_out(const struct msg_sync_peer *p)
{
	json *o = json_object_new_object();

	add_str(o, "state", out_state((enum sync_out_state)p->out_state));
	add_bool(o, "synced", p->out_synced);
	add_int(o, "lag", (int64_t)p->out_lag);
	add_int(o, "lag_ms", ms(p->out_lag_us));
	add_int(o, "records", (int64_t)p->out_records);
	add_int(o, "bytes", (int64_t)p->out_bytes);
	add_int(o, "bytes_per_s", (int64_t)p->out_bytes_per_s);
	add_int(o, "repairs", (int64_t)p->out_repairs);
	add_int(o, "connections", (int64_t)p->entries);
	add_int(o, "refused", (int64_t)p->refused);
	add_int(o, "kernel_drops", (int64_t)p->drops);
	return o;
}

static json *peers(const struct supervisor *s, unsigned rows)
{
	json *list = json_object_new_array();
	struct msg m;

	for (unsigned i = 0; i < rows; i++) {
		json *o;

		if (!store_get(&s->store, MSG_SYNC_PEER, i, &m) || !m.sync_peer.node)
			continue;
		o = json_object_new_object();
		add_addr(o, "address", &m.sync_peer.address);
		add_id(o, "node", m.sync_peer.node);
		add_str(o, "router_id", m.sync_peer.router_id.s);
		add_str(o, "difference", m.sync_peer.difference.s);
		add_str(o, "virtual_routers", m.sync_peer.routers.s);
		add_str(o, "paths", m.sync_peer.paths.s);
		add_time(o, "heard", m.sync_peer.heard_us);
		add_int(o, "heard_ms_ago",
			m.sync_peer.heard_us ? ms(clock_now_us() - m.sync_peer.heard_us) : -1);
		add(o, "in", stream_in(&m.sync_peer));
		add(o, "out", stream_out(&m.sync_peer));
		json_object_array_add(list, o);
	}
	return list;
}

static json *links(const struct supervisor *s, unsigned rows)
{
	json *list = json_object_new_array();
	struct msg m;

	for (unsigned i = 0; i < rows; i++) {
		const struct msg_sync_link *l = &m.sync_link;
		json *o;

		if (!store_get(&s->store, MSG_SYNC_LINK, i, &m))
			continue;
		o = json_object_new_object();
		add_str(o, "name", l->name.s);
		add_str(o, "trouble", l->trouble.s);
		add_int(o, "sent", (int64_t)l->sent);
		add_int(o, "sent_bytes", (int64_t)l->sent_bytes);
		add_int(o, "send_errors", (int64_t)l->send_errors);
		add_str(o, "last_error", l->last_error.s);
		add_int(o, "received", (int64_t)l->received);
		add_int(o, "received_bytes", (int64_t)l->received_bytes);
		add_int(o, "dropped", (int64_t)l->dropped);
		json_object_array_add(list, o);
	}
	return list;
}

/* Its fields as they are named in msg.def. */
static json *counters(const struct supervisor *s)
{
	json *o = json_object_new_object();
	struct msg m = {.type = MSG_SYNC_COUNTERS};

	store_get(&s->store, MSG_SYNC_COUNTERS, 0, &m);
#define ADD_COUNTER(kind, name) add_int(o, #name, (int64_t)m.sync_counters.name);
#define NO_LISTS(record, name)
	RECORD_msg_sync_counters(ADD_COUNTER, NO_LISTS) return o;
}

/* How many real servers have the Active's weight, and how many a peer sees otherwise. */
static json *servers(const struct supervisor *s)
{
	const struct model *model = s->running.model;
	json *o = json_object_new_object();
	int64_t agreed = 0, differ = 0;
	struct msg m;

	for (uint32_t i = 0; i < model->n_services; i++)
		for (uint32_t k = 0; k < model->services[i].n_servers; k++) {
			uint64_t id = model->services[i].servers[k].id;

			if (!store_get(&s->store, MSG_SERVER_WEIGHT, id, &m))
				continue;
			agreed += m.server_weight.agreed != 0;
			differ += m.server_weight.differs;
		}
	add_int(o, "with_agreed_weight", agreed);
	add_int(o, "seen_otherwise", differ);
	return o;
}

json *status_of_sync(const struct supervisor *s)
{
	json *o = new_document("tandem.sync/1");
	struct msg m = {.type = MSG_SYNC_STATE};

	add_time(o, "time", clock_now_us());
	add(o, "sync", status_of_peering(s));
	store_get(&s->store, MSG_SYNC_STATE, 0, &m);
	add(o, "peers", peers(s, m.sync_state.rows));
	add(o, "links", links(s, m.sync_state.links));
	add(o, "servers", servers(s));
	add(o, "counters", counters(s));
	return o;
}
