/* SPDX-License-Identifier: Apache-2.0 */
/* Text to syntax tree: what keepalived.conf(5) says about the language, with its own examples. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/arena.h"
#include "core/config/ast.h"

/* A file system of a few files. */
static const struct {
	const char *path, *text;
} files[] = {
	{"/etc/t/conf.d/a.conf", "a ${_PWD}\n"},
	{"/etc/t/conf.d/b.conf", "b {\n"},
	{"/etc/t/sub/one.conf", "include two.conf\none\n"},
	{"/etc/t/sub/two.conf", "two\n"},
	{"/etc/t/loop.conf", "include loop.conf\n"},
};

static int fake_read(void *ctx, struct arena *arena, const char *path, char **ret_text,
		     size_t *ret_len)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (!strcmp(files[i].path, path)) {
			*ret_text = arena_strdup(arena, files[i].text);
			*ret_len = strlen(files[i].text);
			return 0;
		}
	return -ENOENT;
}

static int fake_glob(void *ctx, struct arena *arena, const char *pattern, const char ***ret_paths,
		     size_t *ret_n)
{
	const char **paths = arena_array(arena, 2, sizeof(*paths));

	*ret_paths = paths;
	*ret_n = 1;
	paths[0] = arena_strdup(arena, pattern);
	if (!strcmp(pattern, "/etc/t/conf.d/*")) {
		*ret_n = 2;
		paths[0] = files[0].path;
		paths[1] = files[1].path;
	} else if (strchr(pattern, '*')) {
		return -ENOENT;
	}
	return 0;
}

static const char *fake_getenv(void *ctx, const char *name)
{
	return strcmp(name, "SITE") ? NULL : "paris";
}

static const struct ast_input input = {
	.read = fake_read,
	.glob = fake_glob,
	.getenv = fake_getenv,
	.config_id = "main",
	.cwd = "/cwd",
	.max_lines = 20000,
};

static void write_node(FILE *out, const struct ast_node *n)
{
	for (uint32_t i = 0; i < n->n_words; i++)
		fprintf(out, "%s<%s>", i ? " " : "", n->word[i].s);
	if (n->has_block) {
		fputs(n->n_words ? " {" : "{", out);
		for (uint32_t i = 0; i < n->n_children; i++) {
			fputc(' ', out);
			write_node(out, &n->child[i]);
			fputc(';', out);
		}
		fputs(" }", out);
	}
}

/* Parses and writes the tree and the diagnostics, both in short. */
static void parse(const char *text, char **ret_tree, char **ret_diags)
{
	struct arena *arena = arena_new();
	struct diags diags;
	struct ast_node root;
	size_t len;
	FILE *out = open_memstream(ret_tree, &len);

	diags_init(&diags, arena);
	ast_parse_text(arena, &input, "/etc/t/t.conf", text, strlen(text), &diags, &root);
	for (uint32_t i = 0; i < root.n_children; i++) {
		write_node(out, &root.child[i]);
		fputc('\n', out);
	}
	fclose(out);
	*ret_diags = strdup(diags_format(&diags));
	arena_free(arena);
}

static void expect(const char *text, const char *tree)
{
	char *got, *diags;

	parse(text, &got, &diags);
	assert_string_equal(diags, "");
	assert_string_equal(got, tree);
	free(got);
	free(diags);
}

static void expect_diag(const char *text, const char *diag)
{
	char *got, *diags;

	parse(text, &got, &diags);
	if (!strstr(diags, diag))
		print_error("no \"%s\" in:\n%s", diag, diags);
	assert_non_null(strstr(diags, diag));
	free(got);
	free(diags);
}

static void test_blocks(void **state)
{
	expect("a 1 {\n b 2\n c {\n d\n}\n}\n", "<a> <1> { <b> <2>; <c> { <d>; }; }\n");
	expect("a 1\n{\n b\n}\n", "<a> <1> { <b>; }\n");
	expect("a { b 1 }\nc{d}\n", "<a> { <b> <1>; }\n<c> { <d>; }\n");
	expect("a {\n b { c } d { e }\n }\n", "<a> { <b> { <c>; }; <d> { <e>; }; }\n");
	expect("a {}\n", "<a> { }\n");
	expect("no newline", "<no> <newline>\n");
	expect("crlf {\r\n x\r\n}\r\n", "<crlf> { <x>; }\n");
}

static void test_comments(void **state)
{
	expect("a # b\n! c\nd!e\n\"f # g\" h\\#i\n", "<a>\n<d>\n<f # g> <h#i>\n");
	expect("a 'b # c' # d's\nit's\n", "<a> <b # c>\n<it's>\n");
}

