/* SPDX-License-Identifier: Apache-2.0 */
/* Whose connections are not copied (sync/uncopied.c), by a configuration's text. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "core/arena.h"
#include "core/config/config.h"
#include "sync/record.h"
#include "sync/uncopied.h"

#define SYNC "sync {\n interface eth1\n key hex:" KEY "\n}\n"
#define KEY  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define VS(address, resilience)                                                                    \
	"virtual_server " address " {\n protocol TCP\n lvs_method DR\n lvs_sched mh\n resilience " \
	resilience "\n real_server 10.0.0.1 80\n}\n"
#define SERVICES                                                                                   \
	VS("192.0.2.1 80", "hash")                                                                 \
	VS("192.0.2.2 80", "both")                                                                 \
	VS("192.0.2.3 80", "sync")                                                                 \
	VS("fwmark 7", "hash")                                                                     \
	"virtual_server_group web {\n 192.0.2.10-11 80\n}\n" VS("group web", "hash")

static struct arena *arena;

static const struct model *model_of(const char *text)
{
	struct diags diags;
	struct ast_node root;

	diags_init(&diags, arena);
	assert_int_equal(
		ast_parse_text(arena, &ast_input_files, "t", text, strlen(text), &diags, &root), 0);
	return config_check(arena, &root, &diags);
}

/* A connection to 192.0.2.LAST. */
static bool is_uncopied(const struct model *m, uint8_t last, uint8_t protocol, uint16_t port,
			uint32_t fwmark)
{
	const struct sync_record r = {
		.protocol = protocol,
		.state = 1,
		.fwmark = fwmark,
		.client = addr_from_bytes(AF_INET, (uint8_t[]){198, 51, 100, 1}),
		.vip = addr_from_bytes(AF_INET, (uint8_t[]){192, 0, 2, last}),
		.server = addr_from_bytes(AF_INET, (uint8_t[]){10, 0, 0, 1}),
		.client_port = 40000,
		.vip_port = port,
		.server_port = 80,
	};
	uint8_t bytes[SYNC_RECORD_MAX];

	assert_true(sync_record_encode(&r, bytes) > 0);
	return sync_is_uncopied(m, bytes);
}

static void test_only_those_of_hash(void **state)
{
	const struct model *m = model_of(SYNC SERVICES);

	assert_true(is_uncopied(m, 1, IPPROTO_TCP, 80, 0));
	assert_false(is_uncopied(m, 1, IPPROTO_TCP, 443, 0));
	assert_false(is_uncopied(m, 1, IPPROTO_UDP, 80, 0));
	assert_false(is_uncopied(m, 2, IPPROTO_TCP, 80, 0));
	assert_false(is_uncopied(m, 3, IPPROTO_TCP, 80, 0));
}

static void test_marks_and_groups(void **state)
{
	const struct model *m = model_of(SYNC SERVICES);

	assert_true(is_uncopied(m, 99, IPPROTO_TCP, 80, 7));
	assert_true(is_uncopied(m, 99, 0, 0, 7)); /* a template */
	assert_false(is_uncopied(m, 99, IPPROTO_TCP, 80, 8));
	assert_true(is_uncopied(m, 1, IPPROTO_TCP, 80, 8)); /* marked, but by no service */
	assert_true(is_uncopied(m, 10, IPPROTO_TCP, 80, 0));
	assert_true(is_uncopied(m, 11, IPPROTO_TCP, 80, 0));
	assert_false(is_uncopied(m, 12, IPPROTO_TCP, 80, 0));
}

static void test_nothing_is_listed_without_need(void **state)
{
	assert_int_equal(model_of(SERVICES)->n_uncopied, 0);
	assert_int_equal(model_of(SYNC VS("192.0.2.2 80", "both"))->n_uncopied, 0);
	assert_int_equal(model_of(SYNC SERVICES)->n_uncopied, 4);
	assert_false(is_uncopied(NULL, 1, IPPROTO_TCP, 80, 0));
}

static int setup(void **state)
{
	arena = arena_new();
	return 0;
}

static int teardown(void **state)
{
	arena_free(arena);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_only_those_of_hash),
		TEST(test_marks_and_groups),
		TEST(test_nothing_is_listed_without_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
