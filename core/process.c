/* SPDX-License-Identifier: Apache-2.0 */
/* The life of one role's process: see process.h. */
#include "core/process.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/msg_schema.h"
#include "core/program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* From the start to running the model: generous, but a role that hangs must not hang for ever. */
#define BRING_UP_TIMEOUT_S 10.0
/* So often it is put off for one that is at work all the time, on a machine that hardly lets it. */
#define PUT_OFF_MAX 5

/* A role whose loop does not turn for so many pings hangs. Pings are counted, not seconds: when the
 * whole machine has stood still, the answer comes before the next ping. */
#define PING_INTERVAL_S 4.0
#define UNANSWERED_MAX	4

/* For an outdated role to tell its state, before it is replaced. */
#define REPORT_TIMEOUT_S 1.0

static void begin(struct process *p);

const char *process_phase_name(enum process_phase phase)
{
	static const char *const names[] = {
		[PROCESS_DOWN] = "down",	   [PROCESS_STARTING] = "starting",
		[PROCESS_IDLE] = "idle",	   [PROCESS_OUTDATED] = "outdated",
		[PROCESS_PREPARING] = "preparing", [PROCESS_STANDING_BY] = "standing by",
		[PROCESS_COMMITTING] = "committing", [PROCESS_READY] = "ready",	   [PROCESS_STOPPING] = "stopping",
		[PROCESS_STOPPED] = "stopped",
	};

	return names[phase];
}

static const char *name(const struct process *p)
{
	return p->stand_by ? p->desc->stand_by : role_name(p->desc->id);
}

static void set_deadline(struct process *p, double after_s)
{
	ev_timer_stop(p->loop, &p->deadline_timer);
	ev_timer_set(&p->deadline_timer, after_s, 0);
	ev_timer_start(p->loop, &p->deadline_timer);
}

static void set_bring_up_deadline(struct process *p)
{
	p->put_off = 0;
	process_is_at_work(p); /* from now on */
	set_deadline(p, BRING_UP_TIMEOUT_S);
}

static void clear_deadline(struct process *p)
{
	ev_timer_stop(p->loop, &p->deadline_timer);
}

bool process_is_ready(const struct process *p)
{
	return p->phase == PROCESS_READY;
}

void process_send(struct process *p, const struct msg *m, int fd)
{
	if (msg_allowed(m->type, ROLE_SUPERVISOR, p->desc->id))
		link_send(&p->link, m, fd);
}

void process_kill(struct process *p)
{
	if (p->pid)
		kill(p->pid, SIGKILL);
}

/* Who is busy with a model does not come to answer pings. */
bool process_is_at_work(struct process *p)
{
	bool is = p->pid && pulse_feel(&p->pulse, p->pid);

	if (is)
		p->unanswered = 0;
	return is;
}

static void on_ping_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct process *p = w->data;
	struct msg m = {.type = MSG_PING};

	if (p->unanswered++ < UNANSWERED_MAX) {
		process_send(p, &m, -1);
		return;
	}
	log_error("%s: hangs: has not answered for %d s: killed", name(p),
		  (int)(UNANSWERED_MAX * PING_INTERVAL_S));
	ev_timer_stop(loop, w);
	process_kill(p);
}

static void watch(struct process *p)
{
	clear_deadline(p);
	p->unanswered = 0;
	ev_timer_again(p->loop, &p->ping_timer);
}

static void stop_in_order(struct process *p, int64_t timeout_us)
{
	struct msg m = {.type = MSG_STOP, .stop = {clock_now_us() + timeout_us}};

	p->phase = PROCESS_STOPPING;
	ev_timer_stop(p->loop, &p->ping_timer);
	/* A little later than it was told, so that its own deadline comes first. */
	set_deadline(p, (double)timeout_us / USEC_PER_SEC + 0.5);
	/* Who is not listened to has no supervisor, and ends in order when it is asked to. */
	if (link_is_open(&p->link))
		process_send(p, &m, -1);
	else
		kill(p->pid, SIGTERM);
}

static void become_ready(struct process *p)
{
	watch(p);
	p->phase = PROCESS_READY;
	p->gone_us = 0;
	p->ops->ready(p);
}

static void offer(struct process *p, const struct generation *g)
{
	struct msg m = {.type = MSG_PREPARE,
			.prepare = {.generation = g->model->generation, .model_hash = g->hash}};

	p->offered_hash = g->hash;
	p->generation = g->model->generation;
	p->phase = PROCESS_PREPARING;
	set_bring_up_deadline(p);
	process_send(p, &m, generation_image_for(g, p->desc->id));
}

