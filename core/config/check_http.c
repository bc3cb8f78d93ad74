/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP_GET and SSL_GET: what is asked for, and which answers are right. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"
#include "core/pattern.h"

#define STATUS_MIN 100
#define STATUS_MAX 599

void set_service_virtualhost(struct checker *c, void *draft, const struct ast_node *n)
{
	value_sendable(c, &n->word[1], &((struct service_draft *)draft)->virtualhost);
}

void set_server_virtualhost(struct checker *c, void *draft, const struct ast_node *n)
{
	value_sendable(c, &n->word[1], &((struct server_draft *)draft)->virtualhost);
}

void set_http_virtualhost(struct checker *c, void *draft, const struct ast_node *n)
{
	value_sendable(c, &n->word[1], &((struct check_draft *)draft)->virtualhost);
}

void set_http_basic_auth(struct checker *c, void *draft, const struct ast_node *n)
{
	struct check_http *h = &((struct check_draft *)draft)->http;

	/* RFC 7617 §2: the first colon ends the user. */
	if (!n->word[1].s[0] || strchr(n->word[1].s, ':')) {
		check_warn(c, &n->word[1].loc,
			   "basic_auth: a user is not empty and has no colon; the line is left out");
		return;
	}
	h->user = value_string(c, &n->word[1]);
	h->password = value_string(c, &n->word[2]);
}

void set_http_protocol(struct checker *c, void *draft, const struct ast_node *n)
{
	struct check_http *h = &((struct check_draft *)draft)->http;

	for (int i = HTTP_1_0; i <= HTTP_2; i++) {
		if (strcasecmp(http_protocol_name((enum http_protocol)i), n->word[1].s) == 0) {
			h->protocol = (uint8_t)i;
			return;
		}
	}
	check_warn(c, &n->word[1].loc, "'%s' is none of 1.0, 1.0C, 1.1, 2; the line is left out",
		   n->word[1].s);
}

void set_url_path(struct checker *c, void *draft, const struct ast_node *n)
{
	value_sendable(c, &n->word[1], &((struct url_draft *)draft)->u.path);
}

void set_url_virtualhost(struct checker *c, void *draft, const struct ast_node *n)
{
	value_sendable(c, &n->word[1], &((struct url_draft *)draft)->u.virtualhost);
}

