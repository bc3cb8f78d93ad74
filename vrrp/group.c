/* SPDX-License-Identifier: Apache-2.0 */
/* Sync groups, the rule: see group.h. */
#include "vrrp/group.h"

int vrrp_group_fault(const struct vrrp_member *members, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (members[i].faulty)
			return (int)i;
	return -1;
}

static bool any(const struct vrrp_member *members, unsigned n, enum vrrp_state_id state)
{
	for (unsigned i = 0; i < n; i++)
		if (members[i].is == state)
			return true;
	return false;
}

/* Who was Active with the others, and is Backup by itself. */
static bool has_yielded(const struct vrrp_member *members, unsigned n, unsigned *ret)
{
	for (unsigned i = 0; i < n; i++) {
		if (members[i].was != VRRP_STATE_ACTIVE || members[i].is != VRRP_STATE_BACKUP)
			continue;
		*ret = i;
		return true;
	}
	return false;
}

/* Who keeps the group from being Active. */
static bool is_held_back(const struct vrrp_member *members, unsigned n, unsigned *ret)
{
	for (unsigned i = 0; i < n; i++) {
		if (members[i].is == VRRP_STATE_ACTIVE || members[i].ready)
			continue;
		*ret = i;
		return true;
	}
	return false;
}

/* All are Active or Backup. A group that is Active takes a new member along. */
static struct vrrp_group_step settle(enum vrrp_state_id state, const struct vrrp_member *members,
				     unsigned n)
{
	struct vrrp_group_step step = {.state = VRRP_STATE_BACKUP};
	bool active = any(members, n, VRRP_STATE_ACTIVE);
	bool goes_on = state == VRRP_STATE_ACTIVE && active;

	if (has_yielded(members, n, &step.cause) ||
	    (!goes_on && is_held_back(members, n, &step.cause))) {
		step.order = active ? VRRP_GROUP_BACKUP : VRRP_GROUP_STAY;
		return step;
	}
	step.state = VRRP_STATE_ACTIVE;
	step.order = any(members, n, VRRP_STATE_BACKUP) ? VRRP_GROUP_ACTIVE : VRRP_GROUP_STAY;
	return step;
}

struct vrrp_group_step vrrp_group_step(enum vrrp_state_id state, const struct vrrp_member *members,
				       unsigned n)
{
	if (any(members, n, VRRP_STATE_STOP))
		return (struct vrrp_group_step){.state = VRRP_STATE_STOP};
	if (any(members, n, VRRP_STATE_INITIALIZE))
		return (struct vrrp_group_step){.state = state};
	if (vrrp_group_fault(members, n) >= 0 || any(members, n, VRRP_STATE_FAULT))
		return (struct vrrp_group_step){.state = VRRP_STATE_FAULT};
	return settle(state, members, n);
}

bool vrrp_group_obeys(enum vrrp_group_order order, const struct vrrp_member *member)
{
	switch (order) {
	case VRRP_GROUP_STAY:
		return false;
	case VRRP_GROUP_ACTIVE:
		return member->is == VRRP_STATE_BACKUP;
	case VRRP_GROUP_BACKUP:
		return member->is == VRRP_STATE_ACTIVE;
	}
	return false;
}
