/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP_GET and SSL_GET: the pages of a check are asked for one after the other, each on its own
 * connection, and the first that is not as wanted ends the run. Owns the transfer; what is wanted
 * is judged in http_reply.c.
 *
 * connect_timeout bounds the connection (with TLS), and each silence after it, as keepalived's
 * does. A server that drips is not silent: a page as a whole takes PAGE_TIMEOUTS times as long at
 * the most.
 */
#include "checkers/curl_loop.h"
#include "checkers/http_reply.h"
#include "checkers/plugin.h"
#include "checkers/socket.h"
#include "core/clock.h"

#include <ev.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define PAGE_TIMEOUTS 4
/* Thousands may be under way, each with a buffer of its own. */
#define BUFFER_BYTES 4096L
#define NAME_MAX_LEN  256

enum http_stage {
	STAGE_CONNECTING,
	STAGE_WAITING, /* for the first byte */
	STAGE_READING,
};

struct http_probe {
	struct check_probe probe;
	CURL *easy;
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	struct http_reply reply;
	uint32_t at; /* of the urls */
	enum http_stage stage;
	int64_t started_us;
	ev_timer silence;
	bool no_socket; /* the reason is in why */
	const char *too_long;
	struct text why;
	char error[CURL_ERROR_SIZE];
};

static const struct check_http *conf_of(const struct http_probe *h)
{
	return h->probe.conf->http;
}

static const struct check_url *url_of(const struct http_probe *h)
{
	return &conf_of(h)->urls[h->at];
}

static void release(struct http_probe *h)
{
	if (!h->easy)
		return;
	ev_timer_stop(h->probe.loop, &h->silence);
	curl_loop_drop(h->easy);
	h->easy = NULL;
	curl_slist_free_all(h->headers);
	curl_slist_free_all(h->connect_to);
	h->headers = h->connect_to = NULL;
	http_reply_done(&h->reply);
}

/* What comes from outside may be in the reason, and the reason goes to logs and terminals. */
static void clean(struct text *t)
{
	for (char *at = t->s; *at; at++)
		if ((unsigned char)*at < ' ' || (unsigned char)*at > '~')
			*at = '?';
}

/* "HTTP 503, wanted 200-299, after 12.3 ms"; with several pages it is said which. */
static void finish(struct http_probe *h, struct check_result *result)
{
	struct text said = result->reason;
	bool pass = result->outcome == CHECK_PASS;
	bool many = conf_of(h)->n_urls > 1 && !pass;

	result->latency_us = (uint32_t)(clock_now_us() - h->started_us);
	if (result->outcome == CHECK_UNKNOWN)
		text_set(&result->reason, "%s", said.s);
	else
		text_set(&result->reason, "%.60s%s%s %s %.1f ms", many ? url_of(h)->path : "",
			 many ? ": " : "", said.s, pass ? "in" : "after",
			 result->latency_us / 1000.0);
	clean(&result->reason);
	release(h);
	h->probe.done(&h->probe, result);
}

static void on_silence(struct ev_loop *loop, ev_timer *w, int events)
{
	static const char *const words[] = {
		[STAGE_CONNECTING] = "no connection",
		[STAGE_WAITING] = "connected, but no answer",
		[STAGE_READING] = "the answer stops in the middle,",
	};
	struct http_probe *h = w->data;
	struct check_result result = {.outcome = CHECK_FAIL};

	text_set(&result.reason, "%s", words[h->stage]);
	finish(h, &result);
}

static void progress(struct http_probe *h, enum http_stage stage)
{
	h->stage = stage;
	ev_timer_again(h->probe.loop, &h->silence);
}

/* libcurl's callbacks */

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct http_probe *h = ctx;
	struct sockaddr_storage target;
	int sock = check_socket_open(h->probe.conf, SOCK_STREAM, IPPROTO_TCP, &h->why);

	if (sock < 0) {
		h->no_socket = true;
		return CURL_SOCKET_BAD;
	}
	/* libcurl leaves out the scope of a link-local address. */
	to->addrlen = check_socket_target(h->probe.conf, &target);
	memcpy(&to->addr, &target, to->addrlen);
	return sock;
}

static int on_connected(void *ctx, char *to, char *from, int to_port, int from_port)
{
	progress(ctx, STAGE_WAITING);
	return CURL_PREREQFUNC_OK;
}

static size_t on_header(char *at, size_t one, size_t n, void *ctx)
{
	struct http_probe *h = ctx;

	progress(h, STAGE_READING);
	if (http_reply_header(&h->reply, n))
		return n;
	h->too_long = "header";
	return 0;
}

