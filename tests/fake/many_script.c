/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to directors with many virtual routers: see many.h. */
#include "tests/fake/many.h"

#include <stdio.h>
#include <sys/socket.h>

/* In per cent. */
#define STORMS	  40
#define GROUPED	  70
#define PREEMPT	  70
#define COPIED	   50
#define GIVES_WAY 30

#define ABOVE_MAX 20

#define CLAIM_GAP_US (300 * USEC_PER_MSEC)

static struct host *any_host(struct many *w)
{
	return &w->hosts[rng_below(&w->rng, w->n_hosts)];
}

static unsigned any_router(struct many *w)
{
	return rng_below(&w->rng, w->n_routers);
}

static struct host *active_of(struct many *w, unsigned router)
{
	for (unsigned i = 0; i < w->n_hosts; i++)
		if (host_is_active(&w->hosts[i], router))
			return &w->hosts[i];
	return NULL;
}

/* Setup */

static void draw_groups(struct many *w)
{
	for (unsigned i = 0; i < w->n_routers; i++)
		w->group_of[i] = rng_percent(&w->rng, GROUPED) ? rng_below(&w->rng, MANY_GROUPS)
							       : MANY_NO_GROUP;
}

static uint8_t draw_priority(struct many *w)
{
	return (uint8_t)rng_between(&w->rng, 1, 254 - ABOVE_MAX);
}

static void set_up_host(struct many *w, struct host *h, unsigned id, const struct vrrp_conf *common)
{
	static const char *const names[MANY_ROUTERS_MAX] = {"A", "B", "C", "D"};
	const uint8_t source[4] = {192, 0, 2, (uint8_t)(1 + (id + w->seed) % MANY_HOSTS_MAX)};
	uint8_t priority = draw_priority(w);

	h->id = id;
	snprintf(h->name, sizeof(h->name), "lb%u", id + 1);
	h->link_up = true;
	for (unsigned i = 0; i < w->n_routers; i++) {
		struct vrrp_conf *c = &h->routers[i].conf;

		*c = *common;
		c->name = names[i];
		c->vrid = (uint8_t)(MANY_VRID + i);
		c->source = addr_from_bytes(AF_INET, source);
		c->priority = priority + w->above[i];
		if (rng_percent(&w->rng, GIVES_WAY))
			c->rival_priority = 254;
	}
	host_boot(w, h);
}

void many_setup(struct many *w)
{
	struct vrrp_conf common = {.version = rng_percent(&w->rng, 25) ? 2 : 3,
				   .down_adverts = 3,
				   .preempt = rng_percent(&w->rng, PREEMPT),
				   .addresses_gen = 1,
				   .garp_repeat = 5,
				   .garp_lower_repeat = 5,
				   .drain_us = rng_percent(&w->rng, COPIED) ? MANY_DRAIN_US : 0};

	w->interval_us = common.version == 2 || rng_percent(&w->rng, 50) ? USEC_PER_SEC
									 : 100 * USEC_PER_MSEC;
	common.adver_int_us = w->interval_us;
	w->n_hosts = (unsigned)rng_between(&w->rng, 2, MANY_HOSTS_MAX);
	w->n_routers = (unsigned)rng_between(&w->rng, 2, MANY_ROUTERS_MAX);
	for (unsigned i = 0; i < w->n_routers; i++)
		w->above[i] = (uint8_t)rng_below(&w->rng, ABOVE_MAX + 1);
	draw_groups(w);
	lan_init(&w->lan, &w->rng, w->n_hosts);
	w->calm.delay_max_us = rng_between(&w->rng, 50, 5 * USEC_PER_MSEC);
	w->lan.quality = w->calm;
	w->tardy_us = rng_between(&w->rng, 0, 2 * USEC_PER_MSEC);
	for (unsigned id = 0; id < w->n_hosts; id++)
		set_up_host(w, &w->hosts[id], id, &common);
}

/* What an act may do to a host, and how it ends; each looks whether it fits. */

