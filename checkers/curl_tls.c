/* SPDX-License-Identifier: Apache-2.0 */
/* TLS for libcurl's transfers: see curl_tls.h. */
#include "checkers/curl_tls.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

static void set_own(CURL *easy, const struct check_tls *tls)
{
	if (!tls->certificate[0])
		return;
	curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->certificate);
	curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->key[0] ? tls->key : tls->certificate);
	/* Without one OpenSSL would ask the terminal. */
	curl_easy_setopt(easy, CURLOPT_KEYPASSWD, tls->key_password);
}

/* Without tls_verify no authorities are loaded either: that takes longer than the check. */
void curl_tls_set(CURL *easy, const struct check_tls *tls)
{
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, (long)tls->verify);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, tls->verify ? 2L : 0L);
	set_own(easy, tls);
	if (tls->verify && !tls->ca[0])
		return;
	curl_easy_setopt(easy, CURLOPT_CAINFO, tls->verify ? tls->ca : NULL);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

static CURLcode be_compliant(CURL *easy, void *context, void *ctx)
{
	SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
	return CURLE_OK;
}

void curl_tls_compliant(CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, be_compliant);
}

/* From now on. False: there is no certificate, or its date is none. */
static bool days_left(CURL *easy, int *ret_days, int *ret_s)
{
	struct curl_tlssessioninfo *info = NULL;
	X509 *certificate;
	bool ok;

	curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info);
	if (!info || info->backend != CURLSSLBACKEND_OPENSSL || !info->internals)
		return false;
	certificate = SSL_get1_peer_certificate(info->internals);
	if (!certificate)
		return false;
	ok = ASN1_TIME_diff(ret_days, ret_s, NULL, X509_get0_notAfter(certificate)) == 1;
	X509_free(certificate);
	return ok;
}

void curl_tls_expiry(CURL *easy, const struct check_tls *tls, struct text *ret)
{
	int days, s;

	text_set(ret, "%s", "");
	if (!tls->expiry_warning_days || !days_left(easy, &days, &s))
		return;
	if (days < 0 || s < 0)
		text_set(ret, "the certificate has expired %d days ago", -days);
	else if (days < (int)tls->expiry_warning_days)
		text_set(ret, "the certificate expires in %d days", days);
}

bool curl_tls_is_ours(CURLcode code)
{
	return code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE;
}
