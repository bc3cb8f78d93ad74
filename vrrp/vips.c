/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual addresses of one instance on the host: see vips.h. */
#include "vrrp/vips.h"

#include "core/log.h"
#include "core/must.h"
#include "vrrp/config.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No interface has these bits in its index. */
#define PACE_OF_GROUP (UINT32_C(1) << 30)
#define PACE_AT_ONCE  (UINT32_C(1) << 29)

static const struct netif *vip_netif(const struct netifs *netifs, const struct vrrp_instance *c,
				     const struct vip *vip)
{
	return netif_by_name(netifs, vrrp_config_vip_ifname(c, vip));
}

static const struct netif_addr *vip_observed(const struct netifs *netifs,
					     const struct vrrp_instance *c, const struct vip *vip)
{
	const struct netif *nif = vip_netif(netifs, c, vip);

	return nif ? netif_find_addr(netifs, nif->index, &vip->address) : NULL;
}

/* VRRP decides who has an address, and it must answer at once: no duplicate address detection. */
static uint32_t flags_of(const struct vip *vip)
{
	return (vip->address.family == AF_INET6 ? IFA_F_NODAD : 0) |
	       (vip->home ? IFA_F_HOMEADDRESS : 0) |
	       (vip->mngtmpaddr ? IFA_F_MANAGETEMPADDR : 0) |
	       (vip->noprefixroute ? IFA_F_NOPREFIXROUTE : 0) |
	       (vip->autojoin ? IFA_F_MCAUTOJOIN : 0);
}

static struct netif_change change_of(bool add, int index, const struct vip *vip)
{
	return (struct netif_change){
		.add = add,
		.index = index,
		.address = vip->address,
		.prefixlen = vip->prefixlen,
		.scope = vip->scope,
		.broadcast = vip->broadcast,
		.peer = vip->peer,
		.label = vip->label,
		.flags = flags_of(vip),
		.preferred_lft_s = vip->preferred_lft_s,
	};
}

static struct netif_change *changes_new(const struct vrrp_instance *c)
{
	struct netif_change *list = must(calloc(vrrp_config_vips(c) + 1, sizeof(*list)));

	return list;
}

static void apply(struct netifs *netifs, const struct vrrp_instance *c,
		  struct netif_change *changes, size_t n, void (*breathe)(void *ctx), void *ctx)
{
	char text[ADDR_TEXT_MAX];
	int failed = n ? netifs_apply(netifs, changes, n, breathe, ctx) : 0;

	if (failed < 0)
		log_error("%s: addresses can't be changed: %s", c->name, strerror(-failed));
	for (size_t i = 0; failed > 0 && i < n; i++)
		if (changes[i].error)
			log_error("%s: can't %s address %s: %s", c->name,
				  changes[i].add ? "add" : "remove",
				  addr_format(&changes[i].address, text),
				  strerror(-changes[i].error));
}

int vips_add(struct netifs *netifs, const struct vrrp_instance *c, void (*breathe)(void *ctx),
	     void *ctx)
{
	struct netif_change *changes = changes_new(c);
	char text[ADDR_TEXT_MAX];
	size_t n = 0;
	int lacking = 0;

	for (uint32_t i = 0; i < vrrp_config_vips(c); i++) {
		const struct vip *vip = vrrp_config_vip(c, i);
		const struct netif *nif = vip_netif(netifs, c, vip);

		if (!nif) {
			log_error("%s: can't add address %s: interface %s does not exist", c->name,
				  addr_format(&vip->address, text), vrrp_config_vip_ifname(c, vip));
			lacking++;
		} else if (!vip_observed(netifs, c, vip)) {
			changes[n++] = change_of(true, nif->index, vip);
		}
	}
	apply(netifs, c, changes, n, breathe, ctx);
	for (size_t i = 0; i < n; i++)
		lacking += changes[i].error != 0;
	free(changes);
	return lacking;
}

void vips_remove(struct netifs *netifs, const struct vrrp_instance *c,
		 const struct vrrp_instance *kept, vips_has_fn *has, const void *ctx)
{
	struct netif_change *changes = changes_new(c);
	size_t n = 0;

	for (uint32_t i = 0; i < vrrp_config_vips(c); i++) {
		const struct vip *vip = vrrp_config_vip(c, i);
		const struct netif_addr *seen = vip_observed(netifs, c, vip);

		if (!seen || (kept && vrrp_config_keeps(kept, c, vip)))
			continue;
		if (has && has(ctx, c, vip))
			continue;
		if (c->priority == VRRP_PRIORITY_OWNER && !seen->ours)
			continue;
		changes[n] = change_of(false, seen->index, vip);
		changes[n].peer = seen->peer;
		changes[n++].prefixlen = seen->prefixlen;
	}
	apply(netifs, c, changes, n, NULL, NULL);
	free(changes);
}

