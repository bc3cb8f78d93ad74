/* SPDX-License-Identifier: Apache-2.0 */
/* One IP address of either family: see addr.h. */
#include "core/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

bool addr_is_set(const struct addr *a)
{
	return a->family != AF_UNSPEC;
}

unsigned addr_len(const struct addr *a)
{
	return a->family == AF_INET ? 4 : a->family == AF_INET6 ? 16 : 0;
}

unsigned addr_bits(const struct addr *a)
{
	return addr_len(a) * 8;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, addr_len(a));
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_compare(a, b) == 0;
}

bool addr_is_link_local(const struct addr *a)
{
	if (a->family == AF_INET6)
		return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
	return a->family == AF_INET && a->b[0] == 169 && a->b[1] == 254;
}

bool addr_is_multicast(const struct addr *a)
{
	if (a->family == AF_INET6)
		return a->b[0] == 0xff;
	return a->family == AF_INET && (a->b[0] & 0xf0) == 0xe0;
}

struct addr addr_from_bytes(int family, const void *bytes)
{
	struct addr a = { .family = (uint8_t)family };

	memcpy(a.b, bytes, addr_len(&a));
	return a;
}

int addr_parse(const char *s, struct addr *ret)
{
	int family = strchr(s, ':') ? AF_INET6 : AF_INET;
	unsigned char bytes[16];

	if (inet_pton(family, s, bytes) != 1)
		return -EINVAL;
	*ret = addr_from_bytes(family, bytes);
	return 0;
}

const char *addr_format(const struct addr *a, char *text)
{
	if (!addr_is_set(a) || !inet_ntop(a->family, a->b, text, ADDR_TEXT_MAX))
		strcpy(text, "-");
	return text;
}

const char *addr_format_port(const struct addr *a, uint16_t port, char *text)
{
	char ip[ADDR_TEXT_MAX - 8];

	if (!addr_is_set(a) || !inet_ntop(a->family, a->b, ip, sizeof(ip)))
		strcpy(ip, "-");
	snprintf(text, ADDR_TEXT_MAX, a->family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip, port);
	return text;
}

socklen_t addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *in = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	if (a->family == AF_INET) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, a->b, 4);
		return sizeof(*in);
	}
	if (a->family == AF_INET6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, a->b, 16);
		return sizeof(*in6);
	}
	return 0;
}

int addr_from_sockaddr(const struct sockaddr *sa, struct addr *ret, uint16_t *ret_port)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
	uint16_t port;

	if (sa->sa_family == AF_INET) {
		*ret = addr_from_bytes(AF_INET, &in->sin_addr);
		port = in->sin_port;
	} else if (sa->sa_family == AF_INET6) {
		*ret = addr_from_bytes(AF_INET6, &in6->sin6_addr);
		port = in6->sin6_port;
	} else {
		return -EAFNOSUPPORT;
	}
	if (ret_port)
		*ret_port = ntohs(port);
	return 0;
}
