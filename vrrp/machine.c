/* SPDX-License-Identifier: Apache-2.0 */
/* The VRRP state machine: see machine.h. Section numbers are RFC 9568's. */
#include "vrrp/machine_private.h"

#include <assert.h>
#include <string.h>

/* Two routers that both think they win must not answer each other at once, without end. */
#define ASSERT_FRACTION 8

/* Advertisements are due at multiples of this part of their interval, see on_grid(). */
#define GRID_FRACTION 8

int64_t vrrp_skew_us(const struct vrrp_conf *conf, int64_t active_int_us)
{
	int64_t unit_us = conf->version == 2 ? USEC_PER_SEC : active_int_us;

	return (256 - conf->priority) * unit_us / 256;
}

/* Of heartbeats: as version 3 has it. */
static int64_t beat_skew_us(const struct vrrp_conf *conf, int64_t interval_us)
{
	return (256 - conf->priority) * interval_us / 256;
}

int64_t vrrp_down_interval_us(const struct vrrp_conf *conf, int64_t active_int_us)
{
	return conf->down_adverts * active_int_us + vrrp_skew_us(conf, active_int_us);
}

/* Skew_Time of the least eager Backup that there can be. */
static int64_t longest_skew_us(const struct vrrp_conf *conf)
{
	return conf->version == 2 ? USEC_PER_SEC : conf->adver_int_us;
}

/* … and of the most eager one. */
static int64_t least_skew_us(const struct vrrp_conf *conf)
{
	return longest_skew_us(conf) * 2 / 256;
}

/* Until a successor has surely taken over, were there one, even if it missed one priority 0. */
static int64_t leave_wait_us(const struct vrrp_conf *conf)
{
	int64_t skew_us = longest_skew_us(conf);
	int64_t wait_us = 2 * skew_us + skew_us / 2 + VRRP_LET_GO_US;

	return wait_us < VRRP_LEAVE_MAX_US ? wait_us : VRRP_LEAVE_MAX_US;
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
	return a_us < b_us ? a_us : b_us;
}

static bool preempts(const struct vrrp_conf *conf)
{
	return conf->preempt ||
	       conf->priority == VRRP_PRIORITY_OWNER; /* §6.1: the owner always does */
}

/* Actions */

struct vrrp_action *vrrp_act(struct vrrp_actions *ret, enum vrrp_action_kind kind)
{
	struct vrrp_action *a = &ret->list[ret->n++];

	assert(ret->n <= VRRP_ACTIONS_MAX);
	memset(a, 0, sizeof(*a));
	a->kind = kind;
	return a;
}

static void send_advert(struct vrrp_machine *m, uint8_t priority, int64_t now_us,
			struct vrrp_actions *ret)
{
	vrrp_act(ret, VRRP_ACTION_SEND)->priority = priority;
	m->sent_us = now_us;
}

static int64_t pace_us(const struct vrrp_conf *conf, const struct vrrp_machine *m, int64_t now_us)
{
	return now_us < m->pace_until_us ? earlier(m->pace_us, conf->adver_int_us)
					 : conf->adver_int_us;
}

/*
 * Not later than this, but a little before it: on a grid, so that the advertisements of many
 * virtual routers leave together.
 */
static int64_t on_grid(int64_t at_us, int64_t interval_us)
{
	return at_us - at_us % (interval_us / GRID_FRACTION);
}

static void send_own_advert(const struct vrrp_conf *conf, struct vrrp_machine *m, int64_t now_us,
			    struct vrrp_actions *ret)
{
	int64_t interval_us = pace_us(conf, m, now_us);

	send_advert(m, conf->priority, now_us, ret);
	m->advert_at_us = on_grid(now_us + interval_us, interval_us);
}

static void hold(struct vrrp_machine *m, struct vrrp_actions *ret)
{
	vrrp_act(ret, VRRP_ACTION_ADD);
	m->holding = true;
	m->succeeded = false;
	m->unanswered = false;
	m->release_at_us = USEC_NEVER;
}

static void let_go(struct vrrp_machine *m, struct vrrp_actions *ret)
{
	vrrp_act(ret, VRRP_ACTION_REMOVE);
	m->holding = false;
	m->succeeded = false;
	m->unanswered = false;
	m->release_at_us = USEC_NEVER;
	m->advert_at_us = USEC_NEVER;
}

static void set_down_timer(struct vrrp_machine *m, int64_t now_us, int64_t interval_us)
{
	m->down_set_us = now_us;
	m->down_at_us = now_us + interval_us;
	m->lost_at_us = USEC_NEVER;
	m->peer_left = m->peer_gave_up = false;
	m->rival = m->late = false;
	m->drained = false;
	m->drain_until_us = USEC_NEVER;
	m->ready = false;
}

