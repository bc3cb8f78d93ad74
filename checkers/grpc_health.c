/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC's health messages: see grpc_health.h. */
#include "checkers/grpc_health.h"

#include <string.h>
#include <strings.h>

#define FRAME_HEADER 5

/* Protobuf's wire types; a field's key is its number << 3 | type. */
#define WIRE_VARINT	      0
#define WIRE_I64	      1
#define WIRE_LEN	      2
#define WIRE_I32	      5
#define KEY_SERVICE	      (1 << 3 | WIRE_LEN)
#define FIELD_STATUS	      1
#define VARINT_MAX_BYTES      10

enum serving_status { /* health.proto */
	SERVING_UNKNOWN,
	SERVING,
	NOT_SERVING,
	SERVICE_UNKNOWN,
};

size_t grpc_health_request(const char *service, uint8_t buf[GRPC_REQUEST_MAX])
{
	size_t n = strnlen(service, GRPC_SERVICE_MAX), at = FRAME_HEADER;

	if (n) {
		buf[at++] = KEY_SERVICE;
		if (n > 0x7f) {
			buf[at++] = (uint8_t)(0x80 | (n & 0x7f));
			buf[at++] = (uint8_t)(n >> 7);
		} else {
			buf[at++] = (uint8_t)n;
		}
		memcpy(buf + at, service, n);
		at += n;
	}
	n = at - FRAME_HEADER;
	buf[0] = 0; /* not compressed */
	buf[1] = buf[2] = 0;
	buf[3] = (uint8_t)(n >> 8);
	buf[4] = (uint8_t)n;
	return at;
}

static bool is_named(const char *line, size_t n, const char *name, size_t *ret_value)
{
	size_t len = strlen(name);

	if (n <= len || strncasecmp(line, name, len) != 0)
		return false;
	while (len < n && line[len] == ' ')
		len++;
	*ret_value = len;
	return true;
}

bool grpc_reply_header(struct grpc_reply *r, const char *line, size_t n)
{
	size_t at;

	r->header_bytes += n;
	if (r->header_bytes > GRPC_HEADER_MAX)
		return false;
	if (is_named(line, n, "grpc-status:", &at)) {
		r->has_status = at < n && line[at] >= '0' && line[at] <= '9';
		for (r->status = 0; at < n && line[at] >= '0' && line[at] <= '9'; at++)
			r->status = r->status < 1000 ? r->status * 10 + (uint32_t)(line[at] - '0')
						     : r->status;
	} else if (is_named(line, n, "grpc-message:", &at)) {
		while (n > at && (line[n - 1] == '\r' || line[n - 1] == '\n'))
			n--;
		text_set(&r->message, "%.*s", n - at > 80 ? 80 : (int)(n - at), line + at);
	}
	return true;
}

bool grpc_reply_body(struct grpc_reply *r, const char *at, size_t n)
{
	if (n > sizeof(r->body) - r->len)
		return false;
	memcpy(r->body + r->len, at, n);
	r->len += n;
	return true;
}

/* A base-128 number. False: it does not end. */
static bool take_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret)
{
	*ret = 0;
	for (unsigned i = 0; i < VARINT_MAX_BYTES && *at < end; i++) {
		uint8_t b = *(*at)++;

		*ret |= (uint64_t)(b & 0x7f) << (7 * i);
		if (!(b & 0x80))
			return true;
	}
	return false;
}

/* The value of a field that is not looked at. */
static bool skip_value(const uint8_t **at, const uint8_t *end, unsigned type)
{
	uint64_t n = 0;

	if (type == WIRE_VARINT)
		return take_varint(at, end, &n);
	if (type == WIRE_I64)
		n = 8;
	else if (type == WIRE_I32)
		n = 4;
	else if (type != WIRE_LEN || !take_varint(at, end, &n))
		return false;
	if (n > (uint64_t)(end - *at))
		return false;
	*at += n;
	return true;
}

/* The message in the frame. A field that is not there is 0; the last of several counts. */
static bool take_message(const struct grpc_reply *r, uint64_t *ret_status)
{
	const uint8_t *at = r->body + FRAME_HEADER, *end = r->body + r->len;
	uint64_t key;

	*ret_status = SERVING_UNKNOWN;
	if (r->len < FRAME_HEADER || r->body[0] != 0 || r->body[1] || r->body[2] ||
	    (size_t)(r->body[3] << 8 | r->body[4]) != r->len - FRAME_HEADER)
		return false;
	while (at < end) {
		if (!take_varint(&at, end, &key))
			return false;
		if (key == (FIELD_STATUS << 3 | WIRE_VARINT)) {
			if (!take_varint(&at, end, ret_status))
				return false;
		} else if (!skip_value(&at, end, key & 7)) {
			return false;
		}
	}
	return true;
}

/* The codes that a health service uses. */
static const char *status_words(uint32_t status)
{
	switch (status) {
	case 4:
		return "DEADLINE_EXCEEDED";
	case 5:
		return "NOT_FOUND: no such service";
	case 12:
		return "UNIMPLEMENTED: no health service";
	case 14:
		return "UNAVAILABLE";
	case 16:
		return "UNAUTHENTICATED";
	}
	return "";
}

static void judge_message(const struct grpc_reply *r, struct check_result *ret)
{
	static const char *const names[] = {
		[SERVING_UNKNOWN] = "UNKNOWN",
		[SERVING] = "SERVING",
		[NOT_SERVING] = "NOT_SERVING",
		[SERVICE_UNKNOWN] = "SERVICE_UNKNOWN",
	};
	uint64_t status;

	if (!take_message(r, &status)) {
		text_set(&ret->reason, "the answer is not one of a health service");
	} else if (status == SERVING) {
		ret->outcome = CHECK_PASS;
		text_set(&ret->reason, "SERVING");
	} else {
		text_set(&ret->reason, "%s, wanted SERVING,",
			 status <= SERVICE_UNKNOWN ? names[status] : "another status");
	}
}

void grpc_reply_judge(const struct grpc_reply *r, unsigned http_status, struct check_result *ret)
{
	const char *words = r->message.s[0] ? r->message.s : status_words(r->status);

	ret->outcome = CHECK_FAIL;
	if (http_status != 200)
		text_set(&ret->reason, "HTTP %u, wanted 200,", http_status);
	else if (!r->has_status)
		text_set(&ret->reason, "the answer has no grpc-status");
	else if (r->status)
		text_set(&ret->reason, "gRPC status %u%s%s%s,", r->status, words[0] ? " (" : "", words,
			 words[0] ? ")" : "");
	else
		judge_message(r, ret);
}
