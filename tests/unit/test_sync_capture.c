/* SPDX-License-Identifier: Apache-2.0 */
/* What one recvmmsg() has brought of the kernel's words: sync/capture.c. */
#include "sync/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

/* Records as ip_vs_sync_conn() writes them: client port, then the virtual address. */
#define RECORD(port, a, b, c, d)                                                                   \
	0, 6, 0, 36, 0, 0, 0, 0x83, 0, 1, 0x04, port, 0, 80, 0x1f, 0x90, 0, 0, 0, 0, 0, 0, 0x03,   \
		0x84, 192, 0, 2, 1, a, b, c, d, 10, 0, 0, 3
#define CLIENTS(port) RECORD(port, 198, 51, 100, 80)
#define OURS(port)    RECORD(port, 192, 0, 0, 8)
#define HEAD(syncid, size, n) 0, syncid, 0, size, n, 1, 0, 0

static const uint8_t two[] = {HEAD(84, 80, 2), CLIENTS(1), CLIENTS(2)};
static const uint8_t pushed[] = {HEAD(84, 80, 2), CLIENTS(3), OURS(4)};
static const uint8_t filled[] = {HEAD(84, 80, 2), OURS(5), CLIENTS(6)};
static const uint8_t foreign[] = {HEAD(7, 44, 1), CLIENTS(7)};
/* Two are announced. */
static const uint8_t half[] = {HEAD(84, 44, 2), CLIENTS(8)};

#define MESSAGES_MAX 4

static struct {
	struct mmsghdr messages[MESSAGES_MAX];
	struct iovec iov[MESSAGES_MAX];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(uint32_t))];
	} control[MESSAGES_MAX];
	unsigned n;
	char ports[16]; /* of the records that came out, in their order */
} world;

static void each(void *ctx, int64_t now_us, const uint8_t *record, size_t len)
{
	assert_ptr_equal(ctx, &world);
	assert_int_equal(now_us, 5);
	assert_int_equal(len, 36);
	world.ports[strlen(world.ports)] = (char)('0' + record[11]);
}

static void add(const uint8_t *bytes, size_t len)
{
	struct iovec *iov = &world.iov[world.n];

	*iov = (struct iovec){(void *)bytes, len};
	world.messages[world.n++] =
		(struct mmsghdr){.msg_hdr = {.msg_iov = iov, .msg_iovlen = 1}, .msg_len = (unsigned)len};
}

/* With how many the socket has dropped so far. */
static void add_after(const uint8_t *bytes, size_t len, int type, uint32_t dropped)
{
	struct msghdr *mh = &world.messages[world.n].msg_hdr;

	add(bytes, len);
	mh->msg_control = &world.control[world.n - 1];
	mh->msg_controllen = sizeof(world.control[0]);
	*CMSG_FIRSTHDR(mh) = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(dropped)),
					      .cmsg_level = SOL_SOCKET,
					      .cmsg_type = type};
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(mh)), &dropped, sizeof(dropped));
}

static const char *run(struct sync_capture *c)
{
	memset(world.ports, 0, sizeof(world.ports));
	sync_capture_batch(c, 5, world.messages, world.n, each, &world);
	world.n = 0;
	return world.ports;
}

static void test_records_come_out_in_order(void **state)
{
	struct sync_capture c = {0};

	add(two, sizeof(two));
	add(filled, sizeof(filled));
	assert_string_equal(run(&c), "126");
	assert_int_equal(c.records, 3);
	assert_int_equal(c.heard_us, 5);
	assert_int_equal(c.malformed, 0);
	assert_string_equal(run(&c), "");
}

/* A datagram that our own push has made full says nothing of what the kernel still holds. */
static void test_what_was_pushed_is_not_heard(void **state)
{
	struct sync_capture c = {0};

	add(pushed, sizeof(pushed));
	assert_string_equal(run(&c), "3");
	assert_int_equal(c.records, 1);
	assert_int_equal(c.heard_us, 0);
}

/* One that can't be used does not take the others of its batch with it. */
static void test_malformed_ones_are_counted(void **state)
{
	struct sync_capture c = {0};

	add(foreign, sizeof(foreign));
	add(two, sizeof(two) - 1); /* did not fit */
	add(half, sizeof(half));
	add(two, sizeof(two));
	assert_string_equal(run(&c), "812");
	assert_int_equal(c.malformed, 3);
	assert_int_equal(c.records, 3);
}

static void test_overflow(void **state)
{
	struct sync_capture c = {0};

	add_after(two, sizeof(two), SO_RXQ_OVFL, 3);
	add_after(two, sizeof(two), SO_RXQ_OVFL, 3);
	add(two, sizeof(two)); /* nothing is said while nothing is dropped */
	add_after(two, sizeof(two), SO_RXQ_OVFL, 5);
	run(&c);
	assert_int_equal(c.drops, 5);
	add_after(two, sizeof(two), SO_RXQ_OVFL, 6);
	add_after(two, sizeof(two), SO_TIMESTAMP, 99);
	/* Of one that can't be used, too. */
	add_after(foreign, sizeof(foreign), SO_RXQ_OVFL, 8);
	run(&c);
	assert_int_equal(c.drops, 8);
}

/* The socket's counter has 32 bits. */
static void test_overflow_goes_round(void **state)
{
	struct sync_capture c = {.overflow = UINT32_MAX - 1, .drops = UINT32_MAX - 1};

	add_after(two, sizeof(two), SO_RXQ_OVFL, 2);
	run(&c);
	assert_int_equal(c.drops, (uint64_t)UINT32_MAX + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_come_out_in_order),
		cmocka_unit_test(test_what_was_pushed_is_not_heard),
		cmocka_unit_test(test_malformed_ones_are_counted),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_overflow_goes_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
