/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtual_server: what it has to do with the pair. Which vrrp_instance it follows (ha_suspend,
 * active_only), and what keeps its connections when the director changes (resilience).
 */
#include <linux/ip_vs.h>
#include <stdlib.h>
#include <string.h>

#include "core/config/check.h"

/* Keywords */

void set_service_active_only(struct checker *c, void *draft, const struct ast_node *n)
{
	struct service_draft *d = draft;

	d->vs.active_only = true;
	if (n->n_words > 1)
		d->instance = &n->word[1];
}

void set_service_resilience(struct checker *c, void *draft, const struct ast_node *n)
{
	struct service_draft *d = draft;

	for (enum resilience r = RESILIENCE_SYNC; r <= RESILIENCE_BOTH; r++) {
		if (strcmp(n->word[1].s, resilience_name(r)) != 0)
			continue;
		d->vs.resilience = (uint8_t)r;
		d->resilience = n;
		return;
	}
	check_warn(c, &n->word[1].loc, "'%s' is none of sync, hash, both; it is left out",
		   n->word[1].s);
}

/* The instance that it follows */

static bool instance_has(const struct vrrp_instance *v, const struct addr *a)
{
	for (uint32_t i = 0; i < v->n_vips; i++)
		if (addr_equal(&v->vips[i].address, a))
			return true;
	for (uint32_t i = 0; i < v->n_excluded; i++)
		if (addr_equal(&v->excluded[i].address, a))
			return true;
	return false;
}

static bool instance_serves(const struct vrrp_instance *v, const struct virtual_server *vs)
{
	if (addr_is_set(&vs->address) && instance_has(v, &vs->address))
		return true;
	for (uint32_t i = 0; i < vs->n_members; i++)
		if (addr_is_set(&vs->members[i].address) &&
		    instance_has(v, &vs->members[i].address))
			return true;
	return false;
}

static const struct vrrp_instance *find_instance(struct checker *c, const struct pair_draft *p)
{
	const struct vrrp_instance *v = p->instance ? vrrp_find(c, p->instance->s) : NULL;

	if (p->instance && !v)
		check_warn(c, &p->instance->loc, "there is no vrrp_instance %s; it is left out",
			   p->instance->s);
	for (uint32_t i = 0; !v && i < c->n_instances; i++)
		if (instance_serves(&c->instances[i], &c->services[p->service]))
			v = &c->instances[i];
	return v;
}

static void follow_instance(struct checker *c, const struct pair_draft *p)
{
	struct virtual_server *vs = &c->services[p->service];
	const struct vrrp_instance *v;

	if (!vs->ha_suspend && !vs->active_only)
		return;
	if (vs->active_only && c->global.g.n_peering)
		check_warn(c, &p->node->word[0].loc,
			   "active_only: a kernel without the service can't take the connections "
			   "that sync copies; they end at each move");
	v = find_instance(c, p);
	if (v) {
		vs->instance = v->id;
		return;
	}
	check_warn(c, &p->node->word[0].loc,
		   "no vrrp_instance has the address of this service; %s is left out%s",
		   vs->active_only ? "active_only" : "ha_suspend",
		   vs->active_only ? ": name the instance behind it" : "");
	vs->ha_suspend = vs->active_only = false;
}

/* Who is Active for a service decides its weights on all directors that are synced. */
static void link_instances(struct checker *c)
{
	for (uint32_t i = 0; i < c->n_services; i++) {
		const struct pair_draft p = {.service = i};
		const struct vrrp_instance *v =
			c->services[i].instance ? NULL : find_instance(c, &p);

		if (v)
			c->services[i].instance = v->id;
	}
}

/* Resilience */

static bool wants_hash(const struct virtual_server *vs)
{
	return vs->resilience == RESILIENCE_HASH || vs->resilience == RESILIENCE_BOTH;
}

/* The kernel has one bit for mh-port and sh-port. */
static bool hashes(const struct virtual_server *vs)
{
	return !strcmp(vs->scheduler, "mh") && vs->scheduler_flags & IP_VS_SVC_F_SCHED_SH_PORT;
}

/*
 * The server is computed from the client's address and port, and a director takes up a connection
 * whose beginning it has not seen.
 */
