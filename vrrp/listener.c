/* SPDX-License-Identifier: Apache-2.0 */
/* Advertisements heard on a virtual-MAC interface: see listener.h. */
#include "vrrp/listener.h"

#include "core/must.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECEIVE_AT_ONCE 32
#define PACKET_MAX	(VRRP_PACKET_MAX + 60)

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

struct listener {
	struct vrrp_ports *ports;
	void *owner;
	int family;
	int sock;
	ev_io readable;
};

/* Decoding */

static uint16_t sum_of(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* RFC 791 §3.1. What Ethernet has padded is cut off; a VRRP message is never in fragments. */
static bool decode_ipv4(const uint8_t *packet, size_t len, struct vrrp_frame *f)
{
	struct iphdr ip;
	size_t head, total;

	if (len < sizeof(ip))
		return false;
	memcpy(&ip, packet, sizeof(ip));
	head = ip.ihl * 4u;
	total = ntohs(ip.tot_len);
	if (ip.version != 4 || head < sizeof(ip) || total < head || total > len)
		return false;
	if (sum_of(packet, head) != 0xffff || ip.protocol != VRRP_IP_PROTOCOL ||
	    ntohs(ip.frag_off) & (IP_MF | IP_OFFMASK))
		return false;
	f->ttl = ip.ttl;
	f->path.src = addr_from_bytes(AF_INET, &ip.saddr);
	f->path.dst = addr_from_bytes(AF_INET, &ip.daddr);
	f->bytes = packet + head;
	f->len = total - head;
	return true;
}

/* RFC 8200 §3. Nobody puts extension headers before a VRRP message. */
static bool decode_ipv6(const uint8_t *packet, size_t len, struct vrrp_frame *f)
{
	struct ip6_hdr ip;
	size_t payload;

	if (len < sizeof(ip))
		return false;
	memcpy(&ip, packet, sizeof(ip));
	payload = ntohs(ip.ip6_plen);
	if (ip.ip6_vfc >> 4 != 6 || ip.ip6_nxt != VRRP_IP_PROTOCOL || payload > len - sizeof(ip))
		return false;
	f->ttl = ip.ip6_hlim;
	f->path.src = addr_from_bytes(AF_INET6, &ip.ip6_src);
	f->path.dst = addr_from_bytes(AF_INET6, &ip.ip6_dst);
	f->bytes = packet + sizeof(ip);
	f->len = payload;
	return true;
}

bool listener_decode(int family, const uint8_t *packet, size_t len, struct vrrp_frame *ret)
{
	return family == AF_INET ? decode_ipv4(packet, len, ret) : decode_ipv6(packet, len, ret);
}

/* Receiving */

static void receive_one(struct listener *l, const struct mmsghdr *mm, const uint8_t *bytes)
{
	const struct sockaddr_ll *from = mm->msg_hdr.msg_name;
	struct vrrp_frame f = {.listened = true};

	if (mm->msg_hdr.msg_flags & MSG_TRUNC || from->sll_pkttype == PACKET_OUTGOING)
		return;
	if (listener_decode(l->family, bytes, mm->msg_len, &f))
		l->ports->receive(l->owner, &f);
}

void listener_drain(struct listener *l)
{
	static uint8_t bytes[RECEIVE_AT_ONCE][PACKET_MAX];
	struct sockaddr_ll from[RECEIVE_AT_ONCE];
	struct iovec iov[RECEIVE_AT_ONCE];
	struct mmsghdr mm[RECEIVE_AT_ONCE];
	int n;

	for (int i = 0; i < RECEIVE_AT_ONCE; i++) {
		iov[i] = (struct iovec){bytes[i], PACKET_MAX};
		mm[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &from[i],
						     .msg_namelen = sizeof(from[i]),
						     .msg_iov = &iov[i],
						     .msg_iovlen = 1}};
	}
	n = recvmmsg(l->sock, mm, RECEIVE_AT_ONCE, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		receive_one(l, &mm[i], bytes[i]);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	listener_drain(w->data);
}

/* Opening */

/* VRRP for this VRID; the rest costs nothing. */
static int set_filter(int sock, int family, uint8_t vrid)
{
	struct sock_filter ipv4[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, VRRP_IP_PROTOCOL, 0, 4),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 1),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, vrid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter ipv6[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, VRRP_IP_PROTOCOL, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 41),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, vrid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = {
		.filter = family == AF_INET ? ipv4 : ipv6,
		.len = family == AF_INET ? sizeof(ipv4) / sizeof(*ipv4)
					 : sizeof(ipv6) / sizeof(*ipv6),
	};

	if (setsockopt(sock, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		return -errno;
	return 0;
}

/* The group's frames pass the interface's filter, and nobody is told (RFC 1112 §6.4, 2464 §7). */
static int take_group(int sock, int index, const struct addr *group)
{
	struct packet_mreq mreq = {
		.mr_ifindex = index, .mr_type = PACKET_MR_MULTICAST, .mr_alen = 6};

	if (group->family == AF_INET) {
		memcpy(mreq.mr_address, (const uint8_t[]){0x01, 0x00, 0x5e}, 3);
		mreq.mr_address[3] = group->b[1] & 0x7f;
		memcpy(mreq.mr_address + 4, group->b + 2, 2);
	} else {
		memcpy(mreq.mr_address, (const uint8_t[]){0x33, 0x33}, 2);
		memcpy(mreq.mr_address + 2, group->b + 12, 4);
	}
	if (setsockopt(sock, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq, sizeof(mreq)) < 0)
		return -errno;
	return 0;
}

/* Bound last: before, it would take in all kinds of frames from all interfaces. */
static int set_up(int sock, int index, uint8_t vrid, const struct addr *group)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_ifindex = index};
	int on = 1, err = set_filter(sock, group->family, vrid);

	at.sll_protocol = htons(group->family == AF_INET ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	setsockopt(sock, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	err = err ? err : take_group(sock, index, group);
	if (!err && bind(sock, (struct sockaddr *)&at, sizeof(at)) < 0)
		err = -errno;
	return err;
}

int listener_open(struct vrrp_ports *ports, int index, uint8_t vrid, const struct addr *group,
		  void *owner, struct listener **ret)
{
	struct listener *l;
	int sock = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = sock < 0 ? -errno : set_up(sock, index, vrid, group);

	if (err) {
		if (sock >= 0)
			close(sock);
		return err;
	}
	l = must(calloc(1, sizeof(*l)));
	*l = (struct listener){
		.ports = ports, .owner = owner, .family = group->family, .sock = sock};
	ev_io_init(&l->readable, on_readable, sock, EV_READ);
	ev_set_priority(&l->readable, EV_MAXPRI); /* before timers, as port.c */
	l->readable.data = l;
	ev_io_start(ports->loop, &l->readable);
	*ret = l;
	return 0;
}

void listener_close(struct listener *l)
{
	if (!l)
		return;
	ev_io_stop(l->ports->loop, &l->readable);
	close(l->sock);
	free(l);
}
