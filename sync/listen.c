/* SPDX-License-Identifier: Apache-2.0 */
/* How often to look for more: see listen.h. */
#include "sync/listen.h"

/* In one turn: fewer are no load, and so many are a whole table on its way, which is not to wait. */
#define BUSY 16
#define BULK 1000
/* A second. The kernel, which waits for eight datagrams of four, then waits 6 ms instead of 20. */
#define FAST 5000

int64_t sync_listen_us(uint64_t told, int64_t since_us)
{
	if (told < BUSY || told >= BULK)
		return SYNC_LISTEN_US;
	return told * USEC_PER_SEC < (uint64_t)(since_us * FAST) ? SYNC_LISTEN_BUSY_US
								 : SYNC_LISTEN_FAST_US;
}
