/* SPDX-License-Identifier: Apache-2.0 */
/* Pings one router: see witness.h. */
#include "vrrp/witness.h"

#include "core/peer_socket.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_AT_ONCE 64
#define ICMP_FILTER_ 1 /* <linux/icmp.h>, which does not go with netinet's */
#define TOS_CS6	     0xc0

/* Echo replies only. */
static int set_filter(int fd, int family)
{
	const uint32_t but_echo_reply = ~UINT32_C(1);
	struct icmp6_filter filter;

	if (family == AF_INET)
		return setsockopt(fd, SOL_RAW, ICMP_FILTER_, &but_echo_reply,
				  sizeof(but_echo_reply));
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
	return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter));
}

static void set_priority(int fd, int family)
{
	const int tos = TOS_CS6;

	if (family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
}

static int set_up(int fd, const struct addr *peer, int index, const char *ifname)
{
	struct sockaddr_storage ss;
	socklen_t len = peer_socket_to(peer, 0, index, &ss);

	if (set_filter(fd, peer->family) < 0)
		return -errno;
	set_priority(fd, peer->family);
	if (ifname[0] && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname,
				    (socklen_t)strlen(ifname) + 1) < 0)
		return -errno;
	/* From then on nobody else's answers come in. */
	return connect(fd, (struct sockaddr *)&ss, len) < 0 ? -errno : 0;
}

void witness_drain(struct witness *w)
{
	uint8_t bytes[256];

	for (int i = 0; w->fd >= 0 && i < READ_AT_ONCE; i++) {
		ssize_t n = recv(w->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		uint16_t seq;

		if (n < 0 && errno != ECONNREFUSED && errno != EHOSTUNREACH)
			return;
		if (n > 0 && ping_decode(w->family, &w->id, bytes, (size_t)n, &seq))
			w->answered(w, seq);
	}
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	witness_drain(io->data);
}

int witness_open(struct witness *w, struct ev_loop *loop, const struct addr *peer, int index,
		 const char *ifname, void (*answered)(struct witness *w, uint16_t seq))
{
	int fd = socket(peer->family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
			peer->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	int err;

	*w = (struct witness){
		.loop = loop, .fd = -1, .family = peer->family, .answered = answered};
	if (fd < 0)
		return -errno;
	err = set_up(fd, peer, index, ifname);
	if (!err && getrandom(&w->id, sizeof(w->id), 0) != (ssize_t)sizeof(w->id))
		err = -EIO;
	if (err) {
		close(fd);
		return err;
	}
	w->fd = fd;
	ev_io_init(&w->readable, on_readable, fd, EV_READ);
	w->readable.data = w;
	ev_io_start(loop, &w->readable);
	return 0;
}

void witness_close(struct witness *w)
{
	if (w->fd < 0)
		return;
	ev_io_stop(w->loop, &w->readable);
	close(w->fd);
	w->fd = -1;
}

void witness_ping(const struct witness *w, uint16_t seq)
{
	uint8_t bytes[PING_LEN];

	if (w->fd < 0)
		return;
	ping_encode(w->family, &w->id, seq, bytes);
	(void)!send(w->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
}
