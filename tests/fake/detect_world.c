/* SPDX-License-Identifier: Apache-2.0 */
/* peer_detect in virtual time: see detect_world.h. */
#include "tests/fake/detect_world.h"

#include "tests/fake/rng.h"
#include "vrrp/detect.h"
#include "vrrp/machine.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define EVENTS_MAX 1024
/* Of a frame on its way. */
#define DELAY_LEAST_US 30
#define DELAY_MOST_US  400
/* Between two times that a process is held up, on average, and how long that is. */
#define STALL_EVERY_US (5 * USEC_PER_SEC)
#define STALL_LEAST_US 300
#define STALL_MOST_US  (300 * USEC_PER_MSEC)
/* What a whole director would have heard waits in the ring of its network card, unless it pauses for
 * longer than this; then it is lost, and for a while after the pause nothing is heard yet: up to so
 * long and half of the pause. */
#define RING_US	   (20 * USEC_PER_MSEC)
#define DEAF_US	   (12 * USEC_PER_MSEC)
#define DEAF_SHARE 2

/* At one time in this order: what has arrived is taken in before time is looked at. */
enum kind { STALL, HOLD, ADVERT, BEAT, PONG, TIMER };

struct event {
	int64_t at_us;
	enum kind kind;
	uint8_t to;
	uint8_t from;
	uint8_t priority;
	uint16_t seq;
};

struct node {
	struct vrrp_conf conf;
	struct vrrp_machine m;
	struct detect d;
	int followed; /* whose death d is about; -1: nobody's */
	int64_t interval_us; /* of that one's heartbeats */
	int64_t beat_at_us;
	int64_t stalled_us; /* until then */
	int64_t timer_us;   /* the one that counts */
	int64_t deaf_us;    /* until then what arrives is lost */
	int64_t answered_us; /* a ping, last */
	bool dead;
};

struct world {
	const struct detect_world_conf *conf;
	struct detect_world_result *result;
	struct rng rng;
	int64_t now_us;
	struct node nodes[DETECT_NODES_MAX];
	struct event heap[EVENTS_MAX];
	unsigned n;
	bool measured;
};

/* Events */

static bool is_before(const struct event *a, const struct event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->kind < b->kind;
}

static void push(struct world *w, struct event e)
{
	unsigned at = w->n++;

	assert(w->n <= EVENTS_MAX);
	for (; at && is_before(&e, &w->heap[(at - 1) / 2]); at = (at - 1) / 2)
		w->heap[at] = w->heap[(at - 1) / 2];
	w->heap[at] = e;
}

static struct event pop(struct world *w)
{
	struct event first = w->heap[0], last = w->heap[--w->n];
	unsigned at = 0, child;

