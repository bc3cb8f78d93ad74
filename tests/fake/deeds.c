/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thing done to a cluster that has settled, on a calm LAN: all that an operator does, and each
 * single fault. Here the promises are exact. See script.h.
 */
#include "tests/fake/script.h"

/* Who is who before the deed. */
struct cast {
	struct node *active;
	struct node *backup; /* one of them; NULL: none */
	struct node *out;    /* a director that is stopped or has a fault; NULL: none */
	int64_t down_us;     /* Active_Down_Interval of the quickest Backup */
	int64_t skew_us;     /* Skew_Time of the quickest Backup */
};

static struct node *pick(struct world *w, bool (*fits)(const struct node *n))
{
	struct node *found = NULL;
	unsigned n_found = 0;

	for (struct node *n = w->nodes; n < w->nodes + w->n_nodes; n++)
		if (fits(n) && rng_below(&w->rng, ++n_found) == 0)
			found = n;
	return found;
}

static bool is_backup(const struct node *n)
{
	return node_is_well(n) && !node_is_active(n);
}

static bool is_out(const struct node *n)
{
	return n->life == NODE_OFF || !n->link_up || !n->tracked_up;
}

static struct cast cast_of(struct world *w)
{
	struct cast c = {.active = pick(w, node_is_active),
			 .backup = pick(w, is_backup),
			 .out = pick(w, is_out)};
	int64_t active_int_us = c.active ? c.active->conf.adver_int_us : 0;
	const struct node *quickest = c.backup;

	if (!quickest)
		return c;
	for (struct node *n = w->nodes; n < w->nodes + w->n_nodes; n++)
		if (is_backup(n) && n->conf.priority > quickest->conf.priority)
			quickest = n;
	c.skew_us = vrrp_skew_us(&quickest->conf, active_int_us);
	c.down_us = vrrp_down_interval_us(&quickest->conf, active_int_us);
	return c;
}

/* One frame's way, and the timer that it set. */
static int64_t slack_us(const struct world *w)
{
	return w->calm.delay_max_us + w->tardy_us;
}

/* What holds for everything that is done on purpose. */
static struct expect planned(const struct world *w, const char *act)
{
	return (struct expect){
		.act = act, .held = true, .reached = true, .two_for_us = w->calm.delay_max_us};
}

static struct expect undisturbed(const struct world *w, const char *act)
{
	struct expect e = planned(w, act);

	e.steady = true;
	return e;
}

/* One that lacks the Active's connections waits as long as that may live. */
static int64_t late_us(const struct world *w)
{
	for (unsigned i = 0; i < w->n_nodes; i++)
		if (w->nodes[i].channel.lacks)
			return CHANNEL_SILENCE_US;
	return 0;
}

static struct expect lost(const struct world *w, const struct cast *c, const char *act)
{
	return (struct expect){.act = act,
			       .two_for_us = w->calm.delay_max_us,
			       .active_by_us = w->now_us + slack_us(w) + c->down_us + late_us(w),
			       .by_rule = "§6.1: Active_Down_Interval"};
}

static struct expect leaving(const struct world *w, const struct cast *c, const char *act)
{
	struct expect e = planned(w, act);

	/* A priority 0 may arrive after the successor's first advertisement: it is told once more.
	 */
	e.two_for_us = 2 * slack_us(w) + script_interval_us(w) / 8;
	e.active_by_us = w->now_us + slack_us(w) + c->skew_us;
	e.by_rule = "§6.4.2: Skew_Time after priority 0";
	return e;
}

static void ask(struct world *w, struct node *n)
{
	script_client_asks(w, n, false);
}

/*
 * A better one may follow the successor before the one before that has let go: a Backup that waits
 * out its preempt_delay, or one that has just been started, when the intervals are short.
 */
