/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's IPVS table as plain values: what is wanted, what was observed, and the edits
 * between. Knows nothing of health, configuration or netlink.
 */
#ifndef TANDEM_IPVS_TABLE_H
#define TANDEM_IPVS_TABLE_H

#include "core/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IPVS_NAME_MAX 16 /* IP_VS_SCHEDNAME_MAXLEN, IP_VS_PENAME_MAXLEN */

/* What makes a service itself; with a fwmark the protocol, address and port are zero. */
struct ipvs_key {
	uint8_t family;
	uint8_t protocol;
	uint16_t port;
	uint32_t fwmark;
	struct addr address;
};

/* Totals since it was put there, and what the kernel's estimator makes of the last seconds. */
struct ipvs_counters {
	uint64_t conns;
	uint64_t in_packets;
	uint64_t out_packets;
	uint64_t in_bytes;
	uint64_t out_bytes;
	uint64_t conns_per_s;
	uint64_t in_packets_per_s;
	uint64_t out_packets_per_s;
	uint64_t in_bytes_per_s;
	uint64_t out_bytes_per_s;
};

/* A real server within a service; its address and port make it itself. */
struct ipvs_dest {
	struct addr address;
	uint16_t port;
	uint8_t forward;     /* IP_VS_CONN_F_* of IP_VS_CONN_F_FWD_MASK */
	uint8_t tunnel_type; /* these three only count with IP_VS_CONN_F_TUNNEL */
	uint16_t tunnel_port;
	uint16_t tunnel_flags;
	int32_t weight;
	uint32_t upper_threshold;
	uint32_t lower_threshold;
	/* Observed only. */
	uint32_t place; /* in the kernel's list: 0 is its head, where new ones go */
	uint32_t active_conns;
	uint32_t inactive_conns;
	struct ipvs_counters counters;
};

struct ipvs_service {
	struct ipvs_key key;
	char scheduler[IPVS_NAME_MAX];
	char engine[IPVS_NAME_MAX]; /* "": none */
	uint32_t flags;		    /* IP_VS_SVC_F_*, without _HASHED, which is the kernel's own */
	uint32_t timeout_s;
	uint8_t prefixlen; /* of the persistence netmask */
	uint32_t n_dests;
	struct ipvs_dest *dests; /* sorted by ipvs_dest_compare */
	struct ipvs_counters counters; /* observed only */
};

/* Of idle connections; 0 in a wanted table: the kernel's own. */
struct ipvs_timeouts {
	uint32_t tcp_s;
	uint32_t tcpfin_s;
	uint32_t udp_s;
};

enum ipvs_daemon_kind {
	IPVS_DAEMON_MASTER, /* sends this director's connections */
	IPVS_DAEMON_BACKUP, /* receives those of others */
	IPVS_DAEMONS,
};

/* One of the kernel's sync daemons. */
struct ipvs_daemon {
	bool runs;
	char ifname[IPVS_NAME_MAX]; /* IP_VS_IFNAME_MAXLEN */
	uint8_t sync_id;
	uint8_t ttl; /* in a wanted one 0 or unset: the kernel's own; so for what follows */
	uint16_t port;
	uint16_t maxlen;
	struct addr group;
};

struct ipvs_daemons {
	bool known; /* when wanted: it is known what is wanted; when observed: they were looked at */
	struct ipvs_daemon of[IPVS_DAEMONS];
};

struct ipvs_table {
	struct ipvs_service *services; /* sorted by ipvs_key_compare */
	uint32_t n_services;
	struct ipvs_timeouts timeouts;
	struct ipvs_daemons daemons;
};

int ipvs_key_compare(const struct ipvs_key *a, const struct ipvs_key *b);
int ipvs_dest_compare(const struct ipvs_dest *a, const struct ipvs_dest *b);

/* Services and destinations into the order that the functions of plan.h rely on. */
void ipvs_table_sort(struct ipvs_table *t);
uint32_t ipvs_table_count_dests(const struct ipvs_table *t);

/* NULL when there is none. */
struct ipvs_service *ipvs_table_find(const struct ipvs_table *t, const struct ipvs_key *key);
struct ipvs_dest *ipvs_service_find(const struct ipvs_service *s, const struct addr *address,
				    uint16_t port);

void ipvs_counters_add(struct ipvs_counters *to, const struct ipvs_counters *more);

/* The model's id of the virtual server that has this key. */
uint64_t ipvs_key_id(const struct ipvs_key *key);

/* "192.0.2.10:80 TCP", "fwmark 7 IPv6"; text of at least TEXT_MAX (codec.h). */
const char *ipvs_key_format(const struct ipvs_key *key, char *text);
const char *ipvs_forward_name(uint8_t forward); /* "NAT", "DR", "TUN" */
const char *ipvs_daemon_name(enum ipvs_daemon_kind kind); /* "master", "backup" */

#endif
