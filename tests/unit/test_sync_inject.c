/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's backup thread is given, and given again: sync/inject.c, with a thread whose
 * socket shows what the test wants. */
#include "sync/inject.h"

#include "sync/record.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS	     USEC_PER_MSEC
#define PER_DATAGRAM 255

static struct {
	struct sync_table table;
	struct sync_inject in;
	struct sync_sink sink;
	unsigned datagrams, looks;
	/* What the last run() has sent. */
	unsigned n;
	uint16_t ports[8];
	uint16_t states[8];
} world;

static void on_send(void *ctx, const uint8_t *bytes, size_t len)
{
	struct sync_datagram d;
	const uint8_t *at;
	struct sync_record r;

	assert_ptr_equal(ctx, &world);
	assert_int_equal(sync_datagram_open(bytes, len, &d), 0);
	assert_int_equal(d.syncid, 84);
	world.datagrams++;
	while (sync_datagram_next(&d, &at, &len) > 0) {
		sync_record_decode(at, &r);
		if (world.n < 8) {
			world.ports[world.n] = r.client_port;
			world.states[world.n] = r.state;
		}
		world.n++;
	}
}

static struct sync_sink on_look(void *ctx)
{
	world.looks++;
	return world.sink;
}

static int setup(void **state)
{
	const struct sync_inject_port port = {.send = on_send, .look = on_look, .ctx = &world};

	memset(&world, 0, sizeof(world));
	assert_int_equal(sync_table_init(&world.table, 42, 7, 100000), 0);
	sync_inject_open(&world.in, &world.table, &port);
	world.sink.inode = 77;
	return 0;
}

static int teardown(void **state)
{
	sync_inject_close(&world.in, &world.table);
	sync_table_done(&world.table);
	return 0;
}

static struct sync_entry *put_state(uint16_t port, enum sync_owner owner, uint16_t state,
				    uint32_t flags)
{
	struct sync_record r = {
		.protocol = IPPROTO_TCP,
		.state = state,
		.flags = flags,
		.timeout_s = 900,
		.client = addr_from_bytes(AF_INET, (uint8_t[]){192, 0, 2, 1}),
		.vip = addr_from_bytes(AF_INET, (uint8_t[]){198, 51, 100, 80}),
		.server = addr_from_bytes(AF_INET, (uint8_t[]){10, 0, 0, 3}),
		.client_port = port,
		.vip_port = 80,
	};
	uint8_t bytes[SYNC_RECORD_MAX];
	size_t len = sync_record_encode(&r, bytes);

	assert_true(sync_table_put(&world.table, bytes, len, owner, 0, 0) >= 0);
	return sync_table_newest(&world.table);
}

static struct sync_entry *put(uint16_t port, enum sync_owner owner)
{
	return put_state(port, owner, SYNC_STATE_ESTABLISHED, 3);
}

/* How many records it has sent. */
static unsigned run(int64_t now_us)
{
	world.n = world.datagrams = 0;
	sync_inject_run(&world.in, &world.table, now_us);
	return world.n;
}

static void echo(unsigned n)
{
	for (unsigned i = 1; i <= n; i++)
		assert_int_equal(sync_inject_echo(&world.in), i == n);
}

static void test_given_once(void **state)
{
	assert_int_equal(sync_inject_deadline(&world.in, &world.table), USEC_NEVER);
	put(1, SYNC_OWNER_PEER);
	put(2, SYNC_OWNER_HEARSAY);
	assert_int_equal(run(1000 * MS), 2);
	assert_int_equal(world.ports[0], 1);
	assert_int_equal(world.ports[1], 2);
	assert_int_equal(sync_inject_version(&world.in), 0); /* nobody knows yet */
	assert_int_equal(world.table.given, 0);
	assert_int_equal(run(1001 * MS), 0); /* it is on its way */
	echo(1);
	/* What comes meanwhile has a pause to come in. */
	put(3, SYNC_OWNER_PEER);
	assert_int_equal(run(1001 * MS), 0);
	assert_int_equal(world.in.records, 2);
	assert_int_equal(sync_inject_version(&world.in), 2);
	assert_int_equal(world.table.given, 2);
	assert_int_equal(sync_inject_deadline(&world.in, &world.table), 1005 * MS);
	assert_int_equal(run(1005 * MS), 1);
	echo(1);
	assert_int_equal(run(1010 * MS), 0);
	assert_int_equal(sync_inject_deadline(&world.in, &world.table), USEC_NEVER);
	assert_int_equal(world.in.repeats, 0);
}

/* What our kernel knows better, and what is no connection. */
static void test_not_for_the_kernel(void **state)
{
	const struct sync_note note = {.topic = 1, .id = 2, .value = (const uint8_t *)"9", .len = 1};

	put(1, SYNC_OWNER_OWN);
	put(2, SYNC_OWNER_PEER)->not_for_kernel = true;
	assert_int_equal(sync_note_put(&world.table, &note, 0), 0);
	assert_int_equal(run(1000 * MS), 0);
	assert_int_equal(sync_inject_version(&world.in), world.table.version);
	assert_int_equal(world.looks, 0);
	put(3, SYNC_OWNER_OWN)->lost = true;
	assert_int_equal(run(1000 * MS), 1);
	assert_int_equal(world.ports[0], 3);
}

