/* SPDX-License-Identifier: Apache-2.0 */
/* The announcer's queue: every frame once a round, in order, whatever the kernel takes of it. */
#include "vrrp/announce.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define ADDRESSES 200
#define ROUNDS	  3
#define SENT_MAX  1024

/* A network that takes at most `room` frames a call, and answers calls as it is told. */
static struct {
	unsigned room;
	unsigned calls;
	unsigned refuse_from, refuse_to; /* calls that get `err` */
	int err;
	unsigned n;
	uint8_t sent[SENT_MAX];	  /* the last byte of the address */
	unsigned call[SENT_MAX];  /* by which it went */
} net;

int socket(int domain, int type, int protocol)
{
	return 99;
}

int sendmmsg(int fd, struct mmsghdr *list, unsigned n, int flags)
{
	unsigned call = net.calls++;

	assert_int_equal(fd, 99);
	if (call >= net.refuse_from && call < net.refuse_to) {
		errno = net.err;
		return -1;
	}
	if (n > net.room)
		n = net.room;
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *frame = list[i].msg_hdr.msg_iov->iov_base;

		assert_true(net.n < SENT_MAX);
		net.call[net.n] = call;
		net.sent[net.n++] = frame[31]; /* of the sender's address */
	}
	return (int)n;
}

struct rig {
	struct ev_loop *loop;
	struct announcer announcer;
	struct announcement list[ADDRESSES];
};

static int setup(void **state)
{
	static struct rig r;

	memset(&net, 0, sizeof(net));
	net.room = SENT_MAX;
	r.loop = ev_loop_new(EVFLAG_AUTO);
	announcer_open(&r.announcer, r.loop);
	for (int i = 0; i < ADDRESSES; i++) {
		uint8_t bytes[] = {192, 0, 2, (uint8_t)i};

		r.list[i] = (struct announcement){.index = 1,
						  .address = addr_from_bytes(AF_INET, bytes)};
	}
	*state = &r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < ADDRESSES; i++)
		announcer_cancel(&r->announcer, 1, &r->list[i].address);
	ev_run(r->loop, 0);
	assert_null(r->announcer.lanes);
	ev_loop_destroy(r->loop);
	return 0;
}

static void run(struct rig *r)
{
	ev_run(r->loop, 0); /* ends when no timer is left */
}

static void assert_all_sent(void)
{
	assert_int_equal(net.n, ADDRESSES * ROUNDS);
	for (unsigned i = 0; i < net.n; i++)
		assert_int_equal(net.sent[i], i % ADDRESSES);
}

static void test_rounds(void **state)
{
	struct rig *r = *state;

	announcer_send(&r->announcer, r->list, ADDRESSES, ROUNDS);
	assert_true(net.n > 1); /* at once */
	assert_int_equal(net.calls, 1);
	run(r);
	assert_all_sent();
	assert_true(net.calls < 8);
}

static void test_kernel_takes_some(void **state)
{
	struct rig *r = *state;

	net.room = 7;
	announcer_send(&r->announcer, r->list, ADDRESSES, ROUNDS);
	run(r);
	assert_all_sent();
}

/* What does not fit now fits later; nothing is lost or repeated. */
static void test_no_room(void **state)
{
	struct rig *r = *state;

	net.refuse_from = 1;
	net.refuse_to = 4;
	net.err = ENOBUFS;
	announcer_send(&r->announcer, r->list, ADDRESSES, ROUNDS);
	run(r);
	assert_all_sent();
	assert_int_equal(r->announcer.errors, 0);
}

static void test_refused_is_passed_over(void **state)
{
	struct rig *r = *state;

	net.refuse_to = 1;
	net.err = ENXIO;
	announcer_send(&r->announcer, r->list, ADDRESSES, 1);
	run(r);
	assert_int_equal(r->announcer.errors, 1);
	assert_int_equal(net.n, ADDRESSES - 1);
	assert_int_equal(net.sent[0], 1);
}

