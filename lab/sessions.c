/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sessions: holds many TCP sessions open and tells how many live through what happens meanwhile.
 *
 * Each session says a line every period, as a user would who gets no answer: a director that has
 * never seen the session can only learn of it from the client. At SIGTERM every session speaks
 * once more, and gets -w milliseconds for all its answers: long enough for TCP's retransmissions
 * to find the new way. Then one JSON object is printed. A session ends as alive (all answered),
 * reset (an error or an end from the other side), or hung.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lab/traffic.h"

#define LINE_LEN       16
#define UNANSWERED_MAX (64 * LINE_LEN)

enum state { STATE_OPENING, STATE_OPEN, STATE_FAILED, STATE_RESET };
enum { TAG_TICK, TAG_STOP, TAG_SESSION };

struct session {
	int fd;
	enum state state;
	size_t missing;	 /* bytes that have not come back */
	int64_t said_us; /* when all before had come back */
	int64_t ended_us;
};

struct run {
	struct target target;
	int epfd, tick_fd;
	struct session *s;
	uint32_t n, turn;
	uint32_t pending; /* sessions still opening */
	int64_t longest_us, longest_at_us;
	bool ready, stopping;
};

static uint64_t tag(int kind, uint32_t index)
{
	return (uint64_t)kind << 32 | index;
}

static void session_end(struct run *r, struct session *s)
{
	if (s->state == STATE_OPENING)
		r->pending--;
	s->state = s->state == STATE_OPENING ? STATE_FAILED : STATE_RESET;
	s->ended_us = now_us();
	close(s->fd);
	s->fd = -1;
}

static void session_say(struct run *r, struct session *s)
{
	char line[LINE_LEN + 1];

	if (s->state != STATE_OPEN || s->missing > UNANSWERED_MAX)
		return;
	snprintf(line, sizeof(line), "session %7u\n", (unsigned int)(s - r->s));
	if (send(s->fd, line, LINE_LEN, MSG_NOSIGNAL) != LINE_LEN) {
		session_end(r, s);
		return;
	}
	if (!s->missing)
		s->said_us = now_us();
	s->missing += LINE_LEN;
}

static void session_hear(struct run *r, struct session *s)
{
	char buf[UNANSWERED_MAX];
	ssize_t n = recv(s->fd, buf, sizeof(buf), 0);
	int64_t wait_us;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || (size_t)n > s->missing) {
		session_end(r, s);
		return;
	}
	s->missing -= (size_t)n;
	wait_us = now_us() - s->said_us;
	if (!s->missing && wait_us > r->longest_us) {
		r->longest_us = wait_us;
		r->longest_at_us = s->said_us;
	}
}

