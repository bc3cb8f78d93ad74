/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth_hmac of an instance. A secret that stands in the file goes into the model; where another
 * file has it, the model has the place, and the supervisor reads it. Nothing here prints one.
 */
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"
#include "core/config/secret.h"

#define KEYS_MAX       8
#define WINDOW_LEAST_S 5

static const char key_forms[] = "hex:DIGITS, file:/PATH, credential:NAME or the text itself";

static bool has_id(const struct auth_hmac *h, int64_t id)
{
	for (uint32_t i = 0; i < h->n_keys; i++)
		if (h->keys[i].id == id)
			return true;
	return false;
}

static bool is_place(const char *s)
{
	const char *name = s + strlen("credential:");

	if (!strncmp(s, "file:/", 6))
		return s[6];
	return !strncmp(s, "credential:", 11) && *name && !strchr(name, '/') && name[0] != '.';
}

/* As a password is: a backslash means itself outside of quotes. */
static const char *written(const struct ast_word *w)
{
	return w->quoted ? w->s : ast_raw(w);
}

/* The third word of keepalived's, between the id and the key, names the algorithm. */
static const struct ast_word *key_word(struct checker *c, const struct ast_node *n)
{
	const struct ast_word *algorithm = &n->word[2];

	if (n->n_words < 4)
		return &n->word[2];
	if (strcmp(algorithm->s, "hmac-sha256") != 0 && strcmp(algorithm->s, "sha256") != 0) {
		check_error(c, &algorithm->loc, "the algorithm is hmac-sha256, or is left out");
		return NULL;
	}
	return &n->word[3];
}

static bool read_key(struct checker *c, const struct ast_word *w, struct hmac_key *ret)
{
	const char *s = written(w), *why;

	ret->source = ret->secret = "";
	if (is_place(s)) {
		ret->source = arena_strdup(c->arena, s);
		return true;
	}
	if (!strncmp(s, "file:", 5) || !strncmp(s, "credential:", 11)) {
		check_error(c, &w->loc, "a key is %s", key_forms);
		return false;
	}
	ret->secret = secret_key(c->arena, s, &why);
	if (!ret->secret)
		check_error(c, &w->loc, "%s", why);
	return ret->secret;
}

void set_hmac_key(struct checker *c, void *draft, const struct ast_node *n)
{
	struct auth_hmac *h = &((struct vrrp_draft *)draft)->hmac;
	const struct ast_word *w = key_word(c, n);
	struct hmac_key key;
	int64_t id;

	if (!w || !value_number(c, &n->word[1], 1, 255, &id))
		return;
	if (has_id(h, id)) {
		check_error(c, &n->word[1].loc, "there is a key %d already", (int)id);
		return;
	}
	if (h->n_keys == KEYS_MAX) {
		check_error(c, &n->word[1].loc, "there are at most %d keys", KEYS_MAX);
		return;
	}
	if (!read_key(c, w, &key))
		return;
	key.id = (uint8_t)id;
	h->keys = check_extend(c, h->keys, h->n_keys, 1, sizeof(key));
	h->keys[h->n_keys++] = key;
}

/* A word of a list; a wrong one would weaken what is meant to protect. */
static int choose(struct checker *c, const struct ast_node *n, const char *const *names,
		  int n_names)
{
	for (int i = 0; i < n_names; i++)
		if (!strcmp(n->word[1].s, names[i]))
			return i;
	check_error(c, &n->word[1].loc, "'%s' is no %s: %s, %s%s%s", n->word[1].s, n->word[0].s,
		    names[0], names[1], n_names > 2 ? ", " : "", n_names > 2 ? names[2] : "");
	return 0;
}

void set_hmac_mode(struct checker *c, void *draft, const struct ast_node *n)
{
	static const char *const names[] = {"enforce", "permissive", "receive-only"};

	((struct vrrp_draft *)draft)->hmac.mode = (uint8_t)choose(c, n, names, HMAC_MODES);
}

void set_hmac_anti_replay(struct checker *c, void *draft, const struct ast_node *n)
{
	static const char *const names[] = {"time", "monotonic"};

	((struct vrrp_draft *)draft)->hmac.monotonic = choose(c, n, names, 2) == 1;
}

void set_vrrp_hmac(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_draft *d = draft;

	d->hmac_node = n;
	check_block(c, PLACE_AUTH_HMAC, draft, n);
}

/* Three intervals: a sender whose clock is right is never refused for one lost advertisement. */
static uint16_t default_window_s(const struct vrrp_instance *v)
{
	unsigned s = (3u * v->adver_int_cs + 99) / 100;

	return (uint16_t)(s < WINDOW_LEAST_S ? WINDOW_LEAST_S : s > 300 ? 300 : s);
}

void hmac_finish(struct checker *c, struct vrrp_draft *d)
{
	const struct ast_loc *loc = d->hmac_node ? &d->hmac_node->word[0].loc : NULL;
	struct auth_hmac *h = &d->hmac;

	if (!loc)
		return;
	if (!h->n_keys)
		check_error(c, loc, "auth_hmac has no key: key ID and %s", key_forms);
	else if (!h->active_key && h->n_keys == 1)
		h->active_key = h->keys[0].id;
	if (h->n_keys && !has_id(h, h->active_key) && h->mode != HMAC_RECEIVE_ONLY) {
		if (h->active_key)
			check_error(c, loc, "active_key %u is none of the keys", h->active_key);
		else
			check_error(c, loc, "there are several keys: active_key says which signs");
	}
	if (!h->window_s)
		h->window_s = default_window_s(&d->v);
	d->v.hmac = arena_alloc(c->arena, sizeof(*h));
	*d->v.hmac = *h;
	d->v.n_hmac = 1;
}
