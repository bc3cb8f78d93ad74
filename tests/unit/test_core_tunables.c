/* SPDX-License-Identifier: Apache-2.0 */
/* Files of /proc/sys kept as wanted (core/tunables.c), over a directory of plain files. */
#include "core/log.h"
#include "core/role.h"
#include "core/tunables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct {
	char dir[64];
	unsigned complaints, notices;
	struct msg_vs_sysctl_state last;
} world;

void role_send(enum role_id to, const struct msg *m)
{
	assert_int_equal(m->type, MSG_VS_SYSCTL);
	assert_true(msg_allowed(m->type, ROLE_IPVS, to));
	world.last = m->vs_sysctl_state;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	world.complaints += level == LOG_LEVEL_ERROR;
	world.notices += level == LOG_LEVEL_NOTICE;
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", world.dir, name);
	return path;
}

static void put(const char *name, const char *value)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	fputs(value, f);
	fclose(f);
}

static const char *get(const char *name)
{
	static char value[64];
	FILE *f = fopen(path_of(name), "r");

	assert_non_null(f);
	assert_non_null(fgets(value, sizeof(value), f));
	fclose(f);
	return value;
}

static int setup(void **state)
{
	memset(&world, 0, sizeof(world));
	strcpy(world.dir, "/tmp/tandem-tunables-XXXXXX");
	assert_non_null(mkdtemp(world.dir));
	put("sloppy_tcp", "0\n");
	put("sync_threshold", "3\t50\n");
	return 0;
}

static int teardown(void **state)
{
	unlink(path_of("sloppy_tcp"));
	unlink(path_of("sync_threshold"));
	return rmdir(world.dir);
}

static void init(struct tunables *t, const char *missing)
{
	const struct tunables_place place = {
		.dir = world.dir, .called = "x.", .report = MSG_VS_SYSCTL, .missing = missing};

	tunables_init(t, &place);
}

/* Pairs of a name and a value, up to a NULL. */
static void commit(struct tunables *t, const char *const *wanted)
{
	tunables_begin(t);
	for (; *wanted; wanted += 2)
		tunables_want(t, wanted[0], wanted[1]);
	tunables_settle(t);
}

static void test_set_and_put_back(void **state)
{
	static const char *const both[] = {"sloppy_tcp", "1", "sync_threshold", "0 0", NULL};
	static const char *const one[] = {"sloppy_tcp", "1", NULL};
	struct tunables t;

	init(&t, "missing");
	commit(&t, both);
	assert_string_equal(get("sloppy_tcp"), "1\n");
	assert_string_equal(get("sync_threshold"), "0 0\n");
	assert_string_equal(world.last.former.s, "3 50");
	assert_string_equal(world.last.value.s, "0 0");
	commit(&t, one);
	assert_string_equal(get("sync_threshold"), "3 50\n");
	assert_string_equal(world.last.former.s, ""); /* nothing is left to remember */
	put("sloppy_tcp", "0\n");
	tunables_check(&t);
	assert_string_equal(get("sloppy_tcp"), "1\n");
	tunables_stop(&t);
	assert_string_equal(get("sloppy_tcp"), "0\n");
	assert_int_equal(world.complaints, 0);
}

/* Who has set it higher, before or meanwhile, has it his way. */
static void test_at_least(void **state)
{
	static const char *const before[] = {"9", "10", "7\n"};
	struct tunables t;

	for (unsigned i = 0; i < 3; i++) {
		put("sloppy_tcp", before[i]);
		init(&t, "missing");
		tunables_begin(&t);
		tunables_want_at_least(&t, "sloppy_tcp", "8");
		tunables_settle(&t);
		assert_int_equal(atoi(get("sloppy_tcp")), i < 2 ? atoi(before[i]) : 8);
		assert_int_equal(atoi(world.last.value.s), i < 2 ? atoi(before[i]) : 8);
		tunables_stop(&t);
		assert_string_equal(get("sloppy_tcp"), before[i]);
	}
	init(&t, "missing");
	tunables_begin(&t);
	tunables_want_at_least(&t, "sloppy_tcp", "8");
	tunables_settle(&t);
	put("sloppy_tcp", "6\n"); /* less is put right */
	tunables_check(&t);
	assert_string_equal(get("sloppy_tcp"), "8\n");
	put("sloppy_tcp", "12\n");
	tunables_check(&t);
	assert_string_equal(world.last.value.s, "12");
	assert_string_equal(world.last.former.s, "12");
	tunables_stop(&t);
	assert_string_equal(get("sloppy_tcp"), "12\n");
	assert_int_equal(world.complaints, 0);
}

