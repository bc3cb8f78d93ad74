/* SPDX-License-Identifier: Apache-2.0 */
/* Gratuitous ARP and unsolicited neighbour advertisements: see announce.h. */
#include "vrrp/announce.h"

#include "core/clock.h"
#include "core/must.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In one system call; advertisements must get their turn between thousands of announcements. */
#define BURST_MAX 128
/* The interface has no room: how long until another try, and how many there are. */
#define ROOM_PAUSE_US USEC_PER_MSEC
#define ROOM_TRIES    100

struct arp_body {
	struct arphdr head;
	uint8_t sender_mac[6];
	uint8_t sender_ip[4];
	uint8_t target_mac[6];
	uint8_t target_ip[4];
} __attribute__((packed));

struct na_body {
	struct ip6_hdr ip;
	struct nd_neighbor_advert na;
	struct nd_opt_hdr option;
	uint8_t mac[6];
} __attribute__((packed));

#define NA_ICMP_LEN (sizeof(struct na_body) - sizeof(struct ip6_hdr))

_Static_assert(sizeof(struct ether_header) + sizeof(struct na_body) == ANNOUNCE_FRAME_MAX,
	       "room for an advertisement");

static size_t put_ethernet(uint8_t *frame, const uint8_t dst[6], const uint8_t src[6],
			   uint16_t type)
{
	struct ether_header *eth = (struct ether_header *)frame;

	memcpy(eth->ether_dhost, dst, 6);
	memcpy(eth->ether_shost, src, 6);
	eth->ether_type = htons(type);
	return sizeof(*eth);
}

/* A request, as keepalived sends it: some devices ignore replies that nobody asked for. */
static size_t arp_frame(const struct announcement *a, uint8_t *frame)
{
	static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	size_t at = put_ethernet(frame, everybody, a->mac, ETHERTYPE_ARP);
	struct arp_body *arp = (struct arp_body *)(frame + at);

	arp->head.ar_hrd = htons(ARPHRD_ETHER);
	arp->head.ar_pro = htons(ETHERTYPE_IP);
	arp->head.ar_hln = 6;
	arp->head.ar_pln = 4;
	arp->head.ar_op = htons(ARPOP_REQUEST);
	memcpy(arp->sender_mac, a->mac, 6);
	memcpy(arp->sender_ip, a->address.b, 4);
	memcpy(arp->target_mac, everybody, 6);
	memcpy(arp->target_ip, a->address.b, 4);
	return at + sizeof(*arp);
}

