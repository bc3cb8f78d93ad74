/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What directors say to each other so that a change of the Active breaks no connection: who is Active
 * for what, for one that lacks connections; and the question for those of the last moments, before a
 * preemption, with its answer. The times are drain.h's, the bytes notes.h's.
 */
#include "sync/peering.h"

/* How often is told that a peer serves on; it is true for SYNC_SILENCE_US. */
#define SERVES_US (100 * USEC_PER_MSEC)
/* After a question, for its answer and for what follows from it; and, less often, until a successor,
 * which waits for its Skew_Time, has taken over from this node that stops. */
#define HURRY_US	   (SYNC_DRAIN_TOLD_US + 100 * USEC_PER_MSEC)
#define HURRY_PACE_US	   (5 * USEC_PER_MSEC)
#define HURRY_STOP_US	   (SYNC_DRAIN_TOLD_US + USEC_PER_SEC)
#define HURRY_STOP_PACE_US (10 * USEC_PER_MSEC)

/* Who is Active for what */

void peering_set_active(struct peering *p, uint32_t active)
{
	p->active = active;
	if (peering_runs(p))
		sync_session_set_active(p->session, clock_now_us(), active);
}

/* What it knew has come, but is not in our kernel yet. */
static bool is_being_injected(const struct peering *p)
{
	return p->target && !p->synced;
}

int64_t peering_serving_until(const struct peering *p, uint64_t router)
{
	int64_t until_us = 0;

	for (unsigned i = 0; peering_runs(p) && i < sync_session_peers(p->session); i++) {
		struct sync_peer_state s;

		sync_session_peer(p->session, i, clock_now_us(), &s);
		if (!s.following || (s.synced && !is_being_injected(p)))
			continue;
		if (s.active && !(s.active & sync_active_bit(router)))
			continue;
		if (until_us < s.heard_us + SYNC_SILENCE_US)
			until_us = s.heard_us + SYNC_SILENCE_US;
	}
	return until_us;
}

static void look_at_serving(struct peering *p, int64_t now_us)
{
	bool lacked = p->lacks, told = p->served;

	p->lacks = sync_session_is_behind(p->session) || is_being_injected(p);
	p->served = false;
	if (!p->lacks && !lacked)
		return;
	if (p->lacks && !told && now_us - p->serves_us < SERVES_US)
		return;
	p->serves_us = now_us;
	p->serves();
}

/* A peer's question */

static void hurry(struct peering *p, int64_t now_us, int64_t for_us, int64_t pace_us)
{
	if (!peering_runs(p))
		return;
	p->hurry_until_us = now_us + for_us;
	p->push_timer.repeat = (double)pace_us / USEC_PER_SEC;
	ev_timer_again(p->loop, &p->push_timer);
	sync_push_now(&p->push);
}

void peering_hurry(struct peering *p, int64_t now_us)
{
	hurry(p, now_us, HURRY_STOP_US, HURRY_STOP_PACE_US);
}

void peering_hear_drain(struct peering *p, struct peer_notes *n, const struct notes_drain *drain)
{
	int64_t now_us = clock_now_us();

	if (!sync_roles_has_active(&p->roles))
		return;
	sync_drain_order(&n->drain, now_us, drain->asked_us);
	hurry(p, now_us, HURRY_US, HURRY_PACE_US);
}

static void answer(struct peering *p, const struct peer_notes *n, int64_t asked_us)
{
	const struct notes_drained v = {.node = n->node, .asked_us = asked_us};
	uint8_t value[SYNC_NOTE_MAX];
	struct sync_note note = {.topic = NOTES_DRAINED, .id = n->node, .value = value};

	peering_capture(p);
	note.len = notes_drained_encode(&v, value);
	peering_tell_note(p, &note);
}

static void look_at_orders(struct peering *p, int64_t now_us)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++) {
		struct peer_notes *n = &p->notes[i];
		int64_t asked_us = n->node ? sync_drain_order_due(&n->drain, now_us) : 0;

		if (asked_us)
			answer(p, n, asked_us);
	}
}

/* Ours */

void peering_ask_drain(struct peering *p, int64_t asked_us)
{
	const struct notes_drain v = {.asked_us = asked_us};
	uint8_t value[SYNC_NOTE_MAX];
	struct sync_note note = {.topic = NOTES_DRAIN, .value = value};

	p->asked_us = asked_us;
	p->asked_version = 0;
	note.len = notes_drain_encode(&v, value);
	peering_tell_note(p, &note);
}

void peering_hear_drained(struct peering *p, struct peer_notes *n,
			  const struct notes_drained *drained)
{
	if (drained->node == p->conf.node)
		n->drained_us = drained->asked_us;
}

/* Who is Active for nothing, or is of a version that does not say, has nothing to answer. True: all
 * have. */
static bool is_answered(struct peering *p)
{
	p->asked_peers = 0;
	for (unsigned i = 0; i < sync_session_peers(p->session); i++) {
		const struct peer_notes *n;
		struct sync_peer_state s;

		sync_session_peer(p->session, i, clock_now_us(), &s);
		if (!s.following || !(s.active & ~SYNC_ACTIVE_SAID))
			continue;
		p->asked_peers++;
		n = peering_notes(p, s.node);
		if (!n || n->drained_us != p->asked_us)
			return false;
	}
	return true;
}

static void look_at_answers(struct peering *p)
{
	int64_t asked_us = p->asked_us;

	if (!asked_us)
		return;
	if (!p->asked_version && is_answered(p))
		p->asked_version = p->table.version;
	if (!p->asked_version || sync_inject_version(&p->kernel.inject) < p->asked_version)
		return;
	p->asked_us = 0;
	p->peers_drained(asked_us, p->asked_peers);
}

void peering_look_at_handover(struct peering *p, int64_t now_us)
{
	look_at_serving(p, now_us);
	look_at_orders(p, now_us);
	look_at_answers(p);
}
