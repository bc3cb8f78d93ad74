/* SPDX-License-Identifier: Apache-2.0 */
/* tandemd's command line: see options.h. */
#include "core/options.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define DEFAULT_CONFIG	TANDEM_SYSCONFDIR "/tandem/tandem.conf"
#define DEFAULT_RUN_DIR TANDEM_RUNSTATEDIR "/tandem"
#define DEFAULT_STATE_DIR TANDEM_LOCALSTATEDIR "/lib/tandem"

enum {
	OPT_RUN_DIR = 256,
	OPT_STATE_DIR,
	OPT_STRICT,
	OPT_SIGNUM,
};

static const struct option long_options[] = {
	{"use-file", required_argument, NULL, 'f'},
	{"vrrp", no_argument, NULL, 'P'},
	{"check", no_argument, NULL, 'C'},
	{"log-console", no_argument, NULL, 'l'},
	{"log-detail", no_argument, NULL, 'D'},
	{"dump-conf", no_argument, NULL, 'd'},
	{"dont-fork", no_argument, NULL, 'n'},
	{"pid", required_argument, NULL, 'p'},
	{"vrrp_pid", required_argument, NULL, 'r'},
	{"checkers_pid", required_argument, NULL, 'c'},
	{"config-id", required_argument, NULL, 'i'},
	{"dont-release-ipvs", no_argument, NULL, 'I'},
	{"dont-respawn", no_argument, NULL, 'R'},
	{"release-vips", no_argument, NULL, 'X'},
	{"config-test", optional_argument, NULL, 't'},
	{"signum", required_argument, NULL, OPT_SIGNUM},
	{"run-dir", required_argument, NULL, OPT_RUN_DIR},
	{"state-dir", required_argument, NULL, OPT_STATE_DIR},
	{"strict", no_argument, NULL, OPT_STRICT},
	{"version", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

void options_help(FILE *out)
{
	fputs("Usage: tandemd [OPTION...]\n"
	      "  -f, --use-file=FILE        configuration [" DEFAULT_CONFIG "]\n"
	      "  -t, --config-test[=FILE]   check the configuration and exit: 0 good, 4 warnings\n"
	      "      --strict               warnings of the configuration are errors\n"
	      "  -i, --config-id=ID         for @ID conditions in the configuration\n"
	      "      --run-dir=DIR          everything of this instance in DIR [" DEFAULT_RUN_DIR
	      "]\n"
	      "      --state-dir=DIR        what outlives a reboot [" DEFAULT_STATE_DIR
	      ", or RUN_DIR]\n"
	      "  -n, --dont-fork            stay in the foreground\n"
	      "  -l, --log-console          log to stderr instead of syslog\n"
	      "  -D, --log-detail           log in detail\n"
	      "  -d, --dump-conf            log the configuration as understood\n"
	      "  -P, --vrrp                 VRRP only\n"
	      "  -C, --check                health checks and IPVS only\n"
	      "  -p, --pid=FILE             pid file [RUN_DIR/tandemd.pid]\n"
	      "  -r, --vrrp_pid=FILE        pid file of tandem-vrrp\n"
	      "  -c, --checkers_pid=FILE    pid file of tandem-check\n"
	      "  -I, --dont-release-ipvs    leave the IPVS table as it is on stop\n"
	      "  -R, --dont-respawn         do not start roles again\n"
	      "  -X, --release-vips         remove virtual addresses on stop (always so)\n"
	      "      --signum=NAME          print the number of STOP, RELOAD, DATA or STATS\n"
	      "  -v, --version              print the version\n"
	      "  -h, --help                 print this\n",
	      out);
}

int options_signum(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {
		{"STOP", SIGTERM},
		{"RELOAD", SIGHUP},
		{"DATA", SIGUSR1},
		{"STATS", SIGUSR2},
	};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (strcasecmp(name, signals[i].name) == 0)
			return signals[i].number;
	return -EINVAL;
}

/* getopt gives "=FILE" for -t=FILE, which keepalived's manual shows. */
static const char *without_equals(const char *value)
{
	return value && value[0] == '=' ? value + 1 : value;
}

static int take(struct options *o, int c, const char *value)
{
	switch (c) {
	case 'f':
		o->config_file = value;
		return 0;
	case 't':
		o->action = OPTIONS_TEST;
		if (value)
			o->config_file = without_equals(value);
		return 0;
	case 'i':
		o->config_id = value;
		return 0;
	case 'p':
		o->pid_file = value;
		return 0;
	case 'r':
		o->vrrp_pid_file = value;
		return 0;
	case 'c':
		o->check_pid_file = value;
		return 0;
	case 'n':
		o->foreground = true;
		return 0;
	case 'l':
		o->log_console = true;
		return 0;
	case 'D':
		o->log_detail = true;
		return 0;
	case 'd':
		o->dump_config = true;
		return 0;
	case 'P':
		o->vrrp_only = true;
		return 0;
	case 'C':
		o->check_only = true;
		return 0;
	case 'I':
		o->keep_ipvs = true;
		return 0;
	case 'R':
		o->no_respawn = true;
		return 0;
	case 'X':
		return 0;
	case 'v':
		o->action = OPTIONS_VERSION;
		return 0;
	case 'h':
		o->action = OPTIONS_HELP;
		return 0;
	case OPT_STRICT:
		o->strict = true;
		return 0;
	case OPT_RUN_DIR:
		o->run_dir = value;
		o->own_run_dir = true;
		return 0;
	case OPT_STATE_DIR:
		o->state_dir = value;
		return 0;
	case OPT_SIGNUM:
		o->action = OPTIONS_SIGNUM;
		o->signal_name = value;
		return 0;
	}
	return -EINVAL;
}

static int say_unknown(int c, char **argv, int index, FILE *err)
{
	const char *what = c == ':' ? "needs a value" : "unknown or not supported";

	if (optopt > 0 && optopt < 256)
		fprintf(err, "tandemd: option -%c: %s; see tandemd --help\n", optopt, what);
	else
		fprintf(err, "tandemd: option %s: %s; see tandemd --help\n", argv[index], what);
	return -EINVAL;
}

static int check_whole(const struct options *o, int argc, char **argv, FILE *err)
{
	if (optind < argc) {
		fprintf(err, "tandemd: %s: not an option; see tandemd --help\n", argv[optind]);
		return -EINVAL;
	}
	if (o->action == OPTIONS_SIGNUM && options_signum(o->signal_name) < 0) {
		fprintf(err, "tandemd: --signum=%s: not one of STOP, RELOAD, DATA, STATS\n",
			o->signal_name);
		return -EINVAL;
	}
	return 0;
}

int options_parse(struct options *o, int argc, char **argv, FILE *err)
{
	int c;

	*o = (struct options){
		.config_file = DEFAULT_CONFIG, .run_dir = DEFAULT_RUN_DIR, .argv = argv};
	opterr = 0;
	optind = 0;
	for (;;) {
		int index = optind ? optind : 1;

		c = getopt_long(argc, argv, ":f:PClDdnp:r:c:i:IRXt::vh", long_options, NULL);
		if (c == -1)
			break;
		if (take(o, c, optarg) < 0)
			return say_unknown(c, argv, index, err);
	}
	if (!o->state_dir)
		o->state_dir = o->own_run_dir ? o->run_dir : DEFAULT_STATE_DIR;
	if (o->vrrp_only && o->check_only) /* each asks for its part, as with keepalived */
		o->vrrp_only = o->check_only = false;
	return check_whole(o, argc, argv, err);
}

int options_find_program(struct options *o)
{
	static const char gone[] = " (deleted)"; /* proc(5) */
	static char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	size_t len = sizeof(gone) - 1;

	if (n < 0)
		return -errno;
	path[n] = '\0';
	if ((size_t)n > len && strcmp(path + n - len, gone) == 0)
		path[(size_t)n - len] = '\0';
	o->program = path;
	return 0;
}
