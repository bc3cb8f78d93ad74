/* SPDX-License-Identifier: Apache-2.0 */
/* What the methods of checks have of their own; that of HTTP_GET and SSL_GET is in check_http.c. */
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"
#include "core/config/names.h"

#define DNS_NAME_MAX  253
#define DNS_LABEL_MAX 63
#define DNS_TYPE_SOA  6
#define REPLY_DEFAULT_MAX 255
#define GRPC_SERVICE_MAX  256

enum check_method method_of(enum keyword_place place)
{
	switch ((int)place) {
	case PLACE_CHECK_HTTP:
		return CHECK_HTTP;
	case PLACE_CHECK_SSL:
		return CHECK_SSL;
	case PLACE_CHECK_MISC:
		return CHECK_MISC;
	case PLACE_CHECK_PING:
		return CHECK_PING;
	case PLACE_CHECK_UDP:
		return CHECK_UDP;
	case PLACE_CHECK_DNS:
		return CHECK_DNS;
	case PLACE_CHECK_SMTP:
		return CHECK_SMTP;
	case PLACE_CHECK_GRPC:
		return CHECK_GRPC;
	case PLACE_CHECK_AGENT:
		return CHECK_AGENT;
	case PLACE_CHECK_FILE:
		return CHECK_FILE;
	}
	return CHECK_TCP;
}

void method_init(struct check_draft *d)
{
	tls_init(&d->tls);
	d->http = (struct check_http){.user = "", .password = ""};
	d->misc = (struct check_misc){.command = "", .user = "", .group = ""};
	d->udp = (struct check_udp){.payload = "", .reply = ""};
	d->max_reply_length = -1;
	d->dns = (struct check_dns){.type = DNS_TYPE_SOA, .name = "."};
	d->smtp = (struct check_smtp){.helo = "smtpchecker.keepalived.org"};
	d->grpc = (struct check_grpc){.service = "", .authority = ""};
	d->agent = (struct agent_ask){.bytes = ""};
}

bool method_connects(enum check_method method)
{
	return method != CHECK_MISC && method != CHECK_FILE;
}

/* MISC_CHECK */

void set_misc_path(struct checker *c, void *draft, const struct ast_node *n)
{
	((struct check_draft *)draft)->misc.command = value_string(c, &n->word[1]);
}

void set_misc_user(struct checker *c, void *draft, const struct ast_node *n)
{
	struct check_misc *m = &((struct check_draft *)draft)->misc;

	m->user = value_string(c, &n->word[1]);
	m->group = n->n_words > 2 ? value_string(c, &n->word[2]) : "";
}

static bool misc_finish(struct checker *c, struct check_draft *d, struct check *ret)
{
	if (!d->misc.command[strspn(d->misc.command, " \t\n")]) {
		check_warn(c, &d->node->word[0].loc, "MISC_CHECK has no misc_path; it is left out");
		return false;
	}
	ret->misc = arena_alloc(c->arena, sizeof(*ret->misc));
	*ret->misc = d->misc;
	ret->n_misc = 1;
	return true;
}

/* UDP_CHECK */

void set_udp_payload(struct checker *c, void *draft, const struct ast_node *n)
{
	((struct check_draft *)draft)->udp.payload = hex_of_line(c, n, false) ?: "";
}

void set_udp_reply(struct checker *c, void *draft, const struct ast_node *n)
{
	struct check_udp *u = &((struct check_draft *)draft)->udp;

	u->require_reply = true;
	u->reply = hex_of_line(c, n, true) ?: "";
}

static void udp_finish(struct checker *c, struct check_draft *d, struct check *ret)
{
	struct check_udp *u = &d->udp;
	bool asked = u->min_reply_length || d->max_reply_length >= 0;

	u->max_reply_length = d->max_reply_length >= 0 ? (uint16_t)d->max_reply_length
			      : u->reply[0]	       ? REPLY_DEFAULT_MAX
						       : UINT16_MAX;
	if (!u->require_reply) {
		if (asked)
			check_warn(c, &d->node->word[0].loc,
				   "a reply's length without require_reply; it is left out");
		u->min_reply_length = 0;
		u->max_reply_length = UINT16_MAX;
	}
	if (u->min_reply_length > u->max_reply_length)
		check_warn(c, &d->node->word[0].loc,
			   "min_reply_length %u is more than max_reply_length %u: it never passes",
			   u->min_reply_length, u->max_reply_length);
	ret->udp = arena_alloc(c->arena, sizeof(*ret->udp));
	*ret->udp = *u;
	ret->n_udp = 1;
}

/* DNS_CHECK */

static bool is_dns_name(const char *s)
{
	if (!strcmp(s, "."))
		return true;
	if (!*s || strlen(s) > DNS_NAME_MAX)
		return false;
	while (*s) {
		size_t len = strcspn(s, ".");

		if (!len || len > DNS_LABEL_MAX)
			return false;
		s += len + (s[len] == '.');
	}
	return true;
}

