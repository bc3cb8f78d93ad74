/* SPDX-License-Identifier: Apache-2.0 */
/* Which replies to a web check are right, and regular expressions under limits. */
#include "checkers/http_reply.h"
#include "checkers/patterns.h"
#include "core/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct status_range good[] = {{200, 299}, {404, 404}};

static struct check_url url_new(void)
{
	return (struct check_url){.path = "/",
				  .virtualhost = "",
				  .digest = "",
				  .statuses = good,
				  .n_statuses = 2,
				  .regex = "",
				  .regex_max_offset = UINT32_MAX};
}

/* In pieces of `piece` bytes. */
static struct check_result judge(const struct check_url *url, unsigned status, const char *body,
				 size_t piece)
{
	struct check_result result = {.outcome = CHECK_UNKNOWN};
	size_t len = strlen(body);
	struct http_reply r;

	assert_int_equal(http_reply_init(&r, url), 0);
	assert_true(http_reply_header(&r, 100));
	for (size_t at = 0; at < len; at += piece)
		assert_true(http_reply_body(&r, body + at, piece < len - at ? piece : len - at));
	http_reply_judge(&r, url, status, &result);
	http_reply_done(&r);
	return result;
}

static void expect(const struct check_url *url, unsigned status, const char *body,
		   enum check_outcome outcome, const char *reason)
{
	for (size_t piece = 1; piece < 10; piece += 3) {
		struct check_result result = judge(url, status, body, piece);

		assert_string_equal(result.reason.s, reason);
		assert_int_equal(result.outcome, outcome);
	}
}

static void test_status(void **state)
{
	struct check_url url = url_new();

	expect(&url, 200, "x", CHECK_PASS, "HTTP 200");
	expect(&url, 299, "", CHECK_PASS, "HTTP 299");
	expect(&url, 404, "x", CHECK_PASS, "HTTP 404");
	expect(&url, 300, "x", CHECK_FAIL, "HTTP 300, wanted 200-299, 404,");
	expect(&url, 0, "x", CHECK_FAIL, "HTTP 0, wanted 200-299, 404,");
}

/* The words stay within their bounds, however many ranges there are. */
static void test_many_statuses(void **state)
{
	struct status_range many[500];
	struct check_url url = url_new();

	for (int i = 0; i < 500; i++)
		many[i] = (struct status_range){(uint16_t)(100 + i), (uint16_t)(100 + i)};
	url.statuses = many;
	url.n_statuses = 499;
	assert_int_equal(judge(&url, 599, "", 1).outcome, CHECK_FAIL);
}

static void test_digest(void **state)
{
	struct check_url url = url_new();

	url.digest = "5d41402abc4b2a76b9719d911017c592";
	expect(&url, 200, "hello", CHECK_PASS, "HTTP 200");
	expect(&url, 200, "hello!", CHECK_FAIL,
	       "HTTP 200, but the digest is 5a8dd3ad0756a93ded72b823b19dd877,");
	expect(&url, 500, "hello", CHECK_FAIL, "HTTP 500, wanted 200-299, 404,");
}

static void test_regex(void **state)
{
	struct check_url url = url_new();

	url.regex = "b+";
	expect(&url, 200, "aaabbb", CHECK_PASS, "HTTP 200");
	expect(&url, 200, "aaa", CHECK_FAIL, "HTTP 200, but the regex does not match,");
	expect(&url, 200, "", CHECK_FAIL, "HTTP 200, but the regex does not match,");
	url.regex_no_match = true;
	expect(&url, 200, "aaabbb", CHECK_FAIL, "HTTP 200, but the regex matches,");
	expect(&url, 200, "aaa", CHECK_PASS, "HTTP 200");
}

static void test_offsets(void **state)
{
	struct check_url url = url_new();

	url.regex = "b";
	url.regex_max_offset = 2;
	expect(&url, 200, "aab", CHECK_PASS, "HTTP 200");
	expect(&url, 200, "aaab", CHECK_FAIL, "HTTP 200, but the regex does not match,");
	url.regex_min_offset = 1;
	expect(&url, 200, "baa", CHECK_FAIL, "HTTP 200, but the regex does not match,");
	expect(&url, 200, "bba", CHECK_PASS, "HTTP 200");
	url.regex_min_offset = 100;
	url.regex_max_offset = UINT32_MAX;
	expect(&url, 200, "bba", CHECK_FAIL, "HTTP 200, but the regex does not match,");
}

static void test_limits(void **state)
{
	struct check_url url = url_new();
	struct http_reply r;
	char *much = calloc(1, 65536);

	url.regex = "(x+x+)+y";
	expect(&url, 200, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxzy", CHECK_FAIL,
	       "HTTP 200, but the regex takes too long to match,");
	http_reply_init(&r, &url);
	assert_true(http_reply_header(&r, HTTP_HEADER_MAX));
	assert_false(http_reply_header(&r, 1));
	for (size_t n = 0; n < HTTP_BODY_MAX; n += 65536)
		assert_true(http_reply_body(&r, much, 65536));
	assert_true(r.len == HTTP_BODY_KEPT_MAX);
	assert_false(http_reply_body(&r, much, 1));
	http_reply_done(&r);
	free(much);
}

static void test_patterns_kept(void **state)
{
	const struct pattern *first = patterns_get("a", 0);
	char regex[16];

	assert_non_null(first);
	assert_ptr_equal(patterns_get("a", 0), first);
	assert_ptr_not_equal(patterns_get("a", 8), first);
	assert_null(patterns_get("(", 0));
	for (int i = 0; i < 200; i++) {
		snprintf(regex, sizeof(regex), "a%d", i);
		assert_non_null(patterns_get(regex, 0));
	}
}

static void test_options(void **state)
{
	struct pattern *p;
	struct text reason;
	uint32_t bit, all = 0;

	assert_true(pattern_option_parse("caseless", &bit));
	assert_string_equal(pattern_option_name(bit), "caseless");
	assert_false(pattern_option_parse("Caseless", &bit));
	for (int i = 0; i < 32; i++)
		if (pattern_option_name(UINT32_C(1) << i))
			all++;
	assert_int_equal(all, 24);
	assert_int_equal(pattern_new("a(", 0, &p, &reason), -22);
	assert_string_equal(reason.s, "missing closing parenthesis, at character 3");
}

static int teardown(void **state)
{
	patterns_done();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),	      cmocka_unit_test(test_many_statuses),
		cmocka_unit_test(test_digest),	      cmocka_unit_test(test_regex),
		cmocka_unit_test(test_offsets),	      cmocka_unit_test(test_limits),
		cmocka_unit_test(test_patterns_kept), cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
