/* SPDX-License-Identifier: Apache-2.0 */
/* One checked configuration: see generation.h. */
#include "core/generation.h"

#include "core/arena.h"
#include "core/config/diff.h"
#include "core/file.h"
#include "core/log.h"
#include "core/netns.h"
#include "core/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* More changes than that are counted only. */
#define DETAILS_MAX 20

struct config_options generation_config_options(const struct options *o)
{
	return (struct config_options){
		.path = o->config_file, .config_id = o->config_id, .strict = o->strict};
}

/* The model is const and shared; what differs is a copy of its outermost parts. */
static struct model *copy_outermost(const struct model *of, struct arena *arena)
{
	struct model *m = arena_alloc(arena, sizeof(*m));

	*m = *of;
	m->global = arena_alloc(arena, sizeof(*m->global));
	*m->global = *of->global;
	return m;
}

static unsigned secrets_for(enum role_id role)
{
	if (role & (ROLE_VRRP | ROLE_SYNC))
		return SECRETS_KEYS;
	return role == ROLE_CHECK ? SECRETS_CHECKS : 0;
}

int generation_image_for(const struct generation *g, enum role_id role)
{
	unsigned kinds = secrets_for(role) & g->secrets;

	return kinds == g->secrets ? g->image_fd : g->part_fd[kinds];
}

static void close_parts(struct generation *g)
{
	for (unsigned kinds = 0; kinds < SECRETS_ALL; kinds++) {
		if (g->part_fd[kinds] >= 0)
			close(g->part_fd[kinds]);
		g->part_fd[kinds] = -1;
	}
}

/* The copies that it takes are of no use once the image is made. */
static int make_part(const struct model *m, unsigned kinds)
{
	struct arena *arena = arena_new();
	uint64_t hash;
	int fd = model_image_new(secrets_kept(m, kinds, arena), &hash);

	arena_free(arena);
	return fd;
}

/* One for each choice of kinds but all of them, which the whole image has. */
static int make_parts(struct generation *g, const struct model *m)
{
	close_parts(g);
	g->secrets = secrets_kinds(m);
	if (g->secrets)
		arena_wipe_at_end(g->arena);
	for (unsigned kinds = 0; kinds < g->secrets; kinds++) {
		if (kinds & ~g->secrets)
			continue;
		g->part_fd[kinds] = make_part(m, kinds);
		if (g->part_fd[kinds] < 0)
			return g->part_fd[kinds];
	}
	return 0;
}

static int make_image(struct generation *g, const struct model *m)
{
	int fd = model_image_new(m, &g->hash);

	if (fd < 0)
		return fd;
	if (g->image_fd >= 0)
		close(g->image_fd);
	g->image_fd = fd;
	return make_parts(g, m);
}

static const struct model *name_router(const struct model *of, struct arena *arena)
{
	char host[256] = "localhost";
	struct model *m;

	if (of->global->router_id[0])
		return of;
	gethostname(host, sizeof(host) - 1);
	m = copy_outermost(of, arena);
	m->global->router_id = arena_strdup(arena, host);
	return m;
}

/* The syntax tree, and what else the way from the text has taken, go with `text`. */
static int load_image(struct generation *g, const struct config_options *c, uint64_t number,
		      struct arena *text)
{
	const struct model *m = NULL;
	int err = config_load(c, number, text, &g->diags, &m);

	if (err)
		return err;
	if (!netns_is_ours(m->global->net_namespace, &g->diags))
		return -EINVAL;
	m = secrets_read(m, text, &g->diags);
	return m ? make_image(g, name_router(m, text)) : -EINVAL;
}

int generation_load(struct generation *ret, const struct options *o, uint64_t number)
{
	const struct config_options c = generation_config_options(o);
	struct arena *text = arena_new();
	int err;

	*ret = GENERATION_NONE;
	ret->arena = arena_new();
	arena_wipe_at_end(text);
	diags_init(&ret->diags, ret->arena);
	err = load_image(ret, &c, number, text);
	arena_free(text);
	return err ? err : model_image_load(ret->image_fd, ret->arena, &ret->model);
}

int generation_renumber(struct generation *g, uint64_t number)
{
	struct model *m = copy_outermost(g->model, g->arena);

	m->generation = number;
	g->model = m;
	return make_image(g, m);
}

