/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor: its start, its signals, its end, and what happens between roles. */
#include "core/supervisor.h"
#include "core/suspend.h"

#include "core/arena.h"
#include "core/check_scripts.h"
#include "core/track_files.h"
#include "core/track_processes.h"
#include "core/track_scripts.h"
#include "core/clock.h"
#include "core/daemon.h"
#include "core/fifos.h"
#include "core/mails.h"
#include "core/log.h"
#include "core/manager.h"
#include "core/notify.h"
#include "core/scripts.h"
#include "core/tuning.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Not at the moment when the role that it stands by for has most to do. */
#define STAND_BY_AFTER_S 0.5

/* Between the death of tandem-vrrp and its next advertisement there is little time. */
#define SUPERVISOR_NICE -10

/* For a stand-by of a new program to get ready: so long may it take on a machine that is busy. */
#define STAND_BY_WAIT_S 20

#define HOLD_S 5

/* The roles that talk to each other without us. */
static const struct {
	enum role_id a;
	enum role_id b;
} direct_links[] = {{ROLE_CHECK, ROLE_IPVS}, {ROLE_VRRP, ROLE_IPVS}, {ROLE_VRRP, ROLE_SYNC},
		     {ROLE_IPVS, ROLE_SYNC}};

const char *supervisor_phase_name(enum supervisor_phase phase)
{
	static const char *const names[] = {
		[SUPERVISOR_STARTING] = "starting",
		[SUPERVISOR_RUNNING] = "running",
		[SUPERVISOR_STOPPING] = "stopping",
	};

	return names[phase];
}

bool supervisor_wants(const struct supervisor *s, enum role_id role)
{
	if (role == ROLE_SYNC && !(s->running.model && s->running.model->global->n_peering))
		return false;
	return !(role == ROLE_VRRP ? s->options.check_only : s->options.vrrp_only);
}

struct process *supervisor_process(struct supervisor *s, enum role_id role)
{
	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (s->processes[i]->desc->id == role)
			return s->processes[i];
	return NULL;
}

unsigned supervisor_ready_roles(const struct supervisor *s)
{
	unsigned roles = 0;

	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (process_is_ready(s->processes[i]))
			roles |= s->processes[i]->desc->id;
	return roles;
}

static void commit_trackers(struct supervisor *s)
{
	const struct model *m = s->running.model;

	track_files_commit(s->track_files, m, &s->store);
	if (!supervisor_wants(s, ROLE_VRRP))
		return;
	track_scripts_commit(s->track_scripts, m, &s->store);
	track_processes_commit(s->track_processes, m, &s->store);
	s->track_services.unchecked = !supervisor_wants(s, ROLE_IPVS);
	track_services_commit(&s->track_services, m);
}

static void tune_role(struct process *p)
{
	const struct supervisor *s = p->owner;

	if (p->pid && s->running.model)
		tuning_apply(p->desc, s->running.model->global, p->pid);
}

/* tandem-ipvs tells of a model's services when it has come to the end of it. */
static void leave_untold_services(struct supervisor *s, const struct model *next)
{
	const struct process *p = supervisor_process(s, ROLE_IPVS);

	if (s->running.model && !(process_is_ready(p) && p->hash == s->running.hash))
		store_leave(&s->store, s->running.model, next);
}

void supervisor_set_generation(struct supervisor *s, struct generation *next)
{
	struct generation former;
	int err;

	leave_untold_services(s, next->model);
	apply_keep_former(s);
	former = s->running;
	s->running = *next;
	*next = GENERATION_NONE;
	supervisor_commit_own(s);
	for (size_t i = 0; i < ROLE_COUNT; i++)
		tune_role(s->processes[i]);
	tune_role(s->stand_by);
	commit_trackers(s);
	fifos_commit(s->outlets.fifos, s->running.model);
	mails_commit(s->outlets.mails, s->running.model);
	/* What a former supervisor ran was told by it. */
	if (former.model || !s->statefile.generation)
		notify_model(&s->outlets, former.model, s->running.model, &s->store);
	generation_free(&former);
	store_expect(&s->store, s->running.model);
	suspend_tell(s, supervisor_process(s, ROLE_CHECK));
	err = generation_save(&s->running, s->options.run_dir);
	if (err)
		log_warning("%s/" GENERATION_FILE ": can't be written: %s", s->options.run_dir,
			    strerror(-err));
	s->statefile.generation = s->running.model->generation;
	s->statefile.hash = s->running.hash;
	statefile_touch(&s->statefile);
}

