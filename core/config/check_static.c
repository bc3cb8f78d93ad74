/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is there whoever is Active: static_ipaddress, static_routes, static_rules, and track_group,
 * which ties instances to it. Knows the instances by name only.
 */
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"

uint64_t track_group_find(struct checker *c, const struct ast_word *w)
{
	for (uint32_t i = 0; i < c->n_track_groups; i++)
		if (!strcmp(c->track_groups[i].name, w->s))
			return c->track_groups[i].id;
	check_warn(c, &w->loc, "there is no track_group '%s'; it is left out", w->s);
	return 0;
}

/* Members come later, when the instances are known. */
static void track_group_check(struct checker *c, const struct ast_node *n)
{
	struct track_group g = {.name = n->n_words > 1 ? value_string(c, &n->word[1]) : ""};

	if (!g.name[0])
		return;
	g.id = model_id_track_group(g.name);
	for (uint32_t i = 0; i < c->n_track_groups; i++) {
		if (c->track_groups[i].id != g.id)
			continue;
		check_warn(c, &n->word[1].loc,
			   "there is a track_group '%s' already; this one is left out", g.name);
		return;
	}
	c->track_groups[c->n_track_groups++] = g;
}

static void check_block_of(struct checker *c, const struct ast_node *n)
{
	const char *s = n->word[0].s;

	if (!strcmp(s, "static_routes"))
		route_add_lines(c, n, true, &c->routes, &c->n_routes);
	else if (!strcmp(s, "static_rules"))
		rule_add_lines(c, n, true, &c->rules, &c->n_rules);
	else if (!strcmp(s, "static_ipaddress"))
		vip_add_static(c, n, &c->addresses, &c->n_addresses);
}

void static_check_all(struct checker *c, const struct ast_node *root)
{
	c->track_groups = arena_array(c->arena, root->n_children, sizeof(*c->track_groups));
	for (uint32_t i = 0; i < root->n_children; i++)
		if (!strcmp(root->child[i].word[0].s, "track_group"))
			track_group_check(c, &root->child[i]);
	for (uint32_t i = 0; i < root->n_children; i++)
		check_block_of(c, &root->child[i]);
}

static void add_member(struct checker *c, struct track_group *g, const struct ast_word *w)
{
	const struct vrrp_instance *v = vrrp_find(c, w->s);

	if (v)
		g->members[g->n_members++].instance = v->id;
	else
		check_warn(c, &w->loc,
			   "there is no vrrp_instance '%s'; it is left out of track_group %s", w->s,
			   g->name);
}

void set_track_group_members(struct checker *c, void *draft, const struct ast_node *n)
{
	struct track_group *g = draft;
	uint32_t more = 0;

	for (uint32_t i = 0; i < n->n_children; i++)
		more += n->child[i].n_words;
	g->members = check_extend(c, g->members, g->n_members, more, sizeof(*g->members));
	for (uint32_t i = 0; i < n->n_children; i++)
		for (uint32_t k = 0; k < n->child[i].n_words; k++)
			add_member(c, g, &n->child[i].word[k]);
}

/* One that was left out has no say in who its members are. */
static bool is_left_out(const struct ast_node *root, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++) {
		const struct ast_node *n = &root->child[i];

		if (!strcmp(n->word[0].s, "track_group") && n->n_words > 1 &&
		    !strcmp(n->word[1].s, root->child[at].word[1].s))
			return true;
	}
	return false;
}

void static_finish(struct checker *c, const struct ast_node *root)
{
	for (uint32_t i = 0; i < root->n_children; i++) {
		const struct ast_node *n = &root->child[i];

		if (strcmp(n->word[0].s, "track_group") || n->n_words < 2 || is_left_out(root, i))
			continue;
		for (uint32_t k = 0; k < c->n_track_groups; k++)
			if (!strcmp(c->track_groups[k].name, n->word[1].s))
				check_block(c, PLACE_TRACK_GROUP, &c->track_groups[k], n);
	}
}
