/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation with the peers, as a whole: see session.h. */
#include "sync/session_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PATH_FORGET_US (3 * USEC_PER_SEC)
#define EVERYWHERE_US  USEC_PER_SEC

const char *sync_event_name(enum sync_event_kind kind)
{
	switch (kind) {
	case SYNC_EVENT_FOLLOWING:
		return "following";
	case SYNC_EVENT_SYNCED:
		return "synced";
	case SYNC_EVENT_SILENT:
		return "silent";
	case SYNC_EVENT_RESTARTED:
		return "restarted";
	case SYNC_EVENT_FOLLOWED:
		return "followed";
	case SYNC_EVENT_LEFT:
		return "left";
	case SYNC_EVENT_ACTIVE:
		return "active";
	case SYNC_EVENT_NOTE:
		return "note";
	case SYNC_EVENT_FOREIGN_KEY:
		return "another key than ours, or none: not believed";
	case SYNC_EVENT_FOREIGN_VERSION:
		return "another version of the protocol: not understood";
	case SYNC_EVENT_SAME_NODE:
		return "has our own name: an address that two have, or a copied machine";
	}
	return "?";
}

struct sync_session *sync_session_new(const struct sync_conf *conf, struct sync_table *table,
				      const struct sync_roles *roles,
				      const struct sync_session_ops *ops, void *ctx, int64_t now_us)
{
	struct sync_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->conf = conf;
	s->table = table;
	s->roles = roles;
	s->ops = ops;
	s->ctx = ctx;
	sync_term_init(s);
	if (sync_opening_init(s, now_us)) {
		free(s);
		return NULL;
	}
	return s;
}

static void drop_peer(struct sync_session *s, struct sync_peer *p)
{
	sync_feed_done(&p->feed);
	sync_follower_done(s, &p->follower);
}

static void drop_peers(struct sync_session *s)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
		drop_peer(s, &s->peers[i]);
}

void sync_session_free(struct sync_session *s)
{
	if (!s)
		return;
	drop_peers(s);
	sync_opening_done(s);
	sync_wipe(s, sizeof(*s));
	free(s);
}

int sync_session_renew(struct sync_session *s, int64_t now_us)
{
	drop_peers(s);
	sync_opening_done(s);
	return sync_opening_init(s, now_us);
}

struct sync_peer *sync_peer_find(struct sync_session *s, uint64_t node)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
		if (s->peers[i].node == node)
			return &s->peers[i];
	return NULL;
}

/* A place that nobody has, or whose owner is neither heard nor listens. */
static struct sync_peer *find_place(struct sync_session *s)
{
	struct sync_peer *best = NULL;

	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++) {
		struct sync_peer *p = &s->peers[i];

		if (!p->node)
			return p;
		if (!p->feed.open && !p->follower.joined && (!best || p->heard_us < best->heard_us))
			best = p;
	}
	return best;
}

struct sync_peer *sync_peer_get(struct sync_session *s, uint64_t node)
{
	struct sync_peer *p = sync_peer_find(s, node);

	if (p)
		return p;
	p = find_place(s);
	if (!p)
		return NULL;
	drop_peer(s, p);
	*p = (struct sync_peer){.node = node};
	return p;
}

static bool same_path(const struct sync_path *a, const struct sync_path *b)
{
	return a->link == b->link && a->port == b->port && addr_equal(&a->address, &b->address);
}

bool sync_peer_knows_path(const struct sync_peer *p, const struct sync_path *path)
{
	for (unsigned i = 0; i < p->n_paths; i++)
		if (same_path(&p->paths[i], path))
			return true;
	return false;
}

/* Where this path is, or where it may go: a free place, or that of the one unheard for longest. */
static unsigned path_place(struct sync_peer *p, const struct sync_path *path)
{
	unsigned oldest = 0;

	for (unsigned i = 0; i < p->n_paths; i++) {
		if (same_path(&p->paths[i], path))
			return i;
		if (p->path_heard_us[i] < p->path_heard_us[oldest])
			oldest = i;
	}
	return p->n_paths < SYNC_PATHS_MAX ? p->n_paths++ : oldest;
}

