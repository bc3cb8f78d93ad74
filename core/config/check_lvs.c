/* SPDX-License-Identifier: Apache-2.0 */
/* global_defs: what concerns IPVS as a whole and takes more than a line to read. */
#include <ctype.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"

#define DATAGRAM_MAX (65535 - 20 - 8) /* less the headers of IPv4 and UDP, as keepalived */

static bool sync_number(struct checker *c, const struct ast_word *w, int64_t lo, int64_t hi,
			uint16_t *ret)
{
	int64_t value;

	if (!value_number(c, w, lo, hi, &value))
		return false;
	*ret = (uint16_t)value;
	return true;
}

static void sync_group(struct checker *c, struct sync_draft *d, const struct ast_word *w)
{
	struct addr a;

	if (!value_addr(c, w, &a))
		return;
	if (!addr_is_multicast(&a))
		check_warn(c, &w->loc, "'%s' is not a multicast address; it is left out", w->s);
	else
		d->s.group = a;
}

static void sync_instance(struct checker *c, struct sync_draft *d, const struct ast_word *w)
{
	if (d->instance) {
		check_warn(c, &w->loc, "the instance is %s already; '%s' is left out", d->instance,
			   w->s);
		return;
	}
	d->instance = value_string(c, w);
	d->instance_loc = &w->loc;
}

static bool is_sync_option(const char *s)
{
	static const char *const names[] = {"inst", "id", "maxlen", "port", "ttl", "group"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(s, names[i]))
			return true;
	return false;
}

static void sync_option(struct checker *c, struct sync_draft *d, const char *name,
			const struct ast_word *value)
{
	uint16_t number;

	if (!strcmp(name, "inst"))
		sync_instance(c, d, value);
	else if (!strcmp(name, "id"))
		value_number(c, value, 0, 255, &d->sync_id);
	else if (!strcmp(name, "maxlen"))
		sync_number(c, value, 1, DATAGRAM_MAX, &d->s.maxlen);
	else if (!strcmp(name, "port"))
		sync_number(c, value, 1, 65535, &d->s.port);
	else if (!strcmp(name, "ttl") && sync_number(c, value, 1, 255, &number))
		d->s.ttl = (uint8_t)number;
	else if (!strcmp(name, "group"))
		sync_group(c, d, value);
}

/* Before there were words for it, the instance came second and the id third. */
static void sync_positional(struct checker *c, struct sync_draft *d, uint32_t place,
			    const struct ast_word *w)
{
	if (place == 2)
		sync_instance(c, d, w);
	else if (place == 3 && isdigit((unsigned char)w->s[0]))
		value_number(c, w, 0, 255, &d->sync_id);
	else
		check_warn(c, &w->loc,
			   "'%s' is none of inst, id, maxlen, port, ttl, group; it is left out",
			   w->s);
}

static bool sync_start(struct checker *c, const struct ast_node *n, struct sync_draft *d)
{
	const struct ast_node *first = c->global.sync.node;

	if (first) {
		check_warn(c, &n->word[0].loc,
			   "there is one sync daemon, already named at %s:%u; this one is left out",
			   first->word[0].loc.file, first->word[0].loc.line);
		return false;
	}
	*d = (struct sync_draft){.node = n, .sync_id = -1};
	return value_ifname(c, &n->word[1], &d->s.ifname);
}

void set_global_sync_daemon(struct checker *c, void *draft, const struct ast_node *n)
{
	struct sync_draft d;

	if (!sync_start(c, n, &d))
		return;
	for (uint32_t i = 2; i < n->n_words; i++) {
		if (!is_sync_option(n->word[i].s)) {
			sync_positional(c, &d, i, &n->word[i]);
			continue;
		}
		if (i + 1 == n->n_words)
			check_warn(c, &n->word[i].loc, "'%s' wants a value; it is left out",
				   n->word[i].s);
		else
			sync_option(c, &d, n->word[i].s, &n->word[i + 1]);
		i++;
	}
	c->global.sync = d;
}

void set_vrrp_sync_daemon(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_draft *v = draft;
	struct sync_draft d;

	if (!sync_start(c, n, &d))
		return;
	d.instance = v->v.name;
	d.instance_loc = &n->word[0].loc;
	c->global.sync = d;
}

static const struct vrrp_instance *find_by_name(const struct checker *c, const char *name)
{
	for (uint32_t i = 0; i < c->n_instances; i++)
		if (!strcmp(c->instances[i].name, name))
			return &c->instances[i];
	return NULL;
}

/* An id that is not given is the instance's VRID. */
void lvs_finish(struct checker *c)
{
	struct sync_draft *d = &c->global.sync;
	const struct vrrp_instance *v = NULL;

	if (!d->node)
		return;
	if (d->instance) {
		v = find_by_name(c, d->instance);
		if (!v) {
			check_warn(c, d->instance_loc,
				   "there is no vrrp_instance %s; lvs_sync_daemon is left out",
				   d->instance);
			return;
		}
		d->s.instance = v->id;
	}
	d->s.sync_id = d->sync_id >= 0 ? (uint8_t)d->sync_id : v ? v->vrid : 0;
	c->global.g.sync = arena_alloc(c->arena, sizeof(d->s));
	*c->global.g.sync = d->s;
	c->global.g.n_sync = 1;
}
