/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hears the advertisements of one virtual router on its virtual-MAC interface, by a packet socket.
 * The other router's carry the same virtual MAC, so the kernel gives them to that interface only. A
 * VRRP socket there would have to join the group, and each report of that membership, sent from
 * the virtual MAC by a Backup, would lead the switches to it. Nothing is sent here.
 */
#ifndef TANDEM_VRRP_LISTENER_H
#define TANDEM_VRRP_LISTENER_H

#include "vrrp/port.h"

struct listener;

/* Frames for this VRID go to ports->receive(owner). 0 or -errno. */
int listener_open(struct vrrp_ports *ports, int index, uint8_t vrid, const struct addr *group,
		  void *owner, struct listener **ret);
/* NULL is fine. */
void listener_close(struct listener *l);
/* Hands out what has come in already. */
void listener_drain(struct listener *l);

/*
 * Finds the VRRP message in an IP packet, as a frame of this family. False: it is not one, or it is
 * damaged. Pure.
 */
bool listener_decode(int family, const uint8_t *packet, size_t len, struct vrrp_frame *ret);

#endif
