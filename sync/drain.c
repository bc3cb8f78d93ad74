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

static void run(struct sync_drain_order *o, int64_t now_us)
{
	o->running = o->asked;
	o->due_us = now_us + SYNC_DRAIN_TOLD_US;
}

/* Another one meanwhile is for what has come since the one before it: it is answered after it. */
void sync_drain_order(struct sync_drain_order *o, int64_t now_us, int64_t asked)
{
	o->asked = asked;
	if (!o->running)
		run(o, now_us);
}

int64_t sync_drain_order_due(struct sync_drain_order *o, int64_t now_us)
{
	int64_t answered = o->running;

	if (!answered || now_us < o->due_us)
		return 0;
	o->running = 0;
	if (o->asked != answered)
		run(o, now_us);
	return answered;
}
