/* SPDX-License-Identifier: Apache-2.0 */
/* One request on behalf of a check: see transfer.h. */
#include "checkers/transfer.h"

#include "checkers/curl_tls.h"
#include "checkers/socket.h"
#include "core/clock.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Thousands may be under way, each with a buffer of its own. */
#define BUFFER_BYTES 4096L

static const struct check_tls *tls_of(const struct transfer *t)
{
	return t->probe.conf->n_tls ? t->probe.conf->tls : NULL;
}

void transfer_release(struct transfer *t)
{
	if (!t->easy)
		return;
	ev_timer_stop(t->probe.loop, &t->silence);
	curl_loop_drop(t->easy);
	t->easy = NULL;
	curl_slist_free_all(t->headers);
	curl_slist_free_all(t->connect_to);
	t->headers = t->connect_to = NULL;
}

void transfer_finish(struct transfer *t, const char *where, struct check_result *result)
{
	struct text said = result->reason;
	bool pass = result->outcome == CHECK_PASS;
	const char *warning = pass ? t->warning.s : "";

	result->latency_us = (uint32_t)(clock_now_us() - t->started_us);
	if (result->outcome != CHECK_UNKNOWN)
		text_set(&result->reason, "%.60s%s%s%s%s %s %.1f ms", where, where[0] ? ": " : "",
			 said.s, warning[0] ? ", " : "", warning, pass ? "in" : "after",
			 result->latency_us / 1000.0);
	text_clean(&result->reason);
	result->warning = t->warning;
	transfer_release(t);
	t->probe.done(&t->probe, result);
}

static void on_silence(struct ev_loop *loop, ev_timer *w, int events)
{
	static const char *const words[] = {
		[TRANSFER_CONNECTING] = "no connection",
		[TRANSFER_WAITING] = "connected, but no answer",
		[TRANSFER_READING] = "the answer stops in the middle,",
	};
	struct transfer *t = w->data;
	struct check_result result = {.outcome = CHECK_FAIL};

	text_set(&result.reason, "%s", words[t->stage]);
	t->ops->failed(t, &result);
}

static void progress(struct transfer *t, enum transfer_stage stage)
{
	t->stage = stage;
	ev_timer_again(t->probe.loop, &t->silence);
}

/* libcurl's callbacks */

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct transfer *t = ctx;
	struct sockaddr_storage target;
	int sock = check_socket_open(t->probe.conf, SOCK_STREAM, IPPROTO_TCP, &t->why);

	if (sock < 0) {
		t->no_socket = true;
		return CURL_SOCKET_BAD;
	}
	/* libcurl leaves out the scope of a link-local address. */
	to->addrlen = check_socket_target(t->probe.conf, &target);
	memcpy(&to->addr, &target, to->addrlen);
	return sock;
}

static int on_connected(void *ctx, char *to, char *from, int to_port, int from_port)
{
	struct transfer *t = ctx;

	progress(t, TRANSFER_WAITING);
	if (tls_of(t))
		curl_tls_expiry(t->easy, tls_of(t), &t->warning);
	return CURL_PREREQFUNC_OK;
}

static size_t on_header(char *at, size_t one, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	progress(t, TRANSFER_READING);
	if (t->ops->header(t, at, n))
		return n;
	t->too_long = "header";
	return 0;
}

static size_t on_body(char *at, size_t one, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	progress(t, TRANSFER_READING);
	if (t->ops->body(t, at, n))
		return n;
	t->too_long = "body";
	return CURL_WRITEFUNC_ERROR;
}

/* The request */

void transfer_header(struct transfer *t, const char *line)
{
	t->headers = curl_slist_append(t->headers, line);
}

static void set_host(struct transfer *t, const char *host)
{
	const struct check *c = t->probe.conf;
	char at[ADDR_TEXT_MAX], line[2 * TRANSFER_NAME_MAX];

	snprintf(line, sizeof(line), "Host: %s",
		 host[0] ? host : addr_format_port(&c->address, c->port, at));
	transfer_header(t, line);
	transfer_header(t, "Accept:"); /* none */
	curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "KeepAliveClient");
}

