/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tandem-mail: hands one message to an SMTP server (RFC 5321), and says by its exit status how that
 * went (mail_text.h). The supervisor runs it for each mail, without any rights, because whatever the
 * server answers is read here. The message is on standard input, its lines ended with CR LF.
 *
 * tandem-mail SERVER PORT HELO TIMEOUT_S SENDER RECIPIENT …
 */
#include "core/mail_text.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARG_SERVER = 1, ARG_PORT, ARG_HELO, ARG_TIMEOUT, ARG_SENDER, ARG_RECIPIENTS };

/* What we say in HELO is the URL's path. */
static bool make_url(CURL *curl, char *const *argv, char *url, size_t size)
{
	bool v6 = strchr(argv[ARG_SERVER], ':');
	char *helo = curl_easy_escape(curl, argv[ARG_HELO], 0);

	if (!helo)
		return false;
	snprintf(url, size, "smtp://%s%s%s:%s/%s", v6 ? "[" : "", argv[ARG_SERVER], v6 ? "]" : "",
		 argv[ARG_PORT], helo);
	curl_free(helo);
	return true;
}

static int outcome_of(CURL *curl, CURLcode code)
{
	long reply = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply);
	if (code == CURLE_OK)
		return MAIL_SENT;
	if (code == CURLE_COULDNT_RESOLVE_HOST)
		return MAIL_NO_SUCH_HOST;
	if (code == CURLE_COULDNT_CONNECT)
		return MAIL_NO_CONNECTION;
	if (code == CURLE_OPERATION_TIMEDOUT)
		return MAIL_TOO_LATE;
	if (reply >= MAIL_REFUSED_CODE_MIN && reply <= MAIL_REFUSED_CODE_MAX)
		return (int)(MAIL_REFUSED + reply - MAIL_REFUSED_CODE_MIN);
	if (code == CURLE_WEIRD_SERVER_REPLY)
		return MAIL_NONSENSE;
	if (code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING)
		return MAIL_BROKEN_OFF;
	return MAIL_FAILED;
}

static int send_mail(CURL *curl, char *const *argv, long timeout_s, struct curl_slist *recipients)
{
	char url[1024];

	if (!make_url(curl, argv, url, sizeof(url)))
		return MAIL_FAILED;
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, argv[ARG_SENDER]);
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_READDATA, stdin);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, timeout_s);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 2 * timeout_s);
	return outcome_of(curl, curl_easy_perform(curl));
}

int main(int argc, char **argv)
{
	struct curl_slist *recipients = NULL;
	long timeout_s = argc > ARG_TIMEOUT ? strtol(argv[ARG_TIMEOUT], NULL, 10) : 0;
	CURL *curl = NULL;
	int outcome = MAIL_FAILED;

	if (argc <= ARG_RECIPIENTS || timeout_s < 1)
		return MAIL_BAD_ARGUMENTS;
	if (curl_global_init(CURL_GLOBAL_NOTHING) == CURLE_OK)
		curl = curl_easy_init();
	for (char **at = argv + ARG_RECIPIENTS; *at; at++)
		recipients = curl_slist_append(recipients, *at);
	if (curl && recipients)
		outcome = send_mail(curl, argv, timeout_s, recipients);
	curl_slist_free_all(recipients);
	if (curl)
		curl_easy_cleanup(curl);
	curl_global_cleanup();
	return outcome;
}
