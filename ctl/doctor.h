/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of this machine will hurt the services that run on it, the worst first, each with the line
 * that mends it. Pure: facts in, findings out; who reads the facts is in doctor_facts.h.
 */
#ifndef TANDEM_CTL_DOCTOR_H
#define TANDEM_CTL_DOCTOR_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOCTOR_UNKNOWN (-1) /* not there, or may not be read: never a finding */

/* An interface that packets of ours go through. */
struct doctor_device {
	char name[IFNAMSIZ];
	bool instance;	  /* a vrrp_instance is on it */
	bool virtual_mac; /* … or it is one's own: use_vmac */
	bool nat_ipv4;	  /* the way to real servers by NAT or SNAT */
	bool nat_ipv6;
	int64_t mtu;
	int64_t rp_filter; /* as the kernel takes it: the greater of its own and that of "all" */
	int64_t arp_ignore;
	int64_t arp_announce;
	int64_t forwarding_ipv4;
	int64_t forwarding_ipv6;
};

/* Real servers by TUN of one kind behind one device. */
struct doctor_tunnel {
	const char *kind;   /* "ipip", "gue" or "gre" */
	const char *server; /* one of them */
	bool ipv6; /* the outer header */
	bool checksum;
	bool remote_checksum;
	int64_t path_mtu; /* of the way to them */
	char device[IFNAMSIZ];
};

enum doctor_module_state {
	DOCTOR_MODULE_UNKNOWN,
	DOCTOR_MODULE_ABSENT,
	DOCTOR_MODULE_LOADABLE,
	DOCTOR_MODULE_LOADED, /* or built in */
};

struct doctor_module {
	char name[40];
	const char *purpose; /* "lvs_sched" */
	bool by_hand;	     /* nothing loads it when it is needed */
	enum doctor_module_state state;
};

/* What an instance has heard; ages in seconds, DOCTOR_UNKNOWN: never. */
struct doctor_instance {
	const char *name;
	int64_t vrid;
	int64_t stranger_s;
	const char *stranger; /* sends our virtual router id, and is not as we are */
	const char *stranger_reason;
	int64_t other_s;
	const char *other; /* sends our addresses with this virtual router id */
	int64_t other_vrid;
	int64_t clock_s;
	const char *clock_of;
	int64_t clock_ahead_s;
	int64_t clock_window_s;
};

/* A rule of the firewall, and what it drops. */
struct doctor_drop {
	char packet[128];
	char rule[256]; /* "nftables table inet filter, chain input: its policy" */
	char remedy[192];
};

#define DOCTOR_DROPS_MAX   16
#define DOCTOR_MODULES_MAX 24

struct doctor_facts {
	/* Of the services. */
	unsigned services;
	bool nat_ipv4;
	bool nat_ipv6;
	bool snat;
	bool mh;
	bool other_than_mh;
	bool persistent;
	bool sync_master;
	bool sync_backup;
	bool peered; /* tandem-sync copies the connections */
	int64_t connections;
	const char *own_server; /* a real server by DR or TUN that is this machine; NULL: none */
	const char *own_vip;	/* a service's address that stays here, whoever is Active; NULL */
	struct doctor_instance *instances;
	size_t n_instances;
	/* Of the machine. */
	int64_t ip_forward;
	int64_t ipv6_forwarding;
	int64_t sloppy_tcp;
	int64_t schedule_icmp;
	int64_t expire_nodest_conn;
	int64_t expire_quiescent_template;
	int64_t conntrack;
	int64_t conn_reuse_mode;
	int64_t backup_only;
	int64_t table_size; /* of connections; 0: the kernel has no IPVS */
	int64_t tracked;    /* entries of conntrack, and how many it takes */
	int64_t tracked_max;
	int64_t backlog_max;	 /* net.core.netdev_max_backlog */
	int64_t backlog_packets; /* received, and of them dropped because it was full */
	int64_t backlog_dropped;
	int64_t client_mtu;	       /* of the way to the clients */
	char default_device[IFNAMSIZ]; /* "": no default route */
	struct doctor_device *devices;
	size_t n_devices;
	size_t cap_devices;
	struct doctor_tunnel *tunnels;
	size_t n_tunnels;
	size_t cap_tunnels;
	struct doctor_module modules[DOCTOR_MODULES_MAX];
	size_t n_modules;
	struct doctor_drop drops[DOCTOR_DROPS_MAX];
	size_t n_drops;
	char firewall_reason[160]; /* why its rules were not looked at; "": they were */
};

enum doctor_severity {
	DOCTOR_SERIOUS,	 /* something does not work, or will not when it must */
	DOCTOR_WARNING,	 /* something could be better */
	DOCTOR_NOT_SEEN, /* something could not be looked at */
};

struct doctor_finding {
	enum doctor_severity severity;
	const char *name;   /* for programs; stays the same */
	const char *what;   /* one line: what will happen */
	const char *remedy; /* one line: what mends it */
};

/* Of the way to real servers: what is left for a client's packet. */
int64_t doctor_tunnel_room(const struct doctor_tunnel *t);

/* Tells each finding, the most important first; it lives for the call. */
void doctor_examine(const struct doctor_facts *f,
		    void (*tell)(void *ctx, const struct doctor_finding *finding), void *ctx);

#endif
