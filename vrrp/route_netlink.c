/* SPDX-License-Identifier: Apache-2.0 */
/* Routes and rules of the kernel: see route_netlink.h. */
#include "vrrp/route_netlink.h"

#include "core/arena.h"
#include "core/must.h"
#include "vrrp/route_message.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH_MESSAGES	 64
#define BATCH_BYTES	 32768
#define RECEIVE_BYTES	 65536
#define EVENT_SOCK_BYTES (1 << 20)
#define EVENT_BYTES	 16384
/* Somebody who changes a whole table must not keep us from advertising. */
#define EVENTS_AT_ONCE 32

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

struct fib_netlink {
	struct nl_sock *requests;
	struct nl_sock *events;
	ev_io readable;
	bool protocols[256];
	bool watching;
	bool seen_change;
	void (*changed)(void *ctx);
	void *ctx;
};

/* What a dump puts its objects into. */
struct collector {
	struct fib_netlink *n;
	const struct netifs *netifs;
	struct arena *arena;
	struct fib_object *list;
	size_t n_list;
	size_t cap;
};

/* Batches */

struct answers {
	struct fib_op *ops;
	size_t n;
	uint32_t seqs[BATCH_MESSAGES];
	struct fib_op *sent[BATCH_MESSAGES];
	size_t n_sent;
	size_t answered;
};

/* Already so is as good as done. */
static int harmless(const struct fib_op *op, int err)
{
	if (op->verb == FIB_DELETE && (err == -ESRCH || err == -ENOENT))
		return 0;
	return op->verb != FIB_DELETE && err == -EEXIST ? 0 : err;
}

static void note_answer(struct answers *a, uint32_t seq, int err)
{
	for (size_t i = 0; i < a->n_sent; i++) {
		if (a->seqs[i] != seq)
			continue;
		a->sent[i]->error = harmless(a->sent[i], err);
		a->answered++;
	}
}

static int on_ack(struct nl_msg *msg, void *ctx)
{
	note_answer(ctx, nlmsg_hdr(msg)->nlmsg_seq, 0);
	return NL_OK;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *err, void *ctx)
{
	note_answer(ctx, err->msg.nlmsg_seq, err->error);
	return NL_SKIP;
}

static int any_sequence(struct nl_msg *msg, void *ctx)
{
	return NL_OK;
}

static int read_answers(struct fib_netlink *n, struct answers *a)
{
	struct nl_cb *cb = must(nl_cb_alloc(NL_CB_DEFAULT));
	int err = 0;

	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, any_sequence, NULL);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, a);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, a);
	while (a->answered < a->n_sent && err >= 0)
		err = nl_recvmsgs(n->requests, cb);
	nl_cb_put(cb);
	return err < 0 ? fib_errno(err) : 0;
}

int fib_netlink_apply(struct fib_netlink *n, const struct netifs *netifs, struct fib_op *ops,
		      size_t n_ops)
{
	struct answers a = {.ops = ops};
	char buf[BATCH_BYTES];
	size_t bytes = 0, i;
	int err;

	for (i = 0; i < n_ops && a.n_sent < BATCH_MESSAGES; i++) {
		struct nl_msg *msg = NULL;

		ops[i].error = fib_encode(&ops[i], netifs, &msg);
		if (ops[i].error)
			continue;
		nl_complete_msg(n->requests, msg);
		if (bytes + nlmsg_hdr(msg)->nlmsg_len > sizeof(buf)) {
			nlmsg_free(msg);
			break;
		}
		memcpy(buf + bytes, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
		bytes += NLMSG_ALIGN(nlmsg_hdr(msg)->nlmsg_len);
		a.seqs[a.n_sent] = nlmsg_hdr(msg)->nlmsg_seq;
		a.sent[a.n_sent++] = &ops[i];
		nlmsg_free(msg);
	}
	if (a.n_sent && nl_sendto(n->requests, buf, bytes) < 0)
		return -EIO;
	err = read_answers(n, &a);
	return err ? err : (int)i;
}

/* Dumps */

static int on_dumped(struct nl_msg *msg, void *ctx)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct collector *c = ctx;
	struct fib_object o;

	if (!c->n->protocols[fib_protocol(h)] || !fib_decode(h, c->netifs, c->arena, &o))
		return NL_OK;
	c->list = arena_grow(c->arena, c->list, c->n_list, &c->cap, sizeof(*c->list));
	c->list[c->n_list++] = o;
	return NL_OK;
}

