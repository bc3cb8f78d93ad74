/* SPDX-License-Identifier: Apache-2.0 */
/* The life of one role's process (core/process.c), with its program, its link and kill() faked. */
#include "core/process.h"

#include "core/clock.h"
#include "core/msg_schema.h"
#include "core/program.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define PID_MIN 1000000000 /* no real process has such a number */

static struct {
	char events[512]; /* what the process did, in order */
	pid_t next_pid;
	unsigned arrived;
	int64_t now_us;
	bool take_over;
	bool left_behind;
	uint64_t installed; /* program_identity() of the program that a new process would run */
	struct generation generation;
	struct model model;
	struct process process;
	struct process stand_by;
} fake;

static void __attribute__((format(printf, 1, 2))) note(const char *fmt, ...)
{
	size_t at = strlen(fake.events);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fake.events + at, sizeof(fake.events) - at, fmt, ap);
	va_end(ap);
}

/* What has happened since the last call. */
#define assert_events(expected)                                                                    \
	do {                                                                                       \
		assert_string_equal(fake.events, expected);                                        \
		fake.events[0] = 0;                                                                \
	} while (0)

int64_t clock_now_us(void)
{
	return fake.now_us;
}

int64_t clock_realtime_us(void)
{
	return fake.now_us;
}

int generation_image_for(const struct generation *g, enum role_id role)
{
	return g->image_fd;
}

int kill(pid_t pid, int signal)
{
	note("kill %d ", signal);
	return 0;
}

int spawn_role(const struct role_desc *desc, const struct spawn_options *o,
	       struct spawn_result *ret)
{
	note("spawn ");
	*ret = (struct spawn_result){.pid = fake.next_pid++, .sock = -1, .failure = -1};
	return 0;
}

bool spawn_failure(int failure, struct text *ret_reason)
{
	return false;
}

void link_open(struct link *l, struct ev_loop *loop, int sock, enum role_id peer,
	       const struct link_ops *ops, void *owner)
{
	*l = (struct link){.ops = ops, .peer = peer, .owner = owner};
}

bool link_is_open(const struct link *l)
{
	return l->sock >= 0;
}

void link_close(struct link *l)
{
	l->sock = -1;
}

uint64_t program_identity(const char *path)
{
	return fake.installed;
}

const char *spawn_program_path(const char *program, char *path, size_t size)
{
	path[0] = 0;
	return path;
}

void link_drain(struct link *l)
{
}

void link_send(struct link *l, const struct msg *m, int fd)
{
	note("%s ", msg_name(m->type));
}

static const struct generation *op_generation(struct process *p)
{
	return &fake.generation;
}

static struct spawn_options op_spawn_options(struct process *p)
{
	return (struct spawn_options){.run_dir = "/"};
}

static void op_arrived(struct process *p)
{
	fake.arrived++;
}

static void op_hand_over(struct process *p)
{
	note("hand-over ");
}

static bool op_left_behind(struct process *p)
{
	return fake.left_behind;
}

static void op_ready(struct process *p)
{
	note("ready ");
}

static void op_outdated(struct process *p)
{
	note("outdated ");
}

static void op_standing_by(struct process *p)
{
	note("standing-by ");
}

static void op_gone(struct process *p)
{
	note("gone ");
}

static bool op_take_over(struct process *dead)
{
	if (!fake.take_over || !process_can_take_over(&fake.stand_by))
		return false;
	process_take_over(&fake.stand_by, dead);
	return true;
}

static void op_given_up(struct process *p)
{
	note("given_up ");
}

static void op_stopped(struct process *p)
{
	note("stopped ");
}

static void op_message(struct process *p, const struct msg *m)
{
	note("(%s) ", msg_name(m->type));
}

static const struct process_ops ops = {
	.generation = op_generation,
	.spawn_options = op_spawn_options,
	.arrived = op_arrived,
	.hand_over = op_hand_over,
	.left_behind = op_left_behind,
	.ready = op_ready,
	.outdated = op_outdated,
	.standing_by = op_standing_by,
	.gone = op_gone,
	.take_over = op_take_over,
	.given_up = op_given_up,
	.stopped = op_stopped,
	.message = op_message,
};
static const struct role_desc desc = {
	.id = ROLE_VRRP, .program = "tandem-vrrp", .stand_by = "vrrp stand-by"};

static int setup(void **state)
{
	struct ev_loop *loop = ev_default_loop(EVFLAG_NOSIGMASK);

	memset(&fake, 0, sizeof(fake));
	fake.next_pid = PID_MIN;
	fake.now_us = USEC_PER_SEC;
	fake.model.generation = 3;
	fake.generation = (struct generation){.model = &fake.model, .hash = 33, .image_fd = -1};
	process_init(&fake.process, loop, &desc, &ops, NULL);
	process_init(&fake.stand_by, loop, &desc, &ops, NULL);
	fake.stand_by.stand_by = true;
	return 0;
}

