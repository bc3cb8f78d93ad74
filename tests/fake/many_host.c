/* SPDX-License-Identifier: Apache-2.0 */
/* One director with several virtual routers: see many.h. */
#include "tests/fake/many.h"
#include "vrrp/packet.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CLAIM_AGAIN_US USEC_PER_SEC
#define CLAIM_OVER_US  (30 * USEC_PER_SEC)

bool host_runs(const struct host *h)
{
	return h->life == HOST_RUNNING && h->routers[0].m.state != VRRP_STATE_STOP;
}

bool host_is_active(const struct host *h, unsigned router)
{
	return h->life == HOST_RUNNING && h->routers[router].m.state == VRRP_STATE_ACTIVE;
}

int64_t host_now_us(const struct many *w, const struct host *h)
{
	return w->now_us + h->ahead_us;
}

static unsigned number_of(const struct host *h, const struct router *r)
{
	return (unsigned)(r - h->routers);
}

/* The wire */

static struct vrrp_path path_from(const struct addr *src)
{
	static const uint8_t group4[] = {224, 0, 0, 18};

	return (struct vrrp_path){.src = *src, .dst = addr_from_bytes(AF_INET, group4)};
}

static void send_advert(struct many *w, struct host *h, struct router *r, uint8_t priority)
{
	static const uint8_t addrs[4] = {192, 0, 2, 100};
	struct vrrp_packet p = {.version = r->conf.version,
				.vrid = (uint8_t)(MANY_VRID + number_of(h, r)),
				.priority = priority,
				.adver_int_cs = (uint32_t)(r->conf.adver_int_us / USEC_PER_CSEC),
				.n_addrs = 1,
				.addrs = addrs};
	struct vrrp_path path = path_from(&r->conf.source);
	uint8_t bytes[LAN_BYTES_MAX];
	int len = vrrp_packet_encode(&p, &path, bytes, sizeof(bytes));

	assert(len > 0);
	if (priority == 0)
		r->zero_us = host_now_us(w, h);
	if (h->link_up)
		lan_send(&w->lan, w->now_us, h->id, bytes, (size_t)len);
}

/* Rivals */

struct rival_conf router_rivals(const struct router *r)
{
	return (struct rival_conf){.grace_us = r->conf.adver_int_us,
				   .over_us = (r->conf.down_adverts + 1) * r->conf.adver_int_us};
}

struct rival_conf router_claims(const struct router *r)
{
	return (struct rival_conf){.grace_us = r->conf.adver_int_us,
				   .over_us = CLAIM_OVER_US,
				   .again_us = CLAIM_AGAIN_US};
}

static void wait_for_rivals(struct many *w, struct host *h, struct router *r)
{
	const struct rival_conf rivals = router_rivals(r), claims = router_claims(r);
	int64_t now_us = host_now_us(w, h);

	many_watch_rival(w, h, r, rival_wait(&r->rival, &rivals, now_us));
	many_watch_claim(w, h, r, rival_wait(&r->claimant, &claims, now_us));
}

static void forget_rivals(struct router *r)
{
	rival_forget(&r->rival);
	rival_forget(&r->claimant);
	r->rival_told = r->claim_told = false;
}

void host_hear_claim(struct many *w, struct host *h, unsigned router)
{
	struct router *r = &h->routers[router];
	const struct rival_conf claims = router_claims(r);

	if (!host_is_active(h, router) || !h->link_up)
		return;
	if (!r->claimant.heard)
		r->claimed_from_us = host_now_us(w, h);
	r->claimed_us = host_now_us(w, h);
	many_watch_claim(w, h, r, rival_claims(&r->claimant, &claims, host_now_us(w, h)));
}

/* Questions for connections, in per cent. */
#define ANSWERED 80

/* One router's step */

static void on_drained(struct many *w, struct host *h, unsigned router);