/* The kernel filters by protocol where it can. */
static int dump(struct collector *c, int type, uint8_t family, uint8_t protocol)
{
	struct rtmsg route = {.rtm_family = family, .rtm_protocol = protocol};
	struct fib_rule_hdr rule = {.family = family};
	struct nl_cb *cb = must(nl_cb_alloc(NL_CB_DEFAULT));
	int err;

	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_dumped, c);
	err = type == RTM_GETRULE
		      ? nl_send_simple(c->n->requests, type, NLM_F_DUMP, &rule, sizeof(rule))
		      : nl_send_simple(c->n->requests, type, NLM_F_DUMP, &route, sizeof(route));
	if (err >= 0)
		err = nl_recvmsgs(c->n->requests, cb);
	nl_cb_put(cb);
	/* No rules of a family that the kernel has not. */
	return err >= 0 || err == -NLE_OPNOTSUPP ? 0 : fib_errno(err);
}

int fib_netlink_dump(struct fib_netlink *n, const struct netifs *netifs, struct arena *arena,
		     struct fib_object **ret, size_t *ret_n)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct collector c = {.n = n, .netifs = netifs, .arena = arena};
	int err = 0;

	for (size_t f = 0; f < 2 && !err; f++) {
		for (int protocol = 1; protocol < 256 && !err; protocol++)
			if (n->protocols[protocol])
				err = dump(&c, RTM_GETROUTE, families[f], (uint8_t)protocol);
		if (!err)
			err = dump(&c, RTM_GETRULE, families[f], 0);
	}
	*ret = c.list;
	*ret_n = c.n_list;
	return err;
}

/* Events */

static int on_event(struct nl_msg *msg, void *ctx)
{
	struct fib_netlink *n = ctx;
	struct nlmsghdr *h = nlmsg_hdr(msg);

	if (h->nlmsg_type >= RTM_NEWROUTE && h->nlmsg_type <= RTM_GETRULE)
		n->seen_change |= n->protocols[fib_protocol(h)];
	return NL_OK;
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct fib_netlink *n = w->data;
	int err = 0;

	n->seen_change = false;
	for (int i = 0; i < EVENTS_AT_ONCE && err >= 0; i++)
		err = nl_recvmsgs_default(n->events);
	/* Events were lost: look at everything again. */
	if (n->seen_change || err == -NLE_NOMEM)
		n->changed(n->ctx);
}

static int open_events(struct fib_netlink *n, struct ev_loop *loop)
{
	n->events = nl_socket_alloc();
	if (!n->events)
		return -ENOMEM;
	nl_socket_disable_seq_check(n->events);
	nl_socket_modify_cb(n->events, NL_CB_VALID, NL_CB_CUSTOM, on_event, n);
	if (nl_connect(n->events, NETLINK_ROUTE) < 0)
		return -EIO;
	nl_socket_set_nonblocking(n->events);
	nl_socket_disable_msg_peek(n->events);
	nl_socket_set_msg_buf_size(n->events, EVENT_BYTES);
	nl_socket_set_buffer_size(n->events, EVENT_SOCK_BYTES, 0);
	ev_io_init(&n->readable, on_readable, nl_socket_get_fd(n->events), EV_READ);
	n->readable.data = n;
	ev_io_start(loop, &n->readable);
	return 0;
}

int fib_netlink_open(struct ev_loop *loop, void (*changed)(void *ctx), void *ctx,
		     struct fib_netlink **ret)
{
	struct fib_netlink *n = calloc(1, sizeof(*n));
	int strict = 1;

	if (!n)
		return -ENOMEM;
	n->changed = changed;
	n->ctx = ctx;
	n->requests = nl_socket_alloc();
	if (!n->requests || nl_connect(n->requests, NETLINK_ROUTE) < 0)
		return -EIO;
	nl_socket_set_msg_buf_size(n->requests, RECEIVE_BYTES);
	setsockopt(nl_socket_get_fd(n->requests), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &strict,
		   sizeof(strict));
	*ret = n;
	return open_events(n, loop);
}

/* Each address that anybody adds has a route, too: who has none to look after does not listen. */
int fib_netlink_watch(struct fib_netlink *n, const bool protocols[256], bool told)
{
	int err = 0;

	memcpy(n->protocols, protocols, sizeof(n->protocols));
	if (told && !n->watching)
		err = nl_socket_add_memberships(n->events, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
						RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, 0);
	else if (!told && n->watching)
		err = nl_socket_drop_memberships(n->events, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
						 RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, 0);
	if (err < 0)
		return -EIO;
	n->watching = told;
	return 0;
}
