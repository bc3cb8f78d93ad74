/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be tracked (vrrp_script, track_file, vrrp_track_process), and the lines that track it.
 * Knows nothing of what a tracker's word does to an instance.
 */
#include "core/arena.h"
#include "core/config/check.h"

#include <limits.h>
#include <string.h>

/* The two blocks of each kind: at the top level, and where it is tracked. */
static const struct {
	const char *block;
	const char *lines;
	enum keyword_place place;
	int32_t weight; /* default and bounds are keepalived's */
	int32_t weight_max;
} kinds[] = {
	[TRACK_SCRIPT] = {"vrrp_script", "track_script", PLACE_SCRIPT, 0, 253},
	[TRACK_FILE] = {"track_file", "track_file", PLACE_TRACK_FILE, 1, 254},
	[TRACK_PROCESS] = {"vrrp_track_process", "track_process", PLACE_PROCESS, 1, 254},
};
#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

void track_read_weight(struct checker *c, const struct ast_node *n, uint32_t i, int32_t lo,
		       int32_t hi, int32_t *ret, bool *ret_reverse)
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
		else if (value_number(c, &n->word[++i], lo, hi, &weight))
			*ret = (int32_t)weight;
	}
}

void set_tracker_weight(struct checker *c, void *draft, const struct ast_node *n)
{
	struct tracker_draft *d = draft;
	int32_t max = kinds[d->kind].weight_max;

	track_read_weight(c, n, 0, -max, max, &d->weight, &d->reverse);
}

/* track_file */

void set_file_path(struct checker *c, void *draft, const struct ast_node *n)
{
	((struct tracker_draft *)draft)->f.path = value_string(c, &n->word[1]);
}

void set_file_init(struct checker *c, void *draft, const struct ast_node *n)
{
	struct track_file *f = &((struct tracker_draft *)draft)->f;
	int64_t value;

	f->init = true;
	for (uint32_t i = 1; i < n->n_words; i++) {
		if (!strcmp(n->word[i].s, "overwrite"))
			f->overwrite = true;
		else if (value_number(c, &n->word[i], INT32_MIN, INT32_MAX, &value))
			f->init_value = (int32_t)value;
	}
}

static bool file_finish(struct checker *c, struct tracker_draft *d)
{
	const struct ast_loc *loc = &d->node->word[0].loc;

	if (d->f.path[0] == '/')
		return true;
	if (!d->f.path[0])
		check_warn(c, loc, "track_file %s has no file; it is left out", d->name);
	else
		check_warn(c, loc, "track_file %s: '%s' does not begin with '/'; it is left out",
			   d->name, d->f.path);
	return false;
}

/* The lines that track */

static const struct tracker_draft *find(const struct checker *c, enum track_kind kind,
					const char *name)
{
	for (uint32_t i = 0; i < c->n_trackers; i++)
		if (c->trackers[i].kind == kind && !strcmp(c->trackers[i].name, name))
			return &c->trackers[i];
	return NULL;
}

const struct tracker_draft *track_find(struct checker *c, enum track_kind kind,
				       const struct ast_word *name)
{
	const struct tracker_draft *d = find(c, kind, name->s);

	if (!d)
		check_warn(c, &name->loc, "there is no %s '%s'; the line is left out",
			   track_kind_name(kind), name->s);
	return d;
}

static bool is_tracked(const struct tracked *list, uint32_t n, uint64_t id)
{
	for (uint32_t i = 0; i < n; i++)
		if (list[i].tracker == id)
			return true;
	return false;
}

bool track_add(struct checker *c, const struct ast_word *w, const struct tracked *t,
	       struct tracked *list, uint32_t *n_list)
{
	if (is_tracked(list, *n_list, t->tracker)) {
		check_warn(c, &w->loc, "%s is tracked already; the line is left out", t->name);
		return false;
	}
	list[(*n_list)++] = *t;
	return true;
}

static void add_line(struct checker *c, enum track_kind kind, const struct ast_node *n,
		     struct tracked *list, uint32_t *n_list)
{
	const struct tracker_draft *d = track_find(c, kind, &n->word[0]);
	int32_t max = kinds[kind].weight_max;
	struct tracked t;

	if (!d)
		return;
	t = (struct tracked){.kind = (uint8_t)kind,
			     .tracker = d->id,
			     .name = d->name,
			     .weight = d->weight,
			     .reverse = d->reverse};
	if (track_add(c, &n->word[0], &t, list, n_list)) {
		struct tracked *added = &list[*n_list - 1];

		track_read_weight(c, n, 1, -max, max, &added->weight, &added->reverse);
	}
}

void track_add_lines(struct checker *c, enum track_kind kind, const struct ast_node *n,
		     struct tracked **list, uint32_t *n_list)
{
	*list = check_extend(c, *list, *n_list, n->n_children, sizeof(**list));
	for (uint32_t i = 0; i < n->n_children; i++)
		add_line(c, kind, &n->child[i], *list, n_list);
}