static void perform(struct many *w, struct host *h, struct router *r, const struct vrrp_action *a)
{
	char reason[256];

	switch (a->kind) {
	case VRRP_ACTION_SEND:
		send_advert(w, h, r, a->priority);
		break;
	case VRRP_ACTION_ADD:
		r->has = true;
		break;
	case VRRP_ACTION_REMOVE:
		r->has = false;
		break;
	case VRRP_ACTION_ANNOUNCE:
		break;
	case VRRP_ACTION_DRAIN:
		many_trace(w, h, "%s: asks for connections", r->conf.name);
		if (rng_percent(&w->rng, ANSWERED))
			many_plan(w, w->now_us + rng_between(&w->rng, 0, r->conf.drain_us),
				  on_drained, h, (unsigned)(r - h->routers));
		break;
	case VRRP_ACTION_REPORT:
		vrrp_change_reason(&a->change, reason, sizeof(reason));
		many_trace(w, h, "%s: %s → %s: %s", r->conf.name, vrrp_state_name(a->change.from),
			   vrrp_state_name(a->change.to), reason);
		many_watch_changed(w, h, r, &a->change);
		break;
	}
	many_watch_moment(w);
}

static void arm(struct many *w, struct host *h, struct router *r)
{
	int64_t at_us = vrrp_machine_deadline(&r->m);

	r->deadline_us = USEC_NEVER;
	if (at_us != USEC_NEVER)
		r->deadline_us = at_us - h->ahead_us + rng_between(&w->rng, 0, w->tardy_us);
}

static bool is_rival(const struct vrrp_machine *was, const struct router *r,
		     const struct vrrp_event *e)
{
	return e->kind == VRRP_EVENT_ADVERT && e->priority && was->state == VRRP_STATE_ACTIVE &&
	       r->m.state == VRRP_STATE_ACTIVE;
}

static void step_router(struct many *w, struct host *h, struct router *r, struct vrrp_event event)
{
	const struct rival_conf rivals = router_rivals(r);
	struct vrrp_machine was = r->m;
	struct vrrp_actions actions = {0};

	event.now_us = host_now_us(w, h);
	vrrp_machine_step(&r->conf, &r->m, &event, &actions);
	if (event.kind == VRRP_EVENT_TIMER)
		many_watch_timer(w, h, r, &was, event.now_us);
	for (unsigned i = 0; i < actions.n; i++)
		perform(w, h, r, &actions.list[i]);
	vrrp_handed_pack(&r->conf, &r->m, &r->report);
	r->reported = true;
	if (is_rival(&was, r, &event)) {
		r->worse_us = event.now_us;
		many_watch_rival(w, h, r,
				 rival_advertises(&r->rival, &rivals, event.now_us, r->m.since_us));
		many_watch_worse(w, h, r);
	}
	if (r->m.state != VRRP_STATE_ACTIVE)
		forget_rivals(r);
	arm(w, h, r);
}

/* Faults and groups, as vrrp/groups.c has them */

static const char *fault_of(const struct host *h, const struct router *r)
{
	if (!h->link_up)
		return "interface eth0 is down";
	if (r->faulty)
		return "something tracked is down";
	return r->group_faulty ? "another member has a fault" : NULL;
}

static void tell_fault(struct many *w, struct host *h, struct router *r)
{
	const char *why = fault_of(h, r);

	if (why)
		step_router(w, h, r,
			    (struct vrrp_event){
				    .kind = VRRP_EVENT_FAULT, .why = why, .can_send = h->link_up});
	else if (r->m.state == VRRP_STATE_FAULT)
		step_router(w, h, r,
			    (struct vrrp_event){.kind = VRRP_EVENT_FAULT_OVER, .why = "is over"});
}

/* The members of a group side by side; which router each is goes to `ret_router`. */
static unsigned look(const struct host *h, const struct many *w, unsigned group,
		     struct vrrp_member *ret, unsigned *ret_router)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_routers; i++) {
		const struct router *r = &h->routers[i];

		if (h->group_of[i] != group)
			continue;
		ret[n] = (struct vrrp_member){.was = h->members[i].was,
					      .is = r->m.state,
					      .ready = r->m.ready,
					      .faulty = r->faulty || !h->link_up};
		ret_router[n++] = i;
	}
	return n;
}

