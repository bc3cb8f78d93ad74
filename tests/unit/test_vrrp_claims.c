/* SPDX-License-Identifier: Apache-2.0 */
/* The filters of claims, on a kernel that has room for little. */
#include "vrrp/claims.h"

#include <errno.h>
#include <linux/filter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define ADDRESSES 1000
#define SOCKETS	  2

/* Instructions that each socket may have, the former filter's included while it is there. */
static struct {
	unsigned room;
	unsigned of[SOCKETS]; /* 0: it has none */
	int attach_err;
} kernel;

static int n_sockets;

int socket(int domain, int type, int protocol)
{
	return 100 + n_sockets++;
}

int bind(int fd, const struct sockaddr *address, socklen_t len)
{
	return 0;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	unsigned *has = &kernel.of[fd - 100];
	const struct sock_fprog *prog = value;

	if (level != SOL_SOCKET)
		return 0;
	if (name == SO_DETACH_FILTER) {
		errno = ENOENT;
		if (!*has || len < sizeof(int))
			return -1;
		*has = 0;
	}
	if (name != SO_ATTACH_FILTER)
		return 0;
	errno = kernel.attach_err ? kernel.attach_err : ENOMEM;
	if (kernel.attach_err || *has + prog->len > kernel.room)
		return -1;
	*has = prog->len;
	return 0;
}

static void on_heard(const struct claim *claim)
{
}

static struct claims open_claims(struct ev_loop *loop, unsigned room)
{
	struct claims c;

	memset(&kernel, 0, sizeof(kernel));
	kernel.room = room;
	n_sockets = 0;
	assert_int_equal(claims_open(&c, loop, on_heard), 0);
	ev_io_stop(loop, &c.on_arp); /* the sockets are none */
	ev_io_stop(loop, &c.on_na);
	return c;
}

static struct addr *addresses(void)
{
	static struct addr list[ADDRESSES];

	for (unsigned i = 0; i < ADDRESSES; i++)
		list[i] = addr_from_bytes(AF_INET, (uint8_t[]){10, 0, (uint8_t)(i >> 8),
							       (uint8_t)i});
	return list;
}

/* A reload takes the former filter's place, not twice the room. */
static void test_reload(void **state)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct claims c = open_claims(loop, 2500);

	for (int i = 0; i < 3; i++) {
		assert_int_equal(claims_want(&c, addresses(), ADDRESSES), 0);
		assert_int_equal(kernel.of[0], 2 * ADDRESSES + 2);
		assert_int_equal(kernel.of[1], 2);
	}
	ev_loop_destroy(loop);
}

/* They are heard even so: of all, and no longer of those that were wanted before. */
static void test_no_room(void **state)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct claims c = open_claims(loop, 1000);

	assert_int_equal(claims_want(&c, addresses(), 10), 0);
	assert_int_equal(kernel.of[0], 22);
	assert_int_equal(claims_want(&c, addresses(), ADDRESSES), 0);
	assert_int_equal(kernel.of[0], 0);
	ev_loop_destroy(loop);
}

static void test_refused(void **state)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct claims c = open_claims(loop, 1000);

	kernel.attach_err = EPERM;
	assert_int_equal(claims_want(&c, addresses(), 10), -EPERM);
	ev_loop_destroy(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