/* Changes of state */

static bool is_running(const struct vrrp_machine *m)
{
	return m->state != VRRP_STATE_INITIALIZE && m->state != VRRP_STATE_STOP;
}

/* The only writer of m->state. */
static void change_state(const struct vrrp_conf *conf, struct vrrp_machine *m,
			 enum vrrp_state_id state, const struct vrrp_event *event,
			 enum vrrp_reason reason, struct vrrp_actions *ret)
{
	struct vrrp_change *change = &vrrp_act(ret, VRRP_ACTION_REPORT)->change;

	change->from = m->state;
	change->to = state;
	change->reason = reason;
	change->peer = m->peer;
	change->peer_priority = m->peer_priority;
	change->priority = conf->priority;
	change->silence_us =
		event->now_us - (m->heard_us == USEC_NEVER ? m->down_set_us : m->heard_us);
	if (reason == VRRP_REASON_PEER_LOST)
		change->silence_us = event->now_us - m->silent_us;
	change->undrained = m->drain_until_us != USEC_NEVER && !m->drained;
	change->why = event->why;
	m->state = state;
	m->since_us = event->now_us;
	if (state != VRRP_STATE_BACKUP) {
		m->down_at_us = m->lost_at_us = USEC_NEVER;
		m->ready = false;
	}
	if (state != VRRP_STATE_ACTIVE) {
		m->advert_at_us = USEC_NEVER;
		m->announce_at_us = USEC_NEVER;
	}
}

static void become_active(const struct vrrp_conf *conf, struct vrrp_machine *m,
			  const struct vrrp_event *event, enum vrrp_reason reason,
			  struct vrrp_actions *ret)
{
	/* Nobody serves: tell the other Backups first (§6.4.2). Somebody does: make before break.
	 */
	bool first = reason != VRRP_REASON_PREEMPT && reason != VRRP_REASON_PEER_LEFT &&
		     reason != VRRP_REASON_PEER_GAVE_UP;

	if (first)
		send_own_advert(conf, m, event->now_us, ret);
	hold(m, ret);
	vrrp_announce(conf, m, event->now_us, false, ret);
	if (!first)
		send_own_advert(conf, m, event->now_us, ret);
	m->active_int_us = conf->adver_int_us;
	m->preempt_at_us = m->sync_until_us = USEC_NEVER;
	m->serving_until_us = 0;
	change_state(conf, m, VRRP_STATE_ACTIVE, event, reason, ret);
}

static void become_backup(const struct vrrp_conf *conf, struct vrrp_machine *m,
			  const struct vrrp_event *event, enum vrrp_reason reason,
			  struct vrrp_actions *ret)
{
	set_down_timer(m, event->now_us, vrrp_down_interval_us(conf, m->active_int_us));
	change_state(conf, m, VRRP_STATE_BACKUP, event, reason, ret);
}

/* Active as soon as the sync group can be. */
static void wait_for_group(struct vrrp_machine *m)
{
	m->ready = true;
	m->down_at_us = m->lost_at_us = USEC_NEVER;
}

/* §6.4.1: the Startup event. */
static void start_up(const struct vrrp_conf *conf, struct vrrp_machine *m,
		     const struct vrrp_event *event, enum vrrp_reason reason,
		     struct vrrp_actions *ret)
{
	m->active_int_us = conf->adver_int_us;
	m->heard_us = USEC_NEVER;
	m->peer = (struct addr){0};
	m->preempt_at_us = m->sync_until_us = USEC_NEVER;
	if (conf->priority == VRRP_PRIORITY_OWNER && !conf->grouped) {
		become_active(conf, m, event,
			      reason == VRRP_REASON_STARTED ? VRRP_REASON_OWNER : reason, ret);
		return;
	}
	become_backup(conf, m, event, reason, ret);
	if (conf->sync_wait_us && m->serving_until_us < event->now_us + VRRP_MEET_US)
		m->serving_until_us = event->now_us + VRRP_MEET_US;
	if (conf->priority == VRRP_PRIORITY_OWNER)
		wait_for_group(m);
	/* No successor was heard while we were leaving: keep the addresses until one is. */
	if (m->holding && !m->succeeded)
		m->release_at_us = USEC_NEVER;
}

/*
 * Active no more, on purpose: say so, and hold the addresses for the successor to take. If none is
 * heard in its time, say so once more (step_leaving): the first may have been lost.
 */
