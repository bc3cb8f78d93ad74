/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: structs that are declared once, as a list of fields, and get their declaration, codec
 * and comparison from that list. A record is a macro
 *
 *	#define RECORD_vip(F, L)  F(addr, address)  F(u8, prefixlen)  L(track, tracks)
 *
 * F(kind, name) is a field of a kind of codec.h; L(record, name) is a list of other records
 * (`struct record *name; uint32_t n_name`). model.def and msg.def are such lists.
 */
#ifndef TANDEM_RECORD_H
#define TANDEM_RECORD_H

#include "core/arena.h"
#include "core/codec.h"

#include <string.h>

#define RECORD_TYPE_u8	 uint8_t
#define RECORD_TYPE_u16	 uint16_t
#define RECORD_TYPE_u32	 uint32_t
#define RECORD_TYPE_u64	 uint64_t
#define RECORD_TYPE_i32	 int32_t
#define RECORD_TYPE_i64	 int64_t
#define RECORD_TYPE_flag bool
#define RECORD_TYPE_addr struct addr
#define RECORD_TYPE_str	 const char *
#define RECORD_TYPE_text struct text

/* The declaration. */
#define RECORD_F_STRUCT(kind, name) RECORD_TYPE_##kind name;
#define RECORD_L_STRUCT(record, name) \
	struct record *name;          \
	uint32_t n_##name;
#define RECORD_STRUCT(record)                                      \
	struct record {                                            \
		RECORD_##record(RECORD_F_STRUCT, RECORD_L_STRUCT) \
	};

/* static void encode_RECORD(struct writer *, const struct RECORD *) */
#define RECORD_F_ENCODE(kind, name) put_##kind(w, v->name);
#define RECORD_L_ENCODE(record, name)                \
	put_u32(w, v->n_##name);                     \
	for (uint32_t i = 0; i < v->n_##name; i++)   \
		encode_##record(w, &v->name[i]);
#define RECORD_ENCODE(record)                                                \
	static void encode_##record(struct writer *w, const struct record *v) \
	{                                                                    \
		RECORD_##record(RECORD_F_ENCODE, RECORD_L_ENCODE)            \
	}

/* static void decode_RECORD(struct reader *, struct RECORD *) */
#define RECORD_F_DECODE(kind, name) v->name = get_##kind(r);
#define RECORD_L_DECODE(record, name)                                           \
	v->n_##name = get_count(r);                                             \
	v->name = v->n_##name ? arena_array(r->arena, v->n_##name, sizeof(*v->name)) : NULL; \
	for (uint32_t i = 0; i < v->n_##name && !r->bad; i++)                   \
		decode_##record(r, &v->name[i]);
#define RECORD_DECODE(record)                                          \
	static void decode_##record(struct reader *r, struct record *v) \
	{                                                              \
		RECORD_##record(RECORD_F_DECODE, RECORD_L_DECODE)      \
	}

/* bool RECORD_equal(const struct RECORD *, const struct RECORD *): all fields, lists in order. */
#define RECORD_SAME_u8(a, b)   ((a) == (b))
#define RECORD_SAME_u16(a, b)  ((a) == (b))
#define RECORD_SAME_u32(a, b)  ((a) == (b))
#define RECORD_SAME_u64(a, b)  ((a) == (b))
#define RECORD_SAME_i32(a, b)  ((a) == (b))
#define RECORD_SAME_i64(a, b)  ((a) == (b))
#define RECORD_SAME_flag(a, b) ((a) == (b))
#define RECORD_SAME_addr(a, b) addr_equal(&(a), &(b))
#define RECORD_SAME_str(a, b)  (strcmp((a) ? (a) : "", (b) ? (b) : "") == 0)
#define RECORD_SAME_text(a, b) (strcmp((a).s, (b).s) == 0)
#define RECORD_F_EQUAL(kind, name)                  \
	if (!RECORD_SAME_##kind(a->name, b->name))  \
		return false;
#define RECORD_L_EQUAL(record, name)                               \
	if (a->n_##name != b->n_##name)                            \
		return false;                                      \
	for (uint32_t i = 0; i < a->n_##name; i++)                 \
		if (!record##_equal(&a->name[i], &b->name[i]))     \
			return false;
#define RECORD_EQUAL(record)                                                  \
	bool record##_equal(const struct record *a, const struct record *b)   \
	{                                                                     \
		RECORD_##record(RECORD_F_EQUAL, RECORD_L_EQUAL) return true; \
	}

#endif
