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

/* An end without close_notify is a failure; else it is an end, as for keepalived. */
void curl_tls_compliant(CURL *easy);

/* What went wrong is on our side: a file that can't be used. */
bool curl_tls_is_ours(CURLcode code);

#endif
