/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual LAN: see lan.h. */
#include "tests/fake/lan.h"

#include <assert.h>
#include <string.h>

#define LAN_DELAY_MIN_US 20

void lan_init(struct lan *lan, struct rng *rng, unsigned n_ports)
{
	memset(lan, 0, offsetof(struct lan, frames));
	lan->rng = rng;
	lan->n_ports = n_ports;
}

static bool is_before(const struct lan_frame *a, const struct lan_frame *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->serial < b->serial;
}

static void add(struct lan *lan, struct lan_frame *f)
{
	unsigned at = lan->n_frames++;

	assert(lan->n_frames <= LAN_FRAMES_MAX);
	f->serial = lan->serial++;
	for (; at && is_before(f, &lan->frames[(at - 1) / 2]); at = (at - 1) / 2)
		lan->frames[at] = lan->frames[(at - 1) / 2];
	lan->frames[at] = *f;
}

int64_t lan_next_us(const struct lan *lan)
{
	return lan->n_frames ? lan->frames[0].at_us : INT64_MAX;
}

struct lan_frame lan_take(struct lan *lan)
{
	struct lan_frame first = lan->frames[0];
	struct lan_frame last = lan->frames[--lan->n_frames];
	unsigned at = 0, child;

	while ((child = 2 * at + 1) < lan->n_frames) {
		if (child + 1 < lan->n_frames &&
		    is_before(&lan->frames[child + 1], &lan->frames[child]))
			child++;
		if (!is_before(&lan->frames[child], &last))
			break;
		lan->frames[at] = lan->frames[child];
		at = child;
	}
	lan->frames[at] = last;
	return first;
}

/* A real LAN keeps the order between two ports. */
static int64_t arrival_us(struct lan *lan, int64_t now_us, unsigned from, unsigned to)
{
	int64_t at_us = now_us + rng_between(lan->rng, LAN_DELAY_MIN_US, lan->quality.delay_max_us);

	if (!lan->quality.reorders && at_us < lan->last_us[from][to])
		at_us = lan->last_us[from][to];
	lan->last_us[from][to] = at_us;
	return at_us;
}

void lan_send(struct lan *lan, int64_t now_us, unsigned from, const void *bytes, size_t len)
{
	struct lan_frame f = {.kind = LAN_ADVERT, .from = from, .len = len};

	assert(len <= LAN_BYTES_MAX);
	memcpy(f.bytes, bytes, len);
	for (f.to = 0; f.to < lan->n_ports; f.to++) {
		if (f.to == from || lan->island[f.to] != lan->island[from] ||
		    rng_percent(lan->rng, lan->quality.loss_percent))
			continue;
		f.at_us = arrival_us(lan, now_us, from, f.to);
		add(lan, &f);
		if (!rng_percent(lan->rng, lan->quality.dup_percent))
			continue;
		f.at_us = arrival_us(lan, now_us, from, f.to);
		add(lan, &f);
	}
}

void lan_announce_to(struct lan *lan, int64_t now_us, unsigned from, unsigned to)
{
	struct lan_frame f = {.kind = LAN_ANNOUNCE, .from = from, .to = to};

	if (lan->island[to] != lan->island[from])
		return;
	f.at_us = now_us + rng_between(lan->rng, LAN_DELAY_MIN_US, lan->announce_delay_max_us);
	add(lan, &f);
}

void lan_announce(struct lan *lan, int64_t now_us, unsigned from)
{
	for (unsigned to = 0; to < lan->n_ports; to++)
		lan_announce_to(lan, now_us, from, to);
}
