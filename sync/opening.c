/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who subscribes to whom. We subscribe as long as somebody is missing; we answer subscriptions with
 * an offer, and an offer costs its place in a small table until an acknowledgement takes it up.
 * So nobody who can't prove that he knows the key, or only repeats what he has recorded, makes us
 * change a session that works.
 */
#include "sync/session_private.h"

#include <errno.h>
#include <string.h>

#define SUBSCRIBE_US	  (200 * USEC_PER_MSEC)
#define SUBSCRIBE_SLOW_US USEC_PER_SEC
#define TRIES_FAST	  25
#define NONCE_LIFE_US	  (3 * USEC_PER_SEC)
/* A subscription repeated sooner is the same one on another path, or an echo. */
#define ANSWER_REPEAT_US (20 * USEC_PER_MSEC)
#define ANSWER_REPEATS	 SYNC_PATHS_MAX
/* So many offers may have come to the same place before one is lost. */
#define OFFER_PLACES 4
/* A stream that is heard of but can't be opened is not worth more. */
#define WANTED_US      (3 * USEC_PER_SEC)
#define FORGET_PEER_US (3600 * USEC_PER_SEC)

static uint64_t random_name(struct sync_session *s)
{
	uint64_t name = 0;

	while (!name)
		s->ops->random(s->ctx, &name, sizeof(name));
	return name;
}

int sync_opening_init(struct sync_session *s, int64_t now_us)
{
	s->stream = random_name(s);
	s->ops->random(s->ctx, &s->stream_key, sizeof(s->stream_key));
	s->stream_cipher = sync_cipher_new_seal(s->conf->suite, &s->stream_key);
	s->ops->random(s->ctx, &s->offer_seed, sizeof(s->offer_seed));
	s->seq = 0;
	s->nonce_used = true;
	s->subscribed_us = now_us - SUBSCRIBE_US;
	s->subscribe_at_us = now_us;
	s->tries = 0;
	return s->stream_cipher ? 0 : -ENOMEM;
}

static void offer_done(struct sync_offer *o)
{
	sync_cipher_free(o->open_cipher);
	sync_cipher_free(o->ack_cipher);
	*o = (struct sync_offer){0};
}

void sync_opening_done(struct sync_session *s)
{
	for (unsigned i = 0; i < SYNC_OFFERS; i++)
		offer_done(&s->offers[i]);
	s->n_answers = 0;
	sync_cipher_free(s->stream_cipher);
	s->stream_cipher = NULL;
}

static bool is_followed(const struct sync_session *s, uint64_t stream)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
		if (s->peers[i].feed.open && s->peers[i].feed.stream == stream)
			return true;
	return false;
}

static bool is_somebody_missing(struct sync_session *s, int64_t now_us)
{
	unsigned open = 0, expected = s->conf->expected ? s->conf->expected : 1;

	if (s->wanted && !is_followed(s, s->wanted) && now_us - s->wanted_us < WANTED_US)
		return true;
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++) {
		struct sync_peer *p = &s->peers[i];

		open += p->feed.open;
		if (p->node && !p->feed.open && now_us - p->heard_us < FORGET_PEER_US)
			return true;
	}
	return open < expected;
}

void sync_opening_plan(struct sync_session *s, int64_t now_us)
{
	int64_t wait_us = s->tries < TRIES_FAST ? SUBSCRIBE_US : SUBSCRIBE_SLOW_US;

	if (!is_somebody_missing(s, now_us)) {
		s->tries = 0;
		s->subscribe_at_us = USEC_NEVER;
	} else if (s->subscribe_at_us > s->subscribed_us + wait_us) {
		s->subscribe_at_us = s->subscribed_us + wait_us;
	}
}

void sync_opening_want(struct sync_session *s, int64_t now_us, uint64_t stream)
{
	s->wanted = stream;
	s->wanted_us = now_us;
	s->tries = 0;
}

/* The places where the offer for this nonce may be. They depend on what nobody else knows: who has
 * recorded enough subscriptions could else put one in the place of each that he hears. */
static struct sync_offer *places_of(struct sync_session *s, const uint8_t *nonce)
{
	uint64_t h;

	memcpy(&h, nonce, sizeof(h));
	h = (h ^ s->offer_seed) * 0x9e3779b97f4a7c15ull;
	return &s->offers[(unsigned)(h >> 32) % (SYNC_OFFERS / OFFER_PLACES) * OFFER_PLACES];
}

static struct sync_offer *offer_find(struct sync_session *s, const uint8_t *nonce)
{
	struct sync_offer *o = places_of(s, nonce);

	for (unsigned i = 0; i < OFFER_PLACES; i++)
		if (o[i].open_cipher && memcmp(o[i].nonce, nonce, sizeof(o->nonce)) == 0)
			return &o[i];
	return NULL;
}

