/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a virtual router's configuration means to the other parts: the machine's conf, the packet
 * it sends, the packets it accepts, and the effect of tracked interfaces. Pure.
 */
#ifndef TANDEM_VRRP_CONFIG_H
#define TANDEM_VRRP_CONFIG_H

#include "core/model.h"
#include "vrrp/hmac.h"
#include "vrrp/machine.h"
#include "vrrp/packet.h"
#include "vrrp/tracking.h"

/* A copy that shares nothing with the model, but for the notify scripts, which it has not. */
const struct vrrp_instance *vrrp_config_copy(struct arena *arena, const struct vrrp_instance *c);

/* All addresses, the advertised ones first. */
uint32_t vrrp_config_vips(const struct vrrp_instance *c);
const struct vip *vrrp_config_vip(const struct vrrp_instance *c, uint32_t i);
/* Which address of `now` is the one that `was` had, on the same interface; NULL: none. */
const struct vip *vrrp_config_keeps(const struct vrrp_instance *now,
				    const struct vrrp_instance *was, const struct vip *vip);
/* The same to the packets, the interfaces and the announcements. */
bool vrrp_config_same_vips(const struct vrrp_instance *a, const struct vrrp_instance *b);
/* It is on an interface that no advertisement leaves by, and garp_extra_if is about that. */
bool vrrp_config_is_extra(const struct vrrp_instance *c, const struct vip *vip);
/* The interface made for the instance itself; NULL: it has none. */
const struct vmac *vrrp_config_own_vmac(const struct vrrp_instance *c);
/* This very address goes on this interface, or belongs to it. */
bool vrrp_config_puts(const struct vrrp_instance *c, const struct addr *a, const char *ifname);
/* The interface is made for its addresses. */
bool vrrp_config_makes(const struct vrrp_instance *c, const char *ifname);
bool vrrp_config_has_address(const struct vrrp_instance *c, const struct addr *a);
/* Is the instance to be at fault when something of the track_group is missing? */
bool vrrp_config_in_group(const struct track_group *groups, uint32_t n_groups, uint64_t group,
			  uint64_t instance);
/* The interface that an address goes on. */
const char *vrrp_config_vip_ifname(const struct vrrp_instance *c, const struct vip *vip);

struct addr vrrp_config_group(const struct vrrp_instance *c);
struct vrrp_conf vrrp_config_machine(const struct vrrp_instance *c, const struct addr *source,
				     uint8_t priority);
struct vrrp_expect vrrp_config_expect(const struct vrrp_instance *c);

/* auth_hmac, with its keys: to be wiped. Only when there is one. */
void vrrp_config_hmac(const struct vrrp_instance *c, struct vrrp_hmac_conf *ret);

/* vrrp_packet_decode(), with the checksum as the instance has it. */
enum vrrp_packet_result vrrp_config_decode(const struct vrrp_instance *c, const void *data,
					   size_t len, const struct vrrp_path *path,
					   struct vrrp_packet *ret);
/* The message, with the trailer unless that is NULL. Its length, or -errno. */
int vrrp_config_encode(const struct vrrp_instance *c, const struct vrrp_path *path,
		       uint8_t priority, const uint8_t *trailer, uint8_t buf[VRRP_PACKET_MAX]);
/* The advertised addresses are exactly ours, in whatever order. */
bool vrrp_config_same_addresses(const struct vrrp_instance *c, const struct vrrp_packet *p);
/* At least one of them is. */
bool vrrp_config_shares_address(const struct vrrp_instance *c, const struct vrrp_packet *p);

/* The effective priority: see tracking.h. is_up tells of each interface by name. */
uint8_t vrrp_config_priority(const struct vrrp_instance *c,
			     bool (*is_up)(void *ctx, const char *ifname), void *ctx,
			     const struct tracking *tracking);
/* What is at fault: the name of an interface, a tracker; NULL: none. */
const char *vrrp_config_failed_track(const struct vrrp_instance *c,
				     bool (*is_up)(void *ctx, const char *ifname), void *ctx);
const struct tracked *vrrp_config_failed_tracker(const struct vrrp_instance *c,
						 const struct tracking *tracking);
/* Nothing is known yet of a tracker whose failure is a fault. */
bool vrrp_config_awaits(const struct vrrp_instance *c, const struct tracking *tracking);
bool vrrp_config_tracks(const struct vrrp_instance *c, uint64_t tracker);

#endif
