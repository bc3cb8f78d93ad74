/* SPDX-License-Identifier: Apache-2.0 */
/* From a path to a model, and `tandemd -t`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/config/config.h"

/* keepalived's default of -i: the node's name up to the first dot. */
static const char *default_config_id(struct arena *arena)
{
	struct utsname u;

	if (uname(&u))
		return "";
	return arena_strndup(arena, u.nodename, strcspn(u.nodename, "."));
}

static struct ast_input load_input(const struct config_options *options, struct arena *arena)
{
	struct ast_input input = options->input ? *options->input : ast_input_files;
	struct timespec now;

	if (options->config_id)
		input.config_id = options->config_id;
	else if (!input.config_id)
		input.config_id = default_config_id(arena);
	if (!options->input) {
		clock_gettime(CLOCK_REALTIME, &now);
		input.random_seed = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	}
	return input;
}

int config_load(const struct config_options *options, uint64_t generation, struct arena *arena,
		struct diags *diags, const struct model **ret)
{
	struct ast_input input = load_input(options, arena);
	const struct model *checked;
	struct model *m;
	struct ast_node root;
	int err;

	err = ast_parse(arena, &input, options->path, diags, &root);
	if (err && err != -EINVAL)
		return err;
	/* Checked also when the text has errors, so that one run tells all of them. */
	checked = config_check(arena, &root, diags);
	if (diags->n_errors || (options->strict && diags->n_warnings + diags->n_not_honoured > 0))
		return -EINVAL;
	m = arena_alloc(arena, sizeof(*m));
	*m = *checked;
	m->generation = generation;
	*ret = m;
	return 0;
}

/* keepalived asks for enable_script_security when there is a script that it could run. */
static bool command_is_here(const char *command)
{
	size_t len = strcspn(command, " \t");
	char path[4096];
	struct stat st;

	if (command[0] != '/' || len >= sizeof(path))
		return false;
	memcpy(path, command, len);
	path[len] = '\0';
	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

static bool notifies_here(const struct notify *list, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (command_is_here(list[i].command))
			return true;
	return false;
}

static bool service_notifies_here(const struct virtual_server *vs)
{
	for (uint32_t i = 0; i < vs->n_servers; i++)
		if (notifies_here(vs->servers[i].notifies, vs->servers[i].n_notifies))
			return true;
	return notifies_here(vs->notifies, vs->n_notifies);
}

static bool scripts_unsafe(const struct model *m)
{
	if (m->global->script_security)
		return false;
	for (uint32_t i = 0; i < m->n_instances; i++)
		if (notifies_here(m->instances[i].notifies, m->instances[i].n_notifies))
			return true;
	for (uint32_t i = 0; i < m->n_services; i++)
		if (service_notifies_here(&m->services[i]))
			return true;
	return false;
}

/* Those of the file. */
static unsigned count_services(const struct model *m)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < m->n_services; i++)
		n += !m->services[i].through;
	return n;
}

static void test_summary(const struct config_options *options, const struct diags *d,
			 const struct model *m, FILE *out)
{
	fprintf(out, "%s: ", options->path);
	if (m)
		fprintf(out, "%u vrrp_instance, %u virtual_server; ", m->n_instances,
			count_services(m));
	fprintf(out, "%zu errors, %zu warnings, %zu not yet honoured\n", d->n_errors, d->n_warnings,
		d->n_not_honoured);
}

enum config_exit config_test(const struct config_options *options, FILE *out)
{
	struct arena *arena = arena_new();
	const struct model *m = NULL;
	enum config_exit result = CONFIG_EXIT_OK;
	struct diags diags;

	diags_init(&diags, arena);
	if (config_load(options, 1, arena, &diags, &m))
		result = CONFIG_EXIT_ERRORS;
	else if (diags.n_warnings)
		result = CONFIG_EXIT_WARNINGS;
	diags_print(&diags, out);
	if (m && scripts_unsafe(m)) {
		result = CONFIG_EXIT_SECURITY;
		fprintf(out, "%s: scripts would run, but there is no enable_script_security\n",
			options->path);
	}
	test_summary(options, &diags, m, out);
	arena_free(arena);
	return result;
}
