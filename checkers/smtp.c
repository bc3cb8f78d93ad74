/* SPDX-License-Identifier: Apache-2.0 */
/* SMTP_CHECK: the greeting (220), HELO (250), QUIT (221). */
#include "checkers/smtp_reply.h"
#include "checkers/stream.h"

#include <stdio.h>

enum smtp_step {
	SMTP_GREETING,
	SMTP_HELO,
	SMTP_QUIT,
	SMTP_STEPS,
};

static const struct {
	const char *name;
	uint16_t code;
} steps[SMTP_STEPS] = {
	[SMTP_GREETING] = {"the greeting", 220},
	[SMTP_HELO] = {"HELO", 250},
	[SMTP_QUIT] = {"QUIT", 221},
};

struct smtp_probe {
	struct stream stream;
	enum smtp_step step;
	struct smtp_reply reply;
};

/* The server speaks first. */
static bool connected(struct stream *stream)
{
	return true;
}

static void failed(struct stream *stream, const char *what)
{
	struct check_result result = {.outcome = CHECK_FAIL};

	text_set(&result.reason, "%s %s", steps[((struct smtp_probe *)stream)->step].name, what);
	stream_finish(stream, &result);
}

/* False: the run has ended. */
static bool next_step(struct smtp_probe *s)
{
	char line[300];
	int len;

	s->reply = (struct smtp_reply){0};
	switch (s->step) {
	case SMTP_GREETING:
		len = snprintf(line, sizeof(line), "HELO %.250s\r\n",
			       s->stream.probe.conf->smtp->helo);
		s->step = SMTP_HELO;
		return stream_send(&s->stream, line, (size_t)len);
	case SMTP_HELO:
		s->step = SMTP_QUIT;
		return stream_send(&s->stream, "QUIT\r\n", 6);
	case SMTP_QUIT:
	case SMTP_STEPS:
		break;
	}
	stream_pass(&s->stream, "greeted");
	return false;
}

/* False: the run has ended. */
static bool take_reply(struct smtp_probe *s)
{
	char what[60];

	if (s->reply.code == steps[s->step].code)
		return next_step(s);
	snprintf(what, sizeof(what), "was answered with %u, wanted %u", s->reply.code,
		 steps[s->step].code);
	failed(&s->stream, what);
	return false;
}

static bool received(struct stream *stream, const char *at, size_t len)
{
	struct smtp_probe *s = (struct smtp_probe *)stream;
	size_t used;

	while (len) {
		switch (smtp_reply_feed(&s->reply, at, len, &used)) {
		case SMTP_MORE:
			return true;
		case SMTP_NONSENSE:
			failed(stream, "was answered with what is not SMTP");
			return false;
		case SMTP_REPLIED:
			if (!take_reply(s))
				return false;
			break;
		}
		at += used;
		len -= used;
	}
	return true;
}

static const struct stream_ops smtp = {
	.no_answer = CHECK_FAIL,
	.connected = connected,
	.received = received,
	.failed = failed,
};

static void smtp_start(struct check_probe *p)
{
	stream_start((struct stream *)p, &smtp, &stream_tcp);
}

const struct check_method_ops check_smtp_ops = {
	.probe_bytes = sizeof(struct smtp_probe),
	.start = smtp_start,
	.cancel = stream_cancel,
};
