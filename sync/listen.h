/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a turn of the loop may rest before it looks for more. What comes after a silence is heard at
 * once in any case; but a turn costs as much as many connections, so that who is told of thousands a
 * second had better hear them in tens. What that adds, here and at the peer, is less than what the
 * kernel saves by then, as it has its datagrams full sooner: a connection is still known to a peer
 * within 50 ms. Knows no clock and no loop.
 */
#ifndef TANDEM_SYNC_LISTEN_H
#define TANDEM_SYNC_LISTEN_H

#include "core/clock.h"

#define SYNC_LISTEN_US	    USEC_PER_MSEC
#define SYNC_LISTEN_BUSY_US (5 * USEC_PER_MSEC)
#define SYNC_LISTEN_FAST_US (10 * USEC_PER_MSEC)

/* `told` connections have come in since the turn before, which was `since_us` ago. */
int64_t sync_listen_us(uint64_t told, int64_t since_us);

#endif
