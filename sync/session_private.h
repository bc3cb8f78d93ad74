/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the session (session.c, opening.c, feed.c, follower.c, term.c) share among
 * themselves, and nobody else includes.
 */
#ifndef TANDEM_SYNC_SESSION_PRIVATE_H
#define TANDEM_SYNC_SESSION_PRIVATE_H

#include "sync/replay.h"
#include "sync/roles.h"
#include "sync/session.h"

/* Frames in flight to one peer; halved when something was lost. */
#define SYNC_WINDOW_MAX	  192
#define SYNC_WINDOW_START 32
#define SYNC_WINDOW_MIN	  8

/* A peer's stream to us. */
struct sync_feed {
	bool open;
	bool heard; /* since it opened */
	bool synced;
	uint8_t nonce[SYNC_NONCE_LEN]; /* which of ours opened it */
	uint64_t session;	       /* of our acknowledgements */
	uint64_t ack_seq;
	struct sync_cipher *ack_cipher;
	uint64_t stream;
	int64_t stream_us; /* it was heard first */
	struct sync_cipher *cipher;
	struct sync_replay replay;
	uint64_t epoch;
	uint64_t version;
	uint64_t target;
	bool more; /* there is something behind that which we should have, too */
	uint64_t newest;
	int64_t opened_us;
	int64_t synced_us;
	int64_t heard_us;
	uint32_t active;     /* what the newest frame says; 0: none has come */
	uint64_t active_seq; /* its number */
	uint64_t unacked; /* the first frame since our last acknowledgement; 0: none */
	bool refused;		  /* we had no room for something of it … */
	uint64_t refused_version; /* … that came after this version */
	int64_t refused_us;	  /* when that was asked for again, last */
	bool ack_due;
	bool gap;	      /* to be told */
	bool outdated;	      /* too */
	uint64_t gap_version; /* told last */
	int64_t gap_us;	      /* when */
	uint64_t gap_prev;    /* of the last frame that came too early */
	int64_t stuck_us;     /* since when it has not gone on; USEC_NEVER: no gap */
	int64_t ack_us;	      /* the last one was sent */
	int64_t current_us;   /* when we had all that it had, last */
	uint64_t records;     /* these and below: of all that it has ever sent */
	uint64_t bytes;
	uint64_t gaps;
};

/* Our stream to a peer. */
struct sync_follower {
	bool joined;
	bool told_synced;
	uint64_t session; /* of its acknowledgements */
	struct sync_cipher *ack_cipher; /* kept when it is no longer heard, to go on with */
	struct sync_replay replay;
	struct sync_cursor cursor;
	uint64_t sent; /* the cursor's version when a frame was sent last */
	uint64_t acked;
	uint64_t target;		  /* up to here it gets what we have from others, too */
	uint64_t flight[SYNC_WINDOW_MAX]; /* `last` of each frame in flight; a ring */
	unsigned flight_first;
	unsigned flight_n;
	unsigned window;
	int64_t acked_us;
	int64_t sent_us;
	int64_t told_us;   /* a frame with records went, last */
	int64_t answer_us; /* how long the peer takes to acknowledge one, smoothed */
	unsigned asked;	   /* so often since it acknowledged something new */
	int64_t caught_up_us;
	uint64_t records; /* these and below: of all that it was ever sent */
	uint64_t bytes;
	uint64_t rewinds;
	struct sync_ack last; /* what it told */
};

struct sync_peer {
	uint64_t node; /* 0: a free place */
	int64_t heard_us;
	struct sync_path paths[SYNC_PATHS_MAX];
	int64_t path_heard_us[SYNC_PATHS_MAX];
	unsigned n_paths;
	struct sync_feed feed;
	struct sync_follower follower;
};

/* A subscription that was answered and not yet taken up: lost when its place is needed. */
struct sync_offer {
	uint8_t nonce[SYNC_NONCE_LEN];
	uint8_t salt[SYNC_NONCE_LEN];
	uint64_t node;
	uint64_t session;
	uint64_t seq;
	struct sync_cipher *open_cipher; /* NULL: a free place */
	struct sync_cipher *ack_cipher;
	int64_t answered_us;
	unsigned answers; /* of late */
};

struct sync_answer {
	unsigned offer;
	struct sync_path path;
};

#define SYNC_OFFERS  64
#define SYNC_ANSWERS 16

#define SYNC_MARKS	  10
#define SYNC_FRAMES_TIMED 256

