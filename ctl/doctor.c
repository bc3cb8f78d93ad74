/* SPDX-License-Identifier: Apache-2.0 */
/* What of this machine will hurt: see doctor.h. */
#include "ctl/doctor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was heard longer ago than this is over. */
#define HEARD_LATELY_S 300
/* A slot of the kernel's table is a list that each new connection and each lookup walks. */
#define CONNECTIONS_PER_SLOT 8
/* One packet in so many may have met a full backlog once. */
#define BACKLOG_TOLERATED 100000

struct report {
	enum doctor_severity pass; /* only these are told now */
	struct doctor_finding finding;
	char what[512];
	char remedy[512];
	void (*tell)(void *ctx, const struct doctor_finding *finding);
	void *ctx;
};

/* Is followed by its remedy(). */
static void __attribute__((format(printf, 4, 5)))
finding(struct report *r, enum doctor_severity severity, const char *name, const char *fmt, ...)
{
	va_list ap;

	r->finding = (struct doctor_finding){severity, name, r->what, r->remedy};
	va_start(ap, fmt);
	vsnprintf(r->what, sizeof(r->what), fmt, ap);
	va_end(ap);
}

static void __attribute__((format(printf, 2, 3))) remedy(struct report *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->remedy, sizeof(r->remedy), fmt, ap);
	va_end(ap);
	if (r->finding.severity == r->pass)
		r->tell(r->ctx, &r->finding);
}

/* Findings about the whole machine: a condition, and what is to be said */

static bool no_ipvs(const struct doctor_facts *f)
{
	return f->services && f->table_size == 0;
}

static bool snat_without_conntrack(const struct doctor_facts *f)
{
	return f->snat && f->conntrack == 0;
}

static bool not_forwarding_ipv4(const struct doctor_facts *f)
{
	return f->nat_ipv4 && f->ip_forward == 0;
}

static bool not_forwarding_ipv6(const struct doctor_facts *f)
{
	return f->nat_ipv6 && f->ipv6_forwarding == 0;
}

static bool schedules_nothing(const struct doctor_facts *f)
{
	return f->sync_master && f->sync_backup && f->backup_only == 1;
}

static bool sloppy_with_others(const struct doctor_facts *f)
{
	return f->sloppy_tcp == 1 && f->other_than_mh;
}

static bool reuse_of_ports(const struct doctor_facts *f)
{
	return f->services && f->conn_reuse_mode == 0;
}

static bool mh_not_sloppy(const struct doctor_facts *f)
{
	return f->mh && !f->other_than_mh && f->sloppy_tcp == 0;
}

static bool mh_without_icmp(const struct doctor_facts *f)
{
	return f->mh && f->schedule_icmp == 0;
}

static bool loops(const struct doctor_facts *f)
{
	return f->own_server && f->sync_backup && !f->sync_master && f->backup_only == 0;
}

static bool keeps_removed(const struct doctor_facts *f)
{
	return f->services && f->expire_nodest_conn == 0;
}

static bool keeps_quiescent(const struct doctor_facts *f)
{
	return f->persistent && f->expire_quiescent_template == 0;
}

static bool tracks_for_nothing(const struct doctor_facts *f)
{
	return f->services && f->conntrack == 1 && !f->snat;
}

