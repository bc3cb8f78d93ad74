/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tandemd's command line: keepalived's essential options, with its letters and long names, and
 * --run-dir. Knows words only; what they ask for is done elsewhere.
 */
#ifndef TANDEM_OPTIONS_H
#define TANDEM_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

enum options_action {
	OPTIONS_RUN,
	OPTIONS_TEST,	 /* -t: check the configuration and exit */
	OPTIONS_HELP,	 /* -h */
	OPTIONS_VERSION, /* -v */
	OPTIONS_SIGNUM,	 /* --signum: print the number of `signal_name` */
};

struct options {
	enum options_action action;
	const char *config_file;
	const char *config_id; /* NULL: none */
	const char *run_dir;
	bool own_run_dir;	    /* --run-dir was given: everything of the instance goes there */
	const char *state_dir;	    /* of what outlives a reboot; with --run-dir it is that */
	const char *pid_file;	    /* NULL: RUN_DIR/tandemd.pid */
	const char *vrrp_pid_file;  /* NULL: none */
	const char *check_pid_file; /* NULL: none */
	const char *signal_name;
	char **argv;	     /* all of it */
	const char *program; /* the file that we run, by its path: see options_find_program() */
	bool foreground;
	bool log_console;
	bool log_detail;
	bool dump_config;
	bool strict;
	bool vrrp_only;
	bool check_only;
	bool keep_ipvs;
	bool no_respawn;
	bool replace_roles; /* no option: an upgrade has executed us */
};

/* 0, or -EINVAL after saying what is wrong on `err`. The strings are argv's own. */
int options_parse(struct options *o, int argc, char **argv, FILE *err);
void options_help(FILE *out);
/* Where our program's file is, or was, should it have been replaced. 0 or -errno. */
int options_find_program(struct options *o);
/* The number of a signal by keepalived's name for it, or -EINVAL. */
int options_signum(const char *name);

#endif