static bool all_ready(const struct supervisor *s)
{
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		const struct process *p = s->processes[i];

		if (p->phase == PROCESS_OUTDATED && s->keeps_outdated)
			continue;
		if (supervisor_wants(s, p->desc->id) &&
		    (!process_is_ready(p) || p->hash != s->running.hash))
			return false;
	}
	return true;
}

/* Not earlier: a role that dies before it has cleaned up after an object that left the model must
 * be told of that object again. */
void supervisor_settle(struct supervisor *s)
{
	if (!all_ready(s))
		return;
	store_retain(&s->store, s->running.model);
	operator_settle(s);
	store_expect(&s->store, s->running.model);
	statefile_touch(&s->statefile);
	room_want(&s->room, arena_bytes(s->running.arena));
	if (s->phase != SUPERVISOR_STARTING)
		return;
	s->phase = SUPERVISOR_RUNNING;
	log_notice("generation %llu runs", (unsigned long long)s->running.model->generation);
	manager_ready(s);
}

/* Both ends are new: whichever of the two is the new one gets all current values of the other. */
static void connect_roles(struct supervisor *s, enum role_id a, enum role_id b)
{
	struct msg to_a = {.type = MSG_LINK, .link = {b}};
	struct msg to_b = {.type = MSG_LINK, .link = {a}};
	int socks[2];

	if (!(supervisor_ready_roles(s) & a) || !(supervisor_ready_roles(s) & b))
		return;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, socks) < 0) {
		log_error("%s and %s can't be connected: %s", role_name(a), role_name(b),
			  strerror(errno));
		return;
	}
	process_send(supervisor_process(s, a), &to_a, socks[0]);
	process_send(supervisor_process(s, b), &to_b, socks[1]);
	close(socks[0]);
	close(socks[1]);
}

static const struct generation *role_generation(struct process *p)
{
	struct supervisor *s = p->owner;

	return s->running.model ? &s->running : NULL;
}

static struct spawn_options role_spawn_options(struct process *p)
{
	const struct supervisor *s = p->owner;
	const struct global *g = s->running.model->global;

	return (struct spawn_options){.run_dir = s->options.run_dir,
				      .log_console = s->options.log_console,
				      .log_detail = s->options.log_detail,
				      .no_swap = tuning_configured(p->desc, g)->no_swap};
}

static const char *role_pid_file(const struct process *p)
{
	const struct supervisor *s = p->owner;

	switch ((unsigned)p->desc->id) {
	case ROLE_VRRP:
		return s->options.vrrp_pid_file;
	case ROLE_CHECK:
		return s->options.check_pid_file;
	}
	return NULL;
}

static void let_held_start(struct supervisor *s, unsigned roles)
{
	unsigned start = s->held & roles;

	s->held &= ~start;
	ev_timer_stop(s->loop, &s->hold);
	if (s->held) {
		ev_timer_set(&s->hold, HOLD_S, 0);
		ev_timer_start(s->loop, &s->hold);
	}
	for (size_t i = 0; i < ROLE_COUNT && s->phase != SUPERVISOR_STOPPING; i++)
		if (start & s->processes[i]->desc->id)
			process_start(s->processes[i]);
}

static bool is_ready(struct supervisor *s, enum role_id role)
{
	return !supervisor_wants(s, role) || process_is_ready(supervisor_process(s, role));
}

/* VRRP is the last: who has the addresses resets what it does not know, unless tandem-sync is there
 * and withholds the resets. */
static void start_held(struct supervisor *s)
{
	if (!s->held || !is_ready(s, ROLE_IPVS))
		return;
	let_held_start(s, is_ready(s, ROLE_SYNC) ? s->held : s->held & ~(unsigned)ROLE_VRRP);
}

static void on_hold(struct ev_loop *loop, ev_timer *w, int events)
{
	struct supervisor *s = w->data;
	enum role_id late = is_ready(s, ROLE_IPVS) ? ROLE_SYNC : ROLE_IPVS;

	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (s->held & role_descs[i].id)
			log_warning("%s: starts although %s is not ready after %d s",
				    role_name(role_descs[i].id), role_name(late), HOLD_S);
	let_held_start(s, s->held);
}

static void hold(struct supervisor *s, enum role_id role)
{
	s->held |= role;
	ev_timer_start(s->loop, &s->hold);
}