static const struct fixed {
	enum doctor_severity severity;
	const char *name;
	bool (*is_so)(const struct doctor_facts *f);
	const char *what;
	const char *remedy;
} fixed[] = {
	{DOCTOR_SERIOUS, "no-ipvs", no_ipvs, "the kernel has no IPVS: no service works",
	 "modprobe ip_vs"},
	{DOCTOR_SERIOUS, "snat-conntrack", snat_without_conntrack,
	 "conntrack is 0: with lvs_method SNAT replies don't find back to the clients",
	 "lvs_sysctl { conntrack 1 }"},
	{DOCTOR_SERIOUS, "forwarding", not_forwarding_ipv4,
	 "real servers by NAT, but IPv4 is not forwarded: replies are lost",
	 "sysctl -w net.ipv4.ip_forward=1"},
	{DOCTOR_SERIOUS, "forwarding-ipv6", not_forwarding_ipv6,
	 "real servers by NAT, but IPv6 is not forwarded: replies are lost",
	 "sysctl -w net.ipv6.conf.all.forwarding=1"},
	{DOCTOR_SERIOUS, "backup-only", schedules_nothing,
	 "a backup sync daemon runs and backup_only is 1: nothing is scheduled",
	 "lvs_sysctl { backup_only 0 }"},
	{DOCTOR_SERIOUS, "sloppy-tcp", sloppy_with_others,
	 "sloppy_tcp is 1, but not every scheduler is mh: stray packets make connections to wrong "
	 "servers",
	 "lvs_sysctl { sloppy_tcp 0 }, or lvs_sched mh everywhere"},
	{DOCTOR_SERIOUS, "conn-reuse-mode", reuse_of_ports,
	 "conn_reuse_mode is 0: clients that reuse a port are sent to removed servers",
	 "lvs_sysctl { conn_reuse_mode 1 }"},
	{DOCTOR_WARNING, "loop", loops,
	 "this machine is a real server, too, and backup_only is 0: as backup it sends on what the "
	 "active director gave it",
	 "lvs_sysctl { backup_only 1 }"},
	{DOCTOR_WARNING, "mh-sloppy-tcp", mh_not_sloppy,
	 "the scheduler is mh, but sloppy_tcp is 0: connections end at a failover that the other "
	 "director could go on with",
	 "lvs_sysctl { sloppy_tcp 1 } on all directors, with mh-port"},
	{DOCTOR_WARNING, "schedule-icmp", mh_without_icmp,
	 "the scheduler is mh, but schedule_icmp is 0: after a failover large replies hang, as "
	 "\"fragmentation needed\" does not reach the server",
	 "lvs_sysctl { schedule_icmp 1 }"},
	{DOCTOR_WARNING, "expire-nodest-conn", keeps_removed,
	 "expire_nodest_conn is 0: clients of a removed server hang",
	 "lvs_sysctl { expire_nodest_conn 1 }"},
	{DOCTOR_WARNING, "expire-quiescent-template", keeps_quiescent,
	 "expire_quiescent_template is 0: persistent clients stay on servers of weight 0",
	 "lvs_sysctl { expire_quiescent_template 1 }"},
	{DOCTOR_WARNING, "conntrack", tracks_for_nothing,
	 "conntrack is 1: each packet costs half as much again",
	 "lvs_sysctl { conntrack 0 }, unless firewall rules need it"},
};

static void about_settings(struct report *r, const struct doctor_facts *f)
{
	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
		if (!fixed[i].is_so(f))
			continue;
		finding(r, fixed[i].severity, fixed[i].name, "%s", fixed[i].what);
		remedy(r, "%s", fixed[i].remedy);
	}
}

/* Findings about one object of many */

static void about_instance(struct report *r, const struct doctor_instance *in)
{
	if (in->other_s != DOCTOR_UNKNOWN && in->other_s <= HEARD_LATELY_S) {
		finding(r, DOCTOR_SERIOUS, "vrid-differs",
			"%s: %s advertises its addresses as virtual router %" PRId64
			", we as %" PRId64 ": both are active",
			in->name, in->other, in->other_vrid, in->vrid);
		remedy(r, "virtual_router_id alike on both: %" PRId64 " or %" PRId64, in->vrid,
		       in->other_vrid);
	}
	if (in->stranger_s != DOCTOR_UNKNOWN && in->stranger_s <= HEARD_LATELY_S) {
		finding(r, DOCTOR_SERIOUS, "vrid-in-use",
			"%s: %s sends advertisements with its virtual router id %" PRId64
			" that are not as ours are: %s",
			in->name, in->stranger, in->vrid, in->stranger_reason);
		remedy(r,
		       "if %s is its peer, the same settings there; else a virtual_router_id that "
		       "nobody there has",
		       in->stranger);
	}
}

static void about_instances(struct report *r, const struct doctor_facts *f)
{
	for (size_t i = 0; i < f->n_instances; i++)
		about_instance(r, &f->instances[i]);
}

static void about_clocks(struct report *r, const struct doctor_facts *f)
{
	for (size_t i = 0; i < f->n_instances; i++) {
		const struct doctor_instance *in = &f->instances[i];
		int64_t difference_s = llabs(in->clock_ahead_s);
		bool refused = difference_s > in->clock_window_s;

		if (in->clock_s == DOCTOR_UNKNOWN || in->clock_s > HEARD_LATELY_S ||
		    difference_s <= in->clock_window_s / 2)
			continue;
		finding(r, refused ? DOCTOR_SERIOUS : DOCTOR_WARNING, "clock",
			"%s: the clock of %s is %" PRId64
			" s %s ours, auth_hmac's time_window is %" PRId64 " s: %s",
			in->name, in->clock_of, difference_s,
			in->clock_ahead_s < 0 ? "behind" : "ahead of", in->clock_window_s,
			refused ? "its advertisements are refused"
				: "a little more, and its advertisements are refused");
		remedy(r, "chronyc makestep, on both, and keep them in step");
	}
}