static void test_quotes(void **state)
{
	expect("abcd\" efg h jkl \"mnop\n", "<abcd efg h jkl mnop>\n");
	expect("abcd \"efg h jkl\" mnop\n", "<abcd> <efg h jkl> <mnop>\n");
	expect("\"a\\\"b\" \"\\x41\\102\\tz\" \"\\cA\" \"{ }\"\n", "<a\"b> <AB\tz> <\001> <{ }>\n");
	expect("''\n", "<>\n");
	expect_diag("a \"b\n", "t.conf:1:3: warning: this quote is not closed");
}

static void test_continuation(void **state)
{
	expect("a b \\\n  c \\\n\n d\n", "<a> <b> <c>\n<d>\n");
	expect("a \\\n # remark\n b\nc\n", "<a> <b>\n<c>\n");
	expect("# remark \\\na\n", "<a>\n");
}

static void test_condition(void **state)
{
	expect("@main a\n@backup b\n@^main c\n@^backup d\n@main\n", "<a>\n<d>\n");
	expect("$IF_MAIN=@main\n$IF_BACKUP=@backup\n$IF_MAIN a 1\n$IF_BACKUP b 1\n", "<a> <1>\n");
	expect("@main $P=240\n@backup $P=200\npriority $P\n", "<priority> <240>\n");
	expect("@backup $X= \\\n a \\\n b\n$X\nc\n", "<$X>\n<c>\n");
}

static void test_variables(void **state)
{
	expect("$BASE=10.2.${SUB}\n$SUB=0\n${BASE}.100/32\n$SUB=10\n${BASE}.100/32\n",
	       "<10.2.0.100/32>\n<10.2.10.100/32>\n");
	expect("$A=1\na $A b${A}c $AB ${NONE} $A.x\n", "<a> <1> <b1c> <$AB> <${NONE}> <$A.x>\n");
	expect("$E=\na${E}b\n", "<ab>\n");
	expect("$Q=\"a b\"\nx $Q\n", "<x> <a b>\n");
	expect("a ${_PWD} ${_INSTANCE} ${_HASH}${_BANG} ${_ENV SITE} x${_ENV NONE}\n",
	       "<a> </etc/t> <main> <#!> <paris> <x>\n");
	expect("a ${_RANDOM 7 7}\n", "<a> <7>\n");
	expect("random_seed 4711\na ${_RANDOM 0 999}\n", "<random_seed> <4711>\n<a> <563>\n");
}

static void test_multiline(void **state)
{
	expect("$I= \\\n vi ${N} { \\\n  prio 1 \\\n  @main x ${N} \\\n  @other y \\\n }\n"
	       "$N=0\n$I\n$N=1\n$I\n",
	       "<vi> <0> { <prio> <1>; <x> <0>; }\n<vi> <1> { <prio> <1>; <x> <1>; }\n");
	/* keepalived.conf(5): definitions within definitions */
	expect("$RS= \\\n rs ${V}.${R} { \\\n w 1 \\\n }\n"
	       "$VS= \\\n vs ${V} { \\\n $R=1 \\\n $RS \\\n $R=2 \\\n $RS \\\n }\n"
	       "$V=7\n$VS\nend\n",
	       "<vs> <7> { <rs> <7.1> { <w> <1>; }; <rs> <7.2> { <w> <1>; }; }\n<end>\n");
}

static void test_sequences(void **state)
{
	expect("~SEQ(S, 0, 3) a 10.${S}.1\n",
	       "<a> <10.0.1>\n<a> <10.1.1>\n<a> <10.2.1>\n<a> <10.3.1>\n");
	expect("~SEQx(S, 0x90, 0x10, 0xb0) fe80::${S}\n", "<fe80::90>\n<fe80::a0>\n<fe80::b0>\n");
	expect("~SEQ(S, 2) $S\n~SEQ(T, -2) $T\n~SEQ(U, 5, -2, 1) $U\n",
	       "<1>\n<2>\n<-1>\n<-2>\n<5>\n<3>\n<1>\n");
	expect("$V=a ${I}${J}\n~SEQ(I,0,1) ~SEQ(J,1,2) $V\n",
	       "<a> <01>\n<a> <02>\n<a> <11>\n<a> <12>\n");
	expect("~LST({IP, IP1}, {10,1},{20,4}) 192.${IP}.${IP1}\n", "<192.10.1>\n<192.20.4>\n");
	expect("~LST(IP, 1, 2) ~LST(IP1, 5,6) ${IP}.${IP1}\n", "<1.5>\n<1.6>\n<2.5>\n<2.6>\n");
	expect("~LST({A, B}, {10,1},{20,4}) ~SEQ(C,168,2,170) 192.${C}.${A}.${B}\n",
	       "<192.168.10.1>\n<192.170.10.1>\n<192.168.20.4>\n<192.170.20.4>\n");
	expect("$N=2\n~SEQ(I, $N) a $I\n", "<a> <1>\n<a> <2>\n");
}