static void start(struct many *w, struct host *h, unsigned router)
{
	if (h->life == HOST_OFF || (h->life == HOST_RUNNING && !host_runs(h)))
		host_start(w, h);
}

static void stop(struct many *w, struct host *h, unsigned router)
{
	if (host_runs(h))
		host_stop(w, h);
}

static void crash(struct many *w, struct host *h, unsigned router)
{
	host_crash(w, h);
}

static void kill(struct many *w, struct host *h, unsigned router)
{
	if (host_runs(h))
		host_kill(w, h);
}

static void resume(struct many *w, struct host *h, unsigned router)
{
	if (h->life == HOST_KILLED)
		host_resume(w, h);
}

static void hold_up(struct many *w, struct host *h, unsigned router)
{
	if (h->life == HOST_RUNNING)
		host_hold_up(w, h);
}

static void go_on(struct many *w, struct host *h, unsigned router)
{
	if (h->life == HOST_HELD_UP)
		host_go_on(w, h);
}

static void unplug(struct many *w, struct host *h, unsigned router)
{
	if (h->link_up && h->life != HOST_HELD_UP)
		host_set_link(w, h, false);
}

static void plug(struct many *w, struct host *h, unsigned router)
{
	if (!h->link_up)
		host_set_link(w, h, true);
}

static void fail_tracked(struct many *w, struct host *h, unsigned router)
{
	host_set_faulty(w, h, router, true);
}

static void mend_tracked(struct many *w, struct host *h, unsigned router)
{
	if (h->routers[router].faulty)
		host_set_faulty(w, h, router, false);
}

static void part(struct many *w, struct host *h, unsigned router)
{
	w->lan.island[h->id] = 1 + rng_below(&w->rng, 2);
	many_trace(w, h, "is on island %u of the LAN", w->lan.island[h->id]);
}

static void unite(struct many *w, struct host *h, unsigned router)
{
	w->lan.island[h->id] = 0;
}

static void leap(struct many *w, struct host *h, unsigned router)
{
	if (h->life == HOST_RUNNING)
		host_leap(w, h, rng_between(&w->rng, 0, 3 * many_down_us(w)));
}

static void reload_priority(struct many *w, struct host *h, unsigned router)
{
	uint8_t priority = draw_priority(w);

	for (unsigned i = 0; i < w->n_routers && h->life != HOST_HELD_UP; i++) {
		struct vrrp_conf c = h->routers[i].conf;

		c.priority = priority + w->above[i];
		host_reload(w, h, i, &c);
	}
}

static void reload_addresses(struct many *w, struct host *h, unsigned router)
{
	struct vrrp_conf c = h->routers[router].conf;

	c.addresses_gen++;
	if (h->life != HOST_HELD_UP)
		host_reload(w, h, router, &c);
}

static void regroup(struct many *w, struct host *h, unsigned router)
{
	if (h->life != HOST_HELD_UP)
		host_regroup(w, h);
}

/* A router that nobody has configured, of the lowest priority, and a machine with our address. */

static void rogue_advertises(struct many *w, struct host *h, unsigned router)
{
	static const uint8_t source[4] = {192, 0, 2, 250};
	const struct addr src = addr_from_bytes(AF_INET, source);

	for (unsigned i = 0; i < w->n_hosts; i++)
		host_hear(w, &w->hosts[i], router, &src, 1);
}

static void stranger_claims(struct many *w, struct host *h, unsigned router)
{
	for (unsigned i = 0; i < w->n_hosts; i++)
		host_hear_claim(w, &w->hosts[i], router);
}

/* Acts on a calm LAN; 0: it does not fit */

static int64_t after_us(const struct many *w)
{
	return 3 * w->interval_us;
}

static bool is_served(struct many *w)
{
	for (unsigned i = 0; i < w->n_routers; i++)
		if (!active_of(w, i))
			return false;
	return true;
}

static int64_t do_nothing(struct many *w)
{
	many_watch_expect(w, &(struct many_expect){.act = "nothing happens",
						   .steady = true,
						   .held = is_served(w),
						   .counted = true});
	return after_us(w);
}

