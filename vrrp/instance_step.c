/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driving an instance's machine: events in, actions performed, its timer armed, its changes
 * reported. Knows neither what a packet looks like nor where an event comes from.
 */
#include "vrrp/instance_private.h"

#include "vrrp/config.h"
#include "vrrp/handed.h"
#include "vrrp/vips.h"

#include <stddef.h>

/*
 * While thousands of addresses are added the peers must not think that we are gone. But an Active
 * that we take over from must not hear of us before all of them are here.
 */
static void breathe(void *ctx)
{
	struct instance *in = ctx;
	bool announced = in->sent_us >= in->m.since_us;

	if (in->m.state != VRRP_STATE_ACTIVE || !announced ||
	    clock_now_us() - in->sent_us < in->conf.adver_int_us)
		return;
	instance_send_advert(in, in->conf.priority);
	outbox_flush(&in->shell->ports.outbox);
}

void instance_add_addresses(struct instance *in)
{
	instance_set_awake(in, true);
	if (again_note(&in->again, vips_add(&in->shell->netifs, in->config, breathe, in)))
		log_notice("%s: has all of its addresses now", in->config->name);
}

/* As one of its addresses, or as that of an interface that was made for it. */
static bool takes_over(const struct vrrp_instance *now, const struct vrrp_instance *was,
		       const struct vip *vip)
{
	const char *ifname = vrrp_config_vip_ifname(was, vip);

	return vrrp_config_keeps(now, was, vip) ||
	       (!vrrp_config_has_address(now, &vip->address) &&
		vrrp_config_puts(now, &vip->address, ifname));
}

/* A reload has moved it there: it has been taken over where it is. With other options it goes, and
 * is added anew by instance_mend(). */
static bool another_has(const void *ctx, const struct vrrp_instance *c, const struct vip *vip)
{
	const struct instance *in = ctx;

	for (const struct instance *i = *in->shell->instances; i; i = i->next)
		if (i != in && i->m.holding && !i->leaving && takes_over(i->config, c, vip))
			return true;
	return static_addresses_keep(&in->shell->statics, c, vip);
}

void instance_remove_addresses(struct instance *in, const struct vrrp_instance *config,
			       const struct vrrp_instance *kept)
{
	bool reloaded = kept || in->leaving;

	again_stop(&in->again);
	vips_remove(&in->shell->netifs, config, kept, reloaded ? another_has : NULL, in);
}

static void note_change(struct instance *in, const struct vrrp_change *change)
{
	char text[512];

	vrrp_change_reason(change, in->reason.s, sizeof(in->reason.s));
	log_notice("%s", vrrp_change_format(in->config->name, change, text, sizeof(text)));
	if (change->from == change->to)
		return;
	in->counters.became_active += change->to == VRRP_STATE_ACTIVE;
	in->gave_up_us = 0;
	if (change->from == VRRP_STATE_ACTIVE) {
		if (change->to != VRRP_STATE_BACKUP)
			in->gave_up_us = in->m.since_us;
		in->counters.released_active++;
		vips_hush(&in->shell->netifs, &in->shell->announcer, in->config);
	}
}

/* Once for each time that the Active is late. */
static void tell_late(const struct instance *in)
{
	char text[ADDR_TEXT_MAX];
	bool known = addr_is_set(&in->m.peer);

	log_notice("%s: no advertisement%s%s in time: waiting for connections that the Active may have",
		   in->config->name, known ? " from " : "",
		   known ? addr_format(&in->m.peer, text) : "");
}