static void forget_silent_paths(struct sync_peer *p, int64_t now_us)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < p->n_paths; i++) {
		if (now_us - p->path_heard_us[i] > PATH_FORGET_US)
			continue;
		p->paths[kept] = p->paths[i];
		p->path_heard_us[kept++] = p->path_heard_us[i];
	}
	p->n_paths = kept;
}

static void path_heard(struct sync_peer *p, const struct sync_path *path, int64_t now_us)
{
	unsigned i = path_place(p, path);

	p->paths[i] = *path;
	p->path_heard_us[i] = now_us;
	if (p->n_paths > 1)
		forget_silent_paths(p, now_us);
}

void sync_peer_heard_again(struct sync_peer *p, const struct sync_path *path, int64_t now_us)
{
	if (p->n_paths < SYNC_PATHS_MAX || sync_peer_knows_path(p, path))
		path_heard(p, path, now_us);
}

void sync_peer_heard(struct sync_peer *p, const struct sync_path *path, int64_t now_us)
{
	path_heard(p, path, now_us);
	p->heard_us = now_us;
}

void sync_session_tell(struct sync_session *s, enum sync_event_kind kind, uint64_t node,
		       const struct sync_path *path)
{
	struct sync_event event = {.kind = kind, .node = node};

	if (path)
		event.path = *path;
	if (s->ops->event)
		s->ops->event(s->ctx, &event);
}

void sync_session_auth_failed(struct sync_session *s, const struct sync_path *path)
{
	s->counters.auth_failed++;
	sync_session_tell(s, SYNC_EVENT_FOREIGN_KEY, 0, path);
}

void sync_session_receive(struct sync_session *s, int64_t now_us, const struct sync_path *from,
			  const uint8_t *bytes, size_t len)
{
	struct sync_frame_head head;
	int error = sync_frame_read_head(bytes, len, &head);

	if (error == -EPROTONOSUPPORT) {
		s->counters.version++;
		sync_session_tell(s, SYNC_EVENT_FOREIGN_VERSION, 0, from);
		return;
	}
	if (error || len > SYNC_FRAME_MAX) {
		s->counters.malformed++;
		return;
	}
	s->counters.frames_in++;
	s->counters.bytes_in += len;
	switch (head.type) {
	case SYNC_FRAME_SUBSCRIBE:
		sync_opening_on_subscribe(s, now_us, from, bytes, len);
		break;
	case SYNC_FRAME_OPEN:
		sync_opening_on_open(s, now_us, from, &head, bytes, len);
		break;
	case SYNC_FRAME_ACK:
		sync_follower_on_ack(s, now_us, from, &head, bytes, len);
		break;
	case SYNC_FRAME_DATA:
		sync_feed_on_data(s, now_us, from, &head, bytes, len);
		break;
	}
}

static bool is_not_ours(void *ctx, const struct sync_entry *e)
{
	const struct sync_session *s = ctx;
	struct addr vip = sync_record_vip(e->record);

	return !sync_roles_is_active(s->roles, &vip);
}

void sync_session_set_active(struct sync_session *s, int64_t now_us, uint32_t active)
{
	bool first = !s->active;

	if (s->active == active)
		return;
	s->active = active;
	/* Our kernel would know better if it served, and it does not. */
	if (first)
		sync_table_give_withheld(s->table, is_not_ours, s);
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
		s->peers[i].follower.sent_us = now_us - s->conf->heartbeat_us;
}

int sync_session_put(struct sync_session *s, int64_t now_us, const uint8_t *record, size_t len)
{
	const struct sync_entry *e = sync_table_find(s->table, record);
	int error;

	/* The kernel's last words of a connection that has gone elsewhere since. */
	if (e && sync_term_is_newer(e->term, s->term)) {
		s->counters.outdated++;
		return 0;
	}
	error = sync_table_put(s->table, record, len, SYNC_OWNER_OWN, s->term,
			       (uint32_t)(now_us / USEC_PER_SEC));
	return error < 0 ? error : 0;
}

