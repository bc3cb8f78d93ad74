/* SPDX-License-Identifier: Apache-2.0 */
/* The copying of connections: see channel.h. */
#include "tests/fake/world.h"

#define UNANSWERED 15 /* per cent of the questions */

void channel_init(struct world *w, bool there)
{
	w->channel = (struct channel){.there = there,
				      .beat_us = there ? w->now_us : USEC_NEVER,
				      .sync_wait_us = rng_between(&w->rng, 1, 4) * USEC_PER_SEC};
}

static void lack(struct world *w, struct node *n)
{
	n->channel.lacks = true;
	n->channel.has_us = w->now_us + rng_between(&w->rng, 0, 30 * CHANNEL_BEAT_US);
	n->conf.sync_wait_us = w->channel.sync_wait_us;
	n->conf.drain_us = 0;
}

void channel_start(struct world *w, struct node *n)
{
	n->channel = (struct channel_end){.cut = n->channel.cut, .drained_us = USEC_NEVER};
	if (!w->channel.there)
		return;
	lack(w, n);
}

void channel_cut(struct world *w, struct node *n, bool cut)
{
	world_trace(w, n, "%s hears of the others' connections", cut ? "no longer" : "again");
	n->channel.cut = cut;
	if (cut || !w->channel.there)
		return;
	lack(w, n);
	reference_lacks(&n->ref);
}

void channel_change(struct world *w)
{
	int64_t at_us = w->now_us + rng_between(&w->rng, 0, CHANNEL_DELAY_US);

	if (w->channel.there && at_us < w->channel.beat_us)
		w->channel.beat_us = at_us;
}

void channel_ask(struct world *w, struct node *n)
{
	n->channel.drained_us = USEC_NEVER;
	if (!rng_percent(&w->rng, UNANSWERED))
		n->channel.drained_us = w->now_us + rng_between(&w->rng, 0, CHANNEL_DRAIN_US);
}

/* Its frames are heard; not those of one whose machine does not run. */
static bool is_heard(const struct node *n, const struct node *by)
{
	return n != by && !n->channel.cut && !by->channel.cut &&
	       (n->life == NODE_RUNNING || n->life == NODE_KILLED);
}

static bool is_met(const struct world *w, const struct node *n)
{
	for (unsigned i = 0; i < w->n_nodes; i++)
		if (is_heard(&w->nodes[i], n))
			return true;
	return false;
}

/* Its tandem-sync says what its tandem-vrrp has told last, which may be dead by now. */
static bool somebody_serves(const struct world *w, const struct node *n)
{
	for (unsigned i = 0; i < w->n_nodes; i++)
		if (is_heard(&w->nodes[i], n) && w->nodes[i].reported &&
		    w->nodes[i].report.state == VRRP_STATE_ACTIVE)
			return true;
	return false;
}

static void tell(struct world *w, struct node *n)
{
	bool serves = n->channel.lacks && somebody_serves(w, n);

	if (n->life != NODE_RUNNING)
		return;
	if (n->channel.lacks && w->now_us >= n->channel.has_us && is_met(w, n)) {
		world_trace(w, n, "has the connections of the others");
		n->channel.lacks = serves = false;
		n->conf.sync_wait_us = 0;
		n->conf.drain_us = CHANNEL_DRAIN_US;
	}
	/* Of one that can't be heard there is nothing new: what was said ends by itself. */
	if (serves || (n->channel.told && (!n->channel.lacks || is_met(w, n))))
		node_serves(w, n, serves ? w->now_us + CHANNEL_SILENCE_US : 0);
	n->channel.told = serves;
}

int64_t channel_next_us(const struct world *w)
{
	int64_t at_us = w->channel.beat_us;

	for (unsigned i = 0; w->channel.there && i < w->n_nodes; i++)
		if (w->nodes[i].channel.drained_us < at_us)
			at_us = w->nodes[i].channel.drained_us;
	return at_us;
}

void channel_run(struct world *w)
{
	for (struct node *n = w->nodes; n < w->nodes + w->n_nodes; n++) {
		if (w->now_us < n->channel.drained_us)
			continue;
		n->channel.drained_us = USEC_NEVER;
		node_drained(w, n);
	}
	if (w->now_us < w->channel.beat_us)
		return;
	w->channel.beat_us = w->now_us + CHANNEL_BEAT_US;
	for (struct node *n = w->nodes; n < w->nodes + w->n_nodes; n++)
		tell(w, n);
}