static void leave(const struct vrrp_conf *conf, struct vrrp_machine *m, enum vrrp_state_id state,
		  const struct vrrp_event *event, enum vrrp_reason reason, struct vrrp_actions *ret)
{
	send_advert(m, 0, event->now_us, ret);
	change_state(conf, m, state, event, reason, ret);
	m->advert_at_us = event->now_us + longest_skew_us(conf) + VRRP_LET_GO_US / 2;
	m->release_at_us = event->now_us + leave_wait_us(conf);
}

static void shut_down(const struct vrrp_conf *conf, struct vrrp_machine *m,
		      const struct vrrp_event *event, struct vrrp_actions *ret)
{
	if (m->state == VRRP_STATE_ACTIVE) {
		leave(conf, m, VRRP_STATE_STOP, event, VRRP_REASON_STOPPED, ret);
		return;
	}
	if (m->holding && m->release_at_us == USEC_NEVER)
		let_go(m, ret);
	change_state(conf, m, VRRP_STATE_STOP, event, VRRP_REASON_STOPPED, ret);
}

static void fail(const struct vrrp_conf *conf, struct vrrp_machine *m,
		 const struct vrrp_event *event, struct vrrp_actions *ret)
{
	if (m->state == VRRP_STATE_ACTIVE && event->can_send) {
		leave(conf, m, VRRP_STATE_FAULT, event, VRRP_REASON_FAULT, ret);
		return;
	}
	if (m->holding && (!event->can_send || m->release_at_us == USEC_NEVER))
		let_go(m, ret);
	change_state(conf, m, VRRP_STATE_FAULT, event, VRRP_REASON_FAULT, ret);
}

/* Another Active is there: what is still held here is let go, shortly. */
static void successor_heard(struct vrrp_machine *m, const struct vrrp_event *event)
{
	if (!m->holding || m->succeeded || event->priority == 0)
		return;
	m->succeeded = true;
	m->release_at_us = event->now_us + VRRP_LET_GO_US;
	m->advert_at_us = USEC_NEVER;
}

static void step_leaving(struct vrrp_machine *m, const struct vrrp_event *event,
			 struct vrrp_actions *ret)
{
	if (event->now_us < m->advert_at_us)
		return;
	send_advert(m, 0, event->now_us, ret);
	m->advert_at_us = USEC_NEVER;
}

static void note_peer(struct vrrp_machine *m, const struct vrrp_event *event)
{
	m->peer = event->src;
	m->heard_us = event->now_us;
	m->lost_at_us = USEC_NEVER;
	m->peer_int_us = event->adver_int_us;
	if (event->priority != 0)
		m->peer_priority = event->priority;
}

/*
 * Two Actives are heard, as after a partition: the worse one is about to yield. Its advertisement
 * must not set the timer by an interval that the better one does not keep. A successor of the
 * better one, in turn, is heard only when that has been silent for nearly its whole time.
 */
static bool is_outdone(const struct vrrp_conf *conf, const struct vrrp_machine *m,
		       const struct vrrp_event *event)
{
	if (m->heard_us == USEC_NEVER || m->peer_left || event->priority == 0 ||
	    event->now_us - m->heard_us > conf->down_adverts * m->peer_int_us / 2)
		return false;
	if (event->priority != m->peer_priority)
		return event->priority < m->peer_priority && !addr_equal(&event->src, &m->peer);
	return addr_compare(&event->src, &m->peer) < 0;
}

/* Both waits begin with the first advertisement of a lower Active. */
static bool waits_for_sync(const struct vrrp_conf *conf, struct vrrp_machine *m, int64_t now_us)
{
	if (!conf->sync_wait_us)
		return false;
	if (m->sync_until_us == USEC_NEVER)
		m->sync_until_us = now_us + conf->sync_wait_us;
	return now_us < m->sync_until_us;
}

static bool waits_for_delay(const struct vrrp_conf *conf, struct vrrp_machine *m, int64_t now_us)
{
	if (!conf->preempt_delay_us)
		return false;
	if (m->preempt_at_us == USEC_NEVER)
		m->preempt_at_us = now_us + conf->preempt_delay_us;
	return now_us < m->preempt_at_us;
}

/* §6.4.2, the case of a lower priority with Preempt_Mode: true while it must still be obeyed. */
static bool preempt_is_delayed(const struct vrrp_conf *conf, struct vrrp_machine *m, int64_t now_us)
{
	bool delay, sync;

	if (conf->priority == VRRP_PRIORITY_OWNER)
		return false;
	delay = waits_for_delay(conf, m, now_us);
	sync = waits_for_sync(conf, m, now_us);
	return delay || sync;
}

