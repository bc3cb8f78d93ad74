/* SPDX-License-Identifier: Apache-2.0 */
/* Values to bytes and back: see codec.h. */
#include "core/codec.h"

#include "core/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_set(struct text *t, const char *fmt, ...)
{
	va_list ap;

	memset(t->s, 0, sizeof(t->s));
	va_start(ap, fmt);
	vsnprintf(t->s, sizeof(t->s), fmt, ap);
	va_end(ap);
}

void text_clean(struct text *t)
{
	for (char *at = t->s; *at; at++)
		if ((unsigned char)*at < ' ' || (unsigned char)*at > '~')
			*at = '?';
}

void writer_init_fixed(struct writer *w, void *buf, size_t size)
{
	*w = (struct writer){ .at = buf, .cap = size };
}

void writer_init_growing(struct writer *w)
{
	*w = (struct writer){ .grows = true };
}

void writer_done(struct writer *w)
{
	if (w->grows) {
		explicit_bzero(w->at, w->len); /* a model may have secrets */
		free(w->at);
	}
	*w = (struct writer){ 0 };
}

static uint8_t *room(struct writer *w, size_t n)
{
	uint8_t *at;

	if (w->cap - w->len < n) {
		size_t cap = (w->cap ? w->cap * 2 : 4096) + n;

		at = w->grows ? realloc(w->at, cap) : NULL;
		if (!at) {
			w->full = true;
			return NULL;
		}
		w->at = at;
		w->cap = cap;
	}
	at = w->at + w->len;
	w->len += n;
	return at;
}

void put_bytes(struct writer *w, const void *bytes, size_t n)
{
	uint8_t *at = room(w, n);

	if (at && n)
		memcpy(at, bytes, n);
}

static void put_uint(struct writer *w, uint64_t v, unsigned n)
{
	uint8_t *at = room(w, n);

	for (unsigned i = 0; at && i < n; i++)
		at[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

void put_u8(struct writer *w, uint8_t v)
{
	put_uint(w, v, 1);
}

void put_u16(struct writer *w, uint16_t v)
{
	put_uint(w, v, 2);
}

void put_u32(struct writer *w, uint32_t v)
{
	put_uint(w, v, 4);
}

void put_u64(struct writer *w, uint64_t v)
{
	put_uint(w, v, 8);
}

void put_i32(struct writer *w, int32_t v)
{
	put_uint(w, (uint32_t)v, 4);
}

void put_i64(struct writer *w, int64_t v)
{
	put_uint(w, (uint64_t)v, 8);
}

void put_flag(struct writer *w, bool v)
{
	put_uint(w, v, 1);
}

void put_addr(struct writer *w, struct addr v)
{
	put_u8(w, v.family == AF_INET ? 4 : v.family == AF_INET6 ? 6 : 0);
	put_bytes(w, v.b, addr_len(&v));
}

void put_str(struct writer *w, const char *v)
{
	size_t n = v ? strlen(v) : 0;

	put_u32(w, (uint32_t)n);
	put_bytes(w, v, n);
}

void put_text(struct writer *w, struct text v)
{
	size_t n = strnlen(v.s, sizeof(v.s) - 1);

	put_u8(w, (uint8_t)n);
	put_bytes(w, v.s, n);
}

void reader_init(struct reader *r, const void *buf, size_t size, struct arena *arena)
{
	*r = (struct reader){ .at = buf, .end = (const uint8_t *)buf + size, .arena = arena };
}

bool reader_done(const struct reader *r)
{
	return !r->bad && r->at == r->end;
}

const uint8_t *get_bytes(struct reader *r, size_t n)
{
	const uint8_t *at = r->at;

	if (r->bad || (size_t)(r->end - r->at) < n) {
		r->bad = true;
		return NULL;
	}
	r->at += n;
	return at;
}

static uint64_t get_uint(struct reader *r, unsigned n)
{
	const uint8_t *at = get_bytes(r, n);
	uint64_t v = 0;

	for (unsigned i = 0; at && i < n; i++)
		v = v << 8 | at[i];
	return v;
}

uint8_t get_u8(struct reader *r)
{
	return (uint8_t)get_uint(r, 1);
}

uint16_t get_u16(struct reader *r)
{
	return (uint16_t)get_uint(r, 2);
}

uint32_t get_u32(struct reader *r)
{
	return (uint32_t)get_uint(r, 4);
}

uint64_t get_u64(struct reader *r)
{
	return get_uint(r, 8);
}

int32_t get_i32(struct reader *r)
{
	return (int32_t)get_uint(r, 4);
}

int64_t get_i64(struct reader *r)
{
	return (int64_t)get_uint(r, 8);
}

bool get_flag(struct reader *r)
{
	uint8_t v = get_u8(r);

	if (v > 1)
		r->bad = true;
	return v == 1;
}

struct addr get_addr(struct reader *r)
{
	struct addr a = { 0 };
	uint8_t version = get_u8(r);
	const uint8_t *bytes;

	if (version != 0 && version != 4 && version != 6)
		r->bad = true;
	a.family = version == 4 ? AF_INET : version == 6 ? AF_INET6 : AF_UNSPEC;
	bytes = get_bytes(r, addr_len(&a));
	return bytes ? addr_from_bytes(a.family, bytes) : (struct addr){ 0 };
}

const char *get_str(struct reader *r)
{
	uint32_t n = get_u32(r);
	const uint8_t *at = get_bytes(r, n);

	if (!at || !r->arena || memchr(at, 0, n)) {
		r->bad = true;
		return "";
	}
	return n ? arena_strndup(r->arena, (const char *)at, n) : "";
}

struct text get_text(struct reader *r)
{
	struct text t = { "" };
	uint8_t n = get_u8(r);
	const uint8_t *at = get_bytes(r, n);

	if (!at || n >= sizeof(t.s) || memchr(at, 0, n))
		r->bad = true;
	else
		memcpy(t.s, at, n);
	return t;
}

uint32_t get_count(struct reader *r)
{
	uint32_t n = get_u32(r);

	if (!r->arena || n > (size_t)(r->end - r->at))
		r->bad = true;
	return r->bad ? 0 : n;
}
