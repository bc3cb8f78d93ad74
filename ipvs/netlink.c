/* SPDX-License-Identifier: Apache-2.0 */
/* The port to the kernel's IPVS: see netlink.h. */
#include "ipvs/netlink.h"

#include "core/must.h"
#include "ipvs/genl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel fills up to 32 KiB of a dump at once, when the buffer has room for it. */
#define SLOT_BYTES    ((size_t)32 * 1024)
#define SLOTS	      4
#define BATCH_BYTES   ((size_t)64 * 1024)
#define BUFFER_BYTES  (BATCH_BYTES + SLOTS * SLOT_BYTES)
#define RECEIVE_QUEUE (8 << 20) /* room for an error to each edit of a batch */

void ipvs_netlink_init(struct ipvs_netlink *nl)
{
	*nl = (struct ipvs_netlink){ .sock = -1, .buffer = must(malloc(BUFFER_BYTES)) };
}

static void shut(struct ipvs_netlink *nl)
{
	if (nl->sock >= 0)
		close(nl->sock);
	nl->sock = -1;
}

void ipvs_netlink_done(struct ipvs_netlink *nl)
{
	shut(nl);
	free(nl->buffer);
	nl->buffer = NULL;
}

static struct ipvs_genl_head next_head(struct ipvs_netlink *nl, uint16_t flags)
{
	return (struct ipvs_genl_head){ .family = nl->family, .flags = flags, .seq = ++nl->seq };
}

/* What is read until the answer to `last` is complete. */
struct reading {
	uint32_t first; /* sequence numbers of the requests */
	uint32_t last;
	bool complete;
	bool overrun;	/* answers were lost */
	/* 0, or -errno to fail the reading. */
	int (*on_message)(void *ctx, const struct nlmsghdr *nlh);
	/* The kernel's error to one request. */
	int (*on_error)(void *ctx, uint32_t seq, int err);
	void *ctx;
};

static int read_error(struct reading *r, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_len < NLMSG_HDRLEN + sizeof(e->error))
		return -EBADMSG;
	r->complete |= nlh->nlmsg_seq == r->last;
	return e->error ? r->on_error(r->ctx, nlh->nlmsg_seq, e->error) : 0;
}

/* A dump may end with an error instead of the rest. */
static int read_done(struct reading *r, const struct nlmsghdr *nlh)
{
	int err = 0;

	if (nlh->nlmsg_len >= NLMSG_HDRLEN + sizeof(err))
		err = *(const int *)mnl_nlmsg_get_payload(nlh);
	r->complete |= nlh->nlmsg_seq == r->last;
	return err < 0 ? r->on_error(r->ctx, nlh->nlmsg_seq, err) : 0;
}

static int read_message(struct reading *r, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_seq - r->first > r->last - r->first)
		return 0; /* a late answer to something given up */
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return read_error(r, nlh);
	if (nlh->nlmsg_type == NLMSG_DONE)
		return read_done(r, nlh);
	if (nlh->nlmsg_type < NLMSG_MIN_TYPE || !r->on_message)
		return 0;
	return r->on_message(r->ctx, nlh);
}

static int read_datagram(struct reading *r, const void *at, int len)
{
	const struct nlmsghdr *nlh = at;
	int err = 0;

	for (; !err && mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
		err = read_message(r, nlh);
	return err;
}

static int receive_some(struct ipvs_netlink *nl, struct reading *r)
{
	struct mmsghdr messages[SLOTS] = { 0 };
	struct iovec room[SLOTS];
	int n, err = 0;

	for (int i = 0; i < SLOTS; i++) {
		room[i].iov_base = nl->buffer + BATCH_BYTES + (size_t)i * SLOT_BYTES;
		room[i].iov_len = SLOT_BYTES;
		messages[i].msg_hdr.msg_iov = &room[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(nl->sock, messages, SLOTS, MSG_DONTWAIT, NULL);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n && !err; i++)
		err = read_datagram(r, room[i].iov_base, (int)messages[i].msg_len);
	return err;
}

static int receive_all(struct ipvs_netlink *nl, struct reading *r)
{
	while (!r->complete) {
		int err = receive_some(nl, r);

		if (err == -ENOBUFS)
			r->overrun = true;
		else if (err == -EAGAIN)
			return r->overrun ? -ENOBUFS : -EIO;
		else if (err && err != -EINTR)
			return err;
	}
	return r->overrun ? -ENOBUFS : 0;
}

/* After a failure half-read answers may be left in the socket: the next request gets a new one. */
static int exchange(struct ipvs_netlink *nl, size_t len, struct reading *r)
{
	int err = 0;

	if (send(nl->sock, nl->buffer, len, 0) < 0)
		err = -errno;
	if (!err)
		err = receive_all(nl, r);
	if (err)
		shut(nl);
	return err;
}

static int fail(void *ctx, uint32_t seq, int err)
{
	return err;
}

static int on_family(void *ctx, const struct nlmsghdr *nlh)
{
	return ipvs_genl_get_family(nlh, ctx);
}

static int ask_family(struct ipvs_netlink *nl)
{
	struct ipvs_genl_head head = next_head(nl, NLM_F_ACK);
	struct reading r = { .first = head.seq, .last = head.seq, .on_message = on_family,
			     .on_error = fail, .ctx = &nl->family };

	return exchange(nl, ipvs_genl_put_get_family(nl->buffer, &head), &r);
}

static void tune(int sock)
{
	int on = 1, queue = RECEIVE_QUEUE, send_queue = 4 * (int)BATCH_BYTES;

	setsockopt(sock, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	if (setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof(queue)) < 0)
		setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &queue, sizeof(queue));
	setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &send_queue, sizeof(send_queue));
}

