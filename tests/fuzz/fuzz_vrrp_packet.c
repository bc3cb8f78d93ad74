/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an advertisement: nothing is read past the end, and what is accepted encodes back
 * to the same bytes. The first byte of the input picks the family, and whether the checksum is
 * made right first: else hardly any input would get past it.
 */
#include "vrrp/hmac.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PICK_IPV6	   1
#define PICK_RIGHT_SUM	   2
#define PICK_PSEUDO_HEADER 4
#define PICK_TRAILER	   8

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

	if (pick & PICK_TRAILER && len >= VRRP_HEADER_LEN + VRRP_TRAILER_LEN && !(pick & PICK_IPV6))
		len -= VRRP_TRAILER_LEN;
	bytes[6] = bytes[7] = 0;
	s = sum(bytes, len);
	if (pick & PICK_PSEUDO_HEADER)
		s += sum(src, addr) + sum(dst, addr) + VRRP_IP_PROTOCOL + (uint32_t)len;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	bytes[6] = (uint8_t)(~s >> 8);
	bytes[7] = (uint8_t)~s;
}

/* With the right HMAC put in, since none would be guessed, a packet is accepted once. */
static void check_hmac(const uint8_t *bytes, size_t len, const struct vrrp_path *path,
		       const struct vrrp_packet *packet)
{
	const struct vrrp_hmac_conf conf = {.version = packet->version,
					    .vrid = packet->vrid,
					    .monotonic = true,
					    .senders = VRRP_HMAC_MULTICAST,
					    .active_key = 1,
					    .n_keys = 1,
					    .keys = {{.id = 1, .len = VRRP_HMAC_KEY_MIN}}};
	struct vrrp_hmac_memory sender = {0}, memory = {0};
	const size_t message = len - (packet->trailer ? VRRP_TRAILER_LEN : 0);
	uint8_t trailer[VRRP_TRAILER_LEN];
	int64_t ahead_s;

	vrrp_hmac_check(&conf, &memory, &path->src, 0, bytes, message, packet->trailer, &ahead_s);
	vrrp_hmac_sign(&conf, &sender, &path->src, INT64_C(1) << 50, bytes, message, trailer);
	if (vrrp_hmac_check(&conf, &memory, &path->src, 0, bytes, message, trailer, &ahead_s) !=
		    VRRP_PACKET_OK ||
	    vrrp_hmac_check(&conf, &memory, &path->src, 0, bytes, message, trailer, &ahead_s) !=
		    VRRP_PACKET_AUTH_REPLAY)
		abort();
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
		check_hmac(bytes, size - 1, &path, &packet);
	}
	free(bytes);
	return 0;
}
