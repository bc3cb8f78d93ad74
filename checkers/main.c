/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tandem-check: runs the checks of all real servers and tells who is up. Owns the joining of its
 * parts (set, runner, role) and the log lines; judges nothing itself. Reads from outside only what
 * the methods read; needs no privilege but CAP_NET_RAW.
 */
#include "checkers/file.h"
#include "checkers/method.h"
#include "checkers/runner.h"
#include "checkers/sandbox.h"
#include "checkers/set.h"
#include "checkers/share.h"
#include "checkers/suspend.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/role.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* For everything that is not a check: log, links, the model's image. */
#define DESCRIPTORS_KEPT 64
/* A latency is told again when it has moved by more than one part in this. */
#define LATENCY_TOLD 20

/* So much of its histogram a check loses when this process dies. */
#define LATENCY_SAVED_EVERY_US (60 * USEC_PER_SEC)

#define WARN_EVERY_US (24 * 3600 * USEC_PER_SEC)
/* What is not urgent is reported together: to wake the supervisor costs more than to tell it. */
#define SAVE_TOGETHER_S 0.5

static struct {
	struct check_set set;
	struct check_memory memory;
	struct check_runner runner;
	struct suspension suspension;
	bool committed;
	struct checked *to_save;
	ev_timer save_timer;
	struct log_limit late_limit;
	struct log_limit unknown_limit;
	struct log_limit agent_limit; /* many have another weight with each run */
} checkers = {
	.late_limit = {.interval_us = 60 * USEC_PER_SEC, .burst = 1},
	.unknown_limit = {.interval_us = 10 * USEC_PER_SEC, .burst = 10},
	.agent_limit = {.interval_us = 10 * USEC_PER_SEC, .burst = 20},
};

static void send_state(enum role_id to, const struct checked *c)
{
	struct msg m = {.type = MSG_CHECK_STATE,
			.check_state = {.check = c->conf->id,
					.up = c->state.up,
					.has_run = c->state.has_run,
					.failures = c->state.failures,
					.passes = c->state.passes,
					.has_weight = c->state.has_weight,
					.weight = c->state.weight,
					.agent_down = c->state.agent.down,
					.agent_admin = c->state.agent.admin,
					.agent_percent = c->state.agent.percent,
					.agent_maxconn = c->state.agent.maxconn,
					.since_us = c->state.since_us,
					.next_run_us = c->state.next_run_us,
					.latency_us = c->state.latency_us,
					.smoothed_us = c->state.smoothed_us,
					.streak = c->state.streak,
					.penalty = c->state.penalty,
					.penalty_us = c->state.penalty_us,
					.held = c->state.held,
					.result = c->state.result}};

	role_send(to, &m);
}

static void send_latency(const struct checked *c)
{
	const uint32_t *n = c->state.histogram;
	struct msg m = {.type = MSG_CHECK_LATENCY,
			.check_latency = {c->conf->id, n[0], n[1], n[2], n[3], n[4], n[5], n[6],
					  n[7], n[8], n[9], n[10], n[11], n[12], n[13]}};

	role_send(ROLE_SUPERVISOR, &m);
}

static void send_load(void)
{
	const struct check_runner *r = &checkers.runner;
	struct msg m = {.type = MSG_CHECK_LOAD,
			.check_load = {.in_flight = (uint32_t)r->in_flight,
				       .in_flight_max = (uint32_t)r->in_flight_max,
				       .waiting = (uint32_t)r->waiting,
				       .late = r->late_starts,
				       .latest_us = r->latest_us}};

	role_send(ROLE_SUPERVISOR, &m);
}

/* Of its slowest check, when its pool follows that. */
static uint32_t latency_of(const struct checked_server *s)
{
	uint32_t slowest_us = 0;

	for (uint32_t i = 0; s->service->feedback == FEEDBACK_LATENCY && i < s->n_checks; i++)
		if (s->checks[i]->state.smoothed_us > slowest_us)
			slowest_us = s->checks[i]->state.smoothed_us;
	return slowest_us;
}

static void send_health(enum role_id to, const struct checked_server *s)
{
	struct msg m = {.type = MSG_SERVER_HEALTH,
			.server_health = {.service = s->service->id,
					  .server = s->conf->id,
					  .up = s->up,
					  .has_weight = s->has_weight,
					  .weight = s->weight,
					  .agent_admin = s->agent.admin,
					  .agent_percent = s->agent.percent,
					  .agent_maxconn = s->agent.maxconn,
					  .latency_us = s->told_latency_us,
					  .since_us = s->since_us,
					  .reason = s->reason}};

	role_send(to, &m);
}

static void tell_server(struct checked_server *s)
{
	s->told_latency_us = latency_of(s);
	send_health(ROLE_IPVS, s);
	send_health(ROLE_SUPERVISOR, s);
}

