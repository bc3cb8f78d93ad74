/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: asks a service a small question at a fixed pace and tells which were answered, so that an
 * interruption can be measured from the client's side.
 *
 * Three kinds of question: a UDP datagram that is echoed, a TCP handshake, an HTTP GET. Ends after
 * -t seconds or at SIGTERM, waits for late answers, and prints one JSON object. A gap is a run of
 * lost probes: it lasts from the last answered probe before it to the first answered one after it,
 * by the time they were sent. So a probe (or a whole machine) that was held up for a while, and
 * sent nothing, does not look like an interruption. Times are CLOCK_MONOTONIC.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lab/traffic.h"

#define UDP_SOCKETS 16 /* several source ports: every real server gets its share */

enum kind { KIND_UDP, KIND_TCP, KIND_HTTP };
enum { TAG_TICK, TAG_STOP, TAG_UDP, TAG_REQUEST };

struct question {
	int64_t sent_us;
	int32_t rtt_us; /* negative: no answer yet */
	int fd;
};

struct probe {
	enum kind kind;
	struct target target;
	int64_t interval_us;
	int64_t patience_us;
	int epfd, tick_fd;
	int udp[UDP_SOCKETS];
	struct question *q;
	size_t n, cap, oldest_open;
	size_t answered, refused;
	bool stopping;
};

static uint64_t tag(int kind, uint32_t index)
{
	return (uint64_t)kind << 32 | index;
}

static void answer_note(struct probe *p, size_t i)
{
	int64_t rtt_us;

	if (i >= p->n || p->q[i].rtt_us >= 0)
		return;
	rtt_us = now_us() - p->q[i].sent_us;
	if (rtt_us > p->patience_us)
		return;
	p->q[i].rtt_us = (int32_t)rtt_us;
	p->answered++;
}

/* ---- UDP */

static void udp_open(struct probe *p)
{
	int i, fd;

	for (i = 0; i < UDP_SOCKETS; i++) {
		fd = socket(p->target.sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0 || connect(fd, (struct sockaddr *)&p->target.sa, p->target.len) < 0)
			die("UDP socket: %m");
		epoll_watch(p->epfd, fd, EPOLLIN, tag(TAG_UDP, (uint32_t)i));
		p->udp[i] = fd;
	}
}

static void udp_send(struct probe *p, size_t i)
{
	uint64_t number = i;

	if (send(p->udp[i % UDP_SOCKETS], &number, sizeof(number), 0) < 0 && errno == ECONNREFUSED)
		p->refused++;
}

static void udp_receive(struct probe *p, int fd)
{
	uint64_t number;
	ssize_t n;

	while ((n = recv(fd, &number, sizeof(number), 0)) >= 0 || errno == ECONNREFUSED) {
		if (n < 0)
			p->refused++;
		else if (n == sizeof(number))
			answer_note(p, number);
	}
}

/* ---- TCP and HTTP: one connection a question */

