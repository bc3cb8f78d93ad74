/* SPDX-License-Identifier: Apache-2.0 */
/* tandemd's command line (core/options.c). */
#include "core/options.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARGS_MAX 16

static char said[256];

/* Words separated by one space. */
static int parse(struct options *o, const char *line)
{
	static char words[256];
	char *argv[ARGS_MAX] = {"tandemd"}, *at = words;
	int argc = 1, err;
	FILE *f;

	snprintf(words, sizeof(words), "%s", line);
	while (at && *at && argc < ARGS_MAX - 1)
		argv[argc++] = strsep(&at, " ");
	memset(said, 0, sizeof(said));
	f = fmemopen(said, sizeof(said) - 1, "w");
	err = options_parse(o, argc, argv, f);
	fclose(f);
	return err;
}

static void assert_refused(const char *line, const char *words)
{
	struct options o;

	assert_int_equal(parse(&o, line), -EINVAL);
	if (!strstr(said, words))
		fail_msg("\"%s\" said: %s", line, said);
}

static void test_defaults(void **state)
{
	struct options o;

	assert_int_equal(parse(&o, ""), 0);
	assert_int_equal(o.action, OPTIONS_RUN);
	assert_string_equal(o.config_file, TANDEM_SYSCONFDIR "/tandem/tandem.conf");
	assert_string_equal(o.run_dir, TANDEM_RUNSTATEDIR "/tandem");
	assert_false(o.own_run_dir || o.foreground || o.log_console);
}

static void test_keepaliveds_letters(void **state)
{
	struct options o;

	assert_int_equal(parse(&o, "-nlDdPIRX -f a.conf -i lb1 -p p -r v -c k"), 0);
	assert_true(o.foreground && o.log_console && o.log_detail && o.dump_config);
	assert_true(o.vrrp_only && o.keep_ipvs && o.no_respawn && !o.check_only);
	assert_string_equal(o.config_file, "a.conf");
	assert_string_equal(o.config_id, "lb1");
	assert_string_equal(o.pid_file, "p");
	assert_string_equal(o.vrrp_pid_file, "v");
	assert_string_equal(o.check_pid_file, "k");
	assert_int_equal(parse(&o, "-P -C"), 0);
	assert_false(o.vrrp_only || o.check_only);
}

static void test_keepaliveds_long_names(void **state)
{
	struct options o;

	assert_int_equal(parse(&o, "--dont-fork --log-console --log-detail --check "
				   "--use-file=b.conf --dont-release-ipvs --dont-respawn "
				   "--checkers_pid k --vrrp_pid v --run-dir /x"),
			 0);
	assert_true(o.foreground && o.log_console && o.log_detail && o.check_only);
	assert_true(o.keep_ipvs && o.no_respawn && o.own_run_dir);
	assert_string_equal(o.config_file, "b.conf");
	assert_string_equal(o.run_dir, "/x");
}

static void test_config_test(void **state)
{
	struct options o;

	assert_int_equal(parse(&o, "-t=x.conf --strict"), 0);
	assert_int_equal(o.action, OPTIONS_TEST);
	assert_string_equal(o.config_file, "x.conf");
	assert_true(o.strict);
	assert_int_equal(parse(&o, "-tx.conf"), 0);
	assert_string_equal(o.config_file, "x.conf");
	assert_int_equal(parse(&o, "--config-test=y.conf"), 0);
	assert_string_equal(o.config_file, "y.conf");
	assert_int_equal(parse(&o, "-f z.conf -t"), 0);
	assert_int_equal(o.action, OPTIONS_TEST);
	assert_string_equal(o.config_file, "z.conf");
}

static void test_what_is_not_supported_is_refused(void **state)
{
	assert_refused("-V", "-V: unknown or not supported");
	assert_refused("-n --no-such", "--no-such: unknown or not supported");
	assert_refused("-n -f", "-f: needs a value");
	assert_refused("--run-dir", "needs a value");
	assert_refused("-n file", "file: not an option");
	assert_refused("--signum=NONE", "NONE");
}

static void test_signum(void **state)
{
	struct options o;

	assert_int_equal(parse(&o, "--signum=DATA"), 0);
	assert_int_equal(o.action, OPTIONS_SIGNUM);
	assert_int_equal(options_signum("DATA"), SIGUSR1);
	assert_int_equal(options_signum("stats"), SIGUSR2);
	assert_int_equal(options_signum("RELOAD"), SIGHUP);
	assert_int_equal(options_signum("STOP"), SIGTERM);
	assert_int_equal(options_signum(""), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_keepaliveds_letters),
		cmocka_unit_test(test_keepaliveds_long_names),
		cmocka_unit_test(test_config_test),
		cmocka_unit_test(test_what_is_not_supported_is_refused),
		cmocka_unit_test(test_signum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
