/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One director: the machine under test, and around it what the process and its host do for it. The
 * process can be killed, resumed from what the supervisor was told last, or held up; the kernel's
 * addresses outlive it. It behaves as vrrp/instance.c does, and tells the watch of every step.
 */
#ifndef TANDEM_FAKE_NODE_H
#define TANDEM_FAKE_NODE_H

#include "tests/fake/channel.h"
#include "tests/fake/lan.h"
#include "tests/fake/reference.h"
#include "vrrp/handed.h"
#include "vrrp/machine.h"

#define NODE_INBOX_MAX	  64
#define NODE_REMEMBERED	  16
#define NODE_NO_ADDRESSES 0

struct world;

enum node_life {
	NODE_OFF, /* no process is there, or wanted */
	NODE_RUNNING,
	NODE_HELD_UP, /* SIGSTOP, or a machine that swaps: time passes without it */
	NODE_KILLED,  /* the process died; the supervisor has not started the next one yet */
};

struct node {
	unsigned id;
	char name[8];
	struct vrrp_conf conf;
	struct vrrp_machine m;
	enum node_life life;
	bool link_up;
	bool tracked_up;    /* else FAULT, but peers can be told */
	uint32_t addresses; /* conf.addresses_gen of those on the interface */
	struct msg_vrrp_state report;
	bool reported;
	struct channel_end channel;
	unsigned dies_after; /* the process dies after so many actions more; 0: it does not */
	int64_t deadline_us;
	int64_t wake_us;
	unsigned n_inbox;
	struct lan_frame inbox[NODE_INBOX_MAX];
	/* For the watch */
	struct reference ref;
	enum vrrp_state_id was; /* before the step */
	bool sent_before_add;
	int64_t sent_us[NODE_REMEMBERED]; /* the last advertisements as Active */
	unsigned n_sent;
	int64_t zero_us;  /* the last priority 0 */
	unsigned n_woken; /* in a row, with a deadline in the past */
	int64_t pace_us;  /* the interval that the last one promised */
	int64_t heard_us; /* an advertisement, last, and the interval that it told */
	int64_t heard_int_us;
	int64_t asked_us; /* for the connections of the last moments */
	bool waits; /* for those */
};

void node_init(struct node *n, unsigned id, const struct vrrp_conf *conf);

void node_start(struct world *w, struct node *n);
void node_stop(struct world *w, struct node *n);
void node_kill(struct world *w, struct node *n);	 /* the process: its host lives on */
void node_kill_in_step(struct world *w, struct node *n); /* in the middle of what it does next */
void node_resume(struct world *w, struct node *n);	 /* the next process */
void node_forget(struct world *w, struct node *n);	 /* the supervisor died as well */
void node_power_off(struct world *w, struct node *n);
void node_hold_up(struct world *w, struct node *n);
void node_go_on(struct world *w, struct node *n);
void node_set_link(struct world *w, struct node *n, bool up);
void node_set_tracked(struct world *w, struct node *n, bool up);
void node_reload(struct world *w, struct node *n, const struct vrrp_conf *conf);

void node_receive(struct world *w, struct node *n, const struct lan_frame *f);
/* What the channel tells. */
void node_serves(struct world *w, struct node *n, int64_t until_us);
void node_drained(struct world *w, struct node *n);
void node_wake(struct world *w, struct node *n);
int64_t node_wake_us(const struct node *n); /* USEC_NEVER: not by itself */

/* Its machine runs and its interface works. */
bool node_is_well(const struct node *n);
bool node_is_active(const struct node *n);

#endif
