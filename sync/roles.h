/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which virtual addresses this node is Active for: a set that the VRRP states fill. Pure.
 */
#ifndef TANDEM_SYNC_ROLES_H
#define TANDEM_SYNC_ROLES_H

#include "core/addr.h"

#include <stddef.h>

struct sync_vip {
	struct addr address;
	bool active;
};

struct sync_roles {
	struct sync_vip *list; /* sorted by address */
	size_t n;
	size_t cap;
	bool any_active; /* what holds for addresses that are not in the set, as fwmarks */
};

void sync_roles_init(struct sync_roles *r);
void sync_roles_done(struct sync_roles *r);
/* 0 or -ENOMEM. */
int sync_roles_set(struct sync_roles *r, const struct addr *vip, bool active);
void sync_roles_clear(struct sync_roles *r);
/* For anything. */
bool sync_roles_has_active(const struct sync_roles *r);
/* Is it in the set? */
bool sync_roles_has(const struct sync_roles *r, const struct addr *vip);
bool sync_roles_is_active(const struct sync_roles *r, const struct addr *vip);

#endif
