/* SPDX-License-Identifier: Apache-2.0 */
/* Echo requests and replies: see ping.h. */
#include "vrrp/ping.h"

#include "core/codec.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#define IPV4_HEADER_MIN 20
#define CHECKSUM_AT	2

static uint16_t checksum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~(sum + (sum >> 16));
}

void ping_encode(int family, const struct ping_id *id, uint16_t seq, uint8_t ret[PING_LEN])
{
	struct writer w;
	uint16_t sum;

	writer_init_fixed(&w, ret, PING_LEN);
	put_u8(&w, family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST);
	put_u8(&w, 0);
	put_u16(&w, 0);
	put_u16(&w, id->id);
	put_u16(&w, seq);
	put_bytes(&w, id->cookie, sizeof(id->cookie));
	if (family != AF_INET)
		return;
	sum = checksum(ret, PING_LEN);
	ret[CHECKSUM_AT] = (uint8_t)(sum >> 8);
	ret[CHECKSUM_AT + 1] = (uint8_t)sum;
}

bool ping_decode(int family, const struct ping_id *id, const uint8_t *bytes, size_t len,
		 uint16_t *ret_seq)
{
	size_t header = 0;

	if (family == AF_INET) {
		if (len < IPV4_HEADER_MIN)
			return false;
		header = 4 * (size_t)(bytes[0] & 0xf);
	}
	if (len < header + PING_LEN)
		return false;
	bytes += header;
	if (bytes[0] != (family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) || bytes[1] ||
	    (bytes[4] << 8 | bytes[5]) != id->id || memcmp(bytes + 8, id->cookie, 8) != 0)
		return false;
	*ret_seq = (uint16_t)(bytes[6] << 8 | bytes[7]);
	return true;
}
