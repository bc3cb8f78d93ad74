/* SPDX-License-Identifier: Apache-2.0 */
/* tandemd: what the command line asks for. */
#include "core/generation.h"
#include "core/supervisor.h"

#include <stdlib.h>

static int test_config(const struct options *o)
{
	const struct config_options c = generation_config_options(o);

	return config_test(&c, stderr);
}

int main(int argc, char **argv)
{
	struct options o;

	if (options_parse(&o, argc, argv, stderr) < 0)
		return EXIT_FAILURE;
	switch (o.action) {
	case OPTIONS_RUN:
		return supervisor_run(&o);
	case OPTIONS_TEST:
		return test_config(&o);
	case OPTIONS_HELP:
		options_help(stdout);
		return EXIT_SUCCESS;
	case OPTIONS_VERSION:
		puts("tandemd " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	case OPTIONS_SIGNUM:
		printf("%d\n", options_signum(o.signal_name));
		return EXIT_SUCCESS;
	}
	return EXIT_FAILURE;
}
