/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ruler for bench/run checks: what libcurl takes by itself for a GET of each server once in an
 * interval. A handle for each server, its options set once; one multi handle, epoll, and nothing of
 * what makes a check of it: no deadlines of its own, no judgement, no memory of the last answer.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 64

static CURLM *multi;
static int epoll_fd;
static int64_t timeout_us = -1; /* of libcurl's; -1: none */

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int set_socket(CURL *easy, curl_socket_t sock, int what, void *ctx, void *known)
{
	struct epoll_event e = {.data.fd = sock};

	if (what == CURL_POLL_REMOVE)
		return 0; /* it is closed at once */
	e.events |= what & CURL_POLL_IN ? EPOLLIN : 0;
	e.events |= what & CURL_POLL_OUT ? EPOLLOUT : 0;
	if (epoll_ctl(epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, sock, &e) < 0)
		perror("epoll_ctl");
	if (!known)
		curl_multi_assign(multi, sock, multi);
	return 0;
}

static int set_timer(CURLM *m, long ms, void *ctx)
{
	timeout_us = ms < 0 ? -1 : now_us() + ms * 1000;
	return 0;
}

static size_t swallow(char *at, size_t one, size_t n, void *ctx)
{
	return one * n;
}

static CURL *request(uint32_t address, unsigned port)
{
	struct in_addr in = {.s_addr = htonl(address)};
	CURL *easy = curl_easy_init();
	char url[64];

	snprintf(url, sizeof(url), "http://%s:%u/", inet_ntoa(in), port);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_0);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 0L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 4096L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	return easy;
}

static void take_finished(void)
{
	const CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(multi, &left))) {
		if (m->data.result != CURLE_OK)
			fprintf(stderr, "%s\n", curl_easy_strerror(m->data.result));
		curl_multi_remove_handle(multi, m->easy_handle);
	}
}

/* Until this time, or the next event. */
static void wait_for(int64_t until_us)
{
	struct epoll_event events[EVENTS];
	int64_t at_us = timeout_us >= 0 && timeout_us < until_us ? timeout_us : until_us;
	int64_t wait_us = at_us - now_us();
	int n = epoll_wait(epoll_fd, events, EVENTS,
			   wait_us > 0 ? (int)((wait_us + 999) / 1000) : 0);
	int running;

	if (timeout_us >= 0 && timeout_us <= now_us()) {
		timeout_us = -1;
		curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	for (int i = 0; i < n; i++)
		curl_multi_socket_action(
			multi, events[i].data.fd,
			(events[i].events & ~(uint32_t)EPOLLOUT ? CURL_CSELECT_IN : 0) |
				(events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0),
			&running);
	take_finished();
}

int main(int argc, char **argv)
{
	struct in_addr first;
	CURL **requests;
	int64_t begin_us, interval_us;
	size_t count;

	if (argc != 5 || !inet_aton(argv[1], &first)) {
		fputs("Usage: curl_floor FIRST_ADDRESS PORT COUNT INTERVAL_US\n", stderr);
		return 2;
	}
	count = (size_t)atol(argv[3]);
	interval_us = atoll(argv[4]);
	requests = calloc(count, sizeof(CURL *));
	epoll_fd = epoll_create1(0);
	multi = curl_multi_init();
	if (!requests || epoll_fd < 0 || !multi)
		return 1;
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
	for (size_t i = 0; i < count; i++)
		requests[i] = request(ntohl(first.s_addr) + (uint32_t)i, (unsigned)atoi(argv[2]));
	begin_us = now_us();
	for (uint64_t n = 0;; n++) {
		int64_t due_us = begin_us + (int64_t)(n * (uint64_t)interval_us / count);

		while (now_us() < due_us)
			wait_for(due_us);
		curl_multi_add_handle(multi, requests[n % count]);
	}
}
