/* SPDX-License-Identifier: Apache-2.0 */
/* The configurations of a run: see script.h. */
#include "tests/fake/script.h"

#include <stdio.h>
#include <sys/socket.h>

/* In per cent of runs, or of directors. */
#define VERSION_2	25
#define IPV6		40
#define OWNED		15
#define ALL_EQUAL	15
#define PREEMPT_DELAYED 20
#define HIGHEST		20
#define COPIED		40

enum preemption {
	PREEMPT_ALL,
	PREEMPT_MIXED,
	PREEMPT_NONE,
	PREEMPTIONS,
};

static int64_t draw_interval_us(struct world *w, uint8_t version)
{
	static const int64_t interval_us[] = {10 * USEC_PER_MSEC, 100 * USEC_PER_MSEC,
					      USEC_PER_SEC};

	if (version == 2)
		return rng_percent(&w->rng, 80) ? USEC_PER_SEC : 2 * USEC_PER_SEC;
	return interval_us[rng_below(&w->rng, 3)];
}

static uint8_t draw_down_adverts(struct world *w)
{
	static const uint8_t down_adverts[] = {3, 3, 3, 2, 2, 5};

	return down_adverts[rng_below(&w->rng, 6)];
}

/* What all have in common. */
static struct vrrp_conf draw_common(struct world *w)
{
	uint8_t version = rng_percent(&w->rng, VERSION_2) ? 2 : 3;
	int64_t interval_us = draw_interval_us(w, version);

	return (struct vrrp_conf){
		.version = version,
		.vrid = 51,
		.down_adverts = draw_down_adverts(w),
		.adver_int_us = interval_us,
		.addresses_gen = 1,
		.garp_repeat = 5,
		.garp_delay_us = rng_percent(&w->rng, 50) ? 5 * interval_us : 0,
		.garp_refresh_repeat = 1,
		.garp_refresh_us = rng_percent(&w->rng, 20) ? 20 * interval_us : 0,
		.garp_lower_repeat = 5,
	};
}

/* Addresses of their own order, so that priority and address do not go together. */
static struct addr draw_source(struct world *w, unsigned id, bool v6)
{
	static const uint8_t shuffle[] = {3, 9, 1, 7, 5};
	uint8_t last = shuffle[(id + w->seed) % 5];
	uint8_t v4_bytes[4] = {192, 0, 2, last};
	uint8_t v6_bytes[16] = {[0] = 0xfe, [1] = 0x80, [15] = last};

	return v6 ? addr_from_bytes(AF_INET6, v6_bytes) : addr_from_bytes(AF_INET, v4_bytes);
}

static unsigned draw_number(struct world *w)
{
	return rng_percent(&w->rng, 50) ? 2 : (unsigned)rng_between(&w->rng, 3, LAN_PORTS_MAX);
}

static void draw_lan(struct world *w, int64_t interval_us)
{
	int64_t most_us = interval_us / 8;

	if (most_us > 5 * USEC_PER_MSEC)
		most_us = 5 * USEC_PER_MSEC;
	lan_init(&w->lan, &w->rng, w->n_nodes);
	w->calm.delay_max_us = rng_between(&w->rng, 50, most_us);
	w->calm.dup_percent = rng_percent(&w->rng, 20) ? 5 : 0;
	w->lan.quality = w->calm;
	w->lan.announce_delay_max_us = w->calm.delay_max_us;
	w->tardy_us = rng_between(&w->rng, 0, most_us / 2);
}

static bool draw_preempt(struct world *w, enum preemption all)
{
	return all == PREEMPT_ALL || (all == PREEMPT_MIXED && rng_percent(&w->rng, 50));
}

static uint8_t draw_priority(struct world *w, uint8_t equal)
{
	/* The highest have hardly any Skew_Time. */
	int64_t least = rng_percent(&w->rng, HIGHEST) ? 250 : 1;

	return equal ? equal : (uint8_t)rng_between(&w->rng, least, 254);
}

void setup_draw(struct world *w)
{
	struct vrrp_conf common = draw_common(w);
	bool v6 = common.version == 3 && rng_percent(&w->rng, IPV6);
	enum preemption preemption = rng_below(&w->rng, PREEMPTIONS);
	uint8_t equal = rng_percent(&w->rng, ALL_EQUAL) ? draw_priority(w, 0) : 0;
	bool owned = rng_percent(&w->rng, OWNED);

	w->n_nodes = draw_number(w);
	w->interval_us = common.adver_int_us;
	draw_lan(w, common.adver_int_us);
	channel_init(w, rng_percent(&w->rng, COPIED));
	watch_init(w);
	for (unsigned id = 0; id < w->n_nodes; id++) {
		struct vrrp_conf c = common;

		c.source = draw_source(w, id, v6);
		c.priority = owned && id == 0 ? VRRP_PRIORITY_OWNER : draw_priority(w, equal);
		c.preempt = draw_preempt(w, preemption);
		if (rng_percent(&w->rng, PREEMPT_DELAYED))
			c.preempt_delay_us = rng_between(&w->rng, 1, 8) * c.adver_int_us;
		node_init(&w->nodes[id], id, &c);
	}
}