static void about_drops(struct report *r, const struct doctor_facts *f)
{
	for (size_t i = 0; i < f->n_drops; i++) {
		const struct doctor_drop *d = &f->drops[i];

		finding(r, DOCTOR_SERIOUS, "firewall", "the firewall drops %s: %s", d->packet,
			d->rule);
		remedy(r, "%s", d->remedy);
	}
}

static void about_modules(struct report *r, const struct doctor_facts *f)
{
	for (size_t i = 0; i < f->n_modules; i++) {
		const struct doctor_module *m = &f->modules[i];

		if (m->state == DOCTOR_MODULE_ABSENT) {
			finding(r, DOCTOR_SERIOUS, "module",
				"the kernel has no module %s: %s does not work", m->name,
				m->purpose);
			remedy(r, "a kernel that has it: find /lib/modules -name '%s.ko*'",
			       m->name);
		}
		if (m->state == DOCTOR_MODULE_LOADABLE && m->by_hand) {
			finding(r, DOCTOR_WARNING, "module", "%s is not loaded: %s does not work",
				m->name, m->purpose);
			remedy(r, "modprobe %s; echo %s >/etc/modules-load.d/%s.conf", m->name,
			       m->name, m->name);
		}
	}
}

/* A dot in an interface's name is a slash in that of a setting. */
static const char *in_sysctl(const char *ifname, char text[IFNAMSIZ])
{
	snprintf(text, IFNAMSIZ, "%s", ifname);
	for (char *dot = text; (dot = strchr(dot, '.'));)
		*dot = '/';
	return text;
}

static void remedy_of_device(struct report *r, const struct doctor_device *d, const char *family,
			     const char *setting)
{
	char text[IFNAMSIZ];

	remedy(r, "sysctl -w net.%s.conf.%s.%s", family, in_sysctl(d->name, text), setting);
}

static void about_forwarding(struct report *r, const struct doctor_facts *f)
{
	for (size_t i = 0; i < f->n_devices; i++) {
		const struct doctor_device *d = &f->devices[i];

		if (d->nat_ipv4 && f->ip_forward == 1 && d->forwarding_ipv4 == 0) {
			finding(r, DOCTOR_SERIOUS, "forwarding",
				"IPv4 that comes in by %s is not forwarded: replies of real "
				"servers by NAT are lost",
				d->name);
			remedy_of_device(r, d, "ipv4", "forwarding=1");
		}
		if (d->nat_ipv6 && f->ipv6_forwarding == 1 && d->forwarding_ipv6 == 0) {
			finding(r, DOCTOR_SERIOUS, "forwarding-ipv6",
				"IPv6 that comes in by %s is not forwarded: replies of real "
				"servers by NAT are lost",
				d->name);
			remedy_of_device(r, d, "ipv6", "forwarding=1");
		}
	}
}

/* 1: a packet is dropped unless its sender would be answered by the interface that it came in by.
 */
static void about_rp_filter(struct report *r, const struct doctor_facts *f)
{
	for (size_t i = 0; i < f->n_devices; i++) {
		const struct doctor_device *d = &f->devices[i];

		if (d->rp_filter != 1)
			continue;
		if (d->virtual_mac) {
			finding(r, DOCTOR_SERIOUS, "rp-filter",
				"rp_filter is strict on %s, and clients are answered by another "
				"interface: what they send to its addresses is dropped",
				d->name);
			remedy_of_device(r, d, "ipv4", "rp_filter=2");
		} else if (d->instance && f->default_device[0] &&
			   strcmp(f->default_device, d->name) != 0) {
			finding(r, DOCTOR_WARNING, "rp-filter",
				"rp_filter is strict on %s, but the default route leads through "
				"%s: clients beyond a router are dropped",
				d->name, f->default_device);
			remedy_of_device(r, d, "ipv4", "rp_filter=2");
		}
	}
}

/* The virtual address is on lo or the like, as on every real server by DR. */
static void about_arp(struct report *r, const struct doctor_facts *f)
{
	for (size_t i = 0; i < f->n_devices && f->own_vip; i++) {
		const struct doctor_device *d = &f->devices[i];

		if (!d->instance || d->virtual_mac)
			continue;
		if (d->arp_ignore == 0) {
			finding(r, DOCTOR_SERIOUS, "arp-ignore",
				"%s stays here, whoever is active, and %s answers ARP for it: "
				"clients come here past the active director",
				f->own_vip, d->name);
			remedy_of_device(r, d, "ipv4", "arp_ignore=1");
		}
		if (d->arp_announce == 0 || d->arp_announce == 1) {
			finding(r, DOCTOR_WARNING, "arp-announce",
				"%s stays here, whoever is active, and %s may ask by ARP in its "
				"name: neighbours then send its packets here",
				f->own_vip, d->name);
			remedy_of_device(r, d, "ipv4", "arp_announce=2");
		}
	}
}

