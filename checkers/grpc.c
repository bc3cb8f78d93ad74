/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GRPC_CHECK: a call of grpc.health.v1.Health/Check that is answered with SERVING. HTTP/2 is
 * libcurl's, with TLS or without; the messages are made and read in grpc_health.c.
 */
#include "checkers/grpc_health.h"
#include "checkers/plugin.h"
#include "checkers/transfer.h"
#include "core/clock.h"

struct grpc_probe {
	struct transfer transfer;
	struct grpc_reply reply;
	uint8_t request[GRPC_REQUEST_MAX];
};

static bool on_header(struct transfer *t, const char *at, size_t n)
{
	return grpc_reply_header(&((struct grpc_probe *)t)->reply, at, n);
}

static bool on_body(struct transfer *t, const char *at, size_t n)
{
	return grpc_reply_body(&((struct grpc_probe *)t)->reply, at, n);
}

static void on_answered(struct transfer *t, unsigned status, bool whole)
{
	struct check_result result = {.outcome = CHECK_FAIL};

	if (whole)
		grpc_reply_judge(&((struct grpc_probe *)t)->reply, status, &result);
	else
		text_set(&result.reason, "the answer is shorter than announced,");
	transfer_finish(t, "", &result);
}

static void on_failed(struct transfer *t, struct check_result *result)
{
	transfer_finish(t, "", result);
}

static void ask(struct transfer *t)
{
	struct grpc_probe *g = (struct grpc_probe *)t;
	const struct check *c = t->probe.conf;

	transfer_open(t, "/grpc.health.v1.Health/Check", c->grpc->authority,
		      c->n_tls && c->tls->name[0] ? c->tls->name : c->grpc->authority);
	curl_easy_setopt(transfer_own(t), CURLOPT_HTTP_VERSION,
			 c->n_tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE,
			 (long)grpc_health_request(c->grpc->service, g->request));
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, g->request);
	transfer_header(t, "Content-Type: application/grpc");
	transfer_header(t, "TE: trailers");
	transfer_header(t, "Expect:");
	transfer_start(t);
}

static const struct transfer_ops grpc = {ask, on_header, on_body, on_answered, on_failed};

static void grpc_start(struct check_probe *p)
{
	struct transfer *t = (struct transfer *)p;

	t->started_us = clock_now_us();
	transfer_connect(t, &grpc);
}

static void grpc_cancel(struct check_probe *p)
{
	transfer_release((struct transfer *)p);
}

const struct check_method_ops check_grpc_ops = {
	.probe_bytes = sizeof(struct grpc_probe),
	.start = grpc_start,
	.cancel = grpc_cancel,
};