static void perform(struct instance *in, const struct vrrp_action *a)
{
	struct vrrp_shell *shell = in->shell;

	/* What was said before must be out before what it announces is done. */
	if (a->kind != VRRP_ACTION_SEND && a->kind != VRRP_ACTION_REPORT)
		outbox_flush(&shell->ports.outbox);
	switch (a->kind) {
	case VRRP_ACTION_SEND:
		instance_send_advert(in, a->priority);
		break;
	case VRRP_ACTION_ADD:
		instance_add_addresses(in);
		break;
	case VRRP_ACTION_REMOVE:
		instance_remove_addresses(in, in->config, NULL);
		break;
	case VRRP_ACTION_ANNOUNCE:
		in->counters.garp_sent +=
			vips_announce(&shell->netifs, &shell->announcer, in->config, a->count);
		break;
	case VRRP_ACTION_DRAIN:
		log_info("%s: about to preempt: asking for the connections of the last moments",
			 in->config->name);
		in->drain_asked_us = clock_now_us();
		shell->drain(in->drain_asked_us);
		break;
	case VRRP_ACTION_REPORT:
		note_change(in, &a->change);
		break;
	}
}

void instance_on_extra(struct ev_loop *loop, ev_timer *w, int events)
{
	struct instance *in = w->data;

	in->counters.garp_sent += vips_announce_extra(&in->shell->netifs, &in->shell->announcer,
						      in->config);
}

static void arm_extra(struct instance *in)
{
	double every_s = (double)in->config->garp_extra_us / USEC_PER_SEC;
	bool wanted = in->m.state == VRRP_STATE_ACTIVE && every_s > 0;

	if (wanted && (!ev_is_active(&in->extra) || in->extra.repeat != every_s)) {
		in->extra.repeat = every_s;
		ev_timer_again(in->shell->loop, &in->extra);
	} else if (!wanted) {
		ev_timer_stop(in->shell->loop, &in->extra);
	}
}

/* What the next incarnation would need to know, apart from what is reported anyway. */
static bool learned(const struct vrrp_machine *was, const struct vrrp_machine *is)
{
	return !addr_equal(&was->peer, &is->peer) || was->active_int_us != is->active_int_us ||
	       was->preempt_at_us != is->preempt_at_us;
}

/*
 * When a link or an Active is lost, hundreds of instances take over in one moment. All say so
 * before the first of them goes on with its addresses, and then go on one by one, whenever no
 * advertisement is due: else the last ones would come too late.
 */
static bool can_wait(const struct vrrp_event *event, const struct vrrp_actions *actions)
{
	return (event->kind == VRRP_EVENT_TIMER || event->kind == VRRP_EVENT_GROUP_ACTIVE) &&
	       actions->n > 1 && actions->list[0].kind == VRRP_ACTION_SEND &&
	       actions->list[1].kind == VRRP_ACTION_ADD;
}

static void wait_in_line(struct instance *in, const struct vrrp_actions *actions)
{
	struct vrrp_shell *shell = in->shell;

	in->waiting = *actions;
	for (unsigned i = 0; i < actions->n; i++) {
		struct vrrp_change *change = &in->waiting.list[i].change;

		if (!change->why)
			continue;
		text_set(&in->waiting_why, "%s", change->why); /* the event's lives no longer */
		change->why = in->waiting_why.s;
	}
	in->next_waiting = NULL;
	*(shell->last_waiting ? &shell->last_waiting->next_waiting : &shell->first_waiting) = in;
	shell->last_waiting = in;
	ev_idle_start(shell->loop, &shell->idle);
}

void instance_leave_line(struct instance *in)
{
	struct vrrp_shell *shell = in->shell;
	struct instance *before = NULL, **at = &shell->first_waiting;

	for (; *at && *at != in; at = &(*at)->next_waiting)
		before = *at;
	if (!*at)
		return;
	*at = in->next_waiting;
	if (shell->last_waiting == in)
		shell->last_waiting = before;
	if (!shell->first_waiting)
		ev_idle_stop(shell->loop, &shell->idle);
}

/* Behind the addresses, which they may be of; taken away no later than those. */
static void follow_with_routes(struct instance *in)
{
	bool routed = in->m.holding && !in->waiting.n;

	if (routed == in->routed)
		return;
	in->routed = routed;
	routes_hold(in->shell->routes, in->config->id, routed);
}