bool vips_any_found(const struct netifs *netifs, const struct vrrp_instance *c)
{
	for (uint32_t i = 0; i < vrrp_config_vips(c); i++)
		if (vip_observed(netifs, c, vrrp_config_vip(c, i)))
			return true;
	return false;
}

uint32_t vips_missing(const struct netifs *netifs, const struct vrrp_instance *c,
		      const struct vip **ret_first)
{
	uint32_t missing = 0;

	for (uint32_t i = 0; i < vrrp_config_vips(c); i++) {
		const struct vip *vip = vrrp_config_vip(c, i);

		if (vip->no_track || !vip_netif(netifs, c, vip) || vip_observed(netifs, c, vip))
			continue;
		if (!missing++)
			*ret_first = vip;
	}
	return missing;
}

/* RFC 4861 §4.4: the Router flag of an advertisement is what the sender is. */
static bool forwards_ipv6(const char *ifname)
{
	char path[64 + IFNAMSIZ];
	char value = '0';
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/forwarding", ifname);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, &value, 1) != 1)
		value = '0';
	close(fd);
	return value != '0';
}

static bool has_ipv6(const struct vrrp_instance *c)
{
	for (uint32_t i = 0; i < vrrp_config_vips(c); i++)
		if (vrrp_config_vip(c, i)->address.family == AF_INET6)
			return true;
	return false;
}

/* Its interval and pace: those of the interface that it is on, or that this one was made on. Without
 * an interval, too, an interface that has no room keeps no other waiting. */
static void set_pace(const struct announcer *announcer, const struct vrrp_instance *c,
		     const struct vip *vip, struct announcement *ret)
{
	const struct announcer_group *group = announcer_group_of(announcer, model_vip_base(c, vip));
	bool arp = vip->address.family == AF_INET;

	if (group)
		ret->interval_us = arp ? group->arp_interval_us : group->na_interval_us;
	else
		ret->interval_us = arp ? c->garp_interval_us : c->gna_interval_us;
	if (!ret->interval_us)
		ret->pace = (PACE_AT_ONCE | (uint32_t)ret->index) << 1;
	else
		ret->pace = (group ? PACE_OF_GROUP | group->pace : (uint32_t)ret->index) << 1 | arp;
}

/* False: its interface has no hardware address, or does not exist. */
static bool announcement_of(const struct netifs *netifs, const struct announcer *announcer,
			    const struct vrrp_instance *c, const struct vip *vip, bool router,
			    struct announcement *ret)
{
	const struct netif *nif = vip_netif(netifs, c, vip);

	if (!nif || !nif->has_mac)
		return false;
	*ret = (struct announcement){
		.index = nif->index, .router = router, .address = vip->address};
	set_pace(announcer, c, vip, ret);
	memcpy(ret->mac, nif->mac, sizeof(ret->mac));
	return true;
}

static uint64_t announce(const struct netifs *netifs, struct announcer *announcer,
			 const struct vrrp_instance *c, uint32_t rounds, bool only_extra)
{
	struct announcement *list = must(calloc(vrrp_config_vips(c) + 1, sizeof(*list)));
	bool router = has_ipv6(c) && forwards_ipv6(c->ifname);
	size_t n = 0;

	for (uint32_t i = 0; i < vrrp_config_vips(c); i++) {
		const struct vip *vip = vrrp_config_vip(c, i);

		if (!only_extra || vrrp_config_is_extra(c, vip))
			n += announcement_of(netifs, announcer, c, vip, router, &list[n]);
	}
	n = announcer_send(announcer, list, n, rounds);
	free(list);
	return n;
}

uint64_t vips_announce(const struct netifs *netifs, struct announcer *announcer,
		       const struct vrrp_instance *c, uint32_t count)
{
	return announce(netifs, announcer, c, count, false);
}

uint64_t vips_announce_extra(const struct netifs *netifs, struct announcer *announcer,
			     const struct vrrp_instance *c)
{
	return announce(netifs, announcer, c, 1, true);
}

void vips_hush(const struct netifs *netifs, struct announcer *announcer,
	       const struct vrrp_instance *c)
{
	for (uint32_t i = 0; i < vrrp_config_vips(c); i++) {
		const struct vip *vip = vrrp_config_vip(c, i);
		const struct netif *nif = vip_netif(netifs, c, vip);

		if (nif)
			announcer_cancel(announcer, nif->index, &vip->address);
	}
}