static int64_t kill_and_resume(struct many *w)
{
	struct host *h = any_host(w);

	if (!host_runs(h))
		return 0;
	many_watch_expect(w,
			  &(struct many_expect){.act = "a process is killed, and resumed in time",
						.steady = true,
						.held = is_served(w)});
	host_kill(w, h);
	many_plan(w, w->now_us + rng_between(&w->rng, 0, w->interval_us / 2), resume, h, 0);
	return after_us(w);
}

static int64_t hold_up_shortly(struct many *w)
{
	struct host *h = any_host(w);

	if (!host_runs(h))
		return 0;
	many_watch_expect(w, &(struct many_expect){.act = "a director is held up, not for long",
						   .steady = true,
						   .held = is_served(w)});
	host_hold_up(w, h);
	many_plan(w, w->now_us + rng_between(&w->rng, 0, w->interval_us), go_on, h, 0);
	return after_us(w);
}

static int64_t hold_up_for_long(struct many *w)
{
	struct host *h = active_of(w, any_router(w));

	if (!h)
		return 0;
	many_watch_expect(w, &(struct many_expect){.act = "an Active is held up for long"});
	host_hold_up(w, h);
	many_plan(w, w->now_us + rng_between(&w->rng, 1, 2 * many_down_us(w)), go_on, h, 0);
	return 2 * many_down_us(w);
}

static int64_t change_addresses(struct many *w)
{
	struct host *h = any_host(w);
	unsigned router = any_router(w);

	many_watch_expect(w, &(struct many_expect){.act = "addresses are changed by reload",
						   .steady = true,
						   .held = is_served(w),
						   .counted = true});
	reload_addresses(w, h, router);
	return after_us(w);
}

/* Somebody else could take each router over that this host is Active for. */
static bool can_go(struct many *w, const struct host *h)
{
	for (unsigned i = 0; i < w->n_routers; i++) {
		bool other = false;

		for (struct host *o = w->hosts; o < w->hosts + w->n_hosts; o++)
			other |=
				o != h && host_runs(o) && o->routers[i].m.state != VRRP_STATE_FAULT;
		if (host_is_active(h, i) && !other)
			return false;
	}
	return true;
}

static int64_t stop_one(struct many *w)
{
	struct host *h = any_host(w);

	if (!host_runs(h))
		return 0;
	many_watch_expect(w, &(struct many_expect){.act = "a director is stopped",
						   .held = is_served(w) && can_go(w, h)});
	host_stop(w, h);
	return many_down_us(w);
}

static int64_t crash_one(struct many *w)
{
	struct host *h = any_host(w);

	many_watch_expect(w, &(struct many_expect){.act = "a director crashes"});
	host_crash(w, h);
	return many_down_us(w);
}

static int64_t bring_back(struct many *w)
{
	struct host *h = any_host(w);

	if (h->life != HOST_OFF)
		return 0;
	many_watch_expect(
		w, &(struct many_expect){.act = "a director comes back", .held = is_served(w)});
	host_start(w, h);
	return many_down_us(w);
}

static int64_t fail_one(struct many *w)
{
	struct host *h = any_host(w);
	unsigned router = any_router(w);

	if (!host_runs(h) || h->routers[router].faulty)
		return 0;
	many_watch_expect(w, &(struct many_expect){.act = "something that a router tracks fails",
						   .held = is_served(w) && can_go(w, h)});
	host_set_faulty(w, h, router, true);
	return many_down_us(w);
}

static int64_t mend_one(struct many *w)
{
	struct host *h = any_host(w);
	unsigned router = any_router(w);

	if (!h->routers[router].faulty)
		return 0;
	many_watch_expect(w, &(struct many_expect){.act = "what a router tracks works again",
						   .held = is_served(w)});
	host_set_faulty(w, h, router, false);
	return many_down_us(w);
}

