/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP_GET and SSL_GET: the pages of a check are asked for one after the other, each on its own
 * connection, and the first that is not as wanted ends the run. Owns the requests; what is wanted
 * is judged in http_reply.c.
 */
#include "checkers/plugin.h"

#include "checkers/curl_tls.h"
#include "checkers/http_reply.h"
#include "checkers/transfer.h"
#include "core/clock.h"

#include <string.h>

struct http_probe {
	struct transfer transfer;
	struct http_reply reply;
	uint32_t at; /* of the urls */
};

static const struct check_http *conf_of(const struct http_probe *h)
{
	return h->transfer.probe.conf->http;
}

static const struct check_url *url_of(const struct http_probe *h)
{
	return &conf_of(h)->urls[h->at];
}

/* "HTTP 503, wanted 200-299, after 12.3 ms"; with several pages it is said which. */
static void finish(struct http_probe *h, struct check_result *result)
{
	bool many = conf_of(h)->n_urls > 1 && result->outcome != CHECK_PASS;

	http_reply_done(&h->reply);
	transfer_finish(&h->transfer, many ? url_of(h)->path : "", result);
}

static bool on_header(struct transfer *t, const char *at, size_t n)
{
	return http_reply_header(&((struct http_probe *)t)->reply, n);
}

static bool on_body(struct transfer *t, const char *at, size_t n)
{
	return http_reply_body(&((struct http_probe *)t)->reply, at, n);
}

static void on_failed(struct transfer *t, struct check_result *result)
{
	finish((struct http_probe *)t, result);
}

static void begin(struct http_probe *h);

static void on_answered(struct transfer *t, unsigned status, bool whole)
{
	struct http_probe *h = (struct http_probe *)t;
	struct check_result result = {.outcome = CHECK_FAIL};
	struct text said;

	http_reply_judge(&h->reply, url_of(h), status, &result);
	said = result.reason;
	/* keepalived takes a body that is shorter than announced. */
	if (!whole && result.outcome == CHECK_PASS)
		text_set(&result.reason, "%s, shorter than announced,", said.s);
	if (result.outcome == CHECK_PASS && curl_tls_was_cut(t->easy, t->tls)) {
		result.outcome = CHECK_FAIL;
		text_set(&result.reason, "%s, but the end is without close_notify,", said.s);
	}
	if (result.outcome != CHECK_PASS || h->at + 1 == conf_of(h)->n_urls) {
		finish(h, &result);
		return;
	}
	http_reply_done(&h->reply);
	transfer_release(t);
	h->at++;
	begin(h);
}

/* The name for TLS: its server name, and what the certificate must be for. "": none, the address.
 */
static const char *tls_name(const struct http_probe *h)
{
	const struct check *c = h->transfer.probe.conf;

	if (!c->n_tls)
		return "";
	if (c->tls->name[0])
		return c->tls->name;
	return conf_of(h)->sni || c->tls->verify ? url_of(h)->virtualhost : "";
}

static void set_protocol(struct http_probe *h)
{
	CURL *easy = h->transfer.easy;
	bool tls = h->transfer.probe.conf->n_tls;
	long version = CURL_HTTP_VERSION_1_0;

	switch ((enum http_protocol)conf_of(h)->protocol) {
	case HTTP_1_0:
		break;
	case HTTP_1_0C:
		transfer_header(&h->transfer, "Connection: close");
		break;
	case HTTP_1_1:
		transfer_header(&h->transfer, "Connection: close");
		version = CURL_HTTP_VERSION_1_1;
		break;
	case HTTP_2:
		version = tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
		break;
	}
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
	if (tls)
		curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN,
				 (long)(conf_of(h)->protocol == HTTP_2));
	/* keepalived's digest is that of the bytes as they come, chunk headers and all. */
	if (url_of(h)->digest[0])
		curl_easy_setopt(transfer_own(&h->transfer), CURLOPT_HTTP_TRANSFER_DECODING, 0L);
}

static void set_body(struct transfer *t, const struct check_url *u)
{
	CURL *easy = transfer_own(t);

	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(u->body));
	/* Copied: a reload frees the model while the connection is still being made. */
	curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, u->body);
}

static void set_user(CURL *easy, const struct check_http *conf)
{
	curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
	curl_easy_setopt(easy, CURLOPT_USERNAME, conf->user);
	curl_easy_setopt(easy, CURLOPT_PASSWORD, conf->password);
}

static void set_request(struct http_probe *h)
{
	const struct check_url *u = url_of(h);

	switch ((enum http_request)u->request) {
	case HTTP_GET:
		break;
	case HTTP_HEAD:
		curl_easy_setopt(transfer_own(&h->transfer), CURLOPT_NOBODY, 1L);
		break;
	case HTTP_POST:
		set_body(&h->transfer, u);
		break;
	case HTTP_OPTIONS:
		if (u->body[0])
			set_body(&h->transfer, u);
		curl_easy_setopt(transfer_own(&h->transfer), CURLOPT_CUSTOMREQUEST, "OPTIONS");
		break;
	}
	if (u->request != HTTP_GET)
		transfer_header(&h->transfer, "Expect:"); /* no waiting for 100 */
	for (uint32_t i = 0; i < u->n_headers; i++)
		transfer_header(&h->transfer, u->headers[i].line);
	if (u->tls_compliant)
		curl_tls_watch(transfer_own(&h->transfer), &h->transfer.tls);
	if (conf_of(h)->user[0])
		set_user(transfer_own(&h->transfer), conf_of(h));
}

static void ask(struct transfer *t)
{
	struct http_probe *h = (struct http_probe *)t;

	transfer_open(t, url_of(h)->path, url_of(h)->virtualhost, tls_name(h));
	set_protocol(h);
	set_request(h);
	transfer_start(t);
}

static const struct transfer_ops http = {ask, on_header, on_body, on_answered, on_failed};

static void begin(struct http_probe *h)
{
	struct check_result result = {.outcome = CHECK_UNKNOWN};

	if (http_reply_init(&h->reply, url_of(h)) < 0) {
		text_set(&result.reason, "digest: this OpenSSL has no MD5");
		finish(h, &result);
		return;
	}
	transfer_connect(&h->transfer, &http);
}

static void http_start(struct check_probe *p)
{
	struct http_probe *h = (struct http_probe *)p;

	h->transfer.started_us = clock_now_us();
	begin(h);
}

static void http_cancel(struct check_probe *p)
{
	struct http_probe *h = (struct http_probe *)p;

	http_reply_done(&h->reply);
	transfer_release(&h->transfer);
}

const struct check_method_ops check_http_ops = {
	.probe_bytes = sizeof(struct http_probe),
	.start = http_start,
	.cancel = http_cancel,
};
