/* SPDX-License-Identifier: Apache-2.0 */
/* The properties: see watch.h. Section numbers are RFC 9568's; "ours" is this project's promise. */
#include "tests/fake/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* At most so many advertisements in an interval: our own pace, and answers to worse Actives. */
#define SENT_IN_INTERVAL NODE_REMEMBERED
/* An answer to a worse Active may wait until the last advertisement is that part of an interval
 * old. */
#define ASSERT_FRACTION 8
#define WOKEN_AT_ONCE	3

static const char ours[] = "our promise";

__attribute__((format(printf, 4, 5))) static void fail(struct world *w, const struct node *n,
						       const char *rule, const char *format, ...)
{
	struct watch *watch = &w->watch;
	char what[256];
	va_list args;

	if (watch->violation[0])
		return;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(watch->violation, sizeof(watch->violation), "%s%s%s (%s) when %s",
		 n ? n->name : "", n ? " " : "", what, rule, watch->expect.act);
	watch->violated_us = w->now_us;
	world_trace(w, n, "VIOLATION: %s (%s)", what, rule);
}

/* Moments */

static bool host_serves(const struct node *n)
{
	return n->addresses != NODE_NO_ADDRESSES && n->link_up;
}

static void check_clients(struct world *w)
{
	struct watch *watch = &w->watch;

	for (unsigned i = 0; i < w->n_nodes; i++) {
		const struct node *gateway = w->gateway[i];

		if (!gateway || host_serves(gateway))
			watch->unserved_us[i] = USEC_NEVER;
		else if (watch->unserved_us[i] == USEC_NEVER)
			watch->unserved_us[i] = w->now_us;
	}
}

static void check_held(struct world *w)
{
	bool held = false;

	for (unsigned i = 0; i < w->n_nodes; i++)
		held |= host_serves(&w->nodes[i]);
	if (w->watch.expect.held && !held)
		fail(w, NULL, ours, "nobody holds the addresses");
}

static void count_actives(struct world *w)
{
	unsigned actives = 0;

	for (unsigned i = 0; i < w->n_nodes; i++)
		actives += node_is_active(&w->nodes[i]);
	if (actives < 2)
		w->watch.two_since_us = USEC_NEVER;
	else if (actives > w->watch.actives) /* each one more has to be told */
		w->watch.two_since_us = w->now_us;
	w->watch.actives = actives;
}

void watch_moment(struct world *w)
{
	check_held(w);
	check_clients(w);
	count_actives(w);
}

static void check_node_time(struct world *w, struct node *n, int64_t to_us)
{
	int64_t sent_us = n->sent_us[n->n_sent % NODE_REMEMBERED];

	if (n->life != NODE_RUNNING)
		return;
	if (n->m.state == VRRP_STATE_ACTIVE && to_us > sent_us + n->pace_us + w->tardy_us)
		fail(w, n, "§6.4.3: Adver_Timer", "is Active and did not advertise in time");
	if (n->m.state == VRRP_STATE_BACKUP &&
	    to_us > w->tardy_us + reference_late_us(&n->ref, &n->conf, w->channel.sync_wait_us))
		fail(w, n, "§6.4.2: Active_Down_Timer", "did not take over in time");
}

static void check_clients_time(struct world *w, int64_t to_us)
{
	const struct expect *e = &w->watch.expect;

	for (unsigned i = 0; i < w->n_nodes && e->reached; i++)
		if (w->watch.unserved_us[i] != USEC_NEVER &&
		    to_us > w->watch.unserved_us[i] + e->unserved_us)
			fail(w, w->gateway[i], ours,
			     "does not hold the addresses, but client %u sends to it", i + 1);
}

static bool any_active(const struct world *w)
{
	for (unsigned i = 0; i < w->n_nodes; i++)
		if (node_is_active(&w->nodes[i]))
			return true;
	return false;
}

void watch_time(struct world *w, int64_t to_us)
{
	struct expect *e = &w->watch.expect;

	for (unsigned i = 0; i < w->n_nodes; i++)
		check_node_time(w, &w->nodes[i], to_us);
	check_clients_time(w, to_us);
	if (e->active_by_us && to_us > e->active_by_us) {
		if (!any_active(w))
			fail(w, NULL, e->by_rule, "nobody took over in time");
		e->active_by_us = 0;
	}
	if (e->two_for_us && w->watch.two_since_us != USEC_NEVER &&
	    to_us > w->watch.two_since_us + e->two_for_us)
		fail(w, NULL, "§6.4.3", "two are Active for more than %.3f ms",
		     (double)e->two_for_us / USEC_PER_MSEC);
}