static bool second_may_follow(const struct world *w)
{
	if (script_down_us(w) < 2 * VRRP_LET_GO_US || late_us(w))
		return true;
	for (unsigned i = 0; i < w->n_nodes; i++)
		if (w->nodes[i].conf.preempt_delay_us && node_is_well(&w->nodes[i]))
			return true;
	return false;
}

/*
 * While two hold the addresses a client may ask, and believe the one that is about to let go: it
 * is not served until the other announces itself once more, 10 ms later. When a second change
 * follows the first, three hold them: the announcements of the last one are timed by the second
 * letting go, so the first one's clients wait for the next of them.
 */
static void let_clients_ask(struct world *w, struct expect *e)
{
	int64_t within_us = script_down_us(w) + VRRP_LET_GO_US;

	if (!rng_percent(&w->rng, 30))
		return;
	e->unserved_us = 10 * USEC_PER_MSEC + 3 * slack_us(w);
	if (second_may_follow(w))
		e->unserved_us += VRRP_LET_GO_US / 2;
	for (unsigned i = 0; i < 2 * w->n_nodes; i++)
		world_plan(w, w->now_us + rng_between(&w->rng, 0, within_us), ask,
			   &w->nodes[i % w->n_nodes]);
}

/* The Active disappears */

static bool crash_active(struct world *w, const struct cast *c)
{
	struct expect e = lost(w, c, "the Active's host crashes");

	if (!c->backup)
		return false;
	watch_expect(w, &e);
	node_power_off(w, c->active);
	return true;
}

static bool unplug_active(struct world *w, const struct cast *c)
{
	struct expect e = lost(w, c, "the Active's cable is pulled");

	if (!c->backup)
		return false;
	watch_expect(w, &e);
	node_set_link(w, c->active, false);
	return true;
}

static bool hold_up_active(struct world *w, const struct cast *c)
{
	struct expect e = lost(w, c, "the Active is held up");

	if (!c->backup)
		return false;
	watch_expect(w, &e);
	node_hold_up(w, c->active);
	world_plan(w, w->now_us + rng_between(&w->rng, c->down_us / 2, 2 * c->down_us), node_go_on,
		   c->active);
	return true;
}

/* A Backup's absence is nobody's business. */
static bool hold_up_backup(struct world *w, const struct cast *c)
{
	struct expect e = undisturbed(w, "a Backup is held up");

	if (!c->backup)
		return false;
	watch_expect(w, &e);
	node_hold_up(w, c->backup);
	world_plan(w, w->now_us + rng_between(&w->rng, 1, 2 * c->down_us), node_go_on, c->backup);
	return true;
}

/* The process disappears: a dead role is a non-event */

static int64_t last_sent_us(const struct node *n)
{
	return n->sent_us[n->n_sent % NODE_REMEMBERED];
}

/* The last moment at which the next process can advertise before a Backup takes over. */
static int64_t in_time_us(const struct world *w, const struct cast *c)
{
	if (!c->backup)
		return w->now_us + 2 * script_down_us(w);
	return last_sent_us(c->active) + c->down_us - w->calm.delay_max_us;
}

static bool kill_active(struct world *w, const struct cast *c)
{
	struct expect e = undisturbed(w, "the Active's process is killed, and resumed in time");
	int64_t until_us = in_time_us(w, c);

	if (until_us <= w->now_us)
		return false;
	watch_expect(w, &e);
	node_kill(w, c->active);
	world_plan(w, rng_between(&w->rng, w->now_us, until_us), node_resume, c->active);
	return true;
}

static bool kill_backup(struct world *w, const struct cast *c)
{
	struct expect e = undisturbed(w, "a Backup's process is killed, and resumed");

	if (!c->backup)
		return false;
	watch_expect(w, &e);
	node_kill(w, c->backup);
	world_plan(w, w->now_us + rng_between(&w->rng, 0, 2 * c->down_us), node_resume, c->backup);
	return true;
}

