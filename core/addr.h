/* SPDX-License-Identifier: Apache-2.0 */
/* One IP address of either family. A plain value; knows nothing of sockets' lifetimes. */
#ifndef TANDEM_ADDR_H
#define TANDEM_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct addr {
	uint8_t family; /* AF_INET, AF_INET6, or AF_UNSPEC (0): none */
	uint8_t b[16];	/* network order; the first 4 bytes for IPv4, the rest zero */
};

/* Room for "[2001:db8::1]:65535" and an ending zero. */
#define ADDR_TEXT_MAX 64

bool addr_is_set(const struct addr *a);
bool addr_equal(const struct addr *a, const struct addr *b);
/* As memcmp, by family and then value in network order (the order of RFC 9568 §6.4.3). */
int addr_compare(const struct addr *a, const struct addr *b);
bool addr_is_link_local(const struct addr *a); /* fe80::/10, 169.254/16 */
bool addr_is_multicast(const struct addr *a);
unsigned addr_len(const struct addr *a); /* 4, 16 or 0 bytes */
unsigned addr_bits(const struct addr *a); /* 32, 128 or 0 */

/* "192.0.2.1" or "2001:db8::1". 0 or -EINVAL. */
int addr_parse(const char *s, struct addr *ret);
/* Writes to text, at least ADDR_TEXT_MAX; returns it. An unset address is "-". */
const char *addr_format(const struct addr *a, char *text);
/* With a port: "192.0.2.1:80", "[2001:db8::1]:80". */
const char *addr_format_port(const struct addr *a, uint16_t port, char *text);

/* To and from the kernel's form. Port in host order. Returns the length, 0 for an unset address. */
socklen_t addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *ret);
/* -EAFNOSUPPORT for other families. ret_port may be NULL. */
int addr_from_sockaddr(const struct sockaddr *sa, struct addr *ret, uint16_t *ret_port);
struct addr addr_from_bytes(int family, const void *bytes);

#endif
