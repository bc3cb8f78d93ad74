/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps files of /proc/sys as wanted: see tunables.h. */
#include "core/tunables.h"

#include "core/log.h"
#include "core/must.h"
#include "core/role.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void tunables_init(struct tunables *t, const struct tunables_place *place)
{
	*t = (struct tunables){.place = *place};
}

static int open_file(const struct tunables *t, const char *name, int flags)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", t->place.dir, name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Numbers as the configuration has them, with one space between. 0 or -errno. */
static int read_value(const struct tunables *t, const char *name, struct text *ret)
{
	int fd = open_file(t, name, O_RDONLY);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, ret->s, sizeof(ret->s) - 1);
	close(fd);
	if (n < 0)
		return -errno;
	for (ssize_t i = 0; i < n; i++) {
		char ch = ret->s[i] == '\t' || ret->s[i] == '\n' ? ' ' : ret->s[i];

		if (ch != ' ' || (len && ret->s[len - 1] != ' '))
			ret->s[len++] = ch;
	}
	while (len && ret->s[len - 1] == ' ')
		len--;
	ret->s[len] = '\0';
	return 0;
}

static int write_value(const struct tunables *t, const char *name, const char *value)
{
	int fd = open_file(t, name, O_WRONLY | O_TRUNC);
	int err;

	if (fd < 0)
		return fd;
	err = dprintf(fd, "%s\n", value) < 0 ? -errno : 0;
	close(fd);
	return err;
}

static void tell(const struct tunables *t, const struct tunable *u)
{
	struct msg m = {.type = t->place.report, .vs_sysctl_state = u->state};

	role_send(ROLE_SUPERVISOR, &m);
}

/* Once for each complaint, until it is another one or none. */
static void complain(const struct tunables *t, struct tunable *u, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void complain(const struct tunables *t, struct tunable *u, const char *fmt, ...)
{
	struct text said;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said.s, sizeof(said.s), fmt, ap);
	va_end(ap);
	if (strcmp(said.s, u->told.s) != 0)
		log_line(t->place.optional ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, "%s%s: %s",
			 t->place.called, u->state.name.s, said.s);
	u->told = said;
}

static const char *reason_of(const struct tunables *t, int err)
{
	if (err == -ENOENT && t->place.missing)
		return t->place.missing;
	if (err == -EACCES && t->place.denied)
		return t->place.denied;
	if (err == -EROFS)
		return "/proc/sys is read-only here: see ReadWritePaths= in tandem.service";
	return strerror(-err);
}

static struct tunable *find(const struct tunables *t, uint64_t id)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->at[i].state.id == id)
			return &t->at[i];
	return NULL;
}

static struct tunable *add(struct tunables *t, const struct msg_vs_sysctl_state *state)
{
	t->at = must(realloc(t->at, (t->n + 1) * sizeof(*t->at)));
	t->at[t->n] = (struct tunable){ .state = *state };
	return &t->at[t->n++];
}

void tunables_resume(struct tunables *t, const struct msg_vs_sysctl_state *m)
{
	if (!find(t, m->id) && m->name.s[0] != '/' && !strstr(m->name.s, ".."))
		add(t, m);
}

/* What was there is known and told before anything is written over it. */
static void learn_former(struct tunables *t, struct tunable *u, const struct text *value)
{
	if (u->state.former.s[0])
		return;
	u->state.former = *value;
	u->state.value = *value;
	tell(t, u);
}

static bool suffices(const struct tunable *u, const struct text *value)
{
	if (u->at_least)
		return strtoll(value->s, NULL, 10) >= strtoll(u->wanted, NULL, 10);
	return strcmp(value->s, u->wanted) == 0;
}

/* It is as wanted, but not as we knew it: we died before we could tell, or it is another's. */
static void take(struct tunables *t, struct tunable *u, const struct text *value)
{
	u->told.s[0] = '\0';
	if (strcmp(value->s, u->state.value.s) == 0)
		return;
	if (strcmp(value->s, u->wanted) != 0)
		u->state.former = *value; /* and so it stays */
	u->state.value = *value;
	tell(t, u);
}

