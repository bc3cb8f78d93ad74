/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation with the peers: who sends us its stream, to whom we send ours, and how what gets
 * lost is made up for. Each node has one stream, the changes of its table, sealed with one key; any
 * number of peers follow it, each with a cursor of its own. Peers at the same place are served by
 * the same frame, whether it goes to a group or to each of them; one that has missed something goes
 * back by itself and joins the others when it has caught up. Multicast, unicast and several paths
 * at once are only different ways to carry a frame.
 *
 * No clock, socket or log: frames that arrive are handed in with the time, frames to be sent are
 * taken out one by one, as fast as the caller can send. What the operator should hear of is told by
 * `event`, and counted.
 *
 * Who owns what. A node sends what its own kernel told it. To a newcomer it sends also what it has
 * from others, marked as hearsay. Whatever was written in a newer term (table.h) replaces what is
 * of an older one. In the same term what its writer says counts, and hearsay adds nothing. When we
 * are Active for the virtual address and know the connection, a late message of the former Active
 * goes into the table only: our kernel knows better.
 */
#ifndef TANDEM_SYNC_SESSION_H
#define TANDEM_SYNC_SESSION_H

#include "sync/crypt.h"
#include "sync/frame.h"
#include "sync/table.h"

#include "core/clock.h"
#include "core/msg.def" /* names of counters only */

#define SYNC_PEERS_MAX 16
#define SYNC_PATHS_MAX 4
/* No frame for so long, and for ten heartbeats: the peer is silent. */
#define SYNC_SILENCE_US	   USEC_PER_SEC
#define SYNC_SILENCE_BEATS 10
/* No acknowledgement for so long: the peer does not follow us any more. */
#define SYNC_DEAF_US (3 * USEC_PER_SEC)

/* One way to a peer: an address on one of the transport's links. */
struct sync_path {
	unsigned link;
	uint16_t port;
	struct addr address;
};

/* Where a frame is to go. */
struct sync_dest {
	enum {
		SYNC_DEST_ALL,	 /* every group and every configured peer: whoever listens */
		SYNC_DEST_PATH,	 /* an answer */
		SYNC_DEST_PEERS, /* these peers, on all of their paths */
	} kind;
	struct sync_path path;
	uint32_t peers; /* bits of peer indexes: sync_session_paths() */
};

struct sync_conf {
	uint64_t node;		/* this node's name; no two nodes have the same */
	unsigned expected;	/* peers that should be there; 0: any, at least one */
	struct sync_key psk[2]; /* the first is ours, both are accepted */
	unsigned n_psk;
	enum sync_suite suite;
	size_t frame_max;     /* SYNC_FRAME_DEFAULT */
	int64_t heartbeat_us; /* 100 ms */
	int64_t batch_us;     /* how long a frame that is not full may wait: 1 ms */
};

enum sync_event_kind {
	SYNC_EVENT_FOLLOWING,	    /* it has opened its stream to us */
	SYNC_EVENT_SYNCED,	    /* all that it knew when it opened has arrived */
	SYNC_EVENT_SILENT,	    /* nothing is heard from it */
	SYNC_EVENT_RESTARTED,	    /* its log is a new one */
	SYNC_EVENT_FOLLOWED,	    /* it follows our stream, or does so anew */
	SYNC_EVENT_LEFT,	    /* and does no longer */
	SYNC_EVENT_ACTIVE,	    /* it says anew what it is Active for */
	SYNC_EVENT_NOTE,	    /* one of its notes: `note`; only for the call */
	SYNC_EVENT_FOREIGN_KEY,	    /* authentication failed: another key, or an enemy; `path` */
	SYNC_EVENT_FOREIGN_VERSION, /* another version of the protocol; `path` */
	SYNC_EVENT_SAME_NODE,	    /* somebody else uses our node's name; `path` */
};
const char *sync_event_name(enum sync_event_kind kind);

struct sync_event {
	enum sync_event_kind kind;
	uint64_t node; /* 0: unknown */
	struct sync_path path;
	struct sync_note note;
};

struct sync_session_counters {
#define SYNC_COUNTER_FIELD(kind, name) uint64_t name;
	SYNC_SESSION_COUNTERS(SYNC_COUNTER_FIELD)
#undef SYNC_COUNTER_FIELD
};

struct sync_roles;

struct sync_session_ops {
	void (*event)(void *ctx, const struct sync_event *event); /* may be NULL */
	void (*random)(void *ctx, void *bytes, size_t len);
};

struct sync_session;

/* `conf`, `table`, `roles` and `ops` outlive it. NULL: out of memory. */
struct sync_session *sync_session_new(const struct sync_conf *conf, struct sync_table *table,
				      const struct sync_roles *roles,
				      const struct sync_session_ops *ops, void *ctx,
				      int64_t now_us);
