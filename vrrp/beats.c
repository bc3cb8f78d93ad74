/* SPDX-License-Identifier: Apache-2.0 */
/* Heartbeats sent and taken in: see beats.h. */
#include "vrrp/beats.h"

#include "core/peer_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define READ_AT_ONCE 64
/* Who has nothing to say keeps its session known. */
#define IDLE_US	 (100 * USEC_PER_MSEC)
/* Whose sessions are named: several of the longest intervals. */
#define HEARD_US (5 * BEAT_INTERVAL_MAX_US)

/* Out */

static void send_by(struct beats_link *l, const uint8_t *bytes, size_t len)
{
	bool multicast = addr_is_set(&l->group);
	unsigned n = multicast ? 1 : l->n_peers;

	for (unsigned i = 0; l->fd >= 0 && i < n; i++) {
		struct sockaddr_storage ss;
		socklen_t size = peer_socket_to(multicast ? &l->group : &l->peers[i], l->port,
						l->ifindex, &ss);

		/* What does not get out is not heard, which is all that there is to it. */
		(void)!sendto(l->fd, bytes, len, MSG_DONTWAIT, (struct sockaddr *)&ss, size);
	}
}

void beats_send(struct beats *b, struct beat *beat)
{
	uint8_t bytes[BEAT_MAX];
	size_t len;

	beat->session = b->memory.own;
	beat->seq = ++b->seq;
	beat->interval_us = (uint32_t)b->interval_us;
	beat_memory_echo(&b->memory, clock_now_us(), HEARD_US, beat);
	len = beat_encode(beat, &b->keys[0], bytes);
	for (unsigned i = 0; i < b->n_links; i++)
		send_by(&b->links[i], bytes, len);
}

void beats_tell(struct beats *b)
{
	double was_s = b->timer.repeat;
	bool often;

	if (!b->interval_us)
		return;
	often = b->tell(b) || b->interval_us > IDLE_US;
	b->timer.repeat = (double)(often ? b->interval_us : IDLE_US) / USEC_PER_SEC;
	if (b->timer.repeat != was_s)
		ev_timer_again(b->loop, &b->timer);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	beats_tell(w->data);
}

/* In */

static void begin_session(struct beats *b)
{
	uint64_t own = 0;

	while (!own)
		if (getrandom(&own, sizeof(own), 0) < 0)
			break; /* 0: nobody takes our heartbeats */
	beat_memory_begin(&b->memory, own);
}

static void take(struct beats *b, const uint8_t *bytes, size_t len, const struct sockaddr *from)
{
	struct beat beat;
	struct addr src = {0};
	char text[ADDR_TEXT_MAX];
	int err = beat_decode(bytes, len, b->keys, b->n_keys, &beat);

	if (!err && beat_memory_take(&b->memory, &beat, clock_now_us()))
		b->heard(b, &beat);
	if (b->memory.outworn) {
		begin_session(b);
		beats_tell(b);
	}
	if (!err || !log_limit_pass(&b->limit, clock_now_us()))
		return;
	addr_from_sockaddr(from, &src, NULL);
	log_warning("a heartbeat from %s is refused: %s%s", addr_format(&src, text),
		    err == -EACCES ? "it has another key" : "it is malformed",
		    log_limit_suffix(&b->limit));
}

static void drain(struct beats *b, struct beats_link *l)
{
	uint8_t bytes[BEAT_MAX + 1];

	for (int i = 0; l->fd >= 0 && i < READ_AT_ONCE; i++) {
		struct sockaddr_storage from = {0};
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(l->fd, bytes, sizeof(bytes), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &size);

		if (n < 0 && errno != ECONNREFUSED)
			return;
		if (n > 0)
			take(b, bytes, (size_t)n, (struct sockaddr *)&from);
	}
}

void beats_drain(struct beats *b)
{
	for (unsigned i = 0; i < b->n_links; i++)
		drain(b, &b->links[i]);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct beats *b = w->data;

	for (unsigned i = 0; i < b->n_links; i++)
		if (w == &b->links[i].readable)
			drain(b, &b->links[i]);
}

/* Links */

static struct peer_socket_conf socket_conf(const struct beats_link *l)
{
	return (struct peer_socket_conf){.ifname = l->ifname,
					 .group = l->group,
					 .source = l->source,
					 .family = addr_is_set(&l->group) ? l->group.family
									  : l->source.family,
					 .port = l->port};
}