static bool kill_all(struct world *w, const struct cast *c)
{
	struct expect e = undisturbed(w, "all processes are killed, and resumed in time");
	int64_t until_us = in_time_us(w, c);

	if (until_us <= w->now_us)
		return false;
	watch_expect(w, &e);
	for (struct node *n = w->nodes; n < w->nodes + w->n_nodes; n++) {
		if (n->life != NODE_RUNNING)
			continue;
		node_kill(w, n);
		world_plan(w, rng_between(&w->rng, w->now_us, until_us), node_resume, n);
	}
	return true;
}

static bool kill_active_for_long(struct world *w, const struct cast *c)
{
	struct expect e = lost(w, c, "the Active's process is killed, and resumed too late");

	if (!c->backup)
		return false;
	e.held = e.reached = true; /* the kernel serves on */
	if (late_us(w)) /* and its tandem-sync says so */
		e.active_by_us += w->channel.sync_wait_us;
	e.two_for_us = 2 * slack_us(w) + script_interval_us(w) / 8;
	watch_expect(w, &e);
	node_kill(w, c->active);
	world_plan(w, w->now_us + rng_between(&w->rng, c->down_us, 2 * c->down_us), node_resume,
		   c->active);
	return true;
}

/* One that starts waits by its own interval until it hears another's (§6.4.1). */
static bool have_one_interval(const struct world *w)
{
	for (unsigned i = 1; i < w->n_nodes; i++)
		if (w->nodes[i].conf.adver_int_us != w->nodes[0].conf.adver_int_us)
			return false;
	return true;
}

static bool kill_supervisor(struct world *w, const struct cast *c)
{
	struct expect e = planned(w, "the Active's supervisor and process are killed, and started");
	int64_t away_us = rng_between(&w->rng, 0, 2 * script_down_us(w));

	if (!have_one_interval(w))
		return false;
	watch_expect(w, &e);
	node_forget(w, c->active);
	world_plan(w, w->now_us + away_us, node_resume, c->active);
	return true;
}

/* What an operator does */

static bool do_nothing(struct world *w, const struct cast *c)
{
	struct expect e = undisturbed(w, "nothing happens");

	watch_expect(w, &e);
	return true;
}

static bool stop_active(struct world *w, const struct cast *c)
{
	struct expect e = leaving(w, c, "the Active is stopped");

	if (!c->backup)
		return false;
	let_clients_ask(w, &e);
	watch_expect(w, &e);
	node_stop(w, c->active);
	return true;
}

/* Only the next priority 0 is heard. */
static bool stop_active_unheard(struct world *w, const struct cast *c)
{
	struct expect e = leaving(w, c, "the Active is stopped, and its priority 0 is lost");
	bool v2 = c->active && c->active->conf.version == 2;

	if (!c->backup)
		return false;
	e.active_by_us += (v2 ? USEC_PER_SEC : c->active->conf.adver_int_us) + VRRP_LET_GO_US / 2 +
			  w->tardy_us;
	watch_expect(w, &e);
	w->lan.quality.loss_percent = 100;
	node_stop(w, c->active);
	w->lan.quality = w->calm;
	return true;
}

static bool restart_active(struct world *w, const struct cast *c)
{
	struct expect e = leaving(w, c, "the Active is stopped and started at once");

	if (!c->backup || !have_one_interval(w))
		return false;
	let_clients_ask(w, &e);
	watch_expect(w, &e);
	node_stop(w, c->active);
	world_plan(w, w->now_us + rng_between(&w->rng, 0, c->skew_us), node_start, c->active);
	return true;
}

static bool fail_active(struct world *w, const struct cast *c)
{
	struct expect e = leaving(w, c, "something that the Active tracks fails");

	if (!c->backup)
		return false;
	let_clients_ask(w, &e);
	watch_expect(w, &e);
	node_set_tracked(w, c->active, false);
	return true;
}