static uint16_t icmp6_checksum(const struct na_body *b)
{
	const uint8_t *bytes = (const uint8_t *)&b->na;
	const uint8_t *addresses = (const uint8_t *)&b->ip.ip6_src;
	uint32_t sum = IPPROTO_ICMPV6 + NA_ICMP_LEN;

	for (size_t i = 0; i < 32; i += 2)
		sum += (uint32_t)addresses[i] << 8 | addresses[i + 1];
	for (size_t i = 0; i < NA_ICMP_LEN; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static size_t na_frame(const struct announcement *a, uint8_t *frame)
{
	static const uint8_t all_nodes_mac[6] = {0x33, 0x33, 0, 0, 0, 1};
	static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
	size_t at = put_ethernet(frame, all_nodes_mac, a->mac, ETHERTYPE_IPV6);
	struct na_body *b = (struct na_body *)(frame + at);

	memset(b, 0, sizeof(*b));
	b->ip.ip6_flow = htonl(6u << 28);
	b->ip.ip6_plen = htons(NA_ICMP_LEN);
	b->ip.ip6_nxt = IPPROTO_ICMPV6;
	b->ip.ip6_hlim = 255;
	memcpy(&b->ip.ip6_src, a->address.b, 16);
	memcpy(&b->ip.ip6_dst, all_nodes, 16);
	b->na.nd_na_type = ND_NEIGHBOR_ADVERT;
	b->na.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE | (a->router ? ND_NA_FLAG_ROUTER : 0);
	memcpy(&b->na.nd_na_target, a->address.b, 16);
	b->option.nd_opt_type = ND_OPT_TARGET_LINKADDR;
	b->option.nd_opt_len = 1; /* of 8 bytes */
	memcpy(b->mac, a->mac, 6);
	b->na.nd_na_cksum = icmp6_checksum(b);
	return at + sizeof(*b);
}

size_t announce_frame(const struct announcement *a, uint8_t frame[ANNOUNCE_FRAME_MAX])
{
	return a->address.family == AF_INET ? arp_frame(a, frame) : na_frame(a, frame);
}

/* The queues */

struct frame {
	int index;
	struct addr address;
	int64_t interval_us;
	size_t len; /* 0: cancelled */
	uint8_t bytes[ANNOUNCE_FRAME_MAX];
};

/* Built once, sent `rounds` times over. */
struct announcer_job {
	struct announcer_job *next;
	uint32_t rounds;
	size_t n;
	struct frame frames[];
};

/* Where a queue goes on. */
struct place {
	struct announcer_job *job;
	uint32_t round;
	size_t at;
};

struct announcer_lane {
	struct announcer_lane *next;
	struct announcer *announcer;
	uint32_t pace;
	unsigned tries; /* of the first, which the interface had no room for */
	ev_timer timer; /* until it goes on; without it, it ends */
	struct announcer_job *head;
	struct announcer_job **tail;
	struct place place;
};

struct burst {
	unsigned n;
	struct mmsghdr list[BURST_MAX];
	struct iovec bytes[BURST_MAX];
	struct sockaddr_ll to[BURST_MAX];
};

/* Moves behind the frame that it returns; NULL: there are no more. */
static struct frame *place_next(struct place *p)
{
	for (; p->job; *p = (struct place){p->job->next, 0, 0}) {
		for (; p->round < p->job->rounds; p->round++, p->at = 0) {
			while (p->at < p->job->n) {
				struct frame *f = &p->job->frames[p->at++];

				if (f->len)
					return f;
			}
		}
	}
	return NULL;
}

static void drop_done(struct announcer_lane *l)
{
	struct place ahead = l->place;
	struct announcer_job *done;

	if (!place_next(&ahead))
		l->place = ahead;
	while (l->head != l->place.job) {
		done = l->head;
		l->head = done->next;
		free(done);
	}
	if (!l->head)
		l->tail = &l->head;
}

static void burst_add(struct burst *b, struct frame *f)
{
	unsigned i = b->n++;

	b->bytes[i] = (struct iovec){f->bytes, f->len};
	b->to[i] = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_ifindex = f->index};
	b->list[i].msg_hdr = (struct msghdr){.msg_name = &b->to[i],
					     .msg_namelen = sizeof(b->to[i]),
					     .msg_iov = &b->bytes[i],
					     .msg_iovlen = 1};
}

/* No further than a pause is asked for. */
static void burst_fill(struct burst *b, struct place from)
{
	struct frame *f;

	b->n = 0;
	while (b->n < BURST_MAX && (f = place_next(&from))) {
		burst_add(b, f);
		if (f->interval_us)
			break;
	}
}

static void set_timer(struct announcer_lane *l, int64_t after_us)
{
	ev_timer_stop(l->announcer->loop, &l->timer);
	ev_timer_set(&l->timer, (double)after_us / USEC_PER_SEC, 0);
	ev_timer_start(l->announcer->loop, &l->timer);
}

/* Behind `n` frames; returns the pause that the last of them asks for. */
static int64_t move_on(struct announcer_lane *l, unsigned n)
{
	int64_t interval_us = 0;

	for (; n; n--)
		interval_us = place_next(&l->place)->interval_us;
	drop_done(l);
	return interval_us;
}

static void send_burst(struct announcer_lane *l)
{
	struct announcer *a = l->announcer;
	struct burst b;
	int64_t pause_us;
	int sent;

	burst_fill(&b, l->place);
	sent = b.n ? sendmmsg(a->sock, b.list, b.n, MSG_DONTWAIT) : 0;
	if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS) && l->tries++ < ROOM_TRIES) {
		set_timer(l, ROOM_PAUSE_US);
		return;
	}
	l->tries = 0;
	a->errors += sent < 0;
	/* What can't be sent is passed over. */
	pause_us = move_on(l, sent < 0 ? 1 : (unsigned)sent);
	if (pause_us || l->head)
		set_timer(l, pause_us);
}

/* Ends when nothing waits and no pause is to be kept. */
static void lane_go_on(struct announcer_lane *l)
{
	struct announcer_lane **at = &l->announcer->lanes;

	send_burst(l);
	if (ev_is_active(&l->timer))
		return;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	free(l);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	lane_go_on(w->data);
}

