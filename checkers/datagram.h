/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check that is one datagram out and one back: the socket, the deadline, the errors that ICMP
 * brings. UDP_CHECK, DNS_CHECK and PING_CHECK are what is said and how the answer is judged.
 */
#ifndef TANDEM_CHECKERS_DATAGRAM_H
#define TANDEM_CHECKERS_DATAGRAM_H

#include "checkers/method.h"

#include <ev.h>

#define DATAGRAM_MAX 65536

struct datagram;

struct datagram_ops {
	/* 0 or -errno with the reason. */
	int (*open)(struct datagram *d, struct text *ret_reason);
	/* What to send; its length. */
	size_t (*ask)(struct datagram *d, uint8_t *buf, size_t size);
	/* Judges an answer; false: it is none to our question. */
	bool (*judge)(struct datagram *d, const uint8_t *at, size_t len,
		      struct check_result *ret);
	/* NULL: silence is a failure. Else the reason for which it is a pass, or NULL. */
	const char *(*silence)(const struct datagram *d);
};

struct datagram {
	struct check_probe probe;
	const struct datagram_ops *ops;
	int sock;
	uint16_t id;  /* the method's: of the question */
	uint16_t seq; /* the method's */
	bool raw;     /* the method's: the answer comes with its IP header */
	int64_t started_us;
	ev_io readable;
	ev_timer deadline;
};

void datagram_start(struct datagram *d, const struct datagram_ops *ops);
void datagram_cancel(struct check_probe *p);
/* A UDP socket, for `open`. */
int datagram_open_udp(struct datagram *d, struct text *ret_reason);
/* Hard to guess, for ids. */
uint16_t datagram_random(void);

#endif