static void accept_active(const struct vrrp_conf *conf, struct vrrp_machine *m,
			  const struct vrrp_event *event)
{
	m->active_int_us = event->adver_int_us;
	set_down_timer(m, event->now_us, vrrp_down_interval_us(conf, m->active_int_us));
}

/*
 * The better Active answers a worse one before its next advertisement is due. If it has not, ours
 * may have been lost, and it does not know that there are clients to be brought back.
 */
static void note_answer(struct vrrp_machine *m, const struct vrrp_event *event)
{
	bool answer = event->now_us - m->since_us < 3 * m->peer_int_us / 4;

	if (addr_equal(&event->src, &m->peer) && (answer || event->priority == 0))
		m->unanswered = false;
}

static void backup_advert(const struct vrrp_conf *conf, struct vrrp_machine *m,
			  const struct vrrp_event *event)
{
	note_answer(m, event);
	successor_heard(m, event);
	if (is_outdone(conf, m, event))
		return;
	note_peer(m, event);
	if (event->priority == 0) {
		int64_t at_us = event->now_us + vrrp_skew_us(conf, m->active_int_us);

		m->down_at_us = m->peer_gave_up ? earlier(m->down_at_us, at_us) : at_us;
		m->peer_left = true;
	} else if (event->priority >= conf->priority) {
		m->preempt_at_us = m->sync_until_us = USEC_NEVER;
		accept_active(conf, m, event);
	} else if (!preempts(conf) || preempt_is_delayed(conf, m, event->now_us)) {
		accept_active(conf, m, event);
	} else {
		m->rival = true;
	}
}

/* The router that is followed as the Active. Not while the sync group is waited for. */
static bool is_of_active(const struct vrrp_machine *m, const struct vrrp_event *event)
{
	return m->heard_us != USEC_NEVER && !m->ready && addr_equal(&event->src, &m->peer);
}

/*
 * The Active is dead, says the detector (detect.h), which was armed by its heartbeats. VRRP must
 * agree: no advertisement has come since its last sign of life. The Active_Down_Timer runs on.
 */
static void backup_peer_lost(const struct vrrp_conf *conf, struct vrrp_machine *m,
			     const struct vrrp_event *event)
{
	if (!is_of_active(m, event) || m->heard_us > event->silent_us)
		return;
	m->silent_us = event->silent_us;
	m->lost_at_us = event->now_us + beat_skew_us(conf, event->adver_int_us);
}

/* As a priority 0 that could not be sent: its interface is down. */
static void backup_peer_gave_up(const struct vrrp_conf *conf, struct vrrp_machine *m,
				const struct vrrp_event *event)
{
	if (!is_of_active(m, event))
		return;
	m->down_at_us = earlier(m->down_at_us,
				event->now_us + beat_skew_us(conf, event->adver_int_us));
	m->peer_gave_up = true;
}

static enum vrrp_reason reason_to_succeed(const struct vrrp_conf *conf,
					  const struct vrrp_machine *m, int64_t now_us)
{
	if (now_us >= m->lost_at_us)
		return VRRP_REASON_PEER_LOST;
	if (m->peer_gave_up)
		return VRRP_REASON_PEER_GAVE_UP;
	if (m->peer_left)
		return VRRP_REASON_PEER_LEFT;
	if (m->rival)
		return VRRP_REASON_PREEMPT;
	if (conf->grouped && conf->priority == VRRP_PRIORITY_OWNER)
		return VRRP_REASON_OWNER;
	return VRRP_REASON_SILENCE;
}

static void backup_down(const struct vrrp_conf *conf, struct vrrp_machine *m,
			const struct vrrp_event *event, struct vrrp_actions *ret)
{
	become_active(conf, m, event, reason_to_succeed(conf, m, event->now_us), ret);
}

/*
 * Not by RFC 9568: the timer has fired, and the Active lives. It has connections that this router
 * would break, so its advertisements count as late.
 */
static bool waits_for_late(const struct vrrp_conf *conf, struct vrrp_machine *m, int64_t now_us)
{
	if (now_us >= m->serving_until_us || !waits_for_sync(conf, m, now_us))
		return false;
	m->late = true;
	m->down_at_us = earlier(m->serving_until_us, m->sync_until_us);
	return true;
}

