/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that speaks the kernel's protocol: see kernel_peer.h. */
#include "sync/kernel_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the kernel's backup thread takes on an interface of usual MTU. */
#define DATAGRAM 1472
#define BUFFER	 (4 << 20)
/* Changes wait so long for company. */
#define LIVE_US (2 * USEC_PER_MSEC)
/* The round goes in pieces. */
#define PIECE_US (20 * USEC_PER_MSEC)
#define DATAGRAMS_AT_ONCE 64
/* Entries that are looked at in one piece; most may be of no concern. */
#define ENTRIES_AT_ONCE 20000

static int set_int(int fd, int option, int value)
{
	return setsockopt(fd, IPPROTO_IP, option, &value, sizeof(value)) ? -errno : 0;
}

static int open_out(const struct sync_kernel_peer_conf *conf, unsigned ifindex)
{
	struct ip_mreqn mreq = {.imr_ifindex = (int)ifindex};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err = fd < 0 ? -errno : 0;

	if (!err && setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &mreq, sizeof(mreq)))
		err = -errno;
	if (!err)
		err = set_int(fd, IP_MULTICAST_TTL, conf->ttl);
	if (!err)
		err = set_int(fd, IP_MULTICAST_LOOP, 0);
	if (err && fd >= 0)
		close(fd);
	return err ? err : fd;
}

/* Bound to the interface: what comes by another is not from there. */
static int open_in(const struct sync_kernel_peer *k, const char *ifname, unsigned ifindex)
{
	struct sockaddr_in own = {.sin_family = AF_INET,
				  .sin_port = htons(k->port),
				  .sin_addr = {.s_addr = k->group}};
	struct ip_mreqn mreq = {.imr_multiaddr = own.sin_addr, .imr_ifindex = (int)ifindex};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, size = BUFFER;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname) + 1) ||
	    bind(fd, (struct sockaddr *)&own, sizeof(own)) ||
	    setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof(mreq))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int sync_kernel_peer_open(struct sync_kernel_peer *k, const struct sync_kernel_peer_conf *conf,
			  struct sync_table *t, int64_t now_us, struct text *ret_why)
{
	unsigned ifindex = if_nametoindex(conf->ifname);
	int err = ifindex ? 0 : -errno;

	*k = (struct sync_kernel_peer){.out = -1,
				       .in = -1,
				       .ifindex = ifindex,
				       .id = conf->sync_id,
				       .port = conf->port,
				       .round_us = now_us,
				       .counters = k->counters};
	memcpy(&k->group, conf->group.b, sizeof(k->group));
	if (!err)
		err = k->out = open_out(conf, ifindex);
	if (err >= 0 && conf->receive)
		err = k->in = open_in(k, conf->ifname, ifindex);
	if (err < 0) {
		text_set(ret_why, "%s: %s", conf->ifname, strerror(-err));
		if (k->out >= 0)
			close(k->out);
		k->out = -1;
		return err;
	}
	sync_cursor_open(t, &k->live);
	sync_cursor_open(t, &k->round);
	sync_cursor_seek(t, &k->live, t->version); /* the rest comes with the first round */
	k->round_end = t->version;
	return 0;
}

bool sync_kernel_peer_stands(const struct sync_kernel_peer *k, const char *ifname)
{
	return k->out >= 0 && if_nametoindex(ifname) == k->ifindex;
}

void sync_kernel_peer_close(struct sync_kernel_peer *k, struct sync_table *t)
{
	if (k->out < 0)
		return;
	close(k->out);
	if (k->in >= 0)
		close(k->in);
	k->out = k->in = -1;
	sync_cursor_close(t, &k->live);
	sync_cursor_close(t, &k->round);
}

static bool is_for_peer(const struct sync_entry *e, const struct sync_roles *roles)
{
	struct addr vip;

	if (sync_record_is_note(e->record))
		return false;
	vip = sync_record_vip(e->record);
	return sync_roles_is_active(roles, &vip);
}