/* "192.0.2.10:80 TCP: real server 10.0.0.3:80" */
static const char *server_name(const struct checked_server *s, char name[2 * TEXT_MAX])
{
	char service[TEXT_MAX], at[ADDR_TEXT_MAX];

	snprintf(name, 2 * TEXT_MAX, "%s: real server %s",
		 virtual_server_format(s->service, service),
		 addr_format_port(&s->conf->address, s->conf->port, at));
	return name;
}

static void log_server(const struct checked_server *s)
{
	char name[2 * TEXT_MAX];

	log_notice("%s %s: %s", server_name(s, name), s->up ? "up" : "down", s->reason.s);
}

/* "192.0.2.10:80 TCP: real server 10.0.0.3:80: TCP_CHECK 10.0.0.3:80" */
static const char *check_name(const struct checked *c, char name[3 * TEXT_MAX])
{
	char server[2 * TEXT_MAX], check[TEXT_MAX];

	snprintf(name, 3 * TEXT_MAX, "%s: %s", server_name(c->server, server),
		 check_format(c->conf, check));
	return name;
}

static void log_failure(const struct checked *c)
{
	char name[3 * TEXT_MAX];

	log_info("%s failed: %s (%u of %u tries)", check_name(c, name), c->state.result.s,
		 check_machine_try(&c->state, c->conf), check_machine_tries(c->conf));
}

/* Said once, until something else is the matter. */
static void log_unknown(const struct checked *c, const struct check_state *before, int64_t now_us)
{
	char name[3 * TEXT_MAX];

	if (strcmp(c->state.result.s, before->result.s) == 0)
		return;
	if (log_limit_pass(&checkers.unknown_limit, now_us))
		log_warning("%s could not be run: %s%s", check_name(c, name), c->state.result.s,
			    log_limit_suffix(&checkers.unknown_limit));
}

/* The check changed; its server did too, unless another check holds it down. */
static void log_change(const struct checked *c, bool server_changed)
{
	char name[3 * TEXT_MAX];

	if (server_changed)
		log_server(c->server);
	else
		log_notice("%s %s: %s", check_name(c, name), c->state.up ? "up" : "down",
			   c->state.result.s);
}

static int32_t weight_of(const struct checked_server *s)
{
	return s->has_weight ? s->weight : s->conf->weight;
}

static void log_weight(const struct checked *c, int32_t former)
{
	char name[3 * TEXT_MAX];

	log_notice("%s: weight %d -> %d: %s", check_name(c, name), former, weight_of(c->server),
		   c->state.result.s);
}

static void log_agent(const struct checked_server *s, const struct check_agent *former)
{
	const struct check_agent *a = &s->agent;
	char name[2 * TEXT_MAX];

	server_name(s, name);
	if (a->admin != former->admin)
		log_notice("%s: its agent says %s", name,
			   server_admin_name((enum server_admin)a->admin));
	if (a->percent != former->percent && log_limit_pass(&checkers.agent_limit, clock_now_us()))
		log_notice("%s: its agent's weight: %u %% -> %u %%%s", name, former->percent,
			   a->percent, log_limit_suffix(&checkers.agent_limit));
	if (a->maxconn != former->maxconn)
		log_notice("%s: its agent's maxconn: %u -> %u", name, former->maxconn, a->maxconn);
}

static bool same_agent(const struct check_agent *a, const struct check_agent *b)
{
	return a->down == b->down && a->admin == b->admin && a->percent == b->percent &&
	       a->maxconn == b->maxconn;
}

/* What does not fail yet: once a day, until it is over. */
static void log_warning_of(struct checked *c, const struct text *warning, int64_t now_us)
{
	char name[3 * TEXT_MAX];

	if (!warning->s[0] || (c->warned_us && now_us - c->warned_us < WARN_EVERY_US))
		return;
	log_warning("%s: %s", check_name(c, name), warning->s);
	c->warned_us = now_us;
}

/* The next incarnation must know it, or it would not do as this one. */
static bool worth_saving(const struct checked *c, const struct check_state *before)
{
	return c->state.up != before->up || c->state.has_run != before->has_run ||
	       c->state.failures != before->failures || c->state.passes != before->passes ||
	       c->state.weight != before->weight || c->state.held != before->held ||
	       !same_agent(&c->state.agent, &before->agent);
}

/* Every little move would be a message, and feedback has a twentieth for noise. */
static bool latency_moved(const struct checked_server *s)
{
	int64_t is = latency_of(s), was = s->told_latency_us;

	return (is > was ? is - was : was - is) * LATENCY_TOLD > was;
}

static void save(struct checked *c, int64_t now_us)
{
	send_state(ROLE_SUPERVISOR, c);
	c->saved_us = now_us;
	if (now_us - c->histogram_saved_us < LATENCY_SAVED_EVERY_US)
		return;
	send_latency(c);
	c->histogram_saved_us = now_us;
}

