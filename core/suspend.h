/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ha_suspend: tells tandem-check which of the instances that services follow have their addresses
 * here. Owns nothing: the instances' states are in the store.
 */
#ifndef TANDEM_SUSPEND_H
#define TANDEM_SUSPEND_H

struct msg;
struct process;
struct supervisor;

/* This was kept in the store just now. */
void suspend_note(struct supervisor *s, const struct msg *kept);
/* All that is known: to a new incarnation, and before a new model is committed. */
void suspend_tell(const struct supervisor *s, struct process *check);

#endif
