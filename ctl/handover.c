/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs after which another tandemd is there: see handover.h. */
#include "ctl/handover.h"

#include "ctl/client.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

/* Longer than the new VRRP process is waited for. */
#define UPGRADE_MAX_S 60
#define LEAVE_MAX_MS  15000
#define ASK_EACH_MS   100

static const char *text_of(struct json_object *o, const char *name)
{
	struct json_object *v = NULL;

	json_object_object_get_ex(o, name, &v);
	return v ? json_object_get_string(v) : "";
}

static int number_of(struct json_object *o, const char *name)
{
	struct json_object *v = NULL;

	json_object_object_get_ex(o, name, &v);
	return v ? json_object_get_int(v) : 0;
}

static struct json_object *roles_of(struct json_object *doc)
{
	struct json_object *roles = NULL;

	json_object_object_get_ex(doc, "roles", &roles);
	return roles;
}

static int ask(const char *run_dir, const char *verb, struct json_object **ret)
{
	struct json_object *question = json_object_new_object();
	int err;

	json_object_object_add(question, "verb", json_object_new_string(verb));
	err = client_ask(run_dir, question, ret);
	json_object_put(question);
	return err;
}

/* 0 or -errno, after saying why; *ret is the answer. */
static int begin(const char *run_dir, const char *verb, struct json_object **ret)
{
	int err = ask(run_dir, verb, ret);

	if (err == -ENOENT || err == -ECONNREFUSED) {
		fprintf(stderr, "tandemctl: tandemd does not run here\n");
		return -ENOTCONN;
	}
	if (err) {
		fprintf(stderr, "tandemctl: %s\n", strerror(-err));
		return err;
	}
	if (!text_of(*ret, "error")[0])
		return 0;
	fprintf(stderr, "tandemctl: %s: refused: %s\n", verb, text_of(*ret, "error"));
	json_object_put(*ret);
	return -EPERM;
}

static int old_pid(struct json_object *before, const char *role)
{
	struct json_object *roles = roles_of(before);

	for (size_t i = 0; i < json_object_array_length(roles); i++) {
		struct json_object *r = json_object_array_get_idx(roles, i);

		if (strcmp(text_of(r, "name"), role) == 0)
			return number_of(r, "pid");
	}
	return 0;
}

static bool is_replaced(struct json_object *before, struct json_object *role)
{
	struct json_object *wanted = NULL;

	if (json_object_object_get_ex(role, "wanted", &wanted) && !json_object_get_boolean(wanted))
		return true;
	return strcmp(text_of(role, "phase"), "ready") == 0 &&
	       number_of(role, "pid") != old_pid(before, text_of(role, "name"));
}

static bool is_done(struct json_object *before, struct json_object *now)
{
	struct json_object *roles = roles_of(now);

	if (!roles || strcmp(text_of(now, "started"), text_of(before, "started")) == 0)
		return false;
	for (size_t i = 0; i < json_object_array_length(roles); i++)
		if (!is_replaced(before, json_object_array_get_idx(roles, i)))
			return false;
	return strcmp(text_of(now, "phase"), "running") == 0;
}

static void say_done(struct json_object *before, struct json_object *now)
{
	struct json_object *roles = roles_of(now);

	printf("tandemd %s → %s, process %d\n", text_of(before, "version"), text_of(now, "version"),
	       number_of(now, "pid"));
	for (size_t i = 0; i < json_object_array_length(roles); i++) {
		struct json_object *r = json_object_array_get_idx(roles, i);

		if (number_of(r, "pid"))
			printf("%-7s process %d → %d\n", text_of(r, "name"),
			       old_pid(before, text_of(r, "name")), number_of(r, "pid"));
	}
}

static void say_what_is_missing(struct json_object *before, struct json_object *now)
{
	struct json_object *roles = now ? roles_of(now) : NULL;

	fprintf(stderr, "tandemctl: upgrade: not done after %d s%s\n", UPGRADE_MAX_S,
		now ? "" : ": tandemd does not answer");
	for (size_t i = 0; roles && i < json_object_array_length(roles); i++) {
		struct json_object *r = json_object_array_get_idx(roles, i);

		if (!is_replaced(before, r))
			fprintf(stderr, "  %s is %s, process %d\n", text_of(r, "name"),
				text_of(r, "phase"), number_of(r, "pid"));
	}
}

int handover_upgrade(const char *run_dir)
{
	const struct timespec pause = {.tv_nsec = ASK_EACH_MS * 1000000L};
	struct json_object *before, *now = NULL;
	int err = begin(run_dir, "upgrade", &before);
	bool done = false;

	if (err)
		return err;
	for (int i = 0; i < UPGRADE_MAX_S * 1000 / ASK_EACH_MS && !done; i++) {
		nanosleep(&pause, NULL);
		json_object_put(now);
		now = NULL;
		done = ask(run_dir, "version", &now) == 0 && is_done(before, now);
	}
	if (done)
		say_done(before, now);
	else
		say_what_is_missing(before, now);
	json_object_put(now);
	json_object_put(before);
	return done ? 0 : -ETIMEDOUT;
}

int handover_leave(const char *run_dir)
{
	struct pollfd ended = {.events = POLLIN};
	struct json_object *doc;
	int err = begin(run_dir, "leave", &doc);

	if (err)
		return err;
	/* Should it have ended already, there is nothing to wait for. */
	ended.fd = pidfd_open(number_of(doc, "pid"), 0);
	json_object_put(doc);
	if (ended.fd < 0)
		return 0;
	if (poll(&ended, 1, LEAVE_MAX_MS) == 0) {
		fprintf(stderr, "tandemctl: leave: tandemd has not ended after %d s\n",
			LEAVE_MAX_MS / 1000);
		err = -ETIMEDOUT;
	}
	close(ended.fd);
	return err;
}
