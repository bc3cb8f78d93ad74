/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peer channel over real sockets: a table of COUNT connections sent whole, and then COUNT
 * changes as a stream of RATE a second. Either both ends on this machine, in a network namespace of
 * its own, by unicast on lo, or each end by itself, by multicast on an interface, where the other one
 * may be a tandem-sync whose key is 32 bytes of zero:
 *
 *	unshare -rn sh -c 'ip link set lo up; sync_channel 1000000 100000'
 *	sync_channel 1000000 100000 send eth0        and elsewhere        … receive eth0
 *
 * With an interface the sender waits between the two for a line on its standard input.
 */
#include "sync/roles.h"
#include "sync/transport.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUFFER (8 << 20)

struct end {
	struct sync_conf conf;
	struct sync_table table;
	struct sync_roles roles;
	struct sync_session *session;
	struct sync_transport *transport;
	int64_t synced_us;
};

static void on_event(void *ctx, const struct sync_event *event)
{
	struct end *e = ctx;

	if (event->kind == SYNC_EVENT_SYNCED)
		e->synced_us = clock_now_us();
}

static void on_random(void *ctx, void *bytes, size_t len)
{
	sync_random(bytes, len);
}

static const struct sync_session_ops ops = {.event = on_event, .random = on_random};

static void put(struct end *e, uint32_t n, uint16_t state)
{
	struct sync_record r = {
		.protocol = IPPROTO_TCP,
		.state = state,
		.timeout_s = 900,
		.client = addr_from_bytes(AF_INET, &n),
		.vip = addr_from_bytes(AF_INET, (uint8_t[]){10, 0, 0, 1}),
		.server = addr_from_bytes(AF_INET, (uint8_t[]){10, 0, 1, 1}),
		.client_port = 1024,
		.vip_port = 80,
		.server_port = 80,
	};
	uint8_t bytes[SYNC_RECORD_MAX];

	sync_session_put(e->session, clock_now_us(), bytes, sync_record_encode(&r, bytes));
}

static struct sync_link_conf link_of(unsigned node, const char *ifname, struct addr *there)
{
	struct sync_link_conf link = {.ifname = "", .port = SYNC_PORT, .buffer = BUFFER};

	*there = addr_from_bytes(AF_INET, (uint8_t[]){127, 0, 0, (uint8_t)(3 - node)});
	if (ifname) {
		link.ifname = ifname;
		link.group = addr_from_bytes(AF_INET, (uint8_t[]){224, 0, 0, 82});
	} else {
		link.source = addr_from_bytes(AF_INET, (uint8_t[]){127, 0, 0, (uint8_t)node});
		link.peers = there;
		link.n_peers = 1;
	}
	return link;
}

static void end_init(struct end *e, unsigned node, const char *ifname)
{
	static const uint8_t secret[32]; /* "key hex:00…" of who is met */
	struct addr there;
	struct sync_link_conf link = link_of(node, ifname, &there);
	struct text why = {""};
	int error;

	e->conf = (struct sync_conf){
		.node = ifname ? (uint64_t)getpid() << 32 | (uint32_t)clock_now_us() : node,
		.expected = 1,
		.n_psk = 1,
		.suite = sync_suite_preferred(),
		.frame_max = SYNC_FRAME_DEFAULT,
		.heartbeat_us = 100 * USEC_PER_MSEC,
		.batch_us = USEC_PER_MSEC,
	};
	sync_psk_from_secret(secret, sizeof(secret), &e->conf.psk[0]);
	sync_table_init(&e->table, e->conf.node, 12345, 10000000);
	sync_roles_init(&e->roles);
	e->session = sync_session_new(&e->conf, &e->table, &e->roles, &ops, e, clock_now_us());
	error = sync_transport_new(&link, 1, &e->transport, &why);
	if (!error)
		sync_transport_repair(e->transport, 0, &why);
	if (error || why.s[0]) {
		fprintf(stderr, "sync_channel: %s\n", why.s);
		exit(1);
	}
}

/* One turn of the loop, waiting at most so long. */
static void turn(struct end *e, int64_t wait_us)
{
	struct pollfd fd = {.fd = sync_transport_fd(e->transport, 0), .events = POLLIN};
	int64_t now_us = clock_now_us(), at_us = sync_session_deadline(e->session, now_us);

	if (at_us - now_us < wait_us)
		wait_us = at_us > now_us ? at_us - now_us : 0;
	poll(&fd, 1, (int)((wait_us + 999) / 1000));
	now_us = clock_now_us();
	sync_transport_receive(e->transport, 0, 64, e->session, now_us);
	sync_transport_send(e->transport, e->session, now_us, 64);
}