int announcer_open(struct announcer *a, struct ev_loop *loop)
{
	*a = (struct announcer){.loop = loop};
	/* Protocol 0: sends only. */
	a->sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return a->sock < 0 ? -errno : 0;
}

void announcer_set_groups(struct announcer *a, struct announcer_group *list, size_t n)
{
	free(a->groups);
	a->groups = list;
	a->n_groups = n;
}

const struct announcer_group *announcer_group_of(const struct announcer *a, const char *ifname)
{
	for (size_t i = 0; i < a->n_groups; i++)
		if (!strcmp(a->groups[i].ifname, ifname))
			return &a->groups[i];
	return NULL;
}

static struct announcer_lane *lane_of(struct announcer *a, uint32_t pace)
{
	struct announcer_lane *l = a->lanes;

	while (l && l->pace != pace)
		l = l->next;
	if (l)
		return l;
	l = must(malloc(sizeof(*l)));
	*l = (struct announcer_lane){.next = a->lanes, .announcer = a, .pace = pace};
	l->tail = &l->head;
	ev_timer_init(&l->timer, on_timer, 0, 0);
	l->timer.data = l;
	a->lanes = l;
	return l;
}

static bool waits(const struct announcer_lane *l, const struct announcement *a)
{
	const struct place *p = &l->place;

	for (const struct announcer_job *job = p->job; job; job = job->next) {
		bool whole = job != p->job || p->round + 1 < job->rounds;

		for (size_t i = whole ? 0 : p->at; i < job->n; i++)
			if (job->frames[i].len && job->frames[i].index == a->index &&
			    addr_equal(&job->frames[i].address, &a->address))
				return true;
	}
	return false;
}

/*
 * Those of the list that go at this lane's pace. With pauses between them its queue could grow
 * faster than it moves: there what is about to be announced is not announced once more.
 */
static struct announcer_job *job_new(const struct announcer_lane *l,
				     const struct announcement *list, size_t n, uint32_t rounds)
{
	struct announcer_job *job;
	size_t wanted = 0;

	for (size_t i = 0; i < n; i++)
		wanted += list[i].pace == l->pace;
	job = must(malloc(sizeof(*job) + wanted * sizeof(*job->frames)));
	*job = (struct announcer_job){.rounds = rounds};
	for (size_t i = 0; i < n; i++) {
		struct frame *f = &job->frames[job->n];

		if (list[i].pace != l->pace || (list[i].interval_us && waits(l, &list[i])))
			continue;
		f->index = list[i].index;
		f->address = list[i].address;
		f->interval_us = list[i].interval_us;
		f->len = announce_frame(&list[i], f->bytes);
		job->n++;
	}
	return job;
}

static void lane_put(struct announcer_lane *l, struct announcer_job *job)
{
	if (!l->head)
		l->place = (struct place){.job = job};
	*l->tail = job;
	l->tail = &job->next;
	if (!ev_is_active(&l->timer))
		lane_go_on(l);
}

static bool is_first_of_its_pace(const struct announcement *list, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (list[k].pace == list[i].pace)
			return false;
	return true;
}

size_t announcer_send(struct announcer *a, const struct announcement *list, size_t n,
		      uint32_t rounds)
{
	size_t queued = 0;

	for (size_t i = 0; rounds && i < n; i++) {
		struct announcer_lane *l;
		struct announcer_job *job;

		if (!is_first_of_its_pace(list, i))
			continue;
		l = lane_of(a, list[i].pace);
		job = job_new(l, list, n, rounds);
		queued += job->n * rounds;
		lane_put(l, job);
	}
	return queued;
}

static void lane_cancel(struct announcer_lane *l, int index, const struct addr *address)
{
	for (struct announcer_job *job = l->head; job; job = job->next)
		for (size_t i = 0; i < job->n; i++)
			if (job->frames[i].index == index &&
			    addr_equal(&job->frames[i].address, address))
				job->frames[i].len = 0;
	drop_done(l);
}

void announcer_cancel(struct announcer *a, int index, const struct addr *address)
{
	for (struct announcer_lane *l = a->lanes; l; l = l->next)
		lane_cancel(l, index, address);
}