static void test_include(void **state)
{
	expect("include conf.d/*\n}\n", "<a> </etc/t/conf.d>\n<b> { }\n");
	expect("include sub/one.conf\n", "<two>\n<one>\n");
	expect_diag("include nothing*\n", "note: no file matches /etc/t/nothing*");
	expect_diag("includew nothing*\n", "warning: no file matches");
	expect_diag("include gone.conf\n", "note: cannot read /etc/t/gone.conf");
	expect_diag("includea gone.conf\n", "t.conf:1:10: warning: cannot read /etc/t/gone.conf");
	expect_diag("include_check -readable +match\ninclude gone.conf\n", "warning: cannot read");
	expect_diag("include loop.conf\n", "loop.conf:1:9: error: files include each other");
}

static void test_errors(void **state)
{
	expect_diag("a {\n b\n}\n}\n", "/etc/t/t.conf:4:1: error: '}' closes no block");
	expect_diag("a {\n b {\n c\n}\n", "/etc/t/t.conf:1:3: error: the block 'a' opened here");
	expect_diag("{\n a\n}\n", "/etc/t/t.conf:1:1: error: '{' without a keyword");
	expect_diag("$A=$A x\n$A \n", "error: a variable expands without end");
	expect_diag("$A=${B} ${B}\n$B=${A}\n$A\n", "error: a variable expands without end");
	expect_diag("$A= \\\n x \\\n $A\n$A\n", "error: variables or sequences nest too deep");
	expect_diag("~SEQ(I, 1, 1000000) a\n", "error: more lines than a configuration can have");
	expect_diag("~SEQ(I, 1, 0, 4) a\n", "error: ~SEQ wants numbers");
	expect_diag("~SEQ(I, 1 a\n", "error: this bracket is not closed");
	expect_diag("~LST({A,B}, {1}) a\n", "error: ~LST wants as many values");
	expect_diag("a\tb {\n", "\n    a\tb {\n     \t  ^\n");
}

static void test_limits(void **state)
{
	char text[200] = "";

	for (int i = 0; i < 40; i++)
		strcat(text, "a {\n");
	expect_diag(text, "error: blocks nest more than 32 deep");
}

/* By place, alike ones counted, and never so many warnings that an error is not seen. */
static void test_diagnostics(void **state)
{
	static struct source_line at[5000], first = {.file = "f", .number = 9999, .order = 1};
	struct arena *arena = arena_new();
	struct diags d;
	const char *text;

	diags_init(&d, arena);
	for (uint32_t i = 0; i < 5000; i++) {
		at[i] = (struct source_line){.file = "f", .number = i, .order = 10000 - i};
		diags_add(&d, i % 2 ? DIAG_WARNING : DIAG_NOT_HONOURED,
			  &(struct ast_loc){.src = &at[i], .col = 1}, "x");
	}
	diags_add(&d, DIAG_ERROR, &(struct ast_loc){.src = &first}, "e");
	text = diags_format(&d);
	assert_int_equal(d.n_warnings, 2500);
	assert_int_equal(d.n_not_honoured, 2500);
	assert_int_equal(strncmp(text, "f:9999:0: error: e\n", 19), 0);
	assert_non_null(strstr(text, "f:18:1: not yet honoured: x\n"));
	assert_null(strstr(text, "f:20:1: not"));
	assert_non_null(strstr(text, "\nnot yet honoured: x ("));
	assert_non_null(strstr(text, " more\n"));
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),	  cmocka_unit_test(test_comments),
		cmocka_unit_test(test_quotes),	  cmocka_unit_test(test_continuation),
		cmocka_unit_test(test_condition), cmocka_unit_test(test_variables),
		cmocka_unit_test(test_multiline), cmocka_unit_test(test_sequences),
		cmocka_unit_test(test_include),	  cmocka_unit_test(test_errors),
		cmocka_unit_test(test_limits),	  cmocka_unit_test(test_diagnostics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
