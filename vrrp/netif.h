/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interfaces and addresses of this network namespace as the kernel has them: dumped once, then
 * kept by rtnetlink events, dumped again when events were lost. And the one writer of addresses:
 * many changes in few sends. A link that comes back counts as up only when it has had time to
 * settle. Knows nothing of VRRP.
 */
#ifndef TANDEM_VRRP_NETIF_H
#define TANDEM_VRRP_NETIF_H

#include "core/addr.h"
#include "core/clock.h"

#include <ev.h>
#include <net/if.h>
#include <stddef.h>

/* The mark on addresses that we add (IFA_PROTO, Linux 5.18): how a later life finds them. */
#define NETIF_ADDR_PROTO 112

/* How the alias of an interface begins that we made: how a later life finds it. */
#define NETIF_ALIAS "tandem: "

enum netif_kind {
	NETIF_OTHER,
	NETIF_MACVLAN,
	NETIF_IPVLAN,
};

struct netif {
	int index;
	char name[IFNAMSIZ];
	bool enabled;	  /* administratively up */
	bool up;	  /* that, and with a carrier, and for long enough */
	int64_t turns_us; /* see debounce.h */
	bool has_mac;
	uint8_t mac[6];
	enum netif_kind kind;
	uint32_t mode;	     /* MACVLAN_MODE_*, IPVLAN_MODE_* */
	uint16_t mode_flags; /* IPVLAN_F_* */
	int base;	     /* index of the interface that it is made on; 0: none */
	int master;	     /* index of the bridge, bond or VRF that it belongs to; 0: none */
	bool in_vrf;
	uint32_t group;
	bool ours; /* carries the mark */
};

struct netif_addr {
	struct netif_addr *next, *prev; /* in the kernel's order */
	struct netif_addr *chain;	/* of one hash value */
	int index;			/* of the interface */
	struct addr address;
	struct addr peer; /* the other end of a point-to-point link; unset: none */
	uint8_t prefixlen;
	bool usable; /* not in duplicate address detection, and not refused by it */
	bool routed; /* the kernel has given it its local route, see stopgap.h */
	bool ours;   /* carries the mark */
};

/* How long a link must have been down, or up, until it counts as that. */
struct netif_delay {
	char name[IFNAMSIZ];
	int64_t down_us;
	int64_t up_us;
};

/* An address to be added or deleted. */
struct netif_change {
	bool add;
	int index;
	struct addr address;
	uint8_t prefixlen;
	uint8_t scope;
	struct addr broadcast;	  /* unset: none */
	struct addr peer;	  /* unset: none */
	const char *label;	  /* "": none */
	uint32_t flags;		  /* IFA_F_* */
	uint32_t preferred_lft_s; /* UINT32_MAX: for ever */
	int error; /* the kernel's answer: 0, also when it already was so; or -errno */
};

struct mnl_socket;
struct netif_events;

/* A carrier is there before the switch behind it forwards: who asks for a neighbour too early asks
 * again a second later only. */
#define NETIF_SETTLE_US (200 * USEC_PER_MSEC)

#define NETIF_BUCKETS 1024

struct netifs {
	struct netif_delay *delays; /* those that have their own */
	size_t n_delays;
	unsigned links_gen; /* differs when links have come or gone */
	struct netif *list;
	size_t n;
	size_t cap;
	struct netif_addr *first;
	struct netif_addr *last;
	struct netif_addr *bucket[NETIF_BUCKETS];
	void (*changed)(void *ctx); /* after a batch of events, if there was anything new in it */
	void *ctx;
	struct netif_change *stopgaps; /* routes of IPv6 addresses that are not routed yet */
	size_t n_stopgaps;
	size_t cap_stopgaps;
	bool news;
	bool torn; /* the last look at all of it may lack something */
	struct ev_loop *loop;
	struct mnl_socket *events;
	struct netif_events *buffer; /* of those */
	struct mnl_socket *requests;
	ev_io readable;
	ev_timer settle;
	uint32_t seq;
};

/* 0 or -errno. `n` must stay where it is. */
int netifs_open(struct netifs *n, struct ev_loop *loop, void (*changed)(void *ctx), void *ctx);

struct nlmsghdr;

/* Asks for one change, waits for the answer, and takes in what the kernel tells about it. 0 or
 * -errno. */
int netifs_request(struct netifs *n, struct nlmsghdr *request);

/* Each as the last model has it; the array is taken over. From the next change of a link. */
void netifs_set_delays(struct netifs *n, struct netif_delay *delays, size_t count);

/* Takes in what the kernel has told already, without waiting for the loop. */
void netifs_catch_up(struct netifs *n);

const struct netif *netif_by_name(const struct netifs *n, const char *name);
const struct netif *netif_by_index(const struct netifs *n, int index);
const struct netif_addr *netif_find_addr(const struct netifs *n, int index,
					 const struct addr *address);

/*
 * Applies all changes; what failed is in their `error`. Returns how many failed, or -errno when
 * the kernel can't be spoken to. What succeeded is seen by netif_find_addr() at once, and takes in
 * packets. Thousands take a while: `breathe` (or NULL) is called between two batches.
 */
int netifs_apply(struct netifs *n, struct netif_change *changes, size_t count,
		 void (*breathe)(void *ctx), void *ctx);

#endif
