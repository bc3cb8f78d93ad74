/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heartbeats sent and taken in, by the paths of the sync block, on the port after its own. By this
 * process and no other: when it dies, hangs, or gives up what it is Active for, so do they. What is
 * said in them, and what follows from them, is the caller's.
 */
#ifndef TANDEM_VRRP_BEATS_H
#define TANDEM_VRRP_BEATS_H

#include "core/log.h"
#include "core/model.h"
#include "vrrp/beat.h"

#include <ev.h>
#include <net/if.h>

#define BEATS_LINKS_MAX 4
#define BEATS_PEERS_MAX 16

struct beats_link {
	char ifname[IF_NAMESIZE];
	struct addr group;
	struct addr source;
	struct addr peers[BEATS_PEERS_MAX];
	uint32_t n_peers;
	uint16_t port;
	int fd; /* -1: closed */
	int ifindex;
	ev_io readable;
	struct text trouble; /* as told */
};

struct beats {
	struct ev_loop *loop;
	/* Calls beats_send() for each heartbeat that is to go out now, once at least. True: often. */
	bool (*tell)(struct beats *b);
	void (*heard)(struct beats *b, const struct beat *beat);
	int64_t interval_us; /* 0: there are none */
	struct beat_key keys[2]; /* the first is ours, both are accepted */
	unsigned n_keys;
	struct beats_link links[BEATS_LINKS_MAX];
	unsigned n_links;
	struct beat_memory memory;
	uint64_t seq;
	struct log_limit limit;
	ev_timer timer;
	ev_timer second;
};

/* `b` must stay where it is. */
void beats_init(struct beats *b, struct ev_loop *loop, bool (*tell)(struct beats *b),
		void (*heard)(struct beats *b, const struct beat *beat));
/* NULL, or without peer_detect: none. */
void beats_configure(struct beats *b, const struct sync_block *block);
/* At once: something has changed. */
void beats_tell(struct beats *b);
/* By all paths. Its session, number, interval and echoes are filled in. */
void beats_send(struct beats *b, struct beat *beat);
/* Takes in what has come already. */
void beats_drain(struct beats *b);
void beats_done(struct beats *b);

#endif
