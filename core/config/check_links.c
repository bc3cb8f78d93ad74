/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of interfaces: interface_up_down_delays, garp_group, vrf, track_src_ip,
 * garp_extra_if, and what of it suits an instance.
 */
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"

#define DELAY_MAX_US	  (255 * INT64_C(1000000))
#define GARP_EXTRA_MAX_US (86400 * INT64_C(1000000))

void set_vrrp_vrf(struct checker *c, void *draft, const struct ast_node *n)
{
	value_ifname(c, &n->word[1], &((struct vrrp_draft *)draft)->v.vrf);
}

/* [all] seconds */
static void set_garp_extra(struct checker *c, const struct ast_node *n, int64_t *us, bool *all)
{
	const struct ast_word *w = &n->word[n->n_words - 1];

	if (n->n_words == 3 && strcmp(n->word[1].s, "all"))
		check_warn(c, &n->word[1].loc, "'%s' is not all; it is left out", n->word[1].s);
	if (value_seconds(c, w, 0, GARP_EXTRA_MAX_US, us))
		*all = n->n_words == 3 && !strcmp(n->word[1].s, "all");
}

void set_global_garp_extra(struct checker *c, void *draft, const struct ast_node *n)
{
	struct global_draft *d = draft;

	set_garp_extra(c, n, &d->garp_extra_us, &d->garp_extra_all);
}

void set_vrrp_garp_extra(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_draft *d = draft;

	set_garp_extra(c, n, &d->garp_extra_us, &d->v.garp_extra_all);
}

/* interface_up_down_delays: interface, delay, and that of coming up when it is another. */
static void add_delay(struct checker *c, const struct ast_node *line)
{
	struct global *g = &c->global.g;
	struct link_delay d = {.ifname = ""};

	if (line->n_words < 2 || line->n_words > 3) {
		check_warn(c, &line->word[0].loc,
			   "an interface and one or two delays are wanted; the line is left out");
		return;
	}
	if (!value_ifname(c, &line->word[0], &d.ifname) ||
	    !value_seconds(c, &line->word[1], 0, DELAY_MAX_US, &d.down_us))
		return;
	d.up_us = d.down_us;
	if (line->n_words == 3 && !value_seconds(c, &line->word[2], 0, DELAY_MAX_US, &d.up_us))
		return;
	for (uint32_t i = 0; i < g->n_link_delays; i++)
		if (!strcmp(g->link_delays[i].ifname, d.ifname)) {
			check_warn(c, &line->word[0].loc,
				   "%s has delays already; the line is left out", d.ifname);
			return;
		}
	g->link_delays = check_extend(c, g->link_delays, g->n_link_delays, 1,
				      sizeof(*g->link_delays));
	g->link_delays[g->n_link_delays++] = d;
}

static bool in_garp_group(const struct garp_group *g, const char *ifname)
{
	for (uint32_t i = 0; i < g->n_interfaces; i++)
		if (!strcmp(g->interfaces[i].ifname, ifname))
			return true;
	return false;
}

static void add_to_garp_group(struct checker *c, struct garp_group *g, const struct ast_word *w)
{
	const struct global *all = &c->global.g;
	struct garp_interface one;
	bool taken = false;

	if (!value_ifname(c, w, &one.ifname))
		return;
	for (uint32_t i = 0; i < all->n_garp_groups; i++)
		taken |= in_garp_group(&all->garp_groups[i], one.ifname);
	if (taken || in_garp_group(g, one.ifname)) {
		check_warn(c, &w->loc, "%s is in a garp_group already; it is left out of this one",
			   one.ifname);
		return;
	}
	g->interfaces = check_extend(c, g->interfaces, g->n_interfaces, 1, sizeof(one));
	g->interfaces[g->n_interfaces++] = one;
}

void set_garp_interface(struct checker *c, void *draft, const struct ast_node *n)
{
	add_to_garp_group(c, draft, &n->word[1]);
}

void set_garp_interfaces(struct checker *c, void *draft, const struct ast_node *n)
{
	for (uint32_t k = 1; k < n->n_words; k++)
		add_to_garp_group(c, draft, &n->word[k]);
	for (uint32_t i = 0; i < n->n_children; i++)
		for (uint32_t k = 0; k < n->child[i].n_words; k++)
			add_to_garp_group(c, draft, &n->child[i].word[k]);
}

static void add_garp_group(struct checker *c, const struct ast_node *block)
{
	struct global *all = &c->global.g;
	struct garp_group g = {.garp_interval_us = c->global.garp_interval_us,
			       .gna_interval_us = c->global.gna_interval_us};

	check_block(c, PLACE_GARP_GROUP, &g, block);
	if (!g.n_interfaces) {
		check_warn(c, &block->word[0].loc,
			   "garp_group without an interface; it is left out");
		return;
	}
	all->garp_groups = check_extend(c, all->garp_groups, all->n_garp_groups, 1, sizeof(g));
	all->garp_groups[all->n_garp_groups++] = g;
}

void link_check_all(struct checker *c, const struct ast_node *root)
{
	for (uint32_t i = 0; i < root->n_children; i++) {
		const struct ast_node *block = &root->child[i];

		if (!strcmp(block->word[0].s, "garp_group"))
			add_garp_group(c, block);
		for (uint32_t k = 0; k < block->n_children &&
				     !strcmp(block->word[0].s, "interface_up_down_delays");
		     k++)
			add_delay(c, &block->child[k]);
	}
}

/* A Backup would take over before this instance knows that its interface is down. */
static void check_delay(struct checker *c, const struct vrrp_draft *d)
{
	const struct vrrp_instance *v = &d->v;
	int64_t limit_us = (v->down_timer_adverts - 1) * (int64_t)v->adver_int_cs * 10000;

	for (uint32_t i = 0; i < c->global.g.n_link_delays; i++) {
		const struct link_delay *l = &c->global.g.link_delays[i];

		if (!strcmp(l->ifname, v->ifname) && l->down_us >= limit_us)
			check_warn(c, &d->node->word[0].loc,
				   "%s: %s counts as down after %g s only, and a Backup may take "
				   "over after %g s",
				   v->name, l->ifname, (double)l->down_us / 1e6,
				   (double)limit_us / 1e6);
	}
}

/* Addresses of an instance without an interface. */
static void finish_default_interface(struct checker *c, struct vip *list, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!list[i].ifname[0])
			list[i].ifname = c->global.default_interface;
}

void link_finish(struct checker *c, struct vrrp_draft *d)
{
	struct vrrp_instance *v = &d->v;

	if (v->vrf[0] && v->ifname[0]) {
		check_warn(c, &d->node->word[0].loc,
			   "%s: vrf is for instances without an interface; it is left out", v->name);
		v->vrf = "";
	}
	if (v->track_source && !addr_is_set(&v->source)) {
		check_warn(c, &d->node->word[0].loc,
			   "%s: track_src_ip without a source address; it is left out", v->name);
		v->track_source = false;
	}
	v->garp_extra_us = d->garp_extra_us;
	if (d->garp_extra_us < 0) {
		v->garp_extra_us = c->global.garp_extra_us;
		v->garp_extra_all = c->global.garp_extra_all;
	}
	if (!v->ifname[0]) {
		finish_default_interface(c, v->vips, v->n_vips);
		finish_default_interface(c, v->excluded, v->n_excluded);
	}
	check_delay(c, d);
}
