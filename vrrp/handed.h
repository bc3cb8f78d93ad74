/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process tells the supervisor of a machine, and what the next process makes of it. Pure:
 * the simulator kills and resumes machines by the same two functions.
 */
#ifndef TANDEM_VRRP_HANDED_H
#define TANDEM_VRRP_HANDED_H

#include "core/msg.h"
#include "vrrp/machine.h"

/* Fills the machine's fields of the message; the others are the caller's. */
void vrrp_handed_pack(const struct vrrp_conf *conf, const struct vrrp_machine *m,
		      struct msg_vrrp_state *ret);

/* A machine that was running; one that was stopped starts afresh. */
bool vrrp_handed_can_resume(const struct msg_vrrp_state *s);

/* The machine as it was, ready for VRRP_EVENT_RESUME. */
void vrrp_handed_unpack(const struct vrrp_conf *conf, const struct msg_vrrp_state *s,
			int64_t now_us, struct vrrp_machine *ret);

#endif
