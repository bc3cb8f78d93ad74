/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes, in any pieces, as an agent's line, a gRPC reply, or the other half of a conversation:
 * nothing is read past the end, nothing is kept beyond its bound. The first byte picks which, the
 * second the size of the pieces.
 */
#include "checkers/agent_reply.h"
#include "checkers/dialogue.h"
#include "checkers/grpc_health.h"
#include "core/server_admin.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_agent(const uint8_t *at, size_t len)
{
	struct check_agent_said said;
	struct text words;

	if (!agent_reply_parse((const char *)at, len, &said, &words))
		return;
	if (said.word.percent > AGENT_PERCENT_MAX || said.word.admin > ADMIN_MAINT)
		abort();
	for (const char *c = words.s; *c; c++)
		if (*c < ' ' || *c > '~')
			abort();
}

static void fuzz_grpc(const uint8_t *at, size_t len, size_t piece)
{
	struct grpc_reply r = {.has_status = true};
	struct check_result result = {0};
	uint8_t request[GRPC_REQUEST_MAX];

	for (; len; at += piece, len -= piece) {
		piece = piece < len ? piece : len;
		if (!grpc_reply_header(&r, (const char *)at, piece) ||
		    !grpc_reply_body(&r, (const char *)at, piece))
			break;
	}
	grpc_reply_judge(&r, 200, &result);
	if (result.outcome == CHECK_UNKNOWN)
		abort();
	if (grpc_health_request(r.message.s, request) > sizeof(request))
		abort();
}

static void fuzz_dialogue(const uint8_t *at, size_t len, size_t piece)
{
	static struct check_step steps[] = {
		{.kind = STEP_EXPECT, .bytes = "0d0a", .regex = ""},
		{.kind = STEP_SEND, .bytes = "00ff", .regex = ""},
		{.kind = STEP_EXPECT_REGEX, .bytes = "", .regex = "(a+)+b"},
		{.kind = STEP_EXPECT, .bytes = "6f6b", .regex = ""},
	};
	const struct check conf = {.steps = steps, .n_steps = 4};
	uint8_t out[DIALOGUE_SEND_MAX];
	enum dialogue_turn turn;
	struct dialogue d;
	struct text said;
	size_t n;

	dialogue_init(&d, &conf);
	for (; len; at += piece, len -= piece) {
		piece = piece < len ? piece : len;
		dialogue_hear(&d, at, piece);
		while ((turn = dialogue_next(&d, out, &n)) == DIALOGUE_SAY)
			;
		if (turn != DIALOGUE_LISTEN)
			break;
	}
	if (d.len > DIALOGUE_KEPT_MAX)
		abort();
	dialogue_describe(&d, &said);
	dialogue_done(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes;
	size_t len;

	if (size < 2)
		return 0;
	len = size - 2;
	bytes = malloc(len + !len); /* a block of its own: a read past the end is seen */
	if (!bytes)
		return 0;
	memcpy(bytes, data + 2, len);
	if (data[0] % 3 == 0)
		fuzz_agent(bytes, len);
	else if (data[0] % 3 == 1)
		fuzz_grpc(bytes, len, data[1] + 1u);
	else
		fuzz_dialogue(bytes, len, data[1] + 1u);
	free(bytes);
	return 0;
}
