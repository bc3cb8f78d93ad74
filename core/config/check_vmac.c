/* SPDX-License-Identifier: Apache-2.0 */
/*
 * use_vmac, use_ipvlan and use_vmac_addr: which interfaces are made for virtual addresses, with
 * which MAC addresses and under which names. Names follow from the file alone, so that both
 * directors have the same, and `dev` or track_interface can say them.
 */
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"

#define PREFIX_DEFAULT "vrrp"
/* With a digit, a dot and a VRID it is a name of 15 bytes. */
#define PREFIX_MAX 10

/* RFC 9568 §7.3: 00-00-5E-00-01-{VRID} for IPv4, 00-00-5E-00-02-{VRID} for IPv6. */
#define MAC_IPV4 UINT64_C(0x00005e000100)
#define MAC_IPV6 UINT64_C(0x00005e000200)

static uint64_t usual_mac(uint8_t family, uint8_t vrid)
{
	return (family == AF_INET6 ? MAC_IPV6 : MAC_IPV4) | vrid;
}

bool vmac_mac_is_usual(uint64_t mac)
{
	return (mac & ~UINT64_C(0xff)) == MAC_IPV4 || (mac & ~UINT64_C(0xff)) == MAC_IPV6;
}

/* Words of use_vmac and use_ipvlan */

/* Up to six bytes in hex with colons; returns how many there were, or -1. */
static int parse_mac(const char *s, uint64_t *ret)
{
	uint64_t mac = 0;
	int n = 0;

	do {
		char *end;
		unsigned long byte = strtoul(s, &end, 16);

		/* strtoul() takes a sign, too */
		if (end == s || end - s > 2 || byte > 0xff || ++n > 6 || (*end && *end != ':'))
			return -1;
		mac = mac << 8 | byte;
		s = *end ? end + 1 : end;
	} while (*s);
	*ret = mac;
	return n;
}

static void set_mac(struct checker *c, struct vrrp_draft *d, const struct ast_word *w)
{
	uint64_t mac;
	int n = parse_mac(w->s, &mac);

	if (n < 5) {
		check_warn(c, &w->loc, "'%s' is no MAC address; it is left out", w->s);
		return;
	}
	if (n == 5)
		mac <<= 8;
	if (mac >> 40 & 1 || vmac_mac_is_usual(mac)) {
		check_warn(c, &w->loc, "%s is %s; it is left out", w->s,
			   mac >> 40 & 1 ? "a multicast address"
					 : "of the range that virtual routers have anyway");
		return;
	}
	d->vmac.mac = mac;
	d->mac_needs_vrid = n == 5;
	d->mac_set = true;
}

/* Names of groups are a matter of iproute2's files, and of the machine. */
static void set_group(struct checker *c, struct vrrp_draft *d, const struct ast_node *n,
		      uint32_t *at)
{
	if (*at + 1 >= n->n_words)
		check_warn(c, &n->word[*at].loc, "'group' wants a value; it is left out");
	else if (!strcmp(n->word[++*at].s, "default"))
		d->vmac.group = 0;
	else
		value_number(c, &n->word[*at], 0, UINT32_MAX, &d->vmac.group);
}

static const struct {
	const char *name;
	uint16_t flags;
} ipvlan_modes[] = {{"bridge", 0}, {"private", IPVLAN_F_PRIVATE}, {"vepa", IPVLAN_F_VEPA}};

static bool set_ipvlan_mode(struct vrrp_draft *d, const char *s)
{
	for (size_t i = 0; i < sizeof(ipvlan_modes) / sizeof(*ipvlan_modes); i++)
		if (!strcmp(ipvlan_modes[i].name, s)) {
			d->vmac.ipvlan_flags = ipvlan_modes[i].flags;
			return true;
		}
	return false;
}

static bool is_address(const char *s)
{
	return strchr(s, ':') || strchr(s, '/') || strspn(s, "0123456789.") == strlen(s);
}

static void set_name(struct checker *c, struct vrrp_draft *d, const struct ast_word *w)
{
	if (d->vmac.ifname[0])
		check_warn(c, &w->loc, "the interface has the name %s already; it is left out",
			   d->vmac.ifname);
	else
		value_ifname(c, w, &d->vmac.ifname);
}

