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

/* Kept with the context, of which each connection has its own: it outlives whoever asks. */
static int end_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

static void on_tls(const SSL *ssl, int where, int value)
{
	if (where == SSL_CB_READ_ALERT && (value & 0xff) == SSL_AD_CLOSE_NOTIFY)
		SSL_CTX_set_ex_data(SSL_get_SSL_CTX(ssl), end_index(), (void *)1);
}

static CURLcode watch(CURL *easy, void *context, void *ctx)
{
	SSL_CTX **watched = ctx;

	curl_tls_unwatch(watched);
	SSL_CTX_set_info_callback(context, on_tls);
	SSL_CTX_up_ref(context);
	*watched = context;
	return CURLE_OK;
}

void curl_tls_watch(CURL *easy, SSL_CTX **watched)
{
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, watched);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, watch);
}

void curl_tls_unwatch(SSL_CTX **watched)
{
	SSL_CTX_free(*watched);
	*watched = NULL;
}

/* RFC 9112, section 6.3: nothing else says where it ends. */
static bool ends_with_connection(CURL *easy)
{
	struct curl_header *coding;
	curl_off_t length = 0;
	long version = 0;

	curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	return length < 0 && (version == CURL_HTTP_VERSION_1_0 || version == CURL_HTTP_VERSION_1_1) &&
	       curl_easy_header(easy, "Transfer-Encoding", 0, CURLH_HEADER, -1, &coding) != CURLHE_OK;
}

bool curl_tls_was_cut(CURL *easy, const SSL_CTX *watched)
{
	return watched && !SSL_CTX_get_ex_data(watched, end_index()) && ends_with_connection(easy);
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