static void test_never_any_room(void **state)
{
	struct rig *r = *state;

	net.refuse_to = UINT32_MAX;
	net.err = EAGAIN;
	announcer_send(&r->announcer, r->list, 2, 1);
	run(r);
	assert_int_equal(net.n, 0);
	assert_int_equal(r->announcer.errors, 2);
}

static void test_interval(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < 3; i++) {
		r->list[i].interval_us = 1000;
		r->list[i].pace = 1;
	}
	announcer_send(&r->announcer, r->list, 3, 2);
	assert_int_equal(net.n, 1);
	/* Another one of this pace waits its turn, and the pause holds for it, too. */
	r->list[3].interval_us = 0;
	r->list[3].pace = 1;
	announcer_send(&r->announcer, &r->list[3], 1, 1);
	assert_int_equal(net.n, 1);
	run(r);
	assert_int_equal(net.n, 7);
	for (unsigned i = 0; i < net.n; i++) {
		assert_int_equal(net.sent[i], i == 6 ? 3 : i % 3);
		assert_int_equal(net.call[i], i);
	}
}

/* Two interfaces that share a pace, one that has its own, and one that has none. */
static void test_paces(void **state)
{
	struct rig *r = *state;
	const uint32_t paces[] = {1, 1, 2, 0};

	for (int i = 0; i < 4; i++) {
		r->list[i].pace = paces[i];
		r->list[i].interval_us = paces[i] ? 1000 : 0;
	}
	announcer_send(&r->announcer, r->list, 4, 1);
	assert_int_equal(net.n, 3);
	assert_memory_equal(net.sent, ((uint8_t[]){0, 2, 3}), 3);
	run(r);
	assert_int_equal(net.n, 4);
	assert_int_equal(net.sent[3], 1);
}

/* The pause after the last one holds for what comes later. */
static void test_pause_outlives_the_queue(void **state)
{
	struct rig *r = *state;

	r->list[0].interval_us = r->list[1].interval_us = 1000;
	announcer_send(&r->announcer, r->list, 1, 1);
	announcer_send(&r->announcer, &r->list[1], 1, 1);
	assert_int_equal(net.n, 1);
	run(r);
	assert_int_equal(net.n, 2);
}

static void test_cancel(void **state)
{
	struct rig *r = *state;

	net.room = 1;
	announcer_send(&r->announcer, r->list, 3, 2);
	assert_int_equal(net.n, 1);
	announcer_cancel(&r->announcer, 1, &r->list[1].address);
	announcer_cancel(&r->announcer, 2, &r->list[2].address); /* of another interface */
	run(r);
	assert_int_equal(net.n, 4);
	assert_memory_equal(net.sent, ((uint8_t[]){0, 2, 0, 2}), 4);
}

/* Asked for faster than its pace allows: nothing waits twice, nothing is passed over for ever. */
static void test_faster_than_its_pace(void **state)
{
	struct rig *r = *state;
	unsigned seen[3] = {0};

	for (int i = 0; i < 3; i++) {
		r->list[i].interval_us = 1000;
		r->list[i].pace = 1;
	}
	assert_int_equal(announcer_send(&r->announcer, r->list, 3, 2), 6);
	/* The first is out, and waits once more; so do the others, twice. */
	for (int i = 0; i < 100; i++)
		assert_int_equal(announcer_send(&r->announcer, r->list, 3, 1), 0);
	run(r);
	assert_int_equal(net.n, 6);
	for (int i = 0; i < 3; i++)
		announcer_send(&r->announcer, r->list, 3, 1);
	/* Only the first has left its place. */
	run(r);
	assert_int_equal(net.n, 10);
	for (unsigned i = 6; i < net.n; i++)
		seen[net.sent[i]]++;
	assert_memory_equal(seen, ((unsigned[]){2, 1, 1}), sizeof(seen));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kernel_takes_some, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_is_passed_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_any_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interval, setup, teardown),
		cmocka_unit_test_setup_teardown(test_paces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pause_outlives_the_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(test_faster_than_its_pace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
