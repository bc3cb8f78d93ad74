/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets of the peer channel: see transport.h. */
#include "sync/transport.h"

#include "core/peer_socket.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define RECEIVE_BATCH 32
/* Each frame may go to several addresses: messages of one sendmmsg(), and the frames in them. */
#define SEND_MESSAGES 64
#define SEND_FRAMES   32

struct link {
	struct sync_link_conf conf; /* what it points to is ours */
	struct addr *peers;
	char ifname[IF_NAMESIZE];
	int fd;
	int ifindex;
	struct sync_link_counters counters;
	uint32_t overflow; /* the kernel's count of drops, as told last */
};

struct outgoing {
	unsigned link;
	bool heard; /* from there, lately */
	struct sockaddr_storage to;
	struct iovec iov;
};

struct sync_transport {
	struct link links[SYNC_LINKS_MAX];
	unsigned n_links;
	uint8_t in[RECEIVE_BATCH][SYNC_FRAME_MAX + 1];
	uint8_t out[SEND_FRAMES][SYNC_FRAME_MAX];
	struct outgoing messages[SEND_MESSAGES];
	unsigned n_messages;
};

static bool is_multicast(const struct link *l)
{
	return addr_is_set(&l->conf.group);
}

static int family_of(const struct sync_link_conf *conf)
{
	if (addr_is_set(&conf->group))
		return conf->group.family;
	return conf->n_peers ? conf->peers[0].family : conf->source.family;
}

static struct peer_socket_conf socket_conf(const struct sync_link_conf *c)
{
	return (struct peer_socket_conf){.ifname = c->ifname,
					 .group = c->group,
					 .source = c->source,
					 .family = family_of(c),
					 .port = c->port,
					 .ttl = c->ttl,
					 .buffer = c->buffer};
}

static int copy_conf(struct link *l, const struct sync_link_conf *conf)
{
	l->conf = *conf;
	snprintf(l->ifname, sizeof(l->ifname), "%s", conf->ifname);
	l->conf.ifname = l->ifname;
	l->fd = -1;
	l->peers = calloc(conf->n_peers ? conf->n_peers : 1, sizeof(*l->peers));
	if (!l->peers)
		return -ENOMEM;
	if (conf->n_peers)
		memcpy(l->peers, conf->peers, conf->n_peers * sizeof(*l->peers));
	l->conf.peers = l->peers;
	return 0;
}

int sync_transport_new(const struct sync_link_conf *links, unsigned n_links,
		       struct sync_transport **ret, struct text *ret_why)
{
	struct sync_transport *t;

	if (n_links > SYNC_LINKS_MAX) {
		text_set(ret_why, "%u links: %s", n_links, strerror(E2BIG));
		return -E2BIG;
	}
	t = calloc(1, sizeof(*t));
	while (t && t->n_links < n_links) {
		struct link *l = &t->links[t->n_links];

		if (copy_conf(l, &links[t->n_links])) {
			sync_transport_free(t);
			t = NULL;
			break;
		}
		t->n_links++;
	}
	if (!t) {
		text_set(ret_why, "transport: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	*ret = t;
	return 0;
}

static void close_link(struct link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	l->overflow = 0; /* the next socket counts from 0 */
}

void sync_transport_repair(struct sync_transport *t, unsigned link, struct text *ret_trouble)
{
	struct link *l = &t->links[link];
	struct peer_socket_conf conf = socket_conf(&l->conf);

	/* An interface of the same name may be another one by now. */
	if (l->fd >= 0 && (!l->ifname[0] || (int)if_nametoindex(l->ifname) == l->ifindex))
		return;
	close_link(l);
	peer_socket_open(&conf, &l->fd, &l->ifindex, ret_trouble);
}

void sync_transport_free(struct sync_transport *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->n_links; i++) {
		close_link(&t->links[i]);
		free(t->links[i].peers);
	}
	free(t);
}

unsigned sync_transport_links(const struct sync_transport *t)
{
	return t->n_links;
}

const char *sync_transport_ifname(const struct sync_transport *t, unsigned link)
{
	return t->links[link].ifname;
}

void sync_transport_describe(const struct sync_transport *t, unsigned link, struct text *ret)
{
	struct peer_socket_conf conf = socket_conf(&t->links[link].conf);

	peer_socket_describe(&conf, ret);
}

int sync_transport_fd(const struct sync_transport *t, unsigned link)
{
	return t->links[link].fd;
}

const struct sync_link_counters *sync_transport_counters(const struct sync_transport *t,
							 unsigned link)
{
	return &t->links[link].counters;
}

/* SO_RXQ_OVFL tells a running count of 32 bits. */
static void count_drops(struct link *l, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		uint32_t now;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&now, CMSG_DATA(c), sizeof(now));
		l->counters.dropped += now - l->overflow;
		l->overflow = now;
	}
}