static void count_changes(const struct diff *d, char *text, size_t size)
{
	const size_t n_kinds = (DIFF_SERVER + 1) * (DIFF_CHANGED + 1);
	size_t at = 0;

	for (size_t kind = 0; kind < n_kinds && at < size; kind++) {
		enum diff_object object = (enum diff_object)(kind / (DIFF_CHANGED + 1));
		enum diff_change change = (enum diff_change)(kind % (DIFF_CHANGED + 1));
		unsigned n = 0;

		for (uint32_t i = 0; i < d->n; i++)
			n += d->at[i].object == object && d->at[i].change == change;
		if (n)
			at += (size_t)snprintf(text + at, size - at, "%s%u %s%s %s", at ? ", " : "",
					       n, diff_object_name(object), n > 1 ? "s" : "",
					       diff_change_name(change));
	}
}

void generation_describe_changes(const struct generation *former, const struct generation *next,
				 char *text, size_t size)
{
	struct diff d = model_diff(next->arena, former->model, next->model);

	snprintf(text, size, "nothing that is acted on");
	count_changes(&d, text, size);
	for (uint32_t i = 0; i < d.n && d.n <= DETAILS_MAX; i++)
		log_info("reload: %s %s%s%s",
			 d.at[i].name[0] ? d.at[i].name : diff_object_name(d.at[i].object),
			 diff_change_name(d.at[i].change), d.at[i].what[0] ? ": " : "",
			 d.at[i].what);
}

/* Without secrets. NULL: no memory; else the caller's. */
static char *dump_text(const struct generation *g, size_t *ret_n)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_n);

	if (!f)
		return NULL;
	config_dump(g->model, f, false);
	fclose(f);
	return text;
}

void generation_keep(const struct generation *g, const char *dir)
{
	char path[PATH_MAX];
	size_t n = 0;
	char *text = dump_text(g, &n);
	int err = mkdir(dir, 0700) < 0 && errno != EEXIST ? -errno : 0;

	snprintf(path, sizeof(path), "%s/tandem-%llu.conf", dir,
		 (unsigned long long)g->model->generation);
	if (!err)
		err = text ? file_replace(path, text, n, 0600) : -ENOMEM;
	if (err)
		log_warning("%s: can't be written: %s", path, strerror(-err));
	free(text);
}

void generation_log(const struct generation *g)
{
	size_t n = 0;
	char *text = dump_text(g, &n), *at, *line;

	if (!text)
		return;
	at = text;
	while ((line = strsep(&at, "\n")))
		if (*line)
			log_info("%s", line);
	free(text);
}

static const char *file_path(const char *run_dir, char *path, size_t size)
{
	snprintf(path, size, "%s/" GENERATION_FILE, run_dir);
	return path;
}

int generation_save(const struct generation *g, const char *run_dir)
{
	char path[256];
	void *image;
	size_t size;
	int err = model_image_map(g->image_fd, &image, &size);

	if (err)
		return err;
	err = file_replace(file_path(run_dir, path, sizeof(path)), image, size, 0600);
	munmap(image, size);
	return err;
}

static int load_model(struct generation *ret, int image_fd)
{
	*ret = GENERATION_NONE;
	ret->arena = arena_new();
	diags_init(&ret->diags, ret->arena);
	return model_image_load(image_fd, ret->arena, &ret->model);
}

int generation_restore(struct generation *ret, const char *run_dir)
{
	char path[256];
	int err, fd = open(file_path(run_dir, path, sizeof(path)),
			   O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	err = load_model(ret, fd);
	close(fd);
	if (!err)
		err = make_image(ret, ret->model);
	if (err)
		generation_free(ret);
	return err;
}

int generation_from_image(struct generation *ret, int image_fd, uint64_t number)
{
	int err = load_model(ret, image_fd);

	return err ? err : generation_renumber(ret, number);
}

void generation_forget(const char *run_dir)
{
	char path[256];

	unlink(file_path(run_dir, path, sizeof(path)));
}

void generation_free(struct generation *g)
{
	arena_free(g->arena);
	if (g->arena && g->image_fd >= 0)
		close(g->image_fd);
	if (g->arena)
		close_parts(g);
	*g = GENERATION_NONE;
}
