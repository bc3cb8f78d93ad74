/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the syntax tree along keyword.def: places, arity, unknown names, simple fields. What an
 * object means is in the check_*.c of its area.
 */
#include "core/config/check.h"

#include <stdarg.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/config.h"

static void check_addv(struct checker *c, enum diag_level level, const struct ast_loc *loc,
		       const char *fmt, va_list ap)
{
	diags_add(c->diags, level, loc, "%s", arena_vprintf(c->arena, fmt, ap));
}

void check_warn(struct checker *c, const struct ast_loc *loc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	check_addv(c, DIAG_WARNING, loc, fmt, ap);
	va_end(ap);
}

void check_error(struct checker *c, const struct ast_loc *loc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	check_addv(c, DIAG_ERROR, loc, fmt, ap);
	va_end(ap);
}

void check_later(struct checker *c, const struct ast_loc *loc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	check_addv(c, DIAG_NOT_HONOURED, loc, fmt, ap);
	va_end(ap);
}

void *check_extend(struct checker *c, const void *array, uint32_t n, uint32_t more, size_t size)
{
	void *bigger = arena_array(c->arena, (size_t)n + more, size);

	if (n)
		memcpy(bigger, array, n * size);
	return bigger;
}

/* Ids */

static void ids_grow(struct checker *c)
{
	struct id_place *old = c->ids;
	size_t old_size = c->ids_size;

	c->ids_size = old_size ? old_size * 2 : 256;
	c->ids = arena_array(c->arena, c->ids_size, sizeof(*c->ids));
	c->n_ids = 0;
	for (size_t i = 0; i < old_size; i++)
		if (old[i].id)
			check_id(c, old[i].id, old[i].loc);
}

const struct ast_loc *check_id(struct checker *c, uint64_t id, const struct ast_loc *loc)
{
	size_t i;

	if (c->n_ids * 2 >= c->ids_size)
		ids_grow(c);
	for (i = id & (c->ids_size - 1); c->ids[i].id; i = (i + 1) & (c->ids_size - 1))
		if (c->ids[i].id == id)
			return c->ids[i].loc;
	c->ids[i] = (struct id_place){.id = id, .loc = loc};
	c->n_ids++;
	return NULL;
}

/* Keywords */

/* "in HTTP_GET, SSL_GET or host": all places that know it, none of which is the top level. */
static const char *places_of(struct checker *c, const char *name)
{
	const char *names[PLACE_COUNT], *text = "in";
	uint32_t n = 0;

	for (enum keyword_place p = PLACE_ROOT + 1; p < PLACE_COUNT; p++)
		if (keyword_find(p, name))
			names[n++] = keyword_place_name(p) + strlen("in ");
	for (uint32_t i = 0; i < n; i++)
		text = arena_printf(c->arena, "%s%s%s", text,
				    !i ? " " : i + 1 < n ? ", " : " or ", names[i]);
	return text;
}

/* Where a name belongs that is not of this place. */
static const char *home_of(struct checker *c, enum keyword_place place, const char *name)
{
	enum keyword_place around = keyword_around(place, name);

	return around != PLACE_COUNT ? keyword_place_name(around) : places_of(c, name);
}

static void check_unknown(struct checker *c, enum keyword_place place, const struct ast_node *n)
{
	const struct ast_word *w = &n->word[0];
	const struct keyword *k = keyword_suggest(place, w->s);

	if (!k)
		check_warn(c, &w->loc, "unknown keyword '%s' %s; it is left out", w->s,
			   keyword_place_name(place));
	else if (k->place == place)
		check_warn(c, &w->loc,
			   "unknown keyword '%s' %s (did you mean '%s'?); it is left out", w->s,
			   keyword_place_name(place), k->name);
	else
		check_warn(c, &w->loc, "keyword '%s' belongs %s, not %s; it is left out", w->s,
			   home_of(c, place, w->s), keyword_place_name(place));
}

static const struct keyword *check_alias(struct checker *c, const struct keyword *k,
					 const struct ast_node *n)
{
	if (k->kind != KEYWORD_ALIAS)
		return k;
	check_warn(c, &n->word[0].loc, "'%s' is the old name of '%s'", k->name, k->note);
	return keyword_find(k->place, k->note);
}

/* Words, and a block or none. False when the line cannot be used. */
static bool check_shape(struct checker *c, const struct keyword *k, const struct ast_node *n)
{
	int words = (int)n->n_words - 1;

	if (words < k->min && !(k->block == BLOCK_MAYBE && n->has_block)) {
		check_error(c, &n->word[0].loc, "'%s' wants %s%d word%s behind it", k->name,
			    k->min == k->max ? "" : "at least ", k->min, k->min == 1 ? "" : "s");
		return false;
	}
	if (k->max >= 0 && words > k->max)
		diags_add(c->diags, DIAG_NOTE, &n->word[k->max + 1].loc,
			  "'%s' and what follows on this line is not used by '%s'",
			  n->word[k->max + 1].s, k->name);
	if (n->has_block && k->block == BLOCK_NONE)
		check_warn(c, &n->word[0].loc, "'%s' takes no block; the block is left out",
			   k->name);
	if (!n->has_block && (k->block == BLOCK_KEYWORDS || k->block == BLOCK_VALUES))
		check_warn(c, &n->word[0].loc, "'{' is missing after '%s'; it counts as empty",
			   k->name);
	return true;
}

