/* SPDX-License-Identifier: Apache-2.0 */
/* Storms: many faults at random on a bad LAN, and what puts an end to them. See script.h. */
#include "tests/fake/script.h"

static bool runs(const struct node *n)
{
	return n->life == NODE_RUNNING && n->m.state != VRRP_STATE_STOP;
}

static void kill(struct world *w, struct node *n)
{
	if (runs(n))
		node_kill(w, n);
}

static void kill_in_step(struct world *w, struct node *n)
{
	if (runs(n))
		node_kill_in_step(w, n);
}

static void kill_with_supervisor(struct world *w, struct node *n)
{
	if (runs(n))
		node_forget(w, n);
}

static void resume(struct world *w, struct node *n)
{
	if (n->life == NODE_KILLED)
		node_resume(w, n);
}

static void power_off(struct world *w, struct node *n)
{
	node_power_off(w, n);
}

static void start(struct world *w, struct node *n)
{
	if (n->life == NODE_OFF || (n->life == NODE_RUNNING && n->m.state == VRRP_STATE_STOP))
		node_start(w, n);
}

static void stop(struct world *w, struct node *n)
{
	if (runs(n))
		node_stop(w, n);
}

static void hold_up(struct world *w, struct node *n)
{
	if (n->life == NODE_RUNNING)
		node_hold_up(w, n);
}

static void go_on(struct world *w, struct node *n)
{
	if (n->life == NODE_HELD_UP)
		node_go_on(w, n);
}

static void unplug(struct world *w, struct node *n)
{
	if (n->link_up)
		node_set_link(w, n, false);
}

static void plug(struct world *w, struct node *n)
{
	if (!n->link_up)
		node_set_link(w, n, true);
}

static void fail_tracked(struct world *w, struct node *n)
{
	if (n->tracked_up)
		node_set_tracked(w, n, false);
}

static void mend_tracked(struct world *w, struct node *n)
{
	if (!n->tracked_up)
		node_set_tracked(w, n, true);
}

static void cut_channel(struct world *w, struct node *n)
{
	if (!n->channel.cut)
		channel_cut(w, n, true);
}

static void mend_channel(struct world *w, struct node *n)
{
	if (n->channel.cut)
		channel_cut(w, n, false);
}

static void reload_priority(struct world *w, struct node *n)
{
	struct vrrp_conf c = n->conf;

	if (c.priority != VRRP_PRIORITY_OWNER)
		c.priority = (uint8_t)rng_between(&w->rng, 1, 254);
	if (n->life != NODE_HELD_UP)
		node_reload(w, n, &c);
}

/* Of one alone, which version 3 allows. */
static void reload_interval(struct world *w, struct node *n)
{
	struct vrrp_conf c = n->conf;

	if (c.version == 2 || n->life == NODE_HELD_UP)
		return;
	c.adver_int_us = rng_percent(&w->rng, 50) ? w->interval_us : 3 * w->interval_us;
	node_reload(w, n, &c);
}

static void reload_addresses(struct world *w, struct node *n)
{
	struct vrrp_conf c = n->conf;

	c.addresses_gen++;
	if (n->life != NODE_HELD_UP)
		node_reload(w, n, &c);
}

static void part(struct world *w, struct node *n)
{
	w->lan.island[n->id] = 1 + rng_below(&w->rng, 2);
	world_trace(w, n, "is on island %u of the LAN", w->lan.island[n->id]);
}

/* What a client missed while it was cut off it finds out, unless two Actives contend for it. */
static void expire(struct world *w)
{
	for (unsigned i = 0; i < w->n_nodes; i++)
		if (w->gateway[i] && !node_is_active(w->gateway[i]))
			w->gateway[i] = NULL;
}

static void unite(struct world *w, struct node *n)
{
	expire(w);
	w->lan.island[n->id] = 0;
	world_trace(w, n, "is on the LAN again");
}

/* That others answer as well, as long as they hold the addresses, is for a calm LAN: deeds.c. */
static void ask(struct world *w, struct node *n)
{
	script_client_asks(w, n, true);
}

static const struct fault {
	void (*what)(struct world *w, struct node *n);
	void (*end)(struct world *w, struct node *n);
} faults[] = {
	{kill, resume},
	{kill_in_step, resume},
	{kill_with_supervisor, resume},
	{power_off, start},
	{stop, start},
	{hold_up, go_on},
	{unplug, plug},
	{fail_tracked, mend_tracked},
	{part, unite},
	{cut_channel, mend_channel},
	{reload_priority, NULL},
	{reload_addresses, NULL},
	{reload_interval, NULL},
	{ask, ask},
};
#define FAULTS ((unsigned)(sizeof(faults) / sizeof(faults[0])))

static void draw_quality(struct world *w, int64_t interval_us)
{
	struct lan_quality *q = &w->lan.quality;

	q->reorders = rng_percent(&w->rng, 50);
	q->loss_percent = rng_below(&w->rng, 31);
	q->dup_percent = rng_below(&w->rng, 21);
	if (rng_percent(&w->rng, 30))
		q->delay_max_us = 2 * interval_us;
	world_trace(w, NULL, "%u %% lost, %u %% twice, delay to %lld ms%s", q->loss_percent,
		    q->dup_percent, (long long)(q->delay_max_us / USEC_PER_MSEC),
		    q->reorders ? ", out of order" : "");
}

int64_t storm_begin(struct world *w)
{
	int64_t interval_us = script_interval_us(w);
	int64_t lasts_us = rng_between(&w->rng, 2, 15) * interval_us;
	unsigned n = 1 + rng_below(&w->rng, 8);

	watch_expect(w, &(struct expect){.act = "there is a storm"});
	draw_quality(w, interval_us);
	while (n--) {
		const struct fault *fault = &faults[rng_below(&w->rng, FAULTS)];
		struct node *node = &w->nodes[rng_below(&w->rng, w->n_nodes)];
		int64_t at_us = w->now_us + rng_between(&w->rng, 0, lasts_us);

		world_plan(w, at_us, fault->what, node);
		if (fault->end)
			world_plan(w, at_us + rng_between(&w->rng, 0, lasts_us / 2), fault->end,
				   node);
	}
	return lasts_us;
}

/* Some directors stay stopped, unplugged or faulty; no process stays dead. */
void storm_end(struct world *w)
{
	world_trace(w, NULL, "the storm is over");
	w->n_todo = 0;
	w->lan.quality = w->calm;
	expire(w);
	for (unsigned i = 0; i < w->n_nodes; i++)
		w->lan.island[i] = 0;
	for (struct node *n = w->nodes; n < w->nodes + w->n_nodes; n++) {
		n->dies_after = 0;
		resume(w, n);
		go_on(w, n);
		mend_channel(w, n);
		if (rng_percent(&w->rng, 80))
			plug(w, n);
		if (rng_percent(&w->rng, 80))
			mend_tracked(w, n);
		if (rng_percent(&w->rng, 60))
			start(w, n);
	}
}