static void hand_over(struct sync_transport *t, unsigned link, struct mmsghdr *m, unsigned i,
		      struct sync_session *s, int64_t now_us)
{
	struct link *l = &t->links[link];
	struct sync_path from = {.link = link};

	l->counters.received++;
	l->counters.received_bytes += m->msg_len;
	count_drops(l, &m->msg_hdr);
	if (addr_from_sockaddr(m->msg_hdr.msg_name, &from.address, &from.port))
		return;
	sync_session_receive(s, now_us, &from, t->in[i], m->msg_len);
}

unsigned sync_transport_receive(struct sync_transport *t, unsigned link, unsigned max,
				struct sync_session *s, int64_t now_us)
{
	struct sockaddr_storage from[RECEIVE_BATCH];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(uint32_t))];
	} control[RECEIVE_BATCH];
	struct mmsghdr messages[RECEIVE_BATCH];
	struct iovec iov[RECEIVE_BATCH];
	unsigned total = 0;
	int n;

	do {
		unsigned want = max - total < RECEIVE_BATCH ? max - total : RECEIVE_BATCH;

		for (unsigned i = 0; i < want; i++) {
			iov[i] = (struct iovec){t->in[i], sizeof(t->in[i])};
			messages[i].msg_hdr = (struct msghdr){
				.msg_name = &from[i],
				.msg_namelen = sizeof(from[i]),
				.msg_iov = &iov[i],
				.msg_iovlen = 1,
				.msg_control = &control[i],
				.msg_controllen = sizeof(control[i]),
			};
		}
		n = recvmmsg(t->links[link].fd, messages, want, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++)
			hand_over(t, link, &messages[i], (unsigned)i, s, now_us);
		total += n > 0 ? (unsigned)n : 0;
		if (n < (int)want)
			break;
	} while (total < max);
	return total;
}

/*
 * One call; what the kernel takes no more is lost, which the peers find out.
 *
 * Who is heard is there: the kernel need not ask for its link-layer address again (MSG_CONFIRM, RFC
 * 4861 §7.3.1). On a link that loses packets those questions get lost, too, and then nothing goes out
 * for seconds.
 */
static void flush_link(struct sync_transport *t, unsigned link, bool heard)
{
	int flags = MSG_DONTWAIT | (heard ? MSG_CONFIRM : 0);
	struct mmsghdr messages[SEND_MESSAGES];
	struct link *l = &t->links[link];
	unsigned n = 0, done = 0;

	for (unsigned i = 0; i < t->n_messages; i++) {
		struct outgoing *o = &t->messages[i];

		if (o->link != link || o->heard != heard)
			continue;
		messages[n++].msg_hdr = (struct msghdr){
			.msg_name = &o->to,
			.msg_namelen = o->to.ss_family == AF_INET ? sizeof(struct sockaddr_in)
								  : sizeof(struct sockaddr_in6),
			.msg_iov = &o->iov,
			.msg_iovlen = 1,
		};
	}
	while (done < n) {
		int sent = sendmmsg(l->fd, messages + done, n - done, flags);

		for (int i = 0; i < sent; i++)
			l->counters.sent_bytes += messages[done + (unsigned)i].msg_len;
		if (sent > 0) {
			l->counters.sent += (unsigned)sent;
			done += (unsigned)sent;
			continue;
		}
		/* The error belongs to the first one: go on behind it. */
		l->counters.send_errors++;
		l->counters.last_error = errno;
		done++;
	}
}

