/* SPDX-License-Identifier: Apache-2.0 */
/* The words of agents, gRPC's health messages, and conversations: byte for byte. */
#include "checkers/agent_reply.h"
#include "checkers/dialogue.h"
#include "checkers/grpc_health.h"
#include "checkers/machine.h"
#include "checkers/patterns.h"
#include "core/model.h"
#include "core/server_admin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Agents */

static struct check_agent_said parsed(const char *line)
{
	struct check_agent_said said;
	struct text words;

	assert_true(agent_reply_parse(line, strlen(line), &said, &words));
	return said;
}

static void test_agent_words(void **state)
{
	static const char line[] = "up 75%,ready\tmaxconn:30 # all is well, 10%";
	struct check_agent_said said;
	struct text words;

	assert_true(agent_reply_parse(line, strlen(line), &said, &words));
	assert_true(said.status && said.admin && said.percent && said.maxconn);
	assert_false(said.word.down);
	assert_int_equal(said.word.admin, ADMIN_READY);
	assert_int_equal(said.word.percent, 75);
	assert_int_equal(said.word.maxconn, 30);
	assert_string_equal(words.s, "up 75%,ready?maxconn:30 # all is well, 10%");

	assert_true(parsed("DOWN").word.down);
	assert_true(parsed("stopped").word.down);
	assert_true(parsed("fail#up").word.down);
	assert_int_equal(parsed("drain").word.admin, ADMIN_DRAIN);
	assert_false(parsed("maint").status);
	assert_true(parsed("0%").percent);
	assert_int_equal(parsed("99999999999999999999%").word.percent, AGENT_PERCENT_MAX);
	assert_true(parsed("new words and up").status);
}

static void test_agent_nonsense(void **state)
{
	static const char *const lines[] = {"", " ,\t", "#up", "hello", "%", "-5%", "up 7x%", "75",
					    "maxconn:", "maxconn:many", "up maxconn:-1", "disabled"};
	char longest[AGENT_LINE_MAX + 1];
	struct check_agent_said said;
	struct text words;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_false(agent_reply_parse(lines[i], strlen(lines[i]), &said, &words));
	memset(longest, ' ', sizeof(longest));
	memcpy(longest, "up", 2);
	assert_true(agent_reply_parse(longest, AGENT_LINE_MAX, &said, &words));
	assert_false(agent_reply_parse(longest, AGENT_LINE_MAX + 1, &said, &words));
}

static bool up_after(struct check_state *s, const char *line)
{
	const struct check conf = {.method = CHECK_AGENT, .rise = 1};
	const struct check_result result = {.outcome = CHECK_PASS, .agent = parsed(line)};

	check_machine_result(s, &conf, &result, 0);
	return s->up;
}

/* Only the agent takes back what the agent has said. */
static void test_agent_takes_back(void **state)
{
	struct check_state s;

	check_machine_start(&s, true, 0, 0);
	assert_true(up_after(&s, "50%"));
	assert_false(up_after(&s, "down drain"));
	assert_false(up_after(&s, "maxconn:10"));
	assert_int_equal(s.agent.percent, 50);
	assert_int_equal(s.agent.admin, ADMIN_DRAIN);
	assert_int_equal(s.agent.maxconn, 10);
	assert_true(up_after(&s, "up"));
	assert_int_equal(s.agent.admin, ADMIN_DRAIN);
	assert_true(up_after(&s, "ready 100%"));
	assert_int_equal(s.agent.admin, ADMIN_READY);
}

/* gRPC */

static void test_grpc_request(void **state)
{
	uint8_t buf[GRPC_REQUEST_MAX];
	char name[GRPC_SERVICE_MAX + 1] = "";

	assert_int_equal(grpc_health_request("", buf), 5);
	assert_memory_equal(buf, "\0\0\0\0\0", 5);
	assert_int_equal(grpc_health_request("a.B", buf), 10);
	assert_memory_equal(buf, "\0\0\0\0\5\x0a\3a.B", 10);
	memset(name, 'x', GRPC_SERVICE_MAX);
	assert_int_equal(grpc_health_request(name, buf), GRPC_REQUEST_MAX);
	assert_memory_equal(buf, "\0\0\0\1\3\x0a\x80\2x", 9);
}

static void judge_grpc(const char *header, const char *body, size_t len, enum check_outcome outcome,
		       const char *words)
{
	struct grpc_reply r = {0};
	struct check_result result = {0};

	assert_true(grpc_reply_header(&r, header, strlen(header)));
	assert_true(grpc_reply_body(&r, body, len));
	grpc_reply_judge(&r, 200, &result);
	assert_string_equal(result.reason.s, words);
	assert_int_equal(result.outcome, outcome);
}