void process_update(struct process *p)
{
	const struct generation *g = p->ops->generation(p);

	if (g && p->phase == PROCESS_STANDING_BY && p->offered_hash != g->hash)
		offer(p, g);
	if (!g || (p->phase != PROCESS_READY && p->phase != PROCESS_IDLE))
		return;
	if (p->hash != g->hash)
		offer(p, g);
	else if (p->phase == PROCESS_IDLE)
		become_ready(p);
}

void process_runs(struct process *p, const struct generation *g)
{
	p->hash = g->hash;
	p->generation = g->model->generation;
}

static const char outdated_hello[] = "speaks another version's messages";

/* Another program than a new process would be. NULL: it is the same. */
static const char *outdated(const struct process *p, const struct msg_hello *hello)
{
	char path[512];
	uint64_t now = program_identity(spawn_program_path(p->desc->program, path, sizeof(path)));

	if (hello->messages != msg_schema_hash())
		return outdated_hello;
	if (strcmp(p->version, PACKAGE_VERSION) != 0)
		return "is of another version";
	if (now && hello->program != now)
		return "runs a program that has been replaced";
	return p->replace_always ? "is to be upgraded" : NULL;
}

/* Who speaks other messages is not listened to: what a former supervisor wrote down has to do. */
static void become_outdated(struct process *p, const char *why, bool understood)
{
	log_notice("%s: process %d (version %s) %s: serves until a new one takes over", name(p),
		   (int)p->pid, p->version[0] ? p->version : "unknown", why);
	clear_deadline(p);
	p->phase = PROCESS_OUTDATED;
	if (!understood)
		link_close(&p->link);
	p->ops->outdated(p);
}

void process_replace(struct process *p)
{
	struct msg m = {.type = MSG_REPORT};

	p->replacing = true;
	if (!link_is_open(&p->link)) {
		process_kill(p);
		return;
	}
	set_deadline(p, REPORT_TIMEOUT_S);
	process_send(p, &m, -1);
}

static void on_hello(struct process *p, const struct msg_hello *hello)
{
	const char *why;

	if (hello->role != p->desc->id || hello->pid != (uint32_t)p->pid) {
		log_error("%s: says it is process %u and not a %s: replaced", name(p), hello->pid,
			  p->desc->program);
		process_kill(p);
		return;
	}
	p->ops->arrived(p);
	p->fresh = hello->generation == 0;
	p->hash = hello->model_hash;
	p->generation = hello->generation;
	snprintf(p->version, sizeof(p->version), "%.31s", hello->version.s);
	why = p->adopted ? outdated(p, hello) : NULL;
	if (why) {
		become_outdated(p, why, hello->messages == msg_schema_hash());
		return;
	}
	p->phase = PROCESS_IDLE;
	clear_deadline(p);
	process_update(p);
}

static void commit(struct process *p)
{
	struct msg m = {.type = MSG_COMMIT, .generation = {p->generation}};

	if (p->fresh)
		p->ops->hand_over(p);
	p->phase = PROCESS_COMMITTING;
	process_send(p, &m, -1);
	if (p->stop_us)
		stop_in_order(p, p->stop_us);
}

static void on_prepared(struct process *p, const struct msg_prepared *m)
{
	if (m->generation != p->generation)
		return;
	if (m->error) {
		log_error("%s: refused generation %llu: %s", name(p),
			  (unsigned long long)m->generation, m->reason.s);
		process_kill(p);
	} else if (p->stand_by) {
		p->phase = PROCESS_STANDING_BY;
		watch(p);
		process_update(p);
		if (p->phase == PROCESS_STANDING_BY)
			p->ops->standing_by(p);
	} else {
		commit(p);
	}
}

bool process_can_take_over(struct process *p)
{
	const struct generation *g = p->ops->generation(p);

	return p->phase == PROCESS_STANDING_BY && g && p->offered_hash == g->hash;
}

void process_take_over(struct process *p, struct process *dead)
{
	p->stand_by = false;
	p->restarts = dead->restarts;
	p->gone_us = dead->gone_us;
	p->started_us = clock_now_us();
	dead->stand_by = true;
	set_bring_up_deadline(p);
	commit(p);
}

static void on_committed(struct process *p, const struct msg_generation *m)
{
	if (m->generation != p->generation)
		return;
	p->fresh = false;
	p->hash = p->offered_hash;
	become_ready(p);
	process_update(p);
}