static bool stop_backup(struct world *w, const struct cast *c)
{
	struct expect e = undisturbed(w, "a Backup is stopped");

	if (!c->backup)
		return false;
	e.except = c->backup;
	watch_expect(w, &e);
	node_stop(w, c->backup);
	return true;
}

static bool wins_over(const struct node *n, const struct node *active)
{
	return (n->conf.preempt || n->conf.priority == VRRP_PRIORITY_OWNER) &&
	       n->conf.priority > active->conf.priority;
}

/* Hand-back when it has the better priority and preempts; else nobody is disturbed. */
static bool bring_back(struct world *w, const struct cast *c)
{
	struct expect e = planned(w, "a director comes back");
	struct node *n = c->out;

	if (!n || !have_one_interval(w))
		return false;
	e.steady = !wins_over(n, c->active);
	e.except = n;
	if (n->conf.priority == VRRP_PRIORITY_OWNER)
		e.steady = false;
	let_clients_ask(w, &e);
	watch_expect(w, &e);
	if (!n->link_up)
		node_set_link(w, n, true);
	if (!n->tracked_up)
		node_set_tracked(w, n, true);
	if (n->life == NODE_OFF)
		node_start(w, n);
	return true;
}

/* By reload, or by what is tracked. */
static bool change_priority(struct world *w, const struct cast *c)
{
	struct expect e = planned(w, "a priority changes");
	struct node *changed = c->backup && rng_percent(&w->rng, 50) ? c->backup : c->active;
	struct vrrp_conf conf = changed->conf;
	uint8_t was = conf.priority;

	if (was == VRRP_PRIORITY_OWNER)
		return false;
	changed->conf.priority = conf.priority = (uint8_t)rng_between(&w->rng, 1, 254);
	e.steady = true;
	for (struct node *n = w->nodes; n < w->nodes + w->n_nodes; n++)
		if (is_backup(n) && wins_over(n, c->active))
			e.steady = false;
	changed->conf.priority = was;
	let_clients_ask(w, &e);
	watch_expect(w, &e);
	node_reload(w, changed, &conf);
	return true;
}

static void reload_addresses(struct world *w, struct node *n)
{
	struct vrrp_conf c = n->conf;

	c.addresses_gen++;
	node_reload(w, n, &c);
}

static bool change_addresses(struct world *w, const struct cast *c)
{
	struct expect e = undisturbed(w, "the addresses are changed by reload");

	watch_expect(w, &e);
	for (struct node *n = w->nodes; n < w->nodes + w->n_nodes; n++)
		world_plan(w, w->now_us + rng_between(&w->rng, 0, script_interval_us(w)),
			   reload_addresses, n);
	return true;
}

static void reload_slower(struct world *w, struct node *n)
{
	struct vrrp_conf c = n->conf;

	c.adver_int_us = 3 * w->interval_us;
	node_reload(w, n, &c);
}

static void reload_faster(struct world *w, struct node *n)
{
	struct vrrp_conf c = n->conf;

	c.adver_int_us = w->interval_us;
	node_reload(w, n, &c);
}

/* Version 3 only: with version 2 the intervals must be equal at all times (RFC 3768 §7.1). */
static bool change_interval(struct world *w, const struct cast *c)
{
	struct expect e = undisturbed(w, "the interval is changed by reload");
	int64_t interval_us = script_interval_us(w);
	bool faster = c->active->conf.adver_int_us > w->interval_us;

	if (c->active->conf.version == 2)
		return false;
	watch_expect(w, &e);
	for (struct node *n = w->nodes; n < w->nodes + w->n_nodes; n++)
		world_plan(w, w->now_us + rng_between(&w->rng, 0, interval_us),
			   faster ? reload_faster : reload_slower, n);
	return true;
}

/* So many advertisements in a row make no silence yet. */
static int64_t may_lose(const struct world *w, const struct cast *c)
{
	/* Without a Skew_Time that is longer than the LAN's jitter one less is safe. */
	return c->active->conf.down_adverts - (c->skew_us <= 2 * slack_us(w) ? 2 : 1);
}

