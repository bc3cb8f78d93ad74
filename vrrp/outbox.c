/* SPDX-License-Identifier: Apache-2.0 */
/* Packets on their way out: see outbox.h. */
#include "vrrp/outbox.h"

#include "core/must.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct control {
	_Alignas(struct cmsghdr) char
		bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

struct outbox_packet {
	int sock;
	bool sent;
	void *ctx;
	struct sockaddr_storage to;
	struct iovec iov;
	struct control control;
	struct msghdr head;
};

static size_t put_control(struct control *control, size_t at, int level, int type, const void *data,
			  size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)(control->bytes + at);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	return at + CMSG_SPACE(len);
}

static size_t put_control4(struct control *control, const struct outbox_to *to)
{
	struct in_pktinfo info = {.ipi_ifindex = to->index};
	size_t at;

	memcpy(&info.ipi_spec_dst, to->src.b, 4);
	at = put_control(control, 0, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	return put_control(control, at, IPPROTO_IP, IP_TTL, &to->ttl, sizeof(to->ttl));
}

static size_t put_control6(struct control *control, const struct outbox_to *to)
{
	struct in6_pktinfo info = {.ipi6_ifindex = (unsigned)to->index};
	size_t at;

	memcpy(&info.ipi6_addr, to->src.b, 16);
	at = put_control(control, 0, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	return put_control(control, at, IPPROTO_IPV6, IPV6_HOPLIMIT, &to->ttl, sizeof(to->ttl));
}

static void address(struct outbox_packet *p, const struct outbox_to *to)
{
	bool v6 = to->dst.family == AF_INET6;

	p->head = (struct msghdr){
		.msg_name = &p->to, .msg_iov = &p->iov, .msg_iovlen = 1, .msg_control = &p->control};
	p->head.msg_namelen = addr_to_sockaddr(&to->dst, 0, &p->to);
	if (v6)
		((struct sockaddr_in6 *)&p->to)->sin6_scope_id = (unsigned)to->index;
	p->head.msg_controllen =
		v6 ? put_control6(&p->control, to) : put_control4(&p->control, to);
}

void outbox_put(struct outbox *box, const struct outbox_to *to, const void *bytes, size_t len,
		void *ctx)
{
	struct outbox_packet *p;

	assert(len <= OUTBOX_BYTES);
	if (!box->packets) {
		box->packets = must(calloc(OUTBOX_PACKETS, sizeof(*box->packets)));
		box->bytes = must(malloc(OUTBOX_BYTES));
	}
	if (box->n == OUTBOX_PACKETS || OUTBOX_BYTES - box->used < len)
		outbox_flush(box);
	p = &box->packets[box->n++];
	p->sock = to->sock;
	p->sent = false;
	p->ctx = ctx;
	p->iov = (struct iovec){memcpy(box->bytes + box->used, bytes, len), len};
	box->used += len;
	address(p, to);
}

/* All for the socket of the first, in their order; what the kernel refuses is passed over. */
static void send_alike(struct outbox *box, unsigned first)
{
	struct mmsghdr list[OUTBOX_PACKETS];
	struct outbox_packet *whose[OUTBOX_PACKETS];
	unsigned n = 0;

	for (unsigned i = first; i < box->n; i++) {
		struct outbox_packet *p = &box->packets[i];

		if (p->sent || p->sock != box->packets[first].sock)
			continue;
		p->sent = true;
		whose[n] = p;
		list[n++] = (struct mmsghdr){.msg_hdr = p->head};
	}
	for (unsigned at = 0; at < n;) {
		int done = sendmmsg(whose[0]->sock, list + at, n - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		struct addr dst;

		if (done > 0) {
			at += (unsigned)done;
			continue;
		}
		addr_from_sockaddr((struct sockaddr *)&whose[at]->to, &dst, NULL);
		box->failed(whose[at++]->ctx, &dst, -errno);
	}
}

void outbox_flush(struct outbox *box)
{
	for (unsigned i = 0; i < box->n; i++)
		if (!box->packets[i].sent)
			send_alike(box, i);
	box->n = 0;
	box->used = 0;
}

void outbox_done(struct outbox *box)
{
	free(box->packets);
	free(box->bytes);
	box->packets = NULL;
	box->bytes = NULL;
}