/* The Active, if it still lives, goes on until this router is: nothing is lost by asking first. */
static bool waits_for_drain(const struct vrrp_conf *conf, struct vrrp_machine *m, int64_t now_us,
			    struct vrrp_actions *ret)
{
	if (!conf->drain_us || m->drained)
		return false;
	if (m->drain_until_us == USEC_NEVER) {
		if (now_us - m->heard_us > 2 * m->peer_int_us)
			return false;
		m->drain_until_us = now_us + conf->drain_us;
		vrrp_act(ret, VRRP_ACTION_DRAIN);
	}
	m->down_at_us = m->drain_until_us;
	return now_us < m->drain_until_us;
}

/* The Active_Down_Timer has fired: is there something else to wait for? */
static bool is_put_off(const struct vrrp_conf *conf, struct vrrp_machine *m, int64_t now_us,
		       struct vrrp_actions *ret)
{
	enum vrrp_reason reason = reason_to_succeed(conf, m, now_us);

	if (conf->priority == VRRP_PRIORITY_OWNER)
		return false;
	if (reason == VRRP_REASON_SILENCE)
		return waits_for_late(conf, m, now_us);
	return reason == VRRP_REASON_PREEMPT && waits_for_drain(conf, m, now_us, ret);
}

static void backup_succeed(const struct vrrp_conf *conf, struct vrrp_machine *m,
			   const struct vrrp_event *event, struct vrrp_actions *ret)
{
	if (is_put_off(conf, m, event->now_us, ret))
		return;
	if (conf->grouped)
		wait_for_group(m);
	else
		backup_down(conf, m, event, ret);
}

/* When that ends, those who waited for it go in their order. */
static void backup_peer_serves(const struct vrrp_conf *conf, struct vrrp_machine *m,
			       const struct vrrp_event *event)
{
	m->serving_until_us = event->until_us;
	if (!m->late)
		return;
	if (event->until_us > event->now_us)
		m->down_at_us = earlier(event->until_us, m->sync_until_us);
	else
		m->down_at_us = event->now_us + vrrp_skew_us(conf, m->active_int_us);
}

static void backup_drained(const struct vrrp_conf *conf, struct vrrp_machine *m,
			   const struct vrrp_event *event, struct vrrp_actions *ret)
{
	if (m->drain_until_us == USEC_NEVER || m->drained || m->ready)
		return;
	m->drained = true;
	if (reason_to_succeed(conf, m, event->now_us) == VRRP_REASON_PREEMPT)
		backup_succeed(conf, m, event, ret);
}

static void backup_group_active(const struct vrrp_conf *conf, struct vrrp_machine *m,
				const struct vrrp_event *event, struct vrrp_actions *ret)
{
	if (m->ready)
		backup_down(conf, m, event, ret);
	else
		become_active(conf, m, event, VRRP_REASON_GROUP, ret);
}

/* §6.4.3: whether another Active's advertisement beats us. */
static bool is_beaten(const struct vrrp_conf *conf, const struct vrrp_event *event)
{
	if (event->priority != conf->priority)
		return event->priority > conf->priority;
	return addr_compare(&event->src, &conf->source) > 0;
}

/*
 * A worse Active, or one that leaves: tell it and the bridges at once that we are here, and bring
 * the clients back that a worse one drew away.
 */
static void active_assert(const struct vrrp_conf *conf, struct vrrp_machine *m,
			  const struct vrrp_event *event, struct vrrp_actions *ret)
{
	bool worse = event->priority != 0;
	/* Backups that heard a priority 0 wait for us no longer than Skew_Time. */
	int64_t apart_us = worse ? conf->adver_int_us / ASSERT_FRACTION : least_skew_us(conf) / 2;
	int64_t again_us = m->sent_us + apart_us;

	if (!worse || !conf->lower_no_advert) {
		if (event->now_us >= again_us)
			send_own_advert(conf, m, event->now_us, ret);
		else
			m->advert_at_us = earlier(m->advert_at_us, again_us);
	}
	if (!worse || !conf->garp_lower_repeat)
		return;
	if (m->announce_step < VRRP_ANNOUNCE_EARLY)
		m->contested = true;
	else
		vrrp_announce(conf, m, event->now_us, true, ret);
}

static void active_advert(const struct vrrp_conf *conf, struct vrrp_machine *m,
			  const struct vrrp_event *event, struct vrrp_actions *ret)
{
	enum vrrp_reason reason =
		event->priority == conf->priority ? VRRP_REASON_HIGHER_ADDRESS : VRRP_REASON_HIGHER;

	if (event->priority == 0 || !is_beaten(conf, event)) {
		active_assert(conf, m, event, ret);
		return;
	}
	/*
	 * The better Active may not have heard us: after a partition the clients on our side would
	 * go on sending here. Hearing of a worse Active makes it announce itself anew. What it does
	 * not answer is said once more, at the moment of letting go.
	 */
	m->unanswered = !conf->strict;
	if (m->unanswered)
		send_own_advert(conf, m, event->now_us, ret);
	note_peer(m, event);
	m->active_int_us = event->adver_int_us;
	successor_heard(m, event);
	become_backup(conf, m, event, reason, ret);
}

