/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's words about IPVS and what is made of them: sync/proc_ip_vs.c, sync/audit.c. */
#include "sync/audit.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* As Linux 6.1 writes it. */
static const char *const services[] = {
	"IP Virtual Server version 1.2.1 (size=4096)",
	"Prot LocalAddress:Port Scheduler Flags",
	"  -> RemoteAddress:Port Forward Weight ActiveConn InActConn",
	"TCP  0A000064:1F40 rr  ",
	"  -> 0A00000C:1F40      Route   1      0          0         ",
	"  -> 0A00000B:1F40      Route   0      3          10        ",
	"UDP  [fd00:0000:0000:0000:0000:0000:0000:0100]:1F40 mh  mh-port",
	"  -> [fd00:0000:0000:0000:0000:0000:0000:0011]:1F40      Masq    1      0          0",
	"FWM  00000007 wlc persistent 300 FFFFFFFF",
	"  -> 0A00000B:0000      Tunnel  2      0          0         ",
	"TCP  0A000065:0000 rr persistent 300 FFFFFFFF",
	"  -> 0A00000D:0000      Route   1      0          0         ",
};

static struct proc_dests parse(void)
{
	struct proc_dests d = {0};

	for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++)
		assert_int_equal(proc_dests_line(&d, services[i]), 0);
	proc_dests_sort(&d);
	return d;
}

static struct sync_record connection(const char *vip, uint16_t vip_port, const char *server,
				     uint16_t server_port)
{
	struct sync_record r = {.protocol = IPPROTO_TCP,
				.state = 1,
				.timeout_s = 900,
				.client_port = 1234,
				.vip_port = vip_port,
				.server_port = server_port};

	addr_parse("10.0.0.50", &r.client);
	addr_parse(vip, &r.vip);
	addr_parse(server, &r.server);
	return r;
}

static const struct proc_dest *find(const struct proc_dests *d, const struct sync_record *r)
{
	uint8_t record[SYNC_RECORD_MAX];

	assert_true(sync_record_encode(r, record));
	return proc_dests_find(d, record);
}

static void test_dests(void **state)
{
	struct proc_dests d = parse();
	struct sync_record r = connection("10.0.0.100", 8000, "10.0.0.11", 8000);

	assert_int_equal(d.n, 5);
	assert_int_equal(d.connections, 13);
	assert_non_null(find(&d, &r));
	assert_int_equal(find(&d, &r)->weight, 0);
	r.server_port = 8001;
	assert_null(find(&d, &r));
	r = connection("10.0.0.100", 8000, "10.0.0.13", 8000);
	assert_null(find(&d, &r));
	r = connection("10.0.0.101", 443, "10.0.0.13", 443);
	assert_non_null(find(&d, &r));
	r = connection("192.0.2.1", 80, "10.0.0.11", 80);
	assert_null(find(&d, &r));
	r.fwmark = 7;
	assert_int_equal(find(&d, &r)->weight, 2);
	/* Somebody marks packets for a purpose of their own. */
	r = connection("10.0.0.100", 8000, "10.0.0.12", 8000);
	r.fwmark = 9;
	assert_int_equal(find(&d, &r)->weight, 1);
	proc_dests_done(&d);
}

static void test_new_dests(void **state)
{
	struct proc_dests now = parse(), before = {0}, fresh = {0};

	for (size_t i = 0; i < 5; i++)
		proc_dests_line(&before, services[i]);
	proc_dests_sort(&before);
	assert_int_equal(proc_dests_new(&now, &before, &fresh), 4);
	assert_int_equal(proc_dests_new(&now, &now, &fresh), 0);
	assert_int_equal(proc_dests_new(&before, &now, &fresh), 0);
	proc_dests_done(&now);
	proc_dests_done(&before);
	proc_dests_done(&fresh);
}

static void test_nonsense(void **state)
{
	static const char *const lines[] = {"", "TCP", "TCP  0A000064 rr", "  -> :", "  -> [:1F40 Route 1",
					    "FWM zz rr", "  -> 0A00000C:1F40", "XYZ 0A000064:1F40 rr",
					    "  -> 0A00000C:1F40 Route 1 0 0"};
	uint8_t record[SYNC_RECORD_MAX];
	struct proc_dests d = {0};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		assert_int_equal(proc_dests_line(&d, lines[i]), 0);
		assert_int_equal(proc_conn_parse(lines[i], record), 0);
	}
	assert_int_equal(d.n, 0);
	proc_dests_done(&d);
	assert_int_equal(proc_conn_parse("Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       "
					 "Expires PEName PEData",
					 record),
			 0);
}

