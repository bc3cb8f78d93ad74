/* SPDX-License-Identifier: Apache-2.0 */
/* The VRRP advertisement on the wire: see packet.h. */
#include "vrrp/packet.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#define VRRP_TYPE_ADVERTISEMENT 1
#define VRRP_CHECKSUM_AT	6
#define VRRP_INTERVAL_MAX_CS	4095

const char *vrrp_packet_result_name(enum vrrp_packet_result result)
{
	static const char *const name[] = {
#define X(name, text) [VRRP_PACKET_##name] = text,
		VRRP_PACKET_RESULTS(X)
#undef X
	};

	return name[result];
}

static uint32_t sum_add(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (; len > 1; bytes += 2, len -= 2)
		sum += (uint32_t)bytes[0] << 8 | bytes[1];
	if (len)
		sum += (uint32_t)bytes[0] << 8;
	return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* RFC 8200 §8.1; for IPv4 the same fields in the form that TCP uses. */
static uint32_t sum_pseudo_header(const struct vrrp_path *path, size_t len)
{
	uint32_t sum = sum_add(0, path->src.b, addr_len(&path->src));

	sum = sum_add(sum, path->dst.b, addr_len(&path->dst));
	return sum + VRRP_IP_PROTOCOL + (uint32_t)len;
}

/* The sum over a message, its checksum field included: 0xffff when that is right. */
static uint16_t message_sum(const uint8_t *bytes, size_t len, const struct vrrp_path *path,
			    enum vrrp_checksum covers)
{
	uint32_t sum = covers == VRRP_CHECKSUM_PSEUDO_HEADER ? sum_pseudo_header(path, len) : 0;

	return sum_fold(sum_add(sum, bytes, len));
}

static size_t message_len(uint8_t version, int family, uint8_t n_addrs)
{
	size_t addr_size = family == AF_INET6 ? 16 : 4;

	return VRRP_HEADER_LEN + n_addrs * addr_size + (version == 2 ? VRRP_AUTH_LEN : 0);
}

static bool version_fits(uint8_t version, int family)
{
	return version == 3 || (version == 2 && family == AF_INET);
}

/*
 * Either reading is accepted for version 3 over IPv4: which one a peer uses is worth knowing. Over
 * IPv6 the kernel is the one that writes it, over all that is sent: a trailer included.
 */
static bool checksum_is_right(const uint8_t *bytes, size_t len, const struct vrrp_path *path,
			      uint8_t version, enum vrrp_checksum *ret_covers)
{
	bool v3_ipv4 = version == 3 && path->src.family == AF_INET;

	*ret_covers = version == 3 ? VRRP_CHECKSUM_PSEUDO_HEADER : VRRP_CHECKSUM_MESSAGE;
	if (message_sum(bytes, len, path, *ret_covers) == 0xffff)
		return true;
	*ret_covers = VRRP_CHECKSUM_MESSAGE;
	return v3_ipv4 && message_sum(bytes, len, path, *ret_covers) == 0xffff;
}

static void decode_version_part(const uint8_t *bytes, size_t len, struct vrrp_packet *ret)
{
	if (ret->version == 2) {
		ret->auth_type = bytes[4];
		ret->adver_int_cs = bytes[5] * 100u;
		memcpy(ret->auth_data, bytes + len - VRRP_AUTH_LEN, VRRP_AUTH_LEN);
	} else {
		/* RFC 9568 §5.2.6: the reserved bits are ignored on reception. */
		ret->adver_int_cs = (bytes[4] & 0x0fu) << 8 | bytes[5];
	}
}

enum vrrp_packet_result vrrp_packet_decode(const void *data, size_t len,
					   const struct vrrp_path *path, struct vrrp_packet *ret)
{
	const uint8_t *bytes = data;
	size_t message;

	if (len < VRRP_HEADER_LEN)
		return VRRP_PACKET_LENGTH;
	memset(ret, 0, sizeof(*ret));
	ret->version = bytes[0] >> 4;
	ret->vrid = bytes[1];
	ret->priority = bytes[2];
	ret->n_addrs = bytes[3];
	ret->addrs = bytes + VRRP_HEADER_LEN;
	if (!version_fits(ret->version, path->src.family))
		return VRRP_PACKET_VERSION;
	if ((bytes[0] & 0x0f) != VRRP_TYPE_ADVERTISEMENT)
		return VRRP_PACKET_TYPE;
	message = message_len(ret->version, path->src.family, ret->n_addrs);
	if (len == message + VRRP_TRAILER_LEN)
		ret->trailer = bytes + message;
	else if (len != message)
		return VRRP_PACKET_LENGTH;
	if (!checksum_is_right(bytes, path->src.family == AF_INET6 ? len : message, path,
			       ret->version, &ret->checksum))
		return VRRP_PACKET_CHECKSUM;
	if (ret->vrid == 0)
		return VRRP_PACKET_VRID;
	decode_version_part(bytes, message, ret);
	/* An interval of nothing would make every Backup take over at once. */
	return ret->adver_int_cs ? VRRP_PACKET_OK : VRRP_PACKET_INTERVAL;
}

static bool can_encode(const struct vrrp_packet *packet, const struct vrrp_path *path)
{
	if (path->src.family != path->dst.family ||
	    !version_fits(packet->version, path->src.family))
		return false;
	if (packet->version == 2)
		return packet->adver_int_cs >= 100 && packet->adver_int_cs / 100 <= UINT8_MAX;
	return packet->adver_int_cs >= 1 && packet->adver_int_cs <= VRRP_INTERVAL_MAX_CS;
}

static void encode_version_part(const struct vrrp_packet *packet, uint8_t *bytes, size_t len)
{
	if (packet->version == 2) {
		bytes[4] = packet->auth_type;
		bytes[5] = (uint8_t)(packet->adver_int_cs / 100);
		memcpy(bytes + len - VRRP_AUTH_LEN, packet->auth_data, VRRP_AUTH_LEN);
	} else {
		bytes[4] = (uint8_t)(packet->adver_int_cs >> 8);
		bytes[5] = (uint8_t)packet->adver_int_cs;
	}
}

int vrrp_packet_encode(const struct vrrp_packet *packet, const struct vrrp_path *path, void *buf,
		       size_t size)
{
	size_t message = message_len(packet->version, path->src.family, packet->n_addrs);
	size_t len = message + (packet->trailer ? VRRP_TRAILER_LEN : 0);
	enum vrrp_checksum covers = packet->checksum;
	uint8_t *bytes = buf;
	uint16_t checksum;

	if (!can_encode(packet, path))
		return -EINVAL;
	if (len > size)
		return -EMSGSIZE;
	if (packet->version == 2)
		covers = VRRP_CHECKSUM_MESSAGE;
	else if (path->src.family == AF_INET6)
		covers = VRRP_CHECKSUM_PSEUDO_HEADER;
	bytes[0] = (uint8_t)(packet->version << 4 | VRRP_TYPE_ADVERTISEMENT);
	bytes[1] = packet->vrid;
	bytes[2] = packet->priority;
	bytes[3] = packet->n_addrs;
	memset(bytes + VRRP_CHECKSUM_AT, 0, 2);
	if (packet->n_addrs)
		memcpy(bytes + VRRP_HEADER_LEN, packet->addrs,
		       packet->n_addrs * addr_len(&path->src));
	encode_version_part(packet, bytes, message);
	if (packet->trailer)
		memcpy(bytes + message, packet->trailer, VRRP_TRAILER_LEN);
	checksum = (uint16_t)~message_sum(bytes, path->src.family == AF_INET6 ? len : message, path,
					  covers);
	bytes[VRRP_CHECKSUM_AT] = (uint8_t)(checksum >> 8);
	bytes[VRRP_CHECKSUM_AT + 1] = (uint8_t)checksum;
	return (int)len;
}

static enum vrrp_packet_result check_auth(const struct vrrp_packet *packet,
					  const struct vrrp_expect *expect)
{
	uint8_t differs = 0;

	if (packet->auth_type > VRRP_PACKET_AUTH_AH)
		return VRRP_PACKET_AUTH_TYPE;
	if (packet->auth_type != expect->auth_type)
		return VRRP_PACKET_AUTH_MISMATCH;
	if (packet->auth_type != VRRP_PACKET_AUTH_PASS)
		return VRRP_PACKET_OK;
	for (size_t i = 0; i < VRRP_AUTH_LEN; i++)
		differs |= packet->auth_data[i] ^ expect->auth_data[i];
	return differs ? VRRP_PACKET_AUTH_FAILURE : VRRP_PACKET_OK;
}

enum vrrp_packet_result vrrp_packet_check(const struct vrrp_packet *packet,
					  const struct vrrp_expect *expect, int ttl)
{
	if (ttl != VRRP_TTL && !expect->any_ttl)
		return VRRP_PACKET_TTL;
	if (packet->version != expect->version)
		return VRRP_PACKET_VERSION;
	if (packet->trailer && !expect->trailer)
		return VRRP_PACKET_LENGTH;
	if (packet->version != 2)
		return VRRP_PACKET_OK;
	/* RFC 3768 §7.1: version 2 must be configured alike; version 3 learns the interval. */
	if (packet->adver_int_cs != expect->adver_int_cs)
		return VRRP_PACKET_INTERVAL;
	return check_auth(packet, expect);
}
