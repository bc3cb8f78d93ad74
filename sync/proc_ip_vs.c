/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's words about IPVS: see proc_ip_vs.h. */
#include "sync/proc_ip_vs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD 48

static const struct {
	const char *name;
	uint8_t protocol;
} protocols[] = {
	{"TCP", IPPROTO_TCP}, {"UDP", IPPROTO_UDP}, {"SCTP", IPPROTO_SCTP},
	{"IP", IPPROTO_IP}, /* templates of marks */
};

static int protocol_of(const char *name)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (strcmp(name, protocols[i].name) == 0)
			return protocols[i].protocol;
	return -1;
}

/* 0A000064, or an IPv6 address in full. */
static bool parse_address(const char *word, struct addr *ret)
{
	unsigned v4;
	int used = 0;

	if (strchr(word, ':'))
		return addr_parse(word, ret) == 0;
	if (sscanf(word, "%8x%n", &v4, &used) != 1 || word[used])
		return false;
	v4 = htonl(v4);
	*ret = addr_from_bytes(AF_INET, &v4);
	return true;
}

/* As ip_vs_proto_tcp.c names them, by number; and what templates have. */
static uint16_t state_of(uint8_t protocol, bool template, const char *name)
{
	static const char *const tcp[] = {"NONE",      "ESTABLISHED", "SYN_SENT",   "SYN_RECV",
					  "FIN_WAIT",  "TIME_WAIT",   "CLOSE",	    "CLOSE_WAIT",
					  "LAST_ACK",  "LISTEN",      "SYNACK"};

	if (template)
		return strcmp(name, "ASSURED") == 0;
	for (uint16_t i = 0; protocol == IPPROTO_TCP && i < sizeof(tcp) / sizeof(*tcp); i++)
		if (strcmp(name, tcp[i]) == 0)
			return i;
	return 0;
}

size_t proc_conn_parse(const char *line, uint8_t *record)
{
	char protocol[8], client[WORD], vip[WORD], server[WORD], state[16];
	unsigned client_port, vip_port, server_port, timeout_s;
	struct sync_record r = {0};
	int end = 0;

	if (sscanf(line, "%7s %47s %4x %47s %4x %47s %4x %15s %u%n", protocol, client, &client_port,
		   vip, &vip_port, server, &server_port, state, &timeout_s, &end) != 9 ||
	    line[end + (int)strspn(line + end, " ")] || /* a persistence engine's */
	    protocol_of(protocol) < 0 || !parse_address(client, &r.client) ||
	    !parse_address(vip, &r.vip) || !parse_address(server, &r.server))
		return 0;
	if (r.server.family != r.client.family) {
		r.server = r.vip; /* by a tunnel; it does not name the connection */
		timeout_s = 0;
	}
	r.protocol = (uint8_t)protocol_of(protocol);
	r.client_port = (uint16_t)client_port;
	r.vip_port = (uint16_t)vip_port;
	r.server_port = (uint16_t)server_port;
	r.timeout_s = timeout_s;
	r.flags = client_port ? 0 : SYNC_FLAG_TEMPLATE;
	r.state = state_of(r.protocol, !client_port, state);
	if (client_port && r.protocol == IPPROTO_TCP && r.state != SYNC_STATE_ESTABLISHED)
		r.flags |= SYNC_FLAG_INACTIVE;
	return sync_record_encode(&r, record);
}

void proc_dests_done(struct proc_dests *d)
{
	free(d->list);
	*d = (struct proc_dests){0};
}

static int compare_services(const struct proc_dest *x, const struct proc_dest *y)
{
	if (x->fwmark != y->fwmark)
		return x->fwmark < y->fwmark ? -1 : 1;
	if (x->fwmark)
		return 0;
	if (x->protocol != y->protocol)
		return x->protocol - y->protocol;
	return x->vip_port != y->vip_port ? x->vip_port - y->vip_port
					  : addr_compare(&x->vip, &y->vip);
}

static int compare(const void *a, const void *b)
{
	const struct proc_dest *x = a, *y = b;
	int by_service = compare_services(x, y);

	if (by_service)
		return by_service;
	return x->port != y->port ? x->port - y->port : addr_compare(&x->address, &y->address);
}

