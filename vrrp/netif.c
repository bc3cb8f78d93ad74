/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interfaces and addresses of the kernel: see netif.h. Spoken with libmnl rather than libnl: a
 * batch of requests in one send, with errors matched by sequence number, is plain there.
 */
#include "vrrp/netif.h"

#include "core/must.h"
#include "vrrp/debounce.h"
#include "vrrp/link.h"
#include "vrrp/neigh.h"
#include "vrrp/stopgap.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/* In one system call: a millisecond or few, for which no advertisement can leave. */
#define BATCH_MESSAGES	 128
#define REQUEST_MAX	 256
#define BUFFER_BYTES	 32768
#define EVENT_SOCK_BYTES (1 << 20)
/* While somebody changes interfaces and addresses all the time. */
#define DUMP_TRIES    5
#define DUMP_AGAIN_US (100 * USEC_PER_MSEC)
/* Each event is a datagram of its own, and addresses come by the hundred. */
#define EVENTS_AT_ONCE 32
#define EVENT_BYTES    4096

struct netif_events {
	struct mmsghdr list[EVENTS_AT_ONCE];
	struct iovec iov[EVENTS_AT_ONCE];
	char bytes[EVENTS_AT_ONCE][EVENT_BYTES];
};

static void *grow(void *array, size_t n, size_t *cap, size_t size)
{
	void *moved;

	if (n < *cap)
		return array;
	*cap = *cap ? *cap * 2 : 16;
	moved = must(realloc(array, *cap * size));
	return moved;
}

/* The cache */

const struct netif *netif_by_name(const struct netifs *n, const char *name)
{
	for (size_t i = 0; i < n->n; i++)
		if (strcmp(n->list[i].name, name) == 0)
			return &n->list[i];
	return NULL;
}

const struct netif *netif_by_index(const struct netifs *n, int index)
{
	for (size_t i = 0; i < n->n; i++)
		if (n->list[i].index == index)
			return &n->list[i];
	return NULL;
}

static struct netif_addr **bucket_of(const struct netifs *n, int index, const struct addr *a)
{
	uint32_t hash = (uint32_t)index;

	for (unsigned i = 0; i < sizeof(a->b); i++)
		hash = hash * 31 + a->b[i];
	return (struct netif_addr **)&n->bucket[hash % NETIF_BUCKETS];
}

static struct netif_addr **addr_place(const struct netifs *n, int index, const struct addr *address)
{
	struct netif_addr **at = bucket_of(n, index, address);

	while (*at && ((*at)->index != index || !addr_equal(&(*at)->address, address)))
		at = &(*at)->chain;
	return at;
}

const struct netif_addr *netif_find_addr(const struct netifs *n, int index,
					 const struct addr *address)
{
	return *addr_place(n, index, address);
}

static void addr_forget(struct netifs *n, int index, const struct addr *address)
{
	struct netif_addr **at = addr_place(n, index, address);
	struct netif_addr *a = *at;

	if (!a)
		return;
	*at = a->chain;
	*(a->prev ? &a->prev->next : &n->first) = a->next;
	*(a->next ? &a->next->prev : &n->last) = a->prev;
	free(a);
}

static struct netif_addr *addr_append(struct netifs *n)
{
	struct netif_addr *a = must(calloc(1, sizeof(*a)));

	a->prev = n->last;
	*(n->last ? &n->last->next : &n->first) = a;
	n->last = a;
	return a;
}

/* What is known already keeps its place in the order. */
static void addr_note(struct netifs *n, const struct netif_addr *got)
{
	struct netif_addr **at = addr_place(n, got->index, &got->address);

	if (!*at) {
		*at = addr_append(n);
		(*at)->index = got->index;
		(*at)->address = got->address;
	}
	(*at)->prefixlen = got->prefixlen;
	(*at)->peer = got->peer;
	(*at)->usable = got->usable;
	(*at)->routed |= got->routed;
	(*at)->ours = got->ours;
}

static void link_forget(struct netifs *n, int index)
{
	struct netif *l = (struct netif *)netif_by_index(n, index);

	n->links_gen++;
	if (l)
		*l = n->list[--n->n];
	for (struct netif_addr *a = n->first, *next; a; a = next) {
		next = a->next;
		if (a->index == index)
			addr_forget(n, index, &a->address);
	}
}