static void test_connections(void **state)
{
	uint8_t want[SYNC_RECORD_MAX], got[SYNC_RECORD_MAX];
	struct sync_record r = connection("10.0.0.100", 8000, "10.0.0.11", 8000);

	assert_true(sync_record_encode(&r, want));
	assert_true(proc_conn_parse(
		"TCP 0A000032 04D2 0A000064 1F40 0A00000B 1F40 ESTABLISHED     893", got));
	assert_true(sync_record_same(want, got));
	assert_true(proc_conn_parse(
		"UDP 0A000032 04D2 0A000064 1F40 0A00000B 1F40 UDP             893", got));
	assert_false(sync_record_same(want, got));

	r.client_port = 0;
	r.flags = SYNC_FLAG_TEMPLATE;
	assert_true(sync_record_encode(&r, want));
	assert_true(proc_conn_parse("TCP 0A000032 0000 0A000064 1F40 0A00000B 1F40 ASSURED  50", got));
	assert_true(sync_record_same(want, got));

	addr_parse("fd00::50", &r.client);
	addr_parse("fd00::100", &r.vip);
	addr_parse("fd00::11", &r.server);
	assert_true(sync_record_encode(&r, want));
	assert_true(proc_conn_parse("TCP fd00:0000:0000:0000:0000:0000:0000:0050 0000 "
				    "fd00:0000:0000:0000:0000:0000:0000:0100 1F40 "
				    "fd00:0000:0000:0000:0000:0000:0000:0011 1F40 NONE  50",
				    got));
	assert_true(sync_record_same(want, got));
}

/* One entry, and what is thought of it when the kernel's list has not had it for some passes. */
static enum sync_audit_verdict judge(const struct sync_record *r, unsigned passes, uint32_t now_s)
{
	struct proc_dests dests = parse();
	uint8_t record[SYNC_RECORD_MAX];
	size_t len = sync_record_encode(r, record);
	enum sync_audit_verdict verdict;
	struct sync_table t;

	assert_int_equal(sync_table_init(&t, 1, 1, 100), 0);
	assert_int_equal(sync_table_put(&t, record, len, SYNC_OWNER_PEER, 1, 1000), 1);
	t.pass += passes;
	verdict = sync_audit_judge(&t, sync_table_newest(&t), &dests, 2, now_s);
	sync_table_done(&t);
	proc_dests_done(&dests);
	return verdict;
}

static void test_judgement(void **state)
{
	struct sync_record r = connection("10.0.0.100", 8000, "10.0.0.11", 8000);

	assert_int_equal(judge(&r, 0, 1100), SYNC_AUDIT_SEEN);
	assert_int_equal(judge(&r, 1, 1100), SYNC_AUDIT_UNSEEN);
	assert_int_equal(judge(&r, 2, 1100), SYNC_AUDIT_LOST);
	assert_int_equal(judge(&r, 2, 1899), SYNC_AUDIT_LOST);
	assert_int_equal(judge(&r, 2, 1900), SYNC_AUDIT_ENDED);
	r.client_port = 0;
	r.flags = SYNC_FLAG_TEMPLATE; /* its server takes no more connections */
	assert_int_equal(judge(&r, 2, 1100), SYNC_AUDIT_ENDED);
	r = connection("10.0.0.100", 8000, "10.0.0.77", 8000);
	assert_int_equal(judge(&r, 2, 1100), SYNC_AUDIT_ENDED);
}

/* What a line of the list becomes when nobody has told of it. */
static void test_found(void **state)
{
	struct proc_dests dests = parse();
	uint8_t record[SYNC_RECORD_MAX];
	struct sync_record r;

	assert_true(proc_conn_parse(
		"TCP 0A000032 04D2 0A000064 1F40 0A00000B 1F40 ESTABLISHED     893", record));
	assert_true(sync_audit_complete(&dests, record));
	sync_record_decode(record, &r);
	assert_int_equal(r.state, SYNC_STATE_ESTABLISHED);
	assert_int_equal(r.flags, 3);
	assert_int_equal(r.timeout_s, 893);
	assert_int_equal(r.server_port, 8000);
	assert_true(proc_conn_parse(
		"TCP 0A000032 04D2 0A000064 1F40 0A00000B 1F40 FIN_WAIT     93", record));
	assert_true(sync_audit_complete(&dests, record));
	sync_record_decode(record, &r);
	assert_int_equal(r.flags, 3 | SYNC_FLAG_INACTIVE);
	assert_true(proc_conn_parse(
		"TCP 0A000032 04D2 0A000064 1F40 0A00000B 1F40 SYN_RECV     53", record));
	assert_false(sync_audit_complete(&dests, record));
	assert_true(proc_conn_parse(
		"TCP 0A000032 04D2 0A000064 1F40 0A0000FF 1F40 ESTABLISHED     893", record));
	assert_false(sync_audit_complete(&dests, record));
	proc_dests_done(&dests);
}

static void adopt_nothing(void *ctx, const uint8_t *record, size_t len)
{
}

/* When the list is read: soon after the start, when somebody has reason to, and again until all is
 * sure. */
