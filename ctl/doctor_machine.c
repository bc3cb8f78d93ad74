/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's facts out of the machine: see doctor_facts.h. Changes nothing. */
#include "ctl/doctor_facts.h"
#include "ctl/reader.h"
#include "ctl/route.h"

#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Settings and counters */

static int64_t read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	int64_t value;

	if (!f)
		return DOCTOR_UNKNOWN;
	if (fscanf(f, "%" SCNd64, &value) != 1)
		value = DOCTOR_UNKNOWN;
	fclose(f);
	return value;
}

/* "IP Virtual Server version 1.2.1 (size=4096)" */
static int64_t read_table_size(void)
{
	FILE *f = fopen("/proc/net/ip_vs", "re");
	char line[128] = "";
	const char *size;

	if (!f)
		return errno == ENOENT ? 0 : DOCTOR_UNKNOWN;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	size = strstr(line, "(size=");
	return size ? strtoll(size + 6, NULL, 10) : DOCTOR_UNKNOWN;
}

/* A line for each CPU, in hexadecimal: packets, and those that the backlog had no room for. */
static void read_backlog(struct doctor_facts *f)
{
	FILE *file = fopen("/proc/net/softnet_stat", "re");
	uint32_t packets, dropped;

	f->backlog_max = read_number("/proc/sys/net/core/netdev_max_backlog");
	while (file && fscanf(file, "%" SCNx32 " %" SCNx32 "%*[^\n]", &packets, &dropped) == 2) {
		f->backlog_packets += packets;
		f->backlog_dropped += dropped;
	}
	if (file)
		fclose(file);
}

static void read_settings(struct doctor_facts *f)
{
#define VS "/proc/sys/net/ipv4/vs/"
	f->ip_forward = read_number("/proc/sys/net/ipv4/ip_forward");
	f->ipv6_forwarding = read_number("/proc/sys/net/ipv6/conf/all/forwarding");
	f->sloppy_tcp = read_number(VS "sloppy_tcp");
	f->schedule_icmp = read_number(VS "schedule_icmp");
	f->expire_nodest_conn = read_number(VS "expire_nodest_conn");
	f->expire_quiescent_template = read_number(VS "expire_quiescent_template");
	f->conntrack = read_number(VS "conntrack");
	f->conn_reuse_mode = read_number(VS "conn_reuse_mode");
	f->backup_only = read_number(VS "backup_only");
#undef VS
	f->table_size = read_table_size();
	f->tracked = read_number("/proc/sys/net/netfilter/nf_conntrack_count");
	f->tracked_max = read_number("/proc/sys/net/netfilter/nf_conntrack_max");
	read_backlog(f);
}

/* Interfaces */

static int64_t conf(const char *family, const char *device, const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, device, name);
	return read_number(path);
}

/* The kernel takes the greater one. */
static int64_t conf_or_all(const char *device, const char *name)
{
	int64_t own = conf("ipv4", device, name), all = conf("ipv4", "all", name);

	return own == DOCTOR_UNKNOWN || own > all ? own : all;
}

static void read_device(struct doctor_device *d)
{
	d->mtu = routes_mtu(d->name);
	d->rp_filter = conf_or_all(d->name, "rp_filter");
	d->arp_ignore = conf_or_all(d->name, "arp_ignore");
	d->arp_announce = conf_or_all(d->name, "arp_announce");
	d->forwarding_ipv4 = conf("ipv4", d->name, "forwarding");
	d->forwarding_ipv6 = conf("ipv6", d->name, "forwarding");
}

static void read_default_device(struct doctor_facts *f)
{
	FILE *file = fopen("/proc/net/route", "re");
	char line[256], name[IFNAMSIZ];
	unsigned destination, mask;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%15s %x %*x %*x %*d %*d %*d %x", name, &destination, &mask) ==
			    3 &&
		    !destination && !mask) {
			strcpy(f->default_device, name);
			break;
		}
	if (file)
		fclose(file);
}

/* Clients come by the first instance's interface, or from where the default route leads to. */
static int64_t client_mtu(const struct doctor_facts *f)
{
	for (size_t i = 0; i < f->n_devices; i++)
		if (f->devices[i].instance && f->devices[i].mtu > 0)
			return f->devices[i].mtu;
	return *f->default_device ? routes_mtu(f->default_device) : DOCTOR_UNKNOWN;
}

/* The ways to real servers */

