/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a configuration file: text, tree, model, dump, and the dump gives the same model
 * again. An include reads what stands behind the first NUL byte.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/config.h"
#include "core/config/diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct piece {
	const char *s;
	size_t len;
};

static int fuzz_read(void *ctx, struct arena *arena, const char *path, char **ret_text,
		     size_t *ret_len)
{
	const struct piece *included = ctx;

	if (!included->len)
		return -ENOENT;
	*ret_text = arena_strndup(arena, included->s, included->len);
	*ret_len = included->len;
	return 0;
}

static int fuzz_glob(void *ctx, struct arena *arena, const char *pattern, const char ***ret_paths,
		     size_t *ret_n)
{
	const char **paths = arena_array(arena, 1, sizeof(*paths));

	paths[0] = arena_strdup(arena, pattern);
	*ret_paths = paths;
	*ret_n = 1;
	return pattern[0] == '*' ? -ENOENT : 0;
}

static const char *fuzz_getenv(void *ctx, const char *name)
{
	return name[0] == 'A' ? "$B {" : NULL;
}

static const struct model *read_text(struct arena *arena, const struct ast_input *input,
				     const struct piece *t, struct diags *diags)
{
	const struct model *m;
	struct ast_node root;

	diags_init(diags, arena);
	ast_parse_text(arena, input, "fuzz", t->s, t->len, diags, &root);
	m = config_check(arena, &root, diags);
	diags_format(diags);
	return diags->n_errors ? NULL : m;
}

static void read_dump(struct arena *arena, const struct ast_input *input, const struct model *m)
{
	const struct model *again;
	struct diags diags;
	struct piece dump;
	char *s = NULL;
	FILE *out = open_memstream(&s, &dump.len);

	config_dump(m, out, true);
	fclose(out);
	dump.s = s;
	again = read_text(arena, input, &dump, &diags);
	if (!again || !model_equal(m, again) || model_diff(arena, m, again).n) {
		fprintf(stderr, "%s\n%s", s, diags_format(&diags));
		abort();
	}
	free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data, *nul = size ? memchr(s, '\0', size) : NULL;
	struct piece text = {s, nul ? (size_t)(nul - s) : size};
	struct piece included = {nul ? nul + 1 : s, nul ? size - text.len - 1 : 0};
	const struct ast_input input = {
		.read = fuzz_read,
		.glob = fuzz_glob,
		.getenv = fuzz_getenv,
		.ctx = &included,
		.cwd = "/fuzz",
		.config_id = "main",
		.max_lines = 2000,
	};
	struct arena *arena = arena_new();
	const struct model *m;
	struct diags diags;

	m = read_text(arena, &input, &text, &diags);
	if (m)
		read_dump(arena, &input, m);
	arena_free(arena);
	return 0;
}