int ipvs_netlink_open(struct ipvs_netlink *nl)
{
	/* Connected to the kernel, so that nobody else is listened to. */
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int err;

	if (nl->sock >= 0)
		return 0;
	nl->sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (nl->sock < 0)
		return -errno;
	if (connect(nl->sock, (struct sockaddr *)&kernel, sizeof(kernel)) < 0) {
		err = -errno;
		shut(nl);
		return err;
	}
	tune(nl->sock);
	return ask_family(nl);
}

/* What a dump adds to. */
struct observing {
	struct arena *arena;
	struct ipvs_table *table;
	size_t services_cap;
	struct ipvs_service *service; /* whose destinations are being read … */
	struct ipvs_dest *dests;      /* … into room that is used for one after the other */
	size_t dests_cap;
};

static int on_service(void *ctx, const struct nlmsghdr *nlh)
{
	struct observing *o = ctx;
	struct ipvs_table *t = o->table;

	t->services = arena_grow(o->arena, t->services, t->n_services, &o->services_cap,
				 sizeof(*t->services));
	if (ipvs_genl_get_service(nlh, &t->services[t->n_services]) < 0)
		return -EBADMSG;
	t->n_services++;
	return 0;
}

static int on_dest(void *ctx, const struct nlmsghdr *nlh)
{
	struct observing *o = ctx;
	struct ipvs_service *s = o->service;

	o->dests = arena_grow(o->arena, o->dests, s->n_dests, &o->dests_cap, sizeof(*o->dests));
	if (ipvs_genl_get_dest(nlh, s->key.family, &o->dests[s->n_dests]) < 0)
		return -EBADMSG;
	o->dests[s->n_dests].place = s->n_dests;
	s->n_dests++;
	return 0;
}

static int on_timeouts(void *ctx, const struct nlmsghdr *nlh)
{
	struct observing *o = ctx;

	return ipvs_genl_get_timeouts(nlh, &o->table->timeouts);
}

static int observe_services(struct ipvs_netlink *nl, struct observing *o)
{
	struct ipvs_genl_head head = next_head(nl, 0);
	struct reading r = { .first = head.seq, .last = head.seq, .on_message = on_service,
			     .on_error = fail, .ctx = o };

	return exchange(nl, ipvs_genl_put_dump_services(nl->buffer, &head), &r);
}

/* A service that is gone by now has no destinations. */
static int ignore_missing(void *ctx, uint32_t seq, int err)
{
	return err == -ESRCH || err == -ENOENT ? 0 : err;
}

static int observe_dests(struct ipvs_netlink *nl, struct observing *o, struct ipvs_service *s)
{
	struct ipvs_genl_head head = next_head(nl, 0);
	struct reading r = { .first = head.seq, .last = head.seq, .on_message = on_dest,
			     .on_error = ignore_missing, .ctx = o };
	int err;

	o->service = s;
	s->n_dests = 0;
	err = exchange(nl, ipvs_genl_put_dump_dests(nl->buffer, &head, &s->key), &r);
	s->dests = arena_copy(o->arena, o->dests, s->n_dests, sizeof(*s->dests));
	return err;
}

static int observe_timeouts(struct ipvs_netlink *nl, struct observing *o)
{
	struct ipvs_genl_head head = next_head(nl, NLM_F_ACK);
	struct reading r = { .first = head.seq, .last = head.seq, .on_message = on_timeouts,
			     .on_error = fail, .ctx = o };

	return exchange(nl, ipvs_genl_put_get_timeouts(nl->buffer, &head), &r);
}

static int on_daemon(void *ctx, const struct nlmsghdr *nlh)
{
	struct ipvs_daemons *daemons = ctx;
	enum ipvs_daemon_kind kind;
	struct ipvs_daemon d;
	int err = ipvs_genl_get_daemon(nlh, &kind, &d);

	if (!err)
		daemons->of[kind] = d;
	return err;
}

static int observe_daemons(struct ipvs_netlink *nl, struct ipvs_daemons *ret)
{
	struct ipvs_genl_head head = next_head(nl, 0);
	struct reading r = { .first = head.seq, .last = head.seq, .on_message = on_daemon,
			     .on_error = fail, .ctx = ret };

	*ret = (struct ipvs_daemons){ .known = true };
	return exchange(nl, ipvs_genl_put_dump_daemons(nl->buffer, &head), &r);
}

int ipvs_netlink_observe_daemons(struct ipvs_netlink *nl, struct ipvs_table *ret)
{
	int err = ipvs_netlink_open(nl);

	return err ? err : observe_daemons(nl, &ret->daemons);
}