/* Steps */

void watch_event(struct world *w, struct node *n, const struct vrrp_event *event)
{
	n->was = n->m.state;
	n->sent_before_add = false;
	if (n->was == VRRP_STATE_BACKUP)
		reference_event(&n->ref, &n->conf, event);
	if (event->kind == VRRP_EVENT_ADVERT) {
		n->heard_us = w->now_us;
		n->heard_int_us = event->adver_int_us;
	}
	/* What it has asked for is here, or there may be another to ask. */
	if (event->kind != VRRP_EVENT_TIMER && event->kind != VRRP_EVENT_PEER_SERVES &&
	    !(event->kind == VRRP_EVENT_ADVERT && event->priority &&
	      event->priority < n->conf.priority))
		n->waits = false;
}

void watch_went_on(struct world *w, struct node *n)
{
	if (n->ref.late_us < w->now_us)
		n->ref.late_us = w->now_us;
	n->pace_us = n->conf.adver_int_us + w->now_us -
		     n->sent_us[n->n_sent % NODE_REMEMBERED]; /* no reproach */
}

static void check_sent(struct world *w, struct node *n)
{
	int64_t *oldest_us = &n->sent_us[++n->n_sent % SENT_IN_INTERVAL];
	/* The machine is a step ahead of the interface: of having been Active, this is the end. */
	bool lets_go = !n->m.holding && n->addresses != NODE_NO_ADDRESSES;

	if (n->m.state != VRRP_STATE_ACTIVE && n->was != VRRP_STATE_ACTIVE && !lets_go)
		fail(w, n, "§6.4.2", "advertises, and is not Active");
	if (n->n_sent > SENT_IN_INTERVAL && w->now_us - *oldest_us < n->conf.adver_int_us)
		fail(w, n, ours, "floods the LAN with advertisements");
	*oldest_us = w->now_us;
	n->pace_us = n->conf.adver_int_us;
	n->sent_before_add |= n->addresses != n->conf.addresses_gen;
}

/* Of a living Active the connections of the last moments are asked for. */
static void check_asked(struct world *w, const struct node *n)
{
	bool lives = w->now_us - n->heard_us <= n->heard_int_us;
	bool over = !n->waits || w->now_us >= n->asked_us + n->conf.drain_us;

	if (n->conf.priority == VRRP_PRIORITY_OWNER || !n->conf.drain_us)
		return;
	if (lives && !n->asked_us)
		fail(w, n, ours, "preempts without asking for the Active's connections");
	if (n->asked_us && !over)
		fail(w, n, ours, "preempts before it has the Active's connections");
}

static void check_takeover(struct world *w, struct node *n, enum vrrp_reason reason)
{
	bool alive = reason == VRRP_REASON_PREEMPT || reason == VRRP_REASON_PEER_LEFT;

	if (w->now_us < n->ref.early_us)
		fail(w, n, "§6.4.2: Active_Down_Timer", "takes over %.3f ms too early",
		     (double)(n->ref.early_us - w->now_us) / USEC_PER_MSEC);
	if (reason == VRRP_REASON_SILENCE && reference_waits(&n->ref, &n->conf, w->now_us))
		fail(w, n, ours, "breaks the connections of an Active that is said to live");
	if (reason == VRRP_REASON_PREEMPT)
		check_asked(w, n);
	if (alive && n->sent_before_add)
		fail(w, n, ours, "tells a living Active to yield before it has the addresses");
}

static void check_change(struct world *w, struct node *n, const struct vrrp_change *c)
{
	const struct expect *e = &w->watch.expect;
	bool leaves = c->to == VRRP_STATE_STOP || c->to == VRRP_STATE_FAULT;

	if (c->from != n->was || c->to != n->m.state)
		fail(w, n, ours, "reports a change that is none");
	if (e->steady && c->from != c->to && n != e->except)
		fail(w, n, ours, "changes its state");
	if (c->from == VRRP_STATE_BACKUP && c->to == VRRP_STATE_ACTIVE)
		check_takeover(w, n, c->reason);
	if (c->from == VRRP_STATE_ACTIVE && leaves && n->link_up && n->zero_us != w->now_us)
		fail(w, n, "§6.4.3: Shutdown", "leaves without saying so");
}

