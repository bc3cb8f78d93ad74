/* SPDX-License-Identifier: Apache-2.0 */
/* The reply to one HTTP request: see http_reply.h. */
#include "checkers/http_reply.h"

#include "checkers/patterns.h"
#include "core/hex.h"
#include "core/must.h"
#include "core/pattern.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* keepalived's digest is MD5: a fingerprint of a page, no protection. */
static int start_digest(struct http_reply *r)
{
	static EVP_MD *md5;

	if (!md5)
		md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	if (!md5)
		return -ENOSYS;
	r->digest = must(EVP_MD_CTX_new());
	EVP_DigestInit_ex2(r->digest, md5, NULL);
	return 0;
}

int http_reply_init(struct http_reply *r, const struct check_url *url)
{
	*r = (struct http_reply){.keep = url->regex[0] != '\0'};
	return url->digest[0] ? start_digest(r) : 0;
}

void http_reply_done(struct http_reply *r)
{
	EVP_MD_CTX_free(r->digest);
	free(r->body);
	*r = (struct http_reply){0};
}

bool http_reply_header(struct http_reply *r, size_t n)
{
	r->header_bytes += n;
	return r->header_bytes <= HTTP_HEADER_MAX;
}

static void keep(struct http_reply *r, const char *at, size_t n)
{
	if (n > HTTP_BODY_KEPT_MAX - r->len)
		n = HTTP_BODY_KEPT_MAX - r->len;
	if (r->cap < r->len + n) {
		r->cap = 2 * (r->len + n);
		r->body = must(realloc(r->body, r->cap));
	}
	if (n)
		memcpy(r->body + r->len, at, n);
	r->len += n;
}

bool http_reply_body(struct http_reply *r, const char *at, size_t n)
{
	r->body_bytes += n;
	if (r->body_bytes > HTTP_BODY_MAX)
		return false;
	if (r->digest)
		EVP_DigestUpdate(r->digest, at, n);
	if (r->keep)
		keep(r, at, n);
	return true;
}

static bool status_wanted(const struct check_url *url, unsigned status)
{
	for (uint32_t i = 0; i < url->n_statuses; i++)
		if (status >= url->statuses[i].first && status <= url->statuses[i].last)
			return true;
	return false;
}

/* "200-299, 404" */
static void list_statuses(const struct check_url *url, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < url->n_statuses && len < size; i++) {
		const struct status_range *s = &url->statuses[i];

		len += (size_t)snprintf(text + len, size - len, "%s%u", i ? ", " : "", s->first);
		if (s->last != s->first && len < size)
			len += (size_t)snprintf(text + len, size - len, "-%u", s->last);
	}
}

void http_reply_digest(struct http_reply *r, char hex[33])
{
	unsigned char sum[EVP_MAX_MD_SIZE];

	EVP_DigestFinal_ex(r->digest, sum, NULL);
	hex_encode(sum, 16, hex);
}

static bool digest_is_right(struct http_reply *r, const struct check_url *url, char hex[33])
{
	http_reply_digest(r, hex);
	return strcmp(hex, url->digest) == 0;
}

/* NULL: it is as wanted. */
static const char *regex_complaint(const struct http_reply *r, const struct check_url *url)
{
	const struct pattern *p = patterns_get(url->regex, url->regex_options);
	size_t max = url->regex_max_offset == UINT32_MAX ? SIZE_MAX : url->regex_max_offset;

	if (!p)
		return "the regex can't be compiled";
	switch (pattern_match(p, r->body ? r->body : "", r->len, url->regex_min_offset, max)) {
	case PATTERN_MATCH:
		return url->regex_no_match ? "the regex matches" : NULL;
	case PATTERN_NO_MATCH:
		return url->regex_no_match ? NULL : "the regex does not match";
	case PATTERN_GIVEN_UP:
		break;
	}
	return "the regex takes too long to match";
}

void http_reply_judge(struct http_reply *r, const struct check_url *url, unsigned status,
		      struct check_result *ret)
{
	char wanted[80], hex[33];
	const char *complaint;

	ret->outcome = CHECK_FAIL;
	if (!status_wanted(url, status)) {
		list_statuses(url, wanted, sizeof(wanted));
		text_set(&ret->reason, "HTTP %u, wanted %s,", status, wanted);
		return;
	}
	if (r->digest && !digest_is_right(r, url, hex)) {
		text_set(&ret->reason, "HTTP %u, but the digest is %s,", status, hex);
		return;
	}
	complaint = url->regex[0] ? regex_complaint(r, url) : NULL;
	if (complaint) {
		text_set(&ret->reason, "HTTP %u, but %s,", status, complaint);
		return;
	}
	ret->outcome = CHECK_PASS;
	text_set(&ret->reason, "HTTP %u", status);
}
