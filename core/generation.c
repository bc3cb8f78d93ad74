/* SPDX-License-Identifier: Apache-2.0 */
/* One checked configuration: see generation.h. */
#include "core/generation.h"

#include "core/arena.h"
#include "core/config/diff.h"
#include "core/file.h"
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* More changes than that are counted only. */
#define DETAILS_MAX 20

struct config_options generation_config_options(const struct options *o)
{
	return (struct config_options){
		.path = o->config_file, .config_id = o->config_id, .strict = o->strict};
}

/* The model is const and shared; what differs is a copy of its outermost parts. */
static struct model *copy_outermost(struct generation *g)
{
	struct model *m = arena_alloc(g->arena, sizeof(*m));

	*m = *g->model;
	m->global = arena_alloc(g->arena, sizeof(*m->global));
	*m->global = *g->model->global;
	return m;
}

static int make_image(struct generation *g)
{
	int fd = model_image_new(g->model, &g->hash);

	if (fd < 0)
		return fd;
	if (g->image_fd >= 0)
		close(g->image_fd);
	g->image_fd = fd;
	return 0;
}

static void name_router(struct generation *g)
{
	char host[256] = "localhost";
	struct model *m;

	if (g->model->global->router_id[0])
		return;
	gethostname(host, sizeof(host) - 1);
	m = copy_outermost(g);
	m->global->router_id = arena_strdup(g->arena, host);
	g->model = m;
}

int generation_load(struct generation *ret, const struct options *o, uint64_t number)
{
	const struct config_options c = generation_config_options(o);
	int err;

	*ret = (struct generation){.arena = arena_new(), .image_fd = -1};
	diags_init(&ret->diags, ret->arena);
	err = config_load(&c, number, ret->arena, &ret->diags, &ret->model);
	if (err)
		return err;
	name_router(ret);
	return make_image(ret);
}

int generation_renumber(struct generation *g, uint64_t number)
{
	struct model *m = copy_outermost(g);

	m->generation = number;
	g->model = m;
	return make_image(g);
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
		log_info("reload: %s %s%s%s", d.at[i].name, diff_change_name(d.at[i].change),
			 d.at[i].what[0] ? ": " : "", d.at[i].what);
}

void generation_log(const struct generation *g)
{
	char *text = NULL, *at, *line;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		return;
	config_dump(g->model, f, false);
	fclose(f);
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
	off_t size = lseek(g->image_fd, 0, SEEK_END);
	void *image = size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, g->image_fd, 0)
			       : MAP_FAILED;
	char path[256];
	int err;

	if (image == MAP_FAILED)
		return -errno;
	err = file_replace(file_path(run_dir, path, sizeof(path)), image, (size_t)size, 0600);
	munmap(image, (size_t)size);
	return err;
}

int generation_restore(struct generation *ret, const char *run_dir)
{
	char path[256];
	int err, fd = open(file_path(run_dir, path, sizeof(path)),
			   O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret = (struct generation){.arena = arena_new(), .image_fd = -1};
	diags_init(&ret->diags, ret->arena);
	err = model_image_load(fd, ret->arena, &ret->model);
	close(fd);
	if (!err)
		err = make_image(ret);
	if (err)
		generation_free(ret);
	return err;
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
	*g = (struct generation){.image_fd = -1};
}
