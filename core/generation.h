/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One checked configuration with all that belongs to it: its memory, its image for the roles, and
 * the hash by which a role says which one it runs.
 */
#ifndef TANDEM_GENERATION_H
#define TANDEM_GENERATION_H

#include "core/config/config.h"
#include "core/model.h"
#include "core/msg.h"
#include "core/options.h"
#include "core/secrets.h"

#define GENERATION_FILE "model"

struct generation {
	struct arena *arena; /* NULL: there is none */
	const struct model *model;
	struct diags diags; /* of its load; warnings only once it is in force */
	uint64_t hash;
	int image_fd; /* with all secrets */
	unsigned secrets; /* the kinds that it has: of secrets.h */
	int part_fd[SECRETS_ALL]; /* images for roles that get these kinds only; -1: none needs it */
};

#define GENERATION_NONE ((struct generation){.image_fd = -1, .part_fd = {-1, -1, -1}})

struct config_options generation_config_options(const struct options *o);

/*
 * Reads the file. 0, or -errno: -EINVAL when the configuration can't be used. ret is set in either
 * case, with its diags: generation_free() it.
 */
int generation_load(struct generation *ret, const struct options *o, uint64_t number);
/* Gives a loaded generation another number: its image and hash are made anew. 0 or -errno. */
int generation_renumber(struct generation *g, uint64_t number);
/* "1 real server changed"; the text is cut to size. A few changes are also logged one by one. */
void generation_describe_changes(const struct generation *former, const struct generation *next,
				 char *text, size_t size);
/* Logs the configuration as it was understood, line by line. */
void generation_log(const struct generation *g);
/*
 * The image of the one in force is also kept as a file, for a supervisor that starts after one that
 * was killed and finds a configuration that can't be used. generation_restore() is as
 * generation_load(), without diags.
 */
int generation_save(const struct generation *g, const char *run_dir);
int generation_restore(struct generation *ret, const char *run_dir);
/* As generation_restore(), from an image's descriptor, which stays the caller's. */
int generation_from_image(struct generation *ret, int image_fd, uint64_t number);
void generation_forget(const char *run_dir);
/* config_save_dir: the configuration as it was understood, without secrets, as a file of its own
 * in a directory that is made if need be. */
void generation_keep(const struct generation *g, const char *dir);

/* Still the generation's. */
int generation_image_for(const struct generation *g, enum role_id role);

void generation_free(struct generation *g); /* harmless on an empty one */

#endif
