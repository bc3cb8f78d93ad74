/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: one struct that its files share, and what each of them offers to the others.
 * It parses no network input and never waits: everything happens on one event loop.
 */
#ifndef TANDEM_SUPERVISOR_H
#define TANDEM_SUPERVISOR_H

#include "core/adopt.h"
#include "core/apply.h"
#include "core/control.h"
#include "core/handover.h"
#include "core/log.h"
#include "core/notify.h"
#include "core/operator.h"
#include "core/once_script.h"
#include "core/process.h"
#include "core/reload.h"
#include "core/reload_timer.h"
#include "core/room.h"
#include "core/snapshot.h"
#include "core/statefile.h"
#include "core/store.h"
#include "core/track_services.h"

enum supervisor_phase {
	SUPERVISOR_STARTING,
	SUPERVISOR_RUNNING, /* every role has run the first model */
	SUPERVISOR_STOPPING,
};
const char *supervisor_phase_name(enum supervisor_phase phase);

struct supervisor {
	struct ev_loop *loop;
	struct options options;
	enum supervisor_phase phase;
	struct generation running;	       /* the model in force */
	struct process *processes[ROLE_COUNT]; /* that serve, in the order of role_descs */
	struct process *stand_by;	       /* of one of them */
	struct process process_memory[ROLE_COUNT + 1];
	struct store store;
	struct log_limit store_limit;
	struct statefile statefile;
	struct reload reload;
	struct apply apply;
	struct adopt adopt;
	bool keeps_outdated; /* its successor does not come: it serves on */
	ev_timer replacing; /* until then a stand-by should be there */
	struct handover handover;
	struct control control;
	struct snapshot snapshot;
	struct operator operator;
	int pid_fd;
	int64_t started_us;
	bool resumes; /* goes on from what a former supervisor knew */
	bool file_refused; /* at the start: a former supervisor's model runs on */
	ev_signal signals[5];
	ev_timer watchdog;
	unsigned held; /* roles that wait, at the start, until ipvs has programmed the kernel; and
			* vrrp until sync is there */
	ev_timer hold;
	struct notify_outlets outlets;
	struct check_scripts *check_scripts;
	struct track_scripts *track_scripts;
	struct track_files *track_files;
	struct track_processes *track_processes;
	struct track_services track_services;
	mode_t umask; /* that we were started with */
	struct reload_timer reload_timer;
	struct room room;
	struct once_script startup, shutdown;
	ev_timer drain; /* waits for the scripts, at the end */
	int64_t drain_until_us;
};

/* Runs until it is told to stop; returns the exit status. */
int supervisor_run(const struct options *o);

/* A role that the new generation is the first to need. */
void supervisor_start_wanted(struct supervisor *s);
bool supervisor_wants(const struct supervisor *s, enum role_id role);
struct process *supervisor_process(struct supervisor *s, enum role_id role);
/* Roles that run the model in force, as a set. */
unsigned supervisor_ready_roles(const struct supervisor *s);
/* Replaces the model in force; `next` is now the supervisor's. */
void supervisor_set_generation(struct supervisor *s, struct generation *next);
/* Once every role runs the model in force: forgets what is not in it, and is ready. */
void supervisor_settle(struct supervisor *s);
/* No living role is waited for any more. */
void supervisor_adopted(struct supervisor *s);
void supervisor_stop(struct supervisor *s);

void supervisor_start_roles(struct supervisor *s);

/* supervisor_own.c: what it does for itself. */
void supervisor_init_own(struct supervisor *s);
/* As the model in force says. */
void supervisor_commit_own(struct supervisor *s);
/* Starts the roles, once startup_script has ended. */
void supervisor_start_up(struct supervisor *s);
/* All roles have ended: ends the loop when shutdown_script and the last notifications are done. */
void supervisor_drain(struct supervisor *s);

/* supervisor_state.c: what a role is told before its first commit, and what it says. */
/* VRRP was silent for so long: what others have taken over meanwhile is forgotten. */
void supervisor_forget_aged(struct supervisor *s, int64_t silent_us);
void supervisor_hand_over(struct process *p);
void supervisor_message(struct process *p, const struct msg *m);

#endif
