/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heartbeats between the tandem-vrrp of several directors: the datagram, and which ones count. Pure.
 *
 *	magic 4 "tHB1" | session 8 | seq 8 | interval 4 (us) | echoes 1 | groups 1
 *	session 8 of each of the echoes
 *	family 1, address 16, Active 32, given up 32 of each of the groups
 *	HMAC-SHA256 over all before it, its first 16 bytes
 *
 * A group are the virtual routers that speak from one address: a bit for each VRID, whether the
 * sender is Active for it, or has given that up and no successor was heard.
 *
 * A session is a random number, of one life of a process. A heartbeat counts when it names the
 * receiver's own session among those its sender hears, and has a higher number than all before it
 * of its session: so what was recorded earlier counts nowhere, without any clock. Whoever forgets a
 * sender that has named his session begins a new one, or all that that one said could be said again.
 */
#ifndef TANDEM_VRRP_BEAT_H
#define TANDEM_VRRP_BEAT_H

#include "core/addr.h"
#include "core/clock.h"

#include <stddef.h>

#define BEAT_MAX	     1400 /* bytes */
#define BEAT_KEY_LEN	     32
#define BEAT_ECHOES_MAX	     16
#define BEAT_GROUPS_MAX	     14
#define BEAT_INTERVAL_MIN_US USEC_PER_MSEC
#define BEAT_INTERVAL_MAX_US USEC_PER_SEC

struct beat_key {
	uint8_t b[BEAT_KEY_LEN];
};
/* Of the sync block's secret, as the model has it: hexadecimal digits. */
void beat_key_derive(const char *secret, struct beat_key *ret);

struct beat_group {
	struct addr source;
	uint8_t active[32];
	uint8_t left[32];
};

struct beat {
	uint64_t session;
	uint64_t seq;
	uint32_t interval_us;
	unsigned n_echoes;
	uint64_t echoes[BEAT_ECHOES_MAX];
	unsigned n_groups;
	struct beat_group groups[BEAT_GROUPS_MAX];
};

static inline bool beat_has(const uint8_t bits[32], uint8_t vrid)
{
	return bits[vrid / 8] >> vrid % 8 & 1;
}

static inline void beat_set(uint8_t bits[32], uint8_t vrid)
{
	bits[vrid / 8] |= (uint8_t)(1 << vrid % 8);
}

/* The group of this address, made if need be; NULL: there are too many. */
struct beat_group *beat_group_of(struct beat *b, const struct addr *source);

/* Returns the length. */
size_t beat_encode(const struct beat *b, const struct beat_key *key, uint8_t bytes[BEAT_MAX]);
/* 0; -EBADMSG: no heartbeat, or nonsense; -EACCES: by none of the keys. */
int beat_decode(const uint8_t *bytes, size_t len, const struct beat_key *keys, unsigned n_keys,
		struct beat *ret);

/* The sessions that were heard. */
struct beat_sender {
	uint64_t session; /* 0: a free place */
	uint64_t seq;
	int64_t heard_us;
	bool fresh; /* it has named ours */
};

#define BEAT_SENDERS_MAX 32
struct beat_memory {
	uint64_t own;
	struct beat_sender senders[BEAT_SENDERS_MAX];
	bool outworn; /* `own` is: a sender that has named it had to be forgotten */
};

/* Takes an authentic heartbeat in. True: it counts. */
bool beat_memory_take(struct beat_memory *m, const struct beat *b, int64_t now_us);
/* This is our session from now on; nobody has named it. */
void beat_memory_begin(struct beat_memory *m, uint64_t own);
/* Fills b's echoes with those heard within `within_us`, the fresh ones first. */
void beat_memory_echo(const struct beat_memory *m, int64_t now_us, int64_t within_us,
		      struct beat *b);

#endif
