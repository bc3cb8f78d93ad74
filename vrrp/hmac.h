/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth_hmac: the trailer that authenticates an advertisement (keepalived 2.4.2 and later,
 * draft-cassen-vrrp-auth-hmac). 28 bytes behind the VRRP message: scheme, key id, two zero bytes, a
 * sequence number of 64 bits that is also a time, and half of an HMAC-SHA256.
 *
 * Pure: (conf, memory, time) and bytes in, bytes or a verdict out. The time is the caller's, in
 * UTC; the memory is the caller's too, so that it can outlive the process.
 */
#ifndef TANDEM_VRRP_HMAC_H
#define TANDEM_VRRP_HMAC_H

#include "core/addr.h"
#include "vrrp/packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VRRP_HMAC_KEY_MIN   32
#define VRRP_HMAC_KEY_MAX   64
#define VRRP_HMAC_KEYS_MAX  8
#define VRRP_HMAC_MULTICAST 4  /* senders that are remembered of a multicast group */
#define VRRP_HMAC_SENDERS   16 /* … and of unicast peers, at most */

struct vrrp_hmac_key {
	uint8_t id; /* 1..255 */
	uint8_t len;
	uint8_t bytes[VRRP_HMAC_KEY_MAX];
};

struct vrrp_hmac_conf {
	bool sign;	   /* not receive-only */
	bool enforce;	   /* what has no trailer is refused */
	bool monotonic;	   /* no clocks are compared: a sequence number must grow, that is all */
	uint32_t window_s; /* time: how far from ours a sender's clock may be, 1..300 */
	uint8_t version;   /* of VRRP */
	uint8_t vrid;
	uint8_t senders;    /* remembered, up to VRRP_HMAC_SENDERS */
	uint8_t active_key; /* signs */
	uint8_t n_keys;
	struct vrrp_hmac_key keys[VRRP_HMAC_KEYS_MAX];
};

/* The highest sequence number that was heard of one sender. */
struct vrrp_hmac_mark {
	uint64_t seq;
	uint32_t used; /* when, in the order of `uses`; 0: the slot is free */
	struct addr sender;
};

/* All zero at first. */
struct vrrp_hmac_memory {
	uint64_t sent; /* the last sequence number; 0: none */
	uint32_t uses;
	uint32_t reserved;
	struct vrrp_hmac_mark marks[VRRP_HMAC_SENDERS];
};

/* The trailer for this message, whose checksum field is of no account. */
void vrrp_hmac_sign(const struct vrrp_hmac_conf *conf, struct vrrp_hmac_memory *memory,
		    const struct addr *source, int64_t utc_us, const uint8_t *message, size_t len,
		    uint8_t ret[VRRP_TRAILER_LEN]);

/*
 * Whether the decoded packet, of this message, may be acted on. Only a packet that is verified
 * moves a mark. *ret_ahead_s says, for VRRP_PACKET_AUTH_TIME, how far ahead of ours the sender's
 * clock is.
 */
enum vrrp_packet_result vrrp_hmac_check(const struct vrrp_hmac_conf *conf,
					struct vrrp_hmac_memory *memory, const struct addr *source,
					int64_t utc_us, const uint8_t *message, size_t len,
					const uint8_t *trailer, int64_t *ret_ahead_s);

#endif