/* Adopted roles whose program is another one by now. VRRP comes last, and only when a stand-by of
 * the new program waits to take over: should the new programs not work, it was never touched. */
static const enum role_id replace_order[] = {ROLE_IPVS, ROLE_CHECK, ROLE_SYNC, ROLE_VRRP};

/* False: it is on its way. */
static bool stand_by_is_there(struct supervisor *s, const struct process *p)
{
	if (p->desc != s->stand_by->desc || !p->respawn || process_can_take_over(s->stand_by))
		return true;
	if (ev_is_active(&s->replacing))
		return false;
	if (process_is_down(s->stand_by))
		process_start(s->stand_by);
	ev_timer_set(&s->replacing, STAND_BY_WAIT_S, 0);
	ev_timer_start(s->loop, &s->replacing);
	return false;
}

/* One after the other: the next when the last one serves. */
static void replace_next(struct supervisor *s)
{
	if (s->phase == SUPERVISOR_STOPPING || adopt_is_waiting(s))
		return;
	for (size_t i = 0; i < sizeof(replace_order) / sizeof(replace_order[0]); i++) {
		struct process *p = supervisor_process(s, replace_order[i]);

		if (p->phase == PROCESS_READY || !supervisor_wants(s, p->desc->id))
			continue;
		if (p->phase == PROCESS_OUTDATED && !p->replacing && stand_by_is_there(s, p)) {
			ev_timer_stop(s->loop, &s->replacing);
			process_replace(p);
		}
		return;
	}
}

static void on_no_stand_by(struct ev_loop *loop, ev_timer *w, int events)
{
	struct supervisor *s = w->data;
	struct process *p = supervisor_process(s, s->stand_by->desc->id);

	if (p->phase != PROCESS_OUTDATED || s->phase == SUPERVISOR_STOPPING)
		return;
	log_error("%s: no stand-by of the new program after %d s: the old one serves on",
		  role_name(p->desc->id), STAND_BY_WAIT_S);
	s->keeps_outdated = true;
	supervisor_settle(s);
}

static void role_outdated(struct process *p)
{
	replace_next(p->owner);
}

static void role_standing_by(struct process *p)
{
	replace_next(p->owner);
}

static void role_ready(struct process *p)
{
	struct supervisor *s = p->owner;

	daemon_write_pid(role_pid_file(p), p->pid);
	start_held(s);
	for (size_t i = 0; i < sizeof(direct_links) / sizeof(direct_links[0]); i++)
		if ((direct_links[i].a | direct_links[i].b) & p->desc->id)
			connect_roles(s, direct_links[i].a, direct_links[i].b);
	if (p->desc == s->stand_by->desc && p->respawn && process_is_down(s->stand_by) &&
	    s->phase != SUPERVISOR_STOPPING)
		process_start_later(s->stand_by, STAND_BY_AFTER_S);
	replace_next(s);
	supervisor_settle(s);
}

static bool role_take_over(struct process *dead)
{
	struct supervisor *s = dead->owner;
	struct process *next = s->stand_by;

	if (next->desc != dead->desc || !process_can_take_over(next))
		return false;
	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (s->processes[i] == dead)
			s->processes[i] = next;
	s->stand_by = dead;
	process_take_over(next, dead);
	return true;
}

/* Then the kernel's table is there already, and others wait for our advertisement. */
static bool vrrp_resumes(const struct supervisor *s)
{
	const struct model *m = s->running.model;
	struct msg last;

	for (uint32_t i = 0; i < m->n_instances; i++)
		if (store_get(&s->store, MSG_VRRP_STATE, m->instances[i].id, &last))
			return true;
	return false;
}

static bool role_left_behind(struct process *p)
{
	const struct supervisor *s = p->owner;

	/* Of addresses too, whose state is forgotten when it is too old to go on from. */
	return (p->desc->id == ROLE_VRRP || p->desc->id == ROLE_IPVS) &&
	       supervisor_wants(s, p->desc->id) && (s->resumes || p->restarts);
}

static void role_gone(struct process *p)
{
	struct supervisor *s = p->owner;

	daemon_write_pid(role_pid_file(p), 0);
	reload_role_gone(s, p->desc->id);
	snapshot_role_gone(s, p->desc->id);
}

/* VRRP first: it goes on forwarding until its successor is there, which takes the others. What the
 * kernel still has to tell goes to the peers before ipvs takes the services away. */