static size_t on_body(char *at, size_t one, size_t n, void *ctx)
{
	struct http_probe *h = ctx;

	progress(h, STAGE_READING);
	if (http_reply_body(&h->reply, at, n))
		return n;
	h->too_long = "body";
	return CURL_WRITEFUNC_ERROR;
}

/* The request */

/* The name for TLS: its server name, and what the certificate must be for. "": none, the address. */
static const char *tls_name(const struct http_probe *h, char name[NAME_MAX_LEN])
{
	const struct check_http *conf = conf_of(h);
	const char *from = "";

	if (h->probe.conf->method != CHECK_SSL)
		from = "";
	else if (conf->sni_name[0])
		from = conf->sni_name;
	else if (conf->sni || conf->tls_verify)
		from = url_of(h)->virtualhost;
	snprintf(name, NAME_MAX_LEN, "%s", from);
	name[strcspn(name, ":/?#@[]")] = '\0'; /* a virtual host may have a port */
	return name;
}

static void set_header(struct http_probe *h, const char *line)
{
	h->headers = curl_slist_append(h->headers, line);
}

static void set_headers(struct http_probe *h)
{
	const struct check *c = h->probe.conf;
	uint8_t protocol = conf_of(h)->protocol;
	char at[ADDR_TEXT_MAX], line[2 * NAME_MAX_LEN];

	snprintf(line, sizeof(line), "Host: %s",
		 url_of(h)->virtualhost[0] ? url_of(h)->virtualhost
					   : addr_format_port(&c->address, c->port, at));
	set_header(h, line);
	set_header(h, "Accept:"); /* none */
	if (protocol == HTTP_1_0C || protocol == HTTP_1_1)
		set_header(h, "Connection: close");
	curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, h->headers);
	curl_easy_setopt(h->easy, CURLOPT_USERAGENT, "KeepAliveClient");
}