/*
 * A sister has yielded, so this one leaves. Its own successor is about to speak: the addresses are
 * held for it, but no longer than by a router that stops.
 */
static void active_group_backup(const struct vrrp_conf *conf, struct vrrp_machine *m,
				const struct vrrp_event *event, struct vrrp_actions *ret)
{
	send_advert(m, 0, event->now_us, ret);
	become_backup(conf, m, event, VRRP_REASON_GROUP, ret);
	m->release_at_us = event->now_us + leave_wait_us(conf);
}

/* Backups that heard nothing for so long have elected another Active, as far as there are any. */
static bool is_overtaken(const struct vrrp_conf *conf, const struct vrrp_machine *m, int64_t now_us)
{
	struct vrrp_conf rival = *conf;

	rival.priority = conf->rival_priority;
	return rival.priority &&
	       now_us - m->sent_us > vrrp_down_interval_us(&rival, conf->adver_int_us);
}

/* The Adver_Timer keeps its pace unless it is late by more than a whole interval. */
static void active_advertise(const struct vrrp_conf *conf, struct vrrp_machine *m, int64_t now_us,
			     struct vrrp_actions *ret)
{
	int64_t interval_us = pace_us(conf, m, now_us);
	int64_t next_us = on_grid(m->advert_at_us + interval_us, interval_us);

	send_own_advert(conf, m, now_us, ret);
	if (next_us > now_us)
		m->advert_at_us = next_us;
}

/* The configuration changed under a running state */

static void active_conf(const struct vrrp_conf *conf, struct vrrp_machine *m,
			const struct vrrp_event *event, struct vrrp_actions *ret)
{
	const struct vrrp_conf *was = event->conf_was;
	bool addresses = was->addresses_gen != conf->addresses_gen;

	if (addresses) {
		hold(m, ret);
		vrrp_announce(conf, m, event->now_us, false, ret);
	}
	/* Peers wait by the old interval until they have heard the new one; one may be lost. */
	if (conf->adver_int_us > was->adver_int_us) {
		m->pace_us = was->adver_int_us;
		m->pace_until_us = event->now_us + was->down_adverts * was->adver_int_us;
	}
	if (addresses || was->priority != conf->priority || was->adver_int_us != conf->adver_int_us)
		send_own_advert(conf, m, event->now_us, ret);
	m->active_int_us = conf->adver_int_us;
	if (m->announce_step > VRRP_ANNOUNCE_EARLY)
		vrrp_announce_set_timer(conf, m);
}

static void backup_conf(const struct vrrp_conf *conf, struct vrrp_machine *m,
			const struct vrrp_event *event)
{
	bool interval = event->conf_was->adver_int_us != conf->adver_int_us;
	bool learned = conf->version == 3 && m->heard_us != USEC_NEVER;

	if (interval && !learned) {
		m->active_int_us = conf->adver_int_us;
		set_down_timer(m, event->now_us, vrrp_down_interval_us(conf, m->active_int_us));
	}
	if (m->ready && !conf->grouped)
		m->down_at_us = event->now_us; /* nobody to wait for any more */
	/* About to preempt an Active that is no longer the worse one: obey it again. */
	if (m->rival && (!preempts(conf) || m->peer_priority >= conf->priority))
		set_down_timer(m, event->now_us, vrrp_down_interval_us(conf, m->active_int_us));
}

/*
 * A new process goes on where the last one stopped. Active: the peers must not miss it, and the
 * addresses are as they were. Backup: what was sent meanwhile is lost, so the timer starts anew.
 */
static void resume(const struct vrrp_conf *conf, struct vrrp_machine *m,
		   const struct vrrp_event *event, struct vrrp_actions *ret)
{
	int64_t since_us = m->since_us;

	if (m->state == VRRP_STATE_ACTIVE) {
		send_own_advert(conf, m, event->now_us, ret);
		hold(m, ret);
		/* Others may have had the addresses, and may have told the clients. */
		vrrp_announce(conf, m, event->now_us, false, ret);
	} else if (m->state == VRRP_STATE_BACKUP) {
		set_down_timer(m, event->now_us, vrrp_down_interval_us(conf, m->active_int_us));
	}
	if (event->addresses_found && !m->holding) {
		/* The last process died between taking them and telling so: to us, maybe not to the
		 * clients. */
		m->holding = true;
		m->unanswered = m->state == VRRP_STATE_BACKUP && !conf->strict;
		if (m->state != VRRP_STATE_BACKUP)
			m->release_at_us = event->now_us + leave_wait_us(conf);
	}
	if (is_running(m))
		change_state(conf, m, m->state, event, VRRP_REASON_RESUMED, ret);
	m->since_us = since_us;
}

