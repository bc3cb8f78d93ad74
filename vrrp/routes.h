/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes and rules at work: static ones are there always, an instance's while it holds its
 * addresses. Looks at the kernel, carries out the plan (route_plan.h) a batch at a time while no
 * advertisement is due, and looks again whenever something has changed: what somebody deleted comes
 * back. Owns which routes are whose; knows nothing of the protocol.
 */
#ifndef TANDEM_VRRP_ROUTES_H
#define TANDEM_VRRP_ROUTES_H

#include "core/model.h"
#include "vrrp/netif.h"

struct routes;

/* `changed`: routes_fault() may answer differently now. 0 or -errno. */
int routes_new(struct ev_loop *loop, const struct netifs *netifs, void (*changed)(void *ctx),
	       void *ctx, struct routes **ret);

/* A new model. Instances that are not in it keep theirs until they are released. */
void routes_commit(struct routes *r, const struct model *now);
/* After the first model: an earlier life of this process has worked on it already. */
void routes_resume(struct routes *r);
/* It has its addresses, or no longer. */
void routes_hold(struct routes *r, uint64_t instance, bool holds);
void routes_release(struct routes *r, uint64_t instance);
/* Links or addresses have changed, with which the kernel drops routes without a word. */
void routes_touch(struct routes *r);

/* Of the model in force. */
const struct track_group *routes_groups(const struct routes *r, uint32_t *ret_n);
/* A static one that the instance's track_group is for is missing, and can't be added. */
bool routes_fault(const struct routes *r, uint64_t instance, struct text *ret);

/* All of ours go now. */
void routes_stop(struct routes *r);

#endif