static void field_store(const struct keyword *k, void *draft, int64_t value)
{
	unsigned char *at = (unsigned char *)draft + k->offset;

	/* Little- or big-endian, signed or not: the range has been checked against the field. */
	switch (k->size) {
	case 1:
		*(uint8_t *)at = (uint8_t)value;
		break;
	case 2:
		memcpy(at, &(uint16_t){(uint16_t)value}, 2);
		break;
	case 4:
		memcpy(at, &(uint32_t){(uint32_t)value}, 4);
		break;
	case 8:
		memcpy(at, &value, 8);
		break;
	}
}

static void check_field(struct checker *c, const struct keyword *k, void *draft,
			const struct ast_node *n)
{
	int64_t value = k->lo;
	bool on = true, ok = true;

	if (k->kind == KEYWORD_NUMBER) {
		ok = value_number(c, &n->word[1], k->lo, k->hi, &value);
	} else if (k->kind == KEYWORD_SECONDS) {
		ok = value_seconds(c, &n->word[1], k->lo, k->hi, &value);
	} else if (k->kind == KEYWORD_WHOLE_SECONDS) {
		ok = value_number(c, &n->word[1], k->lo,
				  k->hi < UINT32_MAX ? k->hi : UINT32_MAX, &value);
		value *= 1000000;
	} else if (k->kind == KEYWORD_BOOL) {
		ok = n->n_words < 2 || value_bool(c, &n->word[1], &on);
		value = on;
	}
	if (ok)
		field_store(k, draft, value);
}

/* A keyword whose block is not honoured: only unknown names in it are worth a word. */
static void check_later_block(struct checker *c, const struct keyword *k, const struct ast_node *n)
{
	if (k->note)
		check_later(c, &n->word[0].loc, "'%s': %s", k->name, k->note);
	if (k->block == BLOCK_KEYWORDS)
		check_block(c, k->inner, NULL, n);
}

static void check_line(struct checker *c, enum keyword_place place, void *draft,
		       const struct ast_node *n)
{
	const struct keyword *k = keyword_find(place, n->word[0].s);

	if (!k) {
		check_unknown(c, place, n);
		return;
	}
	k = check_alias(c, k, n);
	if (!check_shape(c, k, n))
		return;
	switch (k->kind) {
	case KEYWORD_NUMBER:
	case KEYWORD_SECONDS:
	case KEYWORD_WHOLE_SECONDS:
	case KEYWORD_BOOL:
	case KEYWORD_FLAG:
		check_field(c, k, draft, n);
		break;
	case KEYWORD_CALL:
		if (k->set)
			k->set(c, draft, n);
		break;
	case KEYWORD_LATER:
		check_later_block(c, k, n);
		break;
	case KEYWORD_INSTEAD:
		diags_add(c->diags, DIAG_NOTE, &n->word[0].loc, "'%s' changes nothing here: %s",
			  k->name, k->note);
		break;
	case KEYWORD_ALWAYS:
	case KEYWORD_ALIAS:
		break;
	}
}

void check_block(struct checker *c, enum keyword_place place, void *draft,
		 const struct ast_node *block)
{
	for (uint32_t i = 0; i < block->n_children; i++)
		check_line(c, place, draft, &block->child[i]);
}

void check_block_part(struct checker *c, enum keyword_place place, void *draft,
		      const struct ast_node *block, const char *name, bool only)
{
	for (uint32_t i = 0; i < block->n_children; i++)
		if (!strcmp(block->child[i].word[0].s, name) == only)
			check_line(c, place, draft, &block->child[i]);
}

/* global_defs and SSL first: they hold for objects that stand before them, too. */
static void check_globals(struct checker *c, const struct ast_node *root)
{
	global_init(c);
	for (uint32_t i = 0; i < root->n_children; i++) {
		const struct ast_node *n = &root->child[i];

		if (!strcmp(n->word[0].s, "global_defs"))
			check_block(c, PLACE_GLOBAL, &c->global, n);
		else if (!strcmp(n->word[0].s, "SSL"))
			tls_read_default(c, n);
	}
	global_finish(c);
	notify_finish(c);
	mail_finish(c);
}

static const struct model *check_model(struct checker *c)
{
	struct model *m = arena_alloc(c->arena, sizeof(*m));

	m->global = arena_alloc(c->arena, sizeof(*m->global));
	*m->global = c->global.g;
	m->n_global = 1;
	m->instances = c->instances;
	m->n_instances = c->n_instances;
	m->groups = c->groups;
	m->n_groups = c->n_groups;
	track_finish(c, m);
	m->static_addresses = c->addresses;
	m->n_static_addresses = c->n_addresses;
	m->static_routes = c->routes;
	m->n_static_routes = c->n_routes;
	m->static_rules = c->rules;
	m->n_static_rules = c->n_rules;
	m->track_groups = c->track_groups;
	m->n_track_groups = c->n_track_groups;
	m->services = c->services;
	m->n_services = c->n_services;
	m->services_hash = model_services_hash(m);
	m->uncopied = pair_uncopied(c, &m->n_uncopied);
	return m;
}

const struct model *config_check(struct arena *arena, const struct ast_node *root,
				 struct diags *diags)
{
	struct checker c = {.arena = arena, .diags = diags, .root = root};

	check_block(&c, PLACE_ROOT, NULL, root);
	check_globals(&c, root);
	daemon_check_all(&c, root);
	track_check_all(&c, root);
	static_check_all(&c, root);
	service_check_all(&c, root);
	link_check_all(&c, root);
	vrrp_check_all(&c, root);
	sync_group_check_all(&c, root);
	static_finish(&c, root);
	lvs_finish(&c);
	sync_check(&c, root);
	pair_link_all(&c);
	return check_model(&c);
}
