/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of another version (core/msg_schema.c). */
#include "core/msg_schema.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A version that numbers its messages otherwise, lacks fields, has others, and has one of its own. */
static const char other[] = "HELLO u8:role\n"
			    "NOVELTY u32:what text:why\n"
			    "TRACK_STATE text:reason u32:novel u8:up u64:tracker addr:also\n";

static size_t other_track_state(uint8_t *bytes, size_t size)
{
	struct text reason = {"exit status 1"};
	struct addr also = {0};
	struct writer w;

	addr_parse("192.0.2.9", &also);
	writer_init_fixed(&w, bytes, size);
	put_u16(&w, 2);
	put_text(&w, reason);
	put_u32(&w, 77);
	put_u8(&w, 1);
	put_u64(&w, 4711);
	put_addr(&w, also);
	assert_false(w.full);
	return w.len;
}

static void test_fields_go_by_their_names(void **state)
{
	struct msg_schema *s = msg_schema_parse(other);
	uint8_t bytes[256];
	size_t len = other_track_state(bytes, sizeof(bytes));
	struct msg m;

	assert_non_null(s);
	assert_int_equal(msg_schema_decode(s, bytes, len, &m), 0);
	assert_int_equal(m.type, MSG_TRACK_STATE);
	assert_int_equal(m.track_state.tracker, 4711);
	assert_true(m.track_state.up); /* a flag there, a number here */
	assert_string_equal(m.track_state.reason.s, "exit status 1");
	msg_schema_free(s);
}

static void test_what_we_do_not_have(void **state)
{
	struct msg_schema *s = msg_schema_parse(other);
	const uint8_t novelty[] = {0, 1, 0, 0, 0, 1, 0}, beyond[] = {0, 3};
	struct msg m;

	assert_int_equal(msg_schema_decode(s, novelty, sizeof(novelty), &m), -ENOMSG);
	assert_int_equal(msg_schema_decode(s, beyond, sizeof(beyond), &m), -EBADMSG);
	msg_schema_free(s);
}

static void test_short_and_long(void **state)
{
	struct msg_schema *s = msg_schema_parse(other);
	uint8_t bytes[256] = {0};
	size_t len = other_track_state(bytes, sizeof(bytes));
	struct msg m;

	for (size_t n = 0; n < len; n++)
		assert_int_equal(msg_schema_decode(s, bytes, n, &m), -EBADMSG);
	assert_int_equal(msg_schema_decode(s, bytes, len + 1, &m), -EBADMSG);
	msg_schema_free(s);
}

/* Read through its own text, every message of ours is what it was. */
static void test_our_own(void **state)
{
	struct msg_schema *s = msg_schema_parse(msg_schema_text());

	assert_non_null(s);
	for (int type = 0; type < MSG_TYPES; type++) {
		struct msg m = {.type = (enum msg_type)type}, got;
		uint8_t bytes[MSG_BYTES_MAX], again[MSG_BYTES_MAX];
		size_t len = msg_encode(&m, bytes);

		assert_int_equal(msg_schema_decode(s, bytes, len, &got), 0);
		assert_int_equal(msg_encode(&got, again), len);
		assert_memory_equal(again, bytes, len);
	}
	msg_schema_free(s);
}

static void test_values_of_our_own(void **state)
{
	struct msg_schema *s = msg_schema_parse(msg_schema_text());
	struct msg m = {.type = MSG_VRRP_STATE,
			.vrrp_state = {.instance = UINT64_MAX,
				       .state = VRRP_STATE_ACTIVE,
				       .priority = 255,
				       .active_adver_int_cs = UINT16_MAX,
				       .adver_timer_us = -1,
				       .active_down_timer_us = INT64_MAX,
				       .transitions = UINT32_MAX}};
	uint8_t bytes[MSG_BYTES_MAX], again[MSG_BYTES_MAX];
	size_t len;
	struct msg got;

	addr_parse("2001:db8::1", &m.vrrp_state.active);
	text_set(&m.vrrp_state.reason, "because");
	len = msg_encode(&m, bytes);
	assert_int_equal(msg_schema_decode(s, bytes, len, &got), 0);
	assert_int_equal(msg_encode(&got, again), len);
	assert_memory_equal(again, bytes, len);
	msg_schema_free(s);
}

static void test_nonsense(void **state)
{
	static const char *const texts[] = {
		"",	      "HELLO",		"HELLO u8:role",     "HELLO u8\n",
		"HELLO :a\n", "HELLO u8:\n",	"HELLO u9:role\n",   " u8:role\n",
		"HELLO \n",   "HELLO u8:a  u8:b\n", "\n",		     "HELLO u8:a\n\n",
	};
	char *endless = calloc(1, 5000);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_null(msg_schema_parse(texts[i]));
	memset(endless, 'A', 4999);
	assert_null(msg_schema_parse(endless));
	for (size_t i = 0; i < 4999; i++)
		endless[i] = i % 2 ? '\n' : 'A';
	assert_null(msg_schema_parse(endless)); /* so many messages nobody has */
	free(endless);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_go_by_their_names),
		cmocka_unit_test(test_what_we_do_not_have),
		cmocka_unit_test(test_short_and_long),
		cmocka_unit_test(test_our_own),
		cmocka_unit_test(test_values_of_our_own),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
