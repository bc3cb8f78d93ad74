/* SPDX-License-Identifier: Apache-2.0 */
/* What must be true of many virtual routers: see many.h. Section numbers are RFC 9568's. */
#include "tests/fake/many.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char ours[] = "our promise";

__attribute__((format(printf, 5, 6))) static void fail(struct many *w, const struct host *h,
						       const struct router *r, const char *rule,
						       const char *format, ...)
{
	char what[256];
	va_list args;

	if (w->violation[0])
		return;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(w->violation, sizeof(w->violation), "%s%s%s%s%s (%s) when %s", h ? h->name : "",
		 h ? " " : "", r ? r->conf.name : "", r ? " " : "", what, rule, w->expect.act);
	w->violated_us = w->now_us;
	many_trace(w, h, "VIOLATION: %s (%s)", what, rule);
}

void many_watch_expect(struct many *w, const struct many_expect *expect)
{
	w->expect = *expect;
	w->rivals_told = w->rivals_over = w->claims_told = w->claims_over = 0;
	many_trace(w, NULL, "ACT %u: %s", w->act, expect->act);
}

/* Steps */

void many_watch_changed(struct many *w, struct host *h, const struct router *r,
			const struct vrrp_change *c)
{
	bool leaves = c->to == VRRP_STATE_STOP || c->to == VRRP_STATE_FAULT ||
		      c->reason == VRRP_REASON_GROUP;
	bool excepted = h == w->expect.except || r == &h->routers[w->expect.joins] - 1;

	if (w->expect.steady && c->from != c->to && !excepted)
		fail(w, h, r, ours, "changes its state");
	if (c->from == VRRP_STATE_ACTIVE && c->from != c->to && leaves && h->link_up &&
	    r->zero_us != host_now_us(w, h))
		fail(w, h, r, "§6.4.3: Shutdown", "leaves without saying so");
}

void many_watch_timer(struct many *w, struct host *h, const struct router *r,
		      const struct vrrp_machine *was, int64_t host_now_us)
{
	struct vrrp_conf rival = r->conf;

	rival.priority = r->conf.rival_priority;
	if (was->state == VRRP_STATE_ACTIVE && r->m.state == VRRP_STATE_ACTIVE && rival.priority &&
	    host_now_us - was->sent_us > vrrp_down_interval_us(&rival, rival.adver_int_us))
		fail(w, h, r, ours, "was held up, and goes on as Active without a look");
}

void many_watch_moment(struct many *w)
{
	for (unsigned i = 0; i < w->n_routers && w->expect.held; i++) {
		bool held = false;

		for (unsigned k = 0; k < w->n_hosts; k++)
			held |= w->hosts[k].routers[i].has && w->hosts[k].link_up;
		if (!held)
			fail(w, NULL, &w->hosts[0].routers[i], ours, "has its addresses nowhere");
	}
}

/* Rivals */

void many_watch_worse(struct many *w, struct host *h, struct router *r)
{
	if (!r->rival_told && host_now_us(w, h) - r->m.since_us >= router_rivals(r).grace_us)
		fail(w, h, r, ours, "hears a rival, and does not say so at once");
}

void many_watch_rival(struct many *w, struct host *h, struct router *r, enum rival_act act)
{
	const struct rival_conf conf = router_rivals(r);

	if (act == RIVAL_NOTHING)
		return;
	many_trace(w, h, "%s: %s", r->conf.name,
		   act == RIVAL_TELL ? "tells of a rival" : "the rival is gone");
	if (r->m.state != VRRP_STATE_ACTIVE)
		fail(w, h, r, ours, "speaks of a rival, and is not Active itself");
	if (act == RIVAL_TELL) {
		w->rivals_told++;
		if (r->rival_told)
			fail(w, h, r, ours, "tells of a rival twice");
		if (host_now_us(w, h) - r->m.since_us < conf.grace_us)
			fail(w, h, r, ours,
			     "takes the last words of the former Active for a rival");
		r->rival_told = true;
	} else if (act == RIVAL_OVER) {
		w->rivals_over++;
		if (!r->rival_told || host_now_us(w, h) - r->worse_us < conf.over_us)
			fail(w, h, r, ours, "says that a rival is gone that is heard");
		r->rival_told = false;
	} else {
		fail(w, h, r, ours, "answers a rival as if it were a claim");
	}
}

