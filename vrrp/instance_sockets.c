/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an instance speaks and where it hears: on its interface, or on the one that is made for it
 * (use_vmac, use_ipvlan). Knows nothing of what is said.
 */
#include "vrrp/instance_private.h"

#include "vrrp/config.h"
#include "vrrp/listener.h"
#include "vrrp/vmacs.h"

/* The index of the interface made for it, when there is one and it is of this kind. */
static int own_index(const struct instance *in, enum vmac_kind kind)
{
	const struct vmac *own = vrrp_config_own_vmac(in->config);
	const struct netif *nif = NULL;

	if (own && own->kind == kind)
		nif = netif_by_name(&in->shell->netifs, own->ifname);
	return nif ? nif->index : INSTANCE_NO_INDEX;
}

/* Where it hears of the other routers, when its port is not the place. */
static int listener_index(const struct instance *in)
{
	return in->config->unicast ? INSTANCE_NO_INDEX : own_index(in, VMAC_MACVLAN);
}

/* Where it speaks: on the interface made for it, unless vmac_xmit_base says otherwise. */
static int port_index(const struct instance *in, int base)
{
	int macvlan = own_index(in, VMAC_MACVLAN), ipvlan = own_index(in, VMAC_IPVLAN);

	if (in->config->vmac_xmit_base)
		return base;
	return macvlan != INSTANCE_NO_INDEX ? macvlan : ipvlan != INSTANCE_NO_INDEX ? ipvlan : base;
}

static int open_ears(struct instance *in, int index)
{
	struct addr group = vrrp_config_group(in->config);

	in->listener_index = index;
	if (index != INSTANCE_NO_INDEX)
		return listener_open(&in->shell->ports, index, in->config->vrid, &group, in,
				     &in->listener);
	return in->config->unicast ? 0 : vrrp_port_join(in->port, &group);
}

int instance_open_port(struct instance *in, int base)
{
	int index = port_index(in, base), ears = listener_index(in);
	int err;

	if (in->port && in->index == index && in->listener_index == ears)
		return 0;
	instance_close_port(in);
	err = vrrp_port_enter(&in->shell->ports, index, in->config->family, in->config->vrid,
			      in->config->unicast, in, &in->port);
	if (err)
		return err;
	in->index = index;
	return open_ears(in, ears);
}

void instance_close_port(struct instance *in)
{
	if (in->port)
		vrrp_port_leave(in->port, in->config->vrid);
	in->port = NULL;
	in->index = INSTANCE_NO_INDEX;
	listener_close(in->listener);
	in->listener = NULL;
	in->listener_index = INSTANCE_NO_INDEX;
}

void instance_drain(struct instance *in)
{
	if (in->port)
		vrrp_port_drain(in->port);
	if (in->listener)
		listener_drain(in->listener);
}

void instance_set_awake(struct instance *in, bool awake)
{
	if (in->awake != awake)
		vmacs_wake(in->config, awake);
	in->awake = awake;
}
