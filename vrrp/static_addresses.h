/* SPDX-License-Identifier: Apache-2.0 */
/*
 * static_ipaddress at work: added at the start, put back when somebody takes one away, removed at
 * the stop. Owns which addresses those are; the kernel's are netif.h's.
 */
#ifndef TANDEM_VRRP_STATIC_ADDRESSES_H
#define TANDEM_VRRP_STATIC_ADDRESSES_H

#include "core/model.h"
#include "vrrp/again.h"

struct static_addresses {
	struct netifs *netifs;
	struct arena *arena;
	const struct vrrp_instance *config; /* as if they were an instance's; NULL: none yet */
	struct again again;		    /* the kernel refused some */
};

/* Before anything else. `s` must stay where it is. */
void static_addresses_init(struct static_addresses *s, struct netifs *netifs);

/* Those of the new model; only what differs is touched. */
void static_addresses_commit(struct static_addresses *s, const struct model *now);
/* Interfaces or addresses have changed. */
void static_addresses_observe(struct static_addresses *s);
bool static_addresses_have(const struct static_addresses *s, const struct addr *a);
/* One of them is this address of `was`, with the same options. */
bool static_addresses_keep(const struct static_addresses *s, const struct vrrp_instance *was,
			   const struct vip *vip);
/* After a reload: some may have gone with the instance that had them before. */
void static_addresses_mend(struct static_addresses *s);
/* One that the instance's track_group is for is missing. */
bool static_addresses_fault(const struct static_addresses *s, const struct track_group *groups,
			    uint32_t n_groups, uint64_t instance, struct text *ret);
void static_addresses_stop(struct static_addresses *s);

#endif