static int64_t cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * USEC_PER_SEC + u.ru_utime.tv_usec +
	       u.ru_stime.tv_usec;
}

static struct sync_peer_state peer_of(struct end *e)
{
	struct sync_peer_state p = {0};

	if (sync_session_peers(e->session))
		sync_session_peer(e->session, 0, clock_now_us(), &p);
	return p;
}

static void report(const char *what, struct end *e, uint32_t count, int64_t cpu, int64_t wall)
{
	const struct sync_session_counters *c = sync_session_counters(e->session);

	printf("%-8s %u connections, %.3f s, CPU %.2f us each, %zu bytes each, gaps %llu, "
	       "rewinds %llu, out %.1f MB\n",
	       what, count, (double)wall / 1e6, (double)cpu / count,
	       e->table.n ? e->table.bytes / e->table.n : 0, (unsigned long long)c->gaps,
	       (unsigned long long)c->rewinds, (double)c->bytes_out / 1e6);
	fflush(stdout);
}

/* Node 2: follows, and tells when it has all. */
static void run_receiver(uint32_t count, const char *ifname)
{
	static struct end e;
	int64_t t0, cpu;

	end_init(&e, 2, ifname);
	while (!peer_of(&e).following)
		turn(&e, USEC_PER_SEC);
	t0 = clock_now_us();
	cpu = cpu_us();
	while (!e.synced_us || e.table.n < count)
		turn(&e, USEC_PER_SEC);
	report("bulk <-", &e, count, cpu_us() - cpu, e.synced_us - t0);
	t0 = clock_now_us();
	cpu = cpu_us();
	while (peer_of(&e).version < 2 * (uint64_t)count)
		turn(&e, USEC_PER_SEC);
	report("stream <-", &e, count, cpu_us() - cpu, clock_now_us() - t0);
	for (int i = 0; i < 20; i++)
		turn(&e, 10000);
}

static void stream(struct end *e, uint32_t count, uint32_t rate)
{
	int64_t start_us = clock_now_us();

	for (uint32_t n = 0; n < count;) {
		uint32_t due = (uint32_t)((clock_now_us() - start_us) * rate / USEC_PER_SEC);

		for (; n < due && n < count; n++)
			put(e, n, 4);
		turn(e, 1000);
	}
}

/* Goes on with what is due until somebody says so. */
static void wait_for_line(struct end *e)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

	while (poll(&in, 1, 0) == 0)
		turn(e, 10 * USEC_PER_MSEC);
}

static void run_sender(uint32_t count, uint32_t rate, const char *ifname)
{
	static struct end e;
	int64_t t0, cpu;

	end_init(&e, 1, ifname);
	for (uint32_t n = 0; n < count; n++)
		put(&e, n, 1);
	while (!peer_of(&e).followed)
		turn(&e, USEC_PER_SEC);
	t0 = clock_now_us();
	cpu = cpu_us();
	while (peer_of(&e).acked < count)
		turn(&e, USEC_PER_SEC);
	report("bulk ->", &e, count, cpu_us() - cpu, clock_now_us() - t0);
	if (ifname)
		wait_for_line(&e);
	t0 = clock_now_us();
	cpu = cpu_us();
	stream(&e, count, rate);
	while (peer_of(&e).lag)
		turn(&e, USEC_PER_SEC);
	report("stream ->", &e, count, cpu_us() - cpu, clock_now_us() - t0);
}

int main(int argc, char **argv)
{
	uint32_t count = argc > 1 ? (uint32_t)atoi(argv[1]) : 100000;
	uint32_t rate = argc > 2 ? (uint32_t)atoi(argv[2]) : 50000;
	pid_t pid;

	if (argc > 4) {
		if (!strcmp(argv[3], "send"))
			run_sender(count, rate, argv[4]);
		else
			run_receiver(count, argv[4]);
		return 0;
	}
	pid = fork();
	if (pid == 0) {
		run_receiver(count, NULL);
		return 0;
	}
	run_sender(count, rate, NULL);
	waitpid(pid, NULL, 0);
	return 0;
}
