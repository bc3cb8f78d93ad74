/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What we send to a peer: all changes after its cursor, in frames, so many in flight as the link
 * carries. Only the peer knows what it has missed; it says so and its cursor goes back. When it
 * says nothing, what is missing is sent again if that is one frame, as the last one of a burst has
 * nothing behind it that would show a gap; for more, an empty frame asks.
 */
#include "sync/session_private.h"

#include <errno.h>
#include <string.h>

/* Who has not acknowledged in twice the usual time is asked, not sooner than this; and after so many
 * times more and more seldom. At a loss of 20 % one frame of 3,000 has not arrived by then. */
#define PROBE_US      (3 * USEC_PER_MSEC)
#define PROBES_QUICK  4
#define PROBE_SLOW_US (100 * USEC_PER_MSEC)
#define WINDOW_STEP   4

/* It has no place in the log any more. Its key is kept: perhaps it is only not heard, and goes on. */
static void leave(struct sync_session *s, struct sync_follower *f)
{
	if (f->joined)
		sync_cursor_close(s->table, &f->cursor);
	f->joined = false;
}

void sync_follower_done(struct sync_session *s, struct sync_follower *f)
{
	leave(s, f);
	sync_cipher_free(f->ack_cipher);
	f->ack_cipher = NULL;
}

static void go_to(struct sync_session *s, struct sync_follower *f, uint64_t version)
{
	sync_cursor_seek(s->table, &f->cursor, version);
	f->sent = version;
	f->flight_first = f->flight_n = 0;
}

/* It is sent all after what it has. */
static void enter(struct sync_session *s, struct sync_peer *p, int64_t now_us,
		  const struct sync_ack *ack)
{
	struct sync_follower *f = &p->follower;
	bool known = ack->epoch == s->table->epoch && ack->version <= s->table->version;

	f->joined = true;
	f->acked = known ? ack->version : 0;
	f->target = s->table->version;
	f->window = SYNC_WINDOW_START;
	f->acked_us = f->caught_up_us = now_us;
	f->sent_us = now_us - s->conf->heartbeat_us;
	f->asked = 0;
	f->last = *ack;
	sync_cursor_open(s->table, &f->cursor);
	go_to(s, f, f->acked);
	sync_session_tell(s, SYNC_EVENT_FOLLOWED, p->node, NULL);
}

static void join(struct sync_session *s, struct sync_peer *p, int64_t now_us,
		 struct sync_offer *offer, const struct sync_ack *ack, uint64_t seq)
{
	struct sync_follower *f = &p->follower;

	sync_follower_done(s, f);
	*f = (struct sync_follower){
		.session = offer->session,
		.ack_cipher = offer->ack_cipher,
		.records = f->records,
		.bytes = f->bytes,
		.rewinds = f->rewinds,
	};
	offer->ack_cipher = NULL;
	sync_replay_init(&f->replay, 0);
	sync_replay_mark(&f->replay, seq);
	sync_opening_forget(s, p->node);
	enter(s, p, now_us, ack);
}

static void land(struct sync_follower *f)
{
	while (f->flight_n && f->flight[f->flight_first] <= f->acked) {
		f->flight_first = (f->flight_first + 1) % SYNC_WINDOW_MAX;
		f->flight_n--;
	}
}

static void go_back(struct sync_session *s, struct sync_follower *f, uint64_t version)
{
	go_to(s, f, version);
	f->window = f->window / 2 > SYNC_WINDOW_MIN ? f->window / 2 : SYNC_WINDOW_MIN;
	f->rewinds++;
	s->counters.rewinds++;
}

/* It has more than we thought: frames from before we went back. */
static void go_on(struct sync_session *s, struct sync_follower *f, uint64_t version)
{
	struct sync_entry *e;

	while ((e = sync_cursor_peek(s->table, &f->cursor)) && e->version <= version)
		sync_cursor_pass(&f->cursor, e);
	if (f->cursor.version < version)
		f->cursor.version = version;
	f->sent = version;
	f->flight_first = f->flight_n = 0;
}

