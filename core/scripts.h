/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that runs scripts: as the user that the configuration names, in order for each
 * object, with a deadline (script_queue.h says how), never waiting for one. Failures are logged
 * with the script's name, reason included.
 *
 * Uses the default loop, because only that one watches children.
 */
#ifndef TANDEM_SCRIPTS_H
#define TANDEM_SCRIPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct global;
struct notify;
struct scripts;

/* keepalived lets a notify script run for ever. Here one that hangs must not keep the next one of
 * its object from running; but some do honest work that takes minutes. */
#define SCRIPT_NOTIFY_TIMEOUT_US ((int64_t)300000000)
/* A reader of a FIFO runs as long as we do. */
#define SCRIPT_NO_TIMEOUT_US (INT64_MAX / 4)

/* How a script ended. */
enum script_how {
	SCRIPT_EXITED,	  /* value: its status */
	SCRIPT_SIGNALLED, /* value: the signal */
	SCRIPT_TOO_LATE,  /* it was ended at its deadline */
	SCRIPT_NOT_RUN,	  /* why */
};
struct script_end {
	enum script_how how;
	int value;
	const char *why;
};

/* Copied; may be the caller's stack. */
struct script_request {
	uint64_t object;	 /* scripts of one object run one after the other */
	const char *name;	 /* for the log: "VI_1: notify_master" */
	const char *command;	 /* as in the file: see command_split() */
	const char *const *args; /* more words behind the command's own, NULL-ended; or NULL */
	const char *input;	 /* what it reads on standard input; NULL: nothing */
	const char *user;	 /* "" : DEFAULT_USER if there is one, else who we are */
	const char *group;	 /* "" : the user's own */
	bool secure;		 /* enable_script_security */
	bool groups;		 /* set_supplementary_groups: those of the user as well */
	int64_t timeout_us;
	/* Told once how it ended, and then nothing of it is logged. Or NULL. */
	void (*ended)(void *ctx, uint64_t object, const struct script_end *end);
	void *ctx;
};

#define SCRIPT_DEFAULT_USER "keepalived_script"

/* A failover of a thousand instances must not take the processor from VRRP. */
#define SCRIPTS_NOTIFY_MAX 16

int scripts_new(struct ev_loop *loop, size_t running_max, struct scripts **ret);
/* Scripts that run go on by themselves; those that wait are dropped, which is logged. */
void scripts_free(struct scripts *s);

/* Command and user of a line of the configuration, with what global_defs says of all scripts; the
 * rest is the caller's to fill in. */
struct script_request scripts_request_as(const char *command, const char *user, const char *group,
					 const struct global *g);
struct script_request scripts_request_for(const struct notify *n, const struct global *g);

/* 0, or -EINVAL for a command that can't be split into words (which is logged). */
int scripts_run(struct scripts *s, const struct script_request *r);

/*
 * One notify line of the configuration, `event` being its keyword. `args` are given to "notify"
 * (NOTIFY_ANY) only: keepalived's "INSTANCE", name, "MASTER", priority.
 */
int scripts_notify(struct scripts *s, uint64_t object, const char *owner, const char *event,
		   const struct notify *n, const struct global *g, const char *const *args);

/* Asks the object's running script to end, as if its deadline had passed. */
void scripts_end(struct scripts *s, uint64_t object);

/* Nothing runs, nothing waits. */
bool scripts_idle(const struct scripts *s);

#endif
