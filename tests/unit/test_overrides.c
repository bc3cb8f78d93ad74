/* SPDX-License-Identifier: Apache-2.0 */
/* What operators want of real servers, and which servers they mean: overrides.c, selector.c. */
#include "core/arena.h"
#include "core/clock.h"
#include "core/overrides.h"
#include "core/selector.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S USEC_PER_SEC

static struct msg_server_override word(uint64_t server, enum server_admin admin)
{
	return (struct msg_server_override){
		.service = 1, .server = server, .admin = (uint8_t)admin};
}

static void count(void *ctx, const struct msg_server_override *v)
{
	++*(int *)ctx;
}

static void test_versions_only_grow(void **state)
{
	struct overrides o = {0};
	struct msg_server_override w = word(5, ADMIN_DRAIN);

	assert_int_equal(overrides_say(&o, &w, 100 * S)->version, 100 * S);
	assert_int_equal(overrides_say(&o, &w, 100 * S)->version, 100 * S + 1);
	assert_int_equal(overrides_say(&o, &w, 50 * S)->version, 100 * S + 2); /* clock set back */
	w.admin = ADMIN_MAINT;
	w.version = 100 * S + 2;
	assert_false(overrides_copy(&o, &w)); /* not newer */
	w.version++;
	assert_true(overrides_copy(&o, &w));
	assert_int_equal(overrides_find(&o, 5)->admin, ADMIN_MAINT);
	assert_null(overrides_find(&o, 6));
	overrides_done(&o);
}

static void test_deadline(void **state)
{
	struct overrides o = {0};
	struct msg_server_override w = word(5, ADMIN_DRAIN);
	int ended = 0;

	w.until_us = 200 * S;
	w.has_weight = true; /* stays when the drain ends */
	w.weight = 7;
	overrides_say(&o, &w, 100 * S);
	w = word(4, ADMIN_MAINT);
	overrides_say(&o, &w, 100 * S);
	assert_int_equal(overrides_next_us(&o), 200 * S);
	assert_false(overrides_expire(&o, 199 * S, count, &ended));
	assert_true(overrides_expire(&o, 200 * S, count, &ended));
	assert_int_equal(ended, 1);
	assert_int_equal(overrides_find(&o, 5)->admin, ADMIN_READY);
	assert_int_equal(overrides_find(&o, 5)->version, 200 * S);
	assert_true(override_is_active(overrides_find(&o, 5)));
	assert_int_equal(overrides_find(&o, 4)->admin, ADMIN_MAINT);
	assert_int_equal(overrides_next_us(&o), 0);
	overrides_done(&o);
}

static void test_idle(void **state)
{
	struct overrides o = {0};
	struct msg_server_override w = word(5, ADMIN_DRAIN);
	uint64_t version;

	w.until_idle = true;
	version = overrides_say(&o, &w, 100 * S)->version;
	assert_null(overrides_idle(&o, 5, version - 1, 101 * S)); /* of a word before */
	assert_null(overrides_idle(&o, 6, version, 101 * S));
	assert_int_equal(overrides_idle(&o, 5, version, 101 * S)->admin, ADMIN_MAINT);
	assert_null(overrides_idle(&o, 5, version, 102 * S));
	overrides_done(&o);
}

static void fill(struct overrides *o, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct msg_server_override w = word(1 + i * 7919 % 10007, i % 4);

		w.weight = (int32_t)i;
		overrides_say(o, &w, (int64_t)i * S);
	}
}

static void test_file_and_back(void **state)
{
	struct overrides o = {0}, back = {0};
	struct writer w, again;

	fill(&o, 100);
	writer_init_growing(&w);
	overrides_encode(&o, &w);
	assert_int_equal(overrides_decode(&back, w.at, w.len), 0);
	assert_int_equal(back.n, 100);
	assert_int_equal(overrides_find(&back, 1)->server, 1);
	writer_init_growing(&again);
	overrides_encode(&back, &again);
	assert_int_equal(again.len, w.len);
	assert_memory_equal(again.at, w.at, w.len);
	writer_done(&w);
	writer_done(&again);
	overrides_done(&o);
	overrides_done(&back);
}

/* Every byte matters, and what is damaged takes nothing away from what is known. */
static void test_damage_is_found(void **state)
{
	struct overrides o = {0};
	struct writer w;

	fill(&o, 3);
	writer_init_growing(&w);
	overrides_encode(&o, &w);
	for (size_t i = 0; i < w.len; i++) {
		w.at[i] ^= 0x10;
		assert_int_equal(overrides_decode(&o, w.at, w.len), -EBADMSG);
		w.at[i] ^= 0x10;
		assert_int_equal(overrides_decode(&o, w.at, i), -EBADMSG); /* cut off */
	}
	assert_int_equal(o.n, 3);
	writer_done(&w);
	overrides_done(&o);
}

/* Two web services with the same server, one for DNS over both protocols, and a mark. */
struct fixture {
	struct arena *arena;
	struct real_server web[2], tls, dns;
	struct virtual_server services[5];
	struct model model;
};