static void stop_watchers(struct process *p)
{
	ev_child_stop(p->loop, &p->child);
	ev_timer_stop(p->loop, &p->restart_timer);
	ev_timer_stop(p->loop, &p->deadline_timer);
	ev_timer_stop(p->loop, &p->ping_timer);
}

static int teardown(void **state)
{
	stop_watchers(&fake.process);
	stop_watchers(&fake.stand_by);
	return 0;
}

static void say(struct process *p, struct msg m)
{
	p->link.ops->receive(&p->link, &m, -1);
}

static struct msg hello(const struct process *p, uint64_t generation, uint64_t hash)
{
	struct msg m = {.type = MSG_HELLO,
			.hello = {.role = ROLE_VRRP,
				  .pid = (uint32_t)p->pid,
				  .generation = generation,
				  .model_hash = hash,
				  .messages = msg_schema_hash(),
				  .program = 7}};

	text_set(&m.hello.version, "%s", PACKAGE_VERSION);
	return m;
}

static void say_hello(struct process *p, uint64_t generation, uint64_t hash)
{
	say(p, hello(p, generation, hash));
}

static void say_prepared(struct process *p, uint64_t generation, int error)
{
	say(p, (struct msg){.type = MSG_PREPARED,
			    .prepared = {.generation = generation, .error = error}});
}

static void say_committed(struct process *p, uint64_t generation)
{
	say(p, (struct msg){.type = MSG_COMMITTED, .generation = {generation}});
}

static void bring_up(struct process *p)
{
	process_start(p);
	say_hello(p, 0, 0);
	say_prepared(p, fake.model.generation, 0);
	if (!p->stand_by)
		say_committed(p, fake.model.generation);
	fake.events[0] = 0;
}

static void die(struct process *p, int status)
{
	p->child.rstatus = status;
	ev_invoke(p->loop, &p->child, EV_CHILD);
}

/* As after process_adopt(), which needs a real process. */
static void adopt(struct process *p)
{
	process_start(p);
	p->adopted = true;
	fake.events[0] = 0;
}

static void end_adopted(struct process *p)
{
	ev_invoke(p->loop, &p->adopted_end, EV_READ);
}

static void test_an_adopted_one_of_another_program_tells_its_state_and_is_replaced(void **state)
{
	struct process *p = &fake.process;

	adopt(p);
	fake.installed = 8;
	say_hello(p, 3, 33);
	assert_events("outdated ");
	assert_int_equal(p->phase, PROCESS_OUTDATED);
	process_replace(p);
	assert_events("REPORT ");
	say(p, (struct msg){.type = MSG_VRRP_STATE});
	say(p, (struct msg){.type = MSG_REPORTED});
	assert_events("(VRRP_STATE) kill 9 ");
	end_adopted(p);
	assert_events("gone spawn ");
	assert_int_equal(p->restarts, 0); /* no failure */
	say_hello(p, 0, 0);
	say_prepared(p, 3, 0);
	say_committed(p, 3);
	assert_true(process_is_ready(p));
}

static void test_an_adopted_one_of_the_same_program_is_kept(void **state)
{
	struct process *p = &fake.process;

	adopt(p);
	fake.installed = 7;
	say_hello(p, 3, 33);
	assert_events("ready ");
	adopt(p);
	p->replace_always = true;
	say_hello(p, 3, 33);
	assert_events("outdated ");
	assert_int_equal(fake.arrived, 2);
}

/* Nothing that it says would be understood: what is known has to do. */
static void test_one_with_other_messages_is_not_listened_to(void **state)
{
	struct process *p = &fake.process;
	struct msg m;

	adopt(p);
	m = hello(p, 3, 33);
	m.hello.messages++;
	say(p, m);
	assert_events("outdated ");
	assert_false(link_is_open(&p->link));
	process_replace(p);
	assert_events("kill 9 ");
	adopt(p);
	p->link.ops->lost(&p->link, -EBADMSG);
	assert_events("outdated ");
	process_stop(p, USEC_PER_SEC, true); /* a signal is all that it understands */
	assert_events("kill 15 ");
}