/* A free place, or that of the offer that was not taken up for longest. */
static struct sync_offer *offer_place(struct sync_session *s, const uint8_t *nonce)
{
	struct sync_offer *o = places_of(s, nonce), *best = o;

	for (unsigned i = 0; i < OFFER_PLACES; i++) {
		if (!o[i].open_cipher)
			return &o[i];
		if (o[i].answered_us < best->answered_us)
			best = &o[i];
	}
	return best;
}

static int offer_make(struct sync_session *s, struct sync_offer *o,
		      const struct sync_subscribe *sub, const struct sync_key *psk)
{
	struct sync_pair_keys keys;

	offer_done(o);
	memcpy(o->nonce, sub->nonce, sizeof(o->nonce));
	s->ops->random(s->ctx, o->salt, sizeof(o->salt));
	o->node = sub->node;
	sync_pair_derive(psk, o->nonce, o->salt, o->node, &keys);
	o->session = keys.session;
	o->open_cipher = sync_cipher_new_seal(SYNC_SUITE_AES_256_GCM, &keys.open);
	o->ack_cipher = sync_cipher_new_open(SYNC_SUITE_AES_256_GCM, &keys.ack);
	sync_wipe(&keys, sizeof(keys));
	if (o->open_cipher && o->ack_cipher)
		return 0;
	offer_done(o);
	return -ENOMEM;
}

static bool is_answered_enough(struct sync_offer *o, int64_t now_us)
{
	if (now_us - o->answered_us >= ANSWER_REPEAT_US) {
		o->answered_us = now_us;
		o->answers = 0;
	}
	return ++o->answers > ANSWER_REPEATS;
}

static void answer(struct sync_session *s, int64_t now_us, const struct sync_path *from,
		   const struct sync_subscribe *sub, const struct sync_key *psk)
{
	struct sync_offer *o = offer_find(s, sub->nonce);

	if (s->n_answers == SYNC_ANSWERS)
		return; /* they will ask again */
	if (!o) {
		o = offer_place(s, sub->nonce);
		if (offer_make(s, o, sub, psk))
			return;
		o->answered_us = now_us;
	}
	if (is_answered_enough(o, now_us)) {
		s->counters.duplicates++;
		return;
	}
	s->answers[s->n_answers++] =
		(struct sync_answer){.offer = (unsigned)(o - s->offers), .path = *from};
}

/* Our own, that a multicast group or a mirror brings back; or a clone's. */
static bool is_own_name(struct sync_session *s, const struct sync_path *from, uint64_t node,
			uint64_t stream)
{
	if (node != s->conf->node && node)
		return false;
	if (stream != s->stream)
		sync_session_tell(s, SYNC_EVENT_SAME_NODE, node, from);
	return true;
}

void sync_opening_on_subscribe(struct sync_session *s, int64_t now_us, const struct sync_path *from,
			       const uint8_t *bytes, size_t len)
{
	struct sync_subscribe sub;
	unsigned psk;
	int error;

	error = sync_frame_read_subscribe(bytes, len, s->conf->psk, s->conf->n_psk, &sub, &psk);
	if (error == -EACCES)
		sync_session_auth_failed(s, from);
	else if (error)
		s->counters.malformed++;
	if (error || is_own_name(s, from, sub.node, sub.stream))
		return;
	answer(s, now_us, from, &sub, &s->conf->psk[psk]);
	/* Somebody new, or with a new life: we want to hear it, too. */
	if (!is_followed(s, sub.stream))
		sync_opening_want(s, now_us, sub.stream);
}

/* The session's name tells which of the keys the sender has used. */
static int read_open(struct sync_session *s, const struct sync_frame_head *head,
		     const uint8_t *bytes, size_t len, const struct sync_open_clear *clear,
		     struct sync_open *ret, struct sync_cipher **ret_ack)
{
	int error = -EACCES;

	for (unsigned i = 0; i < s->conf->n_psk && error == -EACCES; i++) {
		struct sync_cipher *cipher;
		struct sync_pair_keys keys;

		sync_pair_derive(&s->conf->psk[i], clear->nonce, clear->salt, s->conf->node, &keys);
		if (keys.session == head->session) {
			cipher = sync_cipher_new_open(SYNC_SUITE_AES_256_GCM, &keys.open);
			error = cipher ? sync_frame_read_open(bytes, len, cipher, ret) : -ENOMEM;
			sync_cipher_free(cipher);
			if (!error)
				*ret_ack = sync_cipher_new_seal(SYNC_SUITE_AES_256_GCM, &keys.ack);
			if (!error && !*ret_ack)
				error = -ENOMEM;
		}
		sync_wipe(&keys, sizeof(keys));
	}
	return error;
}

/*
 * A nonce opens a peer's feed once, so that a repeated OPEN can't bring back an older session. And
 * a feed that works is left alone: others may have made us ask.
 */