void watch_action(struct world *w, struct node *n, const struct vrrp_action *a)
{
	switch (a->kind) {
	case VRRP_ACTION_SEND:
		if (a->priority == 0)
			n->zero_us = w->now_us;
		if (a->priority == n->conf.priority)
			check_sent(w, n);
		else if (a->priority != 0)
			fail(w, n, "§5.2.4", "advertises priority %u and has %u", a->priority,
			     n->conf.priority);
		else if (n->was == VRRP_STATE_BACKUP || n->m.state == VRRP_STATE_ACTIVE ||
			 n->addresses == NODE_NO_ADDRESSES)
			fail(w, n, "§6.4.3: Shutdown", "says that it leaves, and does not");
		break;
	case VRRP_ACTION_ANNOUNCE:
		if (n->addresses != n->conf.addresses_gen || n->m.state != VRRP_STATE_ACTIVE)
			fail(w, n, "§6.4.2", "announces addresses that it does not serve");
		break;
	case VRRP_ACTION_DRAIN:
		if (n->was != VRRP_STATE_BACKUP || w->now_us < n->ref.early_us)
			fail(w, n, ours, "asks for connections before it could preempt");
		reference_asked(&n->ref, &n->conf, w->now_us);
		n->asked_us = w->now_us;
		n->waits = true;
		break;
	case VRRP_ACTION_REPORT:
		check_change(w, n, &a->change);
		break;
	case VRRP_ACTION_ADD:
	case VRRP_ACTION_REMOVE:
		break;
	}
	watch_moment(w);
}

/* How soon after its last advertisement an Active must answer: before the most eager Backup, of
 * priority 254, takes over from a router that leaves. */
static int64_t answer_us(const struct node *n, const struct vrrp_event *e)
{
	int64_t unit_us = n->conf.version == 2 ? USEC_PER_SEC : n->conf.adver_int_us;

	return e->priority ? n->conf.adver_int_us / ASSERT_FRACTION : unit_us * 2 / 256 / 2;
}

/* §6.4.3: what an Active makes of another's advertisement. */
static void check_active_heard(struct world *w, struct node *n, const struct vrrp_event *e)
{
	int order = e->priority - n->conf.priority;
	int64_t since_us = w->now_us - n->sent_us[n->n_sent % NODE_REMEMBERED];
	int64_t soon_us = answer_us(n, e);

	if (e->priority && !order)
		order = addr_compare(&e->src, &n->conf.source);
	if (order > 0 && n->m.state != VRRP_STATE_BACKUP)
		fail(w, n, "§6.4.3", "does not yield");
	if (order < 0 && n->m.state != VRRP_STATE_ACTIVE)
		fail(w, n, "§6.4.3", "yields to a worse Active");
	/* The answer is due: at once, or soon after the last advertisement. */
	if (order < 0 && since_us > 0 && n->pace_us > soon_us)
		n->pace_us = soon_us > since_us ? soon_us : since_us;
}

static void check_heard(struct world *w, struct node *n, const struct vrrp_event *e)
{
	if (n->was == VRRP_STATE_ACTIVE)
		check_active_heard(w, n, e);
	else if (n->was != n->m.state)
		fail(w, n, "§6.4.2", "changes its state on an advertisement");
}

/* No state without the timer that ends it, none that the kernel does not share. */
static void check_state(struct world *w, struct node *n, enum vrrp_event_kind after)
{
	const struct vrrp_machine *m = &n->m;
	bool has = n->addresses != NODE_NO_ADDRESSES;

	if (m->state == VRRP_STATE_BACKUP && m->down_at_us == USEC_NEVER)
		fail(w, n, "§6.4.2", "is Backup without an Active_Down_Timer");
	if (m->state == VRRP_STATE_ACTIVE && m->advert_at_us == USEC_NEVER)
		fail(w, n, "§6.4.3", "is Active without an Adver_Timer");
	if (m->state == VRRP_STATE_ACTIVE && n->addresses != n->conf.addresses_gen)
		fail(w, n, "§6.4.3", "is Active without the addresses");
	if (has && !m->holding)
		fail(w, n, ours, "has forgotten the addresses on the interface");
	if (has && m->release_at_us == USEC_NEVER &&
	    (m->state == VRRP_STATE_FAULT || m->state == VRRP_STATE_STOP))
		fail(w, n, ours, "keeps the addresses for ever");
	/* A new process is told of the interface after it resumed. */
	if (has && !n->link_up && m->state == VRRP_STATE_FAULT && after != VRRP_EVENT_RESUME)
		fail(w, n, ours, "holds addresses on a dead interface");
}