static void test_when(void **state)
{
	struct sync_audit a;
	struct sync_table t;

	assert_int_equal(sync_table_init(&t, 1, 1, 100), 0);
	sync_audit_open(&a, &t, 0, adopt_nothing, NULL);
	a.look_us = USEC_PER_SEC;
	assert_int_equal(a.pass_us, SYNC_AUDIT_FIRST_US);
	assert_int_equal(sync_audit_hurry(&a, 2 * SYNC_AUDIT_FIRST_US), USEC_PER_SEC);
	assert_int_equal(a.pass_us, SYNC_AUDIT_FIRST_US);
	assert_int_equal(sync_audit_hurry(&a, 500), 500);
	assert_int_equal(a.pass_us, 500);
	a.phase = SYNC_AUDIT_READING;
	assert_int_equal(sync_audit_hurry(&a, 600), USEC_NEVER);
	assert_int_equal(sync_audit_pause_us(&a), 3 * USEC_PER_SEC);
	a.again = false;
	assert_int_equal(sync_audit_pause_us(&a), 30 * USEC_PER_SEC);
	a.adopted = 1;
	assert_int_equal(sync_audit_pause_us(&a), 3 * USEC_PER_SEC);
	sync_audit_close(&a, &t);
	sync_table_done(&t);
}

/* A busy machine makes one read dear; a long list all that follow. */
static void test_too_dear(void **state)
{
	struct sync_audit a = {.counters.passes = 1};

	assert_false(sync_audit_is_too_dear(&a, USEC_PER_SEC));
	assert_false(sync_audit_is_too_dear(&a, USEC_PER_SEC));
	assert_false(sync_audit_is_too_dear(&a, USEC_PER_MSEC));
	assert_false(sync_audit_is_too_dear(&a, USEC_PER_SEC));
	assert_false(sync_audit_is_too_dear(&a, 21 * USEC_PER_MSEC));
	assert_true(sync_audit_is_too_dear(&a, 22 * USEC_PER_MSEC));
	/* The first pass is worth more, up to two seconds in all. */
	a = (struct sync_audit){0};
	for (int i = 0; i < 20; i++)
		assert_false(sync_audit_is_too_dear(&a, 100 * USEC_PER_MSEC));
	assert_true(sync_audit_is_too_dear(&a, 1));
	a = (struct sync_audit){0};
	for (int i = 0; i < 2; i++)
		assert_false(sync_audit_is_too_dear(&a, 300 * USEC_PER_MSEC));
	assert_true(sync_audit_is_too_dear(&a, 300 * USEC_PER_MSEC));
}

static void test_given_again(void **state)
{
	struct sync_record r = connection("10.0.0.100", 8000, "10.0.0.11", 8000);
	uint8_t record[SYNC_RECORD_MAX];
	size_t len = sync_record_encode(&r, record);
	struct sync_entry *e;
	struct sync_table t;

	assert_int_equal(sync_table_init(&t, 1, 1, 100), 0);
	sync_table_put(&t, record, len, SYNC_OWNER_OWN, 1, 1000);
	t.pass = 2;
	e = sync_table_newest(&t);
	sync_table_give_again(&t, e);
	assert_true(e->lost);
	assert_int_equal(e->version, 2);
	assert_int_equal(e->pass, 2);
	sync_table_put(&t, record, len, SYNC_OWNER_OWN, 1, 1000);
	assert_false(sync_table_newest(&t)->lost);
	sync_table_done(&t);
}

/* It was away for so short a time that no look at /proc/net/ip_vs has missed it. */
static void test_server_added(void **state)
{
	struct sync_record here = connection("10.0.0.100", 8000, "10.0.0.11", 8000);
	struct sync_record other = connection("10.0.0.100", 8000, "10.0.0.12", 8000);
	struct proc_dest dest = {.protocol = IPPROTO_TCP, .vip_port = 8000, .port = 8000};
	uint8_t record[SYNC_RECORD_MAX];
	struct sync_table t;
	struct sync_audit a;

	addr_parse("10.0.0.100", &dest.vip);
	addr_parse("10.0.0.11", &dest.address);
	assert_int_equal(sync_table_init(&t, 1, 1, 100), 0);
	sync_audit_open(&a, &t, 0, NULL, NULL);
	sync_table_put(&t, record, sync_record_encode(&here, record), SYNC_OWNER_PEER, 1, 0);
	other.client_port++;
	sync_table_put(&t, record, sync_record_encode(&other, record), SYNC_OWNER_PEER, 1, 0);
	assert_int_equal(sync_audit_server_added(&a, &dest), 0);
	for (int i = 0; i < 3; i++)
		sync_audit_step(&a, &t, 1, 0);
	assert_int_equal(a.counters.rebound, 1);
	assert_int_equal(t.version, 3);
	assert_true(sync_table_newest(&t)->lost);
	sync_audit_close(&a, &t);
	sync_table_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dests),	    cmocka_unit_test(test_new_dests),
		cmocka_unit_test(test_nonsense),    cmocka_unit_test(test_connections),
		cmocka_unit_test(test_judgement),   cmocka_unit_test(test_when),
		cmocka_unit_test(test_given_again), cmocka_unit_test(test_found),
		cmocka_unit_test(test_too_dear),    cmocka_unit_test(test_server_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