/* Just before the stop: nobody has seen it. */
static void test_only_what_was_written_is_put_back(void **state)
{
	static const char *const wanted[] = {"sloppy_tcp", "1", NULL};
	struct tunables t;

	init(&t, "missing");
	commit(&t, wanted);
	put("sloppy_tcp", "2\n");
	tunables_stop(&t);
	assert_string_equal(get("sloppy_tcp"), "2\n");
}

/* Dead between the writing and the telling. */
static void test_what_was_written_last_is_known_again(void **state)
{
	static const char *const wanted[] = {"sloppy_tcp", "1", NULL};
	struct msg_vs_sysctl_state told = {.id = model_id_sysctl("sloppy_tcp"),
					   .name = {"sloppy_tcp"},
					   .former = {"0"},
					   .value = {"0"}};
	struct tunables t;

	put("sloppy_tcp", "1\n");
	init(&t, "missing");
	tunables_resume(&t, &told);
	commit(&t, wanted);
	assert_string_equal(world.last.value.s, "1");
	tunables_stop(&t);
	assert_string_equal(get("sloppy_tcp"), "0\n");
}

/* In a network namespace where net.core's are not, or not yet. */
static void test_what_is_optional_is_no_error(void **state)
{
	static const char *const wanted[] = {"rmem_max", "8", NULL};
	struct tunables t;

	init(&t, "elsewhere");
	t.place.optional = true;
	for (unsigned reload = 0; reload < 3; reload++) {
		commit(&t, wanted);
		tunables_check(&t);
	}
	assert_int_equal(world.complaints, 0);
	assert_int_equal(world.notices, 1);
	put("rmem_max", "4\n");
	tunables_check(&t);
	assert_string_equal(get("rmem_max"), "8\n");
	tunables_stop(&t);
	assert_string_equal(get("rmem_max"), "4\n");
	unlink(path_of("rmem_max"));
}

/* A process died; the next one finds its line gone, or still there. */
static void test_what_was_there_survives(void **state)
{
	static const char *const with[] = {"sloppy_tcp", "1", NULL}, *const without[] = {NULL};
	struct tunables t, next;

	init(&t, "missing");
	commit(&t, with);
	for (int i = 0; i < 2; i++) {
		init(&next, "missing");
		tunables_resume(&next, &world.last);
		commit(&next, i ? without : with);
		assert_string_equal(get("sloppy_tcp"), i ? "0\n" : "1\n");
		free(next.at);
	}
	free(t.at);
}

static void test_what_is_missing_is_told_once(void **state)
{
	static const char *const wanted[] = {"est_nice", "10", "sloppy_tcp", "1", NULL};
	struct tunables t;

	init(&t, "missing");
	commit(&t, wanted);
	tunables_check(&t);
	assert_int_equal(world.complaints, 1);
	assert_string_equal(get("sloppy_tcp"), "1\n");
	tunables_stop(&t);
	assert_int_equal(world.complaints, 1);
}

/* An interface goes, and another comes with its name: what that one had is what comes back. */
static void test_what_comes_and_goes(void **state)
{
	static const char *const wanted[] = {"sloppy_tcp", "1", NULL};
	struct tunables t;

	init(&t, NULL);
	commit(&t, wanted);
	unlink(path_of("sloppy_tcp"));
	tunables_check(&t);
	put("sloppy_tcp", "2\n");
	tunables_check(&t);
	assert_string_equal(get("sloppy_tcp"), "1\n");
	tunables_stop(&t);
	assert_string_equal(get("sloppy_tcp"), "2\n");

	init(&t, NULL);
	commit(&t, wanted);
	unlink(path_of("sloppy_tcp"));
	tunables_stop(&t);
	put("sloppy_tcp", "0\n");
	assert_int_equal(world.complaints, 0);
}

/* What comes from a former life is no way out of the place. */
static void test_paths_stay_below(void **state)
{
	static const char *const names[] = {"/etc/passwd", "../sloppy_tcp", "a/../b"};
	struct tunables t;

	init(&t, "missing");
	for (unsigned i = 0; i < 3; i++) {
		struct msg_vs_sysctl_state m = {.id = i + 1};

		text_set(&m.name, "%s", names[i]);
		tunables_resume(&t, &m);
	}
	assert_int_equal(t.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_set_and_put_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_at_least, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_what_was_written_is_put_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_was_written_last_is_known_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_is_optional_is_no_error, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_was_there_survives, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_missing_is_told_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_comes_and_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_paths_stay_below, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
