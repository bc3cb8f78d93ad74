/* SPDX-License-Identifier: Apache-2.0 */
/* TLS as a check's configuration wants it, for a transfer of libcurl's. Knows no protocol above. */
#ifndef TANDEM_CHECKERS_CURL_TLS_H
#define TANDEM_CHECKERS_CURL_TLS_H

#include "core/codec.h"
#include "core/model.h"

#include <curl/curl.h>

void curl_tls_set(CURL *easy, const struct check_tls *tls);

/*
 * Once connected: what there is to say of the server's certificate, which ends soon or has ended;
 * "" when nothing is the matter or nobody asked (tls_expiry_warning).
 */
void curl_tls_expiry(CURL *easy, const struct check_tls *tls, struct text *ret);

/*
 * Notes whether the server ends TLS with close_notify, for libcurl does not care. *watched is set
 * once it is connected, and the caller's until curl_tls_unwatch(), which is harmless on NULL.
 */
struct ssl_ctx_st;
void curl_tls_watch(CURL *easy, struct ssl_ctx_st **watched);
void curl_tls_unwatch(struct ssl_ctx_st **watched);
/* The answer's end was that of the connection, and there was no close_notify. */
bool curl_tls_was_cut(CURL *easy, const struct ssl_ctx_st *watched);

/* What went wrong is on our side: a file that can't be used. */
bool curl_tls_is_ours(CURLcode code);

#endif