/* Answers to what this file asked for; all else is the owner's. */
static void on_message(struct link *l, const struct msg *m, int fd)
{
	struct process *p = l->owner;

	if (fd >= 0)
		close(fd);
	if (!msg_allowed(m->type, p->desc->id, ROLE_SUPERVISOR)) {
		log_error("%s: sent %s, which it must not: replaced", name(p), msg_name(m->type));
		process_kill(p);
	} else if (m->type == MSG_HELLO && p->phase == PROCESS_STARTING) {
		on_hello(p, &m->hello);
	} else if (m->type == MSG_PREPARED && p->phase == PROCESS_PREPARING) {
		on_prepared(p, &m->prepared);
	} else if (m->type == MSG_COMMITTED && p->phase == PROCESS_COMMITTING) {
		on_committed(p, &m->generation);
	} else if (m->type == MSG_PONG) {
		p->unanswered = 0;
	} else if (m->type == MSG_REPORTED && p->replacing) {
		process_kill(p);
	} else if (!p->stand_by) {
		p->ops->message(p, m);
	}
}

/* Mostly its death, of which the loop is about to tell; a living one without us is of no use. */
static void on_lost(struct link *l, int err)
{
	struct process *p = l->owner;

	/* A HELLO that we can't read may be another version's. */
	if (err == -EBADMSG && p->adopted && p->phase == PROCESS_STARTING) {
		become_outdated(p, outdated_hello, false);
		return;
	}
	if (err == -EBADMSG)
		log_error("%s: sent nonsense: replaced", name(p));
	link_close(l);
	process_kill(p);
}

static const struct link_ops link_ops = {on_message, on_lost};

static void describe_end(int status, struct text *ret)
{
	if (status < 0)
		text_set(ret, "ended");
	else if (WIFSIGNALED(status))
		text_set(ret, "ended by signal %d", WTERMSIG(status));
	else
		text_set(ret, "ended with status %d", WEXITSTATUS(status));
}

static void become_stopped(struct process *p)
{
	p->phase = PROCESS_STOPPED;
	p->ops->stopped(p);
}

static void restart_or_not(struct process *p, const struct text *how)
{
	int64_t delay_us = backoff_delay_us(&p->backoff, clock_now_us() - p->started_us);

	if (p->stop_us) {
		log_error("%s: %s: what it has left in the kernel stays", name(p), how->s);
		become_stopped(p);
		return;
	}
	if (!p->respawn) {
		log_error("%s: %s: not started again (-R)", name(p), how->s);
		p->ops->given_up(p);
		return;
	}
	p->restarts++;
	if (delay_us) {
		log_error("%s: %s: started again in %d s", name(p), how->s,
			  (int)(delay_us / USEC_PER_SEC));
		process_start_later(p, (double)delay_us / USEC_PER_SEC);
	} else if (!p->stand_by && p->ops->take_over(p)) {
		log_error("%s: %s: its stand-by takes over", role_name(p->desc->id), how->s);
	} else {
		begin(p);
		log_error("%s: %s: restarted at once", name(p), how->s);
	}
}

/* Planned, so no failure. */
static void put_new_in_place(struct process *p)
{
	bool stood_by = p->ops->take_over(p);

	p->replacing = false;
	if (!stood_by)
		begin(p);
	log_notice("%s: replaced by %s", role_name(p->desc->id),
		   stood_by ? "its stand-by" : "a new process");
}

static void forget_process(struct process *p)
{
	link_drain(&p->link);
	link_close(&p->link);
	clear_deadline(p);
	ev_timer_stop(p->loop, &p->ping_timer);
	ev_child_stop(p->loop, &p->child);
	ev_io_stop(p->loop, &p->adopted_end);
	if (p->pidfd >= 0)
		close(p->pidfd);
	p->pidfd = -1;
	p->pid = 0;
	p->adopted = false;
	p->hash = 0;
}

static void on_end(struct process *p, int status)
{
	struct text how;

	forget_process(p);
	describe_end(status, &how);
	if (p->failure >= 0)
		spawn_failure(p->failure, &how);
	p->failure = -1;
	if (p->phase == PROCESS_STOPPING || p->stop_us) {
		if (status > 0)
			log_notice("%s: %s while it was stopping", name(p), how.s);
		p->ops->gone(p);
		become_stopped(p);
		return;
	}
	if (p->phase == PROCESS_STOPPED)
		return;
	p->phase = PROCESS_DOWN;
	if (!p->gone_us)
		p->gone_us = clock_now_us();
	if (!p->stand_by)
		p->ops->gone(p);
	if (p->replacing)
		put_new_in_place(p);
	else
		restart_or_not(p, &how);
}

static void on_child(struct ev_loop *loop, ev_child *w, int events)
{
	on_end(w->data, w->rstatus);
}