static void stop_next(struct supervisor *s)
{
	static const int64_t timeouts_us[ROLE_COUNT] = {15 * USEC_PER_SEC, 2 * USEC_PER_SEC,
							5 * USEC_PER_SEC, 5 * USEC_PER_SEC};

	for (size_t i = 0; i < ROLE_COUNT; i++) {
		struct process *p = s->processes[i];

		if (p->phase == PROCESS_STOPPED)
			continue;
		if (p->phase != PROCESS_STOPPING)
			process_stop(p, timeouts_us[i],
				     p->desc->id != ROLE_IPVS || !s->options.keep_ipvs);
		return;
	}
	supervisor_drain(s);
}

static void role_stopped(struct process *p)
{
	stop_next(p->owner);
}

/* As keepalived's -R: the rest alone would be half a director, and whoever watches us must see. */
static void role_given_up(struct process *p)
{
	supervisor_stop(p->owner);
}

void supervisor_stop(struct supervisor *s)
{
	if (s->phase == SUPERVISOR_STOPPING)
		return;
	s->phase = SUPERVISOR_STOPPING;
	log_notice("stopping");
	manager_stopping(s);
	process_discard(s->stand_by);
	if (!adopt_is_waiting(s))
		stop_next(s);
}

/* A stop that came meanwhile has waited for it: left alone, the roles would end in any order. */
void supervisor_adopted(struct supervisor *s)
{
	if (s->phase == SUPERVISOR_STOPPING)
		stop_next(s);
	else
		replace_next(s);
}

static const struct process_ops process_ops = {
	.generation = role_generation,
	.spawn_options = role_spawn_options,
	.arrived = tune_role,
	.hand_over = supervisor_hand_over,
	.left_behind = role_left_behind,
	.ready = role_ready,
	.outdated = role_outdated,
	.standing_by = role_standing_by,
	.gone = role_gone,
	.take_over = role_take_over,
	.given_up = role_given_up,
	.stopped = role_stopped,
	.message = supervisor_message,
};

static void on_signal(struct ev_loop *loop, ev_signal *w, int events)
{
	struct supervisor *s = w->data;

	if (s->phase == SUPERVISOR_STOPPING)
		return;
	if (w->signum == SIGHUP)
		reload_request(s);
	else if (w->signum == SIGUSR1)
		snapshot_write_data(s);
	else if (w->signum == SIGUSR2)
		snapshot_write_stats(s);
	else
		supervisor_stop(s);
}

/* Who is told to stop has to clean up, however early it is told: from the moment when its pid is
 * known such a signal waits until it is caught. */
static void hold_signals(bool hold)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void catch_signals(struct supervisor *s)
{
	static const int numbers[] = {SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		ev_signal_init(&s->signals[i], on_signal, numbers[i]);
		s->signals[i].data = s;
		ev_signal_start(s->loop, &s->signals[i]);
	}
	hold_signals(false);
}

/* What a former supervisor knew; a role that lives will say it again itself. */
static void load_state(struct supervisor *s)
{
	int err = statefile_load(&s->statefile, &s->store);

	if (err == -ENOENT || err == -ESTALE)
		return;
	s->resumes = true;
	if (err)
		log_warning("%s: read in part only: %s", s->statefile.path, strerror(-err));
	else
		log_notice("resuming from %s", s->statefile.path);
}

/* The file may have been broken since: what its former state runs is not stopped for that. */
static int run_former_generation(struct supervisor *s, struct generation *first)
{
	struct generation former;
	int err = generation_restore(&former, s->options.run_dir);

	if (err)
		return err;
	generation_free(first);
	*first = former;
	s->file_refused = true;
	return 0;
}

/* Both may have died before tandem-ipvs had told of them. */
static void leave_former_services(struct supervisor *s, const struct model *next)
{
	struct generation former;

	if (generation_restore(&former, s->options.run_dir) < 0)
		return;
	store_leave(&s->store, former.model, next);
	generation_free(&former);
}

/* 0 or -errno, after saying why. */
static int load_first_generation(struct supervisor *s)
{
	uint64_t former = s->statefile.generation, former_hash = s->statefile.hash;
	struct generation first;
	int err = generation_load(&first, &s->options, former ? former : 1);

	if (!err && former && first.hash != former_hash)
		err = generation_renumber(&first, former + 1);
	if (err && former && run_former_generation(s, &first) == 0)
		err = 0;
	reload_log_diags(&first.diags, "configuration");
	if (err) {
		log_error("%s: can't be used: %zu errors", s->options.config_file,
			  first.diags.n_errors);
		generation_free(&first);
		return err;
	}
	if (s->options.dump_config)
		generation_log(&first);
	if (former && first.hash != former_hash)
		leave_former_services(s, first.model);
	supervisor_set_generation(s, &first);
	return 0;
}