static void share_fault(struct many *w, struct host *h, const struct vrrp_member *members,
			const unsigned *router, unsigned n)
{
	bool faulty = vrrp_group_fault(members, n) >= 0;

	for (unsigned i = 0; i < n; i++) {
		struct router *r = &h->routers[router[i]];

		if (r->group_faulty == faulty)
			continue;
		r->group_faulty = faulty;
		tell_fault(w, h, r);
	}
}

static void give_order(struct many *w, struct host *h, const struct vrrp_group_step *step,
		       const struct vrrp_member *members, const unsigned *router, unsigned n)
{
	bool backup = step->order == VRRP_GROUP_BACKUP;

	for (unsigned i = 0; i < n; i++) {
		if (!vrrp_group_obeys(step->order, &members[i]))
			continue;
		h->again = true;
		step_router(w, h, &h->routers[router[i]],
			    (struct vrrp_event){.kind = backup ? VRRP_EVENT_GROUP_BACKUP
							       : VRRP_EVENT_GROUP_ACTIVE,
						.why = backup ? "the group is not Active"
							      : "the group is Active"});
	}
}

static void settle_one(struct many *w, struct host *h, unsigned group)
{
	struct vrrp_member members[MANY_ROUTERS_MAX];
	unsigned router[MANY_ROUTERS_MAX], n = look(h, w, group, members, router);
	struct vrrp_group_step step;

	if (!n)
		return;
	share_fault(w, h, members, router, n);
	look(h, w, group, members, router);
	step = vrrp_group_step(h->group_state[group], members, n);
	h->group_state[group] = step.state;
	for (unsigned i = 0; i < n; i++)
		h->members[router[i]].was = members[i].is;
	give_order(w, h, &step, members, router, n);
}

static void settle(struct many *w, struct host *h)
{
	unsigned rounds = 0;

	do {
		h->again = false;
		for (unsigned g = 0; g < MANY_GROUPS; g++)
			settle_one(w, h, g);
	} while (h->again && ++rounds < 10);
	many_watch_groups(w, h);
}

static bool is_done(const struct many *w, const struct host *h)
{
	for (unsigned i = 0; i < w->n_routers; i++)
		if (h->routers[i].m.state != VRRP_STATE_STOP ||
		    !vrrp_machine_is_done(&h->routers[i].m))
			return false;
	return true;
}

static void step(struct many *w, struct host *h, struct router *r, struct vrrp_event event)
{
	step_router(w, h, r, event);
	settle(w, h);
	if (is_done(w, h))
		h->life = HOST_OFF;
}

static void on_drained(struct many *w, struct host *h, unsigned router)
{
	if (h->life == HOST_RUNNING)
		step(w, h, &h->routers[router], (struct vrrp_event){.kind = VRRP_EVENT_DRAINED});
}

/* Every router of the host, and then the groups once. */
static void step_all(struct many *w, struct host *h, struct vrrp_event event)
{
	for (unsigned i = 0; i < w->n_routers; i++) {
		struct router *r = &h->routers[i];

		event.addresses_found = r->has;
		event.faulty = fault_of(h, r);
		event.why = fault_of(h, r);
		event.can_send = h->link_up;
		step_router(w, h, r, event);
	}
	settle(w, h);
	if (is_done(w, h))
		h->life = HOST_OFF;
}

/* What happens to it */

void host_boot(struct many *w, struct host *h)
{
	/* Two machines were not switched on at the same time: nothing may depend on it. */
	h->ahead_us = rng_between(&w->rng, 0, INT64_C(1) << rng_between(&w->rng, 20, 50));
	h->life = HOST_OFF;
	for (unsigned i = 0; i < MANY_ROUTERS_MAX; i++) {
		h->routers[i].has = h->routers[i].reported = false;
		h->routers[i].deadline_us = USEC_NEVER;
	}
}

