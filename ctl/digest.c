/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tandem-digest: what `tandemctl digest` runs. Asks for a page as HTTP_GET and SSL_GET do, and tells
 * its digest, for their keyword. A program of its own, so that no other verb loads libcurl.
 */
#include "checkers/http_reply.h"

#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_S 20L
#define EXIT_USAGE 2

static void usage(FILE *out)
{
	fputs("usage: tandemctl digest URL [--virtualhost NAME]\n"
	      "The MD5 digest of a page's body, as digest of HTTP_GET and SSL_GET wants it.\n",
	      out);
}

static size_t on_body(char *at, size_t one, size_t n, void *reply)
{
	return http_reply_body(reply, at, n) ? n : 0;
}

/* As the checks ask: HTTP/1.0, no redirection followed, no certificate verified. */
static void set_options(CURL *easy, const char *url, struct curl_slist *headers,
			struct http_reply *reply, char *error)
{
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "KeepAliveClient");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_0);
	curl_easy_setopt(easy, CURLOPT_HTTP_TRANSFER_DECODING, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, reply);
}

static int tell(CURL *easy, CURLcode code, const char *url, const char *error,
		struct http_reply *reply)
{
	long status = 0;
	char hex[33];

	if (code != CURLE_OK && code != CURLE_PARTIAL_FILE) {
		fprintf(stderr, "tandemctl: digest: %s: %s\n", url,
			error[0] ? error : curl_easy_strerror(code));
		return EXIT_FAILURE;
	}
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299)
		fprintf(stderr, "tandemctl: digest: %s: HTTP %ld: a check takes it with "
				"status_code %ld only\n",
			url, status, status);
	http_reply_digest(reply, hex);
	puts(hex);
	return EXIT_SUCCESS;
}

static int digest(const char *url, const char *virtualhost)
{
	/* Any: it is told, not compared. */
	const struct check_url page = {.digest = "00000000000000000000000000000000", .regex = ""};
	char error[CURL_ERROR_SIZE] = "", host[300];
	struct curl_slist *headers = curl_slist_append(NULL, "Accept:");
	struct http_reply reply;
	CURL *easy = curl_easy_init();
	int status = EXIT_FAILURE;

	if (virtualhost) {
		snprintf(host, sizeof(host), "Host: %s", virtualhost);
		headers = curl_slist_append(headers, host);
	}
	if (easy && http_reply_init(&reply, &page) == 0) {
		set_options(easy, url, headers, &reply, error);
		status = tell(easy, curl_easy_perform(easy), url, error, &reply);
		http_reply_done(&reply);
	} else {
		fputs("tandemctl: digest: this libcurl or OpenSSL has no MD5\n", stderr);
	}
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"virtualhost", required_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *virtualhost = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'v' && !strpbrk(optarg, "\r\n")) {
			virtualhost = optarg;
			continue;
		}
		usage(c == 'h' ? stdout : stderr);
		return c == 'h' ? EXIT_SUCCESS : EXIT_USAGE;
	}
	if (optind + 1 != argc) {
		usage(stderr);
		return EXIT_USAGE;
	}
	return digest(argv[optind], virtualhost);
}
