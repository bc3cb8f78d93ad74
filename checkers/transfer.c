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
	ev_timer_stop(t->probe.loop, &t->silence);
	check_connect_close(&t->connect);
	if (!t->easy)
		return;
	curl_loop_drop(t->easy, !t->own_options);
	t->easy = NULL;
	curl_tls_unwatch(&t->tls);
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
		text_set(&result->reason, "%.60s%s%s%s%s %s " CHECK_MS_FORMAT " ms", where,
			 where[0] ? ": " : "", said.s, warning[0] ? ", " : "", warning,
			 pass ? "in" : "after", CHECK_MS(result->latency_us));
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

/* Something of the answer. False: it has been long enough. libcurl's own deadline costs more. */
static bool goes_on(struct transfer *t)
{
	int64_t us = clock_now_us() - t->asked_us;

	progress(t, TRANSFER_READING);
	t->takes_too_long = us / TRANSFER_TIMEOUTS > t->probe.conf->connect_timeout_us;
	return !t->takes_too_long;
}

/* libcurl's callbacks */

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct transfer *t = ctx;
	struct sockaddr_storage target;

	/* Once for a handle: where there is a second address to try, the first one has failed. */
	if (t->connect.sock < 0)
		return CURL_SOCKET_BAD;
	/* What it connects now is connected; and this has the scope of a link-local address. */
	to->addrlen = check_socket_target(t->probe.conf, &target);
	memcpy(&to->addr, &target, to->addrlen);
	to->family = target.ss_family;
	return check_connect_take(&t->connect);
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

	if (!goes_on(t))
		return 0;
	if (t->ops->header(t, at, n))
		return n;
	t->too_long = "header";
	return 0;
}

static size_t on_body(char *at, size_t one, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	if (!goes_on(t))
		return CURL_WRITEFUNC_ERROR;
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

static void set_host(struct transfer *t, const char *host, const char *address)
{
	char line[2 * TRANSFER_NAME_MAX];

	snprintf(line, sizeof(line), "Host: %s", host[0] ? host : address);
	transfer_header(t, line);
	transfer_header(t, "Accept:"); /* none */
}

/*
 * Where to, for TLS: always the address; names are only said, never looked up. Else it is the
 * handle's, see prepare().
 */
static void set_tls(struct transfer *t, const char *tls_name, const char *address)
{
	char name[TRANSFER_NAME_MAX], text[TRANSFER_NAME_MAX + 64];
	CURL *easy = transfer_own(t);

	snprintf(name, sizeof(name), "%s", tls_name);
	name[strcspn(name, ":/?#@[]")] = '\0'; /* a virtual host may have a port */
	if (name[0])
		snprintf(text, sizeof(text), "https://%s:%u/", name, t->probe.conf->port);
	else
		snprintf(text, sizeof(text), "https://%s/", address);
	curl_easy_setopt(easy, CURLOPT_CURLU, NULL);
	curl_easy_setopt(easy, CURLOPT_URL, text);
	snprintf(text, sizeof(text), "::%s", address);
	t->connect_to = curl_slist_append(NULL, text);
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, t->connect_to);
	/* Nothing is looked up, but what is not would be kept, and gone through each time. */
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_tls_set(easy, tls_of(t));
}

/*
 * What all requests have in common, once for a handle. The URL of one without TLS is the same for
 * all, already parsed: libcurl gets a connection, and the address is said in the Host header.
 */
static void prepare(CURL *easy)
{
	static CURLU *somewhere;

	if (!somewhere) {
		somewhere = curl_url();
		curl_url_set(somewhere, CURLUPART_URL, "http://192.0.2.1/", 0);
	}
	curl_easy_setopt(easy, CURLOPT_CURLU, somewhere);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 0L); /* one request is one packet anyway */
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_BYTES);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 4 * BUFFER_BYTES); /* the least there is */
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "KeepAliveClient");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
}

static void set_owner(struct transfer *t)
{
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
}

CURL *transfer_own(struct transfer *t)
{
	t->own_options = true;
	return t->easy;
}

void transfer_open(struct transfer *t, const char *path, const char *host, const char *tls_name)
{
	const struct check *c = t->probe.conf;
	char address[ADDR_TEXT_MAX];

	t->easy = curl_loop_easy(t->probe.loop, prepare);
	t->own_options = false;
	set_owner(t);
	addr_format_port(&c->address, c->port, address);
	set_host(t, host, address);
	curl_easy_setopt(t->easy, CURLOPT_REQUEST_TARGET, path);
	if (c->n_tls)
		set_tls(t, tls_name, address);
}

static void on_connect(struct check_connect *c, struct check_result *failed)
{
	struct transfer *t = c->owner;

	if (failed)
		t->ops->failed(t, failed);
	else
		t->ops->ask(t);
}

void transfer_connect(struct transfer *t, const struct transfer_ops *ops)
{
	t->ops = ops;
	t->asked_us = clock_now_us();
	ev_init(&t->silence, on_silence);
	t->silence.repeat = (double)t->probe.conf->connect_timeout_us / USEC_PER_SEC;
	t->silence.data = t;
	progress(t, TRANSFER_CONNECTING);
	check_connect_start(&t->connect, t->probe.loop, t->probe.conf, on_connect, t);
}

/* The answer */

/* libcurl keeps its first complaint, even of no more than that a peer which is gone has no name. */
static const char *complaint(const struct transfer *t, CURLcode code)
{
	if (t->error[0] && strncmp(t->error, "getpeername()", strlen("getpeername()")) != 0)
		return t->error;
	return curl_easy_strerror(code);
}

static void judge_failure(struct transfer *t, CURLcode code, struct check_result *ret)
{
	const char *words = complaint(t, code);

	if (curl_tls_is_ours(code))
		ret->outcome = CHECK_UNKNOWN;
	if (t->too_long)
		text_set(&ret->reason, "the %s of the answer is too long,", t->too_long);
	else if (code == CURLE_COULDNT_CONNECT) /* it was connected when libcurl got it */
		text_set(&ret->reason, "closed without an answer");
	else if (t->takes_too_long)
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
