/* SPDX-License-Identifier: Apache-2.0 */
/* The acts of a run: see script.h. */
#include "tests/fake/script.h"

#define ACTS_LEAST 5
#define ACTS_MOST  12
#define STORMS	   35 /* per cent of the acts */

int64_t script_interval_us(const struct world *w)
{
	int64_t longest_us = 0;

	for (unsigned i = 0; i < w->n_nodes; i++) {
		const struct node *n = &w->nodes[i];

		if (n->conf.adver_int_us > longest_us)
			longest_us = n->conf.adver_int_us;
		if (n->m.active_int_us > longest_us)
			longest_us = n->m.active_int_us;
	}
	return longest_us;
}

int64_t script_down_us(const struct world *w)
{
	const struct vrrp_conf *c = &w->nodes[0].conf;
	int64_t interval_us = script_interval_us(w);

	return c->down_adverts * interval_us + (c->version == 2 ? USEC_PER_SEC : interval_us);
}

void script_client_asks(struct world *w, const struct node *beside, bool only_active)
{
	world_trace(w, NULL, "client %u asks", beside->id + 1);
	for (struct node *n = w->nodes; n < w->nodes + w->n_nodes; n++)
		if (n->life == NODE_RUNNING && n->link_up && n->addresses != NODE_NO_ADDRESSES &&
		    (node_is_active(n) || !only_active))
			lan_announce_to(&w->lan, w->now_us, n->id, beside->id);
}

/*
 * At the worst: frames of the storm arrive; everybody times out; the wrong one is Active; the right
 * one obeys it for its preempt_delay, or until it has its connections, then times out; and addresses are let go, clients told.
 */
static int64_t settle_us(const struct world *w)
{
	const struct vrrp_conf *c = &w->nodes[0].conf;
	int64_t down_us = script_down_us(w), delay_us = 0;

	for (unsigned i = 0; i < w->n_nodes; i++)
		if (w->nodes[i].conf.preempt_delay_us > delay_us)
			delay_us = w->nodes[i].conf.preempt_delay_us;
	if (w->channel.there)
		delay_us += w->channel.sync_wait_us + 2 * CHANNEL_SILENCE_US + CHANNEL_DRAIN_US;
	return 3 * script_interval_us(w) + 3 * down_us + delay_us + c->garp_delay_us +
	       4 * VRRP_LET_GO_US;
}

static void start_all(struct world *w)
{
	int64_t within_us = 2 * script_interval_us(w);

	for (unsigned i = 0; i < w->n_nodes; i++)
		if (rng_percent(&w->rng, 90))
			world_plan(w, w->now_us + rng_between(&w->rng, 0, within_us), node_start,
				   &w->nodes[i]);
}

static bool run_for(struct world *w, int64_t us)
{
	return world_run(w, w->now_us + us);
}

static void trace_node(const struct world *w, const struct node *n)
{
	static const char *const life[] = {[NODE_OFF] = "off",
					   [NODE_RUNNING] = "running",
					   [NODE_HELD_UP] = "held up",
					   [NODE_KILLED] = "killed"};
	char source[ADDR_TEXT_MAX];

	world_trace(w, n, "%s, %s: %s, version %u, priority %u%s, every %lld ms, delay %lld ms%s%s",
		    addr_format(&n->conf.source, source), life[n->life],
		    vrrp_state_name(n->m.state), n->conf.version, n->conf.priority,
		    n->conf.preempt ? "" : ", nopreempt",
		    (long long)(n->conf.adver_int_us / USEC_PER_MSEC),
		    (long long)(n->conf.preempt_delay_us / USEC_PER_MSEC),
		    n->link_up ? "" : ", link down", n->tracked_up ? "" : ", fault");
}

static void trace_act(const struct world *w)
{
	if (!world_traces(w))
		return;
	world_trace(w, NULL,
		    "ACT %u; frames take up to %.2f ms, timers are late by up to %.2f ms, "
		    "%u intervals are a silence",
		    w->act, (double)w->calm.delay_max_us / USEC_PER_MSEC,
		    (double)w->tardy_us / USEC_PER_MSEC, w->nodes[0].conf.down_adverts);
	for (unsigned i = 0; i < w->n_nodes; i++)
		trace_node(w, &w->nodes[i]);
}

static bool act(struct world *w)
{
	trace_act(w);
	if (w->act == 0) {
		watch_expect(w, &(struct expect){.act = "the directors are started"});
		start_all(w);
	} else if (rng_percent(&w->rng, STORMS)) {
		if (!run_for(w, storm_begin(w)))
			return false;
		storm_end(w);
	} else {
		deed_do(w);
	}
	if (!run_for(w, settle_us(w)))
		return false;
	watch_settled(w);
	watch_expect(w, &(struct expect){.act = "all is calm"});
	/* The next act may come at any moment between two advertisements. */
	return run_for(w, rng_between(&w->rng, 0, script_interval_us(w)));
}

bool script_run(struct world *w)
{
	unsigned acts = (unsigned)rng_between(&w->rng, ACTS_LEAST, ACTS_MOST);

	for (w->act = 0; w->act < acts; w->act++)
		if (!act(w))
			return false;
	return true;
}
