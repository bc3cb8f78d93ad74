/* SPDX-License-Identifier: Apache-2.0 */
/* Echo requests and replies of ICMP (RFC 792) and ICMPv6 (RFC 4443 §4). Pure. */
#ifndef TANDEM_CHECKERS_ICMP_ECHO_H
#define TANDEM_CHECKERS_ICMP_ECHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ICMP_ECHO_LEN 64 /* header and data, as ping(8) */

/* The checksum is right for ICMP; for ICMPv6 the kernel makes it. */
void icmp_echo_request(int family, uint16_t id, uint16_t seq, uint8_t buf[ICMP_ECHO_LEN]);

/*
 * Is it the reply to that request? `ip_header`: an IPv4 header comes first, as from a raw socket.
 * `any_id`: the kernel chose the id, and has seen to it.
 */
bool icmp_echo_is_reply(int family, uint16_t id, uint16_t seq, bool ip_header, bool any_id,
			const uint8_t *at, size_t len);

#endif
