/* SPDX-License-Identifier: Apache-2.0 */
/* What the peering tells others: see report.h. */
#include "sync/report.h"

#include <string.h>

#define STRANGER_US (3 * USEC_PER_SEC)

static void add_peers(const struct peering *p, struct msg_sync_state *ret)
{
	int64_t now_us = clock_now_us();

	ret->rows = (uint8_t)sync_session_peers(p->session);
	for (unsigned i = 0; i < ret->rows; i++) {
		struct sync_peer_state s;

		sync_session_peer(p->session, i, now_us, &s);
		ret->peers += s.following;
		if (s.followed && s.lag > ret->lag)
			ret->lag = s.lag;
	}
}

/* Somebody is there, but not as a peer. */
static void say_who_is_heard(const struct peering *p, struct msg_sync_state *ret)
{
	const struct peering_stranger *s = &p->stranger;
	char who[ADDR_TEXT_MAX];

	if (s->heard_us && clock_now_us() - s->heard_us < STRANGER_US)
		text_set(&ret->reason, "%u of %u peers are heard; %s: %s", ret->peers, ret->expected,
			 addr_format(&s->address, who), sync_event_name(s->kind));
	else
		text_set(&ret->reason, "%u of %u peers are heard", ret->peers, ret->expected);
}

static void say_why(const struct peering *p, struct msg_sync_state *ret)
{
	if (!p->block)
		text_set(&ret->reason, "not configured");
	else if (!peering_runs(p))
		ret->reason = p->trouble;
	else if (ret->peers < ret->expected)
		say_who_is_heard(p, ret);
	else if (!sync_session_is_synced(p->session))
		text_set(&ret->reason, "peers are still telling what they know");
	else if (!p->kernel.inject.sink_inode)
		text_set(&ret->reason, "the kernel's backup thread does not run");
	else
		text_set(&ret->reason, "the kernel is still being told");
}

void report_state(const struct peering *p, struct msg_sync_state *ret)
{
	*ret = (struct msg_sync_state){.synced = p->synced,
				       .expected = p->conf.expected,
				       .entries = p->table.n,
				       .own = p->table.n_own};
	if (peering_runs(p)) {
		add_peers(p, ret);
		ret->withholds = p->shield.withholds;
		ret->shield = p->shield.trouble;
		if (p->block->n_kernel_peer)
			ret->kernel_peer = p->kernel_peer_trouble;
		ret->links = (uint8_t)sync_transport_links(p->transport);
		ret->captured = p->kernel.capture.records;
		ret->injected = p->kernel.inject.records;
		ret->drops = p->kernel.inject.drops + p->kernel.capture.drops;
		ret->auth_failures = sync_session_counters(p->session)->auth_failed;
	}
	if (!p->synced)
		say_why(p, ret);
}

/* Peers */

static void set_paths(const struct peering *p, unsigned place, struct text *ret)
{
	unsigned n;
	const struct sync_path *paths = sync_session_paths(p->session, place, &n);

	for (unsigned i = 0; i < n; i++) {
		const char *ifname = sync_transport_ifname(p->transport, paths[i].link);
		struct text so_far = *ret;
		char address[ADDR_TEXT_MAX];

		text_set(ret, "%s%s%s%s%s", so_far.s, i ? ", " : "",
			 addr_format(&paths[i].address, address), ifname[0] ? " by " : "", ifname);
	}
}

static enum sync_in_state in_state(const struct sync_peer_state *s)
{
	if (!s->heard_us)
		return SYNC_IN_UNHEARD;
	if (!s->following)
		return SYNC_IN_SILENT;
	return s->synced ? SYNC_IN_SYNCED : SYNC_IN_TELLING;
}

static enum sync_out_state out_state(const struct sync_peer_state *s)
{
	if (!s->followed)
		return SYNC_OUT_UNFOLLOWED;
	if (s->told_synced)
		return SYNC_OUT_SYNCED;
	return s->lag ? SYNC_OUT_TELLING : SYNC_OUT_TOLD;
}