void pair_use_hash(struct checker *c, struct service_draft *d)
{
	struct virtual_server *vs = &d->vs;

	if (!wants_hash(vs))
		return;
	if (vs->scheduler[0] && strcmp(vs->scheduler, "mh") != 0) {
		check_warn(c, &d->resilience->word[0].loc,
			   "resilience %s is for the scheduler mh, not %s; mh is used",
			   resilience_name((enum resilience)vs->resilience), vs->scheduler);
		vs->scheduler_flags = 0;
	}
	vs->scheduler = "mh";
	vs->scheduler_flags |= IP_VS_SVC_F_SCHED_SH_PORT;
	lvs_default_sysctl(c, "sloppy_tcp", "1");
}

static void link_sync(struct checker *c, const struct pair_draft *p)
{
	const struct virtual_server *vs = &c->services[p->service];

	if (!vs->resilience || vs->resilience == RESILIENCE_HASH)
		return;
	if (!c->global.g.n_peering)
		check_warn(c, &p->resilience->word[0].loc,
			   "resilience %s wants a sync block: nothing copies connections to the "
			   "peer",
			   resilience_name((enum resilience)vs->resilience));
	if (vs->resilience == RESILIENCE_SYNC && hashes(vs))
		check_warn(c, &p->resilience->word[0].loc,
			   "mh with mh-port survives by itself, too: write resilience both");
}

/*
 * The tables of mh, sh and dh follow from the weights. What moves the weights at each director by
 * itself would make the tables differ, and with them where a client is sent after a failover,
 * unless the directors agree on weights.
 */
static bool moves_a_hash(const struct virtual_server *vs)
{
	return (vs->slow_start_us || vs->feedback) &&
	       (!strcmp(vs->scheduler, "mh") || !strcmp(vs->scheduler, "sh") ||
		!strcmp(vs->scheduler, "dh"));
}

static void link_weights(struct checker *c, const struct pair_draft *p)
{
	struct virtual_server *vs = &c->services[p->service];
	const struct ast_node *n = p->node;

	if (!moves_a_hash(vs) || c->global.g.n_peering)
		return;
	check_warn(c, &n->word[0].loc,
		   "%s%s%s: slow_start and feedback would make the tables of %s differ between the "
		   "directors, which agree on weights with a sync block only; they are left out",
		   n->word[1].s, n->n_words > 2 ? " " : "", n->n_words > 2 ? n->word[2].s : "",
		   vs->scheduler);
	vs->slow_start_us = 0;
	vs->feedback = FEEDBACK_NONE;
}

void pair_keep(struct checker *c, const struct service_draft *d)
{
	if (!d->vs.ha_suspend && !d->vs.active_only && !d->vs.resilience && !moves_a_hash(&d->vs))
		return;
	c->pairs = check_extend(c, c->pairs, c->n_pairs, 1, sizeof(*c->pairs));
	c->pairs[c->n_pairs++] = (struct pair_draft){.service = c->n_services,
						     .node = d->node,
						     .instance = d->instance,
						     .resilience = d->resilience};
}

void pair_link_all(struct checker *c)
{
	for (uint32_t i = 0; i < c->n_pairs; i++) {
		follow_instance(c, &c->pairs[i]);
		link_sync(c, &c->pairs[i]);
		link_weights(c, &c->pairs[i]);
	}
	if (c->global.g.n_peering)
		link_instances(c);
}

static int compare_uncopied(const void *a, const void *b)
{
	const struct uncopied *left = a, *right = b;

	return (left->id > right->id) - (left->id < right->id);
}

/* Each service of a group is one in the kernel. */
static uint32_t list_uncopied(const struct checker *c, struct uncopied *list)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n_services; i++) {
		const struct virtual_server *vs = &c->services[i];

		if (vs->resilience != RESILIENCE_HASH)
			continue;
		for (uint32_t j = 0; j < (vs->n_members ? vs->n_members : 1); j++, n++)
			if (list)
				list[n].id = vs->n_members ? vs->members[j].id : vs->id;
	}
	return n;
}

struct uncopied *pair_uncopied(struct checker *c, uint32_t *ret_n)
{
	struct uncopied *list;

	*ret_n = c->global.g.n_peering ? list_uncopied(c, NULL) : 0;
	list = arena_array(c->arena, *ret_n, sizeof(*list));
	if (*ret_n)
		list_uncopied(c, list);
	qsort(list, *ret_n, sizeof(*list), compare_uncopied);
	return list;
}
