/* SPDX-License-Identifier: Apache-2.0 */
/* What a virtual router's configuration means: see config.h. */
#include "vrrp/config.h"

#include "core/hex.h"

#include <errno.h>
#include <string.h>

static struct vip *copy_vips(struct arena *arena, const struct vip *list, uint32_t n)
{
	struct vip *copy = arena_array(arena, n, sizeof(*copy));

	for (uint32_t i = 0; i < n; i++) {
		copy[i] = list[i];
		copy[i].ifname = arena_strdup(arena, list[i].ifname);
		copy[i].label = arena_strdup(arena, list[i].label);
	}
	return copy;
}

static struct auth_hmac *copy_hmac(struct arena *arena, const struct vrrp_instance *c)
{
	struct auth_hmac *copy = arena_array(arena, c->n_hmac, sizeof(*copy));

	for (uint32_t i = 0; i < c->n_hmac; i++) {
		const struct auth_hmac *h = &c->hmac[i];

		copy[i] = *h;
		copy[i].keys = arena_array(arena, h->n_keys, sizeof(*h->keys));
		for (uint32_t k = 0; k < h->n_keys; k++) {
			copy[i].keys[k] = h->keys[k];
			copy[i].keys[k].source = arena_strdup(arena, h->keys[k].source);
			copy[i].keys[k].secret = arena_strdup(arena, h->keys[k].secret);
		}
	}
	if (c->n_hmac)
		arena_wipe_at_end(arena);
	return copy;
}

static struct vmac *copy_vmacs(struct arena *arena, const struct vmac *list, uint32_t n)
{
	struct vmac *copy = arena_array(arena, n, sizeof(*copy));

	for (uint32_t i = 0; i < n; i++) {
		copy[i] = list[i];
		copy[i].ifname = arena_strdup(arena, list[i].ifname);
		copy[i].base = arena_strdup(arena, list[i].base);
	}
	return copy;
}

const struct vrrp_instance *vrrp_config_copy(struct arena *arena, const struct vrrp_instance *c)
{
	struct vrrp_instance *copy = arena_alloc(arena, sizeof(*copy));

	*copy = *c;
	copy->name = arena_strdup(arena, c->name);
	copy->ifname = arena_strdup(arena, c->ifname);
	copy->vrf = arena_strdup(arena, c->vrf);
	copy->auth_pass = arena_strdup(arena, c->auth_pass);
	copy->vips = copy_vips(arena, c->vips, c->n_vips);
	copy->excluded = copy_vips(arena, c->excluded, c->n_excluded);
	copy->vmacs = copy_vmacs(arena, c->vmacs, c->n_vmacs);
	copy->peers = arena_array(arena, c->n_peers, sizeof(*c->peers));
	if (c->n_peers)
		memcpy(copy->peers, c->peers, c->n_peers * sizeof(*c->peers));
	copy->track_interfaces =
		arena_array(arena, c->n_track_interfaces, sizeof(*c->track_interfaces));
	for (uint32_t i = 0; i < c->n_track_interfaces; i++) {
		copy->track_interfaces[i] = c->track_interfaces[i];
		copy->track_interfaces[i].ifname =
			arena_strdup(arena, c->track_interfaces[i].ifname);
	}
	copy->tracked = arena_array(arena, c->n_tracked, sizeof(*c->tracked));
	for (uint32_t i = 0; i < c->n_tracked; i++) {
		copy->tracked[i] = c->tracked[i];
		copy->tracked[i].name = arena_strdup(arena, c->tracked[i].name);
	}
	copy->hmac = copy_hmac(arena, c);
	copy->routes = NULL; /* see routes.h */
	copy->rules = NULL;
	copy->n_routes = copy->n_rules = 0;
	copy->notifies = NULL;
	copy->n_notifies = 0;
	return copy;
}

uint32_t vrrp_config_vips(const struct vrrp_instance *c)
{
	return c->n_vips + c->n_excluded;
}

const struct vip *vrrp_config_vip(const struct vrrp_instance *c, uint32_t i)
{
	return i < c->n_vips ? &c->vips[i] : &c->excluded[i - c->n_vips];
}

