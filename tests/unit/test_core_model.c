/* SPDX-License-Identifier: Apache-2.0 */
/* The model's image, its comparison, and ids. */
#include "core/model.h"

#include "tests/unit/random_record.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

MODEL_RECORDS(RECORD_RANDOM)

static struct model *random_whole(struct arena *a, uint64_t seed)
{
	struct model *m = arena_alloc(a, sizeof(*m));

	random_state = seed;
	random_model(a, m);
	m->n_global = 1;
	m->global = arena_alloc(a, sizeof(*m->global));
	random_global(a, m->global);
	return m;
}

static void test_image_there_and_back(void **state)
{
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct arena *a = arena_new();
		const struct model *m = random_whole(a, seed), *got;
		uint64_t hash;
		int fd = model_image_new(m, &hash);

		assert_true(fd >= 0);
		assert_int_equal(model_image_load(fd, a, &got), 0);
		assert_true(model_equal(m, got));
		assert_int_equal(model_image_load_instances(fd, a, &got), 0);
		assert_int_equal(got->n_services, 0);
		assert_int_equal(got->n_instances, m->n_instances);
		for (uint32_t i = 0; i < m->n_instances; i++)
			assert_true(vrrp_instance_equal(&m->instances[i], &got->instances[i]));
		close(fd);
		arena_free(a);
	}
}

/* The same things in another order are the same; a weight, a scheduler, an address matter. */
static void test_what_a_pair_has_in_common(void **state)
{
	struct real_server servers[2] = {{.id = 1, .weight = 5}, {.id = 2, .weight = 7}};
	struct virtual_server services[2] = {
		{.id = 8, .scheduler = "rr", .servers = servers, .n_servers = 2},
		{.id = 9, .scheduler = "mh"}};
	struct vip vips[2] = {{.address = addr_from_bytes(AF_INET, "\1\2\3\4"), .prefixlen = 24},
			      {.address = addr_from_bytes(AF_INET, "\1\2\3\5"), .prefixlen = 24}};
	struct vrrp_instance instance = {.vrid = 51, .vips = vips, .n_vips = 2};
	struct model m = {.services = services,
			  .n_services = 2,
			  .instances = &instance,
			  .n_instances = 1};
	uint64_t had_services = model_services_hash(&m), had_addresses = model_addresses_hash(&m);
	struct virtual_server service = services[0];
	struct real_server server = servers[0];
	struct vip vip = vips[0];

	services[0] = services[1];
	services[1] = service;
	servers[0] = servers[1];
	servers[1] = server;
	vips[0] = vips[1];
	vips[1] = vip;
	assert_true(model_services_hash(&m) == had_services);
	assert_true(model_addresses_hash(&m) == had_addresses);
	servers[0].weight = 6;
	assert_false(model_services_hash(&m) == had_services);
	servers[0].weight = 7;
	services[0].scheduler = "sh";
	assert_false(model_services_hash(&m) == had_services);
	instance.vrid = 52;
	assert_false(model_addresses_hash(&m) == had_addresses);
}

static size_t image_bytes(int fd, uint8_t **ret)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	*ret = malloc((size_t)st.st_size + 1);
	assert_non_null(*ret);
	assert_int_equal(pread(fd, *ret, (size_t)st.st_size, 0), st.st_size);
	(*ret)[st.st_size] = 0;
	return (size_t)st.st_size;
}

static int load_bytes(const uint8_t *bytes, size_t n)
{
	int fd = memfd_create("test", MFD_CLOEXEC), err;
	struct arena *a = arena_new();
	const struct model *got;

	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	err = model_image_load(fd, a, &got);
	arena_free(a);
	close(fd);
	return err;
}

static void test_image_cut_or_too_long(void **state)
{
	struct arena *a = arena_new();
	uint64_t hash;
	int fd = model_image_new(random_whole(a, 7), &hash);
	uint8_t *bytes;
	size_t n = image_bytes(fd, &bytes);

	assert_int_equal(load_bytes(bytes, n), 0);
	for (size_t cut = 0; cut < n; cut += cut < 200 ? 1 : 37)
		assert_int_equal(load_bytes(bytes, cut), -EBADMSG);
	assert_int_equal(load_bytes(bytes, n - 1), -EBADMSG);
	assert_int_equal(load_bytes(bytes, n + 1), -EBADMSG);
	/* A count that the rest can't hold is refused before memory is taken for it. */
	memset(bytes + 16, 0xff, 4);
	assert_int_equal(load_bytes(bytes, n), -EBADMSG);
	free(bytes);
	close(fd);
	arena_free(a);
}