static void tell_trouble(struct beats_link *l, const struct peer_socket_conf *conf,
			 const struct text *trouble)
{
	struct text name;

	if (strcmp(trouble->s, l->trouble.s) == 0)
		return;
	peer_socket_describe(conf, &name);
	if (trouble->s[0])
		log_error("no heartbeats by %s: %s", name.s, trouble->s);
	else
		log_notice("heartbeats go by %s", name.s);
	l->trouble = *trouble;
}

static void close_link(struct beats *b, struct beats_link *l)
{
	if (l->fd < 0)
		return;
	ev_io_stop(b->loop, &l->readable);
	close(l->fd);
	l->fd = -1;
}

/* Opens what is closed, and what is on an interface that was made anew. */
static void repair_link(struct beats *b, struct beats_link *l)
{
	struct peer_socket_conf conf = socket_conf(l);
	struct text trouble = {""};

	if (l->fd >= 0 && (!l->ifname[0] || (int)if_nametoindex(l->ifname) == l->ifindex))
		return;
	close_link(b, l);
	if (!peer_socket_open(&conf, &l->fd, &l->ifindex, &trouble)) {
		ev_io_init(&l->readable, on_readable, l->fd, EV_READ);
		l->readable.data = b;
		/* Whatever is thrown at it, advertisements come first. */
		ev_set_priority(&l->readable, EV_MINPRI);
		ev_io_start(b->loop, &l->readable);
	}
	tell_trouble(l, &conf, &trouble);
}

static void on_second(struct ev_loop *loop, ev_timer *w, int events)
{
	struct beats *b = w->data;

	for (unsigned i = 0; i < b->n_links; i++)
		repair_link(b, &b->links[i]);
}

/* Its configuration */

static void copy_link(const struct sync_path_conf *path, uint16_t port, struct beats_link *l)
{
	*l = (struct beats_link){.group = path->group,
				 .source = path->address,
				 .n_peers = path->n_peers,
				 .port = (uint16_t)(port + 1),
				 .fd = -1};
	snprintf(l->ifname, sizeof(l->ifname), "%s", path->ifname);
	for (uint32_t i = 0; i < path->n_peers; i++)
		l->peers[i] = path->peers[i].address;
}

static bool same_link(const struct beats_link *a, const struct beats_link *b)
{
	return strcmp(a->ifname, b->ifname) == 0 && addr_equal(&a->group, &b->group) &&
	       addr_equal(&a->source, &b->source) && a->port == b->port;
}

static void stop(struct beats *b)
{
	for (unsigned i = 0; i < b->n_links; i++)
		close_link(b, &b->links[i]);
	b->n_links = 0;
	b->interval_us = 0;
	ev_timer_stop(b->loop, &b->timer);
	ev_timer_stop(b->loop, &b->second);
}

static void take_links(struct beats *b, const struct sync_block *block)
{
	for (unsigned i = 0; i < block->n_paths; i++) {
		struct beats_link *l = &b->links[i], wanted;

		copy_link(&block->paths[i], block->port, &wanted);
		if (i < b->n_links && same_link(l, &wanted)) {
			memcpy(l->peers, wanted.peers, sizeof(l->peers));
			l->n_peers = wanted.n_peers;
			continue;
		}
		if (i < b->n_links)
			close_link(b, l);
		*l = wanted;
	}
	for (unsigned i = block->n_paths; i < b->n_links; i++)
		close_link(b, &b->links[i]);
	b->n_links = block->n_paths;
}

void beats_configure(struct beats *b, const struct sync_block *block)
{
	/* Without a secret anybody could make them. */
	if (!block || !block->detect_us || !block->secret[0]) {
		stop(b);
		return;
	}
	b->n_keys = 1;
	beat_key_derive(block->secret, &b->keys[0]);
	if (block->secret_next[0])
		beat_key_derive(block->secret_next, &b->keys[b->n_keys++]);
	take_links(b, block);
	b->interval_us = block->detect_us;
	on_second(b->loop, &b->second, 0);
	ev_timer_again(b->loop, &b->second);
	beats_tell(b);
	ev_timer_again(b->loop, &b->timer);
}

void beats_init(struct beats *b, struct ev_loop *loop, bool (*tell)(struct beats *b),
		void (*heard)(struct beats *b, const struct beat *beat))
{
	*b = (struct beats){.loop = loop,
			    .tell = tell,
			    .heard = heard,
			    .limit = {.interval_us = 60 * USEC_PER_SEC, .burst = 3}};
	begin_session(b);
	ev_timer_init(&b->timer, on_timer, 0, (double)IDLE_US / USEC_PER_SEC);
	ev_timer_init(&b->second, on_second, 1, 1);
	b->timer.data = b->second.data = b;
}

void beats_done(struct beats *b)
{
	stop(b);
	explicit_bzero(b->keys, sizeof(b->keys));
}
