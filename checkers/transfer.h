/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request of libcurl's on behalf of a check: to the address and from where its configuration
 * says, with its deadlines, and with what went wrong in words. HTTP_GET, SSL_GET and GRPC_CHECK are
 * what is asked and how the answer is judged.
 *
 * The connection is made here, and libcurl gets it when it stands: a handle of libcurl's takes some
 * kilobytes, and of dead servers there may be tens of thousands.
 *
 * connect_timeout bounds the connection (with TLS), and each silence after it, as keepalived's
 * does. A server that drips is not silent: what comes later than TRANSFER_TIMEOUTS times as long is
 * not waited for.
 */
#ifndef TANDEM_CHECKERS_TRANSFER_H
#define TANDEM_CHECKERS_TRANSFER_H

#include "checkers/connect.h"
#include "checkers/curl_loop.h"
#include "checkers/method.h"

#include <ev.h>

#define TRANSFER_TIMEOUTS 4
#define TRANSFER_NAME_MAX 256

struct transfer;

struct transfer_ops {
	/* The server listens: transfer_open(), options of the method's own, transfer_start(). */
	void (*ask)(struct transfer *t);
	/* A line of a header, a piece of the body. False: it is too long. */
	bool (*header)(struct transfer *t, const char *at, size_t n);
	bool (*body)(struct transfer *t, const char *at, size_t n);
	/* There is an answer; `whole`, or shorter than announced. */
	void (*answered)(struct transfer *t, unsigned status, bool whole);
	/* There is none; the outcome and the words but their end are in `result`. */
	void (*failed)(struct transfer *t, struct check_result *result);
};

enum transfer_stage {
	TRANSFER_CONNECTING,
	TRANSFER_WAITING, /* for the first byte */
	TRANSFER_READING,
};

/* A method's own struct begins with it. */
struct transfer {
	struct check_probe probe;
	const struct transfer_ops *ops;
	struct check_connect connect;
	struct curl_transfer curl;
	CURL *easy;	  /* NULL: none under way; for options that every user of a handle sets */
	bool own_options; /* it has others, which the next user must not find */
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	struct ssl_ctx_st *tls; /* of curl_tls_watch(), when the method wants it */
	enum transfer_stage stage;
	int64_t started_us; /* the method's, of the run */
	int64_t asked_us;   /* this request was begun */
	ev_timer silence;
	const char *too_long;
	bool takes_too_long;
	struct text warning; /* of the certificate */
	char error[CURL_ERROR_SIZE];
};

/* Begins: leads to ops->ask() or ops->failed(), at once or later. */
void transfer_connect(struct transfer *t, const struct transfer_ops *ops);

/*
 * `host` is the Host of the request, "" for the address; `tls_name` what TLS is told and verifies,
 * "" for the address. Both may come with a port.
 */
void transfer_open(struct transfer *t, const char *path, const char *host, const char *tls_name);
/* The handle, for an option that only some methods or checks set. */
CURL *transfer_own(struct transfer *t);
/* A line of the request's header. */
void transfer_header(struct transfer *t, const char *line);
void transfer_start(struct transfer *t);

/* Frees all but what the method keeps. Not from `header` and `body`. */
void transfer_release(struct transfer *t);
/* Ends the run: the latency, and the end of the words: ", after 1.2 ms". */
void transfer_finish(struct transfer *t, const char *where, struct check_result *result);

#endif