static void test_image_is_sealed(void **state)
{
	struct arena *a = arena_new();
	uint64_t hash;
	int fd = model_image_new(random_whole(a, 3), &hash);

	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 1), -1);
	close(fd);
	arena_free(a);
}

static uint64_t hash_of(const struct model *m)
{
	uint64_t hash;
	int fd = model_image_new(m, &hash);

	assert_true(fd >= 0);
	close(fd);
	return hash;
}

static void test_hash_is_of_the_content(void **state)
{
	struct arena *a = arena_new();
	struct model *m = random_whole(a, 5), *same = random_whole(a, 5);
	uint64_t hash = hash_of(m);

	same->generation = m->generation + 1;
	assert_true(hash_of(same) == hash);
	same->global->udp_timeout_s++;
	assert_false(hash_of(same) == hash);
	arena_free(a);
}

static void test_equal_sees_every_level(void **state)
{
	struct arena *a = arena_new();
	struct check ca = {.bind_ifname = ""}, cb = ca;
	struct real_server ra = {.checks = &ca, .n_checks = 1}, rb = ra;
	struct virtual_server va = {.servers = &ra, .n_servers = 1}, vb = va;

	rb.checks = &cb;
	vb.servers = &rb;
	assert_true(virtual_server_equal(&va, &vb));
	cb.bind_ifname = NULL; /* as "" */
	assert_true(virtual_server_equal(&va, &vb));
	cb.fwmark = 1;
	assert_false(virtual_server_equal(&va, &vb));
	cb.fwmark = 0;
	rb.n_checks = 0;
	assert_false(virtual_server_equal(&va, &vb));
	arena_free(a);
}

static void test_ids(void **state)
{
	struct virtual_server vs = {.family = AF_INET, .protocol = IPPROTO_TCP, .port = 80};
	struct addr rs;
	uint64_t ids[8];

	addr_parse("192.0.2.10", &vs.address);
	addr_parse("10.0.0.3", &rs);
	ids[0] = model_id_virtual_server(&vs);
	vs.scheduler = "wlc"; /* not part of what makes it itself */
	assert_true(model_id_virtual_server(&vs) == ids[0]);
	vs.protocol = IPPROTO_UDP;
	ids[1] = model_id_virtual_server(&vs);
	vs.fwmark = 80;
	ids[2] = model_id_virtual_server(&vs);
	ids[3] = model_id_real_server(ids[0], &rs, 80);
	ids[4] = model_id_real_server(ids[1], &rs, 80);
	ids[5] = model_id_check(ids[3], CHECK_TCP, 0);
	ids[6] = model_id_check(ids[3], CHECK_TCP, 1);
	ids[7] = model_id_vrrp(AF_INET, "eth0", 51);
	for (int i = 0; i < 8; i++) {
		assert_true(ids[i] != 0);
		for (int j = 0; j < i; j++)
			assert_true(ids[i] != ids[j]);
	}
}

static void test_service_names(void **state)
{
	struct virtual_server vs = {.family = AF_INET, .protocol = IPPROTO_TCP, .port = 80};
	char text[TEXT_MAX];

	addr_parse("192.0.2.1", &vs.address);
	assert_string_equal(virtual_server_format(&vs, text), "192.0.2.1:80 TCP");
	vs.protocol = IPPROTO_UDP;
	addr_parse("2001:db8::1", &vs.address);
	assert_string_equal(virtual_server_format(&vs, text), "[2001:db8::1]:80 UDP");
	vs.fwmark = 7;
	assert_string_equal(virtual_server_format(&vs, text), "fwmark 7");
	vs.family = AF_INET6;
	assert_string_equal(virtual_server_format(&vs, text), "fwmark 7 IPv6");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_image_there_and_back),
		cmocka_unit_test(test_what_a_pair_has_in_common),
		cmocka_unit_test(test_image_cut_or_too_long),
		cmocka_unit_test(test_image_is_sealed),
		cmocka_unit_test(test_hash_is_of_the_content),
		cmocka_unit_test(test_equal_sees_every_level),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_service_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
