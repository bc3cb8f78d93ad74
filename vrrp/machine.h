/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One virtual router: the state machine of RFC 9568 §6.4 (and RFC 3768 §6.4 for version 2) as a
 * function of (conf, machine, event) to actions. It owns the protocol's state and deadlines. It
 * does not know sockets, netlink, the clock or the log: the caller tells it the time with each
 * event, performs the actions in their order, and calls again at vrrp_machine_deadline().
 *
 * Make before break. The RFC's machine lets go of the addresses at the moment it stops being
 * Active, which loses packets until the next Active has taken them. Here a router that leaves on
 * purpose says so (priority 0) but holds its addresses and forwards until the successor is heard;
 * one that yields to a better router holds them for VRRP_LET_GO_US more; and one that takes over
 * from a living Active takes the addresses before it says so.
 *
 * Connections. A router that would be Active without knowing the present Active's connections breaks
 * them, so it does not preempt before it does; and when the Active_Down_Timer fires while another way
 * tells that the Active lives, it takes its advertisements for late and waits: as long as that is
 * told, until it has the connections, and never longer than sync_wait.
 */
#ifndef TANDEM_VRRP_MACHINE_H
#define TANDEM_VRRP_MACHINE_H

#include "core/addr.h"
#include "core/clock.h"
#include "core/vrrp_state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VRRP_PRIORITY_OWNER 255

/* How long a router that was heard to be replaced still answers: packets and ARP in flight. */
#define VRRP_LET_GO_US (50 * USEC_PER_MSEC)
/* The longest that a leaving router waits for a successor's first advertisement. */
#define VRRP_LEAVE_MAX_US (15 * USEC_PER_SEC)
/* One that has just come, and lacks connections, gives those that have them so long to be met: as long
 * as they may be held up, and answer nothing, before they are taken for dead (SYNC_SILENCE_US). */
#define VRRP_MEET_US USEC_PER_SEC

struct vrrp_conf {
	const char *name;
	uint8_t version;
	uint8_t vrid;
	uint8_t priority;     /* effective: tracking included; 255 owns the addresses */
	uint8_t down_adverts; /* missed advertisements that mean silence: 3 */
	bool preempt;
	bool grouped; /* in a sync group: becomes Active when all of its members can */
	/* An Active that ran so late that a router of this priority has taken over becomes Backup
	 * before it says anything. 0: it advertises, and is put right by what it hears. */
	uint8_t rival_priority;
	struct addr source; /* primary address: breaks ties of priority */
	int64_t adver_int_us;
	int64_t preempt_delay_us;
	/* No preemption for so long, until this node knows the connections that the Active has: it
	 * would break them. 0: it knows them, or nobody copies any. */
	int64_t sync_wait_us;
	/* Before it preempts, the longest that it waits for the connections of the last moments,
	 * which it asks for. 0: it lacks others as well, or nobody copies any. */
	int64_t drain_us;
	uint32_t addresses_gen; /* differs when the set of addresses does */
	uint32_t garp_repeat;	/* announcements in a burst: on becoming Active, and later */
	int64_t garp_delay_us;	/* the later burst; 0: none */
	uint32_t garp_refresh_repeat;
	int64_t garp_refresh_us; /* 0: no refresh */
	/* On hearing a worse Active: announcements at once and later, and no advertisement. */
	uint32_t garp_lower_repeat;
	int64_t garp_lower_delay_us;
	bool lower_no_advert;
	bool strict; /* says nothing that the RFC does not ask for, on yielding */
};

