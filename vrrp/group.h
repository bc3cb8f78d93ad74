/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sync groups, the rule: members move together. A group is Active when every member could be, and
 * Backup as soon as one yields, so that it rather waits than tears; one member's fault is a fault
 * of all. Pure: it sees the members' states and says what each is to do. It knows neither packets
 * nor time, and a machine knows of it only that it must wait (vrrp_conf.grouped).
 */
#ifndef TANDEM_VRRP_GROUP_H
#define TANDEM_VRRP_GROUP_H

#include "core/vrrp_state.h"

#include <stdbool.h>

struct vrrp_member {
	enum vrrp_state_id was; /* when the rule was last applied; INITIALIZE for a new member */
	enum vrrp_state_id is;
	bool ready;  /* a Backup that would be Active by itself */
	bool faulty; /* by itself */
};

enum vrrp_group_order {
	VRRP_GROUP_STAY,
	VRRP_GROUP_ACTIVE, /* VRRP_EVENT_GROUP_ACTIVE */
	VRRP_GROUP_BACKUP, /* VRRP_EVENT_GROUP_BACKUP */
};

struct vrrp_group_step {
	enum vrrp_state_id state;    /* of the group from now on */
	enum vrrp_group_order order; /* for those members whom vrrp_group_obeys() */
	unsigned cause;		     /* the member that has yielded */
};

/* The first member that is faulty by itself: all are to be in FAULT. -1: none. */
int vrrp_group_fault(const struct vrrp_member *members, unsigned n);

/* `state` is the group's until now. Applied again until there is nothing more to do. */
struct vrrp_group_step vrrp_group_step(enum vrrp_state_id state, const struct vrrp_member *members,
				       unsigned n);

/* Is it for this member? */
bool vrrp_group_obeys(enum vrrp_group_order order, const struct vrrp_member *member);

#endif