static int64_t change_priority(struct many *w)
{
	struct host *h = any_host(w);

	many_watch_expect(w, &(struct many_expect){.act = "a director's priority changes",
						   .held = is_served(w)});
	reload_priority(w, h, 0);
	return many_down_us(w);
}

static int64_t change_groups(struct many *w)
{
	many_watch_expect(w, &(struct many_expect){.act = "sync groups are changed by reload"});
	draw_groups(w);
	for (unsigned i = 0; i < w->n_hosts; i++)
		many_plan(w, w->now_us + rng_between(&w->rng, 0, w->interval_us), regroup,
			  &w->hosts[i], 0);
	return many_down_us(w);
}

/* The host on which this group is Active, should it be anywhere. */
static struct host *group_active(struct many *w, unsigned group)
{
	for (unsigned i = 0; i < w->n_routers; i++)
		if (w->group_of[i] == group)
			return active_of(w, i);
	return NULL;
}

static bool is_faulty_somewhere(const struct many *w, unsigned router)
{
	for (unsigned i = 0; i < w->n_hosts; i++)
		if (w->hosts[i].routers[router].faulty)
			return true;
	return false;
}

/* It leaves where it was, and is Active where the group is, which is not disturbed by it. */
static int64_t join_group(struct many *w)
{
	unsigned router = any_router(w), group = rng_below(&w->rng, MANY_GROUPS);
	struct host *from = active_of(w, router), *to = group_active(w, group);

	if (w->group_of[router] != MANY_NO_GROUP || !from || !to || is_faulty_somewhere(w, router))
		return 0;
	many_watch_expect(w, &(struct many_expect){.act = "a router joins a sync group by reload",
						   .steady = true,
						   .joins = router + 1});
	w->group_of[router] = group;
	for (struct host *h = w->hosts; h < w->hosts + w->n_hosts; h++)
		if (h != to)
			regroup(w, h, 0);
	/* Not before the last advertisement from where it was has arrived. */
	many_plan(w, w->now_us + w->calm.delay_max_us + 1, regroup, to, 0);
	return many_down_us(w);
}

static int64_t meet_rogue(struct many *w)
{
	unsigned router = any_router(w), times = 2 + rng_below(&w->rng, 4);
	struct host *h = active_of(w, router);
	int64_t over_us;

	if (!h || h->routers[router].conf.priority < 2)
		return 0;
	over_us = router_rivals(&h->routers[router]).over_us;
	many_watch_expect(w, &(struct many_expect){.act = "a router of low priority is Active too",
						   .steady = true,
						   .held = is_served(w),
						   .counted = true,
						   .rivals = 1});
	for (unsigned i = 0; i < times; i++)
		many_plan(w, w->now_us + i * w->interval_us, rogue_advertises, h, router);
	return times * w->interval_us + over_us + w->tardy_us;
}

static int64_t meet_stranger(struct many *w)
{
	unsigned router = any_router(w), times = 8 + rng_below(&w->rng, 8);
	struct host *h = active_of(w, router);

	if (!h || w->interval_us < USEC_PER_SEC || rng_percent(&w->rng, 80))
		return 0;
	many_watch_expect(w,
			  &(struct many_expect){.act = "another machine has one of the addresses",
						.steady = true,
						.held = is_served(w),
						.counted = true,
						.claims = 1});
	for (unsigned i = 0; i < times; i++)
		many_plan(w, w->now_us + i * CLAIM_GAP_US, stranger_claims, h, router);
	return times * CLAIM_GAP_US + router_claims(&h->routers[router]).over_us + USEC_PER_SEC;
}

static int64_t split(struct many *w)
{
	int64_t for_us = rng_between(&w->rng, 0, 2 * many_down_us(w));

	many_watch_expect(w,
			  &(struct many_expect){.act = "the LAN breaks into two, and is mended"});
	for (unsigned i = 0; i < w->n_hosts; i++) {
		w->lan.island[i] = rng_below(&w->rng, 2);
		many_plan(w, w->now_us + for_us, unite, &w->hosts[i], 0);
	}
	return for_us + many_down_us(w);
}