const char *vrrp_config_vip_ifname(const struct vrrp_instance *c, const struct vip *vip)
{
	const struct vmac *vmac = model_vmac_of(c, vip);

	return vmac ? vmac->ifname : model_vip_base(c, vip);
}

/* Would look the same to the kernel, on the same interface. */
static bool same_vip(const struct vip *a, const struct vip *b)
{
	struct vip plain = *b;

	plain.ifname = a->ifname;
	plain.no_track = a->no_track;
	return vip_equal(a, &plain);
}

const struct vip *vrrp_config_keeps(const struct vrrp_instance *now,
				    const struct vrrp_instance *was, const struct vip *vip)
{
	const char *ifname = vrrp_config_vip_ifname(was, vip);

	for (uint32_t i = 0; i < vrrp_config_vips(now); i++) {
		const struct vip *other = vrrp_config_vip(now, i);

		if (same_vip(other, vip) && strcmp(vrrp_config_vip_ifname(now, other), ifname) == 0)
			return other;
	}
	return NULL;
}

bool vrrp_config_same_vips(const struct vrrp_instance *a, const struct vrrp_instance *b)
{
	if (a->n_vips != b->n_vips || a->n_excluded != b->n_excluded)
		return false;
	for (uint32_t i = 0; i < vrrp_config_vips(a); i++) {
		const struct vip *one = vrrp_config_vip(a, i), *other = vrrp_config_vip(b, i);

		if (!vip_equal(one, other) || strcmp(vrrp_config_vip_ifname(a, one),
						     vrrp_config_vip_ifname(b, other)) != 0)
			return false;
	}
	return true;
}

bool vrrp_config_is_extra(const struct vrrp_instance *c, const struct vip *vip)
{
	const struct vmac *own = vrrp_config_own_vmac(c), *on = model_vmac_of(c, vip);
	const char *speaks_on = own && !c->vmac_xmit_base ? own->ifname : c->ifname;

	return (on || c->garp_extra_all) && strcmp(vrrp_config_vip_ifname(c, vip), speaks_on) != 0;
}

const struct vmac *vrrp_config_own_vmac(const struct vrrp_instance *c)
{
	return c->use_vmac && c->n_vmacs ? &c->vmacs[0] : NULL;
}

bool vrrp_config_makes(const struct vrrp_instance *c, const char *ifname)
{
	for (uint32_t i = 0; i < c->n_vmacs; i++)
		if (strcmp(c->vmacs[i].ifname, ifname) == 0)
			return true;
	return false;
}

bool vrrp_config_puts(const struct vrrp_instance *c, const struct addr *a, const char *ifname)
{
	for (uint32_t i = 0; i < vrrp_config_vips(c); i++) {
		const struct vip *vip = vrrp_config_vip(c, i);

		if (addr_equal(&vip->address, a) &&
		    strcmp(vrrp_config_vip_ifname(c, vip), ifname) == 0)
			return true;
	}
	for (uint32_t i = 0; i < c->n_vmacs; i++)
		if (addr_equal(&c->vmacs[i].address, a) &&
		    strcmp(c->vmacs[i].ifname, ifname) == 0)
			return true;
	return false;
}

bool vrrp_config_has_address(const struct vrrp_instance *c, const struct addr *a)
{
	for (uint32_t i = 0; i < vrrp_config_vips(c); i++)
		if (addr_equal(&vrrp_config_vip(c, i)->address, a))
			return true;
	return false;
}

bool vrrp_config_in_group(const struct track_group *groups, uint32_t n_groups, uint64_t group,
			  uint64_t instance)
{
	for (uint32_t i = 0; group && i < n_groups; i++)
		for (uint32_t k = 0; groups[i].id == group && k < groups[i].n_members; k++)
			if (groups[i].members[k].instance == instance)
				return true;
	return false;
}

struct addr vrrp_config_group(const struct vrrp_instance *c)
{
	static const uint8_t group4[4] = {224, 0, 0, 18};
	static const uint8_t group6[16] = {0xff, 0x02, [15] = 0x12};

	if (addr_is_set(&c->group))
		return c->group;
	return c->family == AF_INET ? addr_from_bytes(AF_INET, group4)
				    : addr_from_bytes(AF_INET6, group6);
}