/* Where to: always the address; names are only said, never looked up. */
static void set_target(struct transfer *t, const char *path, const char *tls_name)
{
	const struct check *c = t->probe.conf;
	const char *scheme = c->n_tls ? "https" : "http";
	char at[ADDR_TEXT_MAX], name[TRANSFER_NAME_MAX], text[TRANSFER_NAME_MAX + 64];

	snprintf(name, sizeof(name), "%s", tls_name);
	name[strcspn(name, ":/?#@[]")] = '\0'; /* a virtual host may have a port */
	addr_format_port(&c->address, c->port, at);
	if (c->n_tls && name[0])
		snprintf(text, sizeof(text), "%s://%s:%u/", scheme, name, c->port);
	else
		snprintf(text, sizeof(text), "%s://%s/", scheme, at);
	curl_easy_setopt(t->easy, CURLOPT_URL, text);
	curl_easy_setopt(t->easy, CURLOPT_REQUEST_TARGET, path);
	snprintf(text, sizeof(text), "::%s", at);
	t->connect_to = curl_slist_append(NULL, text);
	curl_easy_setopt(t->easy, CURLOPT_CONNECT_TO, t->connect_to);
	curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, 1L);
	/* Nothing is looked up, but what is not would be kept, and all of it gone through each time. */
	curl_easy_setopt(t->easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(t->easy, CURLOPT_TCP_NODELAY, 0L); /* one request is one packet anyway */
	curl_easy_setopt(t->easy, CURLOPT_BUFFERSIZE, BUFFER_BYTES);
}

static void set_callbacks(struct transfer *t)
{
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
}

static void set_timeouts(struct transfer *t)
{
	int64_t silence_us = t->probe.conf->connect_timeout_us;
	int64_t whole_ms = silence_us > USEC_PER_SEC * 1000 ? TRANSFER_TIMEOUTS * USEC_PER_SEC
							    : TRANSFER_TIMEOUTS * silence_us / 1000;

	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)(whole_ms ? whole_ms : 1));
	ev_init(&t->silence, on_silence);
	t->silence.repeat = (double)silence_us / USEC_PER_SEC;
	t->silence.data = t;
	progress(t, TRANSFER_CONNECTING);
}

void transfer_open(struct transfer *t, const struct transfer_ops *ops, const char *path,
		   const char *host, const char *tls_name)
{
	t->ops = ops;
	t->easy = curl_loop_easy(t->probe.loop);
	set_callbacks(t);
	set_target(t, path, tls_name);
	set_host(t, host);
	set_timeouts(t);
	if (tls_of(t))
		curl_tls_set(t->easy, tls_of(t));
}

/* The answer */

static void judge_socket(struct transfer *t, struct check_result *ret)
{
	long error = 0;

	ret->outcome = CHECK_UNKNOWN;
	ret->reason = t->why;
	if (t->no_socket)
		return;
	curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &error);
	check_socket_judge((int)error, ret);
	if (!error)
		text_set(&ret->reason, "%s", t->error);
}

static void judge_failure(struct transfer *t, CURLcode code, struct check_result *ret)
{
	const char *words = t->error[0] ? t->error : curl_easy_strerror(code);

	if (curl_tls_is_ours(code))
		ret->outcome = CHECK_UNKNOWN;
	if (t->too_long)
		text_set(&ret->reason, "the %s of the answer is too long,", t->too_long);
	else if (code == CURLE_COULDNT_CONNECT)
		judge_socket(t, ret);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		text_set(&ret->reason, "the answer does not come to its end,");
	else if (code == CURLE_GOT_NOTHING)
		text_set(&ret->reason, "closed without an answer");
	else if (code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
		 curl_tls_is_ours(code))
		text_set(&ret->reason, "TLS: %.120s,", words);
	else
		text_set(&ret->reason, "%.120s,", words);
}

static void on_transfer(struct curl_transfer *curl, CURLcode code)
{
	struct transfer *t = curl->owner;
	struct check_result result = {.outcome = CHECK_FAIL};
	long status = 0;

	if (code == CURLE_OK || code == CURLE_PARTIAL_FILE) {
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		t->ops->answered(t, (unsigned)status, code == CURLE_OK);
		return;
	}
	judge_failure(t, code, &result);
	t->ops->failed(t, &result);
}

void transfer_start(struct transfer *t)
{
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	t->curl = (struct curl_transfer){on_transfer, t};
	curl_loop_add(t->easy, &t->curl);
}
