/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts: their words, their order, and real ones run for some milliseconds. */
#include "core/arena.h"
#include "core/clock.h"
#include "core/command.h"
#include "core/log.h"
#include "core/model.h"
#include "core/script_queue.h"
#include "core/scripts.h"

#include <errno.h>
#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define S USEC_PER_SEC

/* ---- words ---- */

static void test_split(void **state)
{
	static const struct {
		const char *command;
		const char *words[5];
	} cases[] = {
		{"/etc/a.sh", {"/etc/a.sh"}},
		{"  /etc/a.sh\tb  c ", {"/etc/a.sh", "b", "c"}},
		{"a 'b c' \"d e\"", {"a", "b c", "d e"}},
		{"a b'c d'e", {"a", "bc de"}},
		{"a '' \"\"", {"a", "", ""}},
		{"a '\"' \"'\"", {"a", "\"", "'"}},
		{"a b\\ c \\'d", {"a", "b c", "'d"}},
		{"a '\\'' \"\\\"\"", {"a", "'", "\""}},
		{"a \\t\\n\\E\\x41\\101\\x4g", {"a", "\t\n\033AA\004g"}},
		{"a \\cA\\\\ $HOME >x", {"a", "\001\\", "$HOME", ">x"}},
		{"\\1012 \\8 \\q", {"A2", "8", "q"}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new();
		char **argv;
		size_t n, want = 0;

		assert_int_equal(command_split(a, cases[i].command, 2, &argv, &n), 0);
		while (cases[i].words[want]) {
			assert_true(want < n);
			assert_string_equal(argv[want], cases[i].words[want]);
			want++;
		}
		assert_int_equal(n, want);
		for (int j = 0; j < 3; j++)
			assert_null(argv[n + (size_t)j]);
		arena_free(a);
	}
}

static void test_split_refuses(void **state)
{
	static const char *const bad[] = {"",	   "  \t ", "a 'b", "a \"b", "a \\",
					  "a '\\", "a \\0", "\\x0", "a \"'", "a \\000b"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena *a = arena_new();
		char **argv;
		size_t n;

		assert_int_equal(command_split(a, bad[i], 0, &argv, &n), -EINVAL);
		arena_free(a);
	}
}

/* ---- order ---- */

#define JOBS 40

struct line {
	struct script_queue q;
	struct script_job jobs[JOBS];
	int64_t now_us;
};

static struct script_job *add(struct line *l, int job, uint64_t object)
{
	l->jobs[job] = (struct script_job){.object = object, .timeout_us = 10 * S};
	return script_queue_add(&l->q, &l->jobs[job]);
}

/* The number of the next job that starts, or -1. */
static int start(struct line *l)
{
	struct script_job *job = script_queue_start(&l->q, l->now_us);

	return job ? (int)(job - l->jobs) : -1;
}

static void line_init(struct line *l, size_t running_max)
{
	memset(l, 0, sizeof(*l));
	script_queue_init(&l->q, running_max);
}

static void test_one_after_the_other_for_one_object(void **state)
{
	struct line l;

	line_init(&l, 4);
	for (int i = 0; i < 3; i++)
		assert_null(add(&l, i, 7));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(start(&l), i);
		assert_int_equal(start(&l), -1);
		script_queue_end(&l.q, &l.jobs[i]);
	}
	assert_int_equal(start(&l), -1);
	assert_int_equal(l.q.n_waiting + l.q.n_running, 0);
}

static void test_objects_side_by_side_up_to_the_bound(void **state)
{
	struct line l;

	line_init(&l, 2);
	add(&l, 0, 1);
	add(&l, 1, 1);
	add(&l, 2, 2);
	add(&l, 3, 3);
	assert_int_equal(start(&l), 0);
	assert_int_equal(start(&l), 2);
	assert_int_equal(start(&l), -1);
	script_queue_end(&l.q, &l.jobs[2]);
	assert_int_equal(start(&l), 3);
	script_queue_end(&l.q, &l.jobs[0]);
	assert_int_equal(start(&l), 1);
	assert_int_equal(l.q.n_running, 2);
}

static void test_the_oldest_is_dropped_never_the_newest(void **state)
{
	struct line l;

	line_init(&l, 4);
	add(&l, 0, 1);
	assert_int_equal(start(&l), 0);
	add(&l, 39, 2);
	for (int i = 1; i <= SCRIPT_WAITING_MAX; i++)
		assert_null(add(&l, i, 1));
	assert_ptr_equal(add(&l, 30, 1), &l.jobs[1]);
	assert_ptr_equal(add(&l, 31, 1), &l.jobs[2]);
	script_queue_end(&l.q, &l.jobs[0]);
	assert_int_equal(start(&l), 39);
	for (int i = 3; i <= SCRIPT_WAITING_MAX; i++) {
		assert_int_equal(start(&l), i);
		script_queue_end(&l.q, &l.jobs[i]);
	}
	assert_int_equal(start(&l), 30);
	script_queue_end(&l.q, &l.jobs[30]);
	assert_int_equal(start(&l), 31);
}