void sync_session_put_found(struct sync_session *s, int64_t now_us, const uint8_t *record,
			    size_t len)
{
	struct addr vip = sync_record_vip(record);

	if (sync_roles_is_active(s->roles, &vip))
		sync_session_put(s, now_us, record, len);
	else if (sync_table_put(s->table, record, len, SYNC_OWNER_HEARSAY, s->newest_term,
				(uint32_t)(now_us / USEC_PER_SEC)) >= 0)
		sync_table_newest(s->table)->not_for_kernel = true;
}

int sync_session_put_foreign(struct sync_session *s, int64_t now_us, const uint8_t *record,
			     size_t len)
{
	int error = sync_table_put(s->table, record, len, SYNC_OWNER_PEER, s->newest_term,
				   (uint32_t)(now_us / USEC_PER_SEC));

	return error < 0 ? error : 0;
}

static void tick(struct sync_session *s, int64_t now_us)
{
	sync_term_tick(s, now_us);
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++) {
		if (!s->peers[i].node)
			continue;
		sync_feed_tick(s, &s->peers[i], now_us);
		sync_follower_tick(s, &s->peers[i], now_us);
	}
	sync_opening_plan(s, now_us);
}

static size_t emit_acks(struct sync_session *s, int64_t now_us, uint8_t *bytes,
			struct sync_dest *dest)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++) {
		size_t len = s->peers[i].node ? sync_feed_emit(s, &s->peers[i], now_us, bytes) : 0;

		if (len) {
			*dest = (struct sync_dest){.kind = SYNC_DEST_PEERS, .peers = 1u << i};
			return len;
		}
	}
	return 0;
}

/*
 * Ways that have failed are tried again, and new ones found: now and then what all are to hear goes
 * everywhere. Frames on ways that are known already are the same copies as ever.
 */
static bool is_to_go_everywhere(const struct sync_session *s, uint32_t peers, int64_t now_us)
{
	if (now_us - s->everywhere_us < EVERYWHERE_US)
		return false;
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
		if (s->peers[i].node && s->peers[i].follower.joined && !(peers >> i & 1))
			return false;
	return true;
}

/* One frame a turn for each, so that a newcomer's snapshot does not hold up the others. */
static size_t emit_data(struct sync_session *s, int64_t now_us, uint8_t *bytes,
			struct sync_dest *dest)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++) {
		struct sync_peer *p = &s->peers[s->turn++ % SYNC_PEERS_MAX];
		size_t len;

		*dest = (struct sync_dest){.kind = SYNC_DEST_PEERS};
		len = p->node ? sync_follower_emit(s, p, now_us, bytes, &dest->peers) : 0;
		if (!len)
			continue;
		if (is_to_go_everywhere(s, dest->peers, now_us)) {
			dest->kind = SYNC_DEST_ALL;
			s->everywhere_us = now_us;
		}
		return len;
	}
	return 0;
}

size_t sync_session_emit(struct sync_session *s, int64_t now_us, uint8_t *bytes,
			 struct sync_dest *ret_dest)
{
	size_t len;

	tick(s, now_us);
	len = sync_opening_emit(s, now_us, bytes, ret_dest);
	if (!len)
		len = emit_acks(s, now_us, bytes, ret_dest);
	if (!len)
		len = emit_data(s, now_us, bytes, ret_dest);
	if (len) {
		s->counters.frames_out++;
		s->counters.bytes_out += len;
	}
	return len;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t sync_session_deadline(const struct sync_session *s, int64_t now_us)
{
	int64_t at_us = s->n_answers ? now_us : s->subscribe_at_us;

	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++) {
		const struct sync_peer *p = &s->peers[i];

		if (!p->node)
			continue;
		at_us = earlier(at_us, sync_feed_deadline(s, &p->feed, now_us));
		at_us = earlier(at_us, sync_follower_deadline(s, &p->follower, now_us));
	}
	return at_us;
}

