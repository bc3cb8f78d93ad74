/* SPDX-License-Identifier: Apache-2.0 */
/* When a Backup takes over: see reference.h. Section numbers are RFC 9568's. */
#include "tests/fake/reference.h"

static int64_t skew_us(const struct vrrp_conf *c, int64_t active_int_us)
{
	/* §6.1, and RFC 3768 §6.1 for version 2 */
	return (256 - c->priority) * (c->version == 2 ? USEC_PER_SEC : active_int_us) / 256;
}

static int64_t down_us(const struct vrrp_conf *c, int64_t active_int_us)
{
	return c->down_adverts * active_int_us + skew_us(c, active_int_us);
}

bool reference_preempts(const struct vrrp_conf *c)
{
	return c->preempt || c->priority == VRRP_PRIORITY_OWNER;
}

static void set(struct reference *ref, int64_t early_us, int64_t late_us)
{
	ref->early_us = early_us;
	ref->late_us = late_us;
}

static void set_down(struct reference *ref, const struct vrrp_conf *c, int64_t now_us)
{
	set(ref, now_us + down_us(c, ref->least_int_us), now_us + down_us(c, ref->most_int_us));
}

/* Two Actives */

static bool is_worse(const struct vrrp_event *e, const struct heard *than)
{
	int order = e->priority - than->priority;

	return !addr_equal(&e->src, &than->src) &&
	       (order ? order : addr_compare(&e->src, &than->src)) < 0;
}

/*
 * Of two Actives the RFC obeys either, whichever was heard last. Ours obeys the better one alone
 * while that is surely alive, and may do so until it is surely silent.
 */
static bool may_follow_better(struct reference *ref, const struct vrrp_conf *c,
			      const struct vrrp_event *e)
{
	struct heard *best = &ref->best, *last = &ref->last;
	struct heard now = {.src = e->src,
			    .priority = e->priority,
			    .alive_us = e->now_us + c->down_adverts * e->adver_int_us / 2,
			    .until_us = e->now_us + down_us(c, e->adver_int_us)};
	bool worse = e->now_us <= last->until_us && is_worse(e, last);

	if (worse && last->until_us > best->until_us)
		best->until_us = last->until_us;
	worse |= e->now_us <= best->until_us && is_worse(e, best);
	if (!worse)
		*best = now;
	else if (addr_equal(&e->src, &best->src)) /* no longer: its priority was lowered */
		*best = *last;
	*last = now;
	ref->learned = true;
	return worse;
}

/* What it hears: §6.4.2 */

static void obey(struct reference *ref, const struct vrrp_conf *c, const struct vrrp_event *e)
{
	ref->least_int_us = ref->most_int_us = e->adver_int_us;
	set_down(ref, c, e->now_us);
}

/* It obeys, or goes on to follow the better one. */
static void may_obey(struct reference *ref, const struct vrrp_conf *c, const struct vrrp_event *e,
		     bool worse)
{
	int64_t at_us = e->now_us + down_us(c, e->adver_int_us);

	if (e->adver_int_us < ref->least_int_us)
		ref->least_int_us = e->adver_int_us;
	if (e->adver_int_us > ref->most_int_us)
		ref->most_int_us = e->adver_int_us;
	if (ref->early_us > at_us && (!worse || e->now_us > ref->best.alive_us))
		ref->early_us = at_us;
	if (ref->late_us < at_us)
		ref->late_us = at_us;
}

static void hear_leaving(struct reference *ref, const struct vrrp_conf *c, int64_t now_us)
{
	set(ref, now_us + skew_us(c, ref->least_int_us), now_us + skew_us(c, ref->most_int_us));
	ref->best.until_us = ref->last.until_us = 0;
	ref->learned = true; /* a reload of ours does not change by what it goes */
}

/* Our preempt_delay counts from the first advertisement of a lower Active that is obeyed; sync_wait too,
 * unless something has been waited for before. */
static void note_rival(struct reference *ref, int64_t now_us, bool surely)
{
	if (ref->rival_us == USEC_NEVER)
		ref->rival_us = ref->overdue_us < now_us ? ref->overdue_us : now_us;
	if (ref->rival_surely_us == USEC_NEVER && surely)
		ref->rival_surely_us = now_us;
}

static int64_t longer(int64_t a_us, int64_t b_us)
{
	return a_us > b_us ? a_us : b_us;
}

static void hear(struct reference *ref, const struct vrrp_conf *c, const struct vrrp_event *e)
{
	int64_t delay_us = longer(c->preempt_delay_us, c->sync_wait_us);
	bool worse = may_follow_better(ref, c, e), surely = !worse;

	if (c->priority == VRRP_PRIORITY_OWNER)
		delay_us = 0;
	if (e->priority >= c->priority) {
		ref->rival_us = ref->rival_surely_us = ref->overdue_us = USEC_NEVER;
	} else if (reference_preempts(c)) {
		if (delay_us)
			note_rival(ref, e->now_us, surely);
		if (!delay_us || e->now_us - delay_us >= ref->rival_surely_us)
			return;
		surely &= e->now_us - delay_us < ref->rival_us;
	}
	if (surely)
		obey(ref, c, e);
	else
		may_obey(ref, c, e, worse);
}