static void serve(struct fixture *f, int i, const char *address, uint16_t port, uint8_t protocol,
		  struct real_server *servers, uint32_t n)
{
	struct virtual_server *vs = &f->services[i];

	*vs = (struct virtual_server){.family = AF_INET,
				      .protocol = protocol,
				      .port = port,
				      .group = "",
				      .servers = servers,
				      .n_servers = n};
	if (address)
		addr_parse(address, &vs->address);
	else
		vs->fwmark = 7;
	vs->id = (uint64_t)i + 1;
}

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){.arena = arena_new()};
	for (int i = 0; i < 2; i++)
		f.web[i] = (struct real_server){.id = 10 + (uint64_t)i, .port = 80};
	addr_parse("10.0.0.7", &f.web[0].address);
	addr_parse("10.0.0.8", &f.web[1].address);
	f.tls = (struct real_server){.id = 20, .address = f.web[0].address, .port = 443};
	f.dns = (struct real_server){.id = 30, .port = 53};
	addr_parse("2001:db8::7", &f.dns.address);
	serve(&f, 0, "192.0.2.1", 80, IPPROTO_TCP, f.web, 2);
	serve(&f, 1, "192.0.2.1", 443, IPPROTO_TCP, &f.tls, 1);
	serve(&f, 2, "192.0.2.2", 53, IPPROTO_TCP, &f.dns, 1);
	serve(&f, 3, "192.0.2.2", 53, IPPROTO_UDP, &f.dns, 1);
	serve(&f, 4, NULL, 0, 0, f.web, 2);
	f.model = (struct model){.services = f.services, .n_services = 5};
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	arena_free(((struct fixture *)*state)->arena);
	return 0;
}

static void expect(struct fixture *f, const char *server, const char *service, int n,
		   const char *words)
{
	struct text reason = {""};
	struct selected *at;

	assert_int_equal(select_servers(f->arena, &f->model, server, service, &at, &reason), n);
	if (n > 0)
		assert_true(at[0].rs->id);
	else
		assert_non_null(strstr(reason.s, words));
}

static void test_selection(void **state)
{
	struct fixture *f = *state;

	expect(f, "10.0.0.7:80", "", 2, NULL);
	expect(f, "10.0.0.8", "", 2, NULL);
	expect(f, "10.0.0.7", "", -ENOTUNIQ, "has ports 80 and 443: say which, as 10.0.0.7:80");
	expect(f, "10.0.0.7", "192.0.2.1:443", 1, NULL);
	expect(f, "10.0.0.7", "fwmark:7", 1, NULL);
	expect(f, "10.0.0.7:80", "192.0.2.1:80/tcp", 1, NULL);
	expect(f, "10.0.0.7:80", "192.0.2.1:80 TCP", 1, NULL);
	expect(f, "[2001:db8::7]:53", "", 2, NULL);
	expect(f, "2001:db8::7", "192.0.2.2:53/udp", 1, NULL);
	expect(f, "2001:db8::7", "192.0.2.2:53", -ENOENT, "may be \"");
	expect(f, "10.0.0.9:80", "", -ENOENT, "no such real server");
	expect(f, "10.0.0.7:81", "", -ENOENT, "no such real server");
	expect(f, "10.0.0.8:80", "192.0.2.1:443", -ENOENT, "no such real server in 192.0.2.1:443");
	expect(f, "10.0.0.8:80", "192.0.2.9:443", -ENOENT, "no such virtual server");
	expect(f, "web7", "", -EINVAL, "is not a real server such as");
	expect(f, "10.0.0.7:99999", "", -EINVAL, "is not a real server");
	expect(f, "[2001:db8::7", "", -EINVAL, "is not a real server");
}

/* What no clock has made would be newer than all that is said later. */
static void test_no_last_version(void **state)
{
	struct msg_server_override w = word(10, ADMIN_DRAIN);

	w.version = 1;
	assert_true(override_is_sane(&w));
	w.version = UINT64_C(7258118400) * 1000000; /* 2200 */
	assert_true(override_is_sane(&w));
	w.version = UINT64_MAX;
	assert_false(override_is_sane(&w));
}

static void test_retain(void **state)
{
	struct fixture *f = *state;
	struct overrides o = {0};
	struct msg_server_override w = word(10, ADMIN_DRAIN);
	int gone = 0;

	overrides_say(&o, &w, S);
	w.server = 20; /* of service 1 that is not its own */
	overrides_say(&o, &w, S);
	w = word(99, ADMIN_READY);
	overrides_say(&o, &w, S);
	assert_true(overrides_retain(&o, &f->model, count, &gone));
	assert_int_equal(gone, 2);
	assert_int_equal(o.n, 1);
	assert_false(overrides_retain(&o, &f->model, count, &gone));
	overrides_done(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions_only_grow),
		cmocka_unit_test(test_no_last_version),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_file_and_back),
		cmocka_unit_test(test_damage_is_found),
		cmocka_unit_test_setup_teardown(test_selection, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retain, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