static int64_t later(int64_t at_us, int64_t late_us, int64_t now_us)
{
	return earlier(at_us + late_us, now_us);
}

void sync_session_held_up(struct sync_session *s, int64_t now_us, int64_t late_us)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++) {
		struct sync_peer *p = &s->peers[i];

		p->feed.heard_us = later(p->feed.heard_us, late_us, now_us);
		p->follower.acked_us = later(p->follower.acked_us, late_us, now_us);
		if (p->feed.stuck_us != USEC_NEVER)
			p->feed.stuck_us = later(p->feed.stuck_us, late_us, now_us);
		for (unsigned j = 0; j < p->n_paths; j++)
			p->path_heard_us[j] = later(p->path_heard_us[j], late_us, now_us);
	}
}

void sync_session_set_kernel_knows(struct sync_session *s, bool knows)
{
	s->kernel_knows = knows;
}

void sync_session_set_drops(struct sync_session *s, uint64_t drops)
{
	s->drops = drops;
}

unsigned sync_session_peers(const struct sync_session *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
		if (s->peers[i].node)
			n = i + 1;
	return n;
}

void sync_session_peer(const struct sync_session *s, unsigned index, int64_t now_us,
		       struct sync_peer_state *ret)
{
	const struct sync_peer *p = &s->peers[index];
	const struct sync_follower *out = &p->follower;
	const struct sync_feed *in = &p->feed;

	*ret = (struct sync_peer_state){
		.node = p->node,
		.heard_us = p->heard_us,
		.following = in->open,
		.synced = in->open && in->synced,
		.epoch = in->epoch,
		.version = in->version,
		.target = in->target,
		.newest = in->newest,
		.stream_us = in->stream_us,
		.opened_us = in->opened_us,
		.active = in->open ? in->active : 0,
		.synced_us = in->synced_us,
		.behind_us = in->open && in->newest > in->version ? now_us - in->current_us : 0,
		.records_in = in->records,
		.bytes_in = in->bytes,
		.gaps = in->gaps,
		.followed = out->joined,
		.told_synced = out->joined && out->told_synced,
		.acked = out->acked,
		.lag = out->joined ? s->table->version - out->acked : 0,
		.records_out = out->records,
		.bytes_out = out->bytes,
		.rewinds = out->rewinds,
		.refused = out->last.refused,
		.entries = out->last.entries,
		.drops = out->last.drops,
	};
	if (ret->lag)
		ret->lag_us = now_us - out->caught_up_us;
}

void sync_session_forget(struct sync_session *s, uint64_t node)
{
	struct sync_peer *p = sync_peer_find(s, node);

	if (!p || p->feed.open || p->follower.joined)
		return;
	drop_peer(s, p);
	*p = (struct sync_peer){0};
}

const struct sync_path *sync_session_paths(const struct sync_session *s, unsigned index,
					   unsigned *ret_n)
{
	*ret_n = s->peers[index].n_paths;
	return s->peers[index].paths;
}

bool sync_session_path_is_heard(const struct sync_session *s, unsigned index, unsigned path,
				int64_t now_us)
{
	return now_us - s->peers[index].path_heard_us[path] <= PATH_FORGET_US;
}

unsigned sync_session_followers(const struct sync_session *s, uint64_t *ret_acked)
{
	unsigned n = 0;

	*ret_acked = UINT64_MAX;
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++) {
		const struct sync_follower *f = &s->peers[i].follower;

		if (!s->peers[i].node || !f->joined)
			continue;
		n++;
		if (f->acked < *ret_acked)
			*ret_acked = f->acked;
	}
	return n;
}

bool sync_session_is_behind(const struct sync_session *s)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
		if (s->peers[i].feed.open && !s->peers[i].feed.synced)
			return true;
	return false;
}

bool sync_session_is_synced(const struct sync_session *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
		n += s->peers[i].feed.open;
	return n && n >= s->conf->expected && !sync_session_is_behind(s);
}

const struct sync_session_counters *sync_session_counters(const struct sync_session *s)
{
	return &s->counters;
}
