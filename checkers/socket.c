/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets as a check's configuration wants them: see socket.h. */
#include "checkers/socket.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * What connect() says, at once or later. Lack of something on this side teaches nothing of the
 * server: keepalived does not count it either.
 */
void check_socket_judge(int error, struct check_result *ret)
{
	ret->outcome = CHECK_FAIL;
	switch (error) {
	case ECONNREFUSED:
		text_set(&ret->reason, "connection refused");
		break;
	case EHOSTUNREACH:
		text_set(&ret->reason, "no route to host");
		break;
	case ENETUNREACH:
		text_set(&ret->reason, "network is unreachable");
		break;
	case EPERM:
	case EACCES:
		text_set(&ret->reason, "the local firewall does not let it out");
		break;
	case EADDRNOTAVAIL:
		ret->outcome = CHECK_UNKNOWN;
		text_set(&ret->reason, "no free local port");
		break;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
		ret->outcome = CHECK_UNKNOWN;
		text_set(&ret->reason, "%s", strerror(error));
		break;
	default:
		text_set(&ret->reason, "%s", strerror(error));
	}
}

/* Everything before connect(). On an error *ret_what says what could not be done. */
static int set_options(int sock, int type, const struct check *c, const char **ret_what)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	const int one = 1;

	*ret_what = "bind_if";
	if (c->bind_ifname[0] && setsockopt(sock, SOL_SOCKET, SO_BINDTODEVICE, c->bind_ifname,
					    (socklen_t)strlen(c->bind_ifname)) < 0)
		return -errno;
	*ret_what = "fwmark";
	if (c->fwmark && setsockopt(sock, SOL_SOCKET, SO_MARK, &c->fwmark, sizeof(c->fwmark)) < 0)
		return -errno;
	*ret_what = "bind_port";
	/*
	 * A port of its own would be in TIME_WAIT at the next run. A reset on close avoids that;
	 * without bind_port the close is an ordinary one.
	 */
	if (c->bind_port &&
	    (setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	     setsockopt(sock, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) < 0))
		return -errno;
	*ret_what = "bindto";
	/* Let connect() choose the port: then one is free as long as it is free for this server. */
	if (type == SOCK_STREAM && (addr_is_set(&c->bind_address) || addr_is_set(&c->through)) &&
	    !c->bind_port &&
	    setsockopt(sock, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) < 0)
		return -errno;
	return 0;
}

static void set_scope(struct sockaddr_storage *at, const struct check *c)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)at;

	if (at->ss_family == AF_INET6 && c->bind_ifname[0] &&
	    IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
		in6->sin6_scope_id = if_nametoindex(c->bind_ifname);
}

/*
 * Through the service: not from its address, which the kernel would choose where it has it, but
 * from the one that the real server is reached from. 0 and the size, or -errno.
 */
static int own_address(const struct check *c, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	struct sockaddr_storage to;
	socklen_t size = addr_to_sockaddr(&c->through, c->port, &to);
	int sock = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (sock < 0)
		return -errno;
	*ret_size = sizeof(*ret);
	if (connect(sock, (struct sockaddr *)&to, size) < 0 ||
	    getsockname(sock, (struct sockaddr *)ret, ret_size) < 0)
		err = -errno;
	close(sock);
	if (err)
		return err;
	/* The port is the kernel's to choose, or bind_port. */
	((struct sockaddr_in *)ret)->sin_port = htons(c->bind_port);
	return 0;
}

static int bind_source(int sock, const struct check *c)
{
	struct addr any = {.family = c->address.family};
	struct sockaddr_storage from;
	socklen_t size;
	int err = 0;

	if (!addr_is_set(&c->bind_address) && !c->bind_port && !addr_is_set(&c->through))
		return 0;
	/* Behind a tunnel a server may be of the other family: bindto decides, or the kernel. */
	if (!addr_is_set(&c->bind_address) && c->through.family == c->address.family) {
		err = own_address(c, &from, &size);
	} else {
		size = addr_to_sockaddr(addr_is_set(&c->bind_address) ? &c->bind_address : &any,
					c->bind_port, &from);
		set_scope(&from, c);
	}
	if (err)
		return err;
	return bind(sock, (struct sockaddr *)&from, size) < 0 ? -errno : 0;
}

static void explain(const struct check *c, const char *what, int err, struct text *ret)
{
	if (err == -EPERM && strcmp(what, "fwmark") == 0)
		text_set(ret,
			 "fwmark %u can't be set: it needs CAP_NET_ADMIN, or Linux 5.17 and "
			 "CAP_NET_RAW",
			 c->fwmark);
	else
		text_set(ret, "%s: %s", what, strerror(-err));
}

int check_socket_open(const struct check *c, int type, int protocol, struct text *ret_reason)
{
	const char *what = "socket";
	int sock, err;

	sock = socket(c->address.family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	err = sock < 0 ? -errno : set_options(sock, type, c, &what);
	if (!err)
		err = bind_source(sock, c);
	if (!err)
		return sock;
	explain(c, what, err, ret_reason);
	if (sock >= 0)
		close(sock);
	return err;
}

socklen_t check_socket_target(const struct check *c, struct sockaddr_storage *ret)
{
	socklen_t size = addr_to_sockaddr(&c->address, c->port, ret);

	set_scope(ret, c);
	return size;
}
