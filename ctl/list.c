/* SPDX-License-Identifier: Apache-2.0 */
/* Lists for those who know ipvsadm: see list.h. */
#include "ctl/list.h"

#include "core/must.h"
#include "ctl/reader.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

const char list_sort_keys[] = "active, conns, cps, bytes, rate";

static int64_t counter(json *o, const char *key)
{
	return num(get(o, "counters"), key);
}

static size_t length(json *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static json *nth(json *list, size_t i)
{
	return json_object_array_get_idx(list, i);
}

/* Of a server, or the sum of a service's. */
static int64_t conns_now(json *o, const char *key)
{
	json *servers = get(o, "real_servers");
	int64_t sum = num(o, key);

	for (size_t i = 0; i < length(servers); i++)
		sum += num(nth(servers, i), key);
	return sum;
}

/* Sorting */

static int64_t by_active(json *o)
{
	return conns_now(o, "active_connections");
}

static int64_t by_conns(json *o)
{
	return counter(o, "conns");
}

static int64_t by_cps(json *o)
{
	return counter(o, "conns_per_s");
}

static int64_t by_bytes(json *o)
{
	return counter(o, "in_bytes") + counter(o, "out_bytes");
}

static int64_t by_rate(json *o)
{
	return counter(o, "in_bytes_per_s") + counter(o, "out_bytes_per_s");
}

typedef int64_t sort_value(json *o);

static sort_value *find_sort(const char *key)
{
	static const struct {
		const char *key;
		sort_value *value;
	} sorts[] = {{"active", by_active},
		     {"conns", by_conns},
		     {"cps", by_cps},
		     {"bytes", by_bytes},
		     {"rate", by_rate}};

	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
		if (strcmp(sorts[i].key, key) == 0)
			return sorts[i].value;
	return NULL;
}

bool list_can_sort(const char *key)
{
	return find_sort(key);
}

struct sorted {
	json *object;
	int64_t value;
	size_t place;
	json *service; /* of a server, where all servers are one list */
};

static int compare_sorted(const void *a, const void *b)
{
	const struct sorted *left = a, *right = b;

	if (left->value != right->value)
		return left->value < right->value ? 1 : -1;
	return (left->place > right->place) - (left->place < right->place);
}

/* The list's members in the order wanted; the caller frees the array. */
static struct sorted *sort(json *list, const struct list_options *o)
{
	size_t n = length(list);
	struct sorted *s = must(calloc(n + 1, sizeof(*s)));
	sort_value *value = o->sort ? find_sort(o->sort) : NULL;

	for (size_t i = 0; i < n; i++)
		s[i] = (struct sorted){nth(list, i), value ? value(nth(list, i)) : 0, i, NULL};
	qsort(s, n, sizeof(*s), compare_sorted);
	return s;
}

/* Services */

/* At least; IPv6 addresses may be longer. */
#define NAME_WIDTH    34
#define SERVICE_WIDTH 26

struct listing {
	FILE *out;
	const struct list_options *options;
	int width; /* of the first column */
};

struct place {
	char text[80];
};

static struct place place_of(const char *lead, json *server)
{
	const char *address = str(server, "address");
	struct place p;

	snprintf(p.text, sizeof(p.text), strchr(address, ':') ? "%s[%s]:%" PRId64 : "%s%s:%" PRId64,
		 lead, address, num(server, "port"));
	return p;
}

static int wider(int width, const char *text)
{
	return (int)strlen(text) > width ? (int)strlen(text) : width;
}

static int servers_width(json *services, const char *lead)
{
	int width = NAME_WIDTH;

	for (size_t i = 0; i < length(services); i++) {
		json *servers = get(nth(services, i), "real_servers");

		for (size_t k = 0; k < length(servers); k++) {
			struct place p = place_of(lead, nth(servers, k));

			width = wider(width, p.text);
		}
	}
	return width;
}

static int services_width(json *services, int least)
{
	for (size_t i = 0; i < length(services); i++)
		least = wider(least, str(nth(services, i), "name"));
	return least;
}

static void print_heads(const struct listing *l, const char *first)
{
	fprintf(l->out, "%-*s", l->width, first);
	switch (l->options->columns) {
	case LIST_CONNECTIONS:
		fputs(" Forward Weight ActiveConn InActConn\n", l->out);
		break;
	case LIST_STATS:
		fputs("   Conns   InPkts  OutPkts    InBytes   OutBytes\n", l->out);
		break;
	case LIST_RATE:
		fputs("     CPS    InPPS   OutPPS      InBPS     OutBPS\n", l->out);
		break;
	}
}

/* 12345678901 as 12345M, like ipvsadm: five figures and a letter. */
static void print_large(FILE *out, int width, int64_t value)
{
	static const struct {
		int64_t unit;
		char letter;
	} units[] = {{1000000000000, 'T'}, {1000000000, 'G'}, {1000000, 'M'}, {1000, 'K'}};

	for (size_t i = 0; i < 4 && value > 99999999; i++) {
		if (value / units[i].unit < 100)
			continue;
		fprintf(out, " %*" PRId64 "%c", width - 1, value / units[i].unit, units[i].letter);
		return;
	}
	fprintf(out, " %*" PRId64, width, value);
}

static void print_counters(FILE *out, json *o, bool rate)
{
	static const char *const names[2][5] = {
		{"conns", "in_packets", "out_packets", "in_bytes", "out_bytes"},
		{"conns_per_s", "in_packets_per_s", "out_packets_per_s", "in_bytes_per_s",
		 "out_bytes_per_s"}};

	for (int i = 0; i < 5; i++)
		print_large(out, i == 0 ? 7 : i < 3 ? 8 : 10, counter(o, names[rate][i]));
	putc('\n', out);
}

/* A server that passes may be out by the operator's word, or because the kernel can't be reached. */
static const char *why_out(json *server)
{
	if (get(server, "override"))
		return str(get(server, "override"), "state");
	return flag(server, "up") ? "not in the kernel's table" : str(server, "reason");
}

static void print_reach(FILE *out, json *doc)
{
	json *ipvs = get(doc, "ipvs");

	if (get(ipvs, "available") && !flag(ipvs, "available"))
		fprintf(out, "! the kernel's IPVS can't be used: %s\n", str(ipvs, "reason"));
}

/* What lasts, and costs connections after a takeover. */
static void print_difference(FILE *out, json *server)
{
	json *peer = get(server, "peer");

	if (flag(peer, "differs"))
		fprintf(out, "  ! peer %s says %s", str(peer, "address"),
			flag(peer, "up") ? "up" : "down");
}

static const char server_lead[] = "  -> ";

static void print_server(const struct listing *l, json *server)
{
	const struct list_options *o = l->options;
	FILE *out = l->out;

	fprintf(out, "%-*s", l->width, place_of(server_lead, server).text);
	if (o->columns != LIST_CONNECTIONS) {
		print_counters(out, server, o->columns == LIST_RATE);
		return;
	}
	fprintf(out, " %-7s %-6" PRId64 " %-10" PRId64 " %" PRId64, str(server, "forwarding"),
		num(server, "weight"), num(server, "active_connections"),
		num(server, "inactive_connections"));
	if (!flag(server, "in_kernel"))
		fprintf(out, "  out: %s", why_out(server));
	print_difference(out, server);
	putc('\n', out);
}

static void print_service(const struct listing *l, json *service)
{
	const struct list_options *o = l->options;
	FILE *out = l->out;
	struct sorted *servers = sort(get(service, "real_servers"), o);

	if (o->columns == LIST_CONNECTIONS) {
		fprintf(out, "%s %s", str(service, "name"), str(service, "scheduler"));
		if (num(service, "persistence_timeout_s"))
			fprintf(out, " persistent %" PRId64, num(service, "persistence_timeout_s"));
		if (json_object_get_boolean(get(service, "sorry_server_serves")))
			fputs(" sorry server serves", out);
		putc('\n', out);
	} else {
		fprintf(out, "%-*s", l->width, str(service, "name"));
		print_counters(out, service, o->columns == LIST_RATE);
	}
	for (size_t i = 0; servers[i].object; i++)
		print_server(l, servers[i].object);
	free(servers);
}

void list_services(FILE *out, json *doc, const struct list_options *o)
{
	struct sorted *services = sort(get(doc, "services"), o);
	struct listing l = {out, o, servers_width(get(doc, "services"), server_lead)};

	if (o->columns == LIST_CONNECTIONS)
		fputs("Service Scheduler Flags\n", out);
	else
		l.width = services_width(get(doc, "services"), l.width);
	print_heads(&l, "  -> RemoteAddress:Port");
	for (size_t i = 0; services[i].object; i++)
		print_service(&l, services[i].object);
	print_reach(out, doc);
	free(services);
}

/* Servers */

static void print_server_line(FILE *out, int width, int service_width, json *service, json *server)
{
	bool up = json_object_get_boolean(get(server, "up"));

	fprintf(out, "%-*s %-*s %-4s %6" PRId64 " %10" PRId64 "  %s", width,
		place_of("", server).text, service_width, str(service, "name"),
		!get(server, "up") ? "?"
		: up		   ? "up"
				   : "DOWN",
		num(server, "weight"), num(server, "active_connections"), str(server, "reason"));
	print_difference(out, server);
	putc('\n', out);
}

static size_t count_servers(json *services)
{
	size_t n = 0;

	for (size_t i = 0; i < length(services); i++)
		n += length(get(nth(services, i), "real_servers"));
	return n;
}

/* Of all services, as one list; the caller frees the array. */
static struct sorted *sort_servers(json *services, const struct list_options *o)
{
	struct sorted *s = must(calloc(count_servers(services) + 1, sizeof(*s)));
	sort_value *value = o->sort ? find_sort(o->sort) : NULL;
	size_t n = 0;

	for (size_t i = 0; i < length(services); i++) {
		json *servers = get(nth(services, i), "real_servers");

		for (size_t k = 0; k < length(servers); k++, n++)
			s[n] = (struct sorted){nth(servers, k), value ? value(nth(servers, k)) : 0,
					       n, nth(services, i)};
	}
	qsort(s, n, sizeof(*s), compare_sorted);
	return s;
}

void list_servers(FILE *out, json *doc, const struct list_options *o)
{
	json *services = get(doc, "services");
	struct sorted *servers = sort_servers(services, o);
	int width = servers_width(services, "");
	int service_width = services_width(services, SERVICE_WIDTH);

	fprintf(out, "%-*s %-*s %-4s %6s %10s  %s\n", width, "real server", service_width,
		"virtual server", "", "weight", "act.conn", "reason");
	for (size_t i = 0; servers[i].service; i++)
		print_server_line(out, width, service_width, servers[i].service,
				  servers[i].object);
	print_reach(out, doc);
	free(servers);
}

/* Connections */

struct end {
	char text[64];
};

/* "0A000032" or "fd00:0000:…", and a port. */
static int parse_end(const char *address, unsigned port, struct end *ret)
{
	char plain[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	unsigned char b[4];

	if (strchr(address, ':')) {
		if (inet_pton(AF_INET6, address, &in6) != 1)
			return -EINVAL;
		inet_ntop(AF_INET6, &in6, plain, sizeof(plain));
		snprintf(ret->text, sizeof(ret->text), "[%s]:%u", plain, port);
		return 0;
	}
	if (sscanf(address, "%2hhx%2hhx%2hhx%2hhx", &b[0], &b[1], &b[2], &b[3]) != 4)
		return -EINVAL;
	snprintf(ret->text, sizeof(ret->text), "%u.%u.%u.%u:%u", b[0], b[1], b[2], b[3], port);
	return 0;
}

struct connection {
	char protocol[8];
	char state[16];
	const char *origin; /* "synced": from a peer; "local" */
	unsigned expires_s;
	struct end ends[3];
};

static void print_connection(FILE *out, const struct connection *c)
{
	fprintf(out, "%-4s %02u:%02u  %-11s %-6s %-22s %-22s %s\n", c->protocol, c->expires_s / 60,
		c->expires_s % 60, c->state, c->origin, c->ends[0].text, c->ends[1].text,
		c->ends[2].text);
}

/* All of these words are the kernel's or ours and need no quoting. */
static void print_connection_json(FILE *out, const struct connection *c)
{
	fprintf(out,
		"{\"protocol\":\"%s\",\"expires_s\":%u,\"state\":\"%s\",\"origin\":\"%s\","
		"\"client\":\"%s\",\"virtual_server\":\"%s\",\"real_server\":\"%s\"}\n",
		c->protocol, c->expires_s, c->state, c->origin, c->ends[0].text, c->ends[1].text,
		c->ends[2].text);
}

/* tandem-sync's, to itself: 192.0.0.8. */
static const char own_service[] = "C0000008";

int list_connection(FILE *out, const char *line, bool as_json)
{
	char address[3][48], origin[8];
	struct connection c;
	unsigned port[3];

	if (sscanf(line,
		   "%7[A-Z0-9] %47[0-9A-Fa-f:] %4x %47[0-9A-Fa-f:] %4x %47[0-9A-Fa-f:] %4x"
		   " %15[A-Z_] %7[A-Z] %9u",
		   c.protocol, address[0], &port[0], address[1], &port[1], address[2], &port[2],
		   c.state, origin, &c.expires_s) != 10)
		return -EINVAL;
	if (strcmp(address[1], own_service) == 0)
		return -ENOENT;
	for (int i = 0; i < 3; i++)
		if (parse_end(address[i], port[i], &c.ends[i]) < 0)
			return -EINVAL;
	c.origin = strcmp(origin, "SYNC") == 0 ? "synced" : "local";
	(as_json ? print_connection_json : print_connection)(out, &c);
	return 0;
}
