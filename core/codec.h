/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values to bytes and back: big endian, field by field, no padding, no pointers. What messages
 * between roles and the model image are made of. A reader never reads past its end: after the
 * first bad read everything that follows reads as zero and codec_done() says so.
 */
#ifndef TANDEM_CODEC_H
#define TANDEM_CODEC_H

#include "core/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* A short line of words inside a message: a reason, a name. Cut, not refused, when longer. */
#define TEXT_MAX 192
struct text {
	char s[TEXT_MAX];
};
void text_set(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What comes from outside may be in it, and it goes to logs and terminals: '?' for all but ASCII. */
void text_clean(struct text *t);

struct writer {
	uint8_t *at;
	size_t len;
	size_t cap;
	bool grows; /* the buffer is ours (malloc) and grows; else writing past cap sets full */
	bool full;
};

void writer_init_fixed(struct writer *w, void *buf, size_t size);
void writer_init_growing(struct writer *w);
void writer_done(struct writer *w); /* frees a growing buffer */

struct reader {
	const uint8_t *at;
	const uint8_t *end;
	struct arena *arena; /* where strings and lists go; NULL: they are refused */
	bool bad;
};

void reader_init(struct reader *r, const void *buf, size_t size, struct arena *arena);
/* Everything was read, and nothing but it. */
bool reader_done(const struct reader *r);

/* One pair of functions for each kind of field; `put_K(w, value)`, `get_K(r)`. */
void put_u8(struct writer *w, uint8_t v);
void put_u16(struct writer *w, uint16_t v);
void put_u32(struct writer *w, uint32_t v);
void put_u64(struct writer *w, uint64_t v);
void put_i32(struct writer *w, int32_t v);
void put_i64(struct writer *w, int64_t v);
void put_flag(struct writer *w, bool v);
void put_addr(struct writer *w, struct addr v);
void put_str(struct writer *w, const char *v); /* NULL is written as "" */
void put_text(struct writer *w, struct text v);

/* Bytes as they are, without their number. */
void put_bytes(struct writer *w, const void *bytes, size_t n);
/* NULL when there are not so many left. */
const uint8_t *get_bytes(struct reader *r, size_t n);

uint8_t get_u8(struct reader *r);
uint16_t get_u16(struct reader *r);
uint32_t get_u32(struct reader *r);
uint64_t get_u64(struct reader *r);
int32_t get_i32(struct reader *r);
int64_t get_i64(struct reader *r);
bool get_flag(struct reader *r);
struct addr get_addr(struct reader *r);
const char *get_str(struct reader *r); /* never NULL */
struct text get_text(struct reader *r);
/* A count of elements, each of at least one byte: refused when the rest can't hold as many. */
uint32_t get_count(struct reader *r);

#endif