static void set(struct tunables *t, struct tunable *u, const char *found, bool repair)
{
	struct text value;
	int err = write_value(t, u->state.name.s, u->wanted);

	if (!err)
		err = read_value(t, u->state.name.s, &value);
	u->refused = err || !suffices(u, &value);
	if (err) {
		complain(t, u, "can't be set to %s: %s", u->wanted, reason_of(t, err));
		return;
	}
	if (u->refused) {
		complain(t, u, "the kernel made %s of %s", value.s, u->wanted);
	} else {
		u->told.s[0] = '\0';
		log_line(repair ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE,
			 repair ? "%s%s was changed to %s: put back to %s"
				: "%s%s: %s -> %s",
			 t->place.called, u->state.name.s, found, u->wanted);
	}
	u->state.value = value;
	tell(t, u);
}

static void keep(struct tunables *t, struct tunable *u)
{
	struct text value = { "" };
	bool was_right = suffices(u, &u->state.value);
	int err = read_value(t, u->state.name.s, &value);

	if (err == -ENOENT && !t->place.missing) {
		u->state.former = u->state.value = value; /* that of another, when it comes */
		return;
	}
	if (err) {
		complain(t, u, "can't be read: %s", reason_of(t, err));
		return;
	}
	learn_former(t, u, &value);
	if (suffices(u, &value))
		take(t, u, &value);
	else if (!u->refused || strcmp(value.s, u->state.value.s) != 0)
		set(t, u, value.s, was_right);
}

static void put_back(struct tunables *t, const struct tunable *u)
{
	const char *former = u->state.former.s;
	struct text value;
	int err;

	if (strcmp(former, u->state.value.s) == 0)
		return;
	err = read_value(t, u->state.name.s, &value);
	if (!err && strcmp(value.s, u->state.value.s) != 0)
		return; /* another's by now */
	if (!err)
		err = write_value(t, u->state.name.s, former);
	if (!err)
		log_notice("%s%s: put back to %s", t->place.called, u->state.name.s, former);
	else if (err != -ENOENT || t->place.missing)
		log_error("%s%s: can't be put back to %s: %s", t->place.called, u->state.name.s,
			  former, reason_of(t, err));
}

/* Those that are not wanted any more go back, and are forgotten. */
static void drop_unwanted(struct tunables *t)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		struct tunable *u = &t->at[i];

		if (u->wanted) {
			t->at[kept++] = *u;
			continue;
		}
		if (u->state.former.s[0])
			put_back(t, u);
		u->state.former.s[0] = '\0';
		tell(t, u);
	}
	t->n = kept;
}

void tunables_begin(struct tunables *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		t->at[i].wanted = NULL;
}

static void want(struct tunables *t, const char *name, const char *value, bool at_least)
{
	struct msg_vs_sysctl_state fresh = {.id = model_id_sysctl(name)};
	struct tunable *u = find(t, fresh.id);

	text_set(&fresh.name, "%s", name);
	if (!u)
		u = add(t, &fresh);
	u->wanted = value;
	u->at_least = at_least;
	u->refused = false;
}

void tunables_want(struct tunables *t, const char *name, const char *value)
{
	want(t, name, value, false);
}

void tunables_want_at_least(struct tunables *t, const char *name, const char *value)
{
	want(t, name, value, true);
}

void tunables_settle(struct tunables *t)
{
	drop_unwanted(t);
	tunables_check(t);
}

void tunables_check(struct tunables *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		keep(t, &t->at[i]);
}

void tunables_report(const struct tunables *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		tell(t, &t->at[i]);
}

void tunables_stop(struct tunables *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		t->at[i].wanted = NULL;
	drop_unwanted(t);
	free(t->at);
	t->at = NULL;
}