/* The RFC knows no change of configuration: it must only be neither early nor late. */
static void reload(struct reference *ref, const struct vrrp_conf *c, int64_t now_us)
{
	int64_t by_former_us = now_us + down_us(c, ref->most_int_us);

	if (!ref->learned || c->version == 2)
		ref->least_int_us = ref->most_int_us = c->adver_int_us;
	if (ref->early_us > now_us + down_us(c, ref->least_int_us))
		ref->early_us = now_us + down_us(c, ref->least_int_us);
	if (ref->late_us < now_us + down_us(c, ref->most_int_us))
		ref->late_us = now_us + down_us(c, ref->most_int_us);
	if (ref->late_us < by_former_us)
		ref->late_us = by_former_us;
}

/* What another way tells */

static void be_told(struct reference *ref, const struct vrrp_conf *c, const struct vrrp_event *e)
{
	ref->told_until_us = e->until_us;
	if (e->until_us > e->now_us && c->sync_wait_us)
		ref->put_off_us = e->until_us;
	else if (ref->put_off_us > e->now_us)
		ref->put_off_us = e->now_us + skew_us(c, ref->most_int_us);
}

void reference_lacks(struct reference *ref)
{
	ref->rival_surely_us = USEC_NEVER;
}

void reference_asked(struct reference *ref, const struct vrrp_conf *c, int64_t now_us)
{
	ref->asked_until_us = now_us + c->drain_us;
}

int64_t reference_late_us(const struct reference *ref, const struct vrrp_conf *c,
			  int64_t sync_wait_us)
{
	int64_t at_most_us = ref->late_us + sync_wait_us + skew_us(c, ref->most_int_us);
	int64_t put_off_us = ref->put_off_us < at_most_us ? ref->put_off_us : at_most_us;

	return longer(longer(ref->late_us, put_off_us), ref->asked_until_us);
}

bool reference_waits(const struct reference *ref, const struct vrrp_conf *c, int64_t now_us)
{
	int64_t from_us = ref->rival_us < ref->overdue_us ? ref->rival_us : ref->overdue_us;

	return c->priority != VRRP_PRIORITY_OWNER && c->sync_wait_us && now_us < ref->told_until_us &&
	       (from_us == USEC_NEVER || now_us < from_us + c->sync_wait_us);
}

void reference_event(struct reference *ref, const struct vrrp_conf *c, const struct vrrp_event *e)
{
	if (ref->overdue_us == USEC_NEVER && e->now_us >= ref->early_us)
		ref->overdue_us = ref->early_us;
	switch (e->kind) {
	case VRRP_EVENT_ADVERT:
		if (e->priority == 0)
			hear_leaving(ref, c, e->now_us);
		else
			hear(ref, c, e);
		break;
	case VRRP_EVENT_CONF:
		reload(ref, c, e->now_us);
		break;
	case VRRP_EVENT_RESUME:
		/* What was sent meanwhile is lost, and so is who was alive. */
		ref->best.alive_us = 0;
		ref->told_until_us = 0;
		/* preempt_delay goes on, sync_wait begins anew. */
		if (c->sync_wait_us)
			reference_lacks(ref);
		set_down(ref, c, e->now_us);
		break;
	case VRRP_EVENT_PEER_SERVES:
		be_told(ref, c, e);
		break;
	case VRRP_EVENT_START:
	case VRRP_EVENT_STOP:
	case VRRP_EVENT_FAULT:
	case VRRP_EVENT_FAULT_OVER:
	case VRRP_EVENT_TIMER:
	case VRRP_EVENT_GROUP_ACTIVE: /* no groups here */
	case VRRP_EVENT_GROUP_BACKUP:
	case VRRP_EVENT_PEER_LOST:
	case VRRP_EVENT_PEER_ALIVE:
	case VRRP_EVENT_PEER_GAVE_UP:
	case VRRP_EVENT_DRAINED:
		break;
	}
}

void reference_begin(struct reference *ref, const struct vrrp_conf *c, const struct vrrp_event *e)
{
	*ref = (struct reference){.least_int_us = c->adver_int_us,
				  .most_int_us = c->adver_int_us,
				  .rival_us = USEC_NEVER,
				  .rival_surely_us = USEC_NEVER,
				  .overdue_us = USEC_NEVER};
	set_down(ref, c, e->now_us);
	if ((e->kind == VRRP_EVENT_START || e->kind == VRRP_EVENT_FAULT_OVER) && c->sync_wait_us)
		ref->told_until_us = ref->put_off_us = e->now_us + VRRP_MEET_US;
	if (e->kind == VRRP_EVENT_ADVERT)
		hear(ref, c, e);
}
