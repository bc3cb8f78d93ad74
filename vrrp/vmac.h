/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interfaces that are made for virtual addresses (use_vmac, use_ipvlan): what each is to be,
 * and what leads there from what the kernel has. Pure; vmacs.c does it.
 */
#ifndef TANDEM_VRRP_VMAC_H
#define TANDEM_VRRP_VMAC_H

#include "core/model.h"
#include "vrrp/link.h"

enum vmac_step {
	VMAC_FITS,
	VMAC_CREATE,
	VMAC_SET,     /* it is there, and something that can be changed is not as it is to be */
	VMAC_REPLACE, /* it is there, on another interface or of another kind */
	VMAC_REFUSE,  /* somebody else's has the name */
};

/*
 * `alias` names its instance and must live as long as the wish. all_rp_filter: of
 * net.ipv4.conf.all, which the kernel takes when it is stricter.
 */
struct link_wish vmac_wish(const struct vmac *v, const struct netif *base, const char *alias,
			   uint32_t all_rp_filter);

/* found: the interface of that name, or NULL. */
enum vmac_step vmac_plan(const struct link_wish *wish, const struct netif *found);

#endif
