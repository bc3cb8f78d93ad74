/* SPDX-License-Identifier: Apache-2.0 */
/* net.ipv4.vs.* kept as configured (ipvs/tunables.c), over a directory of plain files. */
#include "core/log.h"
#include "core/role.h"
#include "ipvs/tunables.h"

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
	unsigned complaints;
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

static struct vs_sysctl line(const char *name, const char *value)
{
	return (struct vs_sysctl){ model_id_sysctl(name), name, value };
}

static void test_set_and_put_back(void **state)
{
	struct vs_sysctl lines[] = { line("sloppy_tcp", "1"), line("sync_threshold", "0 0") };
	struct global both = { .sysctls = lines, .n_sysctls = 2 };
	struct global one = { .sysctls = lines, .n_sysctls = 1 };
	struct tunables t;

	tunables_init(&t, world.dir);
	tunables_commit(&t, &both);
	assert_string_equal(get("sloppy_tcp"), "1\n");
	assert_string_equal(get("sync_threshold"), "0 0\n");
	assert_string_equal(world.last.former.s, "3 50");
	assert_string_equal(world.last.value.s, "0 0");
	tunables_commit(&t, &one);
	assert_string_equal(get("sync_threshold"), "3 50\n");
	put("sloppy_tcp", "0\n");
	tunables_check(&t);
	assert_string_equal(get("sloppy_tcp"), "1\n");
	tunables_stop(&t);
	assert_string_equal(get("sloppy_tcp"), "0\n");
	assert_int_equal(world.complaints, 0);
}

/* A process died; the next one finds its line gone, or still there. */
static void test_what_was_there_survives(void **state)
{
	struct vs_sysctl lines[] = { line("sloppy_tcp", "1") };
	struct global with = { .sysctls = lines, .n_sysctls = 1 }, without = { 0 };
	struct tunables t, next;

	tunables_init(&t, world.dir);
	tunables_commit(&t, &with);
	for (int i = 0; i < 2; i++) {
		tunables_init(&next, world.dir);
		tunables_resume(&next, &world.last);
		tunables_commit(&next, i ? &without : &with);
		assert_string_equal(get("sloppy_tcp"), i ? "0\n" : "1\n");
		free(next.at);
	}
	free(t.at);
}

static void test_what_is_missing_is_told_once(void **state)
{
	struct vs_sysctl lines[] = { line("est_nice", "10"), line("sloppy_tcp", "1") };
	struct global g = { .sysctls = lines, .n_sysctls = 2 };
	struct tunables t;

	tunables_init(&t, world.dir);
	tunables_commit(&t, &g);
	tunables_check(&t);
	assert_int_equal(world.complaints, 1);
	assert_string_equal(get("sloppy_tcp"), "1\n");
	tunables_stop(&t);
	assert_int_equal(world.complaints, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_set_and_put_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_was_there_survives, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_missing_is_told_once, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