/* The thread's socket had no room; the echo tells that nothing is on its way any more. */
static void test_dropped_is_given_again(void **state)
{
	put(1, SYNC_OWNER_PEER);
	run(1000 * MS);
	echo(1);
	world.sink.drops = 1;
	run(1001 * MS);
	assert_int_equal(world.in.drops, 1);
	assert_int_equal(world.in.repeats, 1);
	assert_int_equal(world.in.records, 0);
	assert_int_equal(run(1005 * MS), 1);
	echo(1);
	run(1006 * MS);
	assert_int_equal(world.in.records, 1);
	assert_int_equal(world.in.drops, 1);
}

/* Our own socket may lose as well: then nothing is known of the thread's. */
static void test_no_echo(void **state)
{
	put(1, SYNC_OWNER_PEER);
	run(1000 * MS);
	assert_int_equal(sync_inject_deadline(&world.in, &world.table), 1200 * MS);
	assert_int_equal(run(1199 * MS), 0);
	assert_int_equal(world.in.repeats, 0);
	assert_int_equal(run(1200 * MS), 1);
	assert_int_equal(world.in.repeats, 1);
	echo(1);
	run(1201 * MS);
	assert_int_equal(world.in.records, 1);
}

static void test_behind(void **state)
{
	put(1, SYNC_OWNER_PEER);
	run(1000 * MS);
	echo(1);
	world.sink.queued = 4096;
	run(1001 * MS);
	assert_int_equal(world.in.records, 0);
	assert_int_equal(sync_inject_deadline(&world.in, &world.table), 1003 * MS);
	world.sink.queued = 0;
	run(1003 * MS);
	assert_int_equal(world.in.records, 1);
	assert_int_equal(world.in.repeats, 0);
}

static void test_no_thread(void **state)
{
	world.sink.inode = 0;
	put(1, SYNC_OWNER_PEER);
	assert_int_equal(run(1000 * MS), 0);
	assert_int_equal(sync_inject_deadline(&world.in, &world.table), 1200 * MS);
	world.sink.inode = 77;
	assert_int_equal(run(1199 * MS), 0);
	assert_int_equal(run(1200 * MS), 1);
}

/* What the one that is gone has dropped, and the other before us, is not of this burst. */
static void test_another_thread(void **state)
{
	put(1, SYNC_OWNER_PEER);
	run(1000 * MS);
	echo(1);
	world.sink = (struct sync_sink){.inode = 78, .drops = 1000};
	run(1001 * MS);
	assert_int_equal(world.in.repeats, 1);
	assert_int_equal(world.in.drops, 0);
	assert_int_equal(run(1005 * MS), 1);
	echo(1);
	run(1006 * MS);
	assert_int_equal(world.in.records, 1);
	assert_int_equal(world.in.drops, 0);
}

/* No more than a burst at a time; the next one follows as soon as it is known to be in. */
static void test_many(void **state)
{
	for (unsigned i = 0; i < SYNC_BURST * PER_DATAGRAM + 1; i++)
		put((uint16_t)i, SYNC_OWNER_PEER);
	assert_int_equal(run(1000 * MS), SYNC_BURST * PER_DATAGRAM);
	assert_int_equal(world.datagrams, SYNC_BURST);
	echo(SYNC_BURST);
	assert_int_equal(run(1000 * MS), 1);
	assert_int_equal(world.ports[0], SYNC_BURST * PER_DATAGRAM);
	assert_int_equal(sync_inject_version(&world.in), SYNC_BURST * PER_DATAGRAM);
	/* Only the burst that was lost is given again. */
	world.sink.drops = 1;
	echo(1);
	run(1001 * MS);
	assert_int_equal(run(1005 * MS), 1);
}

/* The kernel replaces a connection to another server by one that lives only. */
static void test_moved(void **state)
{
	put_state(1, SYNC_OWNER_PEER, SYNC_STATE_CLOSE_WAIT, 3 | SYNC_FLAG_INACTIVE); /* new is moved */
	put_state(2, SYNC_OWNER_PEER, SYNC_STATE_CLOSE_WAIT, 3 | SYNC_FLAG_INACTIVE)->moved = false;
	put(3, SYNC_OWNER_PEER);
	assert_int_equal(run(1000 * MS), 4);
	assert_int_equal(world.ports[0], 1);
	assert_int_equal(world.states[0], SYNC_STATE_ESTABLISHED);
	assert_int_equal(world.ports[1], 1);
	assert_int_equal(world.states[1], SYNC_STATE_CLOSE_WAIT);
	assert_int_equal(world.ports[2], 2);
	assert_int_equal(world.ports[3], 3);
}

/* Lines of Linux 6.1's /proc/net/udp. */
static void test_the_sink_is_found(void **state)
{
	static const char head[] = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
				   "retrnsmt   uid  timeout inode ref pointer drops             ",
			  other[] = "  347: 540000E0:2292 00000000:0000 07 00000000:00000000 00:00000000 "
				    "00000000     0        0 4711 2 0000000062a3c880 9           ",
			  sink[] = "  348: 550000E0:2293 00000000:0000 07 00000000:00001F00 00:00000000 "
				   "00000000     0        0 4712 2 0000000062a3cb40 5           ";
	struct sync_sink s;

	assert_false(sync_sink_read(head, 1, &s));
	assert_false(sync_sink_read(other, 1, &s));
	assert_false(sync_sink_read(sink, 4712, &s));
	assert_true(sync_sink_read(sink, 1, &s));
	assert_int_equal(s.inode, 4712);
	assert_int_equal(s.queued, 0x1f00);
	assert_int_equal(s.drops, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_given_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_for_the_kernel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dropped_is_given_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_echo, setup, teardown),
		cmocka_unit_test_setup_teardown(test_behind, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moved, setup, teardown),
		cmocka_unit_test(test_the_sink_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
