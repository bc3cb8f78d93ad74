/* SPDX-License-Identifier: Apache-2.0 */
/* The files of /proc/sys/net that instances want otherwise: see sysctls.h. */
#include "vrrp/sysctls.h"

#include "vrrp/config.h"

#include <stdio.h>

const struct tunables_place sysctls_place = {
	.dir = "/proc/sys/net",
	.called = "/proc/sys/net/",
	.report = MSG_NET_SYSCTL,
};

static void want_ipv4(struct tunables *t, const char *ifname, const char *file, const char *value)
{
	char name[64];

	snprintf(name, sizeof(name), "ipv4/conf/%s/%s", ifname, file);
	tunables_want(t, name, value);
}

/*
 * Our own ARP requests leave by the base, on behalf of answers from a virtual address. With that as
 * the sender clients would learn the base's MAC address for it; and where the two are the same,
 * the answer would come to the ipvlan instead of the base.
 *
 * A request of others comes to the base as well as to the virtual-MAC interface. Each is to answer
 * for its own addresses alone, or clients would learn the wrong one of the two MAC addresses.
 */
static void want_arp(struct tunables *t, const struct vmac *v)
{
	if (v->family != AF_INET)
		return;
	want_ipv4(t, v->base, "arp_announce", "2");
	if (v->kind != VMAC_MACVLAN)
		return;
	want_ipv4(t, v->base, "arp_ignore", "1");
	want_ipv4(t, v->base, "arp_filter", "1");
}

void sysctls_want_instance(struct tunables *t, const struct vrrp_instance *c)
{
	for (uint32_t i = 0; i < c->n_vmacs; i++)
		want_arp(t, &c->vmacs[i]);
	for (uint32_t i = 0; c->promote_secondaries && i < vrrp_config_vips(c); i++) {
		const struct vip *vip = vrrp_config_vip(c, i);

		/* The interfaces that we make have it anyway. */
		if (vip->address.family == AF_INET && !model_vmac_of(c, vip))
			want_ipv4(t, model_vip_base(c, vip), "promote_secondaries", "1");
	}
}

void sysctls_want_no_igmp(struct tunables *t)
{
	tunables_want(t, "ipv4/igmp_link_local_mcast_reports", "0");
}

void sysctls_want_accept_local(struct tunables *t)
{
	want_ipv4(t, "all", "accept_local", "1");
}
