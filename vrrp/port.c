/* SPDX-License-Identifier: Apache-2.0 */
/* Raw VRRP sockets: see port.h. */
#include "vrrp/port.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECEIVE_AT_ONCE	 32
#define RECEIVE_ROUNDS	 4
#define FRAME_MAX	 (VRRP_PACKET_MAX + 60)
#define TOS_INTERNETWORK 0xc0 /* as keepalived, and RFC 791's "internetwork control" */
#define TC_PRIO_CONTROL	 7
#define RECEIVE_BUFFER	 (512 << 10)

struct vrrp_port {
	struct vrrp_ports *ports;
	struct vrrp_port *next;
	int index;
	int family;
	int sock;
	unsigned users;
	unsigned unicast_users;
	ev_io readable;
	void *owner[256];
	bool unicast[256];
};

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

/*
 * Packets to the host itself are let through where a unicast instance wants them: those may come
 * from anywhere in the world, multicast only from the link.
 */
static unsigned short put_multicast_only(int family, struct sock_filter *code)
{
	const struct sock_filter ipv4[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_NET_OFF + 16),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xe0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_filter ipv6[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_NET_OFF + 24),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xff, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	memcpy(code, family == AF_INET ? ipv4 : ipv6, sizeof(ipv4));
	return sizeof(ipv4) / sizeof(ipv4[0]);
}

/* The VRID. An IPv4 raw socket sees the IP header, an IPv6 one does not. */
static unsigned short put_load_vrid(int family, struct sock_filter *code)
{
	unsigned short n = 0;

	if (family == AF_INET)
		code[n++] = (struct sock_filter)BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0);
	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_B | (family == AF_INET ? BPF_IND : BPF_ABS), 1);
	return n;
}

/* Accepts the VRIDs that have an owner. */
static int set_filter(struct vrrp_port *p)
{
	struct sock_filter code[256 + 8];
	struct sock_fprog prog = {.filter = code};
	unsigned short n = 0;
	unsigned left = p->users;

	if (!p->unicast_users)
		n += put_multicast_only(p->family, code);
	n += put_load_vrid(p->family, code + n);
	for (unsigned vrid = 1; vrid < 256; vrid++) {
		if (!p->owner[vrid])
			continue;
		/* To the accepting return, which stands behind the refusing one. */
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, vrid,
							 (uint8_t)left, 0);
		left--;
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, p->ports->unknown ? UINT32_MAX : 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	prog.len = n;
	if (setsockopt(p->sock, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		return -errno;
	return 0;
}

struct option {
	int level;
	int name;
	int value;
};

static int set_options(int sock, int family)
{
	static const struct option ipv4[] = {
		{IPPROTO_IP, IP_MULTICAST_LOOP, 0}, {IPPROTO_IP, IP_MULTICAST_TTL, VRRP_TTL},
		{IPPROTO_IP, IP_MULTICAST_ALL, 0},  {IPPROTO_IP, IP_TOS, TOS_INTERNETWORK},
		{IPPROTO_IP, IP_FREEBIND, 1},	    {SOL_SOCKET, SO_PRIORITY, TC_PRIO_CONTROL},
	};
	static const struct option ipv6[] = {
		{IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0},
		{IPPROTO_IPV6, IPV6_MULTICAST_HOPS, VRRP_TTL},
		{IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0},
		{IPPROTO_IPV6, IPV6_TCLASS, TOS_INTERNETWORK},
		{IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1},
		{IPPROTO_IPV6, IPV6_RECVPKTINFO, 1},
		/* A virtual-MAC interface sends from its base's address. */
		{IPPROTO_IPV6, IPV6_FREEBIND, 1},
		{SOL_SOCKET, SO_PRIORITY, TC_PRIO_CONTROL},
	};
	const struct option *o = family == AF_INET ? ipv4 : ipv6;
	size_t n = family == AF_INET ? sizeof(ipv4) / sizeof(*o) : sizeof(ipv6) / sizeof(*o);

	for (; n--; o++)
		if (setsockopt(sock, o->level, o->name, &o->value, sizeof(o->value)) < 0)
			return -errno;
	return 0;
}

static int bind_to_interface(int sock, int family, int index)
{
	struct ip_mreqn out4 = {.imr_ifindex = index};
	int err;

	if (!index)
		return 0;
	if (setsockopt(sock, SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof(index)) < 0)
		return -errno;
	if (family == AF_INET)
		err = setsockopt(sock, IPPROTO_IP, IP_MULTICAST_IF, &out4, sizeof(out4));
	else
		err = setsockopt(sock, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index));
	return err < 0 ? -errno : 0;
}

/* Receiving */

static void read_control(struct msghdr *mh, struct vrrp_frame *f)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		struct in6_pktinfo info;

		if (c->cmsg_level != IPPROTO_IPV6)
			continue;
		if (c->cmsg_type == IPV6_HOPLIMIT)
			memcpy(&f->ttl, CMSG_DATA(c), sizeof(f->ttl));
		if (c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			f->path.dst = addr_from_bytes(AF_INET6, &info.ipi6_addr);
		}
	}
}

