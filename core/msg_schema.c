/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of another version of this program: see msg_schema.h. */
#include "core/msg_schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NUMBERS(K) K(u8) K(u16) K(u32) K(u64) K(i32) K(i64) K(flag)

#define KIND_ENUM(kind) KIND_##kind,
enum kind { NUMBERS(KIND_ENUM) KIND_addr, KIND_text, KIND_COUNT };

#define KIND_NAME(kind) [KIND_##kind] = #kind,
static const char *const kind_names[KIND_COUNT] = {
	NUMBERS(KIND_NAME)[KIND_addr] = "addr",
	[KIND_text] = "text",
};

/* Texts with more of anything are not ours. */
#define MESSAGES_MAX 256
#define FIELDS_MAX   64
#define NAME_LEN_MAX 40

struct field {
	enum kind kind;
	char name[NAME_LEN_MAX];
};

struct layout {
	char name[NAME_LEN_MAX];
	uint32_t n;
	struct field fields[FIELDS_MAX];
};

/* By the messages' numbers. */
struct layouts {
	uint32_t n;
	struct layout *at;
};

struct msg_schema {
	struct layouts theirs;
	struct layouts ours;
};

#define FIELD_TEXT(kind, name)		   " " #kind ":" #name
#define NO_LIST(record, name)		   ""
#define MSG_TEXT(NAME, from, to, payload) #NAME RECORD_msg_##payload(FIELD_TEXT, NO_LIST) "\n"

const char *msg_schema_text(void)
{
	return MSG_LIST(MSG_TEXT);
}

uint64_t msg_schema_hash(void)
{
	uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

	for (const char *at = msg_schema_text(); *at; at++)
		h = (h ^ (uint8_t)*at) * UINT64_C(1099511628211);
	return h;
}

/* Reading a schema */

static bool copy_word(char to[NAME_LEN_MAX], const char *from, size_t len)
{
	if (!len || len >= NAME_LEN_MAX)
		return false;
	memcpy(to, from, len);
	to[len] = '\0';
	return true;
}

static bool parse_kind(const char *word, size_t len, enum kind *ret)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (strlen(kind_names[kind]) != len || strncmp(kind_names[kind], word, len) != 0)
			continue;
		*ret = (enum kind)kind;
		return true;
	}
	return false;
}

/* "u32:pid" */
static bool parse_field(struct layout *l, const char *word, size_t len)
{
	const char *colon = memchr(word, ':', len);
	struct field *f = &l->fields[l->n];

	if (!colon || l->n == FIELDS_MAX || !parse_kind(word, (size_t)(colon - word), &f->kind) ||
	    !copy_word(f->name, colon + 1, len - (size_t)(colon + 1 - word)))
		return false;
	l->n++;
	return true;
}

static bool parse_line(struct layout *l, const char *line, size_t len)
{
	size_t word = strcspn(line, " \n");

	if (!copy_word(l->name, line, word))
		return false;
	for (size_t at = word; at < len; at += word) {
		at++; /* the space */
		word = strcspn(line + at, " \n");
		if (!parse_field(l, line + at, word))
			return false;
	}
	return true;
}

static bool parse_text(struct layouts *l, const char *text)
{
	l->at = calloc(MESSAGES_MAX, sizeof(*l->at));
	while (l->at && *text) {
		const char *end = strchr(text, '\n');

		if (!end || l->n == MESSAGES_MAX ||
		    !parse_line(&l->at[l->n], text, (size_t)(end - text)))
			return false;
		l->n++;
		text = end + 1;
	}
	return l->n;
}

struct msg_schema *msg_schema_parse(const char *text)
{
	struct msg_schema *s = calloc(1, sizeof(*s));

	if (s && parse_text(&s->theirs, text) && parse_text(&s->ours, msg_schema_text()))
		return s;
	msg_schema_free(s);
	return NULL;
}

void msg_schema_free(struct msg_schema *s)
{
	if (!s)
		return;
	free(s->theirs.at);
	free(s->ours.at);
	free(s);
}

/* Reading a message */

#define GET_NUMBER(kind)   \
	case KIND_##kind: \
		return (int64_t)get_##kind(r);
static int64_t get_number(struct reader *r, enum kind kind)
{
	switch (kind) {
		NUMBERS(GET_NUMBER)
	case KIND_addr:
	case KIND_text:
	case KIND_COUNT:
		break;
	}
	return 0;
}

#define PUT_NUMBER(kind)                                      \
	case KIND_##kind:                                    \
		put_##kind(w, (RECORD_TYPE_##kind)(number)); \
		return;
static void put_number(struct writer *w, enum kind kind, int64_t number)
{
	switch (kind) {
		NUMBERS(PUT_NUMBER)
	case KIND_addr:
	case KIND_text:
	case KIND_COUNT:
		break;
	}
}

/* A field's value, whatever its kind. */
struct value {
	int64_t number;
	struct addr addr;
	struct text text;
};

static void get_value(struct reader *r, enum kind kind, struct value *ret)
{
	if (kind == KIND_addr)
		ret->addr = get_addr(r);
	else if (kind == KIND_text)
		ret->text = get_text(r);
	else
		ret->number = get_number(r, kind);
}

static void put_value(struct writer *w, enum kind kind, const struct value *v)
{
	if (kind == KIND_addr)
		put_addr(w, v->addr);
	else if (kind == KIND_text)
		put_text(w, v->text);
	else
		put_number(w, kind, v->number);
}

/* Of one name, and alike: a number may have become wider. */
static bool is_same(const struct field *a, const struct field *b)
{
	bool numbers = a->kind < KIND_addr && b->kind < KIND_addr;

	return strcmp(a->name, b->name) == 0 && (a->kind == b->kind || numbers);
}

static int find_own(const char *name)
{
	for (int type = 0; type < MSG_TYPES; type++)
		if (strcmp(msg_name((enum msg_type)type), name) == 0)
			return type;
	return -1;
}

/* Our own bytes, from the values of the others'. */
static int convert(const struct layout *from, const struct layout *to, struct reader *r, int type,
		   struct msg *ret)
{
	struct value values[FIELDS_MAX] = {0};
	uint8_t own[MSG_BYTES_MAX];
	struct writer w;

	for (uint32_t i = 0; i < from->n; i++)
		get_value(r, from->fields[i].kind, &values[i]);
	if (!reader_done(r))
		return -EBADMSG;
	writer_init_fixed(&w, own, sizeof(own));
	put_u16(&w, (uint16_t)type);
	for (uint32_t i = 0; i < to->n; i++) {
		struct value value = {0};

		for (uint32_t k = 0; k < from->n; k++)
			if (is_same(&from->fields[k], &to->fields[i]))
				value = values[k];
		put_value(&w, to->fields[i].kind, &value);
	}
	return w.full ? -EBADMSG : msg_decode(own, w.len, ret);
}

int msg_schema_decode(const struct msg_schema *s, const uint8_t *bytes, size_t len,
		      struct msg *ret)
{
	struct reader r;
	uint16_t number;
	int type;

	reader_init(&r, bytes, len, NULL);
	number = get_u16(&r);
	if (r.bad || number >= s->theirs.n)
		return -EBADMSG;
	type = find_own(s->theirs.at[number].name);
	if (type < 0)
		return -ENOMSG;
	return convert(&s->theirs.at[number], &s->ours.at[type], &r, type, ret);
}
