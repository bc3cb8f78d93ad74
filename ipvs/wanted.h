/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's table should be, from the model and the health of its real servers. Pure: the
 * meaning of quorum, hysteresis, sorry server, alpha and inhibit_on_failure is all here, and is
 * keepalived's. Knows nothing of what the kernel holds.
 */
#ifndef TANDEM_IPVS_WANTED_H
#define TANDEM_IPVS_WANTED_H

#include "core/model.h"
#include "ipvs/health.h"
#include "ipvs/pool.h"
#include "ipvs/table.h"

/* One virtual server's state; all zero before its first step. */
struct service_state {
	uint64_t service; /* the virtual server's id; 0 before the first step */
	bool quorum_up;
	bool sorry; /* the sorry server serves instead of the pool */
	bool away;  /* active_only, and not Active here: not wanted in the kernel */
	uint32_t servers_up;
	uint32_t servers_kept; /* of these: by max_ejection */
	uint32_t weight_up;
	int64_t since_us; /* of the quorum's last change */
};

/* What is known of an instance that something in the kernel follows. */
enum wanted_follows {
	WANTED_FOLLOWS_UNKNOWN, /* it has not been heard of yet: all stays as it is */
	WANTED_FOLLOWS_ACTIVE,
	WANTED_FOLLOWS_OTHER,
};

/* With all of its factors, or as agreed with the other directors: what the kernel is to have. */
int32_t wanted_server_weight(const struct real_server *rs, const struct health *h);

/* After pool_step(). Counts the living and moves the quorum. Returns true when anything but since_us changed. */
bool wanted_quorum_step(const struct virtual_server *vs, const struct health *h,
			struct service_state *state, int64_t now_us);

/* active_only: from what is known of its instance. A fresh service waits for its word. True when
 * that changed anything. */
bool wanted_away_step(const struct virtual_server *vs, enum wanted_follows follows,
		      struct service_state *state);

/* The kernel's services that a virtual server stands for: one, or its group's. */
uint32_t wanted_keys(const struct virtual_server *vs);
struct ipvs_key wanted_key(const struct virtual_server *vs, uint32_t i);

/* The i-th of these and its destinations, from `state` as the step left it; not sorted yet. */
void wanted_service(struct arena *arena, const struct virtual_server *vs, uint32_t i,
		    const struct health *h, const struct service_state *state,
		    struct ipvs_service *ret);

/* `owned`: what runs in the kernel may be ours; else, without lvs_sync_daemon, it is let be. */
bool wanted_any_daemon(const struct global *global);
struct ipvs_daemons wanted_daemons(const struct global *global, enum wanted_follows follows,
				   bool owned);

#endif
