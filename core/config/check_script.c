/* SPDX-License-Identifier: Apache-2.0 */
/* vrrp_script, and the lines that track one. Knows nothing of what a script's result does. */
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"

void set_script_command(struct checker *c, void *draft, const struct ast_node *n)
{
	((struct script_draft *)draft)->s.command = value_string(c, &n->word[1]);
}

void set_script_user(struct checker *c, void *draft, const struct ast_node *n)
{
	struct track_script *s = &((struct script_draft *)draft)->s;

	s->user = value_string(c, &n->word[1]);
	s->group = n->n_words > 2 ? value_string(c, &n->word[2]) : "";
}

/* "weight N reverse", from word `i` on; what does not fit is left out. */
static void read_weight(struct checker *c, const struct ast_node *n, uint32_t i, int32_t *ret,
			bool *ret_reverse)
{
	int64_t weight;

	for (; i < n->n_words; i++) {
		const struct ast_word *w = &n->word[i];

		if (!strcmp(w->s, "reverse"))
			*ret_reverse = true;
		else if (!strcmp(w->s, "noreverse") || !strcmp(w->s, "no_reverse"))
			*ret_reverse = false;
		else if (strcmp(w->s, "weight") || i + 1 == n->n_words)
			check_warn(c, &w->loc, "'%s' is not weight or reverse; it is left out",
				   w->s);
		else if (value_number(c, &n->word[++i], -253, 253, &weight))
			*ret = (int32_t)weight;
	}
}

void set_script_weight(struct checker *c, void *draft, const struct ast_node *n)
{
	struct script_draft *d = draft;

	read_weight(c, n, 0, &d->weight, &d->reverse);
}

static struct script_draft *find(const struct checker *c, const char *name)
{
	for (uint32_t i = 0; i < c->n_scripts; i++)
		if (!strcmp(c->scripts[i].s.name, name))
			return &c->scripts[i];
	return NULL;
}

static void add_tracked(struct checker *c, const struct ast_node *n, struct tracked *list,
			uint32_t *n_list)
{
	const struct ast_word *w = &n->word[0];
	struct script_draft *d = find(c, w->s);
	struct tracked t;

	if (!d) {
		check_warn(c, &w->loc, "there is no vrrp_script '%s'; the line is left out", w->s);
		return;
	}
	for (uint32_t i = 0; i < *n_list; i++) {
		if (list[i].tracker != d->s.id)
			continue;
		check_warn(c, &w->loc, "%s is tracked already; the line is left out", w->s);
		return;
	}
	t = (struct tracked){
		.tracker = d->s.id, .name = d->s.name, .weight = d->weight, .reverse = d->reverse};
	read_weight(c, n, 1, &t.weight, &t.reverse);
	d->used = true;
	list[(*n_list)++] = t;
}

void script_add_tracked(struct checker *c, const struct ast_node *n, struct tracked **list,
			uint32_t *n_list)
{
	*list = check_extend(c, *list, *n_list, n->n_children, sizeof(**list));
	for (uint32_t i = 0; i < n->n_children; i++)
		add_tracked(c, &n->child[i], *list, n_list);
}

static void script_check(struct checker *c, const struct ast_node *n)
{
	struct script_draft d = {
		.node = n,
		.s = {.command = "",
		      .interval_us = 1000000,
		      .rise = 1,
		      .fall = 1,
		      .user = "",
		      .group = ""},
	};

	if (n->n_words < 2)
		return;
	d.s.name = value_string(c, &n->word[1]);
	d.s.id = model_id_track_script(d.s.name);
	if (find(c, d.s.name)) {
		check_warn(c, &n->word[1].loc,
			   "there is a vrrp_script '%s' already; this one is left out", d.s.name);
		return;
	}
	check_block(c, PLACE_SCRIPT, &d, n);
	if (!d.s.command[strspn(d.s.command, " \t\n")]) {
		check_warn(c, &n->word[0].loc, "vrrp_script %s has no script; it is left out",
			   d.s.name);
		return;
	}
	if (!d.s.timeout_us)
		d.s.timeout_us = d.s.interval_us;
	c->scripts[c->n_scripts++] = d;
}

void script_check_all(struct checker *c, const struct ast_node *root)
{
	c->scripts = arena_array(c->arena, root->n_children, sizeof(*c->scripts));
	for (uint32_t i = 0; i < root->n_children; i++)
		if (!strcmp(root->child[i].word[0].s, "vrrp_script"))
			script_check(c, &root->child[i]);
}

void script_finish(struct checker *c, struct model *m)
{
	m->scripts = arena_array(c->arena, c->n_scripts, sizeof(*m->scripts));
	for (uint32_t i = 0; i < c->n_scripts; i++) {
		const struct script_draft *d = &c->scripts[i];

		if (d->used)
			m->scripts[m->n_scripts++] = d->s;
		else
			diags_add(c->diags, DIAG_NOTE, &d->node->word[1].loc,
				  "nothing tracks vrrp_script %s: it is not run", d->s.name);
	}
}
