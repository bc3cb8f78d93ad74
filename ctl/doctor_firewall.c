/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the firewall does to advertisements, to what directors tell each other of connections, to what
 * clients send to the services, and to what goes to and fro between us and real servers by NAT: see
 * doctor_facts.h. Reads nftables' rules, and
 * those of iptables-legacy, which nftables does not see.
 */
#include "core/nft.h"
#include "ctl/doctor_facts.h"
#include "ctl/firewall.h"
#include "ctl/reader.h"
#include "ctl/route.h"

#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VRRP_PROTOCOL 112

struct examination {
	struct doctor_facts *facts;
	struct firewall firewall;
	struct mnl_socket *routes;
};

/* Rules */

/* What the program prints; NULL: it failed, or is not there. */
static char *output_of(const char *command)
{
	FILE *pipe = popen(command, "re"), *memory;
	char *text = NULL;
	size_t size;
	int c;

	if (!pipe)
		return NULL;
	memory = open_memstream(&text, &size);
	while (memory && (c = getc(pipe)) != EOF)
		putc(c, memory);
	if (memory)
		fclose(memory);
	if (pclose(pipe) == 0)
		return text;
	free(text);
	return NULL;
}

static void cannot(struct doctor_facts *f, const char *fmt, const char *what)
{
	if (!f->firewall_reason[0])
		snprintf(f->firewall_reason, sizeof(f->firewall_reason), fmt, what);
}

static void load_nft(struct examination *x)
{
	struct text reason = {""};
	char *text = NULL;
	int err = nft_list_ruleset(&text, &reason);

	if (err)
		cannot(x->facts, "%s", reason.s);
	else if (text && firewall_read_nft(&x->firewall, text))
		cannot(x->facts, "%s", "what nftables lists can't be read");
	free(text);
}

/* `names` lists its tables; without one nobody uses it. */
static void load_legacy(struct examination *x, int family, const char *names, const char *command)
{
	FILE *f = fopen(names, "re");
	bool used = f && getc(f) != EOF;
	char *text;

	if (f)
		fclose(f);
	if (!used)
		return;
	text = output_of(command);
	if (!text)
		cannot(x->facts, "%s failed", command);
	else if (firewall_read_iptables(&x->firewall, family, text))
		cannot(x->facts, "what %s prints can't be read", command);
	free(text);
}

/* Drops */

/* A rule that drops a thousand services' packets is told once of services. */
static bool is_known(const struct doctor_facts *f, const struct doctor_drop *d, const char *what)
{
	for (size_t i = 0; i < f->n_drops; i++)
		if (strcmp(f->drops[i].rule, d->rule) == 0 &&
		    strncmp(f->drops[i].packet, what, strlen(what)) == 0)
			return true;
	return false;
}

/* The match of such packets, as the program wants it that made the rule. */
static void describe_match(const struct firewall_packet *p, bool legacy, char *text, size_t size)
{
	static const char *const protocols[] = {
		[IPPROTO_TCP] = "tcp", [IPPROTO_UDP] = "udp", [IPPROTO_SCTP] = "sctp"};
	const char *family = p->family == AF_INET6 ? "ip6" : "ip";
	bool to = addr_is_set(&p->dst);
	unsigned port = to ? p->dport : p->sport;
	char address[ADDR_TEXT_MAX];

	addr_format(to ? &p->dst : &p->src, address);
	if (p->protocol == VRRP_PROTOCOL)
		snprintf(text, size, legacy ? "-p %u" : "meta l4proto %u", VRRP_PROTOCOL);
	else if (legacy && port)
		snprintf(text, size, "-%c %s -p %s --%cport %u", to ? 'd' : 's', address,
			 protocols[p->protocol], to ? 'd' : 's', port);
	else if (legacy)
		snprintf(text, size, "-%c %s", to ? 'd' : 's', address);
	else if (port)
		snprintf(text, size, "%s %caddr %s %s %cport %u", family, to ? 'd' : 's', address,
			 protocols[p->protocol], to ? 'd' : 's', port);
	else
		snprintf(text, size, "%s %caddr %s", family, to ? 'd' : 's', address);
}

