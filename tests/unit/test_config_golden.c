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

/* NULL: it can't be run. */
static const struct model *load(const char *path, struct arena *arena, struct diags *diags)
{
	const struct config_options options = {.path = path, .config_id = "main"};
	const struct model *m;

	diags_init(diags, arena);
	return config_load(&options, 1, arena, diags, &m) ? NULL : m;
}

/* Diagnostics, a rule, and the dump. */
static char *golden_output(const char *name)
{
	struct arena *arena = arena_new();
	struct diags diags;
	const struct model *m = load(name, arena, &diags);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	diags_print(&diags, out);
	fputs("----\n", out);
	if (m)
		config_dump(m, out, true);
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
		config_dump(m, out, true);
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

/*
 * keepalived's samples. Where its `-t` (2.2.7, in a namespace with eth0 and eth1) says something
 * else, `why` explains it. Its codes are those of keepalived(8): the program of 2.2.7 itself
 * returns each but 0 one higher than its manual says.
 */
static const struct sample {
	const char *name;
	enum config_exit ours;
	enum config_exit peers;
	const char *why;
} samples[] = {
	{"HTTP_GET.port", 0, 0, NULL},
	{"IPv6", 0, 0, NULL},
	{"PING_CHECK", 0, 0, NULL},
	{"SMTP_CHECK", 0, 0, NULL},
	{"SSL_GET", 3, 4, "refuses auth_type AH: who wants it would not hear us"},
	{"UDP_CHECK", 0, 0, NULL},
	{"conditional_conf", 4, 4, NULL},
	{"fwmark", 4, 4, NULL},
	{"inhibit", 0, 0, NULL},
	{"misc_check", 0, 0, NULL},
	{"misc_check_arg", 0, 0, NULL},
	{"quorum", 0, 0, NULL},
	{"sample", 0, 0, NULL},
	{"status_code", 0, 0, NULL},
	{"track_interface", 0, 4, "misses interface eth0.1; tandem asks nothing of the host"},
	{"virtual_server_group", 0, 0, NULL},
	{"virtualhost", 0, 0, NULL},
	{"vrrp", 0, 0, NULL},
	{"vrrp.localcheck", 0, 5, "looks for the programs; tandem asks nothing of the host"},
	{"vrrp.lvs_syncd", 4, 4, NULL},
	{"vrrp.routes", 0, 4, "routes without an interface are tracked, too"},
	{"vrrp.rules", 4, 4, NULL},
	{"vrrp.scripts", 0, 0, NULL},
	{"vrrp.static_ipaddress", 0, 4, "routes without an interface are tracked, too"},
	{"vrrp.sync", 0, 0, NULL},
};

static void test_samples(void **state)
{
	size_t failed = 0;
	FILE *null = fopen("/dev/null", "w");

	if (access(SAMPLES, R_OK)) {
		print_message("no " SAMPLES ": install Debian's keepalived for this test\n");
		fclose(null);
		skip();
	}
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		const struct sample *s = &samples[i];
		char path[256];
		struct config_options options = {.path = path, .config_id = "main"};
		enum config_exit got;

		snprintf(path, sizeof(path), "%s/keepalived.conf.%s", SAMPLES, s->name);
		got = config_test(&options, null);
		if (got != s->ours || (s->ours == s->peers) != !s->why) {
			print_error("%s: exit %d, not %d\n", s->name, got, s->ours);
			failed++;
		}
	}
	fclose(null);
	assert_int_equal(failed, 0);
}

static enum config_exit exit_of(const char *path, bool strict)
{
	const struct config_options options = {.path = path, .config_id = "main", .strict = strict};
	FILE *null = fopen("/dev/null", "w");
	enum config_exit got = config_test(&options, null);

	fclose(null);
	return got;
}

static void test_exit_codes(void **state)
{
	assert_int_equal(exit_of("language.conf", false), CONFIG_EXIT_OK);
	assert_int_equal(exit_of("language.conf", true), CONFIG_EXIT_OK);
	assert_int_equal(exit_of("unknown-only.conf", false), CONFIG_EXIT_WARNINGS);
	assert_int_equal(exit_of("unknown-only.conf", true), CONFIG_EXIT_ERRORS);
	assert_int_equal(exit_of("later-service.conf", true), CONFIG_EXIT_ERRORS);
	assert_int_equal(exit_of("script-here.conf", false), CONFIG_EXIT_SECURITY);
	assert_int_equal(exit_of("structure.conf", false), CONFIG_EXIT_ERRORS);
	assert_int_equal(exit_of("no-such-file.conf", false), CONFIG_EXIT_ERRORS);
	assert_int_equal(exit_of(".", false), CONFIG_EXIT_ERRORS);
}

static void print_least(FILE *out, const char *place, const struct vs_sysctl *at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (at[i].at_least)
			fprintf(out, "%s%s %s\n", place, at[i].name, at[i].value);
}

static void expect_least(const char *path, const char *wanted)
{
	struct arena *arena = arena_new();
	struct diags diags;
	const struct model *m = load(path, arena, &diags);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(m);
	print_least(out, "", m->global->sysctls, m->global->n_sysctls);
	print_least(out, "core ", m->global->core_sysctls, m->global->n_core_sysctls);
	fclose(out);
	assert_string_equal(text, wanted);
	free(text);
	arena_free(arena);
}

/* What the sync block wants of the kernel at least is in no dump. */
static void test_room_for_sync(void **state)
{
	expect_least("sync-sysctl.conf",
		     "sync_qlen_max 262144\nsync_sock_size 8388608\n"
		     "core netdev_max_backlog 20000\ncore rmem_max 8388608\ncore wmem_max 8388608\n");
	expect_least("sync-room.conf", "core netdev_max_backlog 20000\n"
				       "core rmem_max 16777216\ncore wmem_max 16777216\n");
	expect_least("sync-room-none.conf",
		     "sync_qlen_max 262144\ncore netdev_max_backlog 20000\n");
	expect_least("sync-old.conf", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),		 cmocka_unit_test(test_dump_reads_back),
		cmocka_unit_test(test_keywords_covered), cmocka_unit_test(test_samples),
		cmocka_unit_test(test_exit_codes),	 cmocka_unit_test(test_room_for_sync),
	};

	if (chdir(GOLDEN_DIR)) {
		perror(GOLDEN_DIR);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
