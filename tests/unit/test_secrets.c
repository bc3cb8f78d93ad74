/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets which secrets: what of a model is left in the images of the roles. */
#include "core/arena.h"
#include "core/secrets.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY "vrrppass"
/* In the order of the checks. */
static const char *const said[] = {"hunter2", "c2VjcmV0", "{login}", "41555448", "77686f", "keypass"};
#define SAID (sizeof(said) / sizeof(*said))

struct world {
	struct http_header header;
	struct check_url urls[3];
	struct check_http http[3];
	struct check_step step;
	struct agent_ask agent;
	struct check_tls tls;
	struct check checks[SAID + 1]; /* the last has none */
	struct real_server servers[2];
	struct virtual_server service;
	struct vrrp_instance instance;
	struct global global;
	struct model model;
};

static void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	for (size_t i = 0; i < 3; i++) {
		w->urls[i].body = "";
		w->http[i].user = w->http[i].password = "";
	}
	w->http[0].user = "user";
	w->http[0].password = said[0];
	w->header.line = said[1];
	w->urls[1].headers = &w->header;
	w->urls[1].n_headers = 1;
	w->urls[2].body = said[2];
	w->step.bytes = said[3];
	w->agent.bytes = said[4];
	w->tls.key_password = said[5];
	for (size_t i = 0; i < SAID + 1; i++) {
		w->checks[i].id = i + 1;
		w->checks[i].delay_loop_us = 42;
		w->checks[i].n_http = i < 3;
		w->checks[i].http = &w->http[i < 3 ? i : 0];
	}
	for (size_t i = 0; i < 3; i++) {
		w->http[i].urls = &w->urls[i];
		w->http[i].n_urls = 1;
	}
	w->checks[3].steps = &w->step;
	w->checks[3].n_steps = 1;
	w->checks[4].agent = &w->agent;
	w->checks[4].n_agent = 1;
	w->checks[5].tls = &w->tls;
	w->checks[5].n_tls = 1;
	w->servers[0] = (struct real_server){.id = 1, .checks = w->checks, .n_checks = SAID + 1};
	w->servers[1] = (struct real_server){.id = 2, .checks = &w->checks[SAID], .n_checks = 1};
	w->service = (struct virtual_server){.id = 1, .servers = w->servers, .n_servers = 2};
	w->instance = (struct vrrp_instance){.name = "V", .auth_pass = KEY};
	w->model = (struct model){
		.global = &w->global,
		.instances = &w->instance,
		.n_instances = 1,
		.services = &w->service,
		.n_services = 1,
	};
}

/* Is it anywhere in the bytes that a role would be given? */
static bool holds(const struct model *m, const char *secret)
{
	uint64_t hash;
	void *image;
	size_t size;
	int fd = model_image_new(m, &hash);
	bool found;

	assert_true(fd >= 0);
	assert_int_equal(model_image_map(fd, &image, &size), 0);
	found = memmem(image, size, secret, strlen(secret));
	munmap(image, size);
	close(fd);
	return found;
}

static void expect_kept(const struct model *of, unsigned kinds)
{
	struct arena *arena = arena_new();
	const struct model *kept = secrets_kept(of, kinds, arena);
	const struct real_server *r = &kept->services[0].servers[0];

	assert_int_equal(secrets_kinds(kept), kinds);
	assert_int_equal(holds(kept, KEY), !!(kinds & SECRETS_KEYS));
	for (size_t i = 0; i < SAID; i++)
		assert_int_equal(holds(kept, said[i]), !!(kinds & SECRETS_CHECKS));
	/* What others need of checks is there. */
	assert_int_equal(r->n_checks, SAID + 1);
	for (size_t i = 0; i < SAID + 1; i++) {
		assert_int_equal(r->checks[i].id, i + 1);
		assert_int_equal(r->checks[i].delay_loop_us, 42);
	}
	arena_free(arena);
}

static void test_each_role_gets_its_own(void **state)
{
	struct world w;

	world_init(&w);
	assert_int_equal(secrets_kinds(&w.model), SECRETS_ALL);
	for (unsigned kinds = 0; kinds <= SECRETS_ALL; kinds++)
		expect_kept(&w.model, kinds);
	/* The model itself is as it was. */
	assert_true(holds(&w.model, KEY));
	for (size_t i = 0; i < SAID; i++)
		assert_true(holds(&w.model, said[i]));
}

static void test_each_check_counts(void **state)
{
	for (size_t i = 0; i < SAID + 1; i++) {
		struct world w;

		world_init(&w);
		w.instance.auth_pass = "";
		w.servers[0].checks = &w.checks[i];
		w.servers[0].n_checks = 1;
		assert_int_equal(secrets_kinds(&w.model), i < SAID ? SECRETS_CHECKS : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_role_gets_its_own),
		cmocka_unit_test(test_each_check_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