struct vrrp_conf vrrp_config_machine(const struct vrrp_instance *c, const struct addr *source,
				     uint8_t priority)
{
	return (struct vrrp_conf){
		.name = c->name,
		.version = c->version,
		.vrid = c->vrid,
		.priority = priority,
		.down_adverts = c->down_timer_adverts ? c->down_timer_adverts : 3,
		.preempt = c->preempt,
		.rival_priority = c->rival_priority,
		.source = *source,
		.adver_int_us = c->adver_int_cs * USEC_PER_CSEC,
		.preempt_delay_us = c->preempt_delay_us,
		.garp_repeat = c->garp_repeat,
		.garp_delay_us = c->garp_delay_us,
		.garp_refresh_repeat = c->garp_refresh_repeat,
		.garp_refresh_us = c->garp_refresh_us,
		.garp_lower_repeat = c->garp_lower_prio_repeat,
		.garp_lower_delay_us = c->garp_lower_prio_delay_us,
		.lower_no_advert = c->lower_prio_no_advert,
		.strict = c->strict,
	};
}

static void fill_auth(const struct vrrp_instance *c, uint8_t *ret_type, uint8_t *data)
{
	*ret_type = c->auth_type == VRRP_AUTH_PASS ? VRRP_PACKET_AUTH_PASS : VRRP_PACKET_AUTH_NONE;
	memset(data, 0, VRRP_AUTH_LEN);
	if (*ret_type == VRRP_PACKET_AUTH_PASS)
		memcpy(data, c->auth_pass, strnlen(c->auth_pass, VRRP_AUTH_LEN));
}

struct vrrp_expect vrrp_config_expect(const struct vrrp_instance *c)
{
	struct vrrp_expect e = {
		.version = c->version,
		.adver_int_cs = c->adver_int_cs,
		.any_ttl = c->unicast,
		.trailer = c->n_hmac,
	};

	fill_auth(c, &e.auth_type, e.auth_data);
	return e;
}

/* Of a group anybody may be a sender; of unicast peers each has its place. */
static uint8_t hmac_senders(const struct vrrp_instance *c)
{
	uint32_t n =
		c->unicast && c->n_peers > VRRP_HMAC_MULTICAST ? c->n_peers : VRRP_HMAC_MULTICAST;

	return (uint8_t)(n < VRRP_HMAC_SENDERS ? n : VRRP_HMAC_SENDERS);
}

void vrrp_config_hmac(const struct vrrp_instance *c, struct vrrp_hmac_conf *ret)
{
	const struct auth_hmac *h = c->hmac;

	*ret = (struct vrrp_hmac_conf){
		.sign = h->mode != HMAC_RECEIVE_ONLY,
		.enforce = h->mode == HMAC_ENFORCE,
		.monotonic = h->monotonic,
		.window_s = h->window_s,
		.version = c->version,
		.vrid = c->vrid,
		.senders = hmac_senders(c),
		.active_key = h->active_key,
	};
	for (uint32_t i = 0; i < h->n_keys && i < VRRP_HMAC_KEYS_MAX; i++) {
		struct vrrp_hmac_key *key = &ret->keys[ret->n_keys++];

		key->id = h->keys[i].id;
		key->len = (uint8_t)hex_decode(h->keys[i].secret, key->bytes,
						 sizeof(key->bytes));
	}
}

/* What keepalived did up to 1.3.6: the pseudo-header had the group as its destination. */
static struct vrrp_path old_checksum_path(const struct vrrp_instance *c,
					  const struct vrrp_path *path)
{
	return (struct vrrp_path){.src = path->src, .dst = vrrp_config_group(c)};
}

enum vrrp_packet_result vrrp_config_decode(const struct vrrp_instance *c, const void *data,
					   size_t len, const struct vrrp_path *path,
					   struct vrrp_packet *ret)
{
	enum vrrp_packet_result result = vrrp_packet_decode(data, len, path, ret);
	struct vrrp_path old;

	if (result != VRRP_PACKET_CHECKSUM || !c->old_checksum)
		return result;
	old = old_checksum_path(c, path);
	return vrrp_packet_decode(data, len, &old, ret);
}

