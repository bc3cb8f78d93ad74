/* SPDX-License-Identifier: Apache-2.0 */
/* Have the peers all that they can have? See drain.h. */
#include "sync/drain.h"

void sync_drain_ask(struct sync_drain *d, int64_t now_us)
{
	*d = (struct sync_drain){.asked = true, .asked_us = now_us};
}

/* What comes in later is not waited for: there would be no end to it. */
static void note_version(struct sync_drain *d, int64_t now_us, uint64_t version)
{
	if (d->told || now_us - d->asked_us < SYNC_DRAIN_TOLD_US)
		return;
	d->told = true;
	d->version = version;
}

bool sync_drain_is_over(struct sync_drain *d, int64_t now_us, uint64_t version, unsigned peers,
			uint64_t acked)
{
	if (!d->asked)
		return false;
	note_version(d, now_us, version);
	if (peers && (!d->told || acked < d->version))
		return false;
	d->asked = false;
	return true;
}