static void flush(struct sync_transport *t)
{
	for (unsigned i = 0; i < t->n_links; i++) {
		flush_link(t, i, false);
		flush_link(t, i, true);
	}
	t->n_messages = 0;
}

static void add_message(struct sync_transport *t, unsigned link, const struct addr *to,
			uint16_t port, bool heard, uint8_t *bytes, size_t len)
{
	struct outgoing *o;

	if (link >= t->n_links || t->links[link].fd < 0)
		return;
	if (t->n_messages == SEND_MESSAGES)
		flush(t);
	o = &t->messages[t->n_messages++];
	o->link = link;
	o->heard = heard;
	o->iov = (struct iovec){bytes, len};
	peer_socket_to(to, port, t->links[link].ifindex, &o->to);
}

static void to_all(struct sync_transport *t, uint8_t *bytes, size_t len)
{
	for (unsigned i = 0; i < t->n_links; i++) {
		struct link *l = &t->links[i];

		if (is_multicast(l))
			add_message(t, i, &l->conf.group, l->conf.port, false, bytes, len);
		for (unsigned p = 0; p < l->conf.n_peers; p++)
			add_message(t, i, &l->peers[p], l->conf.port, false, bytes, len);
	}
}

/* How many of these peers are reached by this link. */
static unsigned count_on_link(const struct sync_session *s, uint32_t peers, unsigned link)
{
	unsigned count = 0;

	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++) {
		const struct sync_path *paths;
		unsigned n;

		if (!(peers >> i & 1))
			continue;
		paths = sync_session_paths(s, i, &n);
		for (unsigned j = 0; j < n; j++)
			count += paths[j].link == link;
	}
	return count;
}

static void to_each(struct sync_transport *t, const struct sync_session *s, int64_t now_us,
		    uint32_t peers, unsigned link, uint8_t *bytes, size_t len)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++) {
		const struct sync_path *paths;
		unsigned n;

		if (!(peers >> i & 1))
			continue;
		paths = sync_session_paths(s, i, &n);
		for (unsigned j = 0; j < n; j++)
			if (paths[j].link == link)
				add_message(t, link, &paths[j].address, paths[j].port,
					    sync_session_path_is_heard(s, i, j, now_us), bytes,
					    len);
	}
}

/* Several at once are served by the group; one alone is spared the others' attention. */
static void to_peers(struct sync_transport *t, const struct sync_session *s, int64_t now_us,
		     uint32_t peers, uint8_t *bytes, size_t len)
{
	for (unsigned i = 0; i < t->n_links; i++) {
		struct link *l = &t->links[i];

		if (is_multicast(l) && count_on_link(s, peers, i) > 1)
			add_message(t, i, &l->conf.group, l->conf.port, false, bytes, len);
		else
			to_each(t, s, now_us, peers, i, bytes, len);
	}
}

bool sync_transport_send(struct sync_transport *t, struct sync_session *s, int64_t now_us,
			 unsigned max)
{
	unsigned n;

	for (n = 0; n < max; n++) {
		uint8_t *bytes = t->out[n % SEND_FRAMES];
		struct sync_dest dest;
		size_t len;

		/* The buffers behind the messages are used again. */
		if (n && n % SEND_FRAMES == 0)
			flush(t);
		len = sync_session_emit(s, now_us, bytes, &dest);
		if (!len)
			break;
		switch (dest.kind) {
		case SYNC_DEST_ALL:
			to_all(t, bytes, len);
			break;
		case SYNC_DEST_PATH:
			add_message(t, dest.path.link, &dest.path.address, dest.path.port, false,
				    bytes, len);
			break;
		case SYNC_DEST_PEERS:
			to_peers(t, s, now_us, dest.peers, bytes, len);
			break;
		}
	}
	flush(t);
	return n == max;
}
