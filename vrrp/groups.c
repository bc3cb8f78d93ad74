/* SPDX-License-Identifier: Apache-2.0 */
/* The sync groups at work: see groups.h. */
#include "vrrp/groups.h"

#include "core/must.h"
#include "vrrp/group.h"
#include "vrrp/instance.h"

#include <stdlib.h>
#include <string.h>

struct group {
	uint64_t id;
	struct text name;
	enum vrrp_state_id state;
	enum vrrp_state_id told;
	unsigned n;
	struct instance **instances;
	struct vrrp_member *members; /* of the same index */
};

static const struct group *find_former(const struct groups *g, uint64_t id)
{
	for (unsigned i = 0; i < g->n; i++)
		if (g->list[i].id == id)
			return &g->list[i];
	return NULL;
}

static bool was_member(const struct group *former, const struct instance *in)
{
	for (unsigned i = 0; former && i < former->n; i++)
		if (former->instances[i] == in)
			return true;
	return false;
}

/* Who joins has not been seen Active here: it is not one that yields. */
static void add_member(struct group *group, const struct group *former, struct instance *in)
{
	struct vrrp_member *m = &group->members[group->n];

	group->instances[group->n++] = in;
	m->was = was_member(former, in) ? in->m.state : VRRP_STATE_INITIALIZE;
}

static void group_make(struct group *ret, const struct sync_group *config,
		       const struct group *former, struct instance *(*find)(uint64_t instance))
{
	*ret = (struct group){
		.id = config->id,
		.state = former ? former->state : VRRP_STATE_INITIALIZE,
		.told = former ? former->told : VRRP_STATE_INITIALIZE,
		.instances = must(calloc(config->n_members, sizeof(*ret->instances))),
		.members = must(calloc(config->n_members, sizeof(*ret->members))),
	};
	text_set(&ret->name, "%s", config->name);
	for (uint32_t i = 0; i < config->n_members; i++)
		add_member(ret, former, find(config->members[i].instance));
}

static void list_free(struct group *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		free(list[i].instances);
		free(list[i].members);
	}
	free(list);
}

void groups_commit(struct groups *g, const struct model *now,
		   struct instance *(*find)(uint64_t instance))
{
	struct group *list = must(calloc(now->n_groups + 1, sizeof(*list)));

	for (uint32_t i = 0; i < now->n_groups; i++)
		group_make(&list[i], &now->groups[i], find_former(g, now->groups[i].id), find);
	list_free(g->list, g->n);
	g->list = list;
	g->n = now->n_groups;
}

static void report_one(const struct groups *g, const struct group *group)
{
	struct msg msg = {.type = MSG_GROUP_STATE,
			  .group_state = {.group = group->id, .state = (uint8_t)group->told}};

	g->report(&msg);
}

void groups_report(const struct groups *g)
{
	for (unsigned i = 0; i < g->n; i++)
		if (g->list[i].told != VRRP_STATE_INITIALIZE)
			report_one(g, &g->list[i]);
}

static void look(struct group *group)
{
	for (unsigned i = 0; i < group->n; i++) {
		struct vrrp_member *m = &group->members[i];

		m->is = group->instances[i]->m.state;
		m->ready = group->instances[i]->m.ready;
		m->faulty = group->instances[i]->own_fault.s[0];
	}
}

static void share_fault(struct group *group)
{
	int cause = vrrp_group_fault(group->members, group->n);
	struct text fault = {""};

	if (cause >= 0)
		text_set(&fault, "sync group %s: %s: %s", group->name.s,
			 group->instances[cause]->config->name,
			 group->instances[cause]->own_fault.s);
	for (unsigned i = 0; i < group->n; i++)
		if (strcmp(group->instances[i]->group_fault.s, fault.s) != 0)
			instance_set_group_fault(group->instances[i], &fault);
}

static void give_order(struct group *group, const struct vrrp_group_step *step)
{
	struct text why;

	if (step->order == VRRP_GROUP_BACKUP)
		text_set(&why, "sync group %s: %s is not MASTER", group->name.s,
			 group->instances[step->cause]->config->name);
	else
		text_set(&why, "sync group %s is MASTER", group->name.s);
	for (unsigned i = 0; i < group->n; i++) {
		if (!vrrp_group_obeys(step->order, &group->members[i]))
			continue;
		if (step->order == VRRP_GROUP_BACKUP)
			instance_yield(group->instances[i], why.s);
		else
			instance_join_active(group->instances[i], why.s);
	}
}

static void settle_one(struct group *group)
{
	struct vrrp_group_step step;

	look(group);
	share_fault(group);
	look(group);
	step = vrrp_group_step(group->state, group->members, group->n);
	group->state = step.state;
	for (unsigned i = 0; i < group->n; i++)
		group->members[i].was = group->members[i].is;
	give_order(group, &step);
}

static void tell(struct groups *g, struct group *group)
{
	if (group->told == group->state)
		return;
	log_notice("sync group %s: %s → %s", group->name.s, vrrp_state_name(group->told),
		   vrrp_state_name(group->state));
	group->told = group->state;
	report_one(g, group);
}

/* What it does to an instance calls it again. */
void groups_settle(struct groups *g)
{
	g->again = true;
	if (g->settling)
		return;
	g->settling = true;
	while (g->again) {
		g->again = false;
		for (unsigned i = 0; i < g->n; i++)
			settle_one(&g->list[i]);
	}
	for (unsigned i = 0; i < g->n; i++)
		tell(g, &g->list[i]);
	g->settling = false;
}