/* One screen a state */

/* Before Startup, and after Shutdown: the addresses may still be waiting for their successor. */
static void step_initialize(const struct vrrp_conf *conf, struct vrrp_machine *m,
			    const struct vrrp_event *event, struct vrrp_actions *ret)
{
	switch (event->kind) {
	case VRRP_EVENT_START:
		m->holding |= event->addresses_found;
		if (event->faulty)
			fail(conf, m, event, ret);
		else
			start_up(conf, m, event, VRRP_REASON_STARTED, ret);
		break;
	case VRRP_EVENT_ADVERT:
		successor_heard(m, event);
		break;
	case VRRP_EVENT_RESUME:
		resume(conf, m, event, ret);
		break;
	case VRRP_EVENT_TIMER:
		step_leaving(m, event, ret);
		break;
	case VRRP_EVENT_STOP:
	case VRRP_EVENT_FAULT:
	case VRRP_EVENT_FAULT_OVER:
	case VRRP_EVENT_GROUP_ACTIVE:
	case VRRP_EVENT_GROUP_BACKUP:
	case VRRP_EVENT_CONF:
	case VRRP_EVENT_PEER_LOST:
	case VRRP_EVENT_PEER_ALIVE:
	case VRRP_EVENT_PEER_GAVE_UP:
	case VRRP_EVENT_DRAINED:
		break;
	case VRRP_EVENT_PEER_SERVES:
		m->serving_until_us = event->until_us;
		break;
	}
}

static void step_fault(const struct vrrp_conf *conf, struct vrrp_machine *m,
		       const struct vrrp_event *event, struct vrrp_actions *ret)
{
	switch (event->kind) {
	case VRRP_EVENT_FAULT_OVER:
		start_up(conf, m, event, VRRP_REASON_FAULT_OVER, ret);
		break;
	case VRRP_EVENT_STOP:
		shut_down(conf, m, event, ret);
		break;
	case VRRP_EVENT_FAULT:
		if (m->holding && !event->can_send)
			let_go(m, ret);
		break;
	case VRRP_EVENT_ADVERT:
		successor_heard(m, event);
		break;
	case VRRP_EVENT_RESUME:
		resume(conf, m, event, ret);
		break;
	case VRRP_EVENT_TIMER:
		step_leaving(m, event, ret);
		break;
	case VRRP_EVENT_START:
	case VRRP_EVENT_GROUP_ACTIVE:
	case VRRP_EVENT_GROUP_BACKUP:
	case VRRP_EVENT_CONF:
	case VRRP_EVENT_PEER_LOST:
	case VRRP_EVENT_PEER_ALIVE:
	case VRRP_EVENT_PEER_GAVE_UP:
	case VRRP_EVENT_DRAINED:
		break;
	case VRRP_EVENT_PEER_SERVES:
		m->serving_until_us = event->until_us;
		break;
	}
}

static void step_backup(const struct vrrp_conf *conf, struct vrrp_machine *m,
			const struct vrrp_event *event, struct vrrp_actions *ret)
{
	switch (event->kind) {
	case VRRP_EVENT_STOP:
		shut_down(conf, m, event, ret);
		break;
	case VRRP_EVENT_FAULT:
		fail(conf, m, event, ret);
		break;
	case VRRP_EVENT_ADVERT:
		backup_advert(conf, m, event);
		break;
	case VRRP_EVENT_TIMER:
		if (event->now_us >= m->down_at_us || event->now_us >= m->lost_at_us)
			backup_succeed(conf, m, event, ret);
		break;
	case VRRP_EVENT_GROUP_ACTIVE:
		backup_group_active(conf, m, event, ret);
		break;
	case VRRP_EVENT_CONF:
		backup_conf(conf, m, event);
		break;
	case VRRP_EVENT_RESUME:
		resume(conf, m, event, ret);
		break;
	case VRRP_EVENT_PEER_LOST:
		backup_peer_lost(conf, m, event);
		break;
	case VRRP_EVENT_PEER_ALIVE:
		if (addr_equal(&event->src, &m->peer))
			m->lost_at_us = USEC_NEVER;
		break;
	case VRRP_EVENT_PEER_GAVE_UP:
		backup_peer_gave_up(conf, m, event);
		break;
	case VRRP_EVENT_PEER_SERVES:
		backup_peer_serves(conf, m, event);
		break;
	case VRRP_EVENT_DRAINED:
		backup_drained(conf, m, event, ret);
		break;
	case VRRP_EVENT_START:
	case VRRP_EVENT_GROUP_BACKUP:
	case VRRP_EVENT_FAULT_OVER:
		break;
	}
}

