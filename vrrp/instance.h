/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One configured virtual router at work: its machine, what the machine is told (packets, time,
 * interfaces) and what it wants done (packets, addresses, announcements, reports). Owns nothing of
 * the protocol itself: that is machine.c.
 */
#ifndef TANDEM_VRRP_INSTANCE_H
#define TANDEM_VRRP_INSTANCE_H

#include "core/log.h"
#include "core/model.h"
#include "core/msg.h"
#include "vrrp/again.h"
#include "vrrp/alarm.h"
#include "vrrp/announce.h"
#include "vrrp/claim.h"
#include "vrrp/hmac.h"
#include "vrrp/machine.h"
#include "vrrp/memory.h"
#include "vrrp/netif.h"
#include "vrrp/port.h"
#include "vrrp/rival.h"
#include "vrrp/routes.h"
#include "vrrp/static_addresses.h"
#include "vrrp/tracking.h"

struct instance;
struct watch;

/* What all instances of the process share. */
struct vrrp_shell {
	struct ev_loop *loop;
	struct instance *const *instances; /* the first of all */
	struct alarms alarms;
	struct netifs netifs;
	struct vrrp_ports ports;
	struct announcer announcer;
	struct static_addresses statics;
	struct routes *routes;
	struct tracking tracking;
	struct memory memory;
	void (*report)(const struct msg *m);
	int64_t sync_wait_us; /* vrrp_conf's, of all instances */
	int64_t drain_us;     /* so */
	/* The peers' connections of the last moments are wanted; for questions at this time or
	 * before, instance_drained() answers. */
	void (*drain)(int64_t asked_us);
	/* Takeovers that have only been advertised so far; `idle` runs instance_idle(). */
	struct instance *first_waiting;
	struct instance *last_waiting;
	ev_idle idle;
	/* An instance that was stopped is done. */
	void (*done)(void);
	/* Something happened to an instance of a sync group. */
	void (*stepped)(void);
};

/* What each advertisement needs comes first: there are thousands, and caches are small. */
struct instance {
	struct instance *next;
	struct vrrp_shell *shell;
	struct vrrp_machine m;
	struct vrrp_conf conf; /* what the machine is given */
	struct alarm alarm; /* at the machine's deadline or before */
	struct vrrp_port *port;
	struct vrrp_hmac_conf *hmac; /* NULL: no auth_hmac */
	struct vrrp_hmac_memory *memory;
	const struct vrrp_instance *config; /* a copy: outlives the model while it leaves */
	int64_t sent_us;		    /* the last advertisement */
	int index;			    /* of the interface that the port is on; -1: none */
	int8_t awake; /* 1: its virtual-MAC interfaces speak IPv6; -1: nothing is known */
	bool leaving;			    /* no longer configured */
	bool told_checksum;
	bool told_unsigned;
	bool grouped;			    /* in a sync group */
	bool routed;			    /* its routes are to be there */
	struct watch *watch; /* on the router it follows, see detector.h; NULL: none */
	int64_t drain_asked_us; /* the last time that the shell's `drain` was called */
	int64_t gave_up_us;  /* it was Active and is at fault or stopped since then; 0: not so */
	struct msg_vrrp_counters counters;
	struct msg_vrrp_heard heard;
	uint32_t rivals; /* advertisements of lower priority heard while Active */
	int64_t rival_us; /* the last of them that was counted */
	struct rival rival; /* another router that is Active too … */
	struct addr rival_address;
	uint8_t rival_priority;
	struct rival claimant; /* … and a machine that has one of the addresses */
	struct claim claim;
	ev_timer rival_timer;
	ev_timer extra; /* garp_extra_if: while it is Active */
	struct vrrp_actions waiting; /* of a takeover: all but the advertisement */
	struct text waiting_why;     /* of their change of state */
	struct instance *next_waiting;
	struct listener *listener; /* on its virtual-MAC interface; NULL: the port hears */
	int listener_index;	   /* of that; -1: none */
	struct again again;	 /* the kernel refused some of the addresses */
	struct text fault;	 /* "": none */
	struct text own_fault;	 /* of which: its own … */
	struct text group_fault; /* … or another member's */
	struct text reason;	 /* of the last change */
	struct log_limit limit;
	struct log_limit auth_limit; /* of who is authenticated: must not hide what is refused */
	struct arena *arena; /* of `config` */
};

struct instance *instance_new(struct vrrp_shell *shell, const struct vrrp_instance *config);
void instance_free(struct instance *in);

/* `handed`: what an earlier incarnation reported, or NULL for a fresh start. */
void instance_start(struct instance *in, const struct msg_vrrp_state *handed);
void instance_reload(struct instance *in, const struct vrrp_instance *config);
/* Configured again before it was gone. */
void instance_revive(struct instance *in, const struct vrrp_instance *config);
/* After a reload: an address may have gone with the instance that had it before. */
void instance_mend(struct instance *in);
void instance_stop(struct instance *in);

/* What its sync group wants, see group.h. `why` is for the log. */
void instance_set_grouped(struct instance *in, bool grouped);
void instance_set_group_fault(struct instance *in, const struct text *fault);
void instance_join_active(struct instance *in, const char *why);
void instance_yield(struct instance *in, const char *why);
/* Before its start: a script has to say first whether it may. */
bool instance_awaits(const struct instance *in);
/* Before its start: finds out what is wrong with its interfaces. */
void instance_probe(struct instance *in);
/* Whether an interface of this name is made for any of the shell's, also one that leaves. */
bool instance_any_makes(void *shell, const char *ifname);

bool instance_is_done(const struct instance *in);
/* No time left: lets go of the addresses now. */
void instance_abandon(struct instance *in);

/* Interfaces or addresses changed: look at them again. */
void instance_observe(struct instance *in);
/* A packet for its VRID. */
void instance_receive(struct instance *in, const struct vrrp_frame *frame);
/* An advertisement of another virtual router has an address of ours in it. */
void instance_hear_other(struct instance *in, const struct vrrp_frame *frame, uint8_t vrid);
/* One of its advertisements did not get out: `err` is -errno. */
void instance_cannot_send(struct instance *in, const struct addr *dst, int err);

/* Somebody says that an address is his, maybe one of ours. */
void instance_hear_claim(struct instance *in, const struct claim *claim);

/* The shell's sync_wait_us or drain_us has changed. */
void instance_set_sync_wait(struct instance *in);
/* Another director that has what this one lacks is Active for it; until then, unless that is told again. */
void instance_peer_serves(struct instance *in, int64_t until_us);
/* The connections of the last moments, asked for at this time, are here. */
void instance_drained(struct instance *in, int64_t asked_us);

/* Of the shell's `idle`: goes on with one takeover. */
void instance_idle(struct ev_loop *loop, ev_idle *w, int events);

void instance_report(const struct instance *in);
void instance_report_counters(const struct instance *in);

#endif