static int64_t (*const acts[])(struct many *w) = {
	do_nothing, kill_and_resume, hold_up_shortly, hold_up_for_long, change_addresses,
	stop_one,   crash_one,	     bring_back,      bring_back,	fail_one,
	mend_one,   mend_one,	     change_priority, change_groups,	meet_rogue,
	meet_rogue, meet_stranger,   split,	      join_group,	join_group,
};
#define ACTS ((unsigned)(sizeof(acts) / sizeof(acts[0])))

/* Storms */

static const struct fault {
	void (*what)(struct many *w, struct host *h, unsigned router);
	void (*end)(struct many *w, struct host *h, unsigned router);
} faults[] = {
	{kill, resume},		 {crash, start},
	{stop, start},		 {hold_up, go_on},
	{unplug, plug},		 {fail_tracked, mend_tracked},
	{part, unite},		 {leap, NULL},
	{reload_priority, NULL}, {reload_addresses, NULL},
};
#define FAULTS ((unsigned)(sizeof(faults) / sizeof(faults[0])))

static int64_t storm(struct many *w)
{
	int64_t lasts_us = rng_between(&w->rng, 2, 15) * w->interval_us;
	struct lan_quality *q = &w->lan.quality;

	many_watch_expect(w, &(struct many_expect){.act = "there is a storm"});
	q->reorders = rng_percent(&w->rng, 50);
	q->loss_percent = rng_below(&w->rng, 31);
	q->dup_percent = rng_below(&w->rng, 21);
	if (rng_percent(&w->rng, 30))
		q->delay_max_us = 2 * w->interval_us;
	for (unsigned n = 1 + rng_below(&w->rng, 10); n--;) {
		const struct fault *fault = &faults[rng_below(&w->rng, FAULTS)];
		int64_t at_us = w->now_us + rng_between(&w->rng, 0, lasts_us);
		struct host *h = any_host(w);
		unsigned router = any_router(w);

		many_plan(w, at_us, fault->what, h, router);
		if (fault->end)
			many_plan(w, at_us + rng_between(&w->rng, 0, lasts_us / 2), fault->end, h,
				  router);
	}
	if (rng_percent(&w->rng, 20)) {
		draw_groups(w);
		for (unsigned i = 0; i < w->n_hosts; i++)
			many_plan(w, w->now_us + rng_between(&w->rng, 0, lasts_us), regroup,
				  &w->hosts[i], 0);
	}
	return lasts_us;
}

/* Some directors stay stopped, unplugged or faulty; no process stays dead. */
void many_calm(struct many *w)
{
	w->n_todo = 0;
	w->lan.quality = w->calm;
	for (unsigned i = 0; i < w->n_hosts; i++)
		w->lan.island[i] = 0;
	for (struct host *h = w->hosts; h < w->hosts + w->n_hosts; h++) {
		resume(w, h, 0);
		go_on(w, h, 0);
		regroup(w, h, 0);
		if (rng_percent(&w->rng, 80))
			plug(w, h, 0);
		for (unsigned i = 0; i < w->n_routers; i++)
			if (rng_percent(&w->rng, 80))
				mend_tracked(w, h, i);
		if (rng_percent(&w->rng, 60))
			start(w, h, 0);
	}
}

int64_t many_start(struct many *w)
{
	many_watch_expect(w, &(struct many_expect){.act = "the directors are started"});
	for (unsigned i = 0; i < w->n_hosts; i++)
		many_plan(w, w->now_us + rng_between(&w->rng, 0, 2 * w->interval_us), start,
			  &w->hosts[i], 0);
	return 2 * w->interval_us;
}

int64_t many_act(struct many *w)
{
	int64_t lasts_us = 0;

	if (rng_percent(&w->rng, STORMS))
		return storm(w);
	while (!lasts_us)
		lasts_us = acts[rng_below(&w->rng, ACTS)](w);
	return lasts_us;
}
