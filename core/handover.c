/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a supervisor that has a successor: see handover.h. */
#include "core/handover.h"

#include "core/clock.h"
#include "core/config/config.h"
#include "core/log.h"
#include "core/scripts.h"
#include "core/supervisor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Told to the program that we execute; roles and scripts don't see it. */
#define SUCCESSOR "TANDEMD_SUCCESSOR"

/* Scripts of what has happened so far are waited for: a successor does not know of them. */
#define SCRIPTS_US    (3 * USEC_PER_SEC)
#define LOOK_S	      0.02
#define TEST_US	      (20 * USEC_PER_SEC)
#define TEST_OBJECT   1
#define ARGUMENTS_MAX 64

static bool is_under_way(const struct supervisor *s)
{
	return s->handover.kind != HANDOVER_NONE || s->handover.testing;
}

static int refuse(const struct supervisor *s, struct text *ret_reason)
{
	if (is_under_way(s))
		text_set(ret_reason, "an upgrade or a restart is under way already");
	else if (s->phase != SUPERVISOR_RUNNING)
		text_set(ret_reason, "tandemd is %s",
			 s->phase == SUPERVISOR_STARTING ? "still starting" : "stopping");
	else if (reload_is_busy(s))
		text_set(ret_reason, "a reload is under way");
	else
		return 0;
	return -EBUSY;
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct supervisor *s = w->data;
	bool idle = scripts_idle(s->outlets.scripts);

	if (s->phase == SUPERVISOR_STOPPING)
		ev_timer_stop(loop, w);
	else if (idle || clock_now_us() >= s->handover.until_us)
		ev_break(loop, EVBREAK_ALL);
}

static void begin(struct supervisor *s, enum handover_kind kind)
{
	struct handover *h = &s->handover;

	h->kind = kind;
	h->until_us = clock_now_us() + SCRIPTS_US;
	log_notice(kind == HANDOVER_EXECUTE ? "upgrade: the roles serve on, tandemd starts anew"
					    : "leaving: the roles serve on until the next tandemd");
	ev_timer_set(&h->timer, LOOK_S, LOOK_S);
	ev_timer_start(s->loop, &h->timer);
}

int handover_leave(struct supervisor *s, struct text *ret_reason)
{
	int err = refuse(s, ret_reason);

	if (!err)
		begin(s, HANDOVER_LEAVE);
	return err;
}

/* Upgrades */

/* Warnings: what runs now has got them too. Any other status is none of ours: a program whose
 * libraries are not there ends with 127, and would leave the roles without a supervisor. */
static bool is_fine(int status)
{
	return status == CONFIG_EXIT_OK || status == CONFIG_EXIT_WARNINGS ||
	       status == CONFIG_EXIT_SECURITY;
}

static bool is_accepted(const struct script_end *end, struct text *ret_reason)
{
	static const char broken[] = "the new program does not work";

	switch (end->how) {
	case SCRIPT_EXITED:
		if (is_fine(end->value))
			return true;
		if (end->value == CONFIG_EXIT_ERRORS)
			text_set(ret_reason, "the new program refuses the configuration: "
					     "tandemd -t says why");
		else
			text_set(ret_reason, "%s: ended with status %d", broken, end->value);
		return false;
	case SCRIPT_SIGNALLED:
		text_set(ret_reason, "%s: ended by signal %d", broken, end->value);
		return false;
	case SCRIPT_TOO_LATE:
		text_set(ret_reason, "%s: it has not read the configuration in %d s", broken,
			 (int)(TEST_US / USEC_PER_SEC));
		return false;
	case SCRIPT_NOT_RUN:
		text_set(ret_reason, "the new program can't be run: %s", end->why);
		return false;
	}
	return false;
}

static void on_tested(void *ctx, uint64_t object, const struct script_end *end)
{
	struct supervisor *s = ctx;
	struct text reason = {""};

	s->handover.testing = false;
	if (is_accepted(end, &reason) && refuse(s, &reason) == 0)
		begin(s, HANDOVER_EXECUTE);
	else
		log_error("upgrade: refused: %s", reason.s);
	control_upgrade_tested(s, &reason);
}

/* False: the path is whole as it is. Scripts are run in the root directory. */
static bool set_whole_path(const char *path, char *whole, size_t size)
{
	char *here = path[0] == '/' ? NULL : realpath(".", NULL);

	if (!here)
		return false;
	snprintf(whole, size, "%s/%s", here, path);
	free(here);
	return true;
}

/* With our own options, so that it reads what we have read: wherever it is run. */
static int test_new_program(struct supervisor *s)
{
	const char *args[ARGUMENTS_MAX] = {NULL};
	struct script_request r = {.object = TEST_OBJECT,
				   .name = "upgrade",
				   .args = args,
				   .user = "root",
				   .group = "",
				   .timeout_us = TEST_US,
				   .ended = on_tested,
				   .ctx = s};
	char command[600], file[1024];
	int n = 0, err = 0;

	for (char **at = s->options.argv + 1; *at && n + 4 < ARGUMENTS_MAX; at++)
		args[n++] = *at;
	if (n + 4 == ARGUMENTS_MAX)
		err = -E2BIG;
	args[n++] = "-t";
	if (set_whole_path(s->options.config_file, file, sizeof(file))) {
		args[n++] = "-f";
		args[n++] = file;
	}
	snprintf(command, sizeof(command), "'%s'", s->options.program);
	r.command = command;
	return err ? err : scripts_run(s->outlets.scripts, &r);
}

int handover_upgrade(struct supervisor *s, struct text *ret_reason)
{
	int err = refuse(s, ret_reason);

	if (err)
		return err;
	s->handover.testing = true;
	err = test_new_program(s);
	if (err) {
		s->handover.testing = false;
		text_set(ret_reason, "the new program can't be tried: %s", strerror(-err));
	}
	return err;
}

int handover_execute(const struct options *o)
{
	setenv(SUCCESSOR, "1", 1);
	execv(o->program, o->argv);
	log_error("%s: can't be executed: %s: the roles serve on without a supervisor", o->program,
		  strerror(errno));
	return EXIT_FAILURE;
}

bool handover_is_successor(void)
{
	bool yes = getenv(SUCCESSOR);

	unsetenv(SUCCESSOR);
	return yes;
}

void handover_init(struct supervisor *s)
{
	ev_init(&s->handover.timer, on_timer);
	s->handover.timer.data = s;
}

void handover_done(struct supervisor *s)
{
	ev_timer_stop(s->loop, &s->handover.timer);
}