static void look(struct examination *x, const struct firewall_packet *p,
		 const enum firewall_hook *hooks, size_t n, const char *what, const char *whose)
{
	const struct firewall_chain *c;
	const struct firewall_rule *r;
	struct doctor_drop d;
	char match[128];
	bool legacy;

	for (size_t i = 0; i < n; i++) {
		if (!firewall_drops(&x->firewall, hooks[i], p, &c, &r))
			continue;
		legacy = strstr(c->insert, "-legacy");
		snprintf(d.packet, sizeof(d.packet), "%s %s", what, whose);
		snprintf(d.rule, sizeof(d.rule), "%s: %s", c->text, r ? r->text : "its policy");
		describe_match(p, legacy, match, sizeof(match));
		snprintf(d.remedy, sizeof(d.remedy), "%s %s %s", c->insert, match,
			 legacy ? "-j ACCEPT" : "accept");
		if (!is_known(x->facts, &d, what) && x->facts->n_drops < DOCTOR_DROPS_MAX)
			x->facts->drops[x->facts->n_drops++] = d;
	}
}

static const enum firewall_hook in_hooks[] = {FIREWALL_PREROUTING, FIREWALL_INPUT};
static const enum firewall_hook out_hooks[] = {FIREWALL_OUTPUT, FIREWALL_POSTROUTING};
static const enum firewall_hook through_hooks[] = {FIREWALL_PREROUTING, FIREWALL_FORWARD,
						   FIREWALL_POSTROUTING};

/* Advertisements: the peers hear each other only if nobody answers, so each one is a new one. */

static void look_at_advertisements(struct examination *x, json *v, struct firewall_packet p,
				   const char *peer)
{
	struct addr *remote = peer ? &p.src : &p.dst;

	if (peer && addr_parse(peer, remote))
		return;
	p.iif = str(v, "interface");
	look(x, &p, in_hooks, 2, "the peers' advertisements for", str(v, "name"));
	if (peer) {
		p.dst = p.src;
		p.src = (struct addr){0};
	}
	p.oif = get(v, "virtual_mac_interface") ? NULL : p.iif;
	p.iif = NULL;
	look(x, &p, out_hooks, 2, "our advertisements of", str(v, "name"));
}

static void look_at_instance(struct examination *x, json *v)
{
	bool ipv6 = strcmp(str(v, "family"), "ipv6") == 0;
	struct firewall_packet p = {.family = ipv6 ? AF_INET6 : AF_INET,
				    .protocol = VRRP_PROTOCOL,
				    .states = FIREWALL_NEW};

	if (get(v, "unicast_peers")) {
		for (size_t i = 0; i < count(v, "unicast_peers"); i++)
			look_at_advertisements(x, v, p,
					       json_object_get_string(item(v, "unicast_peers", i)));
		return;
	}
	if (addr_parse(str(v, "multicast_group"), &p.dst))
		addr_parse(ipv6 ? "ff02::12" : "224.0.0.18", &p.dst);
	look_at_advertisements(x, v, p, NULL);
}

/* Session sync: both ends send from this port to it. */

static void look_at_group(struct examination *x, struct firewall_packet p, const char *ifname)
{
	p.states = FIREWALL_NEW; /* nobody answers */
	p.iif = ifname;
	look(x, &p, in_hooks, 2, "the multicast of our peers of sync on", ifname);
	p.iif = NULL;
	p.oif = ifname;
	look(x, &p, out_hooks, 2, "our multicast of sync on", ifname);
}

static void look_at_peer(struct examination *x, struct firewall_packet p, json *path, const char *peer)
{
	const char *ifname = get(path, "interface") ? str(path, "interface") : NULL;
	struct firewall_packet out;

	/* Each may be taken for an answer to the other's. */
	p.states = FIREWALL_NEW | FIREWALL_ESTABLISHED;
	p.family = p.dst.family;
	out = p;
	if (addr_parse(peer, &p.src))
		return;
	out.src = p.dst;
	out.dst = p.src;
	p.iif = out.oif = ifname;
	look(x, &p, in_hooks, 2, "what sync is sent by", peer);
	look(x, &out, out_hooks, 2, "what sync sends to", peer);
}