static void session_open(struct run *r, uint32_t i)
{
	struct session *s = &r->s[i];
	int on = 1;

	s->fd = socket(r->target.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		die("socket: %m");
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	r->pending++;
	if (connect(s->fd, (struct sockaddr *)&r->target.sa, r->target.len) < 0 &&
	    errno != EINPROGRESS)
		session_end(r, s);
	else
		epoll_watch(r->epfd, s->fd, EPOLLOUT, tag(TAG_SESSION, i));
}

static void session_event(struct run *r, uint32_t i, uint32_t events)
{
	struct session *s = &r->s[i];

	if (s->state == STATE_OPENING && !(events & (EPOLLERR | EPOLLHUP))) {
		s->state = STATE_OPEN;
		r->pending--;
		epoll_watch(r->epfd, s->fd, EPOLLIN, tag(TAG_SESSION, i));
		session_say(r, s);
	} else if (s->state == STATE_OPENING || events & EPOLLERR) {
		session_end(r, s);
	} else if (s->state == STATE_OPEN) {
		session_hear(r, s);
	}
}

/* Sessions take turns, so that their lines are spread over the period. */
static void tick(struct run *r)
{
	uint64_t turns = tick_fd_read(r->tick_fd);

	if (turns > r->n)
		turns = r->n;
	for (; turns && !r->stopping; turns--)
		session_say(r, &r->s[r->turn++ % r->n]);
}

static bool all_answered(const struct run *r)
{
	uint32_t i;

	for (i = 0; i < r->n; i++)
		if (r->s[i].state == STATE_OPENING ||
		    (r->s[i].state == STATE_OPEN && r->s[i].missing))
			return false;
	return true;
}

static void stop(struct run *r)
{
	uint32_t i;

	if (r->stopping)
		return;
	r->stopping = true;
	for (i = 0; i < r->n; i++)
		session_say(r, &r->s[i]);
}

static void event_handle(struct run *r, const struct epoll_event *ev)
{
	switch (ev->data.u64 >> 32) {
	case TAG_TICK:
		tick(r);
		break;
	case TAG_STOP:
		stop(r);
		break;
	case TAG_SESSION:
		session_event(r, (uint32_t)ev->data.u64, ev->events);
		break;
	}
}

static void run(struct run *r, int64_t end_us, int64_t patience_us)
{
	struct epoll_event ev[64];
	int64_t now, deadline_us = INT64_MAX;
	int i, n;

	do {
		n = epoll_wait(r->epfd, ev, 64, 50);
		for (i = 0; i < n; i++)
			event_handle(r, &ev[i]);
		now = now_us();
		if (!r->ready && !r->pending) {
			r->ready = true;
			printf("ready\n");
			fflush(stdout);
		}
		if (now >= end_us)
			stop(r);
		if (r->stopping && deadline_us == INT64_MAX)
			deadline_us = now + patience_us;
	} while (now < deadline_us && !(r->stopping && all_answered(r)));
}

static void result_print(const struct run *r)
{
	unsigned int alive = 0, reset = 0, hung = 0, failed = 0;
	const char *comma = "";
	uint32_t i;

	printf("{\"resets_us\":[");
	for (i = 0; i < r->n; i++) {
		const struct session *s = &r->s[i];

		switch (s->state) {
		case STATE_OPENING:
		case STATE_FAILED:
			failed++;
			break;
		case STATE_OPEN:
			*(s->missing ? &hung : &alive) += 1;
			break;
		case STATE_RESET:
			reset++;
			printf("%s%lld", comma, (long long)s->ended_us);
			comma = ",";
			break;
		}
	}
	printf("],\"asked\":%u,\"alive\":%u,\"reset\":%u,\"hung\":%u,\"failed\":%u,"
	       "\"longest_wait_us\":%lld,\"longest_wait_at_us\":%lld}\n",
	       r->n, alive, reset, hung, failed, (long long)r->longest_us,
	       (long long)r->longest_at_us);
}

static void usage(void)
{
	fprintf(stderr, "usage: sessions -a ADDR -p PORT [-n SESSIONS] [-i PERIOD_MS] "
			"[-w PATIENCE_MS] [-t SEC]\n");
	exit(2);
}

static void descriptors_allow(uint32_t n)
{
	struct rlimit rl = {.rlim_cur = n + 64, .rlim_max = n + 64};

	if (n > 900 && setrlimit(RLIMIT_NOFILE, &rl) < 0)
		die("%u descriptors: %m", n);
}

int main(int argc, char **argv)
{
	struct run r = {.n = 200};
	const char *addr = NULL;
	uint16_t port = 0;
	long seconds = 600, period_ms = 1000, patience_ms = 15000;
	uint32_t i;
	int opt;

	while ((opt = getopt(argc, argv, "a:p:n:i:w:t:")) != -1) {
		switch (opt) {
		case 'a':
			addr = optarg;
			break;
		case 'p':
			port = (uint16_t)number_parse("-p", optarg, 1, 65535);
			break;
		case 'n':
			r.n = (uint32_t)number_parse("-n", optarg, 1, 100000);
			break;
		case 'i':
			period_ms = number_parse("-i", optarg, 10, 60000);
			break;
		case 'w':
			patience_ms = number_parse("-w", optarg, 1, 120000);
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

	target_parse(&r.target, addr, port);
	descriptors_allow(r.n);
	r.s = calloc(r.n, sizeof(*r.s));
	if (!r.s)
		die("out of memory");
	r.epfd = epoll_open();
	epoll_watch(r.epfd, stop_fd_open(), EPOLLIN | EPOLLET, tag(TAG_STOP, 0));
	r.tick_fd = tick_fd_open(period_ms * 1000 / r.n);
	epoll_watch(r.epfd, r.tick_fd, EPOLLIN, tag(TAG_TICK, 0));
	for (i = 0; i < r.n; i++)
		session_open(&r, i);
	run(&r, now_us() + seconds * 1000000, patience_ms * 1000);
	result_print(&r);
	free(r.s);
	return 0;
}
