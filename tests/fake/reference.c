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
static void may_obey(struct reference *ref, const struct vrrp_conf *c, const struct vrrp_event *e)
{
	int64_t at_us = e->now_us + down_us(c, e->adver_int_us);

	if (e->adver_int_us < ref->least_int_us)
		ref->least_int_us = e->adver_int_us;
	if (e->adver_int_us > ref->most_int_us)
		ref->most_int_us = e->adver_int_us;
	if (ref->early_us > at_us && e->now_us > ref->best.alive_us)
		ref->early_us = at_us;
	if (ref->late_us < at_us)
		ref->late_us = at_us;
}

static void hear_leaving(struct reference *ref, const struct vrrp_conf *c, int64_t now_us)
{
	set(ref, now_us + skew_us(c, ref->least_int_us), now_us + skew_us(c, ref->most_int_us));
	ref->best.until_us = ref->last.until_us = 0;
}

/* Our preempt_delay counts from the first advertisement of a lower Active that is obeyed. */
static void note_rival(struct reference *ref, int64_t now_us, bool surely)
{
	if (ref->rival_us == USEC_NEVER)
		ref->rival_us = now_us;
	if (ref->rival_surely_us == USEC_NEVER && surely)
		ref->rival_surely_us = now_us;
}

static void hear(struct reference *ref, const struct vrrp_conf *c, const struct vrrp_event *e)
{
	int64_t delay_us = c->priority == VRRP_PRIORITY_OWNER ? 0 : c->preempt_delay_us;
	bool surely = !may_follow_better(ref, c, e);

	if (e->priority >= c->priority) {
		ref->rival_us = ref->rival_surely_us = USEC_NEVER;
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
		may_obey(ref, c, e);
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

void reference_event(struct reference *ref, const struct vrrp_conf *c, const struct vrrp_event *e)
{
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
		set_down(ref, c, e->now_us);
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
		break;
	}
}

void reference_begin(struct reference *ref, const struct vrrp_conf *c, const struct vrrp_event *e)
{
	*ref = (struct reference){.least_int_us = c->adver_int_us,
				  .most_int_us = c->adver_int_us,
				  .rival_us = USEC_NEVER,
				  .rival_surely_us = USEC_NEVER};
	set_down(ref, c, e->now_us);
	if (e->kind == VRRP_EVENT_ADVERT)
		hear(ref, c, e);
}
