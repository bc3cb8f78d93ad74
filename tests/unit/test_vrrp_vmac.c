/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces that are made for virtual addresses: what is wanted, and what leads there. */
#include "core/arena.h"
#include "vrrp/config.h"
#include "vrrp/vmac.h"

#include <linux/if_link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct netif eth0 = {.index = 2, .name = "eth0", .group = 5};
static const struct vmac macvlan = {.ifname = "vrrp.51",
				    .base = "eth0",
				    .family = AF_INET,
				    .kind = VMAC_MACVLAN,
				    .mac = UINT64_C(0x00005e000133),
				    .group = -1};
static const struct vmac ipvlan = {.ifname = "ipv",
				   .base = "eth0",
				   .family = AF_INET,
				   .kind = VMAC_IPVLAN,
				   .ipvlan_flags = IPVLAN_F_PRIVATE,
				   .group = 9};

/* What the kernel has when the wish has come true. */
static struct netif made(const struct link_wish *w)
{
	struct netif l = {.index = 7,
			  .enabled = true,
			  .has_mac = true,
			  .kind = w->kind,
			  .mode = w->mode,
			  .mode_flags = w->flags,
			  .base = w->base,
			  .master = w->master,
			  .group = w->group,
			  .ours = true};

	memcpy(l.mac, w->mac, sizeof(l.mac));
	return l;
}

static void test_wishes(void **state)
{
	static const uint8_t mac[6] = {0x00, 0x00, 0x5e, 0x00, 0x01, 0x33};
	struct netif in_vrf = eth0;
	struct link_wish w = vmac_wish(&macvlan, &eth0, "x", 0);

	assert_int_equal(w.kind, NETIF_MACVLAN);
	assert_int_equal(w.mode, MACVLAN_MODE_PRIVATE);
	assert_int_equal(w.base, 2);
	assert_true(w.has_mac);
	assert_memory_equal(w.mac, mac, 6);
	assert_int_equal(w.group, 5); /* the base's */
	assert_int_equal(w.rp_filter, 0);
	assert_int_equal(vmac_wish(&macvlan, &eth0, "x", 1).rp_filter, 2);
	in_vrf.master = 3;
	assert_int_equal(vmac_wish(&macvlan, &in_vrf, "x", 0).master, 0); /* a bridge's, a bond's */
	in_vrf.in_vrf = true;
	assert_int_equal(vmac_wish(&macvlan, &in_vrf, "x", 0).master, 3);

	w = vmac_wish(&ipvlan, &eth0, "x", 0);
	assert_int_equal(w.kind, NETIF_IPVLAN);
	assert_int_equal(w.mode, IPVLAN_MODE_L2);
	assert_int_equal(w.flags, IPVLAN_F_PRIVATE);
	assert_false(w.has_mac);
	assert_int_equal(w.group, 9);
}

static void test_ours(void **state)
{
	struct link_wish w = vmac_wish(&macvlan, &eth0, "x", 0);
	struct netif l = made(&w);

	assert_int_equal(vmac_plan(&w, NULL), VMAC_CREATE);
	assert_int_equal(vmac_plan(&w, &l), VMAC_FITS);
	l.mac[5]++;
	assert_int_equal(vmac_plan(&w, &l), VMAC_SET);
	l = made(&w);
	l.enabled = false;
	assert_int_equal(vmac_plan(&w, &l), VMAC_SET);
	l = made(&w);
	l.group = 0;
	assert_int_equal(vmac_plan(&w, &l), VMAC_SET);
	l = made(&w);
	l.base = 3;
	assert_int_equal(vmac_plan(&w, &l), VMAC_REPLACE);
	l = made(&w);
	l.mode = MACVLAN_MODE_BRIDGE;
	assert_int_equal(vmac_plan(&w, &l), VMAC_REPLACE);
	l = made(&w);
	l.kind = NETIF_IPVLAN;
	assert_int_equal(vmac_plan(&w, &l), VMAC_REPLACE);
	w.master = 4;
	l = made(&w);
	l.master = 0;
	assert_int_equal(vmac_plan(&w, &l), VMAC_SET);
}

