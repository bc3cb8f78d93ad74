/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check that is a conversation over one connection: the socket, the deadlines, the reading.
 * SMTP_CHECK, AGENT_CHECK and TCP_CHECK with send and expect are what is said and how it is
 * answered. What carries the bytes is a transport: TCP here, TLS in tls_stream.c.
 *
 * connect_timeout bounds the connection, and again each silence; the whole takes STREAM_TIMEOUTS
 * times as long at the most, or a server that drips would hold on for ever.
 */
#ifndef TANDEM_CHECKERS_STREAM_H
#define TANDEM_CHECKERS_STREAM_H

#include "checkers/connect.h"
#include "checkers/method.h"

#include <ev.h>
#include <sys/types.h>

#define STREAM_TIMEOUTS 4

struct stream;

/* All may end the run with stream_finish(), after which the stream is gone. */
struct stream_ops {
	/* Of a run that gets no answer: CHECK_FAIL, or CHECK_UNKNOWN. */
	enum check_outcome no_answer;
	/* The server listens now. False: the run has ended. */
	bool (*connected)(struct stream *s);
	/* It said something. False: the run has ended. Bounds what it takes. */
	bool (*received)(struct stream *s, const char *at, size_t len);
	/* No answer comes any more: `what` is the matter. Ends the run. */
	void (*failed)(struct stream *s, const char *what);
	/* What the method keeps is to be freed. May be NULL. */
	void (*release)(struct stream *s);
};

struct stream_transport {
	/* Leads to stream_ready() or stream_finish(), at once or later. */
	void (*open)(struct stream *s);
	/* Bytes, or -errno. */
	ssize_t (*send)(struct stream *s, const void *at, size_t len);
	ssize_t (*recv)(struct stream *s, void *at, size_t size);
	void (*close)(struct stream *s);
};
extern const struct stream_transport stream_tcp;

struct stream {
	struct check_probe probe;
	const struct stream_ops *ops;
	const struct stream_transport *transport; /* NULL: closed */
	void *carrier;				  /* the transport's */
	struct check_connect connect;		  /* of TCP's */
	int sock;
	bool ready;
	bool closed; /* by the server, in order */
	int64_t started_us;
	struct text warning; /* goes into the words of a pass, too; "": none */
	ev_io io;
	ev_timer silence;
};

void stream_start(struct stream *s, const struct stream_ops *ops,
		  const struct stream_transport *transport);
void stream_cancel(struct check_probe *p);

/* False: the run has ended. */
bool stream_send(struct stream *s, const void *at, size_t len);
/* Adds the latency; the words of a pass are "WHAT in 1.2 ms". */
void stream_finish(struct stream *s, struct check_result *result);
void stream_pass(struct stream *s, const char *what);
void stream_fail_errno(struct stream *s, int error);

/* The transport's: bytes can go both ways. It may be over when this returns. */
void stream_ready(struct stream *s, int sock);

#endif
