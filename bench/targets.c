/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The servers of bench/run checks: one process that accepts at every address of a net, says an HTTP
 * answer or nothing, and notes when each address was asked. A line on stdin, "mark", begins a
 * window; "tell" prints it: the number of checks, of addresses, and by how much the interval between
 * two checks of an address was longer than the given one (median, p99, most, in microseconds).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ADDRESSES (1 << 18) /* by the last bits of the address */
#define LATE_MAX  (1 << 20)
#define EVENTS	  256

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";

static int64_t last_us[ADDRESSES];
static bool seen[ADDRESSES];
static uint32_t late[LATE_MAX];
static size_t n_late, n_checks, n_seen;
static int64_t interval_us;
static bool http;

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void note(int sock)
{
	struct sockaddr_in at;
	socklen_t size = sizeof(at);
	int64_t now = now_us(), by;
	uint32_t i;

	if (getsockname(sock, (struct sockaddr *)&at, &size) < 0)
		return;
	i = ntohl(at.sin_addr.s_addr) & (ADDRESSES - 1);
	by = now - last_us[i] - interval_us;
	n_checks++;
	n_seen += !seen[i];
	if (seen[i] && n_late < LATE_MAX)
		late[n_late++] = by > 0 ? (uint32_t)by : 0;
	seen[i] = true;
	last_us[i] = now;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void tell(void)
{
	qsort(late, n_late, sizeof(*late), compare);
	printf("%zu %zu %u %u %u\n", n_checks, n_seen, n_late ? late[n_late / 2] : 0,
	       n_late ? late[n_late - 1 - n_late / 100] : 0, n_late ? late[n_late - 1] : 0);
	fflush(stdout);
}

static void mark(void)
{
	n_checks = n_late = n_seen = 0;
	memset(seen, 0, sizeof(seen));
}

static void command(void)
{
	char line[64];

	if (!fgets(line, sizeof(line), stdin))
		exit(0);
	if (line[0] == 'm')
		mark();
	else
		tell();
}

static void take(int listener, int poll)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP};

	while ((e.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		note(e.data.fd);
		if (epoll_ctl(poll, EPOLL_CTL_ADD, e.data.fd, &e) < 0)
			close(e.data.fd);
	}
}

static void serve(int sock)
{
	char request[4096];
	ssize_t n = read(sock, request, sizeof(request));

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0 && http && write(sock, answer, sizeof(answer) - 1) < 0)
		n = -1;
	if (n <= 0 || http)
		close(sock);
}

static int listen_at(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	const int one = 1;
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(sock, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(sock, 65535) < 0) {
		perror("targets");
		exit(1);
	}
	return sock;
}

static void add(int poll, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e) < 0)
		exit(1);
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	int poll = epoll_create1(0), listener;

	if (argc != 4) {
		fputs("Usage: targets PORT tcp|http INTERVAL_US\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdin, NULL, _IONBF, 0);
	http = strcmp(argv[2], "http") == 0;
	interval_us = atoll(argv[3]);
	listener = listen_at((uint16_t)atoi(argv[1]));
	add(poll, listener);
	add(poll, STDIN_FILENO);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(poll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				take(listener, poll);
			else if (events[i].data.fd == STDIN_FILENO)
				command();
			else
				serve(events[i].data.fd);
		}
	}
}