static void test_deadline(void **state)
{
	struct line l;

	line_init(&l, 4);
	assert_true(script_queue_wake_us(&l.q) == USEC_NEVER);
	add(&l, 0, 1);
	l.now_us = 100 * S;
	start(&l);
	assert_int_equal(script_queue_wake_us(&l.q), 110 * S);
	assert_null(script_queue_overdue(&l.q, 110 * S - 1));
	assert_ptr_equal(script_queue_overdue(&l.q, 110 * S), &l.jobs[0]);
	assert_int_equal(l.jobs[0].stage, SCRIPT_ASKED_TO_END);
	assert_null(script_queue_overdue(&l.q, 110 * S));
	assert_int_equal(script_queue_wake_us(&l.q), 110 * S + SCRIPT_TERM_GRACE_US);
	assert_ptr_equal(script_queue_overdue(&l.q, 200 * S), &l.jobs[0]);
	assert_int_equal(l.jobs[0].stage, SCRIPT_KILLED);
	assert_null(script_queue_overdue(&l.q, 300 * S));
	assert_true(script_queue_wake_us(&l.q) == USEC_NEVER);
	/* It holds its object until it is really gone. */
	add(&l, 1, 1);
	assert_int_equal(start(&l), -1);
	script_queue_end(&l.q, &l.jobs[0]);
	assert_int_equal(start(&l), 1);
}

/* ---- security ---- */

static void test_secure(void **state)
{
	char dir[] = "/tmp/tandem-test-XXXXXX", path[64];
	struct text why = {""};
	FILE *f;

	assert_int_equal(command_check_secure("/bin/sh", 0, 0, &why), 0);
	assert_int_equal(command_check_secure("/nowhere/x.sh", 0, 0, &why), -ENOENT);
	if (geteuid() != 0)
		return;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/x.sh", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	chmod(path, 0755);
	assert_int_equal(command_check_secure(path, 0, 0, &why), 0);
	chmod(path, 0757);
	assert_int_equal(command_check_secure(path, 0, 0, &why), -EPERM);
	assert_non_null(strstr(why.s, "x.sh can be changed by others than root"));
	/* Not root's business: what an ordinary user runs, only that user can lose by. */
	assert_int_equal(command_check_secure(path, 1000, 1000, &why), 0);
	chmod(path, 0755);
	assert_int_equal(chown(dir, 1000, 0), 0);
	assert_int_equal(command_check_secure(path, 0, 0, &why), -EPERM);
	unlink(path);
	rmdir(dir);
}

/* ---- real ones ---- */

struct stage {
	struct ev_loop *loop;
	struct scripts *scripts;
	char dir[32];
	char out[64];
};

