/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps net.ipv4.vs.* as configured: see tunables.h. */
#include "ipvs/tunables.h"

#include "core/log.h"
#include "core/role.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void tunables_init(struct tunables *t, const char *dir)
{
	*t = (struct tunables){ .dir = dir };
}

static int open_file(const struct tunables *t, const char *name, int flags)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
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

static void tell(const struct tunable *u)
{
	struct msg m = { .type = MSG_VS_SYSCTL, .vs_sysctl_state = u->state };

	role_send(ROLE_SUPERVISOR, &m);
}

/* Once for each complaint, until it is another one or none. */
static void complain(struct tunable *u, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct tunable *u, const char *fmt, ...)
{
	struct text said;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said.s, sizeof(said.s), fmt, ap);
	va_end(ap);
	if (strcmp(said.s, u->told.s) != 0)
		log_error("net.ipv4.vs.%s: %s", u->state.name.s, said.s);
	u->told = said;
}

static const char *reason_of(int err)
{
	if (err == -ENOENT)
		return "this kernel has no such setting, or ip_vs is not loaded";
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
	t->at = realloc(t->at, (t->n + 1) * sizeof(*t->at));
	if (!t->at)
		abort();
	t->at[t->n] = (struct tunable){ .state = *state };
	return &t->at[t->n++];
}

void tunables_resume(struct tunables *t, const struct msg_vs_sysctl_state *m)
{
	if (!find(t, m->id) && !strchr(m->name.s, '/'))
		add(t, m);
}

/* What was there is known and told before anything is written over it. */
static bool learn_former(struct tunables *t, struct tunable *u, const struct text *value)
{
	if (!u->state.former.s[0]) {
		u->state.former = *value;
		u->state.value = *value;
		tell(u);
	}
	return strcmp(value->s, u->wanted) == 0;
}

static void set(struct tunables *t, struct tunable *u, const char *found, bool repair)
{
	struct text value;
	int err = write_value(t, u->state.name.s, u->wanted);

	if (!err)
		err = read_value(t, u->state.name.s, &value);
	if (err) {
		complain(u, "can't be set to %s: %s", u->wanted, reason_of(err));
		return;
	}
	if (strcmp(value.s, u->wanted) != 0) {
		complain(u, "the kernel made %s of %s", value.s, u->wanted);
	} else {
		u->told.s[0] = '\0';
		log_line(repair ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE,
			 repair ? "net.ipv4.vs.%s was changed to %s: put back to %s"
				: "net.ipv4.vs.%s: %s -> %s",
			 u->state.name.s, found, u->wanted);
	}
	u->state.value = value;
	tell(u);
}

static void keep(struct tunables *t, struct tunable *u)
{
	struct text value = { "" };
	bool was_right = strcmp(u->state.value.s, u->wanted) == 0;
	int err = read_value(t, u->state.name.s, &value);

	if (err) {
		complain(u, "can't be read: %s", reason_of(err));
		return;
	}
	if (learn_former(t, u, &value)) {
		u->told.s[0] = '\0';
		return;
	}
	/* What the kernel would not take is not tried again and again. */
	if (!u->told.s[0] || strcmp(value.s, u->state.value.s) != 0)
		set(t, u, value.s, was_right);
}

static void put_back(struct tunables *t, const struct tunable *u)
{
	int err = write_value(t, u->state.name.s, u->state.former.s);

	if (err)
		log_error("net.ipv4.vs.%s: can't be put back to %s: %s", u->state.name.s,
			  u->state.former.s, reason_of(err));
	else
		log_notice("net.ipv4.vs.%s: put back to %s", u->state.name.s, u->state.former.s);
}

/* Those that are not wanted any more go back, and are forgotten. */
static void drop_unwanted(struct tunables *t)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		if (t->at[i].wanted)
			t->at[kept++] = t->at[i];
		else if (t->at[i].state.former.s[0])
			put_back(t, &t->at[i]);
	}
	t->n = kept;
}

void tunables_commit(struct tunables *t, const struct global *global)
{
	for (uint32_t i = 0; i < t->n; i++)
		t->at[i].wanted = NULL;
	for (uint32_t i = 0; i < global->n_sysctls; i++) {
		const struct vs_sysctl *y = &global->sysctls[i];
		struct msg_vs_sysctl_state fresh = { .id = y->id };
		struct tunable *u = find(t, y->id);

		text_set(&fresh.name, "%s", y->name);
		if (!u)
			u = add(t, &fresh);
		u->wanted = y->value;
		u->told.s[0] = '\0';
	}
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
		tell(&t->at[i]);
}

void tunables_stop(struct tunables *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		t->at[i].wanted = NULL;
	drop_unwanted(t);
	free(t->at);
	t->at = NULL;
}