static void look_at_path(struct examination *x, json *path, uint16_t port)
{
	struct firewall_packet p = {.protocol = IPPROTO_UDP, .sport = port, .dport = port};

	if (get(path, "group")) {
		if (!addr_parse(str(path, "group"), &p.dst)) {
			p.family = p.dst.family;
			look_at_group(x, p, str(path, "interface"));
		}
		return;
	}
	if (addr_parse(str(path, "address"), &p.dst))
		return;
	for (size_t i = 0; i < count(path, "peers"); i++)
		look_at_peer(x, p, path, json_object_get_string(item(path, "peers", i)));
}

static void look_at_sync(struct examination *x, json *sync)
{
	for (size_t i = 0; i < count(sync, "paths"); i++) {
		look_at_path(x, item(sync, "paths", i), (uint16_t)num(sync, "port"));
		if (num(sync, "heartbeat_port"))
			look_at_path(x, item(sync, "paths", i),
				     (uint16_t)num(sync, "heartbeat_port"));
	}
}

/* What belongs to services */

static bool set_endpoint(json *o, struct addr *ret, uint16_t *ret_port)
{
	*ret_port = (uint16_t)num(o, "port");
	return addr_parse(str(o, "address"), ret) == 0;
}

static void look_at_address(struct examination *x, json *o, uint8_t protocol, const char *name)
{
	struct firewall_packet p = {.protocol = protocol, .states = FIREWALL_NEW};

	if (!set_endpoint(o, &p.dst, &p.dport))
		return;
	p.family = p.dst.family;
	look(x, &p, in_hooks, 2, "what clients send to", name);
}

/*
 * Without vs.conntrack a request is not tracked any more when IPVS sends it on; so the reply of
 * TCP, which begins with SYN and ACK, is invalid, and that of anything else is a new connection.
 */
static void look_at_nat(struct examination *x, json *server, uint8_t protocol)
{
	bool tracked = x->facts->conntrack == 1;
	struct firewall_packet request = {.protocol = protocol}, reply = {.protocol = protocol};
	struct route_way way;
	char text[ADDR_TEXT_MAX];

	if (!strstr(str(server, "forwarding"), "NAT") ||
	    !set_endpoint(server, &request.dst, &request.dport) || !x->routes ||
	    routes_ask(x->routes, &request.dst, &way) || way.local)
		return;
	request.family = reply.family = request.dst.family;
	reply.src = request.dst;
	reply.sport = request.dport;
	request.oif = reply.iif = way.ifname;
	request.states = tracked ? FIREWALL_NEW : FIREWALL_UNTRACKED;
	reply.states = tracked			 ? FIREWALL_ESTABLISHED
		       : protocol == IPPROTO_TCP ? FIREWALL_INVALID
						 : FIREWALL_NEW;
	addr_format_port(&request.dst, request.dport, text);
	look(x, &request, out_hooks, 2, "requests to real servers by NAT:", text);
	look(x, &reply, through_hooks, 3, "replies of real servers by NAT:", text);
}

static void look_at_service(struct examination *x, json *service)
{
	uint8_t protocol = (uint8_t)num(service, "ip_protocol");

	if (!protocol) /* by fwmark: it may be anything */
		return;
	look_at_address(x, service, protocol, str(service, "name"));
	for (size_t i = 0; i < count(service, "member_addresses"); i++)
		look_at_address(x, item(service, "member_addresses", i), protocol,
				str(service, "name"));
	for (size_t i = 0; i < count(service, "real_servers"); i++)
		look_at_nat(x, item(service, "real_servers", i), protocol);
}

void doctor_read_firewall(struct doctor_facts *f, struct arena *arena,
			  const struct doctor_documents *docs)
{
	struct examination x = {.facts = f, .firewall = {.arena = arena}, .routes = routes_open()};

	load_nft(&x);
	load_legacy(&x, AF_INET, "/proc/net/ip_tables_names", "iptables-legacy-save");
	load_legacy(&x, AF_INET6, "/proc/net/ip6_tables_names", "ip6tables-legacy-save");
	for (size_t i = 0; i < count(docs->status, "vrrp_instances"); i++)
		look_at_instance(&x, item(docs->status, "vrrp_instances", i));
	look_at_sync(&x, get(docs->status, "sync"));
	for (size_t i = 0; i < count(docs->services, "services"); i++)
		look_at_service(&x, item(docs->services, "services", i));
	if (x.routes)
		mnl_socket_close(x.routes);
}