/* One timer for all: it is set for the first of them. */
static void arm_settle(struct netifs *n)
{
	int64_t now_us = clock_now_us(), first_us = n->torn ? now_us + DUMP_AGAIN_US : 0;

	for (size_t i = 0; i < n->n; i++)
		if (n->list[i].turns_us && (!first_us || n->list[i].turns_us < first_us))
			first_us = n->list[i].turns_us;
	ev_timer_stop(n->loop, &n->settle);
	if (!first_us)
		return;
	ev_now_update(n->loop);
	ev_timer_set(&n->settle, (double)(first_us - now_us) / USEC_PER_SEC + 0.001, 0);
	ev_timer_start(n->loop, &n->settle);
}

/* What was asked over the link while it was down is asked anew by whoever wants it now. */
static void link_turn(struct netif *l, int64_t now_us)
{
	struct debounce d = {l->up, l->turns_us};

	if (debounce_turn(&d, now_us) && d.up)
		neigh_forget_unanswered(l->index);
	l->up = d.up;
	l->turns_us = d.turns_us;
}

static int dump_all(struct netifs *n);

static void on_settle(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct netifs *n = w->data;
	int64_t now_us = clock_now_us();

	if (n->torn)
		dump_all(n);
	for (size_t i = 0; i < n->n; i++)
		link_turn(&n->list[i], now_us);
	arm_settle(n);
	n->changed(n->ctx);
}

/* One that we made goes with its base, and needs no time of its own. */
static int64_t delay_of(const struct netifs *n, const struct netif *l)
{
	int64_t least_us = l->up ? NETIF_SETTLE_US : 0;

	for (size_t i = 0; i < n->n_delays; i++) {
		const struct netif_delay *d = &n->delays[i];
		int64_t own_us = l->up ? d->up_us : d->down_us;

		if (strcmp(d->name, l->name) == 0)
			return own_us > least_us ? own_us : least_us;
	}
	return l->ours ? 0 : least_us;
}

void netifs_set_delays(struct netifs *n, struct netif_delay *delays, size_t count)
{
	free(n->delays);
	n->delays = delays;
	n->n_delays = count;
}

static void link_note(struct netifs *n, struct netif *l)
{
	struct netif *known = (struct netif *)netif_by_index(n, l->index);
	struct debounce d;

	if (known) {
		d = (struct debounce){known->up, known->turns_us};
		debounce_note(&d, l->up, delay_of(n, l), clock_now_us());
		l->up = d.up;
		l->turns_us = d.turns_us;
	} else {
		n->list = grow(n->list, n->n, &n->cap, sizeof(*l));
		known = &n->list[n->n++];
		n->links_gen++;
	}
	*known = *l;
	if (l->turns_us)
		arm_settle(n);
}

/* Messages */

static void on_link(struct netifs *n, const struct nlmsghdr *h)
{
	struct netif l;

	if (!link_read(h, &l))
		return;
	if (h->nlmsg_type == RTM_DELLINK)
		link_forget(n, l.index);
	else
		link_note(n, &l);
}

/* Most of what the kernel tells is the echo of what we did ourselves. */
static bool addr_is_news(const struct netifs *n, const struct netif_addr *got, bool gone)
{
	const struct netif_addr *known = netif_find_addr(n, got->index, &got->address);

	if (gone || !known)
		return gone == (known != NULL);
	return known->prefixlen != got->prefixlen || known->usable != got->usable ||
	       known->ours != got->ours;
}

static void on_addr(struct netifs *n, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(h);
	struct netif_addr got = {
		.index = (int)info->ifa_index, .prefixlen = info->ifa_prefixlen, .routed = true};
	uint32_t flags = info->ifa_flags;
	unsigned len = info->ifa_family == AF_INET ? 4 : 16;
	struct addr local = {0};
	struct nlattr *a;

	if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)
		return;
	mnl_attr_for_each(a, h, sizeof(*info))
	{
		unsigned type = mnl_attr_get_type(a);

		if (type == IFA_FLAGS)
			flags = mnl_attr_get_u32(a);
		if (type == IFA_PROTO)
			got.ours = mnl_attr_get_u8(a) == NETIF_ADDR_PROTO;
		if ((type == IFA_LOCAL || type == IFA_ADDRESS) &&
		    mnl_attr_get_payload_len(a) == len)
			*(type == IFA_LOCAL ? &local : &got.address) =
				addr_from_bytes(info->ifa_family, mnl_attr_get_payload(a));
	}
	/* On a point-to-point link IFA_ADDRESS is the other end's. */
	if (addr_is_set(&local) && !addr_equal(&local, &got.address))
		got.peer = got.address;
	if (addr_is_set(&local))
		got.address = local;
	got.usable = !(flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) || flags & IFA_F_OPTIMISTIC;
	if (!addr_is_set(&got.address))
		return;
	n->news |= addr_is_news(n, &got, h->nlmsg_type == RTM_DELADDR);
	if (h->nlmsg_type == RTM_DELADDR)
		addr_forget(n, got.index, &got.address);
	else
		addr_note(n, &got);
}