static void request_close(struct probe *p, size_t i)
{
	struct linger reset = {.l_onoff = 1, .l_linger = 0};

	/* No TIME-WAIT: at this pace the ports would run out. */
	setsockopt(p->q[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(p->q[i].fd);
	p->q[i].fd = -1;
}

static void request_open(struct probe *p, size_t i)
{
	int fd = socket(p->target.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("TCP socket: %m");
	p->q[i].fd = fd;
	if (connect(fd, (struct sockaddr *)&p->target.sa, p->target.len) < 0 &&
	    errno != EINPROGRESS)
		request_close(p, i);
	else
		epoll_watch(p->epfd, fd, EPOLLOUT, tag(TAG_REQUEST, (uint32_t)i));
}

static void request_answered(struct probe *p, size_t i)
{
	answer_note(p, i);
	request_close(p, i);
}

static void request_refused(struct probe *p, size_t i)
{
	p->refused++;
	request_close(p, i);
}

static void request_step(struct probe *p, size_t i, uint32_t events)
{
	static const char get[] = "GET / HTTP/1.0\r\n\r\n";
	char buf[4096];
	ssize_t n;

	if (i >= p->n || p->q[i].fd < 0)
		return;
	if (events & EPOLLERR) {
		request_refused(p, i);
	} else if (events & EPOLLOUT && p->kind == KIND_TCP) {
		request_answered(p, i);
	} else if (events & EPOLLOUT) {
		if (send(p->q[i].fd, get, sizeof(get) - 1, MSG_NOSIGNAL) < 0)
			request_refused(p, i);
		else
			epoll_watch(p->epfd, p->q[i].fd, EPOLLIN, tag(TAG_REQUEST, (uint32_t)i));
	} else {
		n = recv(p->q[i].fd, buf, sizeof(buf), 0);
		if (n >= 12 && !memcmp(buf, "HTTP/1.", 7) && !memcmp(buf + 9, "200", 3))
			request_answered(p, i);
		else if (n >= 0 || errno != EAGAIN)
			request_refused(p, i);
	}
}

/* Give up what has waited too long, or descriptors would pile up in an interruption. */
static void requests_expire(struct probe *p, int64_t now)
{
	for (; p->oldest_open < p->n; p->oldest_open++) {
		struct question *q = &p->q[p->oldest_open];

		if (q->fd >= 0 && now - q->sent_us <= p->patience_us)
			return;
		if (q->fd >= 0)
			request_close(p, p->oldest_open);
	}
}

/* ---- the run */

static void question_ask(struct probe *p)
{
	size_t i = p->n;

	p->q = grow(p->q, &p->cap, i + 1, sizeof(*p->q));
	p->q[i] = (struct question){.sent_us = now_us(), .rtt_us = -1, .fd = -1};
	p->n++;
	if (p->kind == KIND_UDP) {
		udp_send(p, i);
	} else {
		requests_expire(p, p->q[i].sent_us);
		request_open(p, i);
	}
}

static void event_handle(struct probe *p, const struct epoll_event *ev)
{
	uint32_t index = (uint32_t)ev->data.u64;

	switch (ev->data.u64 >> 32) {
	case TAG_TICK:
		/* One question however many ticks were missed: a burst would measure nothing more.
		 */
		if (tick_fd_read(p->tick_fd) && !p->stopping)
			question_ask(p);
		break;
	case TAG_STOP:
		p->stopping = true;
		break;
	case TAG_UDP:
		udp_receive(p, p->udp[index]);
		break;
	case TAG_REQUEST:
		request_step(p, index, ev->events);
		break;
	}
}

/* Until told to stop or end_us; then as long as an answer may still count. */
static void run(struct probe *p, int64_t end_us)
{
	struct epoll_event ev[64];
	int64_t now = now_us(), deadline_us = INT64_MAX;

	while (now < deadline_us) {
		int i, n = epoll_wait(p->epfd, ev, 64, 50);

		for (i = 0; i < n; i++)
			event_handle(p, &ev[i]);
		now = now_us();
		if (now >= end_us)
			p->stopping = true;
		if (p->stopping && deadline_us == INT64_MAX)
			deadline_us = now + p->patience_us;
		if (p->stopping && p->answered == p->n)
			break;
	}
}

/* ---- the result */

static int rtt_compare(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static void rtt_print(const struct probe *p)
{
	int32_t *rtt = calloc(p->answered + 1, sizeof(*rtt));
	size_t i, n = 0, slowest = 0;

	if (!rtt)
		die("out of memory");
	for (i = 0; i < p->n; i++)
		if (p->q[i].rtt_us >= 0) {
			rtt[n++] = p->q[i].rtt_us;
			if (p->q[i].rtt_us > p->q[slowest].rtt_us)
				slowest = i;
		}
	qsort(rtt, n, sizeof(*rtt), rtt_compare);
	if (n)
		printf("\"rtt_p50_us\":%d,\"rtt_p99_us\":%d,\"rtt_max_us\":%d,"
		       "\"rtt_max_at_us\":%lld,",
		       rtt[n / 2], rtt[n * 99 / 100], rtt[n - 1], (long long)p->q[slowest].sent_us);
	free(rtt);
}

/* Prints the gaps and returns the longest. */
static int64_t gaps_print(const struct probe *p)
{
	int64_t longest_us = 0, from_us, to_us;
	size_t i, first;
	const char *comma = "";

	printf("\"gaps\":[");
	for (i = 0; i < p->n; i++) {
		if (p->q[i].rtt_us >= 0)
			continue;
		first = i;
		while (i < p->n && p->q[i].rtt_us < 0)
			i++;
		from_us = p->q[first ? first - 1 : 0].sent_us;
		to_us = p->q[i < p->n ? i : p->n - 1].sent_us;
		printf("%s{\"from_us\":%lld,\"to_us\":%lld,\"lost\":%zu}", comma,
		       (long long)from_us, (long long)to_us, i - first);
		comma = ",";
		if (to_us - from_us > longest_us)
			longest_us = to_us - from_us;
	}
	printf("],");
	return longest_us;
}

static void result_print(const struct probe *p)
{
	int64_t longest_us;

	printf("{\"sent\":%zu,\"answered\":%zu,\"lost\":%zu,\"refused\":%zu,", p->n, p->answered,
	       p->n - p->answered, p->refused);
	rtt_print(p);
	longest_us = gaps_print(p);
	printf("\"outage_us\":%lld,\"start_us\":%lld,\"end_us\":%lld}\n", (long long)longest_us,
	       (long long)(p->n ? p->q[0].sent_us : 0),
	       (long long)(p->n ? p->q[p->n - 1].sent_us : 0));
}

static void usage(void)
{
	fprintf(stderr, "usage: probe -a ADDR -p PORT [-m udp|tcp|http] [-i INTERVAL_US] "
			"[-w PATIENCE_MS] [-t SEC]\n");
	exit(2);
}

static enum kind kind_parse(const char *text)
{
	static const char *const names[] = {"udp", "tcp", "http"};
	int i;

	for (i = 0; i < 3; i++)
		if (!strcmp(text, names[i]))
			return (enum kind)i;
	usage();
	return KIND_UDP;
}

int main(int argc, char **argv)
{
	struct probe p = {.interval_us = 1000, .patience_us = 500000};
	const char *addr = NULL;
	uint16_t port = 0;
	long seconds = 600;
	int opt;

	while ((opt = getopt(argc, argv, "a:p:m:i:w:t:")) != -1) {
		switch (opt) {
		case 'a':
			addr = optarg;
			break;
		case 'p':
			port = (uint16_t)number_parse("-p", optarg, 1, 65535);
			break;
		case 'm':
			p.kind = kind_parse(optarg);
			break;
		case 'i':
			p.interval_us = number_parse("-i", optarg, 100, 10000000);
			break;
		case 'w':
			p.patience_us = number_parse("-w", optarg, 1, 60000) * 1000;
			break;
		case 't':
			seconds = number_parse("-t", optarg, 1, 86400);
			break;
		default:
			usage();
		}
	}
	if (!addr || !port || optind != argc)
		usage();

	target_parse(&p.target, addr, port);
	p.epfd = epoll_open();
	epoll_watch(p.epfd, stop_fd_open(), EPOLLIN | EPOLLET, tag(TAG_STOP, 0));
	if (p.kind == KIND_UDP)
		udp_open(&p);
	p.tick_fd = tick_fd_open(p.interval_us);
	epoll_watch(p.epfd, p.tick_fd, EPOLLIN, tag(TAG_TICK, 0));
	printf("ready\n");
	fflush(stdout);
	run(&p, now_us() + seconds * 1000000);
	result_print(&p);
	return 0;
}
