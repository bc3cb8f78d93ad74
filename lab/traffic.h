/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the lab's traffic programs share: the clock, the address of the service, the two ways to be
 * told to stop, numbers from the command line. Nothing here knows a protocol.
 */
#ifndef LAB_TRAFFIC_H
#define LAB_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct target {
	struct sockaddr_storage sa;
	socklen_t len;
};

int64_t now_us(void);
void target_parse(struct target *ret, const char *addr, uint16_t port);
long number_parse(const char *what, const char *text, long min, long max);

/* A descriptor that becomes readable at SIGTERM or SIGINT; and one that ticks. */
int stop_fd_open(void);
int tick_fd_open(int64_t interval_us);
uint64_t tick_fd_read(int fd);

int epoll_open(void);
void epoll_watch(int epfd, int fd, uint32_t events, uint64_t tag);

void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void *grow(void *array, size_t *cap, size_t need, size_t size);

#endif
