/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the lab's traffic programs share; see traffic.h. These programs run for minutes in a test,
 * so a failing system call ends them with one line that says which.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "lab/traffic.h"

void die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void target_parse(struct target *ret, const char *addr, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&ret->sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ret->sa;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, addr, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		ret->len = sizeof(*v4);
	} else if (inet_pton(AF_INET6, addr, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		ret->len = sizeof(*v6);
	} else {
		die("not an address: %s", addr);
	}
}

long number_parse(const char *what, const char *text, long min, long max)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < min || n > max)
		die("%s: %s is not a number from %ld to %ld", what, text, min, max);
	return n;
}

int stop_fd_open(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		die("signalfd: %m");
	return fd;
}

int tick_fd_open(int64_t interval_us)
{
	struct timespec ts = {.tv_sec = interval_us / 1000000,
			      .tv_nsec = interval_us % 1000000 * 1000};
	struct itimerspec its = {.it_interval = ts, .it_value = ts};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0 || timerfd_settime(fd, 0, &its, NULL) < 0)
		die("timerfd: %m");
	return fd;
}

uint64_t tick_fd_read(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

int epoll_open(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		die("epoll_create1: %m");
	return fd;
}

void epoll_watch(int epfd, int fd, uint32_t events, uint64_t tag)
{
	struct epoll_event ev = {.events = events, .data.u64 = tag};

	if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) < 0 &&
	    (errno != EEXIST || epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &ev) < 0))
		die("epoll_ctl: %m");
}

void *grow(void *array, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return array;
	*cap = need < 1024 ? 1024 : need * 2;
	array = reallocarray(array, *cap, size);
	if (!array)
		die("out of memory");
	return array;
}
