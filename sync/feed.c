/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer sends us: frames are applied in the order of versions or not at all. What comes too
 * early shows that something is missing, and the peer is asked to go back to where we are.
 */
#include "sync/session_private.h"

#include <errno.h>
#include <string.h>

/* The same gap is told again when nothing has come of it. */
#define GAP_REPEAT_US (5 * USEC_PER_MSEC)
#define GAP_AGAIN_US  300
/* A table that is at its bound has room again and again. */
#define REFUSED_REPEAT_US (10 * USEC_PER_SEC)
/* Until the first frame comes, our acknowledgement may have been lost. */
#define ACK_REPEAT_US (50 * USEC_PER_MSEC)

void sync_feed_start(struct sync_session *s, struct sync_peer *p, int64_t now_us,
		     const struct sync_open *open)
{
	struct sync_feed *f = &p->feed;
	bool was_synced = f->open && f->synced && f->epoch == open->epoch;

	if (f->stream != open->stream || !f->cipher) {
		sync_cipher_free(f->cipher);
		f->cipher = sync_cipher_new_open(open->suite, &open->key);
		f->stream = open->stream;
		f->stream_us = now_us;
		sync_replay_init(&f->replay, open->seq);
		f->active_seq = 0;
	}
	f->active = 0;
	if (f->epoch && f->epoch != open->epoch) {
		sync_session_tell(s, SYNC_EVENT_RESTARTED, p->node, NULL);
		sync_term_retell(s);
	}
	if (f->epoch != open->epoch)
		f->version = 0;
	f->epoch = open->epoch;
	f->newest = open->newest;
	if (!was_synced) {
		f->target = open->newest;
		f->synced = false;
		f->more = false;
		f->synced_us = 0;
		f->opened_us = now_us;
	}
	f->open = f->cipher;
	f->heard = false;
	f->heard_us = f->current_us = now_us;
	f->ack_due = true;
	f->gap = false;
	f->gap_version = UINT64_MAX;
	f->stuck_us = USEC_NEVER;
	f->unacked = 0;
	f->ack_seq = 0;
	if (f->open && !was_synced)
		sync_session_tell(s, SYNC_EVENT_FOLLOWING, p->node, NULL);
}

void sync_feed_done(struct sync_feed *f)
{
	sync_cipher_free(f->ack_cipher);
	sync_cipher_free(f->cipher);
	f->ack_cipher = NULL;
	f->cipher = NULL;
	f->open = false;
	f->stream = 0;
}

static struct sync_peer *find_stream(struct sync_session *s, uint64_t stream)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
		if (s->peers[i].feed.open && s->peers[i].feed.stream == stream)
			return &s->peers[i];
	return NULL;
}

static void apply_note(struct sync_session *s, struct sync_peer *p, const uint8_t *record)
{
	struct sync_event event = {.kind = SYNC_EVENT_NOTE, .node = p->node};

	sync_note_decode(record, &event.note);
	if (s->ops->event)
		s->ops->event(s->ctx, &event);
}

static uint16_t term_of(const uint8_t *wire)
{
	return (uint16_t)(sync_record_flags(wire) >> SYNC_FLAG_TERM_SHIFT);
}

/*
 * What is known here and better than what the peer says? The newer term decides. In the same term
 * hearsay adds nothing, and what we have written as Active stands. A peer whose word we have outdone as
 * Active ourselves sees that from ours.
 */
static bool is_kept(struct sync_session *s, struct sync_feed *f, const struct sync_entry *e,
		    uint16_t term, bool hearsay, bool active)
{
	if (sync_term_is_newer(e->term, term)) {
		s->counters.outdated++;
		f->outdated |= !hearsay && !(active && e->owner == SYNC_OWNER_OWN);
		return true;
	}
	if (e->term != term)
		return false;
	if (hearsay) {
		s->counters.hearsay_kept++;
		return true;
	}
	if (active && e->owner == SYNC_OWNER_OWN) {
		s->counters.kept++;
		return true;
	}
	return false;
}

/* Are we Active for its address, and is this not the word of a later Active? */
static bool is_ours(const struct sync_session *s, const uint8_t *record, uint16_t term)
{
	struct addr vip = sync_record_vip(record);

	return !sync_term_is_newer(term, s->term) && sync_roles_is_active(s->roles, &vip);
}

/* Does our kernel serve it, or perhaps, and had connections before this process began? */
static bool is_served(const struct sync_session *s, const uint8_t *record)
{
	struct addr vip = sync_record_vip(record);

	return s->kernel_knows && (!s->active || sync_roles_is_active(s->roles, &vip));
}