static int on_message(const struct nlmsghdr *h, void *data)
{
	struct netifs *n = data;

	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		n->news = true;
		on_link(n, h);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		on_addr(n, h);
		break;
	}
	return MNL_CB_OK;
}

/* Hands over what the kernel answers, message by message, up to the one that take() calls the last:
 * by 1, or by an error, which is returned. */
static int read_answers(struct netifs *n, int (*take)(void *ctx, const struct nlmsghdr *h),
			void *ctx)
{
	char buf[BUFFER_BYTES];
	int end = 0;

	while (!end) {
		ssize_t got = mnl_socket_recvfrom(n->requests, buf, sizeof(buf));
		struct nlmsghdr *h = (struct nlmsghdr *)buf;
		int left = (int)got;

		if (got < 0)
			return -errno;
		for (; !end && mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
			end = take(ctx, h);
	}
	return end > 0 ? 0 : end;
}

struct dump {
	struct netifs *n;
	bool torn;
};

/*
 * To the end of the dump: the next request would get the rest. -EINTR: something changed meanwhile,
 * so it may lack what has not changed at all.
 */
static int take_dumped(void *ctx, const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
	struct dump *d = ctx;

	if (h->nlmsg_seq != d->n->seq)
		return 0;
	d->torn |= h->nlmsg_flags & NLM_F_DUMP_INTR;
	if (h->nlmsg_type == NLMSG_ERROR)
		return e->error ? e->error : 1;
	if (h->nlmsg_type == NLMSG_DONE)
		return d->torn ? -EINTR : 1;
	on_message(h, d->n);
	return 0;
}

static int dump(struct netifs *n, uint16_t type)
{
	char buf[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct ifinfomsg))];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct rtgenmsg *gen = mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	struct dump d = {.n = n};

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = ++n->seq;
	gen->rtgen_family = AF_UNSPEC;
	if (mnl_socket_sendto(n->requests, h, h->nlmsg_len) < 0)
		return -errno;
	return read_answers(n, take_dumped, &d);
}

static void forget_all(struct netifs *n)
{
	n->n = 0;
	n->news = true;
	while (n->first)
		addr_forget(n, n->first->index, &n->first->address);
}

/* What is torn even so, or could not be had, is looked at again from the loop. */
static int dump_all(struct netifs *n)
{
	int err = -EINTR;

	for (int i = 0; i < DUMP_TRIES && err == -EINTR; i++) {
		int links, addresses;

		forget_all(n);
		links = dump(n, RTM_GETLINK);
		addresses = dump(n, RTM_GETADDR);
		err = links ? links : addresses;
	}
	n->torn = err;
	arm_settle(n);
	return err == -EINTR ? 0 : err;
}

/* False: some of them did not fit. */
static bool take_events(struct netifs *n, int count)
{
	struct netif_events *e = n->buffer;

	for (int i = 0; i < count; i++) {
		if (e->list[i].msg_hdr.msg_flags & MSG_TRUNC)
			return false;
		mnl_cb_run(e->bytes[i], e->list[i].msg_len, 0, 0, on_message, n);
	}
	return true;
}

/* Whether there was anything. */
static bool take_in(struct netifs *n)
{
	struct netif_events *e = n->buffer;
	int fd = mnl_socket_get_fd(n->events), got;
	bool any = false, whole = true;

	while ((got = recvmmsg(fd, e->list, EVENTS_AT_ONCE, MSG_DONTWAIT, NULL)) > 0) {
		whole &= take_events(n, got);
		any = true;
	}
	if (errno != ENOBUFS && whole)
		return any;
	/* Events were lost: look at everything again. */
	dump_all(n);
	return true;
}

static void drop_stopgaps(struct netifs *n);

static void on_events(struct ev_loop *loop, ev_io *w, int revents)
{
	struct netifs *n = w->data;

	take_in(n);
	drop_stopgaps(n);
	if (!n->news)
		return;
	n->news = false;
	n->changed(n->ctx);
}

/* Whoever is told of changes is told of these, too: from the loop. */
void netifs_catch_up(struct netifs *n)
{
	if (take_in(n))
		ev_feed_event(n->loop, &n->readable, EV_READ);
}

static struct netif_events *events_new(void)
{
	struct netif_events *e = must(calloc(1, sizeof(*e)));

	for (int i = 0; i < EVENTS_AT_ONCE; i++) {
		e->iov[i] = (struct iovec){e->bytes[i], EVENT_BYTES};
		e->list[i].msg_hdr = (struct msghdr){.msg_iov = &e->iov[i], .msg_iovlen = 1};
	}
	return e;
}