static void test_a_stand_by_takes_the_place_of_an_outdated_one(void **state)
{
	struct process *p = &fake.process, *s = &fake.stand_by;

	fake.take_over = true;
	adopt(p);
	fake.installed = 8;
	say_hello(p, 3, 33);
	process_start(s);
	say_hello(s, 0, 0);
	say_prepared(s, 3, 0);
	assert_events("outdated spawn PREPARE standing-by ");
	process_replace(p);
	say(p, (struct msg){.type = MSG_REPORTED});
	end_adopted(p);
	assert_events("REPORT kill 9 gone hand-over COMMIT ");
}

static void test_a_fresh_one_gets_the_state_before_it_runs(void **state)
{
	struct process *p = &fake.process;

	process_start(p);
	assert_events("spawn ");
	assert_int_equal(fake.arrived, 0);
	say_hello(p, 0, 0);
	assert_int_equal(fake.arrived, 1);
	assert_events("PREPARE ");
	say_prepared(p, 3, 0);
	assert_events("hand-over COMMIT ");
	assert_false(process_is_ready(p));
	say_committed(p, 3);
	assert_events("ready ");
	assert_true(process_is_ready(p));
}

static void test_one_that_lives_on_the_same_model_is_left_alone(void **state)
{
	struct process *p = &fake.process;

	process_start(p);
	say_hello(p, 2, 33);
	assert_events("spawn ready ");
}

static void test_one_that_lives_on_another_model_keeps_its_own_state(void **state)
{
	struct process *p = &fake.process;

	process_start(p);
	say_hello(p, 2, 22);
	say_prepared(p, 3, 0);
	assert_events("spawn PREPARE COMMIT ");
}

static void test_the_model_changes_while_it_comes_up(void **state)
{
	struct process *p = &fake.process;

	process_start(p);
	say_hello(p, 0, 0);
	fake.model.generation = 4;
	fake.generation.hash = 44;
	process_update(p);
	say_prepared(p, 3, 0);
	assert_events("spawn PREPARE hand-over COMMIT ");
	say_committed(p, 3);
	assert_events("ready PREPARE ");
	say_prepared(p, 3, 0); /* a late one */
	assert_events("");
	say_prepared(p, 4, 0);
	say_committed(p, 4);
	assert_events("COMMIT ready ");
}

static void test_nonsense_ends_it(void **state)
{
	struct process *p = &fake.process;

	bring_up(p);
	say(p, (struct msg){.type = MSG_STOP});
	assert_events("kill 9 ");
	process_start(p);
	fake.events[0] = 0;
	say(p, (struct msg){.type = MSG_HELLO, .hello = {.role = ROLE_IPVS}});
	assert_events("kill 9 ");
	say_hello(p, 0, 0);
	say_prepared(p, 3, -EINVAL);
	assert_events("PREPARE kill 9 ");
}

static void test_restarts_at_once_then_later(void **state)
{
	struct process *p = &fake.process;

	bring_up(p);
	die(p, SIGKILL);
	assert_events("gone spawn ");
	die(p, SIGKILL);
	assert_events("gone ");
	assert_true(ev_is_active(&p->restart_timer));
	assert_int_equal(p->restarts, 2);
	ev_invoke(p->loop, &p->restart_timer, EV_TIMER);
	assert_events("spawn ");
}

static void test_no_respawn(void **state)
{
	struct process *p = &fake.process;

	p->respawn = false;
	bring_up(p);
	die(p, SIGKILL);
	assert_events("gone given_up ");
	assert_true(process_is_down(p));
}

static void test_a_stand_by_waits_and_takes_over(void **state)
{
	struct process *s = &fake.stand_by;

	fake.take_over = true;
	bring_up(&fake.process);
	process_start(s);
	say_hello(s, 0, 0);
	say_prepared(s, 3, 0);
	assert_events("spawn PREPARE standing-by ");
	assert_true(process_can_take_over(s));
	die(&fake.process, SIGKILL);
	assert_events("gone hand-over COMMIT ");
	say_committed(s, 3);
	assert_events("ready ");
	assert_true(fake.process.stand_by && !s->stand_by);
	assert_int_equal(s->restarts, 1);
}

static void test_a_stand_by_follows_the_model(void **state)
{
	struct process *s = &fake.stand_by;

	fake.take_over = true;
	bring_up(&fake.process);
	bring_up(s);
	fake.model.generation = 4;
	fake.generation.hash = 44;
	assert_false(process_can_take_over(s));
	process_update(s);
	assert_events("PREPARE ");
	die(&fake.process, SIGKILL);
	assert_events("gone spawn "); /* it was not ready: the usual way */
	say_prepared(s, 4, 0);
	assert_true(process_can_take_over(s));
}

static void test_the_death_of_a_stand_by_is_its_own_affair(void **state)
{
	bring_up(&fake.process);
	bring_up(&fake.stand_by);
	die(&fake.stand_by, SIGKILL);
	assert_events("spawn ");
	say(&fake.stand_by, (struct msg){.type = MSG_VRRP_STATE});
	assert_events("");
}