int64_t doctor_tunnel_room(const struct doctor_tunnel *t)
{
	int64_t room = t->path_mtu - (t->ipv6 ? 40 : 20);

	if (strcmp(t->kind, "gre") == 0)
		room -= t->checksum ? 8 : 4; /* RFC 2784: the checksum and its reserved half */
	else if (strcmp(t->kind, "gue") == 0)
		/* UDP, GUE, and of a private option its flags and its field */
		room -= 8 + 4 + (t->remote_checksum ? 4 + 4 : 0);
	return room;
}

static void about_tunnels(struct report *r, const struct doctor_facts *f)
{
	for (size_t i = 0; i < f->n_tunnels; i++) {
		const struct doctor_tunnel *t = &f->tunnels[i];
		int64_t room = doctor_tunnel_room(t);

		if (t->path_mtu <= 0 || f->client_mtu <= 0 || room >= f->client_mtu)
			continue;
		finding(r, DOCTOR_WARNING, "mtu",
			"%s to %s leaves %" PRId64 " of the %" PRId64 " bytes that %s carries, "
			"clients send up to %" PRId64 ": those who don't hear ICMP hang when they "
			"send much",
			t->kind, t->server, room, t->path_mtu, t->device, f->client_mtu);
		remedy(r, "ip link set dev %s mtu %" PRId64 ", and on the way to the servers",
		       t->device, t->path_mtu + f->client_mtu - room);
	}
}

static unsigned bits_for(int64_t connections)
{
	unsigned bits = 12;

	while (bits < 20 && INT64_C(1) << bits < connections)
		bits++;
	return bits;
}

static void about_tables(struct report *r, const struct doctor_facts *f)
{
	if (f->conntrack == 1 && f->tracked_max > 0 && f->tracked > f->tracked_max / 10 * 9) {
		finding(r, DOCTOR_SERIOUS, "conntrack-full",
			"conntrack has %" PRId64 " of at most %" PRId64
			" entries: then new connections are dropped",
			f->tracked, f->tracked_max);
		remedy(r, "sysctl -w net.netfilter.nf_conntrack_max=%" PRId64, 4 * f->tracked_max);
	}
	if (f->table_size > 0 && f->connections > CONNECTIONS_PER_SLOT * f->table_size) {
		finding(r, DOCTOR_WARNING, "table-size",
			"%" PRId64 " connections in a table of %" PRId64
			" slots: each packet walks a list of %" PRId64,
			f->connections, f->table_size, f->connections / f->table_size);
		remedy(r,
		       "options ip_vs conn_tab_bits=%u in /etc/modprobe.d/ip_vs.conf, and load "
		       "ip_vs anew",
		       bits_for(f->connections));
	}
}

static void about_backlog(struct report *r, const struct doctor_facts *f)
{
	if (f->backlog_max <= 0 || f->backlog_dropped <= f->backlog_packets / BACKLOG_TOLERATED)
		return;
	finding(r, DOCTOR_WARNING, "backlog",
		"%" PRId64 " of %" PRId64
		" packets were dropped since boot because the backlog of %" PRId64 " was full",
		f->backlog_dropped, f->backlog_packets, f->backlog_max);
	remedy(r, "sysctl -w net.core.netdev_max_backlog=%" PRId64, 10 * f->backlog_max);
}

static void about_what_was_not_seen(struct report *r, const struct doctor_facts *f)
{
	if (!f->firewall_reason[0])
		return;
	finding(r, DOCTOR_NOT_SEEN, "firewall", "the firewall's rules were not looked at: %s",
		f->firewall_reason);
	remedy(r, "tandemctl doctor as root, with nftables installed");
}

/* In the order of importance, among those of one severity. */
static void (*const chapters[])(struct report *r, const struct doctor_facts *f) = {
	about_instances, about_drops,	  about_settings, about_forwarding,
	about_modules,	 about_rp_filter, about_arp,	  about_clocks,
	about_tables,	 about_backlog,	  about_tunnels,  about_what_was_not_seen,
};

void doctor_examine(const struct doctor_facts *f,
		    void (*tell)(void *ctx, const struct doctor_finding *finding), void *ctx)
{
	struct report r = {.tell = tell, .ctx = ctx};

	for (r.pass = DOCTOR_SERIOUS; r.pass <= DOCTOR_NOT_SEEN; r.pass++)
		for (size_t i = 0; i < sizeof(chapters) / sizeof(*chapters); i++)
			chapters[i](&r, f);
}