static void note_tunnel(struct doctor_facts *f, struct arena *arena, json *server,
			const struct route_way *way)
{
	struct doctor_tunnel t = {
		.kind = str(server, "tunnel"),
		.server = str(server, "address"),
		.ipv6 = strchr(str(server, "address"), ':'),
		.checksum = flag(server, "tunnel_checksum"),
		.remote_checksum = flag(server, "tunnel_remote_checksum"),
		.path_mtu = way->mtu,
	};

	for (size_t i = 0; i < f->n_tunnels; i++)
		if (strcmp(f->tunnels[i].device, way->ifname) == 0 &&
		    strcmp(f->tunnels[i].kind, t.kind) == 0 && f->tunnels[i].ipv6 == t.ipv6 &&
		    f->tunnels[i].path_mtu == t.path_mtu)
			return;
	f->tunnels =
		arena_grow(arena, f->tunnels, f->n_tunnels, &f->cap_tunnels, sizeof(*f->tunnels));
	strcpy(t.device, way->ifname);
	f->tunnels[f->n_tunnels++] = t;
}

static void read_way(struct doctor_facts *f, struct arena *arena, struct mnl_socket *sock,
		     json *server)
{
	const char *forwarding = str(server, "forwarding");
	struct doctor_device *d;
	struct route_way way;
	struct addr to;

	if (addr_parse(str(server, "address"), &to) || routes_ask(sock, &to, &way))
		return;
	if (strcmp(forwarding, "TUN") == 0 && !way.local)
		note_tunnel(f, arena, server, &way);
	if (strstr(forwarding, "NAT") && !way.local) {
		d = doctor_device(f, arena, way.ifname);
		if (d && to.family == AF_INET6)
			d->nat_ipv6 = true;
		else if (d)
			d->nat_ipv4 = true;
	}
	if (!strstr(forwarding, "NAT") && way.local)
		f->own_server = str(server, "address");
}

static void read_ways(struct doctor_facts *f, struct arena *arena, json *services)
{
	struct mnl_socket *sock = routes_open();

	for (size_t i = 0; sock && i < count(services, "services"); i++) {
		json *service = item(services, "services", i);

		for (size_t k = 0; k < count(service, "real_servers"); k++)
			read_way(f, arena, sock, item(service, "real_servers", k));
	}
	if (sock)
		mnl_socket_close(sock);
}

/* Virtual addresses that stay */

static bool is_of_service(json *services, const char *address)
{
	for (size_t i = 0; i < count(services, "services"); i++)
		if (strcmp(str(item(services, "services", i), "address"), address) == 0)
			return true;
	return false;
}

static bool is_of_instance(struct doctor_facts *f, struct arena *arena, const char *ifname)
{
	const struct doctor_device *d = doctor_device(f, arena, ifname);

	return d && d->instance;
}

/* On an interface that knows no ARP: no instance puts it there and takes it away. */
static void read_own_addresses(struct doctor_facts *f, struct arena *arena, json *services)
{
	struct ifaddrs *list = NULL;

	if (getifaddrs(&list))
		return;
	for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
		char text[ADDR_TEXT_MAX];
		struct addr a;

		if (!at->ifa_addr || addr_from_sockaddr(at->ifa_addr, &a, NULL) ||
		    a.family != AF_INET || !(at->ifa_flags & (IFF_LOOPBACK | IFF_NOARP)) ||
		    is_of_instance(f, arena, at->ifa_name))
			continue;
		if (is_of_service(services, addr_format(&a, text)))
			f->own_vip = arena_strdup(arena, text);
	}
	freeifaddrs(list);
}

/* Modules */

/* Is there a line with "/NAME.ko" in it, ended by what a file's name can end with? */
static bool lists_module(const char *path, const char *name, bool *ret_readable)
{
	FILE *f = fopen(path, "re");
	char wanted[64], *line = NULL;
	bool found = false;
	size_t size = 0;

	snprintf(wanted, sizeof(wanted), "/%s.ko", name);
	*ret_readable |= f != NULL;
	while (f && !found && getline(&line, &size, f) > 0) {
		line[strcspn(line, ":\n")] = '\0'; /* what it depends on is behind the colon */
		found = strstr(line, wanted);
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

static enum doctor_module_state module_state(const char *name)
{
	bool builtin_readable = false, readable = false;
	char path[160];
	struct utsname u;

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	if (access(path, F_OK) == 0)
		return DOCTOR_MODULE_LOADED;
	if (uname(&u))
		return DOCTOR_MODULE_UNKNOWN;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", u.release);
	if (lists_module(path, name, &builtin_readable))
		return DOCTOR_MODULE_LOADED;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", u.release);
	if (lists_module(path, name, &readable))
		return DOCTOR_MODULE_LOADABLE;
	return readable && builtin_readable ? DOCTOR_MODULE_ABSENT : DOCTOR_MODULE_UNKNOWN;
}

void doctor_read_machine(struct doctor_facts *f, struct arena *arena,
			 const struct doctor_documents *docs)
{
	read_settings(f);
	read_default_device(f);
	read_ways(f, arena, docs->services);
	for (size_t i = 0; i < f->n_devices; i++)
		read_device(&f->devices[i]);
	f->client_mtu = client_mtu(f);
	read_own_addresses(f, arena, docs->services);
	for (size_t i = 0; i < f->n_modules; i++)
		f->modules[i].state = module_state(f->modules[i].name);
}