void set_url_digest(struct checker *c, void *draft, const struct ast_node *n)
{
	struct check_url *u = &((struct url_draft *)draft)->u;
	char *digest = arena_strdup(c->arena, n->word[1].s);

	if (strlen(digest) != 32 || strspn(digest, "0123456789abcdefABCDEF") != 32) {
		check_warn(c, &n->word[1].loc,
			   "'%s' is not an MD5 digest of 32 hex digits; the line is left out",
			   digest);
		return;
	}
	for (char *at = digest; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	u->digest = digest;
}

/* "200", "200-299" */
static bool status_parse(const char *s, struct status_range *ret)
{
	unsigned long first, last;
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	first = last = strtoul(s, &end, 10);
	if (*end == '-' && isdigit((unsigned char)end[1]))
		last = strtoul(end + 1, &end, 10);
	if (*end || first < STATUS_MIN || last > STATUS_MAX || first > last)
		return false;
	*ret = (struct status_range){(uint16_t)first, (uint16_t)last};
	return true;
}

static void add_status(struct checker *c, struct check_url *u, struct status_range range)
{
	u->statuses = check_extend(c, u->statuses, u->n_statuses, 1, sizeof(*u->statuses));
	u->statuses[u->n_statuses++] = range;
}

void set_url_status(struct checker *c, void *draft, const struct ast_node *n)
{
	struct status_range range;

	for (uint32_t i = 1; i < n->n_words; i++) {
		if (status_parse(n->word[i].s, &range))
			add_status(c, &((struct url_draft *)draft)->u, range);
		else
			check_warn(c, &n->word[i].loc,
				   "'%s' is not a status or a range such as 200-299, "
				   "from %d to %d; it is left out",
				   n->word[i].s, STATUS_MIN, STATUS_MAX);
	}
}

void set_url_method(struct checker *c, void *draft, const struct ast_node *n)
{
	struct check_url *u = &((struct url_draft *)draft)->u;

	for (int i = HTTP_GET; i <= HTTP_OPTIONS; i++) {
		if (strcmp(http_request_name((enum http_request)i), n->word[1].s) == 0) {
			u->request = (uint8_t)i;
			return;
		}
	}
	check_warn(c, &n->word[1].loc,
		   "'%s' is none of GET, HEAD, POST, OPTIONS; the line is left out", n->word[1].s);
}

void set_url_body(struct checker *c, void *draft, const struct ast_node *n)
{
	((struct url_draft *)draft)->u.body = value_string(c, &n->word[1]);
}

/* RFC 9110 §5: a token, a colon, and what can be seen, with spaces inside. */
static const char *header_complaint(const char *s)
{
	size_t name = strspn(s, "!#$%&'*+-.^_`|~0123456789"
				"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	const char *value;

	if (!name || s[name] != ':')
		return "is not \"Name: value\"";
	value = s + name + 1 + strspn(s + name + 1, " \t");
	if (!*value)
		return "has no value";
	for (; *value; value++)
		if (((unsigned char)*value < ' ' && *value != '\t') || *value == 0x7f)
			return "has a control character in it";
	if (strncasecmp(s, "Host:", 5) == 0)
		return "is what virtualhost says";
	if (strncasecmp(s, "Content-Length:", 15) == 0 ||
	    strncasecmp(s, "Transfer-Encoding:", 18) == 0)
		return "follows from the body";
	return NULL;
}

void set_url_header(struct checker *c, void *draft, const struct ast_node *n)
{
	struct check_url *u = &((struct url_draft *)draft)->u;
	const char *complaint = header_complaint(n->word[1].s);

	if (complaint) {
		check_warn(c, &n->word[1].loc, "header: '%s' %s; it is left out", n->word[1].s,
			   complaint);
		return;
	}
	u->headers = check_extend(c, u->headers, u->n_headers, 1, sizeof(*u->headers));
	u->headers[u->n_headers++] = (struct http_header){value_string(c, &n->word[1])};
}

void set_url_regex(struct checker *c, void *draft, const struct ast_node *n)
{
	((struct url_draft *)draft)->regex = n;
}

void set_url_regex_options(struct checker *c, void *draft, const struct ast_node *n)
{
	uint32_t bit;

	for (uint32_t i = 1; i < n->n_words; i++) {
		if (pattern_option_parse(n->word[i].s, &bit))
			((struct url_draft *)draft)->u.regex_options |= bit;
		else
			check_warn(c, &n->word[i].loc,
				   "'%s' is not a regex option; it is left out", n->word[i].s);
	}
}

static void forget_regex(struct check_url *u)
{
	u->regex = "";
	u->regex_options = 0;
	u->regex_no_match = false;
	u->regex_min_offset = 0;
	u->regex_max_offset = UINT32_MAX;
}

static void finish_regex(struct checker *c, struct url_draft *d, const struct ast_node *block)
{
	struct check_url *u = &d->u;
	struct pattern *p = NULL;
	struct text reason;

	if (!d->regex) {
		if (u->regex_options || u->regex_no_match || u->regex_min_offset ||
		    u->regex_max_offset != UINT32_MAX)
			check_warn(c, &block->word[0].loc,
				   "regex options, but no regex; they are left out");
		forget_regex(u);
		return;
	}
	u->regex = value_string(c, &d->regex->word[1]);
	if (pattern_new(u->regex, u->regex_options, &p, &reason) < 0) {
		check_warn(c, &d->regex->word[1].loc, "regex: %s; it is left out", reason.s);
		forget_regex(u);
	}
	pattern_free(p);
	if (u->regex_min_offset > u->regex_max_offset) {
		check_warn(c, &block->word[0].loc,
			   "regex_min_offset %u is more than regex_max_offset %u; "
			   "both are left out",
			   u->regex_min_offset, u->regex_max_offset);
		u->regex_min_offset = 0;
		u->regex_max_offset = UINT32_MAX;
	}
}

static void finish_body(struct checker *c, struct check_url *u, const struct ast_node *block)
{
	if (!u->body[0] || u->request == HTTP_POST || u->request == HTTP_OPTIONS)
		return;
	check_warn(c, &block->word[0].loc, "a body goes with POST and OPTIONS only; it is left out");
	u->body = "";
}

void set_http_url(struct checker *c, void *draft, const struct ast_node *n)
{
	const struct check_draft *around = draft;
	struct check_http *h = &((struct check_draft *)draft)->http;
	struct url_draft d = {.tls_compliant = around->tls_compliant,
			      .u = {.path = "",
				    .virtualhost = "",
				    .digest = "",
				    .regex = "",
				    .body = "",
				    .regex_max_offset = UINT32_MAX}};

	check_block(c, PLACE_URL, &d, n);
	d.u.tls_compliant = d.tls_compliant && around->c.method == CHECK_SSL;
	if (d.tls_compliant && !d.u.tls_compliant)
		check_warn(c, &n->word[0].loc, "tls_compliant is for SSL_GET; it is left out");
	if (!d.u.path[0]) {
		check_warn(c, &n->word[0].loc, "a url without path; it is left out");
		return;
	}
	if (!d.u.n_statuses)
		add_status(c, &d.u, (struct status_range){200, 299});
	finish_regex(c, &d, n);
	finish_body(c, &d.u, n);
	h->urls = check_extend(c, h->urls, h->n_urls, 1, sizeof(*h->urls));
	h->urls[h->n_urls++] = d.u;
}

bool http_finish(struct checker *c, struct check_draft *d, const char *virtualhost,
		 struct check *ret)
{
	const char *around = d->virtualhost ? d->virtualhost : virtualhost;
	struct check_http *h;

	if (!d->http.n_urls) {
		check_warn(c, &d->node->word[0].loc, "%s has no url; it is left out",
			   d->node->word[0].s);
		return false;
	}
	for (uint32_t i = 0; around && i < d->http.n_urls; i++)
		if (!d->http.urls[i].virtualhost[0])
			d->http.urls[i].virtualhost = around;
	h = arena_alloc(c->arena, sizeof(*h));
	*h = d->http;
	ret->http = h;
	ret->n_http = 1;
	return true;
}
