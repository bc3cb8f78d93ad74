/* SPDX-License-Identifier: Apache-2.0 */
/* Echo requests and replies: see icmp_echo.h. */
#include "checkers/icmp_echo.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>

#define HEADER_LEN 8

static uint16_t checksum(const uint8_t *at, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void write16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint16_t read16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

void icmp_echo_request(int family, uint16_t id, uint16_t seq, uint8_t buf[ICMP_ECHO_LEN])
{
	memset(buf, 0, HEADER_LEN);
	buf[0] = family == AF_INET6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	write16(buf + 4, id);
	write16(buf + 6, seq);
	for (size_t i = HEADER_LEN; i < ICMP_ECHO_LEN; i++)
		buf[i] = (uint8_t)i;
	if (family == AF_INET)
		write16(buf + 2, checksum(buf, ICMP_ECHO_LEN));
}

bool icmp_echo_is_reply(int family, uint16_t id, uint16_t seq, bool ip_header, bool any_id,
			const uint8_t *at, size_t len)
{
	size_t skip = ip_header && len ? (size_t)(at[0] & 15) * 4 : 0;
	uint8_t type = family == AF_INET6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;

	if (ip_header && skip < 20)
		return false;
	if (len < skip + HEADER_LEN)
		return false;
	at += skip;
	return at[0] == type && at[1] == 0 && (any_id || read16(at + 4) == id) &&
	       read16(at + 6) == seq;
}
