/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random values for every kind of field, and by them for every record of model.def and msg.def:
 * a new field is tested from the day it is listed. Seeded: a failure comes again.
 */
#ifndef TANDEM_TESTS_RANDOM_RECORD_H
#define TANDEM_TESTS_RANDOM_RECORD_H

#include "core/record.h"

#include <string.h>

static uint64_t random_state = 1;

/* SplitMix64. Half of the values are extremes: that is where codecs break. */
static inline uint64_t random_bits(void)
{
	uint64_t x = random_state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static inline uint64_t random_value(void)
{
	uint64_t pick = random_bits() % 8;

	return pick == 0   ? 0
	       : pick == 1 ? UINT64_MAX
	       : pick == 2 ? UINT64_C(1) << 63
	       : pick == 3 ? INT64_MAX
			   : random_bits();
}

static inline char random_char(void)
{
	return (char)(random_bits() % 255 + 1);
}

#define random_u8(a)   ((uint8_t)random_value())
#define random_u16(a)  ((uint16_t)random_value())
#define random_u32(a)  ((uint32_t)random_value())
#define random_u64(a)  random_value()
#define random_i32(a)  ((int32_t)random_value())
#define random_i64(a)  ((int64_t)random_value())
#define random_flag(a) (random_bits() % 2 == 1)

static inline struct addr random_addr(struct arena *a)
{
	static const int families[] = {AF_UNSPEC, AF_INET, AF_INET6};
	uint64_t bytes[2] = {random_value(), random_value()};

	return addr_from_bytes(families[random_bits() % 3], bytes);
}

static inline const char *random_str(struct arena *a)
{
	size_t n = random_bits() % 4 ? random_bits() % 40 : 0;
	char s[40];

	for (size_t i = 0; i < n; i++)
		s[i] = random_char();
	return arena_strndup(a, s, n);
}

static inline struct text random_text(struct arena *a)
{
	size_t n = random_bits() % 4 ? random_bits() % TEXT_MAX : TEXT_MAX - 1;
	struct text t = {""};

	for (size_t i = 0; i < n; i++)
		t.s[i] = random_char();
	return t;
}

#define RECORD_F_RANDOM(kind, name) v->name = random_##kind(a);
#define RECORD_L_RANDOM(record, name)                                                              \
	v->n_##name = (uint32_t)(random_bits() % 4);                                               \
	v->name = arena_array(a, v->n_##name + 1, sizeof(*v->name));                               \
	for (uint32_t i = 0; i < v->n_##name; i++)                                                 \
		random_##record(a, &v->name[i]);
#define RECORD_RANDOM(record)                                                                      \
	static void random_##record(struct arena *a, struct record *v)                             \
	{                                                                                          \
		RECORD_##record(RECORD_F_RANDOM, RECORD_L_RANDOM)                                  \
	}

#endif