	while ((child = 2 * at + 1) < w->n) {
		if (child + 1 < w->n && is_before(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (!is_before(&w->heap[child], &last))
			break;
		w->heap[at] = w->heap[child];
		at = child;
	}
	w->heap[at] = last;
	return first;
}

/* Ways */

static bool is_cut(const struct world *w, int64_t cut_us)
{
	return cut_us && w->now_us >= cut_us && (!w->conf->heal_us || w->now_us < w->conf->heal_us);
}

static bool passes(struct world *w, bool by_lan)
{
	if (is_cut(w, by_lan || w->conf->one_lan ? w->conf->cut_lan_us : w->conf->cut_between_us))
		return false;
	if (!rng_percent(&w->rng, w->conf->loss_percent))
		return true;
	w->result->losses++;
	return false;
}

static int64_t delay_us(struct world *w)
{
	return DELAY_LEAST_US + rng_below(&w->rng, DELAY_MOST_US - DELAY_LEAST_US);
}

static void say(struct world *w, unsigned from, struct event e, bool by_lan)
{
	for (unsigned i = 0; i < w->conf->nodes; i++) {
		if (i == from || w->nodes[i].dead || !passes(w, by_lan))
			continue;
		e.to = (uint8_t)i;
		e.from = (uint8_t)from;
		e.at_us = w->now_us + delay_us(w);
		push(w, e);
	}
}

/* The kernel of the other side answers, whatever its processes do. */
static void ping(struct world *w, unsigned from, unsigned to, uint16_t seq)
{
	struct node *n = &w->nodes[to];

	w->result->pings++;
	if (!passes(w, true) || n->dead || w->now_us < n->deaf_us ||
	    w->now_us < n->answered_us + w->conf->answer_gap_us)
		return;
	n->answered_us = w->now_us;
	if (passes(w, true))
		push(w, (struct event){.kind = PONG,
				       .to = (uint8_t)from,
				       .seq = seq,
				       .at_us = w->now_us + delay_us(w) + delay_us(w)});
}

/* Directors */

static struct addr address_of(unsigned i)
{
	return (struct addr){.family = AF_INET, .b = {10, 0, 0, (uint8_t)(i + 1)}};
}

/* Its kernel by the LAN, or its process by the other way, unless that is held up. */
static bool can_be_heard(const struct world *w, unsigned i)
{
	const struct node *n = &w->nodes[i];
	bool lan = !is_cut(w, w->conf->cut_lan_us);
	bool between = w->conf->one_lan ? lan : !is_cut(w, w->conf->cut_between_us);
	bool speaks = w->now_us > n->stalled_us + 4 * w->conf->interval_us;

	return !n->dead && (lan || (between && speaks));
}

static void judge(struct world *w, unsigned i, const struct vrrp_change *change)
{
	bool lives = w->nodes[i].followed >= 0 && can_be_heard(w, (unsigned)w->nodes[i].followed);

	if (change->reason == VRRP_REASON_PEER_LOST && lives)
		w->result->false_takeovers++;
	if (change->reason == VRRP_REASON_SILENCE && lives)
		w->result->silence_takeovers++;
	if (!w->conf->crash_us || w->now_us < w->conf->crash_us || w->result->takeover_us >= 0)
		return;
	w->result->takeover_us = w->now_us - w->conf->crash_us;
	w->result->left_to_vrrp = change->reason != VRRP_REASON_PEER_LOST;
}

static void perform(struct world *w, unsigned i, const struct vrrp_actions *actions)
{
	for (unsigned k = 0; k < actions->n; k++) {
		const struct vrrp_action *a = &actions->list[k];
		char text[512];

		if (a->kind == VRRP_ACTION_SEND)
			say(w, i, (struct event){.kind = ADVERT, .priority = a->priority}, true);
		if (a->kind != VRRP_ACTION_REPORT)
			continue;
		if (w->conf->trace)
			printf("%14.6f d%u %s\n", (double)w->now_us / USEC_PER_SEC, i + 1,
			       vrrp_change_format("VI", &a->change, text, sizeof(text)));
		if (a->change.to == VRRP_STATE_ACTIVE)
			judge(w, i, &a->change);
	}
}

/* As detector.c has it: a router is watched while it is followed. */
static void settle(struct world *w, struct node *n)
{
	int followed = -1;

	if (n->m.state == VRRP_STATE_BACKUP && n->m.heard_us != USEC_NEVER)
		followed = n->m.peer.b[3] - 1;
	if (followed != n->followed)
		detect_init(&n->d);
	n->followed = followed;
	if (n->m.state != VRRP_STATE_ACTIVE)
		n->beat_at_us = USEC_NEVER;
	else if (n->beat_at_us == USEC_NEVER)
		n->beat_at_us = w->now_us;
}

static void step(struct world *w, unsigned i, struct vrrp_event event)
{
	struct node *n = &w->nodes[i];
	struct vrrp_actions actions = {.n = 0};

	event.now_us = w->now_us;
	vrrp_machine_step(&n->conf, &n->m, &event, &actions);
	perform(w, i, &actions);
	settle(w, n);
}

static void follow(struct world *w, unsigned i, enum detect_verdict verdict)
{
	struct node *n = &w->nodes[i];
	struct vrrp_event event = {.adver_int_us = n->interval_us, .silent_us = n->d.alive_us};

	if (verdict == DETECT_NOTHING || n->followed < 0)
		return;
	w->result->doubts += verdict == DETECT_LOST;
	event.kind = verdict == DETECT_LOST ? VRRP_EVENT_PEER_LOST : VRRP_EVENT_PEER_ALIVE;
	event.src = address_of((unsigned)n->followed);
	step(w, i, event);
}

static int64_t deadline_us(const struct node *n)
{
	int64_t at_us = vrrp_machine_deadline(&n->m), detect_us = detect_deadline(&n->d);

	at_us = detect_us < at_us ? detect_us : at_us;
	return n->beat_at_us < at_us ? n->beat_at_us : at_us;
}

static void on_timer(struct world *w, unsigned i)
{
	struct node *n = &w->nodes[i];
	bool wanted;

	if (w->now_us >= n->beat_at_us) {
		w->result->beats++;
		say(w, i, (struct event){.kind = BEAT}, false);
		n->beat_at_us += w->conf->interval_us;
		if (n->beat_at_us <= w->now_us)
			n->beat_at_us = w->now_us + w->conf->interval_us;
	}
	if (w->now_us >= detect_deadline(&n->d)) {
		enum detect_verdict verdict = detect_tick(&n->d, w->now_us, &wanted);

		if (wanted && n->followed >= 0)
			ping(w, i, (unsigned)n->followed, n->d.seq);
		follow(w, i, verdict);
	}
	if (w->now_us >= vrrp_machine_deadline(&n->m))
		step(w, i, (struct vrrp_event){.kind = VRRP_EVENT_TIMER});
}

static void on_advert(struct world *w, unsigned i, const struct event *e)
{
	struct node *n = &w->nodes[i];

	if (n->followed == e->from)
		follow(w, i, detect_advert(&n->d, w->now_us));
	step(w, i, (struct vrrp_event){.kind = VRRP_EVENT_ADVERT,
				       .src = address_of(e->from),
				       .priority = e->priority,
				       .adver_int_us = w->conf->adver_int_us});
}

static void on_beat(struct world *w, unsigned i, const struct event *e)
{
	struct node *n = &w->nodes[i];

	if (n->followed != e->from)
		return;
	n->interval_us = w->conf->interval_us;
	follow(w, i, detect_beat(&n->d, w->now_us, n->interval_us));
}

static void hold(struct world *w, unsigned i, int64_t for_us, bool whole)
{
	struct node *n = &w->nodes[i];
	int64_t until_us = w->now_us + for_us;

	n->stalled_us = until_us > n->stalled_us ? until_us : n->stalled_us;
	if (whole && for_us > RING_US)
		n->deaf_us = n->stalled_us + rng_between(&w->rng, 0, DEAF_US + for_us / DEAF_SHARE);
}

static void on_stall(struct world *w, unsigned i)
{
	bool backup = w->nodes[i].m.state == VRRP_STATE_BACKUP;
	double share = rng_below(&w->rng, 10000) / 10000.0, wait = rng_below(&w->rng, 10000) + 1;
	int64_t last_us = (int64_t)(STALL_LEAST_US *
				    pow((double)STALL_MOST_US / STALL_LEAST_US, share));

	hold(w, i, last_us, backup && w->conf->pauses && rng_percent(&w->rng, 50));
	push(w, (struct event){.kind = STALL,
			       .to = (uint8_t)i,
			       .at_us = w->now_us + last_us +
					(int64_t)(-log(wait / 10001) * STALL_EVERY_US)});
}

static void handle(struct world *w, struct event e)
{
	struct node *n = &w->nodes[e.to];

	if (n->dead || (e.kind == TIMER && e.at_us != n->timer_us))
		return;
	if ((e.kind == BEAT || e.kind == PONG || e.kind == ADVERT) && w->now_us < n->deaf_us)
		return;
	if (e.kind != STALL && e.kind != HOLD && w->now_us < n->stalled_us) {
		e.at_us = n->stalled_us;
		if (e.kind == TIMER)
			n->timer_us = e.at_us;
		push(w, e);
		return;
	}
	switch (e.kind) {
	case STALL:
		on_stall(w, e.to);
		break;
	case HOLD:
		hold(w, e.to, w->conf->holds[e.seq].for_us, w->conf->holds[e.seq].whole);
		break;
	case ADVERT:
		on_advert(w, e.to, &e);
		break;
	case BEAT:
		on_beat(w, e.to, &e);
		break;
	case PONG:
		follow(w, e.to, detect_answer(&n->d, w->now_us, e.seq));
		break;
	case TIMER:
		n->timer_us = USEC_NEVER;
		on_timer(w, e.to);
		break;
	}
}

static void arm(struct world *w, unsigned i)
{
	struct node *n = &w->nodes[i];
	int64_t at_us = deadline_us(n);
	int64_t least_us = w->now_us > n->stalled_us ? w->now_us : n->stalled_us;

	at_us = at_us > least_us ? at_us : least_us;
	if (n->dead || at_us >= n->timer_us)
		return;
	n->timer_us = at_us;
	push(w, (struct event){.kind = TIMER, .to = (uint8_t)i, .at_us = n->timer_us});
}

/* The whole */

static void set_up(struct world *w)
{
	for (unsigned i = 0; i < w->conf->nodes; i++) {
		struct node *n = &w->nodes[i];

		n->conf = (struct vrrp_conf){.name = "VI",
					     .version = 3,
					     .vrid = 51,
					     .priority = (uint8_t)(200 - 50 * i),
					     .down_adverts = 3,
					     .preempt = true,
					     .source = address_of(i),
					     .adver_int_us = w->conf->adver_int_us,
					     .garp_repeat = 1,
					     .garp_lower_repeat = 1};
		vrrp_machine_init(&n->m);
		detect_init(&n->d);
		n->followed = -1;
		n->beat_at_us = n->timer_us = USEC_NEVER;
		step(w, i, (struct vrrp_event){.kind = VRRP_EVENT_START});
		arm(w, i);
		if (w->conf->stalls)
			push(w, (struct event){.kind = STALL,
					       .to = (uint8_t)i,
					       .at_us = rng_below(&w->rng, STALL_EVERY_US)});
	}
}

static void set_holds(struct world *w)
{
	for (uint16_t i = 0; i < w->conf->n_holds; i++)
		push(w, (struct event){.kind = HOLD,
				       .to = (uint8_t)w->conf->holds[i].node,
				       .seq = i,
				       .at_us = w->conf->holds[i].at_us});
}

static int64_t first_fault_us(const struct detect_world_conf *c)
{
	int64_t at_us = c->duration_us;

	if (c->crash_us && c->crash_us < at_us)
		at_us = c->crash_us;
	if (c->cut_between_us && c->cut_between_us < at_us)
		at_us = c->cut_between_us;
	return c->cut_lan_us && c->cut_lan_us < at_us ? c->cut_lan_us : at_us;
}

static void measure(struct world *w)
{
	w->measured = w->result->armed = true;
	for (unsigned i = 1; i < w->conf->nodes; i++)
		w->result->armed &= detect_is_armed(&w->nodes[i].d);
}

void detect_world_run(const struct detect_world_conf *conf, struct detect_world_result *ret)
{
	struct world w = {.conf = conf, .result = ret};
	int64_t fault_us = first_fault_us(conf);

	*ret = (struct detect_world_result){.takeover_us = -1};
	rng_init(&w.rng, conf->seed);
	set_up(&w);
	set_holds(&w);
	while (w.n && w.heap[0].at_us < conf->duration_us) {
		struct event e = pop(&w);

		w.now_us = e.at_us;
		if (!w.measured && w.now_us >= fault_us)
			measure(&w);
		if (conf->crash_us && w.now_us >= conf->crash_us)
			w.nodes[0].dead = true;
		handle(&w, e);
		arm(&w, e.to);
	}
	if (!w.measured)
		measure(&w);
	for (unsigned i = 0; i < conf->nodes; i++)
		ret->actives += !w.nodes[i].dead && w.nodes[i].m.state == VRRP_STATE_ACTIVE;
}