static void perform_rest(struct instance *in)
{
	struct vrrp_actions actions;

	if (!in->waiting.n)
		return;
	actions = in->waiting;
	instance_leave_line(in);
	in->waiting.n = 0;
	for (unsigned i = 1; i < actions.n; i++)
		perform(in, &actions.list[i]);
	follow_with_routes(in);
	instance_report(in);
}

void instance_idle(struct ev_loop *loop, ev_idle *w, int events)
{
	struct vrrp_shell *shell = w->data;

	perform_rest(shell->first_waiting);
}

/* An Active of lower priority, or of the same and a lower address, has not made us yield. */
static bool is_rival(const struct vrrp_machine *was, const struct vrrp_machine *is,
		     const struct vrrp_event *event)
{
	return event->kind == VRRP_EVENT_ADVERT && event->priority &&
	       was->state == VRRP_STATE_ACTIVE && is->state == VRRP_STATE_ACTIVE;
}

static bool perform_all(struct instance *in, const struct vrrp_actions *actions)
{
	bool tell = false;

	for (unsigned i = 0; i < actions->n; i++) {
		perform(in, &actions->list[i]);
		tell |= actions->list[i].kind == VRRP_ACTION_REPORT ||
			actions->list[i].kind == VRRP_ACTION_REMOVE;
	}
	return tell;
}

void instance_step(struct instance *in, struct vrrp_event event)
{
	struct vrrp_actions actions;
	struct vrrp_machine was;
	bool tell = false;

	perform_rest(in);
	was = in->m;
	actions.n = 0;
	event.now_us = clock_now_us();
	vrrp_machine_step(&in->conf, &in->m, &event, &actions);
	if (can_wait(&event, &actions)) {
		perform(in, &actions.list[0]);
		wait_in_line(in, &actions);
	} else {
		tell = perform_all(in, &actions);
	}
	instance_set_awake(in, in->m.state == VRRP_STATE_ACTIVE || in->m.holding);
	follow_with_routes(in);
	alarm_set(&in->shell->alarms, &in->alarm, vrrp_machine_deadline(&in->m));
	arm_extra(in);
	if (in->m.late && !was.late)
		tell_late(in);
	if (is_rival(&was, &in->m, &event))
		tell |= instance_hear_rival(in, &event);
	if (in->m.state != VRRP_STATE_ACTIVE)
		instance_forget_rivals(in);
	if (tell || learned(&was, &in->m))
		instance_report(in);
	if (in->leaving && vrrp_machine_is_done(&in->m))
		in->shell->done();
	if (in->grouped && (in->m.state != was.state || in->m.ready != was.ready))
		in->shell->stepped();
}

void instance_ring(struct alarm *alarm)
{
	struct instance *in = (struct instance *)((char *)alarm - offsetof(struct instance, alarm));
	int64_t deadline_us = vrrp_machine_deadline(&in->m);

	/* It was set for an earlier deadline: with each advertisement heard it moves on. */
	if (clock_now_us() < deadline_us) {
		alarm_set(&in->shell->alarms, &in->alarm, deadline_us);
		return;
	}
	/* After this process was held up, what came in meanwhile is older than the deadline. */
	if (in->m.state == VRRP_STATE_BACKUP)
		instance_drain(in);
	instance_step(in, (struct vrrp_event){.kind = VRRP_EVENT_TIMER});
}

/* Reports */

void instance_report(const struct instance *in)
{
	struct msg msg = {
		.type = MSG_VRRP_STATE,
		.vrrp_state = {.instance = in->config->id,
			       .rivals = in->rivals,
			       .transitions = (uint32_t)in->counters.became_active,
			       .reason = in->reason},
	};

	vrrp_handed_pack(&in->conf, &in->m, &msg.vrrp_state);
	in->shell->report(&msg);
}

void instance_report_counters(const struct instance *in)
{
	struct msg counters = {.type = MSG_VRRP_COUNTERS, .vrrp_counters = in->counters};
	struct msg heard = {.type = MSG_VRRP_HEARD, .vrrp_heard = in->heard};

	in->shell->report(&counters);
	in->shell->report(&heard);
}
