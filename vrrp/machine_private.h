/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine's files share. */
#ifndef TANDEM_VRRP_MACHINE_PRIVATE_H
#define TANDEM_VRRP_MACHINE_PRIVATE_H

#include "vrrp/machine.h"

struct vrrp_action *vrrp_act(struct vrrp_actions *ret, enum vrrp_action_kind kind);

/*
 * machine_announce.c: some announcements early, the later burst, then the refresh, as far as
 * configured. m->announce_step counts the early ones that were made, and the later burst.
 */
#define VRRP_ANNOUNCE_EARLY 2

/* Now and from now on. `lower`: because of a worse Active. */
void vrrp_announce(const struct vrrp_conf *conf, struct vrrp_machine *m, int64_t now_us, bool lower,
		   struct vrrp_actions *ret);
/* The next of them is due. */
void vrrp_announce_again(const struct vrrp_conf *conf, struct vrrp_machine *m, int64_t now_us,
			 struct vrrp_actions *ret);
/* After a change of configuration. */
void vrrp_announce_set_timer(const struct vrrp_conf *conf, struct vrrp_machine *m);

#endif
