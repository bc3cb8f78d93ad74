/* SPDX-License-Identifier: Apache-2.0 */
/* How checks speak TLS: their own keywords, and the SSL block for those that leave things out. */
#include "core/arena.h"
#include "core/config/check.h"

void set_tls_ca(struct checker *c, void *draft, const struct ast_node *n)
{
	((struct check_tls *)draft)->ca = value_string(c, &n->word[1]);
}

void set_tls_certificate(struct checker *c, void *draft, const struct ast_node *n)
{
	((struct check_tls *)draft)->certificate = value_string(c, &n->word[1]);
}

void set_tls_key(struct checker *c, void *draft, const struct ast_node *n)
{
	((struct check_tls *)draft)->key = value_string(c, &n->word[1]);
}

void set_tls_key_password(struct checker *c, void *draft, const struct ast_node *n)
{
	((struct check_tls *)draft)->key_password = value_string(c, &n->word[1]);
}

#define OF_CHECK(fn)                                                              \
	void set_check_##fn(struct checker *c, void *draft, const struct ast_node *n) \
	{                                                                         \
		set_##fn(c, &((struct check_draft *)draft)->tls, n);              \
	}
OF_CHECK(tls_ca)
OF_CHECK(tls_certificate)
OF_CHECK(tls_key)
OF_CHECK(tls_key_password)

void set_check_sni_name(struct checker *c, void *draft, const struct ast_node *n)
{
	value_sendable(c, &n->word[1], &((struct check_draft *)draft)->tls.name);
}

void tls_init(struct check_tls *t)
{
	*t = (struct check_tls){
		.name = "", .ca = "", .certificate = "", .key = "", .key_password = ""};
}

void tls_read_default(struct checker *c, const struct ast_node *block)
{
	check_block(c, PLACE_SSL, &c->global.tls, block);
}

/* What the check leaves out. A key goes with its certificate. */
static void take_defaults(struct check_tls *t, const struct check_tls *from)
{
	if (!t->ca[0])
		t->ca = from->ca;
	if (t->certificate[0])
		return;
	t->certificate = from->certificate;
	t->key = from->key;
	t->key_password = from->key_password;
}

static bool says_anything(const struct check_tls *t)
{
	return t->verify || t->ca[0] || t->certificate[0] || t->key[0] || t->expiry_warning_days;
}

static void warn_of_useless(struct checker *c, const struct check_draft *d)
{
	const struct ast_loc *loc = &d->node->word[0].loc;

	if (d->tls.ca[0] && !d->tls.verify)
		check_warn(c, loc, "tls_ca without tls_verify: no certificate is verified");
	if (d->tls.key[0] && !d->tls.certificate[0])
		check_warn(c, loc, "tls_key without tls_certificate; it is left out");
}

void tls_finish(struct checker *c, const struct check_draft *d, struct check *ret)
{
	if (ret->method != CHECK_SSL && !d->tls_wanted) {
		if (says_anything(&d->tls))
			check_warn(c, &d->node->word[0].loc,
				   "tls_ keywords without tls; they are left out");
		return;
	}
	warn_of_useless(c, d);
	ret->tls = arena_alloc(c->arena, sizeof(*ret->tls));
	*ret->tls = d->tls;
	ret->n_tls = 1;
	take_defaults(ret->tls, &c->global.tls);
}