static void on_adopted_end(struct ev_loop *loop, ev_io *w, int events)
{
	on_end(w->data, -1);
}

static void on_restart_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	begin(w->data);
}

static bool is_brought_up(const struct process *p)
{
	return p->phase == PROCESS_STARTING || p->phase == PROCESS_PREPARING ||
	       p->phase == PROCESS_COMMITTING;
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
	struct process *p = w->data;

	if (is_brought_up(p) && p->put_off < PUT_OFF_MAX && process_is_at_work(p)) {
		p->put_off++;
		set_deadline(p, BRING_UP_TIMEOUT_S);
		return;
	}
	log_error("%s: still %s after its deadline: killed", name(p), process_phase_name(p->phase));
	process_kill(p);
}

void process_init(struct process *p, struct ev_loop *loop, const struct role_desc *desc,
		  const struct process_ops *ops, void *owner)
{
	*p = (struct process){.desc = desc,
			      .ops = ops,
			      .owner = owner,
			      .loop = loop,
			      .respawn = true,
			      .failure = -1,
			      .pidfd = -1};
	ev_init(&p->child, on_child);
	ev_init(&p->adopted_end, on_adopted_end);
	ev_init(&p->restart_timer, on_restart_timer);
	ev_init(&p->deadline_timer, on_deadline);
	ev_timer_init(&p->ping_timer, on_ping_timer, 0, PING_INTERVAL_S);
	p->child.data = p;
	p->adopted_end.data = p;
	p->restart_timer.data = p;
	p->deadline_timer.data = p;
	p->ping_timer.data = p;
}

static void begin(struct process *p)
{
	struct spawn_options o = p->ops->spawn_options(p);
	struct spawn_result r;
	struct text how;
	int err = spawn_role(p->desc, &o, &r);

	p->started_us = clock_now_us();
	if (err) {
		text_set(&how, "can't be started: %s", strerror(-err));
		restart_or_not(p, &how);
		return;
	}
	p->pid = r.pid;
	p->failure = r.failure;
	p->adopted = false;
	p->phase = PROCESS_STARTING;
	ev_child_set(&p->child, r.pid, 0);
	ev_child_start(p->loop, &p->child);
	link_open(&p->link, p->loop, r.sock, p->desc->id, &link_ops, p);
	set_bring_up_deadline(p);
}

void process_start(struct process *p)
{
	begin(p);
	if (p->pid)
		log_info("%s: started as process %d", name(p), (int)p->pid);
}

void process_start_later(struct process *p, double after_s)
{
	ev_timer_set(&p->restart_timer, after_s, 0);
	ev_timer_start(p->loop, &p->restart_timer);
}

bool process_is_down(const struct process *p)
{
	return p->phase == PROCESS_DOWN && !ev_is_active(&p->restart_timer);
}

void process_discard(struct process *p)
{
	ev_timer_stop(p->loop, &p->restart_timer);
	ev_timer_stop(p->loop, &p->ping_timer);
	clear_deadline(p);
	p->phase = PROCESS_STOPPED;
	process_kill(p);
}

void process_adopt(struct process *p, int sock, pid_t pid)
{
	p->pidfd = pidfd_open(pid, 0);
	if (p->pidfd < 0) {
		close(sock);
		return;
	}
	p->pid = pid;
	p->adopted = true;
	p->phase = PROCESS_STARTING;
	p->started_us = clock_now_us();
	ev_io_set(&p->adopted_end, p->pidfd, EV_READ);
	ev_io_start(p->loop, &p->adopted_end);
	link_open(&p->link, p->loop, sock, p->desc->id, &link_ops, p);
	set_bring_up_deadline(p);
}

/* It runs no model, and so can't know what is its own. */
static bool knows_nothing(const struct process *p)
{
	return !p->adopted && !p->hash && p->phase != PROCESS_COMMITTING;
}

void process_stop(struct process *p, int64_t timeout_us, bool in_order)
{
	ev_timer_stop(p->loop, &p->restart_timer);
	if (in_order && knows_nothing(p) && p->ops->left_behind(p)) {
		p->stop_us = timeout_us;
		if (!p->pid)
			begin(p);
	} else if (!p->pid) {
		become_stopped(p);
	} else if (in_order) {
		stop_in_order(p, timeout_us);
	} else {
		p->phase = PROCESS_STOPPING;
		ev_timer_stop(p->loop, &p->ping_timer);
		set_deadline(p, (double)timeout_us / USEC_PER_SEC);
		kill(p->pid, SIGTERM);
	}
}