static bool is_news(const struct sync_session *s, const struct sync_feed *f,
		    const struct sync_open_clear *clear, const struct sync_open *open,
		    int64_t now_us)
{
	if (memcmp(f->nonce, clear->nonce, sizeof(f->nonce)) == 0)
		return false;
	return !f->open || f->stream != open->stream || f->stuck_us != USEC_NEVER ||
	       now_us - f->heard_us > 3 * s->conf->heartbeat_us;
}

void sync_opening_on_open(struct sync_session *s, int64_t now_us, const struct sync_path *from,
			  const struct sync_frame_head *head, const uint8_t *bytes, size_t len)
{
	struct sync_cipher *ack_cipher = NULL;
	struct sync_open_clear clear;
	struct sync_open open;
	struct sync_peer *p;
	int error;

	if (sync_frame_read_open_clear(bytes, len, &clear)) {
		s->counters.malformed++;
		return;
	}
	/* Nothing is derived for those that we have not asked, or no longer need. */
	if (memcmp(clear.nonce, s->nonce, sizeof(s->nonce)) != 0 ||
	    !is_somebody_missing(s, now_us)) {
		s->counters.unknown++;
		return;
	}
	error = read_open(s, head, bytes, len, &clear, &open, &ack_cipher);
	if (error == -EACCES)
		sync_session_auth_failed(s, from);
	if (error || is_own_name(s, from, open.node, open.stream))
		goto out;
	p = sync_peer_get(s, open.node);
	if (!p)
		goto out;
	sync_peer_heard_again(p, from, now_us);
	sync_term_heard(s, open.term);
	if (is_news(s, &p->feed, &clear, &open, now_us)) {
		sync_peer_heard(p, from, now_us);
		sync_cipher_free(p->feed.ack_cipher);
		p->feed.ack_cipher = ack_cipher;
		ack_cipher = NULL;
		p->feed.session = head->session;
		memcpy(p->feed.nonce, clear.nonce, sizeof(clear.nonce));
		s->nonce_used = true;
		sync_feed_start(s, p, now_us, &open);
	}
out:
	sync_wipe(&open, sizeof(open));
	sync_cipher_free(ack_cipher);
}

struct sync_offer *sync_opening_find(struct sync_session *s, const struct sync_frame_head *head,
				     const struct sync_ack_clear *clear)
{
	struct sync_offer *o = offer_find(s, clear->nonce);

	return o && o->session == head->session && o->node == clear->node ? o : NULL;
}

void sync_opening_forget(struct sync_session *s, uint64_t node)
{
	for (unsigned i = 0; i < SYNC_OFFERS; i++)
		if (s->offers[i].node == node)
			offer_done(&s->offers[i]);
}

static size_t emit_open(struct sync_session *s, uint8_t *bytes, struct sync_dest *dest)
{
	const struct sync_answer *a = &s->answers[--s->n_answers];
	struct sync_offer *o = &s->offers[a->offer];
	struct sync_open_clear clear;
	struct sync_open open = {
		.node = s->conf->node,
		.stream = s->stream,
		.key = s->stream_key,
		.seq = s->seq,
		.epoch = s->table->epoch,
		.newest = s->table->version,
		.suite = s->conf->suite,
		.term = s->newest_term,
	};
	size_t len;

	if (!o->open_cipher)
		return 0; /* taken up, or its place was needed */
	memcpy(clear.nonce, o->nonce, sizeof(clear.nonce));
	memcpy(clear.salt, o->salt, sizeof(clear.salt));
	*dest = (struct sync_dest){.kind = SYNC_DEST_PATH, .path = a->path};
	len = sync_frame_write_open(bytes, o->session, ++o->seq, &clear, &open, o->open_cipher);
	sync_wipe(&open, sizeof(open));
	return len;
}

static size_t emit_subscribe(struct sync_session *s, int64_t now_us, uint8_t *bytes,
			     struct sync_dest *dest)
{
	struct sync_subscribe sub = {.node = s->conf->node, .stream = s->stream};

	if (s->nonce_used || now_us - s->nonce_us > NONCE_LIFE_US) {
		s->ops->random(s->ctx, s->nonce, sizeof(s->nonce));
		s->nonce_us = now_us;
		s->nonce_used = false;
	}
	memcpy(sub.nonce, s->nonce, sizeof(sub.nonce));
	s->subscribed_us = now_us;
	s->subscribe_at_us = USEC_NEVER;
	s->tries++;
	sync_opening_plan(s, now_us);
	*dest = (struct sync_dest){.kind = SYNC_DEST_ALL};
	return sync_frame_write_subscribe(bytes, &sub, s->conf->psk, s->conf->n_psk);
}

size_t sync_opening_emit(struct sync_session *s, int64_t now_us, uint8_t *bytes,
			 struct sync_dest *ret_dest)
{
	size_t len = 0;

	while (s->n_answers && !len)
		len = emit_open(s, bytes, ret_dest);
	if (!len && s->subscribe_at_us <= now_us)
		len = emit_subscribe(s, now_us, bytes, ret_dest);
	return len;
}
