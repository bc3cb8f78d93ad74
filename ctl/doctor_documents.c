/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's facts out of tandemd's documents: see doctor_facts.h. */
#include "ctl/doctor_facts.h"
#include "ctl/reader.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define FTP_PORT 21

struct doctor_device *doctor_device(struct doctor_facts *f, struct arena *arena, const char *name)
{
	struct doctor_device *d;

	if (!*name || strlen(name) >= sizeof(d->name))
		return NULL;
	for (size_t i = 0; i < f->n_devices; i++)
		if (strcmp(f->devices[i].name, name) == 0)
			return &f->devices[i];
	f->devices =
		arena_grow(arena, f->devices, f->n_devices, &f->cap_devices, sizeof(*f->devices));
	d = &f->devices[f->n_devices++];
	*d = (struct doctor_device){.mtu = DOCTOR_UNKNOWN,
				    .rp_filter = DOCTOR_UNKNOWN,
				    .arp_ignore = DOCTOR_UNKNOWN,
				    .arp_announce = DOCTOR_UNKNOWN,
				    .forwarding_ipv4 = DOCTOR_UNKNOWN,
				    .forwarding_ipv6 = DOCTOR_UNKNOWN};
	strcpy(d->name, name);
	return d;
}

/* Once, however many need it. */
static void need_module(struct doctor_facts *f, const char *prefix, const char *name,
			const char *purpose, bool by_hand)
{
	struct doctor_module m = {.purpose = purpose, .by_hand = by_hand};

	snprintf(m.name, sizeof(m.name), "%s%s", prefix, name);
	for (size_t i = 0; i < f->n_modules; i++)
		if (strcmp(f->modules[i].name, m.name) == 0)
			return;
	if (f->n_modules < DOCTOR_MODULES_MAX)
		f->modules[f->n_modules++] = m;
}

static void read_server(struct doctor_facts *f, json *server)
{
	bool ipv6 = strchr(str(server, "address"), ':');
	const char *forwarding = str(server, "forwarding");

	f->connections += num(server, "active_connections") + num(server, "inactive_connections");
	f->snat |= strcmp(forwarding, "SNAT") == 0;
	if (!strstr(forwarding, "NAT"))
		return;
	f->nat_ipv6 |= ipv6;
	f->nat_ipv4 |= !ipv6;
}

static void read_service(struct doctor_facts *f, json *service)
{
	const char *scheduler = str(service, "scheduler");
	bool mh = strcmp(scheduler, "mh") == 0, nat;

	f->mh |= mh;
	f->other_than_mh |= !mh;
	f->persistent |= num(service, "persistence_timeout_s") > 0;
	for (size_t i = 0; i < count(service, "real_servers"); i++)
		read_server(f, item(service, "real_servers", i));
	if (get(service, "scheduler"))
		need_module(f, "ip_vs_", scheduler, "lvs_sched", false);
	if (get(service, "persistence_engine"))
		need_module(f, "ip_vs_pe_", str(service, "persistence_engine"),
			    "persistence_engine", false);
	nat = count(service, "real_servers") &&
	      strcmp(str(item(service, "real_servers", 0), "forwarding"), "NAT") == 0;
	if (nat && num(service, "port") == FTP_PORT)
		need_module(f, "ip_vs_", "ftp", "active FTP through NAT", true);
}

static int64_t age(json *heard, const char *key)
{
	return get(heard, key) ? num(heard, key) : DOCTOR_UNKNOWN;
}

static void read_instance(struct doctor_facts *f, struct arena *arena, json *v)
{
	struct doctor_instance *in = &f->instances[f->n_instances++];
	struct doctor_device *d = doctor_device(f, arena, str(v, "interface"));
	json *heard = get(v, "heard");

	if (d)
		d->instance = true;
	if (get(v, "virtual_mac_interface")) {
		d = doctor_device(f, arena, str(v, "virtual_mac_interface"));
		need_module(f, "", "macvlan", "use_vmac", false);
	}
	if (d && get(v, "virtual_mac_interface"))
		d->instance = d->virtual_mac = true;
	*in = (struct doctor_instance){
		.name = str(v, "name"),
		.vrid = num(v, "virtual_router_id"),
		.stranger_s = age(heard, "stranger_s_ago"),
		.stranger = str(heard, "stranger"),
		.stranger_reason = str(heard, "stranger_reason"),
		.other_s = age(heard, "other_s_ago"),
		.other = str(heard, "other"),
		.other_vrid = num(heard, "other_virtual_router_id"),
		.clock_s = age(heard, "clock_s_ago"),
		.clock_of = str(heard, "clock_of"),
		.clock_ahead_s = num(heard, "clock_ahead_s"),
		.clock_window_s = num(heard, "clock_window_s"),
	};
}

void doctor_read_documents(struct doctor_facts *f, struct arena *arena,
			   const struct doctor_documents *docs)
{
	json *daemons = get(get(docs->services, "ipvs"), "sync_daemons");
	size_t n = count(docs->status, "vrrp_instances");

	f->services = (unsigned)count(docs->services, "services");
	f->sync_master = flag(daemons, "master");
	f->sync_backup = flag(daemons, "backup");
	for (size_t i = 0; i < f->services; i++)
		read_service(f, item(docs->services, "services", i));
	if (f->snat)
		need_module(f, "", "nf_tables", "lvs_method SNAT", false);
	f->instances = arena_array(arena, n, sizeof(*f->instances));
	for (size_t i = 0; i < n; i++)
		read_instance(f, arena, item(docs->status, "vrrp_instances", i));
}
