/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP connection being made for a check: what TCP_CHECK is, and how every method begins that
 * talks over TCP. Owns the socket until it is taken. Three system calls: socket, connect,
 * epoll_ctl; two when the kernel knows the answer at once. Deadlines are the method's.
 */
#ifndef TANDEM_CHECKERS_CONNECT_H
#define TANDEM_CHECKERS_CONNECT_H

#include "checkers/method.h"

#include <ev.h>

struct check_connect {
	/* Called once, from start() or later: NULL, connected; else why not, in words. */
	void (*done)(struct check_connect *c, struct check_result *failed);
	void *owner;
	struct ev_loop *loop;
	int sock; /* -1: none */
	ev_io io;
};

void check_connect_start(struct check_connect *c, struct ev_loop *loop, const struct check *conf,
			 void (*done)(struct check_connect *c, struct check_result *failed),
			 void *owner);
/* Of a connection that is made: the caller's from now on. */
int check_connect_take(struct check_connect *c);
/* Closes what has been started and not taken. */
void check_connect_close(struct check_connect *c);

#endif
