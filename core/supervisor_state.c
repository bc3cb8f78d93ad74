/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What roles report: kept in the store, told to those whom it concerns, and handed to a role's next
 * incarnation. Part of the supervisor; knows nothing of how roles are started and ended.
 */
#include "core/check_scripts.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/suspend.h"
#include "core/supervisor.h"
#include "core/vrrp_state.h"

/* Longer than another router waits before it takes over. */
static int64_t takeover_us(const struct vrrp_instance *v, const struct msg_vrrp_state *last)
{
	unsigned cs = v->adver_int_cs > last->active_adver_int_cs ? v->adver_int_cs
								  : last->active_adver_int_cs;

	return (v->down_timer_adverts + 1) * cs * USEC_PER_CSEC;
}

/* Who was silent for so long is no longer what it was: it starts like everybody else. */
void supervisor_forget_aged(struct supervisor *s, int64_t silent_us)
{
	const struct model *m = s->running.model;
	struct msg last;

	for (uint32_t i = 0; i < m->n_instances; i++) {
		const struct vrrp_instance *v = &m->instances[i];

		if (!store_get(&s->store, MSG_VRRP_STATE, v->id, &last) ||
		    silent_us <= takeover_us(v, &last.vrrp_state))
			continue;
		log_notice("%s: was %s %d s ago: starts anew", v->name,
			   vrrp_state_name((enum vrrp_state_id)last.vrrp_state.state),
			   (int)(silent_us / USEC_PER_SEC) + 1);
		store_forget(&s->store, MSG_VRRP_STATE, v->id);
	}
}

static void hand_one(void *ctx, const struct msg *m)
{
	process_send(ctx, m, -1);
}

void supervisor_hand_over(struct process *p)
{
	struct supervisor *s = p->owner;

	if (p->desc->id == ROLE_VRRP && p->gone_us)
		supervisor_forget_aged(s, clock_now_us() - p->gone_us);
	store_each(&s->store, p->desc->id, hand_one, p);
	operator_hand_over(s, p);
	if (p->desc->id == ROLE_CHECK)
		suspend_tell(s, p);
}

/* The weaker side's numbers are used as indexes further on. */
static bool is_sane(const struct msg *m)
{
	if (m->type == MSG_GROUP_STATE)
		return m->group_state.state <= VRRP_STATE_STOP;
	return m->type != MSG_VRRP_STATE || m->vrrp_state.state <= VRRP_STATE_STOP;
}

/* A node that was cut off must know its servers again before it draws traffic. */
static void recheck_after_fault(struct supervisor *s, const struct msg *was, const struct msg *is)
{
	struct msg m = {.type = MSG_CHECK_NOW};
	const struct vrrp_instance *instance;

	if (is->type != MSG_VRRP_STATE || was->vrrp_state.state != VRRP_STATE_FAULT ||
	    is->vrrp_state.state == VRRP_STATE_FAULT)
		return;
	instance = model_find_instance(s->running.model, is->vrrp_state.instance);
	text_set(&m.check_now.why, "%s is no longer in fault", instance ? instance->name : "VRRP");
	process_send(supervisor_process(s, ROLE_CHECK), &m, -1);
}

/* A check that goes on as ever: what is new is when it ran last, and what that took. */
static bool is_routine(const struct msg *was, const struct msg *is)
{
	const struct msg_check_state *a = &was->check_state, *b = &is->check_state;

	if (is->type == MSG_CHECK_LATENCY)
		return true;
	return is->type == MSG_CHECK_STATE && a->up == b->up && a->has_run == b->has_run &&
	       a->failures == b->failures && a->passes == b->passes && a->held == b->held &&
	       a->weight == b->weight && a->agent_admin == b->agent_admin &&
	       a->agent_percent == b->agent_percent && a->agent_maxconn == b->agent_maxconn;
}

static void keep_state(struct supervisor *s, struct process *p, const struct msg *m)
{
	struct msg former;
	enum store_change change;

	if (!is_sane(m)) {
		log_error("%s: reported a state that does not exist: replaced",
			  role_name(p->desc->id));
		process_kill(p);
		return;
	}
	change = store_put(&s->store, m, &former);
	if (change == STORE_FULL && log_limit_pass(&s->store_limit, clock_now_us()))
		log_error("%s: tells of more objects than there are: not kept%s",
			  role_name(p->desc->id), log_limit_suffix(&s->store_limit));
	if (change == STORE_SAME || change == STORE_FULL)
		return;
	if (change == STORE_CHANGED && is_routine(&former, m))
		statefile_touch_lazily(&s->statefile);
	else if (store_resumes(m->type))
		statefile_touch(&s->statefile);
	track_services_note(&s->track_services, m);
	suspend_note(s, m);
	if (change == STORE_CHANGED)
		recheck_after_fault(s, &former, m);
	/* What an adopted role says first is news to us only. */
	if (change == STORE_CHANGED || !p->adopted)
		notify_change(&s->outlets, s->running.model, m,
			      change == STORE_CHANGED ? &former : NULL);
}

void supervisor_message(struct process *p, const struct msg *m)
{
	struct supervisor *s = p->owner;

	if (store_keeps(m->type))
		keep_state(s, p, m);
	else if (m->type == MSG_PREPARED || m->type == MSG_COMMITTED)
		reload_message(s, p->desc->id, m);
	else if (m->type == MSG_REPORTED)
		snapshot_reported(s, p->desc->id, m->report.serial);
	else if (m->type == MSG_SERVER_OVERRIDE)
		operator_copy(s, &m->server_override);
	else if (m->type == MSG_SERVER_IDLE)
		operator_idle(s, &m->server_idle);
	else if (m->type == MSG_SCRIPT_ASK)
		check_scripts_ask(s->check_scripts, s->running.model, &m->script_ask);
}
