/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces that are made for virtual addresses: see vmac.h. */
#include "vrrp/vmac.h"

#include <linux/if_link.h>
#include <string.h>

/*
 * Private mode is what makes a virtual MAC work: a frame that carries it as its source, from the
 * other router, is given to the interface with the same address and to nobody else.
 */
struct link_wish vmac_wish(const struct vmac *v, const struct netif *base, const char *alias,
			   uint32_t all_rp_filter)
{
	bool macvlan = v->kind == VMAC_MACVLAN;
	struct link_wish w = {
		.ifname = v->ifname,
		.kind = macvlan ? NETIF_MACVLAN : NETIF_IPVLAN,
		.mode = macvlan ? MACVLAN_MODE_PRIVATE : IPVLAN_MODE_L2,
		.flags = v->ipvlan_flags,
		.base = base->index,
		.has_mac = macvlan,
		.group = v->group >= 0 ? (uint32_t)v->group : base->group,
		.master = base->in_vrf ? base->master : 0,
		.alias = alias,
		/*
		 * Senders are reached by the base's route, so a strict check would drop all that
		 * they send to a virtual address. Where it is asked for on all interfaces, the
		 * loose one on this interface wins over it.
		 */
		.rp_filter = all_rp_filter ? 2 : 0,
	};

	for (unsigned i = 0; macvlan && i < sizeof(w.mac); i++)
		w.mac[i] = (uint8_t)(v->mac >> (40 - 8 * i));
	return w;
}

static bool same_mac(const struct link_wish *w, const struct netif *found)
{
	return !w->has_mac ||
	       (found->has_mac && memcmp(w->mac, found->mac, sizeof(w->mac)) == 0);
}

/* What can't be changed once it is made. */
static bool same_make(const struct link_wish *w, const struct netif *found)
{
	return found->kind == w->kind && found->base == w->base && found->mode == w->mode &&
	       found->mode_flags == w->flags;
}

enum vmac_step vmac_plan(const struct link_wish *wish, const struct netif *found)
{
	if (!found)
		return VMAC_CREATE;
	if (!same_make(wish, found))
		return found->ours ? VMAC_REPLACE : VMAC_REFUSE;
	/* Another program's that is just what we need: left by a keepalived that crashed. */
	if (!found->ours)
		return same_mac(wish, found) ? VMAC_SET : VMAC_REFUSE;
	if (!same_mac(wish, found) || !found->enabled || found->group != wish->group ||
	    (wish->master && found->master != wish->master))
		return VMAC_SET;
	return VMAC_FITS;
}