void many_watch_claim(struct many *w, struct host *h, struct router *r, enum rival_act act)
{
	const struct rival_conf conf = router_claims(r);

	if (act == RIVAL_NOTHING)
		return;
	many_trace(w, h, "%s: a claim on an address: %s", r->conf.name,
		   act == RIVAL_TELL   ? "told"
		   : act == RIVAL_OVER ? "over"
				       : "answered");
	if (act == RIVAL_OVER) {
		w->claims_over++;
		if (!r->claim_told || host_now_us(w, h) - r->claimed_us < conf.over_us)
			fail(w, h, r, ours, "says that a claim is over that goes on");
		r->claim_told = false;
		return;
	}
	if (act == RIVAL_TELL) {
		w->claims_told++;
		if (r->claim_told)
			fail(w, h, r, ours, "tells of a claim twice");
		if (host_now_us(w, h) - r->claimed_from_us < conf.grace_us)
			fail(w, h, r, ours, "tells of a claim before it could have yielded");
	} else if (!r->claim_told || host_now_us(w, h) - r->answered_us < conf.again_us) {
		fail(w, h, r, ours, "answers claims without end");
	}
	r->claim_told = true;
	r->answered_us = host_now_us(w, h);
}

/* Groups */

static bool is_under_way(enum vrrp_state_id state)
{
	return state == VRRP_STATE_INITIALIZE || state == VRRP_STATE_STOP;
}

/* What every member is, once the host has done what the group's rule says. */
void many_watch_groups(struct many *w, struct host *h)
{
	for (unsigned i = 0; i < w->n_routers; i++) {
		const struct router *r = &h->routers[i];

		for (unsigned k = i + 1; k < w->n_routers; k++) {
			const struct router *other = &h->routers[k];

			if (h->group_of[i] == MANY_NO_GROUP || h->group_of[i] != h->group_of[k] ||
			    is_under_way(r->m.state) || is_under_way(other->m.state))
				continue;
			if (r->m.state != other->m.state)
				fail(w, h, r, ours, "is %s, and %s of the same sync group is %s",
				     vrrp_state_name(r->m.state), other->conf.name,
				     vrrp_state_name(other->m.state));
			if (r->faulty && r->m.state != VRRP_STATE_FAULT)
				fail(w, h, r, ours, "has a fault, and is %s",
				     vrrp_state_name(r->m.state));
		}
	}
}

/* After convergence */

/* Could be Active, with all the members of its group. */
static bool is_candidate(const struct many *w, const struct host *h, unsigned router)
{
	unsigned group = h->group_of[router];

	if (!host_runs(h) || !h->link_up || h->routers[router].faulty)
		return false;
	for (unsigned i = 0; i < w->n_routers && group != MANY_NO_GROUP; i++)
		if (h->group_of[i] == group && h->routers[i].faulty)
			return false;
	return true;
}

static const struct host *only_active(struct many *w, unsigned router)
{
	const struct host *active = NULL;
	unsigned candidates = 0;

	for (struct host *h = w->hosts; h < w->hosts + w->n_hosts; h++) {
		candidates += is_candidate(w, h, router);
		if (!host_is_active(h, router))
			continue;
		if (active)
			fail(w, h, &h->routers[router], "§6.4.3", "is Active, and so is %s",
			     active->name);
		active = h;
	}
	if (candidates && !active)
		fail(w, NULL, &w->hosts[0].routers[router], "§6.4.2", "is Active nowhere");
	return active;
}

static void check_best(struct many *w, unsigned router, const struct host *active)
{
	const struct vrrp_conf *has = &active->routers[router].conf;

	for (struct host *h = w->hosts; h < w->hosts + w->n_hosts; h++) {
		const struct vrrp_conf *c = &h->routers[router].conf;

		if (h != active && h->routers[router].has)
			fail(w, h, &h->routers[router], ours, "still holds the addresses");
		if (c->preempt && c->priority > has->priority && is_candidate(w, h, router))
			fail(w, h, &h->routers[router], "§6.4.2: Preempt_Mode",
			     "has priority %u, and %s with %u is Active", c->priority, active->name,
			     has->priority);
	}
}

static void check_told(struct many *w)
{
	const struct many_expect *e = &w->expect;

	if (!e->counted)
		return;
	if (w->rivals_told != e->rivals || w->rivals_over != e->rivals)
		fail(w, NULL, NULL, ours, "%u rivals were told of, and %u gone, not %u",
		     w->rivals_told, w->rivals_over, e->rivals);
	if (w->claims_told != e->claims || w->claims_over != e->claims)
		fail(w, NULL, NULL, ours, "%u claims were told of, and %u over, not %u",
		     w->claims_told, w->claims_over, e->claims);
}

void many_watch_settled(struct many *w)
{
	const struct host *active[MANY_ROUTERS_MAX];

	for (unsigned i = 0; i < w->n_routers; i++) {
		active[i] = only_active(w, i);
		if (active[i])
			check_best(w, i, active[i]);
		for (unsigned k = 0; k < i; k++)
			if (w->group_of[i] == w->group_of[k] && w->group_of[i] != MANY_NO_GROUP &&
			    active[i] != active[k])
				fail(w, active[i], &w->hosts[0].routers[i], ours,
				     "is not where the rest of its sync group is");
	}
	check_told(w);
}