/*
 * ipvs comes first, and has the machine for itself: it needs no verdict to begin with. Who draws
 * traffic must be able to pass it on.
 */
static bool waits_for_ipvs(const struct supervisor *s, enum role_id role)
{
	return role == ROLE_CHECK || role == ROLE_SYNC || (role == ROLE_VRRP && !vrrp_resumes(s));
}

void supervisor_start_roles(struct supervisor *s)
{
	unsigned adopted = adopt_begin(s);

	if (!(adopted & ROLE_VRRP))
		supervisor_forget_aged(s, clock_now_us() - s->statefile.alive_us - STATEFILE_BEAT_US);
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		enum role_id role = role_descs[i].id;

		if ((adopted & role) || !supervisor_wants(s, role))
			continue;
		if (supervisor_wants(s, ROLE_IPVS) && !(adopted & ROLE_IPVS) &&
		    waits_for_ipvs(s, role))
			hold(s, role);
		else
			process_start(s->processes[i]);
	}
}

void supervisor_start_wanted(struct supervisor *s)
{
	struct process *p = supervisor_process(s, ROLE_SYNC);

	if (s->phase == SUPERVISOR_RUNNING && supervisor_wants(s, ROLE_SYNC) && process_is_down(p))
		process_start(p);
}

static const struct role_desc *stand_by_desc(void)
{
	const struct role_desc *desc = role_descs;

	while (!desc->stand_by)
		desc++;
	return desc;
}

static void init(struct supervisor *s, const struct options *o)
{
	*s = (struct supervisor){.options = *o, .started_us = clock_now_us()};
	s->running = GENERATION_NONE;
	s->adopt.sock = -1;
	s->control.sock = -1;
	s->loop = ev_default_loop(EVFLAG_NOSIGMASK);
	store_init(&s->store);
	s->store_limit = (struct log_limit){.interval_us = 60 * USEC_PER_SEC, .burst = 1};
	statefile_init(&s->statefile, s->loop, o->run_dir, &s->store);
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		s->processes[i] = &s->process_memory[i];
		process_init(s->processes[i], s->loop, &role_descs[i], &process_ops, s);
		s->processes[i]->respawn = !o->no_respawn;
		s->processes[i]->replace_always = o->replace_roles;
	}
	s->stand_by = &s->process_memory[ROLE_COUNT];
	process_init(s->stand_by, s->loop, stand_by_desc(), &process_ops, s);
	s->stand_by->stand_by = true;
	ev_timer_init(&s->hold, on_hold, HOLD_S, 0);
	s->hold.data = s;
	ev_init(&s->replacing, on_no_stand_by);
	s->replacing.data = s;
	room_init(&s->room, s->loop);
	supervisor_init_own(s);
	handover_init(s);
	reload_init(s);
	apply_init(s);
	snapshot_init(s);
}

/* Kept, so that the next incarnation of tandem-vrrp, and of us, begins with it. */
static void tell_tracker(void *ctx, const struct msg_track_state *state)
{
	const struct msg m = {.type = MSG_TRACK_STATE, .track_state = *state};
	struct supervisor *s = ctx;

	if (store_put(&s->store, &m, NULL) == STORE_SAME)
		return;
	statefile_touch(&s->statefile);
	process_send(supervisor_process(s, ROLE_VRRP), &m, -1);
}

static void tell_file_value(void *ctx, const struct msg_file_value *value)
{
	const struct msg m = {.type = MSG_FILE_VALUE, .file_value = *value};
	struct supervisor *s = ctx;

	if (store_put(&s->store, &m, NULL) == STORE_SAME)
		return;
	statefile_touch(&s->statefile);
	process_send(supervisor_process(s, ROLE_VRRP), &m, -1);
	process_send(supervisor_process(s, ROLE_CHECK), &m, -1);
}

static void tell_script_end(void *ctx, const struct msg_script_end *end)
{
	const struct msg m = {.type = MSG_SCRIPT_END, .script_end = *end};

	process_send(supervisor_process(ctx, ROLE_CHECK), &m, -1);
}