/* What another program left is taken over when it is what we would make; else it is not touched. */
static void test_others(void **state)
{
	struct link_wish w = vmac_wish(&macvlan, &eth0, "x", 0);
	struct netif l = made(&w);

	l.ours = false;
	assert_int_equal(vmac_plan(&w, &l), VMAC_SET);
	l.mac[0] = 2;
	assert_int_equal(vmac_plan(&w, &l), VMAC_REFUSE);
	l = made(&w);
	l.ours = false;
	l.base = 3;
	assert_int_equal(vmac_plan(&w, &l), VMAC_REFUSE);
	l = (struct netif){.index = 7, .enabled = true};
	assert_int_equal(vmac_plan(&w, &l), VMAC_REFUSE);
}

/* Which interface an address goes on. */
static struct vip vip_on(const char *ifname, uint8_t family, bool use_vmac)
{
	return (struct vip){.address = {.family = family},
			    .ifname = ifname,
			    .label = "",
			    .use_vmac = use_vmac};
}

static const char *place(const struct vrrp_instance *v, const char *ifname, uint8_t family,
			 bool use_vmac)
{
	struct vip vip = vip_on(ifname, family, use_vmac);

	return vrrp_config_vip_ifname(v, &vip);
}

static void test_places(void **state)
{
	struct vmac list[] = {macvlan, macvlan, macvlan};
	struct vrrp_instance v = {.name = "a",
				  .ifname = "eth0",
				  .family = AF_INET,
				  .use_vmac = true,
				  .vmacs = list,
				  .n_vmacs = 3};

	list[1].ifname = "vrrp1.51";
	list[1].base = "eth1";
	list[2].ifname = "vrrp6.51";
	list[2].family = AF_INET6;
	assert_string_equal(place(&v, "", AF_INET, false), "vrrp.51");
	assert_string_equal(place(&v, "eth0", AF_INET, false), "vrrp.51");
	assert_string_equal(place(&v, "eth1", AF_INET, false), "eth1");
	assert_string_equal(place(&v, "eth1", AF_INET, true), "vrrp1.51");
	assert_string_equal(place(&v, "", AF_INET6, false), "eth0");
	assert_string_equal(place(&v, "", AF_INET6, true), "vrrp6.51");
	v.use_vmac_addr = true;
	assert_string_equal(place(&v, "eth1", AF_INET, false), "vrrp1.51");
	assert_string_equal(place(&v, "", AF_INET6, false), "vrrp6.51");
	v.use_vmac = false;
	assert_string_equal(place(&v, "", AF_INET, false), "eth0");
}

/* A reload that moves an address to another interface does not keep it where it was. */
static void test_moves(void **state)
{
	struct vip vip = vip_on("", AF_INET, false);
	struct vmac list[] = {macvlan};
	struct vrrp_instance plain = {.name = "a",
				      .ifname = "eth0",
				      .family = AF_INET,
				      .vips = &vip,
				      .n_vips = 1};
	struct vrrp_instance with = plain;

	with.use_vmac = true;
	with.vmacs = list;
	with.n_vmacs = 1;
	assert_true(vrrp_config_same_vips(&plain, &plain));
	assert_false(vrrp_config_same_vips(&plain, &with));
	assert_null(vrrp_config_keeps(&with, &plain, &vip));
	assert_non_null(vrrp_config_keeps(&with, &with, &vip));
	assert_true(vrrp_config_puts(&with, &vip.address, "vrrp.51"));
	assert_false(vrrp_config_puts(&with, &vip.address, "eth0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wishes), cmocka_unit_test(test_ours),
		cmocka_unit_test(test_others), cmocka_unit_test(test_places),
		cmocka_unit_test(test_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
