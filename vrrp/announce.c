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

/* Advertisements must get their turn between thousands of announcements. */
#define BURST_MAX     128
#define BURST_PAUSE_S 0.001

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

/* The queue */

struct announcer_item {
	struct announcer_item *next;
	int64_t interval_us;
	struct announcement what;
};

static void send_now(struct announcer *a, const struct announcement *what)
{
	uint8_t frame[ANNOUNCE_FRAME_MAX];
	size_t len = announce_frame(what, frame);
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = what->index};

	if (sendto(a->sock, frame, len, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0)
		a->errors++;
}

static struct announcer_item *queue_take(struct announcer *a, struct announcer_item **at)
{
	struct announcer_item *item = *at;

	*at = item->next;
	if (a->tail == &item->next)
		a->tail = at;
	return item;
}

static void set_timer(struct announcer *a, double after_s)
{
	ev_timer_stop(a->loop, &a->timer);
	ev_timer_set(&a->timer, after_s, 0);
	ev_timer_start(a->loop, &a->timer);
}

/* From the queue until it is empty, a pause is asked for, or the burst is long enough. */
static void send_queued(struct announcer *a)
{
	for (a->burst = 0; a->head && a->burst < BURST_MAX; a->burst++) {
		struct announcer_item *item = queue_take(a, &a->head);
		int64_t interval_us = item->interval_us;

		send_now(a, &item->what);
		free(item);
		if (interval_us) {
			set_timer(a, (double)interval_us / USEC_PER_SEC);
			return;
		}
	}
	if (a->burst)
		set_timer(a, BURST_PAUSE_S);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	send_queued(w->data);
}

int announcer_open(struct announcer *a, struct ev_loop *loop)
{
	*a = (struct announcer){.loop = loop};
	a->tail = &a->head;
	/* Protocol 0: sends only. */
	a->sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->sock < 0)
		return -errno;
	ev_timer_init(&a->timer, on_timer, 0, 0);
	a->timer.data = a;
	return 0;
}

static void queue_add(struct announcer *a, const struct announcement *what, int64_t interval_us)
{
	struct announcer_item *item = must(malloc(sizeof(*item)));

	*item = (struct announcer_item){.what = *what, .interval_us = interval_us};
	*a->tail = item;
	a->tail = &item->next;
}

void announcer_send(struct announcer *a, const struct announcement *what, int64_t interval_us)
{
	bool waiting = ev_is_active(&a->timer);

	if (!interval_us && !a->head && (!waiting || a->burst < BURST_MAX)) {
		a->burst = waiting ? a->burst + 1 : 1;
		send_now(a, what);
		if (!waiting)
			set_timer(a, BURST_PAUSE_S);
		return;
	}
	queue_add(a, what, interval_us);
	if (!waiting)
		send_queued(a);
}

void announcer_cancel(struct announcer *a, int index, const struct addr *address)
{
	for (struct announcer_item **at = &a->head; *at;) {
		if ((*at)->what.index == index && addr_equal(&(*at)->what.address, address))
			free(queue_take(a, at));
		else
			at = &(*at)->next;
	}
}