/* What only one of the two takes. */
static bool set_own_word(struct checker *c, struct vrrp_draft *d, const struct ast_word *w)
{
	if (d->vmac.kind == VMAC_IPVLAN && set_ipvlan_mode(d, w->s))
		return true;
	if (d->vmac.kind == VMAC_IPVLAN && is_address(w->s))
		return value_prefix(c, w, &d->vmac.address, &d->vmac.prefixlen) || true;
	if (d->vmac.kind == VMAC_MACVLAN && strchr(w->s, ':')) {
		set_mac(c, d, w);
		return true;
	}
	return false;
}

static void set_words(struct checker *c, struct vrrp_draft *d, const struct ast_node *n)
{
	for (uint32_t i = 1; i < n->n_words; i++) {
		const struct ast_word *w = &n->word[i];

		if (!strcmp(w->s, "netlink_notify_msg"))
			d->vmac.notify = true;
		else if (!strcmp(w->s, "group"))
			set_group(c, d, n, &i);
		else if (!strcmp(w->s, "name") && i + 1 < n->n_words)
			set_name(c, d, &n->word[++i]);
		else if (!set_own_word(c, d, w))
			set_name(c, d, w);
	}
}

static void start(struct checker *c, struct vrrp_draft *d, const struct ast_node *n,
		  enum vmac_kind kind)
{
	if (d->vmac_node) {
		check_warn(c, &n->word[0].loc, "there is %s already; the line is left out",
			   d->vmac_node->word[0].s);
		return;
	}
	d->vmac_node = n;
	d->vmac = (struct vmac){.ifname = "", .kind = (uint8_t)kind, .group = -1};
	set_words(c, d, n);
}

void set_vrrp_use_vmac(struct checker *c, void *draft, const struct ast_node *n)
{
	start(c, draft, n, VMAC_MACVLAN);
}

void set_vrrp_use_ipvlan(struct checker *c, void *draft, const struct ast_node *n)
{
	start(c, draft, n, VMAC_IPVLAN);
}

static void set_prefix(struct checker *c, const struct ast_word *w, const char **ret)
{
	if (strlen(w->s) > PREFIX_MAX)
		check_warn(c, &w->loc, "'%s' is longer than %d bytes; the line is left out", w->s,
			   PREFIX_MAX);
	else
		value_ifname(c, w, ret);
}

void set_global_vmac_prefix(struct checker *c, void *draft, const struct ast_node *n)
{
	set_prefix(c, &n->word[1], &((struct global_draft *)draft)->g.vmac_prefix);
}

void set_global_vmac_addr_prefix(struct checker *c, void *draft, const struct ast_node *n)
{
	set_prefix(c, &n->word[1], &((struct global_draft *)draft)->g.vmac_addr_prefix);
}

/* What an instance asks for */

static bool name_is_taken(const struct checker *c, const char *name)
{
	for (uint32_t i = 0; i < c->n_instances; i++) {
		const struct vrrp_instance *v = &c->instances[i];

		if (!strcmp(v->ifname, name))
			return true;
		for (uint32_t k = 0; k < v->n_vmacs; k++)
			if (!strcmp(v->vmacs[k].ifname, name))
				return true;
	}
	return false;
}

static void add_vmac(struct checker *c, struct vrrp_instance *v, const struct vmac *m)
{
	v->vmacs = check_extend(c, v->vmacs, v->n_vmacs, 1, sizeof(*v->vmacs));
	v->vmacs[v->n_vmacs++] = *m;
}

/* The address that an ipvlan interface is given is the one that adverts come from. */
static void finish_ipvlan(struct checker *c, struct vrrp_draft *d)
{
	struct vmac *m = &d->vmac;

	if (!addr_is_set(&m->address))
		return;
	if (m->address.family != d->v.family) {
		check_warn(c, &d->vmac_node->word[0].loc,
			   "%s: the address of use_ipvlan is not of the instance's family; "
			   "it is left out",
			   d->v.name);
		m->address = (struct addr){0};
		m->prefixlen = 0;
	} else if (!addr_is_set(&d->v.source)) {
		d->v.source = m->address;
	}
}

