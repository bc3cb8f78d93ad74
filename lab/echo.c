/* SPDX-License-Identifier: Apache-2.0 */
/*
 * echo: the lab's real server. Sends back what it gets, over TCP and UDP, IPv4 and IPv6, on one
 * port, from the very address that was asked (with direct routing that is the virtual address).
 * A TCP peer that does not read what it asked for is cut off: there are no write queues here.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lab/traffic.h"

enum { TAG_STOP, TAG_LISTEN, TAG_UDP, TAG_SESSION };

static uint64_t tag(int kind, int fd)
{
	return (uint64_t)kind << 32 | (uint32_t)fd;
}

static int socket_bind(int type, uint16_t port)
{
	struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, off = 0;

	if (fd < 0)
		die("socket: %m");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die("bind port %u: %m", port);
	return fd;
}

static void sessions_accept(int epfd, int fd)
{
	int s;

	while ((s = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		epoll_watch(epfd, s, EPOLLIN, tag(TAG_SESSION, s));
}

static void session_echo(int fd)
{
	char buf[4096];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || send(fd, buf, (size_t)n, MSG_NOSIGNAL) != n)
		close(fd);
}

/* The control message that came in names the address asked; sent back as is, it becomes the source.
 */
static void datagrams_echo(int fd)
{
	char buf[2048], control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct sockaddr_in6 peer;
	struct iovec iov = {.iov_base = buf};
	struct msghdr msg = {
		.msg_name = &peer, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
	struct cmsghdr *cmsg;
	ssize_t n;

	for (;;) {
		iov.iov_len = sizeof(buf);
		msg.msg_namelen = sizeof(peer);
		msg.msg_controllen = sizeof(control);
		n = recvmsg(fd, &msg, 0);
		if (n < 0)
			return;
		/* By any interface: the way in through a director is not the way out. */
		for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg))
			((struct in6_pktinfo *)CMSG_DATA(cmsg))->ipi6_ifindex = 0;
		iov.iov_len = (size_t)n;
		sendmsg(fd, &msg, MSG_NOSIGNAL);
	}
}

static void usage(void)
{
	fprintf(stderr, "usage: echo -p PORT\n");
	exit(2);
}

int main(int argc, char **argv)
{
	struct epoll_event ev[64];
	int epfd, tcp, udp, opt, on = 1;
	uint16_t port = 0;

	while ((opt = getopt(argc, argv, "p:")) != -1) {
		if (opt != 'p')
			usage();
		port = (uint16_t)number_parse("-p", optarg, 1, 65535);
	}
	if (!port || optind != argc)
		usage();

	epfd = epoll_open();
	epoll_watch(epfd, stop_fd_open(), EPOLLIN, tag(TAG_STOP, 0));
	tcp = socket_bind(SOCK_STREAM, port);
	if (listen(tcp, 1024) < 0)
		die("listen: %m");
	epoll_watch(epfd, tcp, EPOLLIN, tag(TAG_LISTEN, tcp));
	udp = socket_bind(SOCK_DGRAM, port);
	setsockopt(udp, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	epoll_watch(epfd, udp, EPOLLIN, tag(TAG_UDP, udp));
	printf("ready\n");
	fflush(stdout);

	for (;;) {
		int i, n = epoll_wait(epfd, ev, 64, -1);

		for (i = 0; i < n; i++) {
			int fd = (int)(uint32_t)ev[i].data.u64;

			switch (ev[i].data.u64 >> 32) {
			case TAG_STOP:
				return 0;
			case TAG_LISTEN:
				sessions_accept(epfd, fd);
				break;
			case TAG_UDP:
				datagrams_echo(fd);
				break;
			case TAG_SESSION:
				session_echo(fd);
				break;
			}
		}
	}
}
