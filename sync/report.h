/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the peering tells others: the state that VRRP waits for and people look at, and for people
 * alone each peer, each socket and every counter.
 */
#ifndef TANDEM_SYNC_REPORT_H
#define TANDEM_SYNC_REPORT_H

#include "sync/peering.h"

void report_state(const struct peering *p, struct msg_sync_state *ret);
/* Calls `send` with a message for each peer and link, and with the counters. */
void report_details(const struct peering *p, void (*send)(const struct msg *m));
/* To be called once a second: what is told as "a second" is this one. */
void report_second(struct peering *p);

#endif
