/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who says that an address is his: ARP (RFC 826; RFC 5227 §1.1) and neighbour advertisements
 * (RFC 4861 §4.4), read from what came in. Pure.
 */
#ifndef TANDEM_VRRP_CLAIM_H
#define TANDEM_VRRP_CLAIM_H

#include "core/addr.h"

#include <stdbool.h>
#include <stddef.h>

struct claim {
	struct addr address;
	uint8_t mac[6];
	int index; /* of the interface that it came in by: the caller's */
};

/* `bytes` begin with the ARP header. False: not a claim of an IPv4 address on Ethernet. */
bool claim_read_arp(const void *bytes, size_t len, struct claim *ret);
/* `bytes` begin with the ICMPv6 header. False: not an advertisement with a link-layer address. */
bool claim_read_na(const void *bytes, size_t len, struct claim *ret);

#endif
