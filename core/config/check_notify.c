/* SPDX-License-Identifier: Apache-2.0 */
/* What global_defs says of notifications: FIFOs and their readers. */
#include <string.h>

#include "core/config/check.h"

/* The keyword of a FIFO, and of its script, begins with the FIFO's name. */
static struct fifo_draft *fifo_of(struct global_draft *d, const char *keyword)
{
	for (int kind = NOTIFY_FIFO_KINDS - 1; kind >= 0; kind--) {
		const char *name = notify_fifo_name((enum notify_fifo_kind)kind);

		if (!strncmp(keyword, name, strlen(name)))
			return &d->fifos[kind];
	}
	return NULL;
}

static bool said_before(struct checker *c, const struct ast_node *first, const struct ast_node *n)
{
	if (first)
		check_warn(c, &n->word[0].loc, "there is a '%s' already; this one is left out",
			   n->word[0].s);
	return first;
}

void set_global_fifo(struct checker *c, void *draft, const struct ast_node *n)
{
	struct fifo_draft *d = fifo_of(draft, n->word[0].s);

	if (said_before(c, d->node, n))
		return;
	if (n->word[1].s[0] != '/') {
		check_warn(c, &n->word[1].loc,
			   "'%s' is not the whole path of a FIFO, from '/'; the line is left out",
			   n->word[1].s);
		return;
	}
	d->node = n;
	d->f.path = value_string(c, &n->word[1]);
	d->f.user = n->n_words > 2 ? value_string(c, &n->word[2]) : "";
	d->f.group = n->n_words > 3 ? value_string(c, &n->word[3]) : "";
}

void set_global_fifo_script(struct checker *c, void *draft, const struct ast_node *n)
{
	struct fifo_draft *d = fifo_of(draft, n->word[0].s);

	if (value_notify(c, n, NOTIFY_ANY, &d->f.scripts, &d->f.n_scripts))
		d->script = n;
}

void set_vrrp_notify_deleted(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_instance *v = &((struct vrrp_draft *)draft)->v;

	v->notify_deleted = true;
	if (n->n_words > 1)
		value_notify(c, n, NOTIFY_DELETED, &v->notifies, &v->n_notifies);
}

static const struct fifo_draft *same_path(const struct global_draft *d, const struct fifo_draft *f)
{
	for (const struct fifo_draft *at = d->fifos; at < f; at++)
		if (at->node && !strcmp(at->f.path, f->f.path))
			return at;
	return NULL;
}

/* Two of one path would mix their lines. */
static bool fifo_is_usable(struct checker *c, const struct global_draft *d,
			   const struct fifo_draft *f)
{
	const struct fifo_draft *other;

	if (!f->node) {
		if (f->script)
			check_warn(c, &f->script->word[0].loc,
				   "there is no %s for it to read; the line is left out",
				   notify_fifo_name((enum notify_fifo_kind)(f - d->fifos)));
		return false;
	}
	other = same_path(d, f);
	if (other)
		check_warn(c, &f->node->word[1].loc,
			   "%s is the path of %s already; the line is left out", f->f.path,
			   other->node->word[0].s);
	return !other;
}

void notify_finish(struct checker *c)
{
	struct global_draft *d = &c->global;
	struct global *g = &d->g;

	g->fifos = check_extend(c, NULL, 0, NOTIFY_FIFO_KINDS, sizeof(*g->fifos));
	for (int kind = 0; kind < NOTIFY_FIFO_KINDS; kind++) {
		struct fifo_draft *f = &d->fifos[kind];

		f->f.kind = (uint8_t)kind;
		if (fifo_is_usable(c, d, f))
			g->fifos[g->n_fifos++] = f->f;
	}
}
