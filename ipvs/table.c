/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's IPVS table as plain values: see table.h. */
#include "ipvs/table.h"

#include "core/model.h"

#include <linux/ip_vs.h>
#include <stdlib.h>

#define COMPARE(a, b)                              \
	do {                                       \
		if ((a) != (b))                    \
			return (a) < (b) ? -1 : 1; \
	} while (0)

int ipvs_key_compare(const struct ipvs_key *a, const struct ipvs_key *b)
{
	int order;

	COMPARE(a->family, b->family);
	COMPARE(a->fwmark, b->fwmark);
	COMPARE(a->protocol, b->protocol);
	order = addr_compare(&a->address, &b->address);
	if (order)
		return order;
	COMPARE(a->port, b->port);
	return 0;
}

int ipvs_dest_compare(const struct ipvs_dest *a, const struct ipvs_dest *b)
{
	int order = addr_compare(&a->address, &b->address);

	if (order)
		return order;
	COMPARE(a->port, b->port);
	return 0;
}

static int compare_services(const void *a, const void *b)
{
	const struct ipvs_service *left = a, *right = b;

	return ipvs_key_compare(&left->key, &right->key);
}

static int compare_dests(const void *a, const void *b)
{
	return ipvs_dest_compare(a, b);
}

static void sort_dests(struct ipvs_service *s)
{
	if (s->n_dests > 1)
		qsort(s->dests, s->n_dests, sizeof(*s->dests), compare_dests);
}

void ipvs_table_sort(struct ipvs_table *t)
{
	if (t->n_services > 1)
		qsort(t->services, t->n_services, sizeof(*t->services), compare_services);
	for (uint32_t i = 0; i < t->n_services; i++)
		sort_dests(&t->services[i]);
}

uint32_t ipvs_table_count_dests(const struct ipvs_table *t)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n_services; i++)
		n += t->services[i].n_dests;
	return n;
}

struct ipvs_service *ipvs_table_find(const struct ipvs_table *t, const struct ipvs_key *key)
{
	struct ipvs_service wanted = { .key = *key };

	if (!t->n_services)
		return NULL;
	return bsearch(&wanted, t->services, t->n_services, sizeof(wanted), compare_services);
}

struct ipvs_dest *ipvs_service_find(const struct ipvs_service *s, const struct addr *address,
				    uint16_t port)
{
	struct ipvs_dest wanted = { .address = *address, .port = port };

	if (!s->n_dests)
		return NULL;
	return bsearch(&wanted, s->dests, s->n_dests, sizeof(wanted), compare_dests);
}

static struct virtual_server server_of_key(const struct ipvs_key *key)
{
	return (struct virtual_server){
		.family = key->family,
		.protocol = key->protocol,
		.address = key->address,
		.port = key->port,
		.fwmark = key->fwmark,
	};
}

uint64_t ipvs_key_id(const struct ipvs_key *key)
{
	struct virtual_server vs = server_of_key(key);

	return model_id_virtual_server(&vs);
}

const char *ipvs_key_format(const struct ipvs_key *key, char *text)
{
	struct virtual_server vs = server_of_key(key);

	return virtual_server_format(&vs, text);
}

const char *ipvs_forward_name(uint8_t forward)
{
	switch (forward & IP_VS_CONN_F_FWD_MASK) {
	case IP_VS_CONN_F_MASQ:
		return "NAT";
	case IP_VS_CONN_F_TUNNEL:
		return "TUN";
	case IP_VS_CONN_F_DROUTE:
		return "DR";
	case IP_VS_CONN_F_LOCALNODE:
		return "local";
	case IP_VS_CONN_F_BYPASS:
		return "bypass";
	}
	return "unknown";
}

const char *ipvs_daemon_name(enum ipvs_daemon_kind kind)
{
	static const char *const names[] = {
		[IPVS_DAEMON_MASTER] = "master",
		[IPVS_DAEMON_BACKUP] = "backup",
	};

	return names[kind];
}

void ipvs_counters_add(struct ipvs_counters *to, const struct ipvs_counters *more)
{
	to->conns += more->conns;
	to->in_packets += more->in_packets;
	to->out_packets += more->out_packets;
	to->in_bytes += more->in_bytes;
	to->out_bytes += more->out_bytes;
	to->conns_per_s += more->conns_per_s;
	to->in_packets_per_s += more->in_packets_per_s;
	to->out_packets_per_s += more->out_packets_per_s;
	to->in_bytes_per_s += more->in_bytes_per_s;
	to->out_bytes_per_s += more->out_bytes_per_s;
}