static void widen(struct sync_follower *f)
{
	f->window += WINDOW_STEP;
	if (f->window > SYNC_WINDOW_MAX)
		f->window = SYNC_WINDOW_MAX;
}

static int64_t probe_us(const struct sync_follower *f)
{
	int64_t us = 2 * f->answer_us > PROBE_US ? 2 * f->answer_us : PROBE_US;

	for (unsigned i = PROBES_QUICK; i < f->asked && us < PROBE_SLOW_US; i++)
		us *= 2;
	return us < PROBE_SLOW_US ? us : PROBE_SLOW_US;
}

/*
 * An eighth of the news, as RFC 6298 has it. The peer names the frame, as RFC 7323 §4.3 wants it: the
 * first one that had to wait for the answer. So it does not matter what was sent again.
 */
static void measure(struct sync_session *s, struct sync_follower *f, int64_t now_us, uint64_t seq)
{
	if (seq && seq <= s->seq && s->seq - seq < SYNC_FRAMES_TIMED)
		f->answer_us += (now_us - s->framed_us[seq % SYNC_FRAMES_TIMED] - f->answer_us) / 8;
}

static void acknowledge(struct sync_session *s, struct sync_follower *f, int64_t now_us,
			const struct sync_ack *ack)
{
	f->acked_us = now_us;
	f->last = *ack;
	f->told_synced = ack->flags & SYNC_ACK_SYNCED;
	measure(s, f, now_us, ack->heard);
	if (ack->flags & SYNC_ACK_OUTDATED)
		sync_term_outdone(s, now_us, NULL);
	if (ack->epoch != s->table->epoch || ack->version > s->table->version ||
	    ack->version < f->acked)
		return;
	if (ack->version > f->acked) {
		f->asked = 0;
		widen(f);
	}
	f->acked = ack->version;
	land(f);
	if (ack->version > f->sent)
		go_on(s, f, ack->version);
	else if (ack->flags & SYNC_ACK_GAP && ack->version < f->sent)
		go_back(s, f, ack->version);
	if (f->acked == s->table->version)
		f->caught_up_us = now_us;
}

/* Of the session that is known: who was not heard for a time goes on where it says. */
static void take_ack(struct sync_session *s, struct sync_peer *p, int64_t now_us,
		     const struct sync_path *from, const struct sync_frame_head *head,
		     const uint8_t *bytes, size_t len)
{
	struct sync_follower *f = &p->follower;
	bool fresh = sync_replay_is_fresh(&f->replay, head->seq);
	struct sync_ack ack;
	int error = 0;

	if (fresh || !sync_peer_knows_path(p, from))
		error = sync_frame_read_ack(bytes, len, f->ack_cipher, &ack);
	if (error == -EACCES)
		sync_session_auth_failed(s, from);
	if (error)
		return;
	if (!fresh) {
		s->counters.replayed++;
		sync_peer_heard_again(p, from, now_us);
		return;
	}
	sync_replay_mark(&f->replay, head->seq);
	sync_peer_heard(p, from, now_us);
	sync_term_heard(s, ack.term);
	if (f->joined)
		acknowledge(s, f, now_us, &ack);
	else
		enter(s, p, now_us, &ack);
}

/* The first one of a new session. */
static void take_up(struct sync_session *s, struct sync_offer *offer, int64_t now_us,
		    const struct sync_path *from, const struct sync_frame_head *head,
		    const uint8_t *bytes, size_t len)
{
	struct sync_peer *p;
	struct sync_ack ack;
	int error = sync_frame_read_ack(bytes, len, offer->ack_cipher, &ack);

	if (error == -EACCES)
		sync_session_auth_failed(s, from);
	p = error ? NULL : sync_peer_get(s, offer->node);
	if (!p)
		return;
	sync_peer_heard(p, from, now_us);
	sync_term_heard(s, ack.term);
	join(s, p, now_us, offer, &ack, head->seq);
}