/* Takes the IP header off. False: nonsense that the kernel would hardly let through. */
static bool read_ipv4_header(struct vrrp_frame *f)
{
	struct iphdr ip;
	size_t len;

	if (f->len < sizeof(ip))
		return false;
	memcpy(&ip, f->bytes, sizeof(ip));
	len = ip.ihl * 4u;
	if (len < sizeof(ip) || len > f->len)
		return false;
	f->ttl = ip.ttl;
	f->path.src = addr_from_bytes(AF_INET, &ip.saddr);
	f->path.dst = addr_from_bytes(AF_INET, &ip.daddr);
	f->bytes += len;
	f->len -= len;
	return true;
}

static void receive_one(struct vrrp_port *p, struct mmsghdr *mm, const uint8_t *bytes)
{
	struct msghdr *mh = &mm->msg_hdr;
	struct vrrp_frame f = {.bytes = bytes, .len = mm->msg_len, .ttl = -1};
	void *owner;

	if (mh->msg_flags & MSG_TRUNC)
		return;
	if (p->family == AF_INET) {
		if (!read_ipv4_header(&f))
			return;
	} else {
		read_control(mh, &f);
		addr_from_sockaddr(mh->msg_name, &f.path.src, NULL);
	}
	owner = f.len > 1 ? p->owner[f.bytes[1]] : NULL;
	if (owner)
		p->ports->receive(owner, &f);
	else if (p->ports->unknown && f.len > 1)
		p->ports->unknown(&f);
}

void vrrp_port_drain(struct vrrp_port *p)
{
	static uint8_t bytes[RECEIVE_AT_ONCE][FRAME_MAX];
	static union control control[RECEIVE_AT_ONCE];
	struct sockaddr_storage from[RECEIVE_AT_ONCE];
	struct iovec iov[RECEIVE_AT_ONCE];
	struct mmsghdr mm[RECEIVE_AT_ONCE];
	int n = RECEIVE_AT_ONCE;

	for (int round = 0; round < RECEIVE_ROUNDS && n == RECEIVE_AT_ONCE; round++) {
		for (int i = 0; i < RECEIVE_AT_ONCE; i++) {
			iov[i] = (struct iovec){bytes[i], FRAME_MAX};
			mm[i] = (struct mmsghdr){
				.msg_hdr = {.msg_name = &from[i],
					    .msg_namelen = sizeof(from[i]),
					    .msg_iov = &iov[i],
					    .msg_iovlen = 1,
					    .msg_control = &control[i],
					    .msg_controllen = sizeof(control[i])},
			};
		}
		n = recvmmsg(p->sock, mm, RECEIVE_AT_ONCE, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++)
			receive_one(p, &mm[i], bytes[i]);
	}
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	vrrp_port_drain(w->data);
}

/* Sending */

void vrrp_port_send(struct vrrp_port *p, const struct vrrp_path *path, int ttl, const void *bytes,
		    size_t len)
{
	const uint8_t *vrid = (const uint8_t *)bytes + 1;
	struct outbox_to to = {.sock = p->sock,
			       .index = p->index,
			       .src = path->src,
			       .dst = path->dst,
			       .ttl = ttl};

	outbox_put(&p->ports->outbox, &to, bytes, len, p->owner[*vrid]);
}