/* Peers go by the old interval, and must not miss the new one. */
static bool slow_down_unheard(struct world *w, const struct cast *c)
{
	struct expect e = undisturbed(w, "the interval grows, and what tells it is lost");

	if (c->active->conf.version == 2 || c->active->conf.adver_int_us > w->interval_us ||
	    may_lose(w, c) < 1)
		return false;
	watch_expect(w, &e);
	w->lan.quality.loss_percent = 100;
	reload_slower(w, c->active);
	w->lan.quality = w->calm;
	return true;
}

/* The LAN breaks into two, and is mended */

static void unite(struct world *w, struct node *n)
{
	int64_t interval_us = script_interval_us(w);
	struct expect e = {.act = "a LAN that was two is one again",
			   .two_for_us = 2 * slack_us(w) + interval_us + interval_us / 8};

	for (unsigned i = 0; i < w->n_nodes; i++)
		w->lan.island[i] = 0;
	w->watch.two_since_us = w->watch.actives > 1 ? w->now_us : USEC_NEVER;
	watch_expect(w, &e);
}

static bool split(struct world *w, const struct cast *c)
{
	unsigned other = rng_below(&w->rng, w->n_nodes);
	int64_t for_us = script_down_us(w) * 2 + c->active->conf.preempt_delay_us;

	if (!c->backup)
		return false;
	watch_expect(w, &(struct expect){.act = "the LAN breaks into two"});
	for (unsigned i = 0; i < w->n_nodes; i++)
		w->lan.island[i] = i == other || rng_percent(&w->rng, 50);
	world_plan(w, w->now_us + rng_between(&w->rng, 0, for_us), unite, NULL);
	return true;
}

/* The LAN loses some advertisements in a row */

static void lose_none(struct world *w, struct node *n)
{
	world_trace(w, NULL, "the LAN works again");
	w->lan.quality = w->calm;
}

static bool lose_some(struct world *w, const struct cast *c)
{
	struct expect e = undisturbed(w, "fewer advertisements are lost than make a silence");
	const struct vrrp_conf *conf = &c->active->conf;
	int64_t n_lost = may_lose(w, c);

	if (n_lost < 1)
		return false;
	watch_expect(w, &e);
	world_trace(w, NULL, "the LAN loses everything");
	w->lan.quality.loss_percent = 100;
	world_plan(w, w->now_us + n_lost * conf->adver_int_us - w->tardy_us - 1, lose_none, NULL);
	return true;
}

static bool (*const deeds[])(struct world *w, const struct cast *c) = {
	crash_active,	   unplug_active,   hold_up_active,   hold_up_backup,
	kill_active,	   kill_backup,	    kill_all,	      kill_active_for_long,
	kill_supervisor,   do_nothing,	    stop_active,      stop_active_unheard,
	restart_active,	   fail_active,	    stop_backup,      bring_back,
	bring_back,	   change_priority, change_addresses, change_interval,
	slow_down_unheard, split,	    lose_some,
};
#define DEEDS ((unsigned)(sizeof(deeds) / sizeof(deeds[0])))

/* Without an Active there is nothing to do but to bring a director back. */
static void bring_any_back(struct world *w, struct node *n)
{
	watch_expect(w, &(struct expect){.act = "a first director comes back"});
	if (!n->link_up)
		node_set_link(w, n, true);
	if (!n->tracked_up)
		node_set_tracked(w, n, true);
	if (n->life == NODE_OFF)
		node_start(w, n);
}

void deed_do(struct world *w)
{
	struct cast c = cast_of(w);

	if (!c.active) {
		bring_any_back(w, &w->nodes[rng_below(&w->rng, w->n_nodes)]);
		return;
	}
	while (!deeds[rng_below(&w->rng, DEEDS)](w, &c))
		;
}
