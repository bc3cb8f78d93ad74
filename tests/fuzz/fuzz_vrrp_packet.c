/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an advertisement: nothing is read past the end, and what is accepted encodes back
 * to the same bytes. The first byte of the input picks the family, and whether the checksum is
 * made right first: else hardly any input would get past it.
 */
#include "vrrp/packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PICK_IPV6	   1
#define PICK_RIGHT_SUM	   2
#define PICK_PSEUDO_HEADER 4

static const uint8_t src[16] = {0xfe, 0x80, [15] = 1};
static const uint8_t dst[16] = {0xff, 0x02, [15] = 0x12};

static uint32_t sum(const uint8_t *bytes, size_t len)
{
	uint32_t s = 0;

	for (size_t i = 0; i < len; i++)
		s += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return s;
}

static void make_sum_right(uint8_t pick, uint8_t *bytes, size_t len)
{
	size_t addr = pick & PICK_IPV6 ? 16 : 4;
	uint32_t s;

	bytes[6] = bytes[7] = 0;
	s = sum(bytes, len);
	if (pick & PICK_PSEUDO_HEADER)
		s += sum(src, addr) + sum(dst, addr) + VRRP_IP_PROTOCOL + (uint32_t)len;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	bytes[6] = (uint8_t)(~s >> 8);
	bytes[7] = (uint8_t)~s;
}

static void check_round_trip(const uint8_t *bytes, size_t len, const struct vrrp_path *path,
			     const struct vrrp_packet *packet)
{
	static uint8_t again[VRRP_PACKET_MAX];
	int n = vrrp_packet_encode(packet, path, again, sizeof(again));

	if (n < 0 || (size_t)n != len)
		abort();
	/* The reserved bits of version 3 are sent as zero, which changes the checksum too. */
	if (packet->version == 3)
		again[4] |= bytes[4] & 0xf0;
	if (memcmp(again, bytes, 6) != 0 || memcmp(again + 8, bytes + 8, len - 8) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct vrrp_expect expect = {.version = 2, .auth_type = 1, .adver_int_cs = 100};
	struct vrrp_packet packet;
	struct vrrp_path path;
	uint8_t *bytes;
	int family;

	if (size < 1)
		return 0;
	family = data[0] & PICK_IPV6 ? AF_INET6 : AF_INET;
	path = (struct vrrp_path){addr_from_bytes(family, src), addr_from_bytes(family, dst)};
	bytes = malloc(size - 1); /* a block of its own: a read past the end is seen */
	if (!bytes)
		return 0;
	memcpy(bytes, data + 1, size - 1);
	if (data[0] & PICK_RIGHT_SUM && size > VRRP_HEADER_LEN)
		make_sum_right(data[0], bytes, size - 1);
	if (vrrp_packet_decode(bytes, size - 1, &path, &packet) == VRRP_PACKET_OK) {
		check_round_trip(bytes, size - 1, &path, &packet);
		vrrp_packet_check(&packet, &expect, data[0]);
	}
	free(bytes);
	return 0;
}
