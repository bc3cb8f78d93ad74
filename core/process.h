/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one role's process: started, brought to the model in force, stopped, started again
 * when it dies. Knows the role's end of the protocol (role.h), and nothing of what the other
 * messages mean: those go to its owner.
 */
#ifndef TANDEM_PROCESS_H
#define TANDEM_PROCESS_H

#include "core/backoff.h"
#include "core/generation.h"
#include "core/link.h"
#include "core/pulse.h"
#include "core/spawn.h"

enum process_phase {
	PROCESS_DOWN,	     /* no process; maybe its restart is due */
	PROCESS_STARTING,    /* no HELLO yet */
	PROCESS_IDLE,	     /* there is no model to run yet */
	PROCESS_OUTDATED,    /* adopted, and another program by now: serves until it is replaced */
	PROCESS_PREPARING,   /* offered the model in force */
	PROCESS_STANDING_BY, /* has prepared the model in force; one word, and it runs it */
	PROCESS_COMMITTING,
	PROCESS_READY,
	PROCESS_STOPPING,
	PROCESS_STOPPED, /* for good */
};
const char *process_phase_name(enum process_phase phase);

struct process;

struct process_ops {
	/* The model in force; NULL: none yet. */
	const struct generation *(*generation)(struct process *p);
	/* How to start it. */
	struct spawn_options (*spawn_options)(struct process *p);
	/* It is connected, started or adopted, and has no model from us yet. */
	void (*arrived)(struct process *p);
	/* It resumes: send it what its former incarnation knew. */
	void (*hand_over)(struct process *p);
	/* What an earlier incarnation left in the kernel, if anything, is for this one to remove. */
	bool (*left_behind)(struct process *p);
	/* It runs the model in force, for the first time in its life or since it was adopted. */
	void (*ready)(struct process *p);
	/* It was adopted and is to be replaced, by process_replace(), when it fits. */
	void (*outdated)(struct process *p);
	/* This stand-by may take over from now on. */
	void (*standing_by)(struct process *p);
	/* It is gone, whatever for. */
	void (*gone)(struct process *p);
	/* It has died: may another one take over? Then it has done so when this returns. */
	bool (*take_over)(struct process *p);
	/* It has died, and is not to be started again (respawn). */
	void (*given_up)(struct process *p);
	/* After process_stop(): it is gone for good. */
	void (*stopped)(struct process *p);
	void (*message)(struct process *p, const struct msg *m);
};

struct process {
	const struct role_desc *desc;
	const struct process_ops *ops;
	void *owner;
	struct ev_loop *loop;
	enum process_phase phase;
	pid_t pid; /* 0: none */
	bool adopted;
	bool fresh; /* runs no model yet */
	bool respawn;
	bool replace_always; /* once adopted: also if its program is the same */
	bool replacing;
	bool stand_by; /* for another one, which serves */
	uint64_t hash; /* of the model that it runs */
	uint64_t generation;
	uint32_t restarts;
	int64_t started_us;
	int64_t gone_us; /* since when nobody serves; 0: it serves, or none ever has */
	char version[32]; /* that it said in its HELLO */
	struct link link;
	/* Private to process.c. */
	uint64_t offered_hash;
	int64_t stop_us; /* it stops when it runs the model, within so long; 0: it does not */
	int failure;
	int pidfd;
	struct backoff backoff;
	ev_child child;
	ev_io adopted_end;
	ev_timer restart_timer;
	ev_timer deadline_timer;
	ev_timer ping_timer;
	uint32_t unanswered; /* pings in a row */
	struct pulse pulse;
	uint32_t put_off; /* how often the deadline was, of a role that is at work */
};

void process_init(struct process *p, struct ev_loop *loop, const struct role_desc *desc,
		  const struct process_ops *ops, void *owner);
void process_start(struct process *p);
void process_start_later(struct process *p, double after_s);
bool process_is_down(const struct process *p); /* and no start is due */
/* The stand-by takes the dead one's place, which becomes its stand-by, not started yet. */
bool process_can_take_over(struct process *p);
void process_take_over(struct process *p, struct process *dead);
/* Ends a stand-by. */
void process_discard(struct process *p);
/* Takes a living role over that has connected; `sock` is now p's. */
void process_adopt(struct process *p, int sock, pid_t pid);
/* An outdated one ends after it has told its state, and another goes on from there: the stand-by,
 * if it can, else a new process. */
void process_replace(struct process *p);
/* The model in force may be another one now. */
void process_update(struct process *p);
/* A transaction has brought it to this model. */
void process_runs(struct process *p, const struct generation *g);
/* Stops in order, or (in_order false) ends it so that it leaves everything as it is. Who has not
 * come so far as to know what was left behind is brought up first, and started if need be. */
void process_stop(struct process *p, int64_t timeout_us, bool in_order);
void process_kill(struct process *p);
bool process_is_ready(const struct process *p);
/* Not silent because it hangs, but because it has not come to an end since this was asked last. */
bool process_is_at_work(struct process *p);
void process_send(struct process *p, const struct msg *m, int fd);

#endif
