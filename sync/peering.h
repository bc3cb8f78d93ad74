/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sync block at work: key, sockets, session, kernel and shadow table of this node, tied to the
 * loop. What is decided is decided in session.c and table.c; what the node is Active for is told by
 * the caller, who also passes on to others what report.h says.
 */
#ifndef TANDEM_SYNC_PEERING_H
#define TANDEM_SYNC_PEERING_H

#include "core/log.h"
#include "core/model.h"
#include "core/msg.h"
#include "sync/audit.h"
#include "sync/drain.h"
#include "sync/kernel.h"
#include "sync/kernel_peer.h"
#include "sync/notes.h"
#include "sync/push.h"
#include "sync/roles.h"
#include "sync/shield.h"
#include "sync/transport.h"

#include <ev.h>

/* Bytes of a peer, as they were counted a second ago, and how many that second had. */
struct peer_rate {
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t in_per_s;
	uint64_t out_per_s;
};

/* What a peer has told of itself. */
struct peer_notes {
	uint64_t node; /* 0: a free place */
	struct notes_config config;
	struct notes_routers routers;
	struct sync_table said; /* of real servers and services; none: not initialised */
	bool heard;		/* its stream is, and all that it knew has come */
	struct sync_drain_order drain; /* it is about to take over */
	int64_t drained_us; /* the last of our own questions that it has answered */
	const char *difference; /* to what is configured here, as told last; NULL: not told yet */
};

/* Who was last heard and not believed, or not understood. */
struct peering_stranger {
	enum sync_event_kind kind;
	struct addr address;
	int64_t heard_us; /* 0: never */
};

struct peering {
	struct ev_loop *loop;
	void (*overridden)(const struct msg_server_override *v); /* said on another director */
	void (*viewed)(const struct msg *m); /* for tandem-ipvs: PEER_HEARD, and what that has told */
	void (*changed)(void);	   /* report_state() says something else about `synced` */
	void (*drained)(unsigned peers); /* see peering_drain() */
	void (*peers_drained)(int64_t asked_us, unsigned peers); /* see peering_ask_drain() */
	void (*serves)(void);	  /* peering_serving_until() may say something else */
	struct sync_block *block;  /* a copy; NULL: not configured */
	const struct model *model; /* whose list of services that are not copied counts; NULL: none */
	struct sync_conf conf;
	struct sync_table table;
	struct sync_roles roles;
	struct sync_session *session;	  /* NULL: not running */
	struct sync_transport *transport; /* so */
	int64_t now_us; /* of this turn of the loop */
	uint64_t told;	/* records that had come in, and when, by the turn before */
	int64_t told_us;
	struct sync_kernel kernel;
	struct sync_push push;
	int64_t push_until_us;
	struct sync_audit audit;
	struct sync_kernel_peer kernel_peer;
	struct text kernel_peer_trouble;
	bool full; /* the table; told */
	struct sync_shield shield;
	struct sync_shield_facts facts;
	struct log_limit limit; /* of what strangers can cause */
	struct peering_stranger stranger;
	struct text trouble; /* why it does not run */
	struct text link_trouble[SYNC_LINKS_MAX];
	uint64_t target;     /* synced when the kernel has this version; 0: not known */
	bool synced;
	struct sync_drain drain;
	uint32_t active; /* what this node is Active for */
	int64_t asked_us; /* peering_ask_drain()'s; 0: nothing is asked */
	uint64_t asked_version; /* the answers are in, and the kernel is to have this; 0: not yet */
	unsigned asked_peers;
	bool lacks;	  /* as told by `serves` */
	bool served;	  /* a peer says anew what it is Active for */
	int64_t serves_us; /* when it was told last */
	int64_t hurry_until_us; /* of push_timer */
	struct notes_config own; /* what we tell */
	struct notes_routers own_routers;
	struct peer_notes notes[SYNC_PEERS_MAX];
	struct peer_rate rates[SYNC_PEERS_MAX];
	ev_io peers_readable[SYNC_LINKS_MAX];
	ev_io kernel_readable;
	ev_io echo_readable;
	ev_io kernel_peer_readable;
	ev_check awake;
	ev_prepare work;
	ev_timer deadline;
	int64_t due_us; /* when it is to wake the loop; USEC_NEVER: it is not */
	ev_timer push_timer;
	ev_timer drain_timer;
	ev_timer audit_timer;
	ev_timer second;
};