void host_start(struct many *w, struct host *h)
{
	many_trace(w, h, "starts");
	for (unsigned i = 0; i < w->n_routers && h->life == HOST_OFF; i++)
		vrrp_machine_init(&h->routers[i].m);
	for (unsigned i = 0; i < w->n_routers; i++) {
		h->members[i].was = VRRP_STATE_INITIALIZE;
		h->routers[i].group_faulty = false;
		forget_rivals(&h->routers[i]);
	}
	for (unsigned g = 0; g < MANY_GROUPS; g++)
		h->group_state[g] = VRRP_STATE_INITIALIZE;
	memcpy(h->group_of, w->group_of, sizeof(h->group_of));
	for (unsigned i = 0; i < w->n_routers; i++)
		h->routers[i].conf.grouped = h->group_of[i] != MANY_NO_GROUP;
	h->life = HOST_RUNNING;
	step_all(w, h, (struct vrrp_event){.kind = VRRP_EVENT_START});
}

void host_stop(struct many *w, struct host *h)
{
	many_trace(w, h, "is told to stop");
	step_all(w, h, (struct vrrp_event){.kind = VRRP_EVENT_STOP});
}

void host_crash(struct many *w, struct host *h)
{
	many_trace(w, h, "power off");
	host_boot(w, h);
	h->n_inbox = 0;
	many_watch_moment(w);
}

void host_kill(struct many *w, struct host *h)
{
	many_trace(w, h, "process killed");
	h->life = HOST_KILLED;
	h->n_inbox = 0;
}

void host_resume(struct many *w, struct host *h)
{
	bool resumes = true;

	for (unsigned i = 0; i < w->n_routers; i++)
		resumes &= h->routers[i].reported && vrrp_handed_can_resume(&h->routers[i].report);
	if (!resumes) {
		h->life = HOST_OFF;
		host_start(w, h);
		return;
	}
	many_trace(w, h, "resumes");
	h->life = HOST_RUNNING;
	for (unsigned g = 0; g < MANY_GROUPS; g++)
		h->group_state[g] = VRRP_STATE_INITIALIZE;
	for (unsigned i = 0; i < w->n_routers; i++) {
		struct router *r = &h->routers[i];

		vrrp_handed_unpack(&r->conf, &r->report, host_now_us(w, h), &r->m);
		h->members[i].was = VRRP_STATE_INITIALIZE;
		r->group_faulty = false;
		forget_rivals(r);
	}
	step_all(w, h, (struct vrrp_event){.kind = VRRP_EVENT_RESUME});
	for (unsigned i = 0; i < w->n_routers; i++)
		tell_fault(w, h, &h->routers[i]);
	settle(w, h);
}

void host_hold_up(struct many *w, struct host *h)
{
	many_trace(w, h, "is held up");
	h->life = HOST_HELD_UP;
}

/* A Backup reads what came in meanwhile before it believes its timer; an Active need not. */
void host_go_on(struct many *w, struct host *h)
{
	many_trace(w, h, "goes on, %u packets wait", h->n_inbox);
	h->life = HOST_RUNNING;
	for (unsigned i = 0; i < w->n_routers; i++)
		if (host_is_active(h, i) && h->routers[i].deadline_us <= w->now_us)
			host_wake(w, h, i);
	for (unsigned i = 0; i < h->n_inbox; i++)
		host_receive(w, h, &h->inbox[i]);
	h->n_inbox = 0;
	for (unsigned i = 0; i < w->n_routers; i++)
		tell_fault(w, h, &h->routers[i]);
	settle(w, h);
}

void host_leap(struct many *w, struct host *h, int64_t us)
{
	many_trace(w, h, "its clock leaps by %lld ms", (long long)(us / USEC_PER_MSEC));
	h->ahead_us += us;
	for (unsigned i = 0; i < w->n_routers; i++)
		arm(w, h, &h->routers[i]);
}

void host_set_link(struct many *w, struct host *h, bool up)
{
	many_trace(w, h, "link %s", up ? "up" : "down");
	h->link_up = up;
	for (unsigned i = 0; i < w->n_routers && h->life == HOST_RUNNING; i++)
		tell_fault(w, h, &h->routers[i]);
	if (h->life == HOST_RUNNING)
		settle(w, h);
}

