/* SPDX-License-Identifier: Apache-2.0 */
/* A UDP socket of a path of the sync block: see peer_socket.h. */
#include "core/peer_socket.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* DSCP CS6, as network control: the same as the advertisements of VRRP. */
#define TOS_CS6 0xc0

static int __attribute__((format(printf, 3, 4)))
refuse(struct text *why, int error, const char *fmt, ...)
{
	struct text what;
	va_list args;

	va_start(args, fmt);
	vsnprintf(what.s, sizeof(what.s), fmt, args);
	va_end(args);
	text_set(why, "%s: %s", what.s, strerror(error));
	return -error;
}

static bool is_multicast(const struct peer_socket_conf *c)
{
	return addr_is_set(&c->group);
}

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

/* The limits of net.core hold for those without CAP_NET_ADMIN only. */
static void set_buffers(int fd, int bytes)
{
	if (!bytes)
		return;
	if (set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes))
		set_int(fd, SOL_SOCKET, SO_RCVBUF, bytes);
	if (set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, bytes))
		set_int(fd, SOL_SOCKET, SO_SNDBUF, bytes);
}

static int join_group4(int fd, const struct peer_socket_conf *c, int ifindex)
{
	struct ip_mreqn group = {.imr_ifindex = ifindex};

	memcpy(&group.imr_multiaddr, c->group.b, 4);
	if (c->source.family == AF_INET)
		memcpy(&group.imr_address, c->source.b, 4);
	if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)) ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof(group)))
		return -errno;
	set_int(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
	set_int(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
	return set_int(fd, IPPROTO_IP, IP_MULTICAST_TTL, c->ttl ? c->ttl : 1);
}

static int join_group6(int fd, const struct peer_socket_conf *c, int ifindex)
{
	struct ipv6_mreq group = {.ipv6mr_interface = (unsigned)ifindex};

	memcpy(&group.ipv6mr_multiaddr, c->group.b, 16);
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &group, sizeof(group)))
		return -errno;
	set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, ifindex);
	set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
	set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
	return set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, c->ttl ? c->ttl : 1);
}

/*
 * A multicast socket is bound to no address: the group's datagrams and the answers sent to this
 * host alone come in by the same socket, and only from its interface.
 */
static int bind_socket(int fd, const struct peer_socket_conf *c)
{
	struct sockaddr_storage ss;
	struct addr any = {.family = (uint8_t)c->family};
	bool to_source = !is_multicast(c) && addr_is_set(&c->source);
	socklen_t len = addr_to_sockaddr(to_source ? &c->source : &any, c->port, &ss);

	return bind(fd, (struct sockaddr *)&ss, len) ? -errno : 0;
}

static int refuse_bind(const struct peer_socket_conf *c, int error, struct text *why)
{
	char source[ADDR_TEXT_MAX];

	if (error != EADDRNOTAVAIL)
		return refuse(why, error, "UDP port %u", c->port);
	text_set(why, "no interface has the address %s", addr_format(&c->source, source));
	return -error;
}

static int set_up(int fd, const struct peer_socket_conf *c, int ifindex, struct text *why)
{
	int error;

	if (c->family == AF_INET6)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	set_buffers(fd, c->buffer);
	set_int(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	/* One path may be bound to an interface and another to an address: both get what is theirs.
	 * Other users get no part in it. */
	set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (c->family == AF_INET)
		set_int(fd, IPPROTO_IP, IP_TOS, TOS_CS6);
	else
		set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, TOS_CS6);
	if (c->ifname[0] && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, c->ifname,
				       (socklen_t)strlen(c->ifname) + 1))
		return refuse(why, errno, "binding to interface %s", c->ifname);
	error = bind_socket(fd, c);
	if (error)
		return refuse_bind(c, -error, why);
	if (!is_multicast(c))
		return 0;
	error = c->family == AF_INET ? join_group4(fd, c, ifindex) : join_group6(fd, c, ifindex);
	return error ? refuse(why, -error, "multicast on %s", c->ifname) : 0;
}

int peer_socket_open(const struct peer_socket_conf *c, int *ret_fd, int *ret_ifindex,
		     struct text *ret_why)
{
	int fd, err, ifindex = 0;

	if (c->ifname[0]) {
		ifindex = (int)if_nametoindex(c->ifname);
		if (!ifindex)
			return refuse(ret_why, errno, "interface %s", c->ifname);
	} else if (is_multicast(c)) {
		return refuse(ret_why, EINVAL, "multicast without an interface");
	}
	fd = socket(c->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return refuse(ret_why, errno, "socket");
	err = set_up(fd, c, ifindex, ret_why);
	if (err) {
		close(fd);
		return err;
	}
	*ret_fd = fd;
	*ret_ifindex = ifindex;
	return 0;
}

socklen_t peer_socket_to(const struct addr *to, uint16_t port, int ifindex,
			 struct sockaddr_storage *ret)
{
	socklen_t len = addr_to_sockaddr(to, port, ret);

	if (to->family == AF_INET6 && (addr_is_link_local(to) || addr_is_multicast(to)))
		((struct sockaddr_in6 *)ret)->sin6_scope_id = (uint32_t)ifindex;
	return len;
}

void peer_socket_describe(const struct peer_socket_conf *c, struct text *ret)
{
	char text[ADDR_TEXT_MAX];

	text_set(ret, "%s%s%s %s port %u", c->ifname, c->ifname[0] ? " " : "",
		 is_multicast(c) ? "group" : "address",
		 addr_format(is_multicast(c) ? &c->group : &c->source, text), c->port);
}
