/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that runs scripts: see scripts.h. The order is script_queue.c's. */
#include "core/scripts.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/command.h"
#include "core/log.h"
#include "core/model.h"
#include "core/script_child.h"
#include "core/script_queue.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* In one turn of the loop: a fork takes milliseconds on a busy machine, and messages of the roles
 * must not wait for a thousand of them. */
#define START_AT_ONCE 8

struct script {
	struct script_job job; /* first: the queue hands it back */
	struct scripts *owner;
	struct arena *arena; /* all that follows is in it, the script itself too */
	const char *name;
	char **argv;
	const char *input; /* or NULL */
	struct script_identity who;
	pid_t pid;
	int why; /* see script_child.h */
	void (*ended_fn)(void *ctx, uint64_t object, const struct script_end *end);
	void *ctx;
	ev_child ended;
};

struct scripts {
	struct ev_loop *loop;
	struct script_queue queue;
	ev_timer deadline;
	unsigned budget; /* that may start in this turn of the loop */
	ev_timer more;	 /* in the next one */
};

static struct script *script_of(struct script_job *job)
{
	return (struct script *)job;
}

static void script_free(struct script *s)
{
	arena_free(s->arena);
}

static void plan_deadline(struct scripts *s)
{
	int64_t wake_us = script_queue_wake_us(&s->queue);
	int64_t wait_us = wake_us - clock_now_us();

	ev_timer_stop(s->loop, &s->deadline);
	if (wake_us == USEC_NEVER)
		return;
	ev_timer_set(&s->deadline, wait_us > 0 ? (double)wait_us / USEC_PER_SEC : 0, 0);
	ev_timer_start(s->loop, &s->deadline);
}

/* Why the script never ran, from its own process; "" when it did. */
static const char *read_why(struct script *s, char *why, size_t size)
{
	ssize_t n = read(s->why, why, size - 1);

	why[n > 0 ? n : 0] = '\0';
	return why;
}

static void tell(struct script *s, enum script_how how, int value, const char *why)
{
	const struct script_end end = {.how = how, .value = value, .why = why};

	s->ended_fn(s->ctx, s->job.object, &end);
}

static void tell_end(struct script *s, int status)
{
	char why[TEXT_MAX];

	if (read_why(s, why, sizeof(why))[0])
		tell(s, SCRIPT_NOT_RUN, 0, why);
	else if (s->job.stage != SCRIPT_RUNNING)
		tell(s, SCRIPT_TOO_LATE, 0, "");
	else if (WIFSIGNALED(status))
		tell(s, SCRIPT_SIGNALLED, WTERMSIG(status), "");
	else
		tell(s, SCRIPT_EXITED, WEXITSTATUS(status), "");
}

static void log_end(struct script *s, int status)
{
	char why[TEXT_MAX];

	if (read_why(s, why, sizeof(why))[0])
		log_error("script %s: not run: %s", s->name, why);
	else if (s->job.stage != SCRIPT_RUNNING)
		log_warning("script %s: ended after its deadline: %s", s->name, s->argv[0]);
	else if (WIFSIGNALED(status))
		log_warning("script %s: ended by signal %d: %s", s->name, WTERMSIG(status),
			    s->argv[0]);
	else if (WEXITSTATUS(status) != 0)
		log_warning("script %s: exit status %d: %s", s->name, WEXITSTATUS(status),
			    s->argv[0]);
	else
		log_debug("script %s: done: %s", s->name, s->argv[0]);
}

static void start_more(struct scripts *s);

static void finish(struct script *script)
{
	struct scripts *s = script->owner;

	script_queue_end(&s->queue, &script->job);
	script_free(script);
	start_more(s);
}

static void on_ended(struct ev_loop *loop, ev_child *w, int events)
{
	struct script *script = w->data;

	ev_child_stop(loop, w);
	if (script->ended_fn)
		tell_end(script, w->rstatus);
	else
		log_end(script, w->rstatus);
	close(script->why);
	finish(script);
}

static void not_run(struct script *script, const char *why)
{
	if (script->ended_fn)
		tell(script, SCRIPT_NOT_RUN, 0, why);
	else
		log_error("script %s: not run: %s", script->name, why);
}