void track_add_block(struct checker *c, const struct ast_node *n, struct tracked **list,
		     uint32_t *n_list)
{
	for (size_t kind = 0; kind < N_KINDS; kind++)
		if (!strcmp(kinds[kind].lines, n->word[0].s))
			track_add_lines(c, (enum track_kind)kind, n, list, n_list);
	if (!strcmp(n->word[0].s, "track_virtual_server"))
		track_add_services(c, n, list, n_list);
}

/* What can be tracked */

static void draft_init(struct checker *c, struct tracker_draft *d, enum track_kind kind,
		       const struct ast_node *n)
{
	*d = (struct tracker_draft){
		.kind = kind,
		.node = n,
		.name = value_string(c, &n->word[1]),
		.weight = kinds[kind].weight,
		.s = {.command = "",
		      .interval_us = 1000000,
		      .rise = 1,
		      .fall = 1,
		      .user = "",
		      .group = ""},
		.f = {.path = ""},
		.p = {.quorum_max = UINT32_MAX},
	};
	d->s.name = d->f.name = d->p.name = d->name;
	d->s.id = model_id_track_script(d->name);
	d->f.id = model_id_track_file(d->name);
	d->p.id = model_id_track_process(d->name);
}

static bool draft_finish(struct checker *c, struct tracker_draft *d)
{
	switch (d->kind) {
	case TRACK_SCRIPT:
		d->id = d->s.id;
		return script_finish(c, d);
	case TRACK_FILE:
		d->id = d->f.id;
		return file_finish(c, d);
	case TRACK_PROCESS:
		d->id = d->p.id;
		return process_finish(c, d);
	case TRACK_SERVICE:
		break;
	}
	return false;
}

static void check_one(struct checker *c, enum track_kind kind, const struct ast_node *n)
{
	struct tracker_draft d;

	if (n->n_words < 2)
		return;
	draft_init(c, &d, kind, n);
	if (find(c, kind, d.name)) {
		check_warn(c, &n->word[1].loc, "there is a %s '%s' already; this one is left out",
			   track_kind_name(kind), d.name);
		return;
	}
	check_block(c, kinds[kind].place, &d, n);
	if (draft_finish(c, &d))
		c->trackers[c->n_trackers++] = d;
}

void track_check_all(struct checker *c, const struct ast_node *root)
{
	c->trackers = arena_array(c->arena, root->n_children, sizeof(*c->trackers));
	for (uint32_t i = 0; i < root->n_children; i++) {
		const struct ast_node *n = &root->child[i];

		for (size_t kind = 0; kind < N_KINDS; kind++)
			if (!strcmp(kinds[kind].block, n->word[0].s) ||
			    (kind == TRACK_FILE && !strcmp(n->word[0].s, "vrrp_track_file")))
				check_one(c, (enum track_kind)kind, n);
	}
}

static void add_to_model(const struct tracker_draft *d, struct model *m)
{
	switch (d->kind) {
	case TRACK_SCRIPT:
		m->scripts[m->n_scripts++] = d->s;
		break;
	case TRACK_FILE:
		m->files[m->n_files++] = d->f;
		break;
	case TRACK_PROCESS:
		m->processes[m->n_processes++] = d->p;
		break;
	case TRACK_SERVICE:
		break;
	}
}

static void mark(struct checker *c, uint64_t id)
{
	for (uint32_t i = 0; i < c->n_trackers; i++)
		if (c->trackers[i].id == id)
			c->trackers[i].used = true;
}

static void mark_files(struct checker *c, const struct real_server *r)
{
	for (uint32_t i = 0; i < r->n_checks; i++)
		if (r->checks[i].n_file)
			mark(c, r->checks[i].file->id);
}

/* By what has come out of the lines that track: some of them were left out again. */
static void mark_used(struct checker *c)
{
	for (uint32_t i = 0; i < c->n_instances; i++)
		for (uint32_t k = 0; k < c->instances[i].n_tracked; k++)
			mark(c, c->instances[i].tracked[k].tracker);
	for (uint32_t i = 0; i < c->n_services; i++)
		for (uint32_t k = 0; k < c->services[i].n_servers; k++)
			mark_files(c, &c->services[i].servers[k]);
}

void track_finish(struct checker *c, struct model *m)
{
	mark_used(c);
	m->scripts = arena_array(c->arena, c->n_trackers, sizeof(*m->scripts));
	m->files = arena_array(c->arena, c->n_trackers, sizeof(*m->files));
	m->processes = arena_array(c->arena, c->n_trackers, sizeof(*m->processes));
	for (uint32_t i = 0; i < c->n_trackers; i++) {
		const struct tracker_draft *d = &c->trackers[i];

		if (d->used)
			add_to_model(d, m);
		else
			diags_add(c->diags, DIAG_NOTE, &d->node->word[1].loc,
				  "nothing tracks %s %s: it is not %s", track_kind_name(d->kind),
				  d->name, d->kind == TRACK_SCRIPT ? "run" : "watched");
	}
}