static void save_soon(struct checked *c)
{
	if (c->to_save)
		return;
	c->to_save = true;
	c->next_to_save = checkers.to_save;
	checkers.to_save = c;
	if (!ev_is_active(&checkers.save_timer)) {
		ev_timer_set(&checkers.save_timer, SAVE_TOGETHER_S, 0);
		ev_timer_start(checkers.runner.loop, &checkers.save_timer);
	}
}

static void save_all(int64_t now_us)
{
	while (checkers.to_save) {
		struct checked *c = checkers.to_save;

		checkers.to_save = c->next_to_save;
		c->to_save = false;
		save(c, now_us);
	}
}

static void on_save(struct ev_loop *loop, ev_timer *w, int events)
{
	save_all(clock_now_us());
}

static void take_result(struct checked *c, const struct check_result *result, int64_t now_us)
{
	struct check_state before = c->state;
	struct check_agent agent = c->server->agent;
	bool server_up = c->server->up;
	int32_t weight = weight_of(c->server);
	enum check_change change = checked_result(c, result, now_us);

	if (result->outcome == CHECK_UNKNOWN)
		log_unknown(c, &before, now_us);
	if (change != CHECK_SAME) {
		log_change(c, c->server->up != server_up);
		tell_server(c->server);
	} else if (result->outcome == CHECK_FAIL && c->state.up && c->conf->log_all_failures) {
		log_failure(c);
	}
	if (weight_of(c->server) != weight) {
		log_weight(c, weight);
		tell_server(c->server);
	}
	if (!same_agent(&c->server->agent, &agent)) {
		log_agent(c->server, &agent);
		tell_server(c->server);
	}
	if (latency_moved(c->server))
		tell_server(c->server);
	if (worth_saving(c, &before))
		save(c, now_us);
	else if (now_us - c->saved_us >= CHECK_REPORT_EVERY_US)
		save_soon(c);
}

static void plan(struct checked *leader, int64_t now_us)
{
	if (suspension_holds(&checkers.suspension, leader)) {
		check_runner_forget(&checkers.runner, leader);
		return;
	}
	leader->state.next_run_us = share_next_run_us(leader);
	check_runner_plan(&checkers.runner, leader, now_us);
}

static void on_result(struct checked *leader, const struct check_result *result)
{
	int64_t now_us = clock_now_us();

	log_warning_of(leader, &result->warning, now_us);
	for (struct checked *c = leader; c; c = c->next_same)
		take_result(c, result, now_us);
	plan(leader, now_us);
}

static void on_late(struct check_runner *r)
{
	if (log_limit_pass(&checkers.late_limit, clock_now_us()))
		log_warning("checks run late: %zu are in flight, as many as there are descriptors "
			    "for (LimitNOFILE=)%s",
			    r->in_flight, log_limit_suffix(&checkers.late_limit));
}

static size_t raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return DESCRIPTORS_KEPT;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur > 2 * DESCRIPTORS_KEPT ? limit.rlim_cur - DESCRIPTORS_KEPT
						     : DESCRIPTORS_KEPT;
}

/* A sanitizer makes system calls of its own. */
static void confine(void)
{
#ifndef __SANITIZE_ADDRESS__
	int err = sandbox_enter();

	if (err)
		log_warning("no system call is refused: %s", strerror(-err));
#endif
}

static int init(void *ctx, struct ev_loop *loop)
{
	check_runner_init(&checkers.runner, loop, raise_descriptors(), on_result, on_late);
	ev_init(&checkers.save_timer, on_save);
	confine();
	return 0;
}

static int prepare(void *ctx, const struct model *next, struct text *ret_reason)
{
	return check_methods_load(next, ret_reason);
}

static void drop(void *ctx, struct checked *c)
{
	check_runner_forget(&checkers.runner, c);
}

/* A file's number is known, not found out: nothing is up before it is heard. */
static void heed_file(struct checked *c, int64_t now_us)
{
	struct check_result result;

	if (check_file_result(c->conf, &result))
		take_result(c, &result, now_us);
}

static void heed_files(int64_t now_us)
{
	for (size_t i = 0; i < checkers.set.n_checks; i++) {
		struct checked *c = checkers.set.checks[i];

		if (c->conf->n_file && (c->fresh || c->retargeted))
			heed_file(c, now_us);
	}
}

static void hear_file(const struct msg_file_value *told)
{
	int64_t now_us = clock_now_us();

	check_file_told(told);
	for (size_t i = 0; i < checkers.set.n_checks; i++) {
		struct checked *c = checkers.set.checks[i];

		if (!c->conf->n_file || c->conf->file->id != told->file)
			continue;
		heed_file(c, now_us);
		plan(c->leader, now_us);
	}
}