/* Peers go by the old priority and interval until they hear the new ones. */
static void check_reloaded(struct world *w, struct node *n, const struct vrrp_event *e)
{
	const struct vrrp_conf *was = e->conf_was, *is = &n->conf;
	bool differs = was->priority != is->priority || was->adver_int_us != is->adver_int_us ||
		       was->addresses_gen != is->addresses_gen;

	if (n->m.state != n->was)
		fail(w, n, ours, "changes its state by a reload");
	if (n->m.state == VRRP_STATE_ACTIVE && differs &&
	    n->sent_us[n->n_sent % NODE_REMEMBERED] != w->now_us)
		fail(w, n, ours, "does not tell what a reload changed");
}

/* A timer may be due already when it is set; not for ever. */
static void check_woken(struct world *w, struct node *n, const struct vrrp_event *e)
{
	bool again = e->kind == VRRP_EVENT_TIMER && vrrp_machine_deadline(&n->m) <= w->now_us;

	n->n_woken = again ? n->n_woken + 1 : 0;
	if (n->n_woken > WOKEN_AT_ONCE)
		fail(w, n, ours, "is woken without end");
}

void watch_step(struct world *w, struct node *n, const struct vrrp_event *e)
{
	bool owner = n->conf.priority == VRRP_PRIORITY_OWNER;

	if (n->m.state != n->was)
		n->asked_us = 0;
	if (n->m.state == VRRP_STATE_BACKUP && n->was != VRRP_STATE_BACKUP)
		reference_begin(&n->ref, &n->conf, e);
	if (e->kind == VRRP_EVENT_ADVERT)
		check_heard(w, n, e);
	if (e->kind == VRRP_EVENT_CONF)
		check_reloaded(w, n, e);
	if (e->kind == VRRP_EVENT_START && owner && !e->faulty && n->m.state != VRRP_STATE_ACTIVE)
		fail(w, n, "§6.4.1", "owns the addresses and is not Active");
	check_woken(w, n, e);
	check_state(w, n, e->kind);
	watch_moment(w);
}

/* After convergence */

static const struct node *only_active(struct world *w)
{
	const struct node *active = NULL;
	unsigned well = 0, actives = 0;

	for (struct node *n = w->nodes; n < w->nodes + w->n_nodes; n++) {
		well += node_is_well(n);
		actives += node_is_active(n);
		if (node_is_active(n))
			active = n;
	}
	if (actives > 1)
		fail(w, active, "§6.4.3", "is not the only Active");
	if (well && !actives)
		fail(w, NULL, "§6.4.2", "nobody is Active");
	return active;
}

static void check_settled(struct world *w, const struct node *n, const struct node *active)
{
	if (n == active)
		return;
	if (n->addresses != NODE_NO_ADDRESSES)
		fail(w, n, ours, "still holds the addresses");
	if (!active || !node_is_well(n))
		return;
	if (reference_preempts(&n->conf) && n->conf.priority > active->conf.priority)
		fail(w, n,
		     n->conf.priority == VRRP_PRIORITY_OWNER ? "§6.1: the owner"
							     : "§6.4.2: Preempt_Mode",
		     "has priority %u, and %s with %u is Active", n->conf.priority, active->name,
		     active->conf.priority);
	if (n->m.active_int_us != active->conf.adver_int_us)
		fail(w, n, "§6.4.2: Active_Adver_Interval",
		     "has not learned the Active's interval");
}

void watch_settled(struct world *w)
{
	const struct node *active = only_active(w);

	for (unsigned i = 0; i < w->n_nodes; i++)
		check_settled(w, &w->nodes[i], active);
	/* That a host is gone its clients find out by themselves; not that it is no longer Active.
	 */
	for (unsigned i = 0; i < w->n_nodes && active; i++)
		if (w->gateway[i] && w->gateway[i] != active && node_is_well(w->gateway[i]))
			fail(w, active, ours, "is the Active, but client %u sends to %s", i + 1,
			     w->gateway[i]->name);
}

void watch_init(struct world *w)
{
	w->watch = (struct watch){.two_since_us = USEC_NEVER};
	for (unsigned i = 0; i < LAN_PORTS_MAX; i++)
		w->watch.unserved_us[i] = USEC_NEVER;
}

void watch_expect(struct world *w, const struct expect *expect)
{
	w->watch.expect = *expect;
	if (expect->act)
		world_trace(w, NULL, "ACT %u: %s", w->act, expect->act);
}