/* Why the state changed. */
enum vrrp_reason {
	VRRP_REASON_STARTED,
	VRRP_REASON_OWNER,     /* started as owner of the addresses */
	VRRP_REASON_RESUMED,   /* no change: a new process went on where the last one stopped */
	VRRP_REASON_SILENCE,   /* Active_Down_Timer fired */
	VRRP_REASON_PEER_LEFT, /* priority 0 was heard */
	VRRP_REASON_PEER_LOST, /* neither its heartbeats nor its kernel are heard: detect.h */
	VRRP_REASON_PEER_GAVE_UP, /* its heartbeat says that it is Active no more */
	VRRP_REASON_PREEMPT,   /* the Active has a lower priority */
	VRRP_REASON_HIGHER,    /* yields to a higher priority */
	VRRP_REASON_HIGHER_ADDRESS, /* yields to the same priority from a higher address */
	VRRP_REASON_FAULT,
	VRRP_REASON_FAULT_OVER,
	VRRP_REASON_STOPPED,
	VRRP_REASON_GROUP, /* goes with its sync group */
	VRRP_REASON_HELD_UP, /* did not run for so long that another may be Active by now */
};

struct vrrp_machine {
	enum vrrp_state_id state; /* INITIALIZE, FAULT and STOP are the RFC's Initialize */
	bool holding;		  /* the addresses are on the interface */
	bool succeeded;		  /* the addresses are held, and another Active was heard */
	bool unanswered;	  /* yielded, and the better Active does not seem to know of us */
	bool peer_left;		  /* the last Active said that it leaves … */
	bool peer_gave_up;	  /* … in a heartbeat */
	bool ready; /* Backup, would be Active: waits for its sync group */
	bool rival; /* an Active of lower priority was heard since the timer was set */
	bool late;  /* the timer has fired, but the Active lives, and has what we lack */
	bool drained; /* the connections of the last moments are here */
	uint8_t announce_step;
	bool announce_lower; /* because of a worse Active */
	bool contested;	     /* one was heard while the early announcements were under way */
	struct addr peer;    /* the Active heard last */
	uint8_t peer_priority;
	int64_t peer_int_us;
	int64_t heard_us;      /* when; USEC_NEVER: none was heard */
	int64_t since_us;      /* of the present state */
	int64_t active_int_us; /* Active_Adver_Interval, RFC 9568 §6.1 */
	int64_t sent_us;
	int64_t pace_us; /* between advertisements, until pace_until_us: a former, shorter interval
			  */
	int64_t pace_until_us;
	int64_t down_set_us; /* when Active_Down_Timer was set */
	int64_t silent_us;   /* with lost_at_us: since when there was no sign of life */
	/* Deadlines; USEC_NEVER when not set. */
	int64_t advert_at_us;	  /* Adver_Timer; or, leaving, the second priority 0 */
	int64_t down_at_us;	  /* Active_Down_Timer */
	int64_t lost_at_us;	  /* the Active is dead: takes over then, unless it is heard */
	int64_t release_at_us;	  /* addresses held past Active are let go */
	int64_t preempt_at_us;	  /* preempt_delay is over */
	int64_t sync_until_us;	  /* the longest that preemption waits for connections */
	int64_t drain_until_us;	  /* … for those of the last moments; USEC_NEVER: not asked for */
	int64_t serving_until_us; /* somebody is Active, by PEER_SERVES; 0: not known */
	int64_t announce_at_us;	  /* the next announcement */
	int64_t announce_from_us; /* what the announcements' offsets count from */
};

enum vrrp_event_kind {
	VRRP_EVENT_START,
	VRRP_EVENT_STOP,
	VRRP_EVENT_FAULT, /* the interface or something tracked failed */
	VRRP_EVENT_FAULT_OVER,
	VRRP_EVENT_ADVERT, /* a checked advertisement for this virtual router, not our own */
	VRRP_EVENT_TIMER,  /* time passed */
	VRRP_EVENT_CONF,   /* `conf` replaces `conf_was`: priority, interval, addresses … */
	VRRP_EVENT_RESUME, /* the machine was handed over from an earlier process */
	VRRP_EVENT_GROUP_ACTIVE, /* the sync group becomes Active, or is: see group.h */
	VRRP_EVENT_GROUP_BACKUP, /* another member has yielded */
	/* What the heartbeats' detector says of the router `src`, see detect.h. */
	VRRP_EVENT_PEER_LOST,	 /* it is dead: no sign of life since `silent_us` */
	VRRP_EVENT_PEER_ALIVE,	 /* it is not */
	VRRP_EVENT_PEER_GAVE_UP, /* it is alive, but Active no more, and nobody has succeeded */
	/* What the directors tell each other beside connections, see MSG_PEER_SERVES. */
	VRRP_EVENT_PEER_SERVES, /* one that has connections that we lack is Active, `until_us` */
	VRRP_EVENT_DRAINED,	/* what VRRP_ACTION_DRAIN has asked for */
};

