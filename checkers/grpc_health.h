/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of grpc.health.v1.Health/Check, as bytes: gRPC's frames ("gRPC over HTTP2": a byte
 * that says whether it is compressed, four of length) around protobuf's fields (health.proto:
 * HealthCheckRequest.service = 1, HealthCheckResponse.status = 1). Knows neither HTTP/2 nor libcurl.
 * Pure.
 */
#ifndef TANDEM_CHECKERS_GRPC_HEALTH_H
#define TANDEM_CHECKERS_GRPC_HEALTH_H

#include "checkers/machine.h"

#include <stddef.h>
#include <stdint.h>

#define GRPC_SERVICE_MAX  256
#define GRPC_REQUEST_MAX  (5 + 3 + GRPC_SERVICE_MAX)
/* An answer is seven bytes, as a rule. A longer one than this is a failure. */
#define GRPC_REPLY_MAX	  1024
#define GRPC_HEADER_MAX	  (16 * 1024)

struct grpc_reply {
	size_t header_bytes;
	bool has_status;
	uint32_t status; /* grpc-status, of the header or the trailers */
	struct text message; /* grpc-message */
	size_t len;
	uint8_t body[GRPC_REPLY_MAX];
};

/* The request's body; its length. */
size_t grpc_health_request(const char *service, uint8_t buf[GRPC_REQUEST_MAX]);

/* Begin with an empty one. False: it is too long. */
bool grpc_reply_header(struct grpc_reply *r, const char *line, size_t n);
bool grpc_reply_body(struct grpc_reply *r, const char *at, size_t n);

/* The outcome and the words but their end. */
void grpc_reply_judge(const struct grpc_reply *r, unsigned http_status, struct check_result *ret);

#endif