static void apply_connection(struct sync_session *s, struct sync_feed *f, int64_t now_us,
			     const uint8_t *wire, size_t len)
{
	uint32_t flags = sync_record_flags(wire);
	uint16_t term = term_of(wire);
	bool hearsay = flags & SYNC_FLAG_HEARSAY;
	bool known_to_kernel = hearsay && is_served(s, wire);
	uint8_t record[SYNC_RECORD_MAX];
	struct sync_entry *e;

	memcpy(record, wire, len);
	sync_record_set_flags(record, flags & SYNC_FLAGS_KERNEL);
	e = sync_table_find(s->table, record);
	if (e) {
		bool ours = is_ours(s, record, term);

		if (is_kept(s, f, e, term, hearsay, ours))
			return;
		known_to_kernel |= ours;
	}
	if (sync_table_put(s->table, record, len, hearsay ? SYNC_OWNER_HEARSAY : SYNC_OWNER_PEER,
			   term, (uint32_t)(now_us / USEC_PER_SEC)) < 0) {
		s->counters.refused++;
		f->refused = true;
		return;
	}
	s->counters.records_in++;
	f->records++;
	if (known_to_kernel) {
		s->counters.late++;
		sync_table_newest(s->table)->not_for_kernel = true;
	}
}

/* An authentic peer's nonsense is skipped: to ask for it again would bring it again. */
static void apply(struct sync_session *s, struct sync_peer *p, int64_t now_us,
		  struct sync_data *data)
{
	const uint8_t *record;
	size_t len;
	int more;

	while ((more = sync_data_next(data, &record, &len)) > 0) {
		if (sync_record_is_note(record))
			apply_note(s, p, record);
		else
			apply_connection(s, &p->feed, now_us, record, len);
	}
	if (more < 0)
		s->counters.malformed++;
}

/* Told already, and what comes now is only what was on its way? */
static bool is_old_gap(const struct sync_feed *f, const struct sync_data *data, int64_t now_us)
{
	/* The peer went back, and its frame is lost again; or it asks whether all has come. */
	bool again = data->prev <= f->gap_prev || !data->n;

	return f->gap_version == f->version &&
	       now_us - f->gap_us < (again ? GAP_AGAIN_US : GAP_REPEAT_US);
}

static void note_gap(struct sync_session *s, struct sync_feed *f, const struct sync_data *data,
		     int64_t now_us)
{
	bool old = is_old_gap(f, data, now_us);

	f->gap_prev = data->prev;
	if (f->stuck_us == USEC_NEVER)
		f->stuck_us = now_us;
	if (old)
		return;
	f->gap = true;
	f->gap_version = f->version;
	f->gap_us = now_us;
	f->gaps++;
	s->counters.gaps++;
}

static void check_synced(struct sync_session *s, struct sync_peer *p, int64_t now_us)
{
	struct sync_feed *f = &p->feed;

	if (f->synced || f->version < f->target || f->more)
		return;
	f->synced = true;
	f->synced_us = now_us > f->opened_us ? now_us - f->opened_us : 1;
	f->ack_due = true;
	sync_session_tell(s, SYNC_EVENT_SYNCED, p->node, NULL);
}

/*
 * Does somebody write in a newer term about an address that we are Active for? Soon we are told
 * that we are not, and then it is right; or we insist, and then it is wrong. Until then it waits.
 */
static bool is_contested(const struct sync_session *s, struct sync_data data, struct addr *ret_vip)
{
	const uint8_t *record;
	size_t len;

	if (!sync_term_is_newer(data.term, s->term) || !sync_roles_has_active(s->roles))
		return false;
	while (sync_data_next(&data, &record, &len) > 0) {
		if (sync_record_is_note(record) || !sync_term_is_newer(term_of(record), s->term))
			continue;
		*ret_vip = sync_record_vip(record);
		if (sync_roles_is_active(s->roles, ret_vip))
			return true;
	}
	return false;
}

static void take(struct sync_session *s, struct sync_peer *p, int64_t now_us, uint64_t seq,
		 struct sync_data *data)
{
	struct sync_feed *f = &p->feed;
	struct addr vip;

	sync_term_heard(s, data->term);
	if (is_contested(s, *data, &vip)) {
		sync_term_outdone(s, now_us, &vip);
		f->stuck_us = USEC_NEVER; /* it is heard */
		f->ack_due = true;
		return;
	}
	if (data->newest > f->newest)
		f->newest = data->newest;
	if (data->prev > f->version) {
		note_gap(s, f, data, now_us);
		return;
	}
	if (!f->unacked)
		f->unacked = seq;
	if (data->last >= f->version)
		f->more = data->more;
	if (data->last > f->version) {
		if (!f->refused)
			f->refused_version = f->version;
		apply(s, p, now_us, data);
		f->version = data->last;
		f->stuck_us = USEC_NEVER;
	} else if (data->n) {
		s->counters.duplicates++;
	}
	if (f->version >= f->newest)
		f->current_us = now_us;
	check_synced(s, p, now_us);
}

/* Frames may overtake one another. */
static void take_active(struct sync_session *s, struct sync_peer *p, uint64_t seq, uint32_t active)
{
	struct sync_feed *f = &p->feed;
	bool news = active != f->active;

	if (seq <= f->active_seq)
		return;
	f->active_seq = seq;
	f->active = active;
	if (news)
		sync_session_tell(s, SYNC_EVENT_ACTIVE, p->node, NULL);
}

