/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of an instance (instance.c, instance_step.c, instance_packets.c, instance_rivals.c,
 * instance_sockets.c, instance_faults.c) share among themselves, and nobody else includes.
 */
#ifndef TANDEM_VRRP_INSTANCE_PRIVATE_H
#define TANDEM_VRRP_INSTANCE_PRIVATE_H

#include "vrrp/instance.h"

#define INSTANCE_NO_INDEX (-1)

/* instance_step.c */

/* Runs the machine with the event, at the present time, and does what it wants done. */
void instance_step(struct instance *in, struct vrrp_event event);
void instance_ring(struct alarm *alarm);
void instance_on_extra(struct ev_loop *loop, ev_timer *w, int events);
void instance_add_addresses(struct instance *in);
/* Those of `config`, its own or its former one, but for those that `kept` (or NULL) has too, and for
 * what another instance has by now. */
void instance_remove_addresses(struct instance *in, const struct vrrp_instance *config,
			       const struct vrrp_instance *kept);
/* A takeover that waits for its turn goes no further. */
void instance_leave_line(struct instance *in);

/* instance_packets.c */

void instance_send_advert(struct instance *in, uint8_t priority);

/* instance_rivals.c */

void instance_init_rivals(struct instance *in);
/* Not Active any more: nobody is its rival. */
void instance_forget_rivals(struct instance *in);
/* An advertisement did not beat ours. True when it counts, and so is to be reported. */
bool instance_hear_rival(struct instance *in, const struct vrrp_event *advert);

/* instance_faults.c */

/* What is wrong with the interfaces, in words; "" when nothing is. Opens the socket it needs. */
struct text instance_find_fault(struct instance *in, struct addr *ret_source);
/* Rebuilds what the machine is given. True when it differs from what it was. */
bool instance_refresh_conf(struct instance *in, const struct addr *source);
/* Tells the machine of a fault that is new, or over. */
void instance_tell_fault(struct instance *in);
/* Addresses that the kernel refused are asked for again. */
void instance_ask_again(void *ctx);
/* Can the peers still be told? Not when our own interface is what fails. */
bool instance_can_send(const struct instance *in);

/* instance_sockets.c */

/* 0 or -errno; `base` is the index of its interface. An interface that was made anew has another
 * index, and needs new sockets. */
int instance_open_port(struct instance *in, int base);
void instance_close_port(struct instance *in);
/* Takes in all that has come already. */
void instance_drain(struct instance *in);
/* Whether the interfaces made for it speak IPv6, see vmacs.h. */
void instance_set_awake(struct instance *in, bool awake);

#endif
