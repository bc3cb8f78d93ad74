/* SPDX-License-Identifier: Apache-2.0 */
/* What tandemd does for itself: its scripts, its files, its name, its network namespace. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"

#define SCRIPT_TIMEOUT_US INT64_C(10000000)
#define NAME_LEN_MAX	  15 /* the kernel's TASK_COMM_LEN, less its end */

void daemon_init(struct global *g)
{
	g->startup_timeout_us = g->shutdown_timeout_us = SCRIPT_TIMEOUT_US;
	g->umask = UMASK_NONE;
	g->net_namespace = g->process_name = g->state_dump_file = g->stats_dump_file = g->config_save_dir =
		g->reload_time_file = g->reload_file = "";
}

/* Without a script there is no time for it. */
void daemon_finish(struct global *g)
{
	if (!g->n_startup_script)
		g->startup_timeout_us = SCRIPT_TIMEOUT_US;
	if (!g->n_shutdown_script)
		g->shutdown_timeout_us = SCRIPT_TIMEOUT_US;
}

void set_global_startup_script(struct checker *c, void *draft, const struct ast_node *n)
{
	struct global *g = &((struct global_draft *)draft)->g;

	value_notify(c, n, NOTIFY_ANY, &g->startup_script, &g->n_startup_script);
}

void set_global_shutdown_script(struct checker *c, void *draft, const struct ast_node *n)
{
	struct global *g = &((struct global_draft *)draft)->g;

	value_notify(c, n, NOTIFY_ANY, &g->shutdown_script, &g->n_shutdown_script);
}

void set_global_process_name(struct checker *c, void *draft, const struct ast_node *n)
{
	struct global_draft *d = draft;
	const char **name = &d->checker_tuning.name; /* by its old keyword, too */

	if (strlen(n->word[1].s) > NAME_LEN_MAX)
		check_warn(c, &n->word[1].loc,
			   "a process's name has up to %d characters; the rest is cut off",
			   NAME_LEN_MAX);
	if (!strcmp(n->word[0].s, "vrrp_process_name"))
		name = &d->vrrp_tuning.name;
	else if (!strcmp(n->word[0].s, "process_name"))
		name = &d->g.process_name;
	*name = arena_printf(c->arena, "%.*s", NAME_LEN_MAX, n->word[1].s);
}

/* The bits of "IRUSR", "IRWXG" …; -1: there is no such name. */
static int mode_bits(const char *name, size_t len)
{
	static const struct {
		const char *name;
		int bits;
	} names[] = {
		{"IRWXU", 0700}, {"IRUSR", 0400}, {"IWUSR", 0200}, {"IXUSR", 0100},
		{"IRWXG", 0070}, {"IRGRP", 0040}, {"IWGRP", 0020}, {"IXGRP", 0010},
		{"IRWXO", 0007}, {"IROTH", 0004}, {"IWOTH", 0002}, {"IXOTH", 0001},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].name) == len && !memcmp(names[i].name, name, len))
			return names[i].bits;
	return -1;
}

static int parse_umask_names(const char *s)
{
	int mask = 0, bits;
	size_t len;

	for (;; s += len + 1) {
		len = strcspn(s, "|");
		bits = mode_bits(s, len);
		if (bits < 0)
			return -1;
		mask |= bits;
		if (!s[len])
			return mask;
	}
}

/* A number as C writes it, or names with '|' between. -1: neither. */
static int parse_umask(const char *s)
{
	char *end;
	unsigned long value;

	if (!isdigit((unsigned char)*s))
		return parse_umask_names(s);
	errno = 0;
	value = strtoul(s, &end, 0);
	return *end || errno || value > 0777 ? -1 : (int)value;
}

void set_global_umask(struct checker *c, void *draft, const struct ast_node *n)
{
	int mask = parse_umask(n->word[1].s);

	if (mask < 0)
		check_warn(c, &n->word[1].loc,
			   "'%s' is neither a number up to 0777 nor names like IWGRP|IRWXO; "
			   "the line is left out",
			   n->word[1].s);
	else
		((struct global_draft *)draft)->g.umask = (uint16_t)mask;
}

/* Taken while the text is read (expand.c). */
void set_global_random_seed(struct checker *c, void *draft, const struct ast_node *n)
{
	int64_t seed;

	value_number(c, &n->word[1], 0, UINT32_MAX, &seed);
}

static bool path_is_whole(struct checker *c, const struct ast_word *w)
{
	if (w->s[0] == '/')
		return true;
	check_warn(c, &w->loc, "'%s' is not a whole path, from '/'; the line is left out", w->s);
	return false;
}

void set_global_path(struct checker *c, void *draft, const struct ast_node *n)
{
	struct global *g = &((struct global_draft *)draft)->g;
	const struct {
		const char *keyword;
		const char **path;
	} paths[] = {
		{"config_save_dir", &g->config_save_dir},
		{"reload_time_file", &g->reload_time_file},
		{"state_dump_file", &g->state_dump_file},
		{"stats_dump_file", &g->stats_dump_file},
	};

	if (!path_is_whole(c, &n->word[1]))
		return;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (!strcmp(n->word[0].s, paths[i].keyword))
			*paths[i].path = value_string(c, &n->word[1]);
}

void set_global_reload_file(struct checker *c, void *draft, const struct ast_node *n)
{
	struct global *g = &((struct global_draft *)draft)->g;

	if (n->n_words > 1 && !path_is_whole(c, &n->word[1]))
		return;
	g->reload_file_wanted = true;
	if (n->n_words > 1)
		g->reload_file = value_string(c, &n->word[1]);
}

static void set_net_namespace(struct checker *c, const struct ast_node *n)
{
	struct global *g = &c->global.g;
	const char *name = n->n_words > 1 ? n->word[1].s : "";

	if (!name[0] || strchr(name, '/'))
		check_error(c, &n->word[0].loc, "%s: the name of a namespace of \"ip netns\" is wanted",
			    n->word[0].s);
	else if (g->net_namespace[0] && strcmp(g->net_namespace, name))
		check_error(c, &n->word[1].loc,
			    "'%s' is not '%s': tandem does all in one network namespace", name,
			    g->net_namespace);
	else
		g->net_namespace = value_string(c, &n->word[1]);
}

/* net_namespace and net_namespace_ipvs must agree, in whatever order they come. */
void daemon_check_all(struct checker *c, const struct ast_node *root)
{
	for (uint32_t i = 0; i < root->n_children; i++) {
		const struct ast_node *n = &root->child[i];

		if (!strcmp(n->word[0].s, "net_namespace") ||
		    !strcmp(n->word[0].s, "net_namespace_ipvs"))
			set_net_namespace(c, n);
	}
}