static void step_active(const struct vrrp_conf *conf, struct vrrp_machine *m,
			const struct vrrp_event *event, struct vrrp_actions *ret)
{
	switch (event->kind) {
	case VRRP_EVENT_STOP:
		shut_down(conf, m, event, ret);
		break;
	case VRRP_EVENT_FAULT:
		fail(conf, m, event, ret);
		break;
	case VRRP_EVENT_ADVERT:
		active_advert(conf, m, event, ret);
		break;
	case VRRP_EVENT_TIMER:
		/* What is held stays until the other is heard: there may be none. */
		if (is_overtaken(conf, m, event->now_us)) {
			become_backup(conf, m, event, VRRP_REASON_HELD_UP, ret);
			break;
		}
		if (event->now_us >= m->advert_at_us)
			active_advertise(conf, m, event->now_us, ret);
		if (event->now_us >= m->announce_at_us)
			vrrp_announce_again(conf, m, event->now_us, ret);
		break;
	case VRRP_EVENT_CONF:
		active_conf(conf, m, event, ret);
		break;
	case VRRP_EVENT_RESUME:
		resume(conf, m, event, ret);
		break;
	case VRRP_EVENT_GROUP_BACKUP:
		active_group_backup(conf, m, event, ret);
		break;
	case VRRP_EVENT_GROUP_ACTIVE:
	case VRRP_EVENT_START:
	case VRRP_EVENT_FAULT_OVER:
	case VRRP_EVENT_PEER_LOST:
	case VRRP_EVENT_PEER_ALIVE:
	case VRRP_EVENT_PEER_GAVE_UP:
	case VRRP_EVENT_DRAINED:
		break;
	case VRRP_EVENT_PEER_SERVES:
		m->serving_until_us = event->until_us;
		break;
	}
}

/* Else it would take what we say for a reason to yield. */
static bool is_worse_than_peer(const struct vrrp_conf *conf, const struct vrrp_machine *m)
{
	if (m->peer_priority != conf->priority)
		return m->peer_priority > conf->priority;
	return addr_compare(&m->peer, &conf->source) > 0;
}

void vrrp_machine_init(struct vrrp_machine *m)
{
	*m = (struct vrrp_machine){
		.state = VRRP_STATE_INITIALIZE,
		.heard_us = USEC_NEVER,
		.advert_at_us = USEC_NEVER,
		.down_at_us = USEC_NEVER,
		.lost_at_us = USEC_NEVER,
		.release_at_us = USEC_NEVER,
		.preempt_at_us = USEC_NEVER,
		.sync_until_us = USEC_NEVER,
		.drain_until_us = USEC_NEVER,
		.announce_at_us = USEC_NEVER,
	};
}

void vrrp_machine_step(const struct vrrp_conf *conf, struct vrrp_machine *m,
		       const struct vrrp_event *event, struct vrrp_actions *ret)
{
	switch (m->state) {
	case VRRP_STATE_INITIALIZE:
	case VRRP_STATE_STOP:
		step_initialize(conf, m, event, ret);
		break;
	case VRRP_STATE_FAULT:
		step_fault(conf, m, event, ret);
		break;
	case VRRP_STATE_BACKUP:
		step_backup(conf, m, event, ret);
		break;
	case VRRP_STATE_ACTIVE:
		step_active(conf, m, event, ret);
		break;
	}
	/* Last, so that a Backup that takes over at this moment never drops what it holds. */
	if (event->kind == VRRP_EVENT_TIMER && event->now_us >= m->release_at_us) {
		if (m->state == VRRP_STATE_BACKUP && m->unanswered && is_worse_than_peer(conf, m))
			send_advert(m, conf->priority, event->now_us, ret);
		let_go(m, ret);
	}
}

int64_t vrrp_machine_deadline(const struct vrrp_machine *m)
{
	return earlier(earlier(m->advert_at_us, earlier(m->down_at_us, m->lost_at_us)),
		       earlier(m->release_at_us, m->announce_at_us));
}

bool vrrp_machine_is_done(const struct vrrp_machine *m)
{
	return !is_running(m) && !m->holding;
}