int vrrp_config_encode(const struct vrrp_instance *c, const struct vrrp_path *path,
		       uint8_t priority, const uint8_t *trailer, uint8_t buf[VRRP_PACKET_MAX])
{
	uint8_t addrs[255 * 16];
	unsigned size = c->family == AF_INET ? 4 : 16;
	struct vrrp_path summed;
	struct vrrp_packet p = {.version = c->version,
				.vrid = c->vrid,
				.priority = priority,
				.adver_int_cs = c->adver_int_cs,
				.addrs = addrs,
				.trailer = trailer};

	p.checksum = c->checksum_as_v2 ? VRRP_CHECKSUM_MESSAGE : VRRP_CHECKSUM_PSEUDO_HEADER;
	for (uint32_t i = 0; i < c->n_vips && p.n_addrs < 255; i++)
		if (c->vips[i].address.family == c->family)
			memcpy(addrs + p.n_addrs++ * size, c->vips[i].address.b, size);
	if (c->version == 2)
		fill_auth(c, &p.auth_type, p.auth_data);
	summed = c->old_checksum ? old_checksum_path(c, path) : *path;
	return vrrp_packet_encode(&p, &summed, buf, VRRP_PACKET_MAX);
}

static bool advertises(const struct vrrp_packet *p, const struct addr *a)
{
	unsigned size = addr_len(a);

	for (unsigned i = 0; i < p->n_addrs; i++)
		if (memcmp(p->addrs + i * size, a->b, size) == 0)
			return true;
	return false;
}

bool vrrp_config_same_addresses(const struct vrrp_instance *c, const struct vrrp_packet *p)
{
	unsigned ours = 0;

	for (uint32_t i = 0; i < c->n_vips; i++) {
		if (c->vips[i].address.family != c->family)
			continue;
		if (++ours <= 255 && !advertises(p, &c->vips[i].address))
			return false;
	}
	return p->n_addrs == (ours < 255 ? ours : 255);
}

bool vrrp_config_shares_address(const struct vrrp_instance *c, const struct vrrp_packet *p)
{
	for (uint32_t i = 0; i < c->n_vips; i++)
		if (c->vips[i].address.family == c->family && advertises(p, &c->vips[i].address))
			return true;
	return false;
}

uint8_t vrrp_config_priority(const struct vrrp_instance *c,
			     bool (*is_up)(void *ctx, const char *ifname), void *ctx,
			     const struct tracking *tracking)
{
	int sum = 0;

	for (uint32_t i = 0; i < c->n_track_interfaces; i++) {
		const struct track_interface *t = &c->track_interfaces[i];

		sum += tracking_weight(t->weight, t->reverse,
				       is_up(ctx, t->ifname) ? TRACK_UP : TRACK_DOWN);
	}
	for (uint32_t i = 0; i < c->n_tracked; i++)
		sum += tracking_adds(tracking, &c->tracked[i]);
	return tracking_priority(c->priority, sum);
}

const char *vrrp_config_failed_track(const struct vrrp_instance *c,
				     bool (*is_up)(void *ctx, const char *ifname), void *ctx)
{
	for (uint32_t i = 0; i < c->n_track_interfaces; i++) {
		const struct track_interface *t = &c->track_interfaces[i];

		if (tracking_fails(t->weight, t->reverse,
				   is_up(ctx, t->ifname) ? TRACK_UP : TRACK_DOWN))
			return t->ifname;
	}
	return NULL;
}

const struct tracked *vrrp_config_failed_tracker(const struct vrrp_instance *c,
						 const struct tracking *tracking)
{
	for (uint32_t i = 0; i < c->n_tracked; i++)
		if (tracking_faults(tracking, &c->tracked[i]))
			return &c->tracked[i];
	return NULL;
}

bool vrrp_config_awaits(const struct vrrp_instance *c, const struct tracking *tracking)
{
	for (uint32_t i = 0; i < c->n_tracked; i++)
		if (!c->tracked[i].weight && !tracking_knows(tracking, c->tracked[i].tracker))
			return true;
	return false;
}

bool vrrp_config_tracks(const struct vrrp_instance *c, uint64_t tracker)
{
	for (uint32_t i = 0; i < c->n_tracked; i++)
		if (c->tracked[i].tracker == tracker)
			return true;
	return false;
}