static void send_peer(const struct peering *p, unsigned place, void (*send)(const struct msg *m))
{
	const struct peer_rate *rate = &p->rates[place];
	struct msg m = {.type = MSG_SYNC_PEER, .sync_peer = {.place = (uint8_t)place}};
	const struct peer_notes *notes;
	struct sync_peer_state s;

	sync_session_peer(p->session, place, clock_now_us(), &s);
	if (peering_is_former(p, &s)) { /* it has another place */
		send(&m);
		return;
	}
	notes = peering_notes(p, s.node);
	m.sync_peer = (struct msg_sync_peer){
		.place = (uint8_t)place,
		.node = s.node,
		.address = peering_address(p, s.node),
		.in_state = (uint8_t)in_state(&s),
		.out_state = (uint8_t)out_state(&s),
		.heard_us = s.heard_us,
		.in_synced = s.synced,
		.in_lag = s.following && s.newest > s.version ? s.newest - s.version : 0,
		.in_lag_us = s.behind_us,
		.in_opened_us = s.opened_us,
		.in_synced_us = s.synced_us,
		.in_records = s.records_in,
		.in_bytes = s.bytes_in,
		.in_bytes_per_s = rate->in_per_s,
		.in_gaps = s.gaps,
		.out_synced = s.told_synced,
		.out_lag = s.lag,
		.out_lag_us = s.lag_us,
		.out_records = s.records_out,
		.out_bytes = s.bytes_out,
		.out_bytes_per_s = rate->out_per_s,
		.out_repairs = s.rewinds,
		.entries = s.entries,
		.refused = s.refused,
		.drops = s.drops,
	};
	if (notes) {
		m.sync_peer.router_id = notes->config.name;
		m.sync_peer.routers = notes->routers.words;
		if (notes->difference)
			text_set(&m.sync_peer.difference, "%s", notes->difference);
	}
	set_paths(p, place, &m.sync_peer.paths);
	send(&m);
}

/* Sockets and counters */

static void send_link(const struct peering *p, unsigned place, void (*send)(const struct msg *m))
{
	const struct sync_link_counters *c = sync_transport_counters(p->transport, place);
	struct msg m = {.type = MSG_SYNC_LINK,
			.sync_link = {
				.place = (uint8_t)place,
				.sent = c->sent,
				.sent_bytes = c->sent_bytes,
				.send_errors = c->send_errors,
				.received = c->received,
				.received_bytes = c->received_bytes,
				.dropped = c->dropped,
			}};

	sync_transport_describe(p->transport, place, &m.sync_link.name);
	m.sync_link.trouble = p->link_trouble[place];
	if (c->last_error)
		text_set(&m.sync_link.last_error, "%s", strerror(c->last_error));
	send(&m);
}

static void send_counters(const struct peering *p, void (*send)(const struct msg *m))
{
	const struct sync_session_counters *c = sync_session_counters(p->session);
	const struct sync_table *t = &p->table;
	const struct sync_kernel *k = &p->kernel;
	struct msg m = {.type = MSG_SYNC_COUNTERS,
			.sync_counters = {
#define COPY(kind, name) .name = c->name,
				SYNC_SESSION_COUNTERS(COPY)
#undef COPY
				.table_max = t->max,
				.table_bytes = t->bytes,
				.table_added = t->counters.added,
				.table_updated = t->counters.updated,
				.table_expired = t->counters.expired,
				.table_refused = t->counters.refused,
				.pushes = p->push.sent,
				.captured = k->capture.records,
				.capture_drops = k->capture.drops,
				.capture_malformed = k->capture.malformed,
				.injected = k->inject.records,
				.inject_drops = k->inject.drops,
				.inject_repeats = k->inject.repeats,
				.kernel_peer_out = p->kernel_peer.counters.records_out,
				.kernel_peer_in = p->kernel_peer.counters.records_in,
				.kernel_peer_refused = p->kernel_peer.counters.refused,
				.kernel_peer_malformed = p->kernel_peer.counters.malformed,
				.kernel_peer_errors = p->kernel_peer.counters.send_errors,
				.audits = p->audit.counters.passes,
				.audits_given_up = p->audit.counters.given_up,
				.repairs = p->audit.counters.repairs,
				.adopted = p->audit.counters.adopted,
				.rebound = p->audit.counters.rebound,
				.inject_lag = t->version - sync_inject_version(&k->inject),
			}};

	send(&m);
}

void report_details(const struct peering *p, void (*send)(const struct msg *m))
{
	if (!peering_runs(p))
		return;
	for (unsigned i = 0; i < sync_session_peers(p->session); i++)
		send_peer(p, i, send);
	for (unsigned i = 0; i < sync_transport_links(p->transport); i++)
		send_link(p, i, send);
	send_counters(p, send);
}

/* A place that somebody else has taken begins anew. */
static uint64_t difference(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

void report_second(struct peering *p)
{
	if (!peering_runs(p))
		return;
	for (unsigned i = 0; i < sync_session_peers(p->session); i++) {
		struct peer_rate *r = &p->rates[i];
		struct sync_peer_state s;

		sync_session_peer(p->session, i, clock_now_us(), &s);
		r->in_per_s = difference(s.bytes_in, r->bytes_in);
		r->out_per_s = difference(s.bytes_out, r->bytes_out);
		r->bytes_in = s.bytes_in;
		r->bytes_out = s.bytes_out;
	}
}
