/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vrrp_sync_group: which instances change state together, and what they track together. Knows the
 * instances by name only, after all of them have been read.
 */
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"

static bool is_grouped(const struct checker *c, const struct sync_group_draft *d, uint64_t instance)
{
	for (uint32_t i = 0; i < c->n_groups; i++)
		for (uint32_t k = 0; k < c->groups[i].n_members; k++)
			if (c->groups[i].members[k].instance == instance)
				return true;
	for (uint32_t k = 0; k < d->g.n_members; k++)
		if (d->g.members[k].instance == instance)
			return true;
	return false;
}

static void add_member(struct checker *c, struct sync_group_draft *d, const struct ast_word *w)
{
	const struct vrrp_instance *v = vrrp_find(c, w->s);

	if (!v)
		check_warn(c, &w->loc, "there is no vrrp_instance '%s'; it is left out of group %s",
			   w->s, d->g.name);
	else if (is_grouped(c, d, v->id))
		check_warn(c, &w->loc, "%s is in a sync group already; it is left out of group %s",
			   w->s, d->g.name);
	else
		d->g.members[d->g.n_members++].instance = v->id;
}

void set_sync_group_members(struct checker *c, void *draft, const struct ast_node *n)
{
	struct sync_group_draft *d = draft;
	uint32_t more = 0;

	for (uint32_t i = 0; i < n->n_children; i++)
		more += n->child[i].n_words;
	d->g.members = check_extend(c, d->g.members, d->g.n_members, more, sizeof(*d->g.members));
	for (uint32_t i = 0; i < n->n_children; i++)
		for (uint32_t k = 0; k < n->child[i].n_words; k++)
			add_member(c, d, &n->child[i].word[k]);
}

void set_sync_group_tracks(struct checker *c, void *draft, const struct ast_node *n)
{
	struct sync_group_draft *d = draft;

	vrrp_add_tracks(c, n, &d->tracks, &d->n_tracks);
}

void set_sync_group_track(struct checker *c, void *draft, const struct ast_node *n)
{
	struct sync_group_draft *d = draft;

	track_add_block(c, n, &d->tracked, &d->n_tracked);
}

void set_sync_group_notify(struct checker *c, void *draft, const struct ast_node *n)
{
	struct sync_group_draft *d = draft;

	vrrp_add_notify(c, n, &d->g.notifies, &d->g.n_notifies);
}

/* As keepalived: priorities that differ within a group would tear at it. */
static void warn_weight(struct checker *c, const struct sync_group_draft *d,
			const struct vrrp_instance *v, const char *tracked)
{
	check_warn(c, &d->node->word[0].loc,
		   "%s tracks %s with a weight and is in group %s; the line is left out: track it "
		   "in the group, or say sync_group_tracking_weight",
		   v->name, tracked, d->g.name);
}

static void drop_own_weights(struct checker *c, const struct sync_group_draft *d,
			     struct vrrp_instance *v)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < v->n_track_interfaces; i++) {
		if (v->track_interfaces[i].weight)
			warn_weight(c, d, v, v->track_interfaces[i].ifname);
		else
			v->track_interfaces[kept++] = v->track_interfaces[i];
	}
	v->n_track_interfaces = kept;
	kept = 0;
	for (uint32_t i = 0; i < v->n_tracked; i++) {
		if (v->tracked[i].weight)
			warn_weight(c, d, v, v->tracked[i].name);
		else
			v->tracked[kept++] = v->tracked[i];
	}
	v->n_tracked = kept;
}

/* As keepalived: what both track has the group's weight, but a fault stays a fault. */

static void share_interface(struct vrrp_instance *v, const struct track_interface *t)
{
	for (uint32_t i = 0; i < v->n_track_interfaces; i++) {
		struct track_interface *own = &v->track_interfaces[i];

		if (strcmp(own->ifname, t->ifname))
			continue;
		if (own->weight)
			*own = *t;
		return;
	}
	v->track_interfaces[v->n_track_interfaces++] = *t;
}

static void share_tracker(struct vrrp_instance *v, const struct tracked *t)
{
	for (uint32_t i = 0; i < v->n_tracked; i++) {
		if (v->tracked[i].tracker != t->tracker)
			continue;
		if (v->tracked[i].weight)
			v->tracked[i] = *t;
		return;
	}
	v->tracked[v->n_tracked++] = *t;
}

static void share_tracks(struct checker *c, const struct sync_group_draft *d,
			 struct vrrp_instance *v)
{
	if (!d->tracking_weight)
		drop_own_weights(c, d, v);
	v->track_interfaces = check_extend(c, v->track_interfaces, v->n_track_interfaces,
					   d->n_tracks, sizeof(*v->track_interfaces));
	for (uint32_t i = 0; i < d->n_tracks; i++)
		share_interface(v, &d->tracks[i]);
	v->tracked = check_extend(c, v->tracked, v->n_tracked, d->n_tracked, sizeof(*v->tracked));
	for (uint32_t i = 0; i < d->n_tracked; i++)
		share_tracker(v, &d->tracked[i]);
}

static struct vrrp_instance *member_of(const struct checker *c, const struct sync_group_draft *d,
				       uint32_t i)
{
	for (uint32_t k = 0; k < c->n_instances; k++)
		if (c->instances[k].id == d->g.members[i].instance)
			return &c->instances[k];
	return NULL;
}

static void sync_group_finish(struct checker *c, struct sync_group_draft *d)
{
	const struct ast_loc *loc = &d->node->word[0].loc;
	bool owner = false, other = false;

	for (uint32_t i = 0; i < d->g.n_members; i++) {
		struct vrrp_instance *v = member_of(c, d, i);

		share_tracks(c, d, v);
		if (d->notify_priority_changes >= 0)
			v->notify_priority_changes = d->notify_priority_changes;
		owner |= v->priority == 255;
		other |= v->priority != 255;
	}
	d->g.smtp_alert = mail_wanted(d->smtp_alert, c->global.smtp_alert_vrrp,
				      c->global.smtp_alert, false);
	if (d->g.n_members == 1)
		check_warn(c, loc, "group %s has one member only: it does nothing", d->g.name);
	if (owner && other)
		check_warn(c, loc,
			   "group %s has members with priority 255 and others: it is MASTER when "
			   "all of them can be",
			   d->g.name);
}

static void sync_group_check(struct checker *c, const struct ast_node *n)
{
	struct sync_group_draft d = {
		.node = n, .notify_priority_changes = -1, .smtp_alert = -1};
	const struct ast_loc *first;

	if (n->n_words < 2)
		return;
	d.g.name = value_string(c, &n->word[1]);
	d.g.id = model_id_sync_group(d.g.name);
	first = check_id(c, d.g.id, &n->word[1].loc);
	if (first) {
		check_warn(c, &n->word[1].loc,
			   "there is a vrrp_sync_group '%s' already, at %s:%u; this one is left "
			   "out",
			   d.g.name, first->src->file, first->src->number);
		return;
	}
	check_block(c, PLACE_SYNC_GROUP, &d, n);
	if (!d.g.n_members) {
		check_warn(c, &n->word[0].loc, "group %s has no members; it is left out", d.g.name);
		return;
	}
	sync_group_finish(c, &d);
	c->groups[c->n_groups++] = d.g;
}

void sync_group_check_all(struct checker *c, const struct ast_node *root)
{
	c->groups = arena_array(c->arena, root->n_children, sizeof(*c->groups));
	for (uint32_t i = 0; i < root->n_children; i++)
		if (!strcmp(root->child[i].word[0].s, "vrrp_sync_group"))
			sync_group_check(c, &root->child[i]);
}