void sync_follower_on_ack(struct sync_session *s, int64_t now_us, const struct sync_path *from,
			  const struct sync_frame_head *head, const uint8_t *bytes, size_t len)
{
	struct sync_ack_clear clear;
	struct sync_offer *offer;
	struct sync_peer *p;

	if (sync_frame_read_ack_clear(bytes, len, &clear) || !clear.node) {
		s->counters.malformed++;
		return;
	}
	/* To a group, everybody hears everybody's acknowledgements. */
	if (clear.node == s->conf->node)
		return;
	p = sync_peer_find(s, clear.node);
	offer = sync_opening_find(s, head, &clear);
	if (p && p->follower.ack_cipher && p->follower.session == head->session)
		take_ack(s, p, now_us, from, head, bytes, len);
	else if (offer)
		take_up(s, offer, now_us, from, head, bytes, len);
	else
		s->counters.unknown++;
}

void sync_follower_tick(struct sync_session *s, struct sync_peer *p, int64_t now_us)
{
	struct sync_follower *f = &p->follower;

	if (!f->joined || now_us - f->acked_us < SYNC_DEAF_US)
		return;
	leave(s, f);
	sync_session_tell(s, SYNC_EVENT_LEFT, p->node, NULL);
}

static size_t room(const struct sync_session *s)
{
	return s->conf->frame_max - SYNC_DATA_OVERHEAD;
}

/* What others have told us is for newcomers only: it is theirs to tell. */
static bool is_for(const struct sync_follower *f, const struct sync_entry *e)
{
	return e->owner == SYNC_OWNER_OWN || e->version <= f->target;
}

static struct sync_entry *next_for(struct sync_session *s, struct sync_follower *f)
{
	struct sync_entry *e = sync_cursor_peek(s->table, &f->cursor);

	while (e && !is_for(f, e)) {
		sync_cursor_pass(&f->cursor, e);
		e = sync_cursor_peek(s->table, &f->cursor);
	}
	return e;
}

static void copy_entry(const struct sync_entry *e, uint32_t now_s, uint8_t *to)
{
	size_t padded = sync_record_padded(e->len);
	uint32_t flags;

	sync_entry_copy(e, now_s, to);
	memset(to + e->len, 0, padded - e->len);
	if (sync_record_is_note(to))
		return;
	flags = sync_record_flags(to) | (uint32_t)e->term << SYNC_FLAG_TERM_SHIFT;
	if (e->owner != SYNC_OWNER_OWN)
		flags |= SYNC_FLAG_HEARSAY;
	sync_record_set_flags(to, flags);
}

/* Fills `data` with what comes next, and moves the cursor past it. */
static void gather(struct sync_session *s, struct sync_follower *f, int64_t now_us,
		   uint8_t *records, struct sync_data *data)
{
	uint32_t now_s = (uint32_t)(now_us / USEC_PER_SEC);
	struct sync_entry *e;

	while (data->n < UINT16_MAX && (e = next_for(s, f))) {
		size_t padded = sync_record_padded(e->len);

		if (data->records_len + padded > room(s))
			return;
		copy_entry(e, now_s, records + data->records_len);
		data->records_len += padded;
		data->n++;
		sync_cursor_pass(&f->cursor, e);
	}
}

/* A frame that would not be full waits for more, but not for long; and not behind full ones that go at this
 * moment, as that would take a turn of the loop of its own. */
static bool is_worth_sending(struct sync_session *s, struct sync_follower *f, int64_t now_us)
{
	if (f->flight_n >= f->window || !next_for(s, f))
		return false;
	return now_us - f->sent_us >= s->conf->batch_us || now_us == f->told_us ||
	       (s->table->version - f->cursor.version) * SYNC_RECORD_V4_LEN >= room(s);
}

static int64_t beat_at_us(const struct sync_session *s, const struct sync_follower *f)
{
	int64_t wait_us = s->conf->heartbeat_us;

	if (f->acked < f->sent && probe_us(f) < wait_us)
		wait_us = probe_us(f);
	return f->sent_us + wait_us;
}

