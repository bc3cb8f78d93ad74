/* SPDX-License-Identifier: Apache-2.0 */
/* Packets on their way out: all of them, each socket's in order; one that fails costs no other. */
#include "vrrp/outbox.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SOCKETS 2
#define PACKETS (2 * OUTBOX_PACKETS + 6)
#define TTL	77

struct rig {
	struct outbox box;
	int sock[SOCKETS];
	unsigned failed;
	int err;
};

static void on_failed(void *ctx, const struct addr *dst, int err)
{
	struct rig *r = ctx;

	assert_true(addr_is_set(dst));
	r->failed++;
	r->err = err;
}

/* RFC 3692: protocols 253 and 254 are for experiments. What goes to this host comes back in. */
static int setup(void **state)
{
	static struct rig r;
	int room = 1 << 20;

	r = (struct rig){.box = {.failed = on_failed}};
	for (int i = 0; i < SOCKETS; i++) {
		r.sock[i] = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 253 + i);
		if (r.sock[i] >= 0)
			setsockopt(r.sock[i], SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	}
	*state = &r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < SOCKETS; i++)
		if (r->sock[i] >= 0)
			close(r->sock[i]);
	outbox_done(&r->box);
	return 0;
}

static void need_raw_sockets(const struct rig *r)
{
	if (r->sock[0] < 0)
		skip(); /* without privileges */
}

static void put(struct rig *r, unsigned which, const char *dst, uint32_t number)
{
	struct outbox_to to = {.sock = r->sock[which], .ttl = TTL};

	addr_parse("127.0.0.2", &to.src);
	addr_parse(dst, &to.dst);
	outbox_put(&r->box, &to, &number, sizeof(number), r);
}

/* The next packet's number, or -1 when there is none. */
static int take(const struct rig *r, unsigned which)
{
	struct {
		struct iphdr ip;
		uint32_t number;
	} packet;

	if (recv(r->sock[which], &packet, sizeof(packet), 0) != sizeof(packet))
		return -1;
	assert_int_equal(packet.ip.ttl, TTL);
	assert_int_equal(ntohl(packet.ip.saddr), 0x7f000002);
	return (int)packet.number;
}

static void test_all_leave_in_order(void **state)
{
	struct rig *r = *state;

	need_raw_sockets(r);
	for (unsigned i = 0; i < PACKETS; i++)
		put(r, i % SOCKETS, "127.0.0.1", i);
	outbox_flush(&r->box);
	outbox_flush(&r->box); /* nothing leaves twice */
	for (unsigned i = 0; i < PACKETS; i++)
		assert_int_equal(take(r, i % SOCKETS), i);
	for (unsigned i = 0; i < SOCKETS; i++)
		assert_int_equal(take(r, i), -1);
	assert_int_equal(r->failed, 0);
}

static void test_nothing_leaves_before(void **state)
{
	struct rig *r = *state;

	need_raw_sockets(r);
	put(r, 0, "127.0.0.1", 1);
	assert_int_equal(take(r, 0), -1);
	outbox_flush(&r->box);
	assert_int_equal(take(r, 0), 1);
}

/* A broadcast without permission, in the middle and at both ends. */
static void test_failures_are_told(void **state)
{
	struct rig *r = *state;

	need_raw_sockets(r);
	put(r, 0, "255.255.255.255", 0);
	put(r, 0, "127.0.0.1", 1);
	put(r, 0, "255.255.255.255", 2);
	put(r, 1, "127.0.0.1", 3);
	put(r, 0, "127.0.0.1", 4);
	put(r, 0, "255.255.255.255", 5);
	outbox_flush(&r->box);
	assert_int_equal(r->failed, 3);
	assert_int_equal(r->err, -EACCES);
	assert_int_equal(take(r, 0), 1);
	assert_int_equal(take(r, 0), 4);
	assert_int_equal(take(r, 1), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_leave_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_leaves_before, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures_are_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
