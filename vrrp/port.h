/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw VRRP sockets, one for each interface and address family, shared by the virtual routers on
 * them. Hands each packet to the owner of its VRID; packets for other VRIDs are dropped inside the
 * kernel, so that strangers' advertisements cost nothing. Knows only the VRID's place in a packet.
 */
#ifndef TANDEM_VRRP_PORT_H
#define TANDEM_VRRP_PORT_H

#include "vrrp/outbox.h"
#include "vrrp/packet.h"

#include <ev.h>

/* A packet as it came; lives for the call. */
struct vrrp_frame {
	struct vrrp_path path;
	int ttl;
	const uint8_t *bytes; /* the VRRP message */
	size_t len;
	bool listened; /* on a virtual-MAC interface, see listener.h */
};

struct vrrp_port;

struct vrrp_ports {
	struct ev_loop *loop;
	void (*receive)(void *owner, const struct vrrp_frame *frame);
	void (*unknown)(const struct vrrp_frame *frame); /* NULL: the kernel drops those */
	/* What was sent could not be: `err` is -errno. */
	void (*failed)(void *owner, const struct addr *dst, int err);
	struct vrrp_port *list;
	struct outbox outbox;
	ev_prepare prepare; /* what is sent in one round of the loop leaves at its end */
};

/* `ports` must stay where it is; its loop and callbacks are set. */
void vrrp_ports_open(struct vrrp_ports *ports);

/*
 * From now on packets for this VRID go to `owner`: to multicast groups, and with `unicast` to this
 * host too. Index 0: from any interface. Returns 0, or
 * -EADDRINUSE when the VRID has an owner there already, or -errno. One vrrp_port_leave() undoes it.
 */
int vrrp_port_enter(struct vrrp_ports *ports, int index, int family, uint8_t vrid, bool unicast,
		    void *owner, struct vrrp_port **ret);
void vrrp_port_leave(struct vrrp_port *port, uint8_t vrid);

/* Listens to a multicast group, once however often it is asked. 0 or -errno. */
int vrrp_port_join(struct vrrp_port *port, const struct addr *group);

/* `unknown` has changed. */
void vrrp_ports_update(struct vrrp_ports *ports);

/* Hands out what has come in already. */
void vrrp_port_drain(struct vrrp_port *port);

/*
 * Never blocks. The packet, whose first bytes are a VRRP message's, leaves before the loop waits
 * again, or with outbox_flush() where something must come after it.
 */
void vrrp_port_send(struct vrrp_port *port, const struct vrrp_path *path, int ttl, const void *bytes,
		    size_t len);

#endif
