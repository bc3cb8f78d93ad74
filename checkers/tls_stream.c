/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS for a check that is a conversation: libcurl connects and shakes hands (CURLOPT_CONNECT_ONLY),
 * as it does for the checks that speak HTTP, and carries the bytes after that.
 */
#include "checkers/tls_stream.h"

#include "checkers/curl_loop.h"
#include "checkers/curl_tls.h"
#include "checkers/socket.h"
#include "core/must.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct carrier {
	struct curl_transfer curl;
	CURL *easy;
	struct curl_slist *connect_to;
	bool no_socket;
	struct text why;
	char error[CURL_ERROR_SIZE];
};

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct stream *s = ctx;
	struct carrier *k = s->carrier;
	struct sockaddr_storage target;
	int sock = check_socket_open(s->probe.conf, SOCK_STREAM, IPPROTO_TCP, &k->why);

	if (sock < 0) {
		k->no_socket = true;
		return CURL_SOCKET_BAD;
	}
	to->addrlen = check_socket_target(s->probe.conf, &target);
	memcpy(&to->addr, &target, to->addrlen);
	return sock;
}

/* The last moment at which libcurl knows the connection as that of this handle. */
static int on_connected(void *ctx, char *to, char *from, int to_port, int from_port)
{
	struct stream *s = ctx;
	struct carrier *k = s->carrier;

	curl_tls_expiry(k->easy, s->probe.conf->tls, &s->warning);
	return CURL_PREREQFUNC_OK;
}

static void judge(struct carrier *k, CURLcode code, struct check_result *ret)
{
	long error = 0;

	if (code == CURLE_COULDNT_CONNECT)
		curl_easy_getinfo(k->easy, CURLINFO_OS_ERRNO, &error);
	if (k->no_socket || curl_tls_is_ours(code))
		ret->outcome = CHECK_UNKNOWN;
	if (k->no_socket)
		ret->reason = k->why;
	else if (error)
		check_socket_judge((int)error, ret);
	else
		text_set(&ret->reason, "TLS: %.120s", k->error[0] ? k->error : curl_easy_strerror(code));
}

static void on_handshake(struct curl_transfer *curl, CURLcode code)
{
	struct stream *s = curl->owner;
	struct carrier *k = s->carrier;
	struct check_result result = {.outcome = CHECK_FAIL};
	curl_socket_t sock = CURL_SOCKET_BAD;

	if (code == CURLE_OK)
		curl_easy_getinfo(k->easy, CURLINFO_ACTIVESOCKET, &sock);
	if (sock == CURL_SOCKET_BAD) {
		judge(k, code, &result);
		stream_finish(s, &result);
		return;
	}
	stream_ready(s, sock);
}

static void set_target(struct stream *s)
{
	const struct check *c = s->probe.conf;
	struct carrier *k = s->carrier;
	char at[ADDR_TEXT_MAX], url[512];

	addr_format_port(&c->address, c->port, at);
	if (c->tls->name[0])
		snprintf(url, sizeof(url), "https://%.*s:%u/", (int)strcspn(c->tls->name, ":/?#@[]"),
			 c->tls->name, c->port);
	else
		snprintf(url, sizeof(url), "https://%s/", at);
	curl_easy_setopt(k->easy, CURLOPT_URL, url);
	snprintf(url, sizeof(url), "::%s", at);
	k->connect_to = curl_slist_append(NULL, url);
	curl_easy_setopt(k->easy, CURLOPT_CONNECT_TO, k->connect_to);
	curl_easy_setopt(k->easy, CURLOPT_PROXY, "");
}

static void tls_open(struct stream *s)
{
	struct carrier *k = must(calloc(1, sizeof(*k)));

	s->carrier = k;
	k->easy = curl_loop_easy(s->probe.loop, NULL);
	curl_easy_setopt(k->easy, CURLOPT_ERRORBUFFER, k->error);
	curl_easy_setopt(k->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(k->easy, CURLOPT_OPENSOCKETDATA, s);
	curl_easy_setopt(k->easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(k->easy, CURLOPT_PREREQDATA, s);
	curl_easy_setopt(k->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(k->easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(k->easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
	curl_easy_setopt(k->easy, CURLOPT_FRESH_CONNECT, 1L);
	set_target(s);
	curl_tls_set(k->easy, s->probe.conf->tls);
	k->curl = (struct curl_transfer){on_handshake, s};
	curl_loop_add(k->easy, &k->curl);
}

static ssize_t tls_send(struct stream *s, const void *at, size_t len)
{
	struct carrier *k = s->carrier;
	size_t n = 0;
	CURLcode code = curl_easy_send(k->easy, at, len, &n);

	return code == CURLE_OK ? (ssize_t)n : code == CURLE_AGAIN ? -EAGAIN : -ECONNRESET;
}

static ssize_t tls_recv(struct stream *s, void *at, size_t size)
{
	struct carrier *k = s->carrier;
	size_t n = 0;
	CURLcode code = curl_easy_recv(k->easy, at, size, &n);

	return code == CURLE_OK ? (ssize_t)n : code == CURLE_AGAIN ? -EAGAIN : -ECONNRESET;
}

static void tls_close(struct stream *s)
{
	struct carrier *k = s->carrier;

	if (!k)
		return;
	curl_loop_drop(k->easy, false);
	curl_slist_free_all(k->connect_to);
	free(k);
	s->carrier = NULL;
}

const struct stream_transport stream_tls = {
	.open = tls_open,
	.send = tls_send,
	.recv = tls_recv,
	.close = tls_close,
};