void set_dns_name(struct checker *c, void *draft, const struct ast_node *n)
{
	if (is_dns_name(n->word[1].s))
		((struct check_draft *)draft)->dns.name = value_string(c, &n->word[1]);
	else
		check_warn(c, &n->word[1].loc, "'%s' is not a domain name; the line is left out",
			   n->word[1].s);
}

void set_dns_type(struct checker *c, void *draft, const struct ast_node *n)
{
	if (!name_dns_type_parse(n->word[1].s, &((struct check_draft *)draft)->dns.type))
		check_warn(c, &n->word[1].loc,
			   "'%s' is not a record type such as A, SOA or TYPE99; "
			   "the line is left out",
			   n->word[1].s);
}

/* SMTP_CHECK */

void set_smtp_helo(struct checker *c, void *draft, const struct ast_node *n)
{
	const char *s = n->word[1].s;

	for (const char *at = s; *at; at++) {
		if ((unsigned char)*at > ' ' && *at != 0x7f)
			continue;
		check_warn(c, &n->word[1].loc, "'%s' can't be sent as a name; it is left out", s);
		return;
	}
	((struct check_draft *)draft)->smtp.helo = value_string(c, &n->word[1]);
}

/* Each host is a check of its own: the server is up when all of them pass. */
void set_smtp_host(struct checker *c, void *draft, const struct ast_node *n)
{
	struct check_draft *d = draft;

	d->hosts = check_extend(c, d->hosts, d->n_hosts, 1, sizeof(*d->hosts));
	d->hosts[d->n_hosts++] = n;
}

/* GRPC_CHECK */

void set_grpc_service(struct checker *c, void *draft, const struct ast_node *n)
{
	const char *s = n->word[1].s;

	if (strlen(s) > GRPC_SERVICE_MAX)
		check_warn(c, &n->word[1].loc, "a service's name has at most %d bytes; it is left out",
			   GRPC_SERVICE_MAX);
	else
		((struct check_draft *)draft)->grpc.service = value_string(c, &n->word[1]);
}

static void grpc_finish(struct checker *c, struct check_draft *d, const char *virtualhost,
			struct check *ret)
{
	ret->grpc = arena_alloc(c->arena, sizeof(*ret->grpc));
	*ret->grpc = d->grpc;
	ret->grpc->authority = d->virtualhost ? d->virtualhost : virtualhost ? virtualhost : "";
	ret->n_grpc = 1;
}

/* FILE_CHECK */

void set_check_file(struct checker *c, void *draft, const struct ast_node *n)
{
	const struct tracker_draft *t = track_find(c, TRACK_FILE, &n->word[1]);

	if (t)
		((struct check_draft *)draft)->tracked_file = t;
}

void set_check_file_weight(struct checker *c, void *draft, const struct ast_node *n)
{
	((struct check_draft *)draft)->file_weight = n;
}

/* What it leaves out is as in the track_file. */
static bool file_finish(struct checker *c, const struct check_draft *d, struct check *ret)
{
	const struct tracker_draft *t = d->tracked_file;
	struct check_file *f;

	if (!t) {
		check_warn(c, &d->node->word[0].loc, "FILE_CHECK has no track_file; it is left out");
		return false;
	}
	f = arena_alloc(c->arena, sizeof(*f));
	*f = (struct check_file){
		.id = t->id, .name = t->name, .weight = t->weight, .reverse = t->reverse};
	if (d->file_weight) {
		f->reverse = false;
		track_read_weight(c, d->file_weight, 0, -INT32_MAX, INT32_MAX, &f->weight,
				  &f->reverse);
	}
	ret->file = f;
	ret->n_file = 1;
	return true;
}

bool method_finish(struct checker *c, struct check_draft *d, const char *virtualhost,
		   struct check *ret)
{
	tls_finish(c, d, ret);
	switch ((enum check_method)ret->method) {
	case CHECK_HTTP:
	case CHECK_SSL:
		return http_finish(c, d, virtualhost, ret);
	case CHECK_MISC:
		return misc_finish(c, d, ret);
	case CHECK_UDP:
		udp_finish(c, d, ret);
		break;
	case CHECK_DNS:
		ret->dns = arena_alloc(c->arena, sizeof(*ret->dns));
		*ret->dns = d->dns;
		ret->n_dns = 1;
		break;
	case CHECK_SMTP:
		ret->smtp = arena_alloc(c->arena, sizeof(*ret->smtp));
		*ret->smtp = d->smtp;
		ret->n_smtp = 1;
		break;
	case CHECK_GRPC:
		grpc_finish(c, d, virtualhost, ret);
		break;
	case CHECK_AGENT:
		ret->agent = arena_alloc(c->arena, sizeof(*ret->agent));
		*ret->agent = d->agent;
		ret->n_agent = 1;
		break;
	case CHECK_FILE:
		return file_finish(c, d, ret);
	case CHECK_TCP:
	case CHECK_PING:
		break;
	}
	return true;
}