/* 0 or -errno, after saying why. */
static int start_runners(struct supervisor *s)
{
	int err = scripts_new(s->loop, SCRIPTS_NOTIFY_MAX, &s->outlets.scripts);

	if (!err)
		err = fifos_new(s->loop, s->options.run_dir, &s->outlets.fifos);
	if (!err)
		err = mails_new(s->loop, s->outlets.scripts, &s->outlets.mails);
	if (!err)
		err = check_scripts_new(s->loop, tell_script_end, s, &s->check_scripts);
	if (!err)
		err = track_scripts_new(s->loop, tell_tracker, s, &s->track_scripts);
	if (!err)
		err = track_processes_new(s->loop, tell_tracker, s, &s->track_processes);
	if (err) {
		log_error("scripts can't be run: %s", strerror(-err));
		return err;
	}
	s->track_services = (struct track_services){.store = &s->store, .tell = tell_tracker, .ctx = s};
	err = track_files_new(s->loop, tell_file_value, s, &s->track_files);
	if (err)
		log_error("files can't be watched: %s", strerror(-err));
	return err;
}

/* 0 or -errno, after saying why. */
static int start(struct supervisor *s)
{
	int err;

	catch_signals(s);
	err = start_runners(s);
	if (err)
		return err;
	load_state(s);
	err = load_first_generation(s);
	if (!err)
		err = control_init(s);
	if (err)
		return err;
	operator_init(s);
	setpriority(PRIO_PROCESS, 0, SUPERVISOR_NICE); /* a container may forbid it: then not */
	manager_init(s);
	statefile_begin(&s->statefile);
	supervisor_start_up(s);
	if (s->file_refused)
		reload_request(s); /* says what is wrong with the file */
	return 0;
}

static void done(struct supervisor *s)
{
	adopt_end(s);
	control_done(s);
	operator_done(s);
	handover_done(s);
	ev_timer_stop(s->loop, &s->replacing);
	room_done(&s->room);
	snapshot_done(s);
	reload_timer_done(&s->reload_timer);
	reload_done(s);
	apply_done(s);
	manager_done(s);
	scripts_free(s->outlets.scripts);
	fifos_free(s->outlets.fifos);
	mails_free(s->outlets.mails);
	check_scripts_free(s->check_scripts);
	track_scripts_free(s->track_scripts);
	track_files_free(s->track_files);
	track_processes_free(s->track_processes);
	track_services_done(&s->track_services);
	store_done(&s->store);
	generation_free(&s->running);
}

/* What stays behind is for a successor, or there is none. */
static void end(struct supervisor *s)
{
	if (s->handover.kind != HANDOVER_NONE && s->phase != SUPERVISOR_STOPPING) {
		statefile_flush(&s->statefile);
		return;
	}
	s->handover.kind = HANDOVER_NONE;
	statefile_remove(&s->statefile);
	generation_forget(s->options.run_dir);
	log_notice("stopped");
}

/* In the foreground, or in the child. */
static int run(const struct options *o, int parent)
{
	struct supervisor s = {.handover = {.kind = HANDOVER_NONE}};
	struct daemon_place own;
	bool owned;
	int err;

	hold_signals(true);
	err = daemon_own(o->run_dir, o->pid_file, &own);
	owned = !err;
	if (owned) {
		init(&s, o);
		err = start(&s);
	}
	daemon_tell_parent(parent, err ? EXIT_FAILURE : EXIT_SUCCESS);
	if (!err) {
		ev_run(s.loop, 0);
		end(&s);
	}
	if (owned)
		done(&s);
	daemon_disown(&own);
	if (!err && s.handover.kind == HANDOVER_EXECUTE)
		return handover_execute(o);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* We are it already, and have its descriptors. */
static int become_daemon(const struct options *o, int *ret_parent)
{
	*ret_parent = -1;
	return o->foreground || o->replace_roles ? 0 : daemon_fork(ret_parent);
}

int supervisor_run(const struct options *given)
{
	struct options o = *given;
	int parent, err;

	o.replace_roles = handover_is_successor();
	err = become_daemon(&o, &parent);
	if (!err)
		err = options_find_program(&o);
	if (err) {
		fprintf(stderr, "tandemd: can't go to the background: %s\n", strerror(-err));
		return EXIT_FAILURE;
	}
	arena_keep_memory();
	log_open("tandemd", o.log_console, o.log_detail ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	return run(&o, parent);
}
