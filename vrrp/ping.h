/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Echo requests and replies (RFC 792, RFC 4443 §4) as raw sockets have them. Pure. An answer is known
 * by the identifier and by eight random bytes behind the sequence number.
 */
#ifndef TANDEM_VRRP_PING_H
#define TANDEM_VRRP_PING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PING_LEN 16

struct ping_id {
	uint16_t id;
	uint8_t cookie[8];
};

/* The ICMP message; that of IPv6 gets its checksum from the kernel. */
void ping_encode(int family, const struct ping_id *id, uint16_t seq, uint8_t ret[PING_LEN]);
/* As read from a raw socket: for IPv4 with the IP header. True: a reply to one of ours. */
bool ping_decode(int family, const struct ping_id *id, const uint8_t *bytes, size_t len,
		 uint16_t *ret_seq);

#endif