/* The next datagram from a cursor, up to a version; 0: nothing of it is for the peer. */
static unsigned send_one(struct sync_kernel_peer *k, struct sync_table *t, struct sync_cursor *c,
			 uint64_t until, const struct sync_roles *roles, int64_t now_us)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(k->port),
				 .sin_addr = {.s_addr = k->group}};
	uint8_t bytes[DATAGRAM], record[SYNC_RECORD_MAX];
	struct sync_batch batch;
	struct sync_entry *e;
	size_t len;

	sync_batch_init(&batch, bytes, sizeof(bytes), k->id);
	for (unsigned i = 0; i < ENTRIES_AT_ONCE / DATAGRAMS_AT_ONCE; i++) {
		e = sync_cursor_peek(t, c);
		if (!e || e->version > until)
			break;
		if (is_for_peer(e, roles)) {
			sync_entry_copy(e, (uint32_t)(now_us / USEC_PER_SEC), record);
			if (!sync_batch_add(&batch, record, e->len))
				break;
		}
		sync_cursor_pass(c, e);
	}
	len = sync_batch_finish(&batch);
	if (!len)
		return 0;
	if (sendto(k->out, bytes, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		k->counters.send_errors++;
	k->counters.records_out += batch.n;
	return batch.n;
}

static bool has_more(const struct sync_table *t, struct sync_cursor *c, uint64_t until)
{
	struct sync_entry *e = sync_cursor_peek(t, c);

	return e && e->version <= until;
}

static void send_live(struct sync_kernel_peer *k, struct sync_table *t, const struct sync_roles *roles,
		      int64_t now_us)
{
	unsigned left = DATAGRAMS_AT_ONCE;

	if (now_us < k->live_us)
		return;
	while (left-- && has_more(t, &k->live, t->version))
		send_one(k, t, &k->live, t->version, roles, now_us);
	k->live_us = now_us + LIVE_US;
}

/* As many of the table's entries as the time that has gone by allows. */
static void send_round(struct sync_kernel_peer *k, struct sync_table *t,
		       const struct sync_roles *roles, int64_t now_us)
{
	uint64_t due = (uint64_t)((now_us - k->round_us) * (int64_t)t->n / SYNC_KERNEL_PEER_ROUND_US);
	unsigned left = DATAGRAMS_AT_ONCE;

	while (left-- && k->round_n < due && has_more(t, &k->round, k->round_end))
		k->round_n += send_one(k, t, &k->round, k->round_end, roles, now_us);
	if (has_more(t, &k->round, k->round_end) || now_us - k->round_us < SYNC_KERNEL_PEER_ROUND_US)
		return;
	sync_cursor_seek(t, &k->round, 0);
	k->round_end = t->version;
	k->round_us = now_us;
	k->round_n = 0;
}

int64_t sync_kernel_peer_send(struct sync_kernel_peer *k, struct sync_table *t,
			      const struct sync_roles *roles, int64_t now_us)
{
	send_live(k, t, roles, now_us);
	send_round(k, t, roles, now_us);
	return has_more(t, &k->live, t->version) ? k->live_us : now_us + PIECE_US;
}

/* Is it about an address of ours that another one is Active for? */
static bool is_for_us(const uint8_t *record, const struct sync_roles *roles)
{
	struct addr vip = sync_record_vip(record);

	return sync_roles_has(roles, &vip) && !sync_roles_is_active(roles, &vip);
}

static void take(struct sync_kernel_peer *k, const struct sync_roles *roles, const uint8_t *bytes,
		 size_t len, void (*each)(void *ctx, const uint8_t *record, size_t len), void *ctx)
{
	struct sync_datagram d;
	const uint8_t *record;
	size_t record_len;
	int more;

	if (sync_datagram_open(bytes, len, &d) || (k->id && d.syncid != k->id)) {
		k->counters.malformed++;
		return;
	}
	while ((more = sync_datagram_next(&d, &record, &record_len)) > 0) {
		if (!is_for_us(record, roles)) {
			k->counters.refused++;
			continue;
		}
		k->counters.records_in++;
		each(ctx, record, record_len);
	}
	k->counters.malformed += more < 0;
}

void sync_kernel_peer_receive(struct sync_kernel_peer *k, const struct sync_roles *roles,
			      void (*record)(void *ctx, const uint8_t *record, size_t len), void *ctx)
{
	uint8_t bytes[65536];

	for (unsigned i = 0; i < DATAGRAMS_AT_ONCE; i++) {
		ssize_t n = recv(k->in, bytes, sizeof(bytes), 0);

		if (n < 0)
			return;
		take(k, roles, bytes, (size_t)n, record, ctx);
	}
}
