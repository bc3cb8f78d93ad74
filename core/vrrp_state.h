/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a virtual router: of the machine, in messages, and in the words that people see. */
#ifndef TANDEM_VRRP_STATE_H
#define TANDEM_VRRP_STATE_H

/* What users and notify scripts see: INIT, BACKUP, MASTER, FAULT, STOP. */
enum vrrp_state_id {
	VRRP_STATE_INITIALIZE,
	VRRP_STATE_BACKUP,
	VRRP_STATE_ACTIVE,
	VRRP_STATE_FAULT, /* Initialize, because something that it needs is down */
	VRRP_STATE_STOP,  /* Initialize, because the operator stopped it */
};
const char *vrrp_state_name(enum vrrp_state_id state); /* keepalived's word */

#endif