void peering_init(struct peering *p, struct ev_loop *loop, void (*changed)(void),
		  void (*drained)(unsigned peers),
		  void (*peers_drained)(int64_t asked_us, unsigned peers), void (*serves)(void),
		  void (*overridden)(const struct msg_server_override *v),
		  void (*viewed)(const struct msg *m));
/* This node is about to hand over: `drained` says when the peers have all connections, and how many
 * these peers are. */
void peering_drain(struct peering *p);
/* This node is about to take over: `peers_drained` says when the connections of the last moments
 * are here, and how many peers were Active for something and have been asked. */
void peering_ask_drain(struct peering *p, int64_t asked_us);
/* What this node is Active for, by sync_active_bit(). */
void peering_set_active(struct peering *p, uint32_t active);
/*
 * Until when a peer counts as Active for this virtual router (model_router_hash()) that has connections
 * which our kernel lacks; 0: there is none. It says so, or says nothing; its stream is heard; and
 * `serves` is called again before that time, as long as all that is so.
 */
int64_t peering_serving_until(const struct peering *p, uint64_t router);
/* An operator has said this here, or it was told here; the other directors are to know. */
void peering_override(struct peering *p, const struct msg_server_override *v);
/* What tandem-ipvs here makes of a real server, and for what it is Active. */
void peering_view(struct peering *p, const struct msg_server_view *v);
void peering_led(struct peering *p, const struct msg_service_led *v);
/* tandem-ipvs has put this real server into the kernel. */
void peering_server_added(struct peering *p, const struct msg_server_added *v);
/* A tandem-ipvs that knows nothing: `viewed` is called with all that the peers have told. */
void peering_tell_views(struct peering *p);
/* This node's virtual routers, in words. */
void peering_routers(struct peering *p, const struct text *words);
/* 0, or -errno with the reason: the block could not be run. */
int peering_check(const struct sync_block *block, struct text *ret_reason);
/* NULL: no block any more. What can't be started is tried again. */
void peering_configure(struct peering *p, const struct sync_block *block,
		       const struct notes_config *own);
/* p->roles have changed; `gained`: this node has become Active for something. */
void peering_roles_changed(struct peering *p, bool gained);
/* The configured address, as operators know it, or where it is heard from; unset: nowhere yet. */
struct addr peering_address(const struct peering *p, uint64_t node);
/* What a peer has told; NULL: nothing yet. */
const struct peer_notes *peering_notes(const struct peering *p, uint64_t node);
/* Is this a name that a peer had, before it went over to other paths? */
bool peering_is_former(const struct peering *p, const struct sync_peer_state *s);
/* peering_notes.c's, for peering.c: what peers were called is forgotten. */
void peering_forget_former(struct peering *p);
/* A peer has told something of itself; the peers are to know our
 * configuration; ours is this one from now on. */
void peering_hear_note(struct peering *p, const struct sync_event *event);
/* So, whose stream is heard may have changed; a peer's log has begun anew; all have. */
void peering_look_at_heard(struct peering *p);
void peering_forget_views(struct peering *p, uint64_t node);
void peering_forget_all_views(struct peering *p);
void peering_tell_config(struct peering *p);
void peering_set_own(struct peering *p, const struct notes_config *own);
/* peering_handover.c's, for the others: a peer's notes; before each wait of the loop. */
void peering_hear_drain(struct peering *p, struct peer_notes *n, const struct notes_drain *drain);
void peering_hear_drained(struct peering *p, struct peer_notes *n,
			  const struct notes_drained *drained);
void peering_look_at_handover(struct peering *p, int64_t now_us);
/* This node is about to stop: until then its kernel is not to keep anything back. */
void peering_hurry(struct peering *p, int64_t now_us);
/* peering_notes.c's: into our log. */
void peering_tell_note(struct peering *p, const struct sync_note *note);
/* peering.c's: all that the kernel has told, however much. */
void peering_capture(struct peering *p);
bool peering_runs(const struct peering *p);
void peering_done(struct peering *p);

#endif