static void test_grpc_reply(void **state)
{
	static const char no[] = "the answer is not one of a health service";
	static const char ok[] = "Grpc-Status: 0\r\n";

	judge_grpc(ok, "\0\0\0\0\2\x08\1", 7, CHECK_PASS, "SERVING");
	judge_grpc(ok, "\0\0\0\0\2\x08\2", 7, CHECK_FAIL, "NOT_SERVING, wanted SERVING,");
	judge_grpc(ok, "\0\0\0\0\0", 5, CHECK_FAIL, "UNKNOWN, wanted SERVING,");
	judge_grpc(ok, "\0\0\0\0\2\x08\x09", 7, CHECK_FAIL, "another status, wanted SERVING,");
	/* Fields of other kinds around it. */
	judge_grpc(ok, "\0\0\0\0\x0e\x12\2ab\x1d" "abcd" "\x08\1\x20\x80\1", 19, CHECK_PASS, "SERVING");
	judge_grpc(ok, "", 0, CHECK_FAIL, no);
	judge_grpc(ok, "\1\0\0\0\2\x08\1", 7, CHECK_FAIL, no);
	judge_grpc(ok, "\0\0\0\0\3\x08\1", 7, CHECK_FAIL, no);
	judge_grpc(ok, "\0\0\0\0\2\x08\x80", 7, CHECK_FAIL, no);
	judge_grpc(ok, "\0\0\0\0\3\x12\7a", 8, CHECK_FAIL, no);
	judge_grpc(ok, "\0\0\0\0\1\x0b", 6, CHECK_FAIL, no);
	judge_grpc("Content-Type: application/grpc\r\n", "\0\0\0\0\2\x08\1", 7, CHECK_FAIL,
		   "the answer has no grpc-status");
	judge_grpc("grpc-status: 5\r\n", "", 0, CHECK_FAIL,
		   "gRPC status 5 (NOT_FOUND: no such service),");
	judge_grpc("grpc-status:99999999999\r\n", "", 0, CHECK_FAIL, "gRPC status 9999,");
}

static void test_grpc_bounds(void **state)
{
	static char much[GRPC_REPLY_MAX + 1];
	struct check_result result = {0};
	struct grpc_reply r = {0};

	assert_false(grpc_reply_body(&r, much, sizeof(much)));
	assert_true(grpc_reply_body(&r, much, GRPC_REPLY_MAX));
	assert_false(grpc_reply_body(&r, much, 1));
	for (int i = 0; i < 16; i++)
		assert_true(grpc_reply_header(&r, much, 1024));
	assert_false(grpc_reply_header(&r, much, 1));
	grpc_reply_judge(&r, 503, &result);
	assert_string_equal(result.reason.s, "HTTP 503, wanted 200,");
}

/* Conversations */

#define SEND(hex)   {.kind = STEP_SEND, .bytes = hex, .regex = ""}
#define EXPECT(hex) {.kind = STEP_EXPECT, .bytes = hex, .regex = ""}
#define REGEX(re)   {.kind = STEP_EXPECT_REGEX, .bytes = "", .regex = re}

struct talk {
	struct dialogue d;
	uint8_t out[DIALOGUE_SEND_MAX];
	size_t len;
};

static enum dialogue_turn turn(struct talk *t)
{
	return dialogue_next(&t->d, t->out, &t->len);
}

static void start(struct talk *t, struct check_step *steps, uint32_t n)
{
	struct check conf = {.steps = steps, .n_steps = n};

	dialogue_init(&t->d, &conf);
}

static void test_dialogue(void **state)
{
	struct check_step steps[] = {EXPECT("3232"), SEND("00ff"), EXPECT("6f6b"), REGEX("^b+$")};
	struct talk t;

	start(&t, steps, 4);
	assert_int_equal(turn(&t), DIALOGUE_LISTEN);
	dialogue_hear(&t.d, "x2", 2);
	assert_int_equal(turn(&t), DIALOGUE_LISTEN);
	dialogue_hear(&t.d, "2o", 2);
	assert_int_equal(turn(&t), DIALOGUE_SAY);
	assert_int_equal(t.len, 2);
	assert_memory_equal(t.out, "\0\xff", 2);
	assert_int_equal(turn(&t), DIALOGUE_LISTEN);
	dialogue_hear(&t.d, "kbb", 3);
	assert_int_equal(turn(&t), DIALOGUE_DONE);
	assert_int_equal(turn(&t), DIALOGUE_DONE);
	dialogue_done(&t.d);
}

static void test_dialogue_words(void **state)
{
	struct check_step steps[] = {EXPECT("2b504f4e47")}, regex[] = {REGEX("^[+]OK")};
	struct text said;
	struct talk t;

	start(&t, steps, 1);
	dialogue_describe(&t.d, &said);
	assert_string_equal(said.s, "answered nothing, wanted \"+PONG\"");
	dialogue_hear(&t.d, "-ERR \x1b no\r\n", 11);
	dialogue_describe(&t.d, &said);
	assert_string_equal(said.s, "answered \"-ERR ? no\", wanted \"+PONG\"");
	dialogue_done(&t.d);
	start(&t, regex, 1);
	for (int i = 0; i < 10; i++)
		dialogue_hear(&t.d, "0123456789", 10);
	dialogue_describe(&t.d, &said);
	assert_string_equal(said.s, "answered \"012345678901234567890123456789012345678901234567...\", "
				    "wanted a match of \"^[+]OK\"");
	dialogue_done(&t.d);
}

static void test_dialogue_bound(void **state)
{
	struct check_step steps[] = {EXPECT("7a")};
	static char much[DIALOGUE_KEPT_MAX];
	struct talk t;

	start(&t, steps, 1);
	dialogue_hear(&t.d, much, sizeof(much) - 1);
	assert_int_equal(turn(&t), DIALOGUE_LISTEN);
	dialogue_hear(&t.d, much, sizeof(much));
	assert_int_equal(t.d.len, DIALOGUE_KEPT_MAX);
	assert_int_equal(turn(&t), DIALOGUE_WRONG);
	dialogue_done(&t.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agent_words),
		cmocka_unit_test(test_agent_nonsense),
		cmocka_unit_test(test_agent_takes_back),
		cmocka_unit_test(test_grpc_request),
		cmocka_unit_test(test_grpc_reply),
		cmocka_unit_test(test_grpc_bounds),
		cmocka_unit_test(test_dialogue),
		cmocka_unit_test(test_dialogue_words),
		cmocka_unit_test(test_dialogue_bound),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	patterns_done();
	return failed;
}