int ipvs_netlink_observe_dests(struct ipvs_netlink *nl, struct arena *arena, struct ipvs_table *t)
{
	struct observing o = { .arena = arena, .table = t };
	int err = ipvs_netlink_open(nl);

	for (uint32_t i = 0; i < t->n_services && !err; i++)
		err = observe_dests(nl, &o, &t->services[i]);
	if (!err)
		ipvs_table_sort(t);
	return err;
}

int ipvs_netlink_observe_services(struct ipvs_netlink *nl, struct arena *arena,
				  struct ipvs_table *ret)
{
	struct observing o = { .arena = arena, .table = ret };
	int err = ipvs_netlink_open(nl);

	*ret = (struct ipvs_table){ 0 };
	if (!err)
		err = observe_timeouts(nl, &o);
	if (!err)
		err = observe_daemons(nl, &ret->daemons);
	if (!err)
		err = observe_services(nl, &o);
	if (!err)
		ipvs_table_sort(ret);
	return err;
}

int ipvs_netlink_observe(struct ipvs_netlink *nl, struct arena *arena, struct ipvs_table *ret)
{
	int err = ipvs_netlink_observe_services(nl, arena, ret);

	return err ? err : ipvs_netlink_observe_dests(nl, arena, ret);
}

static int observe_service(struct ipvs_netlink *nl, struct observing *o,
			   const struct ipvs_key *key)
{
	struct ipvs_genl_head head = next_head(nl, NLM_F_ACK);
	struct reading r = { .first = head.seq, .last = head.seq, .on_message = on_service,
			     .on_error = ignore_missing, .ctx = o };

	return exchange(nl, ipvs_genl_put_get_service(nl->buffer, &head, key), &r);
}

int ipvs_netlink_observe_some(struct ipvs_netlink *nl, struct arena *arena,
			      const struct ipvs_key *keys, uint32_t n_keys,
			      struct ipvs_table *ret)
{
	struct observing o = { .arena = arena, .table = ret };
	int err = ipvs_netlink_open(nl);

	*ret = (struct ipvs_table){ 0 };
	for (uint32_t i = 0; i < n_keys && !err; i++)
		err = observe_service(nl, &o, &keys[i]);
	return err ? err : ipvs_netlink_observe_dests(nl, arena, ret);
}

/* One batch: answers come back by sequence number, the last edit's always, the others' on error. */
struct batch {
	struct ipvs_edit *edits;
	uint32_t first;
	int failed;
};

static int on_edit_error(void *ctx, uint32_t seq, int err)
{
	struct batch *b = ctx;

	b->edits[seq - b->first].error = err;
	b->failed++;
	return 0;
}

static int lose_batch(struct ipvs_edit *edits, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		edits[i].error = -ENOBUFS;
	return (int)n;
}

/* Encodes as many edits as fit into one send. */
static uint32_t fill_batch(struct ipvs_netlink *nl, struct ipvs_edit *edits, uint32_t n,
			   size_t *ret_len)
{
	uint32_t i = 0;
	size_t len = 0;

	while (i < n && len + IPVS_REQUEST_MAX <= BATCH_BYTES) {
		bool last = i + 1 == n || len + 2 * IPVS_REQUEST_MAX > BATCH_BYTES;
		struct ipvs_genl_head head = next_head(nl, last ? NLM_F_ACK : 0);

		edits[i].error = 0;
		len += ipvs_genl_put_edit(nl->buffer + len, &head, &edits[i++]);
		if (last)
			break;
	}
	*ret_len = len;
	return i;
}

static int apply_batch(struct ipvs_netlink *nl, struct ipvs_edit *edits, uint32_t n,
		       uint32_t *ret_sent)
{
	struct batch b = { .edits = edits, .first = nl->seq + 1 };
	struct reading r = { .on_error = on_edit_error, .ctx = &b };
	size_t len;

	*ret_sent = fill_batch(nl, edits, n, &len);
	r.first = b.first;
	r.last = nl->seq;
	nl->edits += *ret_sent;
	nl->sends++;
	if (exchange(nl, len, &r) < 0)
		b.failed = lose_batch(edits, *ret_sent);
	nl->failures += (uint32_t)b.failed;
	return b.failed;
}

int ipvs_netlink_apply(struct ipvs_netlink *nl, struct ipvs_edit *edits, uint32_t n_edits)
{
	int failed = 0;

	for (uint32_t at = 0, sent; at < n_edits; at += sent) {
		int err = ipvs_netlink_open(nl);

		if (err)
			return err;
		failed += apply_batch(nl, edits + at, n_edits - at, &sent);
	}
	return failed;
}

int ipvs_netlink_flush(struct ipvs_netlink *nl)
{
	int err = ipvs_netlink_open(nl);
	struct ipvs_genl_head head;
	struct reading r = { .on_error = fail };

	if (err)
		return err;
	head = next_head(nl, NLM_F_ACK);
	r.first = r.last = head.seq;
	nl->edits++;
	nl->sends++;
	return exchange(nl, ipvs_genl_put_flush(nl->buffer, &head), &r);
}