/* Of a descriptor that it may read from whoever it runs as. -1: nothing; or -errno. */
static int make_input(const struct script *script)
{
	size_t len = script->input ? strlen(script->input) : 0;
	int fd, err;

	if (!script->input)
		return -1;
	fd = memfd_create("tandem script input", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, script->input, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	err = errno ? -errno : -EIO;
	close(fd);
	return err;
}

static int start(struct script *script)
{
	int input = make_input(script), err = input < -1 ? input : 0;

	if (!err)
		err = script_child_start(script->argv, &script->who, input, &script->pid,
					 &script->why);
	if (input >= 0)
		close(input);
	if (err) {
		not_run(script, strerror(-err));
		return err;
	}
	ev_child_init(&script->ended, on_ended, script->pid, 0);
	script->ended.data = script;
	ev_child_start(script->owner->loop, &script->ended);
	log_debug("script %s: started: %s", script->name, script->argv[0]);
	return 0;
}

static void start_more(struct scripts *s)
{
	struct script_job *job;

	while (s->budget && (job = script_queue_start(&s->queue, clock_now_us()))) {
		s->budget--;
		if (start(script_of(job)) == 0)
			continue;
		script_queue_end(&s->queue, job);
		script_free(script_of(job));
	}
	if (s->budget < START_AT_ONCE && !ev_is_active(&s->more)) {
		ev_timer_set(&s->more, 0, 0);
		ev_timer_start(s->loop, &s->more);
	}
	plan_deadline(s);
}

static void on_more(struct ev_loop *loop, ev_timer *w, int events)
{
	struct scripts *s = w->data;

	s->budget = START_AT_ONCE;
	start_more(s);
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
	struct scripts *s = w->data;
	struct script_job *job;

	while ((job = script_queue_overdue(&s->queue, clock_now_us()))) {
		const struct script *script = script_of(job);
		bool killed = job->stage == SCRIPT_KILLED;

		if (!script->ended_fn)
			log_warning("script %s: %s: %s", script->name,
				    killed ? "does not end: killed" : "takes too long: asked to end",
				    script->argv[0]);
		/* Its process group; or itself, should it not have come so far as to lead one. */
		if (kill(-script->pid, killed ? SIGKILL : SIGTERM) < 0)
			kill(script->pid, killed ? SIGKILL : SIGTERM);
	}
	plan_deadline(s);
}

int scripts_new(struct ev_loop *loop, size_t running_max, struct scripts **ret)
{
	struct scripts *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->loop = loop;
	script_queue_init(&s->queue, running_max);
	ev_init(&s->deadline, on_deadline);
	s->deadline.data = s;
	s->budget = START_AT_ONCE;
	ev_init(&s->more, on_more);
	s->more.data = s;
	*ret = s;
	return 0;
}

void scripts_free(struct scripts *s)
{
	if (!s)
		return;
	for (struct script_job *job = s->queue.waiting, *next; job; job = next) {
		next = job->next;
		if (!script_of(job)->ended_fn)
			log_warning("script %s: not run: we are ending", script_of(job)->name);
		script_free(script_of(job));
	}
	for (struct script_job *job = s->queue.running, *next; job; job = next) {
		next = job->next;
		ev_child_stop(s->loop, &script_of(job)->ended);
		close(script_of(job)->why);
		script_free(script_of(job));
	}
	ev_timer_stop(s->loop, &s->deadline);
	ev_timer_stop(s->loop, &s->more);
	free(s);
}

static int script_new(struct scripts *s, const struct script_request *r, struct script **ret)
{
	struct arena *arena = arena_new();
	struct script *script = arena_alloc(arena, sizeof(*script));
	size_t n, n_more = 0;
	int err;

	while (r->args && r->args[n_more])
		n_more++;
	*script = (struct script){
		.job = {.object = r->object, .timeout_us = r->timeout_us},
		.owner = s,
		.arena = arena,
		.name = arena_strdup(arena, r->name),
		.input = r->input ? arena_strdup(arena, r->input) : NULL,
		.ended_fn = r->ended,
		.ctx = r->ctx,
		.who = {.user = arena_strdup(arena, r->user),
			.group = arena_strdup(arena, r->group),
			.secure = r->secure,
			.groups = r->groups},
	};
	err = command_split(arena, r->command, n_more, &script->argv, &n);
	if (err) {
		arena_free(arena);
		return err;
	}
	for (size_t i = 0; i < n_more; i++)
		script->argv[n + i] = arena_strdup(arena, r->args[i]);
	*ret = script;
	return 0;
}

int scripts_run(struct scripts *s, const struct script_request *r)
{
	struct script *script;
	struct script_job *dropped;
	int err = script_new(s, r, &script);

	if (err) {
		log_error("script %s: not run: open quote, or nothing to run: %s", r->name,
			  r->command);
		return err;
	}
	dropped = script_queue_add(&s->queue, &script->job);
	if (dropped) {
		log_warning("script %s: not run: %d newer events wait for the script before it",
			    script_of(dropped)->name, SCRIPT_WAITING_MAX);
		script_free(script_of(dropped));
	}
	start_more(s);
	return 0;
}

void scripts_end(struct scripts *s, uint64_t object)
{
	for (struct script_job *job = s->queue.running; job; job = job->next)
		if (job->object == object && job->stage == SCRIPT_RUNNING)
			job->deadline_us = 0;
	on_deadline(s->loop, &s->deadline, 0);
}

struct script_request scripts_request_as(const char *command, const char *user, const char *group,
					 const struct global *g)
{
	return (struct script_request){
		.command = command,
		.user = user[0] ? user : g->script_user,
		.group = user[0] ? group : g->script_group,
		.secure = g->script_security,
		.groups = g->script_groups,
	};
}

struct script_request scripts_request_for(const struct notify *n, const struct global *g)
{
	return scripts_request_as(n->command, n->user, n->group, g);
}

int scripts_notify(struct scripts *s, uint64_t object, const char *owner, const char *event,
		   const struct notify *n, const struct global *g, const char *const *args)
{
	struct script_request r = scripts_request_for(n, g);
	struct text name;

	text_set(&name, "%s: %s", owner, event);
	r.object = object;
	r.name = name.s;
	r.args = n->on == NOTIFY_ANY ? args : NULL;
	r.timeout_us = SCRIPT_NOTIFY_TIMEOUT_US;
	return scripts_run(s, &r);
}

bool scripts_idle(const struct scripts *s)
{
	return s->queue.n_running == 0 && s->queue.n_waiting == 0;
}
