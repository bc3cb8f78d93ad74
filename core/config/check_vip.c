/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of virtual_ipaddress and virtual_ipaddress_excluded. */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"
#include "core/config/names.h"

/* A line on its way through its options. */
struct vip_line {
	struct checker *c;
	const struct ast_node *n;
	uint32_t at; /* the option's word */
	bool is_static;
	int64_t preferred_lft_s; /* -1: not said */
	struct vip vip;
};

static const struct ast_word *vip_value(struct vip_line *l)
{
	if (l->at + 1 < l->n->n_words)
		return &l->n->word[++l->at];
	check_warn(l->c, &l->n->word[l->at].loc, "'%s' wants a value; it is left out",
		   l->n->word[l->at].s);
	return NULL;
}

static void vip_dev(struct vip_line *l)
{
	const struct ast_word *w = vip_value(l);

	if (w)
		value_ifname(l->c, w, &l->vip.ifname);
}

static void vip_label(struct vip_line *l)
{
	const struct ast_word *w = vip_value(l);

	if (w)
		value_ifname(l->c, w, &l->vip.label);
}

static void vip_scope(struct vip_line *l)
{
	const struct ast_word *w = vip_value(l);
	int scope;

	if (!w)
		return;
	scope = name_scope_parse(w->s);
	if (l->vip.address.family == AF_INET6)
		check_warn(l->c, &w->loc, "IPv6 addresses have their own scope; it is left out");
	else if (scope < 0)
		check_warn(l->c, &w->loc,
			   "'%s' is none of global, site, link, host, nowhere; "
			   "it is left out",
			   w->s);
	else
		l->vip.scope = (uint8_t)scope;
}

