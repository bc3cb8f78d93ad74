/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual addresses of one instance on the host: wanted against observed. Knows the
 * configuration and the kernel, not the protocol.
 */
#ifndef TANDEM_VRRP_VIPS_H
#define TANDEM_VRRP_VIPS_H

#include "core/model.h"
#include "vrrp/announce.h"
#include "vrrp/netif.h"

/* Adds those that are missing. How many could not be added, each with a log line. `breathe`: see
 * netifs_apply(). */
int vips_add(struct netifs *netifs, const struct vrrp_instance *c, void (*breathe)(void *ctx),
	     void *ctx);
/* Whether somebody else has this very address of `c` by now, with the same options. */
typedef bool vips_has_fn(const void *ctx, const struct vrrp_instance *c, const struct vip *vip);
/*
 * Removes those that are there, but for those that `kept` (or NULL) has too, or of which `has` (or
 * NULL) is true. An owner's address that does not carry our mark is the interface's own and stays.
 */
void vips_remove(struct netifs *netifs, const struct vrrp_instance *c,
		 const struct vrrp_instance *kept, vips_has_fn *has, const void *ctx);

bool vips_any_found(const struct netifs *netifs, const struct vrrp_instance *c);
/* How many somebody took away that are to be put back; the first of them. */
uint32_t vips_missing(const struct netifs *netifs, const struct vrrp_instance *c,
		      const struct vip **ret_first);

/* Announces all of them `count` times over; returns the number of frames. */
uint64_t vips_announce(const struct netifs *netifs, struct announcer *announcer,
		       const struct vrrp_instance *c, uint32_t count);
/* The same, once, for those on interfaces that no advertisement leaves by: only interfaces made for
 * addresses, unless the instance says all. */
uint64_t vips_announce_extra(const struct netifs *netifs, struct announcer *announcer,
			     const struct vrrp_instance *c);
void vips_hush(const struct netifs *netifs, struct announcer *announcer,
	       const struct vrrp_instance *c);

#endif