static void on_prepare(struct ev_loop *loop, ev_prepare *w, int events)
{
	outbox_flush(w->data);
}

/* Opening and closing */

/* Room for what a flood brings between two looks; more than the system's limit where we may. */
static void set_buffer(int sock)
{
	int bytes = RECEIVE_BUFFER;

	if (setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

void vrrp_ports_open(struct vrrp_ports *ports)
{
	ports->outbox.failed = ports->failed;
	ev_prepare_init(&ports->prepare, on_prepare);
	ports->prepare.data = &ports->outbox;
	ev_prepare_start(ports->loop, &ports->prepare);
}

static struct vrrp_port *port_find(struct vrrp_ports *ports, int index, int family)
{
	struct vrrp_port *p = ports->list;

	while (p && (p->index != index || p->family != family))
		p = p->next;
	return p;
}

static int port_open(struct vrrp_ports *ports, int index, int family, struct vrrp_port **ret)
{
	struct vrrp_port *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	*p = (struct vrrp_port){.ports = ports, .index = index, .family = family};
	p->sock = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, VRRP_IP_PROTOCOL);
	err = p->sock < 0 ? -errno : set_filter(p);
	err = err ? err : bind_to_interface(p->sock, family, index);
	err = err ? err : set_options(p->sock, family);
	if (err) {
		if (p->sock >= 0)
			close(p->sock);
		free(p);
		return err;
	}
	set_buffer(p->sock);
	ev_io_init(&p->readable, on_readable, p->sock, EV_READ);
	/* What was heard counts before the timers that it may reset. */
	ev_set_priority(&p->readable, EV_MAXPRI);
	p->readable.data = p;
	ev_io_start(ports->loop, &p->readable);
	p->next = ports->list;
	ports->list = p;
	*ret = p;
	return 0;
}

void vrrp_ports_update(struct vrrp_ports *ports)
{
	for (struct vrrp_port *p = ports->list; p; p = p->next)
		set_filter(p);
}

static void port_close(struct vrrp_port *p)
{
	struct vrrp_port **at = &p->ports->list;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	ev_io_stop(p->ports->loop, &p->readable);
	close(p->sock);
	free(p);
}

int vrrp_port_enter(struct vrrp_ports *ports, int index, int family, uint8_t vrid, bool unicast,
		    void *owner, struct vrrp_port **ret)
{
	struct vrrp_port *p = port_find(ports, index, family);
	int err = p ? 0 : port_open(ports, index, family, &p);

	if (err)
		return err;
	if (p->owner[vrid])
		return -EADDRINUSE;
	p->owner[vrid] = owner;
	p->unicast[vrid] = unicast;
	p->users++;
	p->unicast_users += unicast;
	err = set_filter(p);
	if (err) {
		vrrp_port_leave(p, vrid);
		return err;
	}
	*ret = p;
	return 0;
}

void vrrp_port_leave(struct vrrp_port *p, uint8_t vrid)
{
	outbox_flush(&p->ports->outbox); /* of this owner's last words */
	p->owner[vrid] = NULL;
	p->unicast_users -= p->unicast[vrid];
	if (--p->users == 0)
		port_close(p);
	else
		set_filter(p);
}

int vrrp_port_join(struct vrrp_port *p, const struct addr *group)
{
	struct ip_mreqn mreq4 = {.imr_ifindex = p->index};
	struct ipv6_mreq mreq6 = {.ipv6mr_interface = (unsigned)p->index};
	int err;

	memcpy(&mreq4.imr_multiaddr, group->b, 4);
	memcpy(&mreq6.ipv6mr_multiaddr, group->b, 16);
	if (p->family == AF_INET)
		err = setsockopt(p->sock, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq4, sizeof(mreq4));
	else
		err = setsockopt(p->sock, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &mreq6, sizeof(mreq6));
	return err < 0 && errno != EADDRINUSE ? -errno : 0;
}