/* Neighbours of a virtual MAC would be asked for, and would answer, on another interface. */
static void finish_xmit(struct checker *c, struct vrrp_draft *d)
{
	struct vrrp_instance *v = &d->v;

	if (v->use_vmac && v->unicast && !v->vmac_xmit_base) {
		check_warn(c, &d->vmac_node->word[0].loc,
			   "%s: use_vmac with unicast_peer needs vmac_xmit_base, which is set",
			   v->name);
		v->vmac_xmit_base = true;
	}
	if (v->vmac_xmit_base && !v->use_vmac)
		check_warn(c, &d->node->word[0].loc,
			   "%s: vmac_xmit_base is for use_vmac only; it is left out", v->name);
	v->vmac_xmit_base &= v->use_vmac;
}

void vmac_finish(struct checker *c, struct vrrp_draft *d)
{
	struct vrrp_instance *v = &d->v;
	struct vmac *m = &d->vmac;

	if (d->vmac_node && !v->ifname[0])
		check_warn(c, &d->vmac_node->word[0].loc,
			   "%s: %s is for instances with an interface; it is left out", v->name,
			   d->vmac_node->word[0].s);
	v->use_vmac = d->vmac_node && v->ifname[0];
	finish_xmit(c, d);
	if (!v->use_vmac)
		return;
	m->base = v->ifname;
	m->family = v->family;
	if (m->ifname[0] &&
	    (name_is_taken(c, m->ifname) || !strcmp(m->ifname, v->ifname))) {
		check_warn(c, &d->vmac_node->word[0].loc,
			   "%s: the interface name %s is taken already; another is used", v->name,
			   m->ifname);
		m->ifname = "";
	}
	finish_ipvlan(c, d);
	if (m->kind == VMAC_MACVLAN && !d->mac_set)
		m->mac = usual_mac(v->family, v->vrid);
	else if (d->mac_needs_vrid)
		m->mac |= v->vrid;
	add_vmac(c, v, m);
}

/* Names that are not said */

/* After "vrrp.51": vrrp6.51 for IPv6, then vrrp1.51, vrrp2.51 …, as keepalived. */
static unsigned next_number(unsigned number, uint8_t family)
{
	if (family == AF_INET)
		return number + 1;
	return number == 0 ? 6 : number == 6 ? 1 : number == 5 ? 7 : number + 1;
}

static const char *free_name(struct checker *c, const char *prefix, uint8_t family, uint8_t vrid)
{
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "%s.%u", prefix, vrid);
	for (unsigned number = 0; name_is_taken(c, name);) {
		number = next_number(number, family);
		snprintf(name, sizeof(name), "%s%u.%u", prefix, number, vrid);
	}
	return arena_strdup(c->arena, name);
}

static const char *or_else(const char *s, const char *fallback)
{
	return s[0] ? s : fallback;
}

static void name_own(struct checker *c, struct vrrp_instance *v)
{
	struct vmac *m = v->use_vmac ? &v->vmacs[0] : NULL;

	if (m && !m->ifname[0])
		m->ifname = free_name(c, or_else(c->global.g.vmac_prefix, PREFIX_DEFAULT),
				      m->family, v->vrid);
}

static void add_for(struct checker *c, struct vrrp_instance *v, const struct vip *vip)
{
	const char *prefix = or_else(c->global.g.vmac_addr_prefix,
				     or_else(c->global.g.vmac_prefix, PREFIX_DEFAULT));
	struct vmac m = {.ifname = "",
			 .base = model_vip_base(v, vip),
			 .family = vip->address.family,
			 .kind = VMAC_MACVLAN,
			 .group = -1};
	bool like_own = v->use_vmac && v->vmacs[0].kind == VMAC_MACVLAN && m.family == v->family;

	if (!model_wants_vmac(v, vip) || model_vmac_of(v, vip) || !m.base[0])
		return;
	m.mac = like_own ? v->vmacs[0].mac : usual_mac(m.family, v->vrid);
	m.ifname = free_name(c, prefix, m.family, v->vrid);
	add_vmac(c, v, &m);
}

void vmac_check_all(struct checker *c)
{
	for (uint32_t i = 0; i < c->n_instances; i++) {
		struct vrrp_instance *v = &c->instances[i];

		name_own(c, v);
		for (uint32_t k = 0; k < v->n_vips; k++)
			add_for(c, v, &v->vips[k]);
		for (uint32_t k = 0; k < v->n_excluded; k++)
			add_for(c, v, &v->excluded[k]);
	}
}
