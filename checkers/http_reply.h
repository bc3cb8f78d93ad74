/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reply to one HTTP request, and whether it is the one that was wanted. What is kept of it is
 * bounded, whatever the server sends. Knows neither connections nor libcurl.
 */
#ifndef TANDEM_CHECKERS_HTTP_REPLY_H
#define TANDEM_CHECKERS_HTTP_REPLY_H

#include "checkers/machine.h"
#include "core/model.h"

/* A longer header is a failure, and so is a longer body. */
#define HTTP_HEADER_MAX	   (64 * 1024)
#define HTTP_BODY_MAX	   (64 * 1024 * 1024)
/* A regex sees so much of the body. */
#define HTTP_BODY_KEPT_MAX (1024 * 1024)

struct evp_md_ctx_st;

struct http_reply {
	size_t header_bytes;
	uint64_t body_bytes;
	struct evp_md_ctx_st *digest; /* NULL: none is wanted */
	bool keep;
	char *body;
	size_t len;
	size_t cap;
};

/* 0, or -ENOSYS: this OpenSSL has no MD5. */
int http_reply_init(struct http_reply *r, const struct check_url *url);
void http_reply_done(struct http_reply *r);

/* False: it is too long. */
bool http_reply_header(struct http_reply *r, size_t n);
bool http_reply_body(struct http_reply *r, const char *at, size_t n);

/* Of the body, once and at its end; the url must have wanted one. */
void http_reply_digest(struct http_reply *r, char hex[33]);

/* The outcome and the reason but its end, the time. */
void http_reply_judge(struct http_reply *r, const struct check_url *url, unsigned status,
		      struct check_result *ret);

#endif