static int setup(void **state)
{
	struct stage *t = calloc(1, sizeof(*t));

	strcpy(t->dir, "/tmp/tandem-test-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	chmod(t->dir, 0777);
	snprintf(t->out, sizeof(t->out), "%s/out", t->dir);
	t->loop = ev_default_loop(0);
	assert_int_equal(scripts_new(t->loop, SCRIPTS_NOTIFY_MAX, &t->scripts), 0);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct stage *t = *state;

	scripts_free(t->scripts);
	unlink(t->out);
	rmdir(t->dir);
	free(t);
	return 0;
}

static void run(struct stage *t, uint64_t object, const char *command, const char *const *args,
		int64_t timeout_us)
{
	struct script_request r = {.object = object,
				   .name = "test",
				   .command = command,
				   .args = args,
				   .user = "",
				   .group = "",
				   .timeout_us = timeout_us};

	assert_int_equal(scripts_run(t->scripts, &r), 0);
}

static void finish(struct stage *t)
{
	while (!scripts_idle(t->scripts))
		ev_run(t->loop, EVRUN_ONCE);
}

static void assert_out(struct stage *t, const char *want)
{
	char got[4096] = "";
	FILE *f = fopen(t->out, "r");
	size_t n = f ? fread(got, 1, sizeof(got) - 1, f) : 0;

	got[n] = '\0';
	if (f)
		fclose(f);
	assert_string_equal(got, want);
}

static void test_run_in_order(void **state)
{
	struct stage *t = *state;
	char command[256];

	for (int i = 0; i < 8; i++) {
		snprintf(command, sizeof(command), "/bin/sh -c 'echo %d >>%s'", i, t->out);
		run(t, 1, command, NULL, 10 * S);
	}
	assert_false(scripts_idle(t->scripts));
	finish(t);
	assert_out(t, "0\n1\n2\n3\n4\n5\n6\n7\n");
}

static void on_end(void *ctx, uint64_t object, const struct script_end *end)
{
	snprintf(ctx, 200, "%d %d %d %s", (int)object, end->how, end->value, end->why);
}

static void assert_ends(struct stage *t, const char *command, const char *user, const char *want)
{
	char got[200] = "";
	struct script_request r = {.object = 7,
				   .name = "test",
				   .command = command,
				   .user = user,
				   .group = "",
				   .timeout_us = S / 5,
				   .ended = on_end,
				   .ctx = got};

	assert_int_equal(scripts_run(t->scripts, &r), 0);
	finish(t);
	assert_string_equal(got, want);
}

static void test_ends_are_told(void **state)
{
	struct stage *t = *state;

	assert_ends(t, "/bin/sh -c 'exit 0'", "", "7 0 0 ");
	assert_ends(t, "/bin/sh -c 'exit 255'", "", "7 0 255 ");
	assert_ends(t, "/bin/sh -c 'kill -9 $$'", "", "7 1 9 ");
	assert_ends(t, "/bin/sleep 5", "", "7 2 0 ");
	assert_ends(t, "/bin/sh", "nemo", "7 3 0 there is no user nemo");
}

static void test_notify_arguments(void **state)
{
	struct stage *t = *state;
	const char *const args[] = {"INSTANCE", "VI 1", "MASTER", "100", NULL};
	struct global g = {.script_user = "", .script_group = ""};
	struct notify n = {.on = NOTIFY_ANY, .user = "", .group = ""};
	char command[256];

	snprintf(command, sizeof(command), "/bin/sh -c 'printf \"<%%s>\" \"$@\" >>%s' sh own",
		 t->out);
	n.command = command;
	scripts_notify(t->scripts, 1, "VI 1", "notify", &n, &g, args);
	n.on = NOTIFY_MASTER;
	scripts_notify(t->scripts, 1, "VI 1", "notify", &n, &g, args);
	finish(t);
	assert_out(t, "<own><INSTANCE><VI 1><MASTER><100><own>");
}

static void test_clean_child(void **state)
{
	struct stage *t = *state;
	char command[256];
	int leak = dup(1);

	setenv("NOTIFY_SOCKET", "/nowhere", 1);
	snprintf(command, sizeof(command),
		 "/bin/sh -c 'ls /proc/self/fd | wc -l >%s; echo $NOTIFY_SOCKET$PWD >>%s'", t->out,
		 t->out);
	run(t, 1, command, NULL, 10 * S);
	finish(t);
	unsetenv("NOTIFY_SOCKET");
	close(leak);
	assert_out(t, "4\n/\n"); /* 0, 1, 2, and ls's own */
}

static void test_user_and_group(void **state)
{
	struct stage *t = *state;
	struct script_request r = {
		.object = 1, .name = "test", .user = "nobody", .group = "", .timeout_us = 10 * S};
	char command[256];

	if (geteuid() != 0)
		skip();
	snprintf(command, sizeof(command),
		 "/bin/sh -c '{ id -un; id -Gn; grep CapEff /proc/self/status; } >%s'", t->out);
	r.command = command;
	scripts_run(t->scripts, &r);
	finish(t);
	assert_out(t, "nobody\nnogroup\nCapEff:\t0000000000000000\n");
}

static void test_what_cannot_run_is_told_and_does_not_block(void **state)
{
	struct stage *t = *state;
	struct script_request r = {.object = 1,
				   .name = "test",
				   .command = "/bin/true",
				   .user = "no-such-user",
				   .group = "",
				   .timeout_us = S};
	char command[256];

	run(t, 1, "/nowhere/x.sh", NULL, S);
	run(t, 1, "no-such-command-anywhere", NULL, S);
	scripts_run(t->scripts, &r);
	r.command = "open 'quote";
	assert_int_equal(scripts_run(t->scripts, &r), -EINVAL);
	snprintf(command, sizeof(command), "/bin/sh -c 'echo ran >%s; exit 3'", t->out);
	run(t, 1, command, NULL, S);
	finish(t);
	assert_out(t, "ran\n");
}

static void test_one_that_hangs_is_ended(void **state)
{
	struct stage *t = *state;
	int64_t start_us = clock_now_us();
	char command[256];

	run(t, 1, "/bin/sh -c 'sleep 60 & wait'", NULL, 20 * USEC_PER_MSEC);
	snprintf(command, sizeof(command), "/bin/sh -c 'echo next >%s'", t->out);
	run(t, 1, command, NULL, 10 * S);
	finish(t);
	assert_out(t, "next\n");
	assert_true(clock_now_us() - start_us < 4 * S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_refuses),
		cmocka_unit_test(test_one_after_the_other_for_one_object),
		cmocka_unit_test(test_objects_side_by_side_up_to_the_bound),
		cmocka_unit_test(test_the_oldest_is_dropped_never_the_newest),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_secure),
		cmocka_unit_test_setup_teardown(test_run_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notify_arguments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clean_child, setup, teardown),
		cmocka_unit_test_setup_teardown(test_user_and_group, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_cannot_run_is_told_and_does_not_block,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_that_hangs_is_ended, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