struct vrrp_event {
	enum vrrp_event_kind kind;
	int64_t now_us;
	bool addresses_found; /* START, RESUME: an earlier life left our addresses on the interface
			       */
	bool faulty;	      /* START: something that it needs is down, see `why` */
	bool can_send;	      /* FAULT: the interface works, so peers can be told */
	struct addr src;      /* ADVERT, PEER … */
	uint8_t priority;     /* ADVERT */
	int64_t adver_int_us; /* ADVERT; PEER_LOST, PEER_GAVE_UP: the heartbeats' interval */
	int64_t silent_us;    /* PEER_LOST */
	int64_t until_us;     /* PEER_SERVES; in the past: it is not, or we lack nothing any more */
	const char
		*why; /* START, FAULT …, GROUP …: "interface eth0 is down"; lives for the call */
	const struct vrrp_conf *conf_was; /* CONF */
};

/* A change of state, with what is needed to explain it. */
struct vrrp_change {
	enum vrrp_state_id from;
	enum vrrp_state_id to;
	enum vrrp_reason reason;
	struct addr peer;
	uint8_t priority; /* ours */
	uint8_t peer_priority;
	int64_t silence_us; /* how long nothing was heard */
	bool undrained;	    /* PREEMPT: without the connections of the last moments */
	const char *why;
};

enum vrrp_action_kind {
	VRRP_ACTION_SEND,     /* an advertisement with `priority` */
	VRRP_ACTION_ADD,      /* see that the interface has these addresses, all and no others */
	VRRP_ACTION_REMOVE,   /* see that it has none of them */
	VRRP_ACTION_ANNOUNCE, /* gratuitous ARP or unsolicited NA, `count` for each address */
	VRRP_ACTION_DRAIN,    /* get the Active's connections of the last moments; then DRAINED */
	VRRP_ACTION_REPORT,   /* `change` */
};

struct vrrp_action {
	enum vrrp_action_kind kind;
	uint8_t priority;
	uint32_t count;
	struct vrrp_change change;
};

#define VRRP_ACTIONS_MAX 12
struct vrrp_actions {
	unsigned n;
	struct vrrp_action list[VRRP_ACTIONS_MAX];
};

void vrrp_machine_init(struct vrrp_machine *m);

/* Appends to `ret` what is to be done, in order. */
void vrrp_machine_step(const struct vrrp_conf *conf, struct vrrp_machine *m,
		       const struct vrrp_event *event, struct vrrp_actions *ret);

/* When VRRP_EVENT_TIMER is due; USEC_NEVER: not before another event. */
int64_t vrrp_machine_deadline(const struct vrrp_machine *m);

/* Stopped, and the addresses let go: the process may end. */
bool vrrp_machine_is_done(const struct vrrp_machine *m);

/* RFC 9568 §6.1: Skew_Time and Active_Down_Interval. */
int64_t vrrp_skew_us(const struct vrrp_conf *conf, int64_t active_int_us);
int64_t vrrp_down_interval_us(const struct vrrp_conf *conf, int64_t active_int_us);

/* "no advertisement from 192.0.2.2 for 3.6 s": the words of a change, without a newline. */
const char *vrrp_change_reason(const struct vrrp_change *change, char *text, size_t size);
/* "web1: BACKUP → MASTER: no advertisement from 192.0.2.2 for 3.6 s" */
const char *vrrp_change_format(const char *name, const struct vrrp_change *change, char *text,
			       size_t size);

#endif