/* Where to: always the address; names are only said, never looked up. */
static void set_target(struct http_probe *h)
{
	const struct check *c = h->probe.conf;
	const char *scheme = c->method == CHECK_SSL ? "https" : "http";
	char at[ADDR_TEXT_MAX], name[NAME_MAX_LEN], text[NAME_MAX_LEN + 64];

	addr_format_port(&c->address, c->port, at);
	if (tls_name(h, name)[0])
		snprintf(text, sizeof(text), "%s://%s:%u/", scheme, name, c->port);
	else
		snprintf(text, sizeof(text), "%s://%s/", scheme, at);
	curl_easy_setopt(h->easy, CURLOPT_URL, text);
	curl_easy_setopt(h->easy, CURLOPT_REQUEST_TARGET, url_of(h)->path);
	snprintf(text, sizeof(text), "::%s", at);
	h->connect_to = curl_slist_append(NULL, text);
	curl_easy_setopt(h->easy, CURLOPT_CONNECT_TO, h->connect_to);
	/* Nothing is looked up, but what is not would be kept, and all of it gone through each time. */
	curl_easy_setopt(h->easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(h->easy, CURLOPT_TCP_NODELAY, 0L); /* one request is one packet anyway */
	curl_easy_setopt(h->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(h->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(h->easy, CURLOPT_FORBID_REUSE, 1L);
}

static void set_protocol(struct http_probe *h)
{
	bool tls = h->probe.conf->method == CHECK_SSL;
	long version = CURL_HTTP_VERSION_1_0;

	switch ((enum http_protocol)conf_of(h)->protocol) {
	case HTTP_1_0:
	case HTTP_1_0C:
		break;
	case HTTP_1_1:
		version = CURL_HTTP_VERSION_1_1;
		break;
	case HTTP_2:
		version = tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
		break;
	}
	curl_easy_setopt(h->easy, CURLOPT_HTTP_VERSION, version);
	curl_easy_setopt(h->easy, CURLOPT_SSL_ENABLE_ALPN,
			 (long)(conf_of(h)->protocol == HTTP_2));
	/* keepalived's digest is that of the bytes as they come, chunk headers and all. */
	if (url_of(h)->digest[0])
		curl_easy_setopt(h->easy, CURLOPT_HTTP_TRANSFER_DECODING, 0L);
}

/* Without tls_verify no authorities are loaded either: that takes longer than the check. */
static void set_tls(struct http_probe *h)
{
	const struct check_http *conf = conf_of(h);

	curl_easy_setopt(h->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(h->easy, CURLOPT_SSL_VERIFYPEER, (long)conf->tls_verify);
	curl_easy_setopt(h->easy, CURLOPT_SSL_VERIFYHOST, conf->tls_verify ? 2L : 0L);
	if (conf->tls_verify && !conf->tls_ca[0])
		return;
	curl_easy_setopt(h->easy, CURLOPT_CAINFO, conf->tls_verify ? conf->tls_ca : NULL);
	curl_easy_setopt(h->easy, CURLOPT_CAPATH, NULL);
}

static void set_callbacks(struct http_probe *h)
{
	curl_easy_setopt(h->easy, CURLOPT_PRIVATE, h);
	curl_easy_setopt(h->easy, CURLOPT_ERRORBUFFER, h->error);
	curl_easy_setopt(h->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(h->easy, CURLOPT_OPENSOCKETDATA, h);
	curl_easy_setopt(h->easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(h->easy, CURLOPT_PREREQDATA, h);
	curl_easy_setopt(h->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(h->easy, CURLOPT_HEADERDATA, h);
	curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(h->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h->easy, CURLOPT_BUFFERSIZE, BUFFER_BYTES);
}

static void set_timeouts(struct http_probe *h)
{
	int64_t silence_us = h->probe.conf->connect_timeout_us;
	int64_t page_ms = silence_us > USEC_PER_SEC * 1000 ? PAGE_TIMEOUTS * USEC_PER_SEC
							   : PAGE_TIMEOUTS * silence_us / 1000;

	curl_easy_setopt(h->easy, CURLOPT_TIMEOUT_MS, (long)(page_ms ? page_ms : 1));
	ev_init(&h->silence, on_silence);
	h->silence.repeat = (double)silence_us / USEC_PER_SEC;
	h->silence.data = h;
	progress(h, STAGE_CONNECTING);
}

static void on_transfer(void *ctx, CURLcode code);

static void ask(struct http_probe *h)
{
	struct check_result result = {.outcome = CHECK_UNKNOWN};

	h->easy = curl_loop_easy(h->probe.loop);
	if (http_reply_init(&h->reply, url_of(h)) < 0) {
		text_set(&result.reason, "digest: this OpenSSL has no MD5");
		finish(h, &result);
		return;
	}
	set_callbacks(h);
	set_target(h);
	set_headers(h);
	set_protocol(h);
	set_tls(h);
	set_timeouts(h);
	curl_loop_add(h->easy, on_transfer);
}

/* The answer */

static void judge_socket(struct http_probe *h, struct check_result *ret)
{
	long error = 0;

	ret->outcome = CHECK_UNKNOWN;
	ret->reason = h->why;
	if (h->no_socket)
		return;
	curl_easy_getinfo(h->easy, CURLINFO_OS_ERRNO, &error);
	check_socket_judge((int)error, ret);
	if (!error)
		text_set(&ret->reason, "%s", h->error);
}

static void judge_reply(struct http_probe *h, bool whole, struct check_result *ret)
{
	long status = 0;
	struct text said;

	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	http_reply_judge(&h->reply, url_of(h), (unsigned)status, ret);
	said = ret->reason;
	/* keepalived takes a body that is shorter than announced. */
	if (!whole && ret->outcome == CHECK_PASS)
		text_set(&ret->reason, "%s, shorter than announced,", said.s);
}

static void judge(struct http_probe *h, CURLcode code, struct check_result *ret)
{
	ret->outcome = CHECK_FAIL;
	switch ((int)code) {
	case CURLE_OK:
	case CURLE_PARTIAL_FILE:
		judge_reply(h, code == CURLE_OK, ret);
		break;
	case CURLE_COULDNT_CONNECT:
		judge_socket(h, ret);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		text_set(&ret->reason, "the answer does not come to its end,");
		break;
	case CURLE_GOT_NOTHING:
		text_set(&ret->reason, "closed without an answer");
		break;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		text_set(&ret->reason, "TLS: %.120s,", h->error);
		break;
	default:
		if (h->too_long)
			text_set(&ret->reason, "the %s of the answer is too long,", h->too_long);
		else
			text_set(&ret->reason, "%.120s,",
				 h->error[0] ? h->error : curl_easy_strerror(code));
	}
}

static void on_transfer(void *ctx, CURLcode code)
{
	struct http_probe *h = ctx;
	struct check_result result = {.outcome = CHECK_FAIL};

	judge(h, code, &result);
	if (result.outcome != CHECK_PASS || h->at + 1 == conf_of(h)->n_urls) {
		finish(h, &result);
		return;
	}
	release(h);
	h->at++;
	ask(h);
}

static void http_start(struct check_probe *p)
{
	struct http_probe *h = (struct http_probe *)p;

	h->started_us = clock_now_us();
	ask(h);
}

static void http_cancel(struct check_probe *p)
{
	release((struct http_probe *)p);
}

static const struct check_method_ops http_ops = {
	.probe_bytes = sizeof(struct http_probe),
	.start = http_start,
	.cancel = http_cancel,
};

const struct check_plugin check_plugin = {.version = PACKAGE_VERSION, .ops = &http_ops};
