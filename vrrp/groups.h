/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sync groups at work: shows the rule (group.h) the instances as they are, and passes on what
 * it says. Owns which instance is in which group; knows nothing of the protocol.
 */
#ifndef TANDEM_VRRP_GROUPS_H
#define TANDEM_VRRP_GROUPS_H

#include "core/model.h"
#include "core/msg.h"

struct group;
struct instance;

struct groups {
	struct group *list;
	unsigned n;
	bool settling;
	bool again;
	void (*report)(const struct msg *m);
};

/* The groups of a new model. Nothing moves before groups_settle(). */
void groups_commit(struct groups *g, const struct model *now,
		   struct instance *(*find)(uint64_t instance));
/* Some instance changed: see that all go together. */
void groups_settle(struct groups *g);
void groups_report(const struct groups *g);

#endif