/* "+": the last address of the prefix. */
static void vip_broadcast_of(struct vip *v)
{
	v->broadcast = v->address;
	for (unsigned bit = v->prefixlen; bit < 32; bit++)
		v->broadcast.b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

static void take_broadcast(struct vip_line *l, const struct ast_word *w, const struct addr *a)
{
	if (a->family == AF_INET)
		l->vip.broadcast = *a;
	else
		check_warn(l->c, &w->loc, "%s is not of the family of the address; it is left out",
			   w->s);
}

static void vip_broadcast(struct vip_line *l)
{
	const struct ast_word *w = vip_value(l);
	struct addr a;

	if (!w)
		return;
	if (l->vip.address.family != AF_INET)
		check_warn(l->c, &w->loc, "IPv6 has no broadcast address; it is left out");
	else if (!strcmp(w->s, "+") && l->vip.prefixlen < 31)
		vip_broadcast_of(&l->vip);
	else if (!strcmp(w->s, "+"))
		check_warn(l->c, &w->loc,
			   "a prefix length of %u is too long for a broadcast address; "
			   "it is left out",
			   l->vip.prefixlen);
	else if (strcmp(w->s, "-") && value_addr(l->c, w, &a))
		take_broadcast(l, w, &a);
}

static void vip_peer(struct vip_line *l)
{
	const struct ast_word *w = vip_value(l);
	struct addr a;

	if (!w || !value_addr(l->c, w, &a))
		return;
	if (a.family != l->vip.address.family)
		check_warn(l->c, &w->loc, "%s is not of the family of the address; it is left out",
			   w->s);
	else
		l->vip.peer = a;
}

static void vip_preferred_lft(struct vip_line *l)
{
	const struct ast_word *w = vip_value(l);
	int64_t seconds = UINT32_MAX;

	if (w && (!strcmp(w->s, "forever") ||
		  value_number(l->c, w, 0, UINT32_MAX - 1, &seconds)))
		l->preferred_lft_s = seconds;
}

/* What the kernel would refuse, and the whole address with it. */
static void vip_flag(struct vip_line *l, bool *flag, const char *missing)
{
	if (missing)
		check_warn(l->c, &l->n->word[l->at].loc, "'%s' is for %s only; it is left out",
			   l->n->word[l->at].s, missing);
	else
		*flag = true;
}

static void vip_home(struct vip_line *l)
{
	vip_flag(l, &l->vip.home, l->vip.address.family == AF_INET6 ? NULL : "IPv6 addresses");
}

static void vip_mngtmpaddr(struct vip_line *l)
{
	bool fits = l->vip.address.family == AF_INET6 && l->vip.prefixlen == 64;

	vip_flag(l, &l->vip.mngtmpaddr, fits ? NULL : "IPv6 addresses with a prefix length of 64");
}

static void vip_autojoin(struct vip_line *l)
{
	vip_flag(l, &l->vip.autojoin,
		 addr_is_multicast(&l->vip.address) ? NULL : "multicast addresses");
}

static void vip_noprefixroute(struct vip_line *l)
{
	l->vip.noprefixroute = true;
}

static void vip_nodad(struct vip_line *l)
{
	l->vip.nodad = true;
}

static void vip_use_vmac(struct vip_line *l)
{
	if (l->is_static)
		check_warn(l->c, &l->n->word[l->at].loc,
			   "a static address has no virtual router; use_vmac is left out");
	else
		l->vip.use_vmac = true;
}

static void vip_no_track(struct vip_line *l)
{
	l->vip.no_track = true;
}

static void vip_track_group(struct vip_line *l)
{
	const struct ast_word *w = vip_value(l);

	if (w && !l->is_static)
		check_warn(l->c, &w->loc, "track_group is for static addresses; it is left out");
	else if (w)
		l->vip.track_group = track_group_find(l->c, w);
}

static const struct vip_option {
	const char *name;
	void (*set)(struct vip_line *l);
} vip_options[] = {
	{"dev", .set = vip_dev},
	{"label", .set = vip_label},
	{"scope", .set = vip_scope},
	{"brd", .set = vip_broadcast},
	{"broadcast", .set = vip_broadcast},
	{"-nodad", .set = vip_nodad},
	{"no_track", .set = vip_no_track},
	{"peer", .set = vip_peer},
	{"home", .set = vip_home},
	{"mngtmpaddr", .set = vip_mngtmpaddr},
	{"noprefixroute", .set = vip_noprefixroute},
	{"autojoin", .set = vip_autojoin},
	{"preferred_lft", .set = vip_preferred_lft},
	{"track_group", .set = vip_track_group},
	{"use_vmac", .set = vip_use_vmac},
};

static void vip_option(struct vip_line *l)
{
	const struct ast_word *w = &l->n->word[l->at];

	for (size_t i = 0; i < sizeof(vip_options) / sizeof(*vip_options); i++) {
		const struct vip_option *o = &vip_options[i];

		if (strcmp(o->name, w->s))
			continue;
		o->set(l);
		return;
	}
	check_warn(l->c, &w->loc, "unknown word '%s' for an address; it is left out", w->s);
}

/* A host's address is nothing to speak from: it would be chosen before the prefix's own. */
uint32_t vip_default_preferred_lft_s(const struct vip *v)
{
	return v->address.family == AF_INET6 && v->prefixlen == 128 ? 0 : UINT32_MAX;
}

static bool vip_parse(struct checker *c, const struct ast_node *n, bool is_static, struct vip *ret)
{
	struct vip_line l = {.c = c,
			     .n = n,
			     .is_static = is_static,
			     .preferred_lft_s = -1,
			     .vip = {.ifname = "", .label = ""}};

	if (!value_prefix(c, &n->word[0], &l.vip.address, &l.vip.prefixlen))
		return false;
	for (l.at = 1; l.at < n->n_words; l.at++)
		vip_option(&l);
	if (l.preferred_lft_s < 0)
		l.preferred_lft_s = vip_default_preferred_lft_s(&l.vip);
	l.vip.preferred_lft_s = (uint32_t)l.preferred_lft_s;
	*ret = l.vip;
	return true;
}

static bool vip_known(const struct vip *list, uint32_t n, const struct vip *v)
{
	for (uint32_t i = 0; i < n; i++)
		if (addr_equal(&list[i].address, &v->address) && !strcmp(list[i].ifname, v->ifname))
			return true;
	return false;
}

void vip_add_lines(struct checker *c, struct vrrp_draft *d, const struct ast_node *block,
		   bool excluded)
{
	struct vip **list = excluded ? &d->v.excluded : &d->v.vips;
	uint32_t *n = excluded ? &d->v.n_excluded : &d->v.n_vips;
	struct vip vip;

	*list = check_extend(c, *list, *n, block->n_children, sizeof(**list));
	for (uint32_t i = 0; i < block->n_children; i++) {
		const struct ast_node *line = &block->child[i];

		if (!vip_parse(c, line, false, &vip))
			continue;
		/* One advert carries addresses of one family (RFC 9568 §5.2.9). */
		if (!excluded && *n && vip.address.family != (*list)[0].address.family)
			check_warn(c, &line->word[0].loc,
				   "%s is not of the family of the addresses before it; "
				   "it is left out (virtual_ipaddress_excluded takes both)",
				   line->word[0].s);
		else if (vip_known(*list, *n, &vip))
			diags_add(c->diags, DIAG_NOTE, &line->word[0].loc,
				  "%s is there already; it is left out", line->word[0].s);
		else
			(*list)[(*n)++] = vip;
	}
}

void vip_add_static(struct checker *c, const struct ast_node *block, struct vip **list,
		    uint32_t *n_list)
{
	struct vip vip;

	*list = check_extend(c, *list, *n_list, block->n_children, sizeof(**list));
	for (uint32_t i = 0; i < block->n_children; i++) {
		const struct ast_node *line = &block->child[i];

		if (!vip_parse(c, line, true, &vip))
			continue;
		if (!vip.ifname[0])
			vip.ifname = c->global.default_interface;
		if (vip_known(*list, *n_list, &vip))
			diags_add(c->diags, DIAG_NOTE, &line->word[0].loc,
				  "%s is there already; it is left out", line->word[0].s);
		else
			(*list)[(*n_list)++] = vip;
	}
}