void host_set_faulty(struct many *w, struct host *h, unsigned router, bool faulty)
{
	struct router *r = &h->routers[router];

	many_trace(w, h, "%s: what it tracks is %s", r->conf.name, faulty ? "down" : "up");
	r->faulty = faulty;
	if (h->life != HOST_RUNNING)
		return;
	tell_fault(w, h, r);
	settle(w, h);
}

void host_reload(struct many *w, struct host *h, unsigned router, const struct vrrp_conf *conf)
{
	struct router *r = &h->routers[router];
	struct vrrp_conf was = r->conf;

	r->conf = *conf;
	many_trace(w, h, "%s: reloads: priority %u%s", r->conf.name, conf->priority,
		   was.addresses_gen != conf->addresses_gen ? ", other addresses" : "");
	if (h->life == HOST_RUNNING)
		step(w, h, r, (struct vrrp_event){.kind = VRRP_EVENT_CONF, .conf_was = &was});
}

/* Who joins a group has not been seen Active in it: see add_member() of vrrp/groups.c. */
void host_regroup(struct many *w, struct host *h)
{
	if (h->life != HOST_RUNNING)
		return; /* it reads the file when it starts; a killed one is told by its supervisor
			 */
	many_trace(w, h, "reloads: other groups");
	for (unsigned i = 0; i < w->n_routers; i++) {
		struct router *r = &h->routers[i];
		struct vrrp_conf was = r->conf;

		if (h->group_of[i] == w->group_of[i])
			continue;
		h->group_of[i] = w->group_of[i];
		h->members[i].was = VRRP_STATE_INITIALIZE;
		r->conf.grouped = h->group_of[i] != MANY_NO_GROUP;
		if (!r->conf.grouped && r->group_faulty) {
			r->group_faulty = false;
			tell_fault(w, h, r);
		}
		step_router(w, h, r,
			    (struct vrrp_event){.kind = VRRP_EVENT_CONF, .conf_was = &was});
	}
	settle(w, h);
}

void host_hear(struct many *w, struct host *h, unsigned router, const struct addr *src,
	       uint8_t priority)
{
	struct router *r = &h->routers[router];

	if (h->life != HOST_RUNNING || !h->link_up)
		return;
	step(w, h, r,
	     (struct vrrp_event){.kind = VRRP_EVENT_ADVERT,
				 .src = *src,
				 .priority = priority,
				 .adver_int_us = r->conf.adver_int_us});
}

void host_receive(struct many *w, struct host *h, const struct lan_frame *f)
{
	const struct addr *src = &w->hosts[f->from].routers[0].conf.source;
	const struct vrrp_path path = path_from(src);
	struct vrrp_packet p;

	if (h->life == HOST_HELD_UP && h->link_up && h->n_inbox < MANY_INBOX_MAX)
		h->inbox[h->n_inbox++] = *f;
	if (vrrp_packet_decode(f->bytes, f->len, &path, &p) == VRRP_PACKET_OK)
		host_hear(w, h, p.vrid - MANY_VRID, src, p.priority);
}

int64_t host_deadline_us(const struct many *w, const struct host *h, unsigned router)
{
	const struct router *r = &h->routers[router];
	const struct rival_conf rivals = router_rivals(r), claims = router_claims(r);
	int64_t at_us = r->deadline_us, rival_us = rival_deadline(&r->rival, &rivals);
	int64_t claim_us = rival_deadline(&r->claimant, &claims);

	if (h->life != HOST_RUNNING)
		return USEC_NEVER;
	if (claim_us < rival_us)
		rival_us = claim_us;
	if (rival_us != USEC_NEVER && rival_us - h->ahead_us < at_us)
		at_us = rival_us - h->ahead_us;
	return at_us;
}

void host_wake(struct many *w, struct host *h, unsigned router)
{
	struct router *r = &h->routers[router];

	wait_for_rivals(w, h, r);
	if (r->deadline_us > w->now_us)
		return;
	r->deadline_us = USEC_NEVER;
	step(w, h, r, (struct vrrp_event){.kind = VRRP_EVENT_TIMER});
}