struct sync_session {
	const struct sync_conf *conf;
	struct sync_table *table;
	const struct sync_roles *roles;
	const struct sync_session_ops *ops;
	void *ctx;
	struct sync_session_counters counters;
	uint64_t drops;
	bool kernel_knows;
	uint32_t active; /* what we are Active for, by sync_active_bit(); 0: not known yet */
	/* Terms: the one we write in, and the newest that we know of. */
	uint16_t term;
	uint16_t newest_term;
	int64_t outdone_us;  /* since when somebody writes in a newer one although we are Active */
	uint16_t outdone_by; /* the newest one then */
	struct addr outdone_vip; /* about this address; of no family: not known */
	int64_t reclaim_us;  /* how long that is borne */
	bool met;	     /* somebody, in this life */
	/* The table's version, second by second: the last SYNC_MARKS of them. */
	uint64_t marks[SYNC_MARKS];
	int64_t marked_us;
	/* Our stream. */
	uint64_t stream;
	struct sync_key stream_key;
	struct sync_cipher *stream_cipher;
	uint64_t seq;
	int64_t framed_us[SYNC_FRAMES_TIMED]; /* when each of the last ones was sent; by seq */
	/* Our subscriptions to others. */
	uint8_t nonce[SYNC_NONCE_LEN];
	bool nonce_used;
	int64_t nonce_us;
	int64_t subscribed_us;
	int64_t subscribe_at_us;
	unsigned tries;
	uint64_t wanted; /* a stream that was heard of and is not followed */
	int64_t wanted_us;
	/* Theirs to us. */
	uint64_t offer_seed;
	struct sync_offer offers[SYNC_OFFERS];
	struct sync_answer answers[SYNC_ANSWERS];
	unsigned n_answers;
	struct sync_peer peers[SYNC_PEERS_MAX];
	unsigned turn; /* whose turn it is to be sent to */
	int64_t everywhere_us; /* a frame went all ways, last */
	uint8_t plain[SYNC_FRAME_MAX];
};

/* session.c */
struct sync_peer *sync_peer_find(struct sync_session *s, uint64_t node);
/* Finds or makes it. NULL: there are too many. */
struct sync_peer *sync_peer_get(struct sync_session *s, uint64_t node);
bool sync_peer_knows_path(const struct sync_peer *p, const struct sync_path *path);
/*
 * A frame that was seen before came this way. It may be the copy that a second path has carried, or
 * a replay: so the way may be one, but it drives no other out, and the peer may be dead.
 */
void sync_peer_heard_again(struct sync_peer *p, const struct sync_path *path, int64_t now_us);
/* A frame that is authentic and new came this way. */
void sync_peer_heard(struct sync_peer *p, const struct sync_path *path, int64_t now_us);
void sync_session_tell(struct sync_session *s, enum sync_event_kind kind, uint64_t node,
		       const struct sync_path *path);
void sync_session_auth_failed(struct sync_session *s, const struct sync_path *path);

/* term.c: whose word counts */
void sync_term_init(struct sync_session *s);
void sync_term_tick(struct sync_session *s, int64_t now_us);
/* A peer knows of this term. */
void sync_term_heard(struct sync_session *s, uint16_t term);
/* Somebody writes, or has written, in a newer term what we should be writing, about `vip`; NULL: some address
 * or other. */
void sync_term_outdone(struct sync_session *s, int64_t now_us, const struct addr *vip);
/* A peer is gone: what it told last, perhaps it told to us alone. */
void sync_term_retell(struct sync_session *s);

/* opening.c: who subscribes to whom */
int sync_opening_init(struct sync_session *s, int64_t now_us);
void sync_opening_done(struct sync_session *s);
/* There is a stream that we don't follow. */
void sync_opening_want(struct sync_session *s, int64_t now_us, uint64_t stream);
/* Plans the next subscription. */
void sync_opening_plan(struct sync_session *s, int64_t now_us);
void sync_opening_on_subscribe(struct sync_session *s, int64_t now_us, const struct sync_path *from,
			       const uint8_t *bytes, size_t len);
void sync_opening_on_open(struct sync_session *s, int64_t now_us, const struct sync_path *from,
			  const struct sync_frame_head *head, const uint8_t *bytes, size_t len);
/* The offer that this acknowledgement takes up; NULL: none. */
struct sync_offer *sync_opening_find(struct sync_session *s, const struct sync_frame_head *head,
				     const struct sync_ack_clear *clear);
/* Forgets all offers to a node but what the caller has taken out of them. */
void sync_opening_forget(struct sync_session *s, uint64_t node);
size_t sync_opening_emit(struct sync_session *s, int64_t now_us, uint8_t *bytes,
			 struct sync_dest *ret_dest);

/* feed.c: what a peer sends us */
void sync_feed_start(struct sync_session *s, struct sync_peer *p, int64_t now_us,
		     const struct sync_open *open);
void sync_feed_done(struct sync_feed *f);
void sync_feed_on_data(struct sync_session *s, int64_t now_us, const struct sync_path *from,
		       const struct sync_frame_head *head, const uint8_t *bytes, size_t len);
void sync_feed_tick(struct sync_session *s, struct sync_peer *p, int64_t now_us);
size_t sync_feed_emit(struct sync_session *s, struct sync_peer *p, int64_t now_us, uint8_t *bytes);
int64_t sync_feed_deadline(const struct sync_session *s, const struct sync_feed *f, int64_t now_us);

/* follower.c: what we send to a peer */
void sync_follower_done(struct sync_session *s, struct sync_follower *f);
void sync_follower_on_ack(struct sync_session *s, int64_t now_us, const struct sync_path *from,
			  const struct sync_frame_head *head, const uint8_t *bytes, size_t len);
void sync_follower_tick(struct sync_session *s, struct sync_peer *p, int64_t now_us);
/* A frame for this peer and for those that are at the same place; 0: nothing is due. */
size_t sync_follower_emit(struct sync_session *s, struct sync_peer *p, int64_t now_us,
			  uint8_t *bytes, uint32_t *ret_peers);
int64_t sync_follower_deadline(const struct sync_session *s, const struct sync_follower *f,
			       int64_t now_us);

#endif