static void test_one_that_hangs_is_killed(void **state)
{
	struct process *p = &fake.process;

	bring_up(p);
	for (int i = 0; i < 3; i++)
		ev_invoke(p->loop, &p->ping_timer, EV_TIMER);
	say(p, (struct msg){.type = MSG_PONG});
	assert_events("PING PING PING ");
	for (int i = 0; i < 5; i++)
		ev_invoke(p->loop, &p->ping_timer, EV_TIMER);
	assert_events("PING PING PING PING kill 9 ");
}

static void test_stop(void **state)
{
	struct process *p = &fake.process;

	bring_up(p);
	process_stop(p, USEC_PER_SEC, true);
	assert_events("STOP ");
	die(p, 0);
	assert_events("gone stopped ");
	process_stop(p, USEC_PER_SEC, true);
	assert_events("stopped ");
}

static void test_stop_during_a_start_that_has_left_nothing(void **state)
{
	struct process *p = &fake.process;

	process_start(p);
	process_stop(p, USEC_PER_SEC, true);
	assert_events("spawn STOP ");
	die(p, 0);
	assert_events("gone stopped ");
}

/* A former life has left services in the kernel: who is to remove them must know of them first. */
static void test_stop_during_a_start_removes_what_was_left(void **state)
{
	struct process *p = &fake.process;

	fake.left_behind = true;
	process_start(p);
	process_stop(p, USEC_PER_SEC, true);
	assert_events("spawn ");
	say_hello(p, 0, 0);
	assert_events("PREPARE ");
	say_prepared(p, 3, 0);
	assert_events("hand-over COMMIT STOP ");
	die(p, 0);
	assert_events("gone stopped ");
}

static void test_stop_while_it_is_down_removes_what_was_left(void **state)
{
	struct process *p = &fake.process;

	fake.left_behind = true;
	bring_up(p);
	p->backoff.young_deaths = 9;
	fake.now_us += 1;
	die(p, 0x100);
	fake.events[0] = 0;
	process_stop(p, USEC_PER_SEC, true);
	say_hello(p, 0, 0);
	say_prepared(p, 3, 0);
	assert_non_null(strstr(fake.events, "PREPARE hand-over COMMIT STOP "));
}

static void test_stop_of_one_that_does_not_come_up(void **state)
{
	struct process *p = &fake.process;

	fake.left_behind = true;
	process_start(p);
	process_stop(p, USEC_PER_SEC, true);
	die(p, 0x100);
	assert_events("spawn gone stopped ");
	assert_int_equal(p->phase, PROCESS_STOPPED);
}

/* Who runs a model knows what is its own: also one whose next model is on its way. */
static void test_stop_of_an_adopted_one_while_it_prepares(void **state)
{
	struct process *p = &fake.process;

	fake.left_behind = true;
	adopt(p);
	process_stop(p, USEC_PER_SEC, true);
	assert_events("STOP ");
}

static void test_stop_that_leaves_everything_as_it_is(void **state)
{
	bring_up(&fake.process);
	process_stop(&fake.process, USEC_PER_SEC, false);
	assert_events("kill 15 ");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_fresh_one_gets_the_state_before_it_runs),
		TEST(test_an_adopted_one_of_another_program_tells_its_state_and_is_replaced),
		TEST(test_an_adopted_one_of_the_same_program_is_kept),
		TEST(test_one_with_other_messages_is_not_listened_to),
		TEST(test_a_stand_by_takes_the_place_of_an_outdated_one),
		TEST(test_one_that_lives_on_the_same_model_is_left_alone),
		TEST(test_one_that_lives_on_another_model_keeps_its_own_state),
		TEST(test_the_model_changes_while_it_comes_up),
		TEST(test_nonsense_ends_it),
		TEST(test_restarts_at_once_then_later),
		TEST(test_no_respawn),
		TEST(test_a_stand_by_waits_and_takes_over),
		TEST(test_a_stand_by_follows_the_model),
		TEST(test_the_death_of_a_stand_by_is_its_own_affair),
		TEST(test_one_that_hangs_is_killed),
		TEST(test_stop),
		TEST(test_stop_during_a_start_that_has_left_nothing),
		TEST(test_stop_during_a_start_removes_what_was_left),
		TEST(test_stop_while_it_is_down_removes_what_was_left),
		TEST(test_stop_of_one_that_does_not_come_up),
		TEST(test_stop_of_an_adopted_one_while_it_prepares),
		TEST(test_stop_that_leaves_everything_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