void sync_session_free(struct sync_session *s);
/* The keys or other things in `conf` have changed: everybody has to subscribe anew, logs go on.
 * 0 or -ENOMEM: nothing works until it is tried again. */
int sync_session_renew(struct sync_session *s, int64_t now_us);

/* `roles` have changed: this node has become Active for something. A new term begins. */
void sync_session_take_over(struct sync_session *s);
/* What this node is Active for, by sync_active_bit(): the peers hear of it at once. */
void sync_session_set_active(struct sync_session *s, int64_t now_us, uint32_t active);
/* Our kernel has told a connection (checked): 0 or -errno as sync_table_put(). */
int sync_session_put(struct sync_session *s, int64_t now_us, const uint8_t *record, size_t len);
/* Our kernel has it, and nobody has told of it: ours when we are Active for it, else hearsay. */
void sync_session_put_found(struct sync_session *s, int64_t now_us, const uint8_t *record,
			    size_t len);
/* Another director's kernel has told it, which knows no terms: as if it were the newest word. */
int sync_session_put_foreign(struct sync_session *s, int64_t now_us, const uint8_t *record,
			     size_t len);

/* A datagram has arrived. Applies what it brings to the table. */
void sync_session_receive(struct sync_session *s, int64_t now_us, const struct sync_path *from,
			  const uint8_t *bytes, size_t len);
/*
 * The next frame to send, to `bytes` (SYNC_FRAME_MAX); 0: none for now. To be called until it
 * returns 0 after frames were received, after the table has changed, and at the deadline.
 */
size_t sync_session_emit(struct sync_session *s, int64_t now_us, uint8_t *bytes,
			 struct sync_dest *ret_dest);
/* This process did not run for so long: what the peers may have said meanwhile, or would have, had
 * their machine run, is still to be heard. */
void sync_session_held_up(struct sync_session *s, int64_t now_us, int64_t late_us);
/* When something is due without anything arriving. */
int64_t sync_session_deadline(const struct sync_session *s, int64_t now_us);

/* Our kernel has connections from before this process, and those that it lacks are found by the
 * audit: of what others have only heard of, and perhaps from us, it knows better. */
void sync_session_set_kernel_knows(struct sync_session *s, bool knows);
/* Told to the peers: what was lost on the way into our kernel. */
void sync_session_set_drops(struct sync_session *s, uint64_t drops);

/* A peer as it is now, for people and for decisions. */
struct sync_peer_state {
	uint64_t node;
	int64_t heard_us; /* any authentic frame; 0: never */
	/* Their stream to us. */
	bool following;
	bool synced;
	uint64_t epoch;
	uint64_t version; /* have */
	uint64_t target;  /* synced when reached */
	uint64_t newest;  /* they have */
	int64_t behind_us; /* how long they have had more than we */
	int64_t stream_us; /* this stream of theirs was heard first */
	int64_t opened_us;
	uint32_t active;   /* what they are Active for, by sync_active_bit(); 0: not known */
	int64_t synced_us; /* how long that took, since it opened; 0: not yet */
	uint64_t records_in;
	uint64_t bytes_in;
	uint64_t gaps;
	/* Our stream to them. */
	bool followed;
	bool told_synced; /* they say */
	uint64_t acked;
	uint64_t lag;	/* changes that they don't have */
	int64_t lag_us; /* how long they have not had all */
	uint64_t records_out;
	uint64_t bytes_out;
	uint64_t rewinds;
	uint64_t refused;
	uint64_t entries;
	uint64_t drops;
};

unsigned sync_session_peers(const struct sync_session *s); /* indexes are below it */
void sync_session_peer(const struct sync_session *s, unsigned index, int64_t now_us,
		       struct sync_peer_state *ret);
/* It is known by another name: its place is free, unless it is heard or listens by this one, too. */
void sync_session_forget(struct sync_session *s, uint64_t node);
/* The ways to a peer that work; up to SYNC_PATHS_MAX. */
const struct sync_path *sync_session_paths(const struct sync_session *s, unsigned index,
					   unsigned *ret_n);
/* Has this one of them (below n) been heard from lately? The last one is kept when it has not. */
bool sync_session_path_is_heard(const struct sync_session *s, unsigned index, unsigned path,
				int64_t now_us);
/* How many follow our stream, and what all of them have (the table's version; UINT64_MAX: nobody
 * does). */
unsigned sync_session_followers(const struct sync_session *s, uint64_t *ret_acked);
/* Every peer that is expected has told us all it knew. */
bool sync_session_is_synced(const struct sync_session *s);
/* A peer whose stream is open knew something when it opened it that has not arrived. */
bool sync_session_is_behind(const struct sync_session *s);
const struct sync_session_counters *sync_session_counters(const struct sync_session *s);

#endif
