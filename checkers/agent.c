/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AGENT_CHECK: asks an agent on the real server what it thinks of it. An agent that does not answer
 * has said nothing: whether the service is there is for other checks to find out, as with HAProxy.
 */
#include "checkers/agent_reply.h"
#include "checkers/stream.h"
#include "core/hex.h"

#include <string.h>

#define SEND_MAX 4096

struct agent_probe {
	struct stream stream;
	size_t len;
	char line[AGENT_LINE_MAX];
};

static void failed(struct stream *s, const char *what)
{
	struct check_result result = {.outcome = CHECK_UNKNOWN};

	text_set(&result.reason, "the agent %s", what);
	stream_finish(s, &result);
}

static bool connected(struct stream *s)
{
	uint8_t buf[SEND_MAX];
	size_t n = hex_decode(s->probe.conf->agent->bytes, buf, sizeof(buf));

	return !n || stream_send(s, buf, n);
}

static void take_line(struct agent_probe *a)
{
	struct check_result result = {.outcome = CHECK_PASS};
	struct text words;

	if (!agent_reply_parse(a->line, a->len, &result.agent, &words)) {
		failed(&a->stream, "says what is not in its language");
		return;
	}
	text_set(&result.reason, "the agent says \"%s\"", words.s);
	stream_finish(&a->stream, &result);
}

static bool received(struct stream *s, const char *at, size_t len)
{
	struct agent_probe *a = (struct agent_probe *)s;

	for (size_t i = 0; i < len; i++) {
		if (at[i] == '\n' || at[i] == '\r') {
			take_line(a);
			return false;
		}
		if (a->len == AGENT_LINE_MAX) {
			failed(s, "says too much");
			return false;
		}
		a->line[a->len++] = at[i];
	}
	return true;
}

/* Half a line says less than it seems to, "maxconn:3" of "maxconn:30". HAProxy wants its end, too. */
static void closed_or_late(struct stream *s, const char *what)
{
	struct agent_probe *a = (struct agent_probe *)s;

	failed(s, a->len && s->closed ? "closes the connection in the middle of its line" : what);
}

static const struct stream_ops agent = {
	.no_answer = CHECK_UNKNOWN,
	.connected = connected,
	.received = received,
	.failed = closed_or_late,
};

static void agent_start(struct check_probe *p)
{
	stream_start((struct stream *)p, &agent, &stream_tcp);
}

const struct check_method_ops check_agent_ops = {
	.probe_bytes = sizeof(struct agent_probe),
	.start = agent_start,
	.cancel = stream_cancel,
};
