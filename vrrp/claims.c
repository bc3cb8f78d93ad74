/* SPDX-License-Identifier: Apache-2.0 */
/* Hears who claims an address of ours: see claims.h. */
#include "vrrp/claims.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FILTERED_MAX  1000 /* of the kernel's 4096 instructions, two each */
#define READ_AT_ONCE  64
#define HOP_LIMIT     255 /* RFC 4861 §7.1.2: from the link itself */
#define ARP_SENDER_AT 14  /* in the packet, which begins with the ARP header */
#define NA_TARGET_LOW 20  /* the last four bytes of the target, in the ICMPv6 message */

/* Passes packets whose word at `at` is one of the addresses' last four bytes. */
static int set_filter(int sock, uint32_t at, int family, const struct addr *list, uint32_t n)
{
	struct sock_filter code[2 * FILTERED_MAX + 2];
	struct sock_fprog prog = {.filter = code};
	const int none = 0;

	code[prog.len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at);
	for (uint32_t i = 0; i < n && n <= FILTERED_MAX; i++) {
		uint32_t word;

		if (list[i].family != family)
			continue;
		memcpy(&word, list[i].b + addr_len(&list[i]) - 4, sizeof(word));
		code[prog.len++] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(word), 0, 1);
		code[prog.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	}
	code[prog.len++] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, n > FILTERED_MAX ? UINT32_MAX : 0);
	/* The kernel has room for so much (net.core.optmem_max), and the former one is in it. Without
	 * any filter all comes in: whoever hears it knows what is ours. */
	setsockopt(sock, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none));
	if (setsockopt(sock, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		return errno == ENOMEM ? 0 : -errno;
	return 0;
}

int claims_want(struct claims *c, const struct addr *list, uint32_t n)
{
	int err = 0;

	if (c->arp >= 0)
		err = set_filter(c->arp, ARP_SENDER_AT, AF_INET, list, n);
	if (!err && c->na >= 0)
		err = set_filter(c->na, NA_TARGET_LOW, AF_INET6, list, n);
	return err;
}

static void on_arp(struct ev_loop *loop, ev_io *w, int events)
{
	struct claims *c = w->data;
	struct sockaddr_ll from;
	uint8_t bytes[64];

	for (int i = 0; i < READ_AT_ONCE; i++) {
		socklen_t size = sizeof(from);
		struct claim claim;
		ssize_t n = recvfrom(c->arp, bytes, sizeof(bytes), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &size);

		if (n < 0)
			return;
		claim.index = from.sll_ifindex;
		if (claim_read_arp(bytes, (size_t)n, &claim))
			c->heard(&claim);
	}
}

/* The hop limit and the interface that it came by; false: from beyond the link. */
static bool is_local(struct msghdr *mh, int *ret_index)
{
	int hops = 0;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(mh); cm; cm = CMSG_NXTHDR(mh, cm)) {
		struct in6_pktinfo info;

		if (cm->cmsg_level != IPPROTO_IPV6)
			continue;
		if (cm->cmsg_type == IPV6_HOPLIMIT)
			memcpy(&hops, CMSG_DATA(cm), sizeof(hops));
		if (cm->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info, CMSG_DATA(cm), sizeof(info));
			*ret_index = (int)info.ipi6_ifindex;
		}
	}
	return hops == HOP_LIMIT;
}

static void on_na(struct ev_loop *loop, ev_io *w, int events)
{
	struct claims *c = w->data;
	uint8_t bytes[256], control[128];

	for (int i = 0; i < READ_AT_ONCE; i++) {
		struct iovec iov = {bytes, sizeof(bytes)};
		struct msghdr mh = {.msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = control,
				    .msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(c->na, &mh, MSG_DONTWAIT);
		struct claim claim = {.index = 0};

		if (n < 0)
			return;
		if (is_local(&mh, &claim.index) && claim_read_na(bytes, (size_t)n, &claim))
			c->heard(&claim);
	}
}

static int open_arp(void)
{
	const int one = 1;
	int sock = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETHERTYPE_ARP)};

	if (sock < 0)
		return -errno;
	/* Our own go out in another way; older kernels (before 4.20) show them, with our MAC. */
	setsockopt(sock, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	if (set_filter(sock, ARP_SENDER_AT, AF_INET, NULL, 0) < 0 ||
	    bind(sock, (struct sockaddr *)&all, sizeof(all)) < 0) {
		int err = -errno;

		close(sock);
		return err;
	}
	return sock;
}

static int open_na(void)
{
	const int one = 1;
	int sock = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	struct icmp6_filter only;

	if (sock < 0)
		return -errno;
	ICMP6_FILTER_SETBLOCKALL(&only);
	ICMP6_FILTER_SETPASS(ND_NEIGHBOR_ADVERT, &only);
	if (set_filter(sock, NA_TARGET_LOW, AF_INET6, NULL, 0) < 0 ||
	    setsockopt(sock, IPPROTO_ICMPV6, ICMP6_FILTER, &only, sizeof(only)) < 0 ||
	    setsockopt(sock, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one)) < 0 ||
	    setsockopt(sock, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &one, sizeof(one)) < 0) {
		int err = -errno;

		close(sock);
		return err;
	}
	return sock;
}

static void start(struct claims *c, int sock, ev_io *w,
		  void (*readable)(struct ev_loop *loop, ev_io *w, int events))
{
	ev_io_init(w, readable, sock, EV_READ);
	ev_set_priority(w, EV_MINPRI);
	w->data = c;
	ev_io_start(c->loop, w);
}

int claims_open(struct claims *c, struct ev_loop *loop, void (*heard)(const struct claim *claim))
{
	*c = (struct claims){.loop = loop, .heard = heard, .arp = open_arp(), .na = open_na()};
	if (c->arp >= 0)
		start(c, c->arp, &c->on_arp, on_arp);
	if (c->na >= 0) /* a machine may be without IPv6 */
		start(c, c->na, &c->on_na, on_na);
	return c->arp < 0 ? c->arp : 0;
}