static int open_events(struct netifs *n)
{
	int bytes = EVENT_SOCK_BYTES;
	unsigned groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;

	n->events = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (!n->events || mnl_socket_bind(n->events, groups, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	/* Beyond the system's limit where we may; the resync covers the rest. */
	if (setsockopt(mnl_socket_get_fd(n->events), SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
		       sizeof(bytes)) < 0)
		setsockopt(mnl_socket_get_fd(n->events), SOL_SOCKET, SO_RCVBUF, &bytes,
			   sizeof(bytes));
	ev_io_init(&n->readable, on_events, mnl_socket_get_fd(n->events), EV_READ);
	n->readable.data = n;
	ev_io_start(n->loop, &n->readable);
	return 0;
}

int netifs_open(struct netifs *n, struct ev_loop *loop, void (*changed)(void *ctx), void *ctx)
{
	int err;

	*n = (struct netifs){.changed = changed, .ctx = ctx, .loop = loop, .buffer = events_new()};
	n->requests = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!n->requests || mnl_socket_bind(n->requests, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	ev_init(&n->settle, on_settle);
	n->settle.data = n;
	/* Events first, dump second: nothing falls between them. */
	err = open_events(n);
	return err ? err : dump_all(n);
}

/* Changes */

int netifs_request(struct netifs *n, struct nlmsghdr *request)
{
	char buf[BUFFER_BYTES];
	ssize_t got;
	int err = 0;

	request->nlmsg_seq = ++n->seq;
	if (mnl_socket_sendto(n->requests, request, request->nlmsg_len) < 0)
		return -errno;
	got = mnl_socket_recvfrom(n->requests, buf, sizeof(buf));
	if (got < 0 || mnl_cb_run(buf, (size_t)got, n->seq, 0, NULL, NULL) < 0)
		err = -errno;
	netifs_catch_up(n);
	return err;
}

static void put_address(struct nlmsghdr *h, uint16_t type, const struct addr *a)
{
	if (addr_is_set(a))
		mnl_attr_put(h, type, addr_len(a), a->b);
}

static void put_new(struct nlmsghdr *h, const struct netif_change *c)
{
	const struct ifa_cacheinfo lifetime = {.ifa_prefered = c->preferred_lft_s,
					       .ifa_valid = UINT32_MAX};

	put_address(h, IFA_BROADCAST, &c->broadcast);
	if (c->label && c->label[0])
		mnl_attr_put_strz(h, IFA_LABEL, c->label);
	if (c->flags)
		mnl_attr_put_u32(h, IFA_FLAGS, c->flags);
	if (c->preferred_lft_s != UINT32_MAX)
		mnl_attr_put(h, IFA_CACHEINFO, sizeof(lifetime), &lifetime);
	mnl_attr_put_u8(h, IFA_PROTO, NETIF_ADDR_PROTO);
}

static void put_change(struct nlmsghdr *h, const struct netif_change *c)
{
	struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(h, sizeof(*info));

	h->nlmsg_type = c->add ? RTM_NEWADDR : RTM_DELADDR;
	info->ifa_family = c->address.family;
	info->ifa_prefixlen = c->prefixlen;
	info->ifa_scope = c->scope;
	info->ifa_index = (unsigned)c->index;
	put_address(h, IFA_LOCAL, &c->address);
	put_address(h, IFA_ADDRESS, addr_is_set(&c->peer) ? &c->peer : &c->address);
	if (c->add)
		put_new(h, c);
}

static void put_stopgap(struct nlmsghdr *h, const struct netif_change *c)
{
	stopgap_put(h, c->add, c->index, &c->address);
}

/* Already so is as good as done. */
static int harmless(const struct netif_change *c, int err)
{
	if (c->add && err == -EEXIST)
		return 0;
	if (!c->add && (err == -EADDRNOTAVAIL || err == -ENODEV))
		return 0;
	return err;
}

static void note_change(struct netifs *n, const struct netif_change *c)
{
	struct netif_addr a = {.index = c->index,
			       .address = c->address,
			       .peer = c->peer,
			       .prefixlen = c->prefixlen,
			       .usable = true,
			       .routed = c->address.family == AF_INET,
			       .ours = true};

	if (c->add)
		addr_note(n, &a);
	else
		addr_forget(n, c->index, &c->address);
}

typedef void put_fn(struct nlmsghdr *h, const struct netif_change *c);

struct batch {
	struct netif_change *changes;
	size_t count;
	uint32_t first; /* sequence number */
};

/* The last one's answer is the last. */
static int take_answer(void *ctx, const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
	const struct batch *b = ctx;
	uint32_t at = h->nlmsg_seq - b->first;

	if (h->nlmsg_type != NLMSG_ERROR || at >= b->count)
		return 0;
	b->changes[at].error = harmless(&b->changes[at], e->error);
	return at == b->count - 1;
}

/* Errors are answered in any case. */
static void put_request(struct mnl_nlmsg_batch *batch, const struct netif_change *c, put_fn *put,
			uint32_t seq, bool last)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(mnl_nlmsg_batch_current(batch));

	h->nlmsg_flags = last ? NLM_F_REQUEST | NLM_F_ACK : NLM_F_REQUEST;
	if (c->add)
		h->nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
	h->nlmsg_seq = seq;
	put(h, c);
	mnl_nlmsg_batch_next(batch);
}

static int apply_batch(struct netifs *n, struct netif_change *changes, size_t count, put_fn *put)
{
	char buf[BATCH_MESSAGES * REQUEST_MAX + REQUEST_MAX];
	struct mnl_nlmsg_batch *batch = mnl_nlmsg_batch_start(buf, sizeof(buf));
	struct batch b = {.changes = changes, .count = count, .first = n->seq + 1};
	int err = 0;

	for (size_t i = 0; i < count; i++) {
		changes[i].error = 0;
		put_request(batch, &changes[i], put, ++n->seq, i == count - 1);
	}
	if (mnl_socket_sendto(n->requests, mnl_nlmsg_batch_head(batch),
			      mnl_nlmsg_batch_size(batch)) < 0)
		err = -errno;
	mnl_nlmsg_batch_stop(batch);
	return err ? err : read_answers(n, take_answer, &b);
}

static int apply_all(struct netifs *n, struct netif_change *changes, size_t count, put_fn *put,
		     void (*breathe)(void *ctx), void *ctx)
{
	for (size_t at = 0; at < count; at += BATCH_MESSAGES) {
		size_t some = count - at < BATCH_MESSAGES ? count - at : BATCH_MESSAGES;
		int err;

		if (at && breathe)
			breathe(ctx);
		err = apply_batch(n, changes + at, some, put);
		if (err)
			return err;
	}
	return 0;
}

/* In a VRF the local route belongs to the table of that. */
static bool wants_stopgap(const struct netifs *n, const struct netif_change *c)
{
	const struct netif *nif = netif_by_index(n, c->index);

	return c->add && !c->error && c->address.family == AF_INET6 && c->flags & IFA_F_NODAD &&
	       nif && !nif->in_vrf && !netif_find_addr(n, c->index, &c->address);
}

/* Where the kernel refuses one there is nothing to do but to wait for its own. */
static void add_stopgaps(struct netifs *n, const struct netif_change *changes, size_t count,
			 void (*breathe)(void *ctx), void *ctx)
{
	size_t had = n->n_stopgaps;

	for (size_t i = 0; i < count; i++) {
		if (!wants_stopgap(n, &changes[i]))
			continue;
		n->stopgaps =
			grow(n->stopgaps, n->n_stopgaps, &n->cap_stopgaps, sizeof(*n->stopgaps));
		n->stopgaps[n->n_stopgaps++] = (struct netif_change){
			.add = true, .index = changes[i].index, .address = changes[i].address};
	}
	apply_all(n, n->stopgaps + had, n->n_stopgaps - had, put_stopgap, breathe, ctx);
}

/* Their address is routed by now, or gone. */
static void drop_stopgaps(struct netifs *n)
{
	size_t kept = 0, count = n->n_stopgaps;

	for (size_t i = 0; i < count; i++) {
		struct netif_change s = n->stopgaps[i];
		const struct netif_addr *a = netif_find_addr(n, s.index, &s.address);

		n->stopgaps[i].add = false;
		if (!a || a->routed)
			continue;
		n->stopgaps[i] = n->stopgaps[kept];
		n->stopgaps[kept++] = s;
	}
	apply_all(n, n->stopgaps + kept, count - kept, put_stopgap, NULL, NULL);
	n->n_stopgaps = kept;
}

int netifs_apply(struct netifs *n, struct netif_change *changes, size_t count,
		 void (*breathe)(void *ctx), void *ctx)
{
	int failed = 0, err = apply_all(n, changes, count, put_change, breathe, ctx);

	if (err)
		return err;
	add_stopgaps(n, changes, count, breathe, ctx);
	for (size_t i = 0; i < count; i++) {
		if (changes[i].error)
			failed++;
		else
			note_change(n, &changes[i]);
	}
	drop_stopgaps(n);
	return failed;
}
