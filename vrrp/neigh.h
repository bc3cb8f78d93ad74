/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neighbour table, as far as VRRP has to put it right. Whoever was asked for over a dead link
 * stays unanswered for up to a second after the link is back, and with it all traffic to it: a
 * router that is about to become Active can't wait for that.
 */
#ifndef TANDEM_VRRP_NEIGH_H
#define TANDEM_VRRP_NEIGH_H

/* Forgets those neighbours on the interface that did not answer: the next packet asks anew.
 * Does its best: what it can't forget the kernel asks for again by itself, later. */
void neigh_forget_unanswered(int ifindex);

#endif
