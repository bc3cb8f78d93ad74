/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/golden: each NAME.conf has a NAME.out with what tandem says about it, and the canonical
 * dump when it can be used. GOLDEN_UPDATE=1 writes the .out files anew: look at the difference
 * before you commit it.
 *
 * Every dump is read again and must give an equal model.
 */
#include <ctype.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/arena.h"
#include "core/config/config.h"
#include "core/config/keyword.h"

static char *file_text(const char *path)
{
	char *text = NULL;
	size_t len;
	FILE *in = fopen(path, "r"), *out = open_memstream(&text, &len);
	int c;

	while (in && (c = getc(in)) != EOF)
		putc(c, out);
	if (in)
		fclose(in);
	fclose(out);
	return text;
}

/* Diagnostics, a rule, and the dump. */
static char *golden_output(const char *name)
{
	const struct config_options options = {.path = name, .config_id = "main"};
	struct arena *arena = arena_new();
	const struct model *m;
	struct diags diags;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	diags_init(&diags, arena);
	if (config_load(&options, 1, arena, &diags, &m))
		m = NULL;
	diags_print(&diags, out);
	fputs("----\n", out);
	if (m)
		config_dump(m, out);
	fclose(out);
	arena_free(arena);
	return text;
}

static void golden_path(char *buf, size_t size, const char *conf)
{
	snprintf(buf, size, "%.*s.out", (int)(strlen(conf) - strlen(".conf")), conf);
}

static void golden_write(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static bool golden_matches(const char *conf)
{
	char path[4096];
	char *got = golden_output(conf), *want;
	bool same;

	golden_path(path, sizeof(path), conf);
	if (getenv("GOLDEN_UPDATE"))
		golden_write(path, got);
	want = file_text(path);
	same = !strcmp(got, want);
	if (!same)
		print_error("%s differs; got:\n%s", path, got);
	free(got);
	free(want);
	return same;
}

static void test_golden(void **state)
{
	size_t failed = 0;
	glob_t g;

	assert_int_equal(glob("*.conf", 0, NULL, &g), 0);
	assert_true(g.gl_pathc >= 10);
	for (size_t i = 0; i < g.gl_pathc; i++)
		failed += !golden_matches(g.gl_pathv[i]);
	globfree(&g);
	assert_int_equal(failed, 0);
}

/* True, or no model, when the dump of `path` reads back to the same. */
static bool dump_reads_back(const char *path)
{
	const struct config_options options = {.path = path, .config_id = "main"};
	struct arena *arena = arena_new();
	const struct model *m, *again = NULL;
	struct ast_node root;
	struct diags diags, second;
	char *text = NULL;
	size_t len;
	FILE *out;
	bool ok = true;

	diags_init(&diags, arena);
	diags_init(&second, arena);
	if (!config_load(&options, 0, arena, &diags, &m)) {
		out = open_memstream(&text, &len);
		config_dump(m, out);
		fclose(out);
		ast_parse_text(arena, &ast_input_files, "dump", text, len, &second, &root);
		again = config_check(arena, &root, &second);
		ok = !second.n_errors && model_equal(m, again);
		if (!ok)
			print_error("%s: the dump does not read back:\n%s%s", path, text,
				    diags_format(&second));
		free(text);
	}
	arena_free(arena);
	return ok;
}

static void test_dump_reads_back(void **state)
{
	size_t failed = 0;
	glob_t g;

	glob("*.conf", 0, NULL, &g);
	glob(SAMPLES "/keepalived.conf.*", GLOB_APPEND, NULL, &g);
	for (size_t i = 0; i < g.gl_pathc; i++)
		failed += !dump_reads_back(g.gl_pathv[i]);
	globfree(&g);
	assert_int_equal(failed, 0);
}

static bool word_in(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		if ((at == text || isspace((unsigned char)at[-1]) || at[-1] == '{') &&
		    (!at[n] || isspace((unsigned char)at[n])))
			return true;
	return false;
}

/* Every keyword of the table stands in some golden file, so that a change of its meaning shows. */
static void test_keywords_covered(void **state)
{
	size_t missing = 0, len;
	char *all = NULL;
	FILE *out = open_memstream(&all, &len);
	glob_t g;

	glob("*.conf", 0, NULL, &g);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		char *text = file_text(g.gl_pathv[i]);

		fputs(text, out);
		free(text);
	}
	globfree(&g);
	fclose(out);
	for (size_t i = 0; i < n_keywords; i++) {
		if (word_in(all, keywords[i].name))
			continue;
		print_error("no golden file has '%s' %s\n", keywords[i].name,
			    keyword_place_name(keywords[i].place));
		missing++;
	}
	free(all);
	assert_int_equal(missing, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_dump_reads_back),
		cmocka_unit_test(test_keywords_covered),
	};

	if (chdir(GOLDEN_DIR)) {
		perror(GOLDEN_DIR);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
