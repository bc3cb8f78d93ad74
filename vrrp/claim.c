/* SPDX-License-Identifier: Apache-2.0 */
/* Who says that an address is his: see claim.h. */
#include "vrrp/claim.h"

#include <string.h>

#define ARP_LEN		  28 /* of IPv4 on Ethernet */
#define NA_LEN		  24
#define TYPE_NA		  136
#define OPTION_TARGET_MAC 2

bool claim_read_arp(const void *data, size_t len, struct claim *ret)
{
	static const uint8_t ipv4_on_ethernet[] = {0, 1, 0x08, 0x00, 6, 4, 0};
	static const uint8_t nobody[4];
	const uint8_t *bytes = data;

	if (len < ARP_LEN || memcmp(bytes, ipv4_on_ethernet, sizeof(ipv4_on_ethernet)) != 0 ||
	    (bytes[7] != 1 && bytes[7] != 2))
		return false;
	if (memcmp(bytes + 14, nobody, sizeof(nobody)) == 0)
		return false; /* a probe: RFC 5227 §2.1.1 */
	memcpy(ret->mac, bytes + 8, sizeof(ret->mac));
	ret->address = addr_from_bytes(AF_INET, bytes + 14);
	return true;
}

bool claim_read_na(const void *data, size_t len, struct claim *ret)
{
	const uint8_t *bytes = data;

	if (len < NA_LEN || bytes[0] != TYPE_NA || bytes[1] != 0)
		return false;
	ret->address = addr_from_bytes(AF_INET6, bytes + 8);
	for (size_t at = NA_LEN; at + 8 <= len && bytes[at + 1]; at += bytes[at + 1] * 8u) {
		if (bytes[at] != OPTION_TARGET_MAC || bytes[at + 1] != 1)
			continue;
		memcpy(ret->mac, bytes + at + 2, sizeof(ret->mac));
		return true;
	}
	return false;
}
