/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VRRP advertisement on the wire: version 2 (RFC 3768 §5.1, IPv4) and version 3 (RFC 9568 §5.1,
 * IPv4 and IPv6). Bytes in, struct out, and back; and whether a packet is one that a given virtual
 * router may act on. Owns no state; knows nothing of sockets, time or the protocol machine.
 */
#ifndef TANDEM_VRRP_PACKET_H
#define TANDEM_VRRP_PACKET_H

#include "core/addr.h"

#include <stddef.h>
#include <stdint.h>

#define VRRP_IP_PROTOCOL 112
#define VRRP_TTL	 255
#define VRRP_HEADER_LEN	 8
#define VRRP_AUTH_LEN	 8
#define VRRP_TRAILER_LEN 28 /* auth_hmac's, see hmac.h */
#define VRRP_PACKET_MAX	 (VRRP_HEADER_LEN + 255 * 16 + VRRP_TRAILER_LEN)

/* Why a packet is not acted on: the counters of RFC 6527 and RFC 2787, and what we tell people. */
#define VRRP_PACKET_RESULTS(X)                                                                     \
	X(OK, "fine")                                                                              \
	X(LENGTH, "packet length error")                                                           \
	X(VERSION, "wrong VRRP version")                                                           \
	X(TYPE, "invalid type")                                                                    \
	X(CHECKSUM, "checksum error")                                                              \
	X(VRID, "unknown virtual router id")                                                       \
	X(TTL, "TTL or hop limit is not 255")                                                      \
	X(INTERVAL, "advertisement interval differs from ours")                                    \
	X(AUTH_TYPE, "unknown authentication type")                                                \
	X(AUTH_MISMATCH, "authentication type differs from ours")                                  \
	X(AUTH_FAILURE, "wrong authentication data")                                               \
	X(AUTH_MISSING, "not authenticated")                                                       \
	X(AUTH_TIME, "its clock and ours differ by more than time_window")                         \
	X(AUTH_KEY, "unknown authentication key id")                                               \
	X(AUTH_REPLAY, "sequence number is not new: a replay")

enum vrrp_packet_result {
#define X(name, text) VRRP_PACKET_##name,
	VRRP_PACKET_RESULTS(X)
#undef X
};

const char *vrrp_packet_result_name(enum vrrp_packet_result result);

/*
 * What an IPv4 version 3 checksum covers. RFC 9568 §5.2.8 says the VRRP message alone for IPv4;
 * RFC 5798 read as keepalived and FRR read it says with the pseudo-header, as for IPv6.
 */
enum vrrp_checksum {
	VRRP_CHECKSUM_MESSAGE,
	VRRP_CHECKSUM_PSEUDO_HEADER,
};

/* Version 2: RFC 2338 §5.3.6. */
#define VRRP_PACKET_AUTH_NONE 0
#define VRRP_PACKET_AUTH_PASS 1 /* eight bytes in clear */
#define VRRP_PACKET_AUTH_AH   2

struct vrrp_packet {
	uint8_t version;
	uint8_t vrid;
	uint8_t priority;
	uint8_t auth_type;		  /* version 2 */
	uint8_t auth_data[VRRP_AUTH_LEN]; /* version 2 */
	uint32_t adver_int_cs;		  /* version 2: whole seconds only */
	enum vrrp_checksum checksum;	  /* version 3 over IPv4; decoded: which one was right */
	uint8_t n_addrs;
	const uint8_t *addrs;	/* 4 or 16 bytes each; decoded: points into the packet */
	const uint8_t *trailer; /* VRRP_TRAILER_LEN bytes behind the message; NULL: none */
};

/* What is carried outside the VRRP message: from the IP header. Both of one family. */
struct vrrp_path {
	struct addr src;
	struct addr dst;
};

/*
 * Reads `len` bytes, the whole payload of an IP packet of protocol 112. Anything but
 * VRRP_PACKET_OK leaves *ret undefined, apart from VRRP_PACKET_CHECKSUM with a vrid for counters.
 */
enum vrrp_packet_result vrrp_packet_decode(const void *bytes, size_t len,
					   const struct vrrp_path *path, struct vrrp_packet *ret);

/* Writes the message with its checksum, and the trailer. The length, or -EMSGSIZE, or -EINVAL. */
int vrrp_packet_encode(const struct vrrp_packet *packet, const struct vrrp_path *path, void *buf,
		       size_t size);

/* What a virtual router accepts. */
struct vrrp_expect {
	uint8_t version;
	uint8_t auth_type;
	uint8_t auth_data[VRRP_AUTH_LEN];
	uint32_t adver_int_cs;
	bool any_ttl; /* unicast without a TTL rule */
	bool trailer; /* may have one */
};

/* The checks of RFC 3768 §7.1 and RFC 9568 §7.1 that need the receiver's configuration. */
enum vrrp_packet_result vrrp_packet_check(const struct vrrp_packet *packet,
					  const struct vrrp_expect *expect, int ttl);

#endif
