/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP_CHECK: a connection that the server accepts within connect_timeout is a pass. Owns the
 * socket of one run. Five system calls: socket, connect, epoll_ctl, getsockopt, close; three when
 * the kernel knows the answer at once.
 */
#include "checkers/method.h"
#include "core/clock.h"

#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct tcp_probe {
	struct check_probe probe;
	int sock;
	int64_t started_us;
	ev_io writable;
	ev_timer deadline;
};

static void release(struct tcp_probe *t)
{
	if (t->sock < 0)
		return;
	ev_io_stop(t->probe.loop, &t->writable);
	ev_timer_stop(t->probe.loop, &t->deadline);
	close(t->sock);
	t->sock = -1;
}

static void finish(struct tcp_probe *t, struct check_result *result)
{
	result->latency_us = (uint32_t)(clock_now_us() - t->started_us);
	if (result->outcome == CHECK_PASS)
		text_set(&result->reason, "connected in %.1f ms", result->latency_us / 1000.0);
	release(t);
	t->probe.done(&t->probe, result);
}

/*
 * What connect() says, at once or later. Lack of something on this side teaches nothing of the
 * server: keepalived does not count it either.
 */
static void judge_error(int error, struct check_result *ret)
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

static void on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	struct tcp_probe *t = w->data;
	struct check_result result = {.outcome = CHECK_PASS};
	socklen_t size = sizeof(int);
	int error = 0;

	if (getsockopt(t->sock, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error)
		judge_error(error, &result);
	finish(t, &result);
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
	struct tcp_probe *t = w->data;
	struct check_result result = {.outcome = CHECK_FAIL};

	text_set(&result.reason, "no answer for %.3f s",
		 (double)t->probe.conf->connect_timeout_us / USEC_PER_SEC);
	finish(t, &result);
}

/* Everything before connect(). On an error *ret_what says what could not be done. */
static int set_options(int sock, const struct check *c, const char **ret_what)
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
	if (addr_is_set(&c->bind_address) && !c->bind_port &&
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

static int bind_source(int sock, const struct check *c)
{
	struct addr any = {.family = c->address.family};
	struct sockaddr_storage from;
	socklen_t size;

	if (!addr_is_set(&c->bind_address) && !c->bind_port)
		return 0;
	size = addr_to_sockaddr(addr_is_set(&c->bind_address) ? &c->bind_address : &any,
				c->bind_port, &from);
	set_scope(&from, c);
	return bind(sock, (struct sockaddr *)&from, size) < 0 ? -errno : 0;
}

static int open_socket(const struct check *c, const char **ret_what)
{
	int sock, err;

	*ret_what = "socket";
	sock = socket(c->address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (sock < 0)
		return -errno;
	err = set_options(sock, c, ret_what);
	if (!err)
		err = bind_source(sock, c);
	if (err) {
		close(sock);
		return err;
	}
	return sock;
}

static void refuse(struct tcp_probe *t, const char *what, int err)
{
	struct check_result result = {.outcome = CHECK_UNKNOWN};

	if (err == -EPERM && strcmp(what, "fwmark") == 0)
		text_set(&result.reason,
			 "fwmark %u can't be set: it needs CAP_NET_ADMIN, or Linux 5.17 and "
			 "CAP_NET_RAW",
			 t->probe.conf->fwmark);
	else
		text_set(&result.reason, "%s: %s", what, strerror(-err));
	t->probe.done(&t->probe, &result);
}

static void await(struct tcp_probe *t)
{
	int64_t timeout_us = t->probe.conf->connect_timeout_us;

	ev_io_init(&t->writable, on_writable, t->sock, EV_WRITE);
	ev_timer_init(&t->deadline, on_deadline, (double)timeout_us / USEC_PER_SEC, 0);
	t->writable.data = t;
	t->deadline.data = t;
	ev_io_start(t->probe.loop, &t->writable);
	ev_timer_start(t->probe.loop, &t->deadline);
}

static void tcp_start(struct check_probe *p)
{
	struct tcp_probe *t = (struct tcp_probe *)p;
	const struct check *c = p->conf;
	struct check_result result = {.outcome = CHECK_PASS};
	struct sockaddr_storage to;
	socklen_t size = addr_to_sockaddr(&c->address, c->port, &to);
	const char *what;

	t->started_us = clock_now_us();
	t->sock = open_socket(c, &what);
	if (t->sock < 0) {
		refuse(t, what, t->sock);
		return;
	}
	set_scope(&to, c);
	if (connect(t->sock, (struct sockaddr *)&to, size) < 0) {
		if (errno == EINPROGRESS) {
			await(t);
			return;
		}
		judge_error(errno, &result);
	}
	finish(t, &result);
}

static void tcp_cancel(struct check_probe *p)
{
	release((struct tcp_probe *)p);
}

const struct check_method_ops check_tcp_ops = {
	.probe_bytes = sizeof(struct tcp_probe),
	.start = tcp_start,
	.cancel = tcp_cancel,
};