/* Seen before: on another path, or a replay. A path that is new has to prove itself. */
static void on_old_data(struct sync_session *s, struct sync_peer *p, int64_t now_us,
			const struct sync_path *from, const uint8_t *bytes, size_t len)
{
	struct sync_data data;

	s->counters.replayed++;
	if (!sync_peer_knows_path(p, from) &&
	    sync_frame_read_data(bytes, len, p->feed.cipher, s->plain, &data))
		return;
	sync_peer_heard_again(p, from, now_us);
}

void sync_feed_on_data(struct sync_session *s, int64_t now_us, const struct sync_path *from,
		       const struct sync_frame_head *head, const uint8_t *bytes, size_t len)
{
	struct sync_peer *p = find_stream(s, head->session);
	struct sync_data data;
	struct sync_feed *f;
	int error;

	if (!p) {
		if (head->session == s->stream)
			return; /* ours, looped back by the group */
		s->counters.unknown++;
		sync_opening_want(s, now_us, head->session);
		return;
	}
	f = &p->feed;
	if (!sync_replay_is_fresh(&f->replay, head->seq)) {
		on_old_data(s, p, now_us, from, bytes, len);
		return;
	}
	error = sync_frame_read_data(bytes, len, f->cipher, s->plain, &data);
	if (error == -EACCES)
		sync_session_auth_failed(s, from);
	else if (error)
		s->counters.malformed++;
	if (error)
		return;
	sync_replay_mark(&f->replay, head->seq);
	sync_peer_heard(p, from, now_us);
	f->heard = true;
	f->heard_us = now_us;
	f->bytes += len;
	take_active(s, p, head->seq, data.active);
	take(s, p, now_us, head->seq, &data);
}

static int64_t silence_us(const struct sync_session *s)
{
	int64_t beats_us = SYNC_SILENCE_BEATS * s->conf->heartbeat_us;

	return beats_us > SYNC_SILENCE_US ? beats_us : SYNC_SILENCE_US;
}

/* Silent; or it talks to others only and does not hear us. */
static bool is_dead(const struct sync_session *s, const struct sync_feed *f, int64_t now_us)
{
	return now_us - f->heard_us >= silence_us(s) ||
	       (f->stuck_us != USEC_NEVER && now_us - f->stuck_us >= silence_us(s));
}

/*
 * What we had no room for, and now have: the peer's log is followed anew from there on. Till that
 * is done we are not synced, which is the truth.
 */
static void ask_again(struct sync_session *s, struct sync_feed *f, int64_t now_us)
{
	if (!f->refused || !sync_table_has_room(s->table) ||
	    (f->refused_us && now_us - f->refused_us < REFUSED_REPEAT_US))
		return;
	f->refused = false;
	f->refused_us = now_us;
	f->version = f->refused_version;
	f->open = false;
}

void sync_feed_tick(struct sync_session *s, struct sync_peer *p, int64_t now_us)
{
	struct sync_feed *f = &p->feed;

	if (f->open && is_dead(s, f, now_us)) {
		f->open = false;
		sync_session_tell(s, SYNC_EVENT_SILENT, p->node, NULL);
		sync_term_retell(s);
	}
	if (f->open)
		ask_again(s, f, now_us);
	if (f->open && !f->heard && now_us - f->ack_us >= ACK_REPEAT_US)
		f->ack_due = true;
}

size_t sync_feed_emit(struct sync_session *s, struct sync_peer *p, int64_t now_us, uint8_t *bytes)
{
	struct sync_feed *f = &p->feed;
	struct sync_ack_clear clear = {.node = s->conf->node};
	struct sync_ack ack = {
		.epoch = f->epoch,
		.version = f->version,
		.heard = f->unacked,
		.flags = (f->gap ? SYNC_ACK_GAP : 0) | (f->synced ? SYNC_ACK_SYNCED : 0) |
			 (f->outdated ? SYNC_ACK_OUTDATED : 0),
		.refused = s->table->counters.refused,
		.entries = s->table->n,
		.drops = s->drops,
		.term = s->newest_term,
	};

	if (!f->open || (!f->ack_due && !f->gap && !f->unacked))
		return 0;
	memcpy(clear.nonce, f->nonce, sizeof(clear.nonce));
	f->ack_due = f->gap = f->outdated = false;
	f->unacked = 0;
	f->ack_us = now_us;
	return sync_frame_write_ack(bytes, f->session, ++f->ack_seq, &clear, &ack, f->ack_cipher);
}

int64_t sync_feed_deadline(const struct sync_session *s, const struct sync_feed *f, int64_t now_us)
{
	int64_t at_us = f->heard_us + silence_us(s);

	if (!f->open)
		return USEC_NEVER;
	if (f->ack_due || f->gap || f->unacked)
		return now_us;
	if (!f->heard && f->ack_us + ACK_REPEAT_US < at_us)
		at_us = f->ack_us + ACK_REPEAT_US;
	if (f->stuck_us != USEC_NEVER && f->stuck_us + silence_us(s) < at_us)
		at_us = f->stuck_us + silence_us(s);
	return at_us;
}
