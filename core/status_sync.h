/* SPDX-License-Identifier: Apache-2.0 */
/* What the control socket answers about the copying of connections: see status.h. */
#ifndef TANDEM_STATUS_SYNC_H
#define TANDEM_STATUS_SYNC_H

struct json_object;
struct supervisor;

/* Its state, as a member of the whole status; NULL without a sync block. The caller's. */
struct json_object *status_of_peering(const struct supervisor *s);
/* All of it: peers, sockets, counters. The caller's. */
struct json_object *status_of_sync(const struct supervisor *s);

#endif
