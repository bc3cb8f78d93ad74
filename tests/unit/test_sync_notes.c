/* SPDX-License-Identifier: Apache-2.0 */
/* What directors tell each other of themselves (sync/notes.c). */
#include "sync/notes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_config_there_and_back(void **state)
{
	struct notes_config c = {.services = 1, .addresses = UINT64_MAX}, got;
	uint8_t bytes[SYNC_NOTE_MAX + 1] = {0};
	size_t len;

	/* The longest name fits. */
	memset(c.name.s, 'x', TEXT_MAX - 1);
	len = notes_config_encode(&c, bytes);
	assert_true(len <= SYNC_NOTE_MAX);
	assert_int_equal(notes_config_decode(bytes, len, &got), 0);
	assert_true(notes_config_equal(&c, &got));
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(notes_config_decode(bytes, cut, &got), -EBADMSG);
	assert_int_equal(notes_config_decode(bytes, len + 1, &got), -EBADMSG);
}

static void test_routers_there_and_back(void **state)
{
	struct notes_routers v = {{"VI_1 MASTER 150, VI_2 BACKUP 100"}}, got;
	uint8_t bytes[SYNC_NOTE_MAX];
	size_t len = notes_routers_encode(&v, bytes);

	assert_int_equal(notes_routers_decode(bytes, len, &got), 0);
	assert_string_equal(got.words.s, v.words.s);
	assert_int_equal(notes_routers_decode(bytes, len - 1, &got), -EBADMSG);
	/* It goes to terminals. */
	memset(v.words.s, '\033', TEXT_MAX - 1);
	len = notes_routers_encode(&v, bytes);
	assert_true(len <= SYNC_NOTE_MAX);
	assert_int_equal(notes_routers_decode(bytes, len, &got), 0);
	assert_null(strchr(got.words.s, '\033'));
}

static void test_override_there_and_back(void **state)
{
	const struct msg_server_override v = {
		.service = 1, .server = 2, .admin = 3, .has_weight = true, .weight = 7, .version = 9};
	struct msg_server_override got;
	uint8_t bytes[SYNC_NOTE_MAX + 1] = {0};
	size_t len = notes_override_encode(&v, bytes);

	assert_int_equal(notes_override_decode(bytes, len, &got), 0);
	assert_int_equal(got.service, 1);
	assert_int_equal(got.server, 2);
	assert_int_equal(got.admin, 3);
	assert_true(got.has_weight);
	assert_int_equal(got.weight, 7);
	assert_int_equal(got.version, 9);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(notes_override_decode(bytes, cut, &got), -EBADMSG);
	assert_int_equal(notes_override_decode(bytes, len + 1, &got), -EBADMSG);
}

static void test_views_there_and_back(void **state)
{
	struct msg_server_view v = {.service = 1, .server = 2, .up = true, .weight = 65535,
				    .feedback_permille = 250}, got;
	const struct msg_service_led led = {.service = 3, .led = true};
	struct msg_service_led got_led;
	uint8_t bytes[SYNC_NOTE_MAX + 1] = {0};
	size_t len = notes_server_encode(&v, bytes);

	assert_int_equal(notes_server_decode(bytes, len, &got), 0);
	assert_int_equal(got.server, 2);
	assert_int_equal(got.weight, 65535);
	assert_int_equal(got.feedback_permille, 250);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(notes_server_decode(bytes, cut, &got), -EBADMSG);
	len = notes_led_encode(&led, bytes);
	assert_int_equal(notes_led_decode(bytes, len, &got_led), 0);
	assert_true(got_led.led);
	assert_int_equal(got_led.service, 3);
	assert_int_equal(notes_led_decode(bytes, len + 1, &got_led), -EBADMSG);
	/* What no kernel would take. */
	v.weight = 65536;
	assert_int_equal(notes_server_decode(bytes, notes_server_encode(&v, bytes), &got), -EBADMSG);
	v.weight = -1;
	assert_int_equal(notes_server_decode(bytes, notes_server_encode(&v, bytes), &got), -EBADMSG);
	v = (struct msg_server_view){.up = true, .weight = 1};
	assert_int_equal(notes_server_decode(bytes, notes_server_encode(&v, bytes), &got), -EBADMSG);
	v.configured = true;
	assert_int_equal(notes_server_decode(bytes, notes_server_encode(&v, bytes), &got), 0);
}

static void test_differences(void **state)
{
	const struct notes_config a = {.services = 1, .addresses = 2, .name = {"lb1"}};
	struct notes_config b = {.services = 1, .addresses = 2, .name = {"lb2"}};

	assert_string_equal(notes_config_difference(&a, &b), "");
	b.services = 3;
	assert_string_equal(notes_config_difference(&a, &b), "its virtual servers are not ours");
	b.addresses = 3;
	assert_string_equal(notes_config_difference(&a, &b),
			    "its virtual servers and virtual addresses are not ours");
	b.services = 1;
	assert_string_equal(notes_config_difference(&a, &b), "its virtual addresses are not ours");
}

static void test_handover_there_and_back(void **state)
{
	const struct notes_drain drain = {.asked_us = 7};
	const struct notes_drained drained = {.node = 8, .asked_us = INT64_MAX}, no = {.node = 8};
	struct notes_drain got_drain;
	struct notes_drained got;
	uint8_t bytes[SYNC_NOTE_MAX + 1] = {0};
	size_t len = notes_drain_encode(&drain, bytes);

	assert_int_equal(notes_drain_decode(bytes, len, &got_drain), 0);
	assert_int_equal(got_drain.asked_us, 7);
	len = notes_drained_encode(&drained, bytes);
	assert_int_equal(notes_drained_decode(bytes, len, &got), 0);
	assert_true(got.node == 8 && got.asked_us == INT64_MAX);
	assert_int_equal(notes_drained_decode(bytes, len + 1, &got), -EBADMSG);
	/* No question has this name. */
	len = notes_drained_encode(&no, bytes);
	assert_int_equal(notes_drained_decode(bytes, len, &got), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_there_and_back),
		cmocka_unit_test(test_routers_there_and_back),
		cmocka_unit_test(test_override_there_and_back),
		cmocka_unit_test(test_views_there_and_back),
		cmocka_unit_test(test_handover_there_and_back),
		cmocka_unit_test(test_differences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
