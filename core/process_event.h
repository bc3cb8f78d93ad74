/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's process connector tells (linux/cn_proc.h), as bytes to facts. Pure. */
#ifndef TANDEM_PROCESS_EVENT_H
#define TANDEM_PROCESS_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum process_event_kind {
	PROCESS_EVENT_OTHER,  /* of no interest: threads, users, signals */
	PROCESS_EVENT_LISTEN, /* the answer to the request to be told */
	PROCESS_EVENT_FORK,
	PROCESS_EVENT_EXEC,
	PROCESS_EVENT_NAME,
	PROCESS_EVENT_EXIT,
};

struct process_event {
	enum process_event_kind kind;
	int32_t pid;	/* of a fork: the child's */
	int32_t parent; /* of a fork */
	uint32_t error; /* of LISTEN */
};

#define PROCESS_EVENT_REQUEST_MAX 64

/* One netlink datagram. 0, or -EBADMSG: it is none of the connector's, or too short. */
int process_event_parse(const void *bytes, size_t n, struct process_event *ret);
/* The request to be told of all events, or no longer; the length. */
size_t process_event_request(void *buf, bool listen);

#endif
