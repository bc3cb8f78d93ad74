/* SPDX-License-Identifier: Apache-2.0 */
/* static_ipaddress at work: see static_addresses.h. */
#include "vrrp/static_addresses.h"

#include "core/arena.h"
#include "core/log.h"
#include "vrrp/config.h"
#include "vrrp/vips.h"

static void add(struct static_addresses *s)
{
	if (again_note(&s->again, vips_add(s->netifs, s->config, NULL, NULL)))
		log_notice("static: all addresses are there now");
}

static void ask_again(void *ctx)
{
	static_addresses_observe(ctx);
}

void static_addresses_init(struct static_addresses *s, struct netifs *netifs)
{
	*s = (struct static_addresses){.netifs = netifs};
	again_init(&s->again, netifs, ask_again, s);
}

void static_addresses_commit(struct static_addresses *s, const struct model *now)
{
	const struct vrrp_instance as_instance = {.name = "static",
						  .ifname = "",
						  .vrf = "",
						  .auth_pass = "",
						  .excluded = now->static_addresses,
						  .n_excluded = now->n_static_addresses};
	const struct vrrp_instance *former = s->config;
	struct arena *former_arena = s->arena;

	s->arena = arena_new();
	s->config = vrrp_config_copy(s->arena, &as_instance);
	if (former) {
		vips_remove(s->netifs, former, s->config, NULL, NULL);
		/* The first of a subnet took the others with it: they are added again at once. */
		netifs_catch_up(s->netifs);
		arena_free(former_arena);
	}
	add(s);
}

void static_addresses_observe(struct static_addresses *s)
{
	char text[ADDR_TEXT_MAX];
	const struct vip *first;

	if (!s->config || again_waits(&s->again) || !vips_missing(s->netifs, s->config, &first))
		return;
	if (!s->again.times)
		log_warning("static: address %s was taken away: put back",
			    addr_format(&first->address, text));
	add(s);
}

bool static_addresses_have(const struct static_addresses *s, const struct addr *a)
{
	return s->config && vrrp_config_has_address(s->config, a);
}

bool static_addresses_keep(const struct static_addresses *s, const struct vrrp_instance *was,
			   const struct vip *vip)
{
	return s->config && vrrp_config_keeps(s->config, was, vip);
}

void static_addresses_mend(struct static_addresses *s)
{
	const struct vip *first;

	if (vips_missing(s->netifs, s->config, &first))
		add(s);
}

static bool is_missing(const struct static_addresses *s, const struct vip *vip)
{
	const struct netif *nif = netif_by_name(s->netifs, vip->ifname);

	return !nif || !netif_find_addr(s->netifs, nif->index, &vip->address);
}

bool static_addresses_fault(const struct static_addresses *s, const struct track_group *groups,
			    uint32_t n_groups, uint64_t instance, struct text *ret)
{
	char text[ADDR_TEXT_MAX];

	for (uint32_t i = 0; s->again.times && i < s->config->n_excluded; i++) {
		const struct vip *vip = &s->config->excluded[i];

		if (!is_missing(s, vip) ||
		    !vrrp_config_in_group(groups, n_groups, vip->track_group, instance))
			continue;
		text_set(ret, "static address %s is missing", addr_format(&vip->address, text));
		return true;
	}
	return false;
}

void static_addresses_stop(struct static_addresses *s)
{
	again_stop(&s->again);
	if (s->config)
		vips_remove(s->netifs, s->config, NULL, NULL, NULL);
}
