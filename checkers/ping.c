/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PING_CHECK: an echo request that is replied to. By a ping socket where the kernel lets us
 * (net.ipv4.ping_group_range), else by a raw one, which takes CAP_NET_RAW.
 */
#include "checkers/datagram.h"
#include "checkers/icmp_echo.h"
#include "checkers/socket.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

/* Of linux/icmp.h, which does not go together with netinet/ip_icmp.h. */
#define ICMP_FILTER 1

/* A raw socket gets every ICMP packet of its peer: the kernel drops all but replies. */
static void filter(int sock, int family)
{
	const uint32_t all_but_reply = ~(UINT32_C(1) << ICMP_ECHOREPLY);
	struct icmp6_filter six;

	if (family == AF_INET) {
		setsockopt(sock, SOL_RAW, ICMP_FILTER, &all_but_reply, sizeof(all_but_reply));
		return;
	}
	ICMP6_FILTER_SETBLOCKALL(&six);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &six);
	setsockopt(sock, IPPROTO_ICMPV6, ICMP6_FILTER, &six, sizeof(six));
}

static int open_ping(struct datagram *d, struct text *ret_reason)
{
	const struct check *c = d->probe.conf;
	int protocol = c->address.family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	int sock = check_socket_open(c, SOCK_DGRAM, protocol, ret_reason);

	if (sock != -EACCES && sock != -EPERM)
		return sock;
	sock = check_socket_open(c, SOCK_RAW, protocol, ret_reason);
	if (sock < 0)
		return sock;
	d->raw = true;
	filter(sock, c->address.family);
	return sock;
}

static size_t ask(struct datagram *d, uint8_t *buf, size_t size)
{
	d->id = datagram_random();
	d->seq = datagram_random();
	icmp_echo_request(d->probe.conf->address.family, d->id, d->seq, buf);
	return ICMP_ECHO_LEN;
}

static bool judge(struct datagram *d, const uint8_t *at, size_t len, struct check_result *ret)
{
	int family = d->probe.conf->address.family;

	if (!icmp_echo_is_reply(family, d->id, d->seq, d->raw && family == AF_INET, !d->raw, at,
				len))
		return false;
	ret->outcome = CHECK_PASS;
	text_set(&ret->reason, "echo reply");
	return true;
}

static const struct datagram_ops ping = {
	.open = open_ping,
	.ask = ask,
	.judge = judge,
};

static void ping_start(struct check_probe *p)
{
	datagram_start((struct datagram *)p, &ping);
}

const struct check_method_ops check_ping_ops = {
	.probe_bytes = sizeof(struct datagram),
	.start = ping_start,
	.cancel = datagram_cancel,
};
