/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be true: of every step of every router, of every moment while the script expects it,
 * and of the whole after the LAN was calm for long enough. Each property names its section of RFC
 * 9568, or that it is our own promise. It is worked out from what can be seen from outside, never
 * from the machine's own timers.
 */
#ifndef TANDEM_FAKE_WATCH_H
#define TANDEM_FAKE_WATCH_H

#include "tests/fake/lan.h"
#include "vrrp/machine.h"

struct node;
struct world;

/* What the script expects of the present act; each is off when zero. */
struct expect {
	const char *act; /* what is done, in words */
	bool steady;	 /* no router but `except` changes its state */
	const struct node *except;
	bool held;	      /* at every moment somebody holds the addresses … */
	bool reached;	      /* … and every client sends to one that does … */
	int64_t unserved_us;  /* … but for so long */
	int64_t active_by_us; /* then one is Active */
	const char *by_rule;
	int64_t two_for_us; /* the longest that two are Active */
};

struct watch {
	struct expect expect;
	int64_t unserved_us[LAN_PORTS_MAX]; /* of each client, since; USEC_NEVER: is served */
	unsigned actives;		    /* so many just now */
	int64_t two_since_us;		    /* USEC_NEVER: at most one is Active */
	char violation[400];		    /* empty: none */
	int64_t violated_us;
};

/* One line each, with its section. */
void watch_print_properties(void);

void watch_init(struct world *w);
void watch_expect(struct world *w, const struct expect *expect);

/* Around a step of one router, in this order. */
void watch_event(struct world *w, struct node *n, const struct vrrp_event *event);
void watch_action(struct world *w, struct node *n, const struct vrrp_action *a);
void watch_step(struct world *w, struct node *n, const struct vrrp_event *event);
/* It was held up, and did not know the time. */
void watch_went_on(struct world *w, struct node *n);

/* Something changed outside of any machine. */
void watch_moment(struct world *w);
/* Nothing happens until then. */
void watch_time(struct world *w, int64_t to_us);
/* All has been calm for long enough. */
void watch_settled(struct world *w);

#endif