/* To what has not been acknowledged, if that is one frame. */
static bool go_again(struct sync_session *s, struct sync_follower *f)
{
	if (f->acked >= f->sent || (f->sent - f->acked) * SYNC_RECORD_V4_LEN >= room(s))
		return false;
	go_to(s, f, f->acked);
	return next_for(s, f);
}

/* After a frame: its place, and for one with records, a place in the window. */
static void advance(struct sync_follower *f, int64_t now_us, const struct sync_data *data,
		    bool asks)
{
	f->sent = data->last;
	f->sent_us = now_us;
	if (data->n) {
		f->told_us = now_us;
		f->flight[(f->flight_first + f->flight_n++) % SYNC_WINDOW_MAX] = data->last;
	}
	if (asks && f->acked < data->last)
		f->asked++;
}

/* What others have told is told anew when one of them dies (sync_term_retell): who is still hearing our
 * log as it was has to wait for that as well. */
static bool has_more(const struct sync_session *s, uint32_t peers, uint64_t last)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
		if (peers >> i & 1 && s->peers[i].follower.target > last)
			return true;
	return false;
}

static bool is_in_step(const struct sync_follower *f, const struct sync_follower *with,
		       bool in_flight)
{
	return f->sent == with->sent && f->cursor.version == with->cursor.version &&
	       (f->target <= with->target || f->target <= f->cursor.version) &&
	       (!in_flight || f->flight_n < f->window);
}

/* Those who are to get the same frame: found before the cursor moves. */
static uint32_t companions(struct sync_session *s, const struct sync_follower *with, bool in_flight)
{
	uint32_t peers = 0;

	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++) {
		struct sync_follower *f = &s->peers[i].follower;

		if (!s->peers[i].node || !f->joined)
			continue;
		next_for(s, f);
		if (is_in_step(f, with, in_flight))
			peers |= 1u << i;
	}
	return peers;
}

size_t sync_follower_emit(struct sync_session *s, struct sync_peer *p, int64_t now_us,
			  uint8_t *bytes, uint32_t *ret_peers)
{
	struct sync_follower *f = &p->follower;
	struct sync_data data = {0};
	bool asks, full;

	if (!f->joined)
		return 0;
	asks = !is_worth_sending(s, f, now_us);
	if (asks && now_us < beat_at_us(s, f))
		return 0;
	full = !asks || go_again(s, f);
	*ret_peers = companions(s, f, full);
	data.prev = f->sent;
	if (full)
		gather(s, f, now_us, bytes + SYNC_FRAME_HEAD_LEN + SYNC_DATA_HEAD_LEN, &data);
	data.last = f->cursor.version;
	data.newest = s->table->version;
	data.term = s->newest_term;
	data.active = s->active;
	data.more = has_more(s, *ret_peers, data.last);
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++) {
		struct sync_follower *other = &s->peers[i].follower;

		if (!(*ret_peers >> i & 1))
			continue;
		other->cursor.at = f->cursor.at;
		other->cursor.version = f->cursor.version;
		advance(other, now_us, &data, asks);
		other->records += data.n;
		other->bytes += SYNC_DATA_OVERHEAD + data.records_len;
	}
	s->counters.records_out += data.n;
	s->framed_us[++s->seq % SYNC_FRAMES_TIMED] = now_us;
	return sync_frame_write_data(bytes, s->stream, s->seq, &data, s->stream_cipher);
}

int64_t sync_follower_deadline(const struct sync_session *s, const struct sync_follower *f,
			       int64_t now_us)
{
	int64_t at_us;

	if (!f->joined)
		return USEC_NEVER;
	at_us = beat_at_us(s, f);
	if (f->acked_us + SYNC_DEAF_US < at_us)
		at_us = f->acked_us + SYNC_DEAF_US;
	/* Changes that wait for company; those that can't go are not worth waking for. */
	if (f->flight_n < f->window && f->cursor.version < s->table->version &&
	    f->sent_us + s->conf->batch_us < at_us)
		at_us = f->sent_us + s->conf->batch_us;
	return at_us > now_us ? at_us : now_us;
}