static void commit_check(struct checked *c, int64_t now_us)
{
	if (c->leader != c) {
		check_runner_forget(&checkers.runner, c);
		return;
	}
	check_runner_moved(c);
	if (c->retargeted)
		check_runner_cancel(&checkers.runner, c);
	plan(c, now_us);
}

static void commit(void *ctx, const struct model *now)
{
	int64_t now_us = clock_now_us();
	struct check_set *set = &checkers.set;
	size_t n_probes;

	role_tune(now->global->checker_tuning);
	save_all(now_us); /* some of them may be no more in a moment */
	check_set_update(set, now, &checkers.memory, now_us, drop, NULL);
	check_memory_done(&checkers.memory);
	heed_files(now_us);
	n_probes = share_group(set);
	ev_now_update(checkers.runner.loop);
	for (size_t i = 0; i < set->n_checks; i++)
		commit_check(set->checks[i], now_us);
	for (size_t i = 0; i < set->n_servers; i++) {
		if (set->servers[i]->changed)
			log_server(set->servers[i]);
		if (set->servers[i]->changed || set->servers[i]->weighed ||
		    (set->servers[i]->fresh && set->servers[i]->n_checks))
			tell_server(set->servers[i]);
	}
	if (!checkers.committed)
		log_info("real servers: %zu, checked: %zu, checks: %zu, different ones: %zu",
			 set->n_servers + set->n_unchecked, set->n_servers, set->n_checks, n_probes);
	checkers.committed = true;
}

static void run_now(struct checked *c, int64_t now_us)
{
	check_runner_cancel(&checkers.runner, c->leader);
	check_machine_hurry(&c->leader->state, now_us);
	check_runner_plan(&checkers.runner, c->leader, now_us);
}

/* What failed while this node was cut off says nothing of the servers now. */
static bool is_doubtful(const struct checked *c)
{
	return !c->state.up || c->state.failures || check_runner_is_in_flight(c->leader);
}

static void check_now(const struct msg_check_now *m)
{
	int64_t now_us = clock_now_us();
	size_t n = 0;

	for (size_t i = 0; i < checkers.set.n_checks; i++) {
		struct checked *c = checkers.set.checks[i];

		if (m->server ? c->server->conf->id != m->server : !is_doubtful(c))
			continue;
		run_now(c, now_us);
		n++;
	}
	if (n)
		log_info("%zu checks begin anew: %s", n, m->why.s);
}

/* Who comes here finds out at once; what was known stays until then. */
static void move_here(const struct msg_instance_here *m)
{
	int64_t now_us = clock_now_us();

	suspension_set(&checkers.suspension, m->instance, m->here);
	for (size_t i = 0; i < checkers.set.n_checks; i++) {
		struct checked *c = checkers.set.checks[i];

		if (!c->server->service->ha_suspend ||
		    c->server->service->instance != m->instance)
			continue;
		if (m->here)
			run_now(c, now_us);
		else
			plan(c->leader, now_us);
	}
}

static void receive(void *ctx, enum role_id from, const struct msg *m)
{
	if (m->type == MSG_CHECK_NOW)
		check_now(&m->check_now);
	if (m->type == MSG_INSTANCE_HERE)
		move_here(&m->instance_here);
	if (m->type == MSG_CHECK_STATE && !checkers.committed)
		check_memory_add(&checkers.memory, &m->check_state);
	else if (m->type == MSG_CHECK_LATENCY && !checkers.committed)
		check_memory_add_latency(&checkers.memory, &m->check_latency);
	else if (m->type == MSG_FILE_VALUE)
		hear_file(&m->file_value);
	else if (m->type == MSG_SCRIPT_END)
		check_misc_ended(&m->script_end);
}

static void report(void *ctx, enum role_id to)
{
	const struct check_set *set = &checkers.set;

	if (to == ROLE_SUPERVISOR)
		send_load();
	for (size_t i = 0; to == ROLE_SUPERVISOR && i < set->n_checks; i++) {
		send_state(to, set->checks[i]);
		send_latency(set->checks[i]);
	}
	/* Without a check a server is up for everybody; thousands of such need no words. */
	for (size_t i = 0; i < set->n_servers; i++)
		if (set->servers[i]->n_checks)
			send_health(to, set->servers[i]);
}

/* Runs in flight end with the process: the kernel closes their sockets in order. */
static void stop(void *ctx, int64_t deadline_us)
{
	role_stopped();
}

static const struct role_ops ops = {
	.id = ROLE_CHECK,
	.program = "tandem-check",
	.init = init,
	.prepare = prepare,
	.commit = commit,
	.receive = receive,
	.report = report,
	.stop = stop,
};

int main(int argc, char **argv)
{
	return role_main(argc, argv, &ops, NULL);
}
