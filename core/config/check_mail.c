/* SPDX-License-Identifier: Apache-2.0 */
/* Mail: where global_defs sends it, and which objects it tells of. */
#include <ctype.h>
#include <string.h>

#include "core/config/check.h"

#define SMTP_PORT	25
#define SMTP_TIMEOUT_US INT64_C(30000000)

/* It goes on a command line and into a URL. */
static bool is_host(const char *s)
{
	struct addr a;

	if (!addr_parse(s, &a))
		return true;
	for (const char *at = s; *at; at++)
		if (!isalnum((unsigned char)*at) && *at != '.' && *at != '-' && *at != '_')
			return false;
	return *s && *s != '-';
}

/* It goes between < and > of SMTP, and into a header (RFC 5321 §4.1.2, RFC 5322 §3.4). */
static bool value_mailbox(struct checker *c, const struct ast_word *w, const char **ret)
{
	bool good = w->s[0] && w->s[0] != '-';

	for (const char *at = w->s; *at; at++)
		good &= (unsigned char)*at > ' ' && *at != 0x7f && !strchr("<>,;", *at);
	if (good)
		*ret = value_string(c, w);
	else
		check_warn(c, &w->loc, "'%s' is not a mail address; it is left out", w->s);
	return good;
}

void set_global_smtp_server(struct checker *c, void *draft, const struct ast_node *n)
{
	struct global *g = &((struct global_draft *)draft)->g;
	int64_t port = SMTP_PORT;

	if (!is_host(n->word[1].s)) {
		check_warn(c, &n->word[1].loc,
			   "'%s' is neither an address nor a host's name; the line is left out",
			   n->word[1].s);
		return;
	}
	if (n->n_words > 2 && !value_number(c, &n->word[2], 1, 65535, &port))
		return;
	g->smtp_server = value_string(c, &n->word[1]);
	g->smtp_port = (uint16_t)port;
}

void set_global_smtp_helo(struct checker *c, void *draft, const struct ast_node *n)
{
	if (is_host(n->word[1].s))
		((struct global_draft *)draft)->g.smtp_helo_name = value_string(c, &n->word[1]);
	else
		check_warn(c, &n->word[1].loc, "'%s' is not a host's name; the line is left out",
			   n->word[1].s);
}

void set_global_mail_from(struct checker *c, void *draft, const struct ast_node *n)
{
	value_mailbox(c, &n->word[1], &((struct global_draft *)draft)->g.mail_from);
}

static void add_recipients(struct checker *c, struct global *g, const struct ast_word *words,
			   uint32_t n)
{
	g->mail_to = check_extend(c, g->mail_to, g->n_mail_to, n, sizeof(*g->mail_to));
	for (uint32_t i = 0; i < n; i++)
		g->n_mail_to += value_mailbox(c, &words[i], &g->mail_to[g->n_mail_to].address);
}

void set_global_mail_to(struct checker *c, void *draft, const struct ast_node *n)
{
	struct global_draft *d = draft;

	d->mail_to = n;
	add_recipients(c, &d->g, n->word + 1, n->n_words - 1);
	for (uint32_t i = 0; i < n->n_children; i++)
		add_recipients(c, &d->g, n->child[i].word, n->child[i].n_words);
}

bool mail_wanted(int8_t own, int8_t of_kind, int8_t of_all, bool otherwise)
{
	return own >= 0 ? own : of_kind >= 0 ? of_kind : of_all >= 0 ? of_all : otherwise;
}

void mail_init(struct global *g)
{
	g->smtp_server = g->smtp_helo_name = g->mail_from = "";
	g->smtp_port = 0;
	g->smtp_timeout_us = SMTP_TIMEOUT_US;
	g->mail_to = NULL;
	g->n_mail_to = 0;
}

/* As keepalived: without both there is no mail, and nothing is left of how it would be sent. */
void mail_finish(struct checker *c)
{
	struct global_draft *d = &c->global;

	if (d->mail_to && !d->g.smtp_server[0])
		check_warn(c, &d->mail_to->word[0].loc, "there is no smtp_server: no mail is sent");
	if (!d->g.smtp_server[0] || !d->g.n_mail_to)
		mail_init(&d->g);
}