/* "0A000064:1F40" or "[fd00:…]:1F40". */
static bool parse_end(const char *word, struct addr *ret, uint16_t *ret_port)
{
	const char *colon = strrchr(word, ':');
	size_t len = colon ? (size_t)(colon - word) : 0;
	char address[WORD];
	unsigned port;

	if (!colon || len >= sizeof(address) || sscanf(colon, ":%4x", &port) != 1)
		return false;
	if (word[0] == '[') {
		word++;
		len -= 2;
	}
	if (len >= sizeof(address))
		return false;
	memcpy(address, word, len);
	address[len] = '\0';
	*ret_port = (uint16_t)port;
	return parse_address(address, ret);
}

int proc_dests_add(struct proc_dests *d, const struct proc_dest *dest)
{
	if (d->n == d->cap) {
		size_t cap = d->cap ? 2 * d->cap : 64;
		void *list = realloc(d->list, cap * sizeof(*d->list));

		if (!list)
			return -ENOMEM;
		d->list = list;
		d->cap = cap;
	}
	d->list[d->n++] = *dest;
	return 0;
}

static bool has_service(const struct proc_dest *s)
{
	return s->fwmark || addr_is_set(&s->vip);
}

static uint8_t forward_of(const char *name)
{
	static const char *const names[] = {"Masq", "Local", "Tunnel", "Route", "Bypass"};

	for (uint8_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return 0;
}

int proc_dests_line(struct proc_dests *d, const char *line)
{
	struct proc_dest dest = d->service;
	char first[8], end[WORD + 8], how[16];
	unsigned mark, active, inactive;

	if (sscanf(line, "%7s %55s", first, end) != 2)
		return 0;
	if (strcmp(first, "->") == 0) {
		if (!has_service(&dest) || !parse_end(end, &dest.address, &dest.port))
			return 0;
		if (sscanf(line, "%*s %*s %15s %d %u %u", how, &dest.weight, &active, &inactive) != 4)
			return 0;
		dest.forward = forward_of(how);
		d->connections += active + inactive;
		return proc_dests_add(d, &dest);
	}
	d->service = (struct proc_dest){0};
	if (strcmp(first, "FWM") == 0 && sscanf(end, "%x", &mark) == 1) {
		d->service.fwmark = mark;
	} else if (protocol_of(first) > 0 &&
		   parse_end(end, &d->service.vip, &d->service.vip_port)) {
		d->service.protocol = (uint8_t)protocol_of(first);
	}
	return 0;
}

void proc_dests_sort(struct proc_dests *d)
{
	if (d->n)
		qsort(d->list, d->n, sizeof(*d->list), compare);
}

static const struct proc_dest *search(const struct proc_dests *d, const struct proc_dest *key)
{
	return d->n ? bsearch(key, d->list, d->n, sizeof(*d->list), compare) : NULL;
}

/* Services of all ports take connections of any, and their real servers those of the client's. */
static const struct proc_dest *search_ports(const struct proc_dests *d, const struct sync_record *r,
					    uint32_t fwmark)
{
	for (unsigned any = 0; any < 4; any++) {
		struct proc_dest key = {.fwmark = fwmark,
					.protocol = r->protocol,
					.vip = r->vip,
					.vip_port = any & 1 ? 0 : r->vip_port,
					.address = r->server,
					.port = any & 2 ? 0 : r->server_port};
		const struct proc_dest *found = search(d, &key);

		if (found)
			return found;
	}
	return NULL;
}

/* A connection has its packets' mark, whether or not its service is one of that mark: as
 * ip_vs_service_find() looks for it. */
const struct proc_dest *proc_dests_find(const struct proc_dests *d, const uint8_t *record)
{
	const struct proc_dest *found;
	struct sync_record r;

	sync_record_decode(record, &r);
	found = r.fwmark ? search_ports(d, &r, r.fwmark) : NULL;
	return found ? found : search_ports(d, &r, 0);
}

size_t proc_dests_new(const struct proc_dests *now, const struct proc_dests *before,
		      struct proc_dests *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < now->n; i++)
		if (!search(before, &now->list[i]) && proc_dests_add(ret, &now->list[i]))
			break; /* out of memory: those that fit */
	return ret->n;
}
