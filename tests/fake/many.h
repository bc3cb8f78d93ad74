/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator's second kind of run: several directors, each with several virtual routers of which
 * some are in sync groups, on one LAN. What a single router does to the microsecond is the first
 * kind's business (world.h); here it is what holds between routers: groups that move together,
 * rivals that are told of, reloads that move a router from one group to another.
 */
#ifndef TANDEM_FAKE_MANY_H
#define TANDEM_FAKE_MANY_H

#include "tests/fake/lan.h"
#include "vrrp/group.h"
#include "vrrp/handed.h"
#include "vrrp/machine.h"
#include "vrrp/rival.h"

#include <stdio.h>

#define MANY_HOSTS_MAX	 4
#define MANY_ROUTERS_MAX 4
#define MANY_GROUPS	 2
#define MANY_NO_GROUP	 MANY_GROUPS
#define MANY_TODO_MAX	 256
#define MANY_INBOX_MAX	 64
#define MANY_VRID	 51 /* of the first router */
/* The longest that a preemption waits for connections, where they are copied. */
#define MANY_DRAIN_US	 (500 * USEC_PER_MSEC)

struct many;

enum host_life {
	HOST_OFF,
	HOST_RUNNING,
	HOST_HELD_UP,
	HOST_KILLED, /* its process; the addresses stay */
};

struct router {
	struct vrrp_conf conf;
	struct vrrp_machine m;
	bool has;	   /* the addresses are on the interface */
	bool faulty;	   /* something that it alone tracks has failed */
	bool group_faulty; /* another member has */
	struct msg_vrrp_state report;
	bool reported;
	struct rival rival;    /* another router that is Active too */
	struct rival claimant; /* another machine that has its addresses */
	int64_t deadline_us;   /* of the machine, by the world's time; USEC_NEVER: none */
	/* For the watch, by the host's clock */
	int64_t zero_us;    /* the last priority 0 */
	int64_t worse_us;   /* the last advertisement that did not beat it */
	int64_t claimed_us; /* the last claim, and the first of those that go on */
	int64_t claimed_from_us;
	int64_t answered_us; /* the last answer to a claim */
	bool rival_told;
	bool claim_told;
};

struct host {
	unsigned id;
	char name[16];
	enum host_life life;
	bool link_up;
	int64_t ahead_us; /* of its clock, which began when it was booted */
	unsigned group_of[MANY_ROUTERS_MAX];
	enum vrrp_state_id group_state[MANY_GROUPS];
	struct vrrp_member members[MANY_ROUTERS_MAX]; /* of whichever group */
	struct router routers[MANY_ROUTERS_MAX];
	bool settling;
	bool again;
	unsigned n_inbox;
	struct lan_frame inbox[MANY_INBOX_MAX];
};

struct many_todo {
	int64_t at_us;
	void (*what)(struct many *w, struct host *h, unsigned router);
	struct host *host;
	unsigned router;
};

/* What the present act promises. */
struct many_expect {
	const char *act;
	bool steady;		   /* no router changes its state … */
	const struct host *except; /* … but this one's */
	unsigned joins;		   /* … nor this router's: its number, from 1 */
	bool held;		   /* at every moment somebody has each router's addresses */
	bool counted;		   /* rivals and claims are told so often, and over as often: */
	unsigned rivals;
	unsigned claims;
};

struct many {
	uint64_t seed;
	struct rng rng;
	int64_t now_us;
	struct lan lan;
	struct lan_quality calm;
	int64_t tardy_us;
	int64_t interval_us;
	/* Added to a host's priority: no two directors may each win a member of one group (see
	 * VRRP_SYNC_GROUP in tandem.conf(5)). */
	uint8_t above[MANY_ROUTERS_MAX];
	bool preempt; /* everybody's */
	unsigned n_hosts;
	unsigned n_routers;
	unsigned group_of[MANY_ROUTERS_MAX]; /* as last configured */
	struct host hosts[MANY_HOSTS_MAX];
	unsigned n_todo;
	struct many_todo todo[MANY_TODO_MAX];
	struct many_expect expect;
	unsigned rivals_told, rivals_over, claims_told, claims_over;
	char violation[400];
	int64_t violated_us;
	uint64_t n_events;
	unsigned act;
	FILE *trace;
	unsigned trace_from;
};

/* many.c: the run */
bool many_run(struct many *w, uint64_t seed, FILE *trace, unsigned trace_from);
void many_plan(struct many *w, int64_t at_us,
	       void (*what)(struct many *w, struct host *h, unsigned router), struct host *h,
	       unsigned router);
void many_trace(const struct many *w, const struct host *h, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int64_t many_down_us(const struct many *w); /* the longest Active_Down_Interval */

/* many_host.c: what a process and its host do; behaves as vrrp/instance*.c and vrrp/groups.c do */
void host_boot(struct many *w, struct host *h);
void host_start(struct many *w, struct host *h);
void host_stop(struct many *w, struct host *h);
void host_crash(struct many *w, struct host *h);
void host_kill(struct many *w, struct host *h);
void host_resume(struct many *w, struct host *h);
void host_hold_up(struct many *w, struct host *h);
void host_go_on(struct many *w, struct host *h);
void host_leap(struct many *w, struct host *h, int64_t us); /* its clock, ahead */
void host_set_link(struct many *w, struct host *h, bool up);
void host_set_faulty(struct many *w, struct host *h, unsigned router, bool faulty);
void host_reload(struct many *w, struct host *h, unsigned router, const struct vrrp_conf *conf);
void host_regroup(struct many *w, struct host *h); /* as many.group_of says */
void host_receive(struct many *w, struct host *h, const struct lan_frame *f);
void host_hear(struct many *w, struct host *h, unsigned router, const struct addr *src,
	       uint8_t priority);
void host_hear_claim(struct many *w, struct host *h, unsigned router);
/* The next timer of this router, or of what it knows of rivals; USEC_NEVER: none. */
int64_t host_deadline_us(const struct many *w, const struct host *h, unsigned router);
void host_wake(struct many *w, struct host *h, unsigned router);
int64_t host_now_us(const struct many *w, const struct host *h);
bool host_runs(const struct host *h); /* and does not leave */
bool host_is_active(const struct host *h, unsigned router);
struct rival_conf router_rivals(const struct router *r);
struct rival_conf router_claims(const struct router *r);

/* many_watch.c: the properties */
void many_watch_changed(struct many *w, struct host *h, const struct router *r,
			const struct vrrp_change *c);
/* Around a timer's step; `was`: the machine before it. */
void many_watch_timer(struct many *w, struct host *h, const struct router *r,
		      const struct vrrp_machine *was, int64_t host_now_us);
void many_watch_expect(struct many *w, const struct many_expect *expect);
/* An advertisement that does not beat it was heard. */
void many_watch_worse(struct many *w, struct host *h, struct router *r);
void many_watch_rival(struct many *w, struct host *h, struct router *r, enum rival_act act);
void many_watch_claim(struct many *w, struct host *h, struct router *r, enum rival_act act);
void many_watch_groups(struct many *w, struct host *h);
void many_watch_moment(struct many *w);
void many_watch_settled(struct many *w);

/* many_script.c: what happens */
void many_setup(struct many *w);
int64_t many_start(struct many *w); /* the first act: how long it lasts */
int64_t many_act(struct many *w);   /* any other */
void many_calm(struct many *w);	    /* puts an end to what it may have begun */

#endif
