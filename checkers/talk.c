/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP_CHECK that says something, wants to hear something, or speaks TLS: the conversation of
 * dialogue.c over one connection.
 */
#include "checkers/dialogue.h"
#include "checkers/plugin.h"
#include "checkers/tls_stream.h"

struct talk_probe {
	struct stream stream;
	struct dialogue dialogue;
};

static bool go_on(struct talk_probe *t)
{
	struct check_result result = {.outcome = CHECK_FAIL};
	uint8_t out[DIALOGUE_SEND_MAX];
	size_t len;

	for (;;) {
		switch (dialogue_next(&t->dialogue, out, &len)) {
		case DIALOGUE_SAY:
			if (!stream_send(&t->stream, out, len))
				return false;
			break;
		case DIALOGUE_LISTEN:
			return true;
		case DIALOGUE_DONE:
			stream_pass(&t->stream, t->dialogue.n_steps ? "answered as wanted"
								    : "connected");
			return false;
		case DIALOGUE_WRONG:
			dialogue_describe(&t->dialogue, &result.reason);
			stream_finish(&t->stream, &result);
			return false;
		}
	}
}

/* The steps may have moved with the configuration. */
static struct talk_probe *probe_of(struct stream *s)
{
	struct talk_probe *t = (struct talk_probe *)s;

	t->dialogue.steps = s->probe.conf->steps;
	return t;
}

static bool connected(struct stream *s)
{
	return go_on(probe_of(s));
}

static bool received(struct stream *s, const char *at, size_t len)
{
	struct talk_probe *t = probe_of(s);

	dialogue_hear(&t->dialogue, at, len);
	return go_on(t);
}

static void failed(struct stream *s, const char *what)
{
	struct check_result result = {.outcome = CHECK_FAIL};
	struct talk_probe *t = probe_of(s);
	struct text said;

	dialogue_describe(&t->dialogue, &said);
	if (s->closed)
		text_set(&result.reason, "%s, and closed the connection", said.s);
	else if (t->dialogue.len)
		text_set(&result.reason, "%s in time", said.s);
	else
		text_set(&result.reason, "%s", what);
	stream_finish(s, &result);
}

static void release(struct stream *s)
{
	dialogue_done(&((struct talk_probe *)s)->dialogue);
}

static const struct stream_ops talk = {
	.no_answer = CHECK_FAIL,
	.connected = connected,
	.received = received,
	.failed = failed,
	.release = release,
};

static void talk_start(struct check_probe *p)
{
	struct talk_probe *t = (struct talk_probe *)p;

	dialogue_init(&t->dialogue, p->conf);
	stream_start(&t->stream, &talk, p->conf->n_tls ? &stream_tls : &stream_tcp);
}

const struct check_method_ops check_talk_ops = {
	.probe_bytes = sizeof(struct talk_probe),
	.start = talk_start,
	.cancel = stream_cancel,
};
