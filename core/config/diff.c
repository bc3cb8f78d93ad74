/* SPDX-License-Identifier: Apache-2.0 */
/* Two models, paired by id: see diff.h. Pure. */
#include "core/config/diff.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

struct builder {
	struct arena *arena;
	struct diff d;
	size_t cap;
};

/* An object of a list, whatever its type: all have their id first. */
struct indexed {
	uint64_t id;
	const void *object;
};

struct index {
	struct indexed *at;
	size_t n;
};

const char *diff_change_name(enum diff_change change)
{
	static const char *const names[] = {
		[DIFF_ADDED] = "added",
		[DIFF_REMOVED] = "removed",
		[DIFF_CHANGED] = "changed",
	};

	return names[change];
}

const char *diff_object_name(enum diff_object object)
{
	static const char *const names[] = {
		[DIFF_GLOBAL] = "global_defs",
		[DIFF_SYNC] = "sync",
		[DIFF_INSTANCE] = "vrrp_instance",
		[DIFF_GROUP] = "vrrp_sync_group",
		[DIFF_SCRIPT] = "vrrp_script",
		[DIFF_FILE] = "track_file",
		[DIFF_PROCESS] = "vrrp_track_process",
		[DIFF_SERVICE] = "virtual_server",
		[DIFF_SERVER] = "real_server",
	};

	return names[object];
}

static int indexed_compare(const void *a, const void *b)
{
	const struct indexed *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static struct index index_new(struct arena *arena, const void *list, size_t n, size_t size)
{
	struct index i = {arena_array(arena, n, sizeof(*i.at)), n};

	for (size_t k = 0; k < n; k++) {
		const char *object = (const char *)list + k * size;

		i.at[k].object = object;
		memcpy(&i.at[k].id, object, sizeof(i.at[k].id));
	}
	if (n)
		qsort(i.at, n, sizeof(*i.at), indexed_compare);
	return i;
}

static const void *index_find(const struct index *i, uint64_t id)
{
	struct indexed key = {.id = id};
	const struct indexed *found;

	if (!i->n)
		return NULL;
	found = bsearch(&key, i->at, i->n, sizeof(*i->at), indexed_compare);
	return found ? found->object : NULL;
}

static void diff_add(struct builder *b, enum diff_change change, enum diff_object object,
		     uint64_t id, const char *name, const char *what)
{
	b->d.at = arena_grow(b->arena, b->d.at, b->d.n, &b->cap, sizeof(*b->d.at));
	b->d.at[b->d.n++] = (struct diff_entry){change, object, id, name, what};
}

/* Instances */

static void diff_instances(struct builder *b, const struct model *old, const struct model *new)
{
	struct index before =
		index_new(b->arena, old->instances, old->n_instances, sizeof(*old->instances));
	struct index after =
		index_new(b->arena, new->instances, new->n_instances, sizeof(*new->instances));

	for (uint32_t i = 0; i < old->n_instances; i++) {
		const struct vrrp_instance *v = &old->instances[i];

		if (!index_find(&after, v->id))
			diff_add(b, DIFF_REMOVED, DIFF_INSTANCE, v->id, v->name, "");
	}
	for (uint32_t i = 0; i < new->n_instances; i++) {
		const struct vrrp_instance *v = &new->instances[i];
		const struct vrrp_instance *was = index_find(&before, v->id);

		if (!was)
			diff_add(b, DIFF_ADDED, DIFF_INSTANCE, v->id, v->name, "");
		else if (!vrrp_instance_equal(was, v))
			diff_add(b, DIFF_CHANGED, DIFF_INSTANCE, v->id, v->name,
				 was->priority == v->priority
					 ? ""
					 : arena_printf(b->arena, "priority %u -> %u",
							was->priority, v->priority));
	}
}

/* Sync groups and what is tracked: all have their id first, and their name behind it. */

struct named {
	uint64_t id;
	const char *name;
};

struct named_list {
	const void *list;
	uint32_t n;
	size_t size;
};

static const struct named *named_at(const struct named_list *l, uint32_t i)
{
	return (const struct named *)((const char *)l->list + i * l->size);
}

static void diff_named(struct builder *b, enum diff_object object, struct named_list old,
		       struct named_list new, bool (*equal)(const void *a, const void *b))
{
	struct index before = index_new(b->arena, old.list, old.n, old.size);
	struct index after = index_new(b->arena, new.list, new.n, new.size);

	for (uint32_t i = 0; i < old.n; i++) {
		const struct named *o = named_at(&old, i);

		if (!index_find(&after, o->id))
			diff_add(b, DIFF_REMOVED, object, o->id, o->name, "");
	}
	for (uint32_t i = 0; i < new.n; i++) {
		const struct named *o = named_at(&new, i);
		const void *was = index_find(&before, o->id);

		if (!was || !equal(was, o))
			diff_add(b, was ? DIFF_CHANGED : DIFF_ADDED, object, o->id, o->name, "");
	}
}

#define SAME(record)                                           \
	static bool same_##record(const void *a, const void *b) \
	{                                                      \
		return record##_equal(a, b);                   \
	}
SAME(sync_group)
SAME(track_script)
SAME(track_file)
SAME(track_process)

#define NAMED(m, field) ((struct named_list){(m)->field, (m)->n_##field, sizeof(*(m)->field)})
static void diff_all_named(struct builder *b, const struct model *old, const struct model *new)
{
	diff_named(b, DIFF_SCRIPT, NAMED(old, scripts), NAMED(new, scripts), same_track_script);
	diff_named(b, DIFF_FILE, NAMED(old, files), NAMED(new, files), same_track_file);
	diff_named(b, DIFF_PROCESS, NAMED(old, processes), NAMED(new, processes),
		   same_track_process);
	diff_named(b, DIFF_GROUP, NAMED(old, groups), NAMED(new, groups), same_sync_group);
}

/* Services and servers */

static const char *service_name(struct arena *arena, const struct virtual_server *vs)
{
	char text[TEXT_MAX];

	return arena_strdup(arena, virtual_server_format(vs, text));
}

static const char *server_name(struct arena *arena, const struct virtual_server *vs,
			       const struct real_server *r)
{
	char text[ADDR_TEXT_MAX];

	return arena_printf(arena, "%s of %s", addr_format_port(&r->address, r->port, text),
			    service_name(arena, vs));
}

/* "weight 1 -> 2" behind what is said already. */
static const char *add_number(struct arena *arena, const char *said, const char *what, int64_t was,
			      int64_t now)
{
	if (was == now)
		return said;
	return arena_printf(arena, "%s%s%s %" PRId64 " -> %" PRId64, said, *said ? ", " : "", what,
			    was, now);
}

static const char *add_name(struct arena *arena, const char *said, const char *what,
			    const char *was, const char *now)
{
	if (!strcmp(was, now))
		return said;
	return arena_printf(arena, "%s%s%s %s -> %s", said, *said ? ", " : "", what,
			    *was ? was : "none", *now ? now : "none");
}

static const char *forward_word(const struct real_server *r)
{
	return forward_name((enum ipvs_forward)r->forward);
}

/* What the kernel is told; a change of the checks alone has no words. */
static const char *server_change(struct arena *arena, const struct real_server *was,
				 const struct real_server *r)
{
	const char *said = add_number(arena, "", "weight", was->weight, r->weight);

	said = add_name(arena, said, "lvs_method", forward_word(was), forward_word(r));
	said = add_number(arena, said, "uthreshold", was->upper_threshold, r->upper_threshold);
	return add_number(arena, said, "lthreshold", was->lower_threshold, r->lower_threshold);
}

static const char *service_change(struct arena *arena, const struct virtual_server *was,
				  const struct virtual_server *vs)
{
	const char *said = add_name(arena, "", "lvs_sched", was->scheduler, vs->scheduler);

	said = add_number(arena, said, "persistence_timeout", was->persistence_timeout_s,
			  vs->persistence_timeout_s);
	said = add_number(arena, said, "quorum", was->quorum, vs->quorum);
	return add_number(arena, said, "addresses", was->n_members, vs->n_members);
}

static void diff_servers(struct builder *b, const struct virtual_server *old,
			 const struct virtual_server *new)
{
	struct index before =
		index_new(b->arena, old->servers, old->n_servers, sizeof(*old->servers));
	struct index after =
		index_new(b->arena, new->servers, new->n_servers, sizeof(*new->servers));

	for (uint32_t i = 0; i < old->n_servers; i++) {
		const struct real_server *r = &old->servers[i];

		if (!index_find(&after, r->id))
			diff_add(b, DIFF_REMOVED, DIFF_SERVER, r->id, server_name(b->arena, old, r),
				 "");
	}
	for (uint32_t i = 0; i < new->n_servers; i++) {
		const struct real_server *r = &new->servers[i];
		const struct real_server *was = index_find(&before, r->id);

		if (!was)
			diff_add(b, DIFF_ADDED, DIFF_SERVER, r->id, server_name(b->arena, new, r),
				 "");
		else if (!real_server_equal(was, r))
			diff_add(b, DIFF_CHANGED, DIFF_SERVER, r->id, server_name(b->arena, new, r),
				 server_change(b->arena, was, r));
	}
}

/* The service without its servers, which have entries of their own. */
static bool service_itself_equal(const struct virtual_server *a, const struct virtual_server *b)
{
	struct virtual_server x = *a, y = *b;

	x.n_servers = 0;
	y.n_servers = 0;
	return virtual_server_equal(&x, &y);
}

static void diff_services(struct builder *b, const struct model *old, const struct model *new)
{
	struct index before =
		index_new(b->arena, old->services, old->n_services, sizeof(*old->services));
	struct index after =
		index_new(b->arena, new->services, new->n_services, sizeof(*new->services));

	for (uint32_t i = 0; i < old->n_services; i++) {
		const struct virtual_server *vs = &old->services[i];

		if (!index_find(&after, vs->id))
			diff_add(b, DIFF_REMOVED, DIFF_SERVICE, vs->id, service_name(b->arena, vs),
				 "");
	}
	for (uint32_t i = 0; i < new->n_services; i++) {
		const struct virtual_server *vs = &new->services[i];
		const struct virtual_server *was = index_find(&before, vs->id);

		if (!was)
			diff_add(b, DIFF_ADDED, DIFF_SERVICE, vs->id, service_name(b->arena, vs),
				 "");
		else if (!service_itself_equal(was, vs))
			diff_add(b, DIFF_CHANGED, DIFF_SERVICE, vs->id, service_name(b->arena, vs),
				 service_change(b->arena, was, vs));
		if (was)
			diff_servers(b, was, vs);
	}
}

static void diff_sync(struct builder *b, const struct global *old, const struct global *new)
{
	if (!old->n_peering && new->n_peering)
		diff_add(b, DIFF_ADDED, DIFF_SYNC, 0, "", "");
	else if (old->n_peering && !new->n_peering)
		diff_add(b, DIFF_REMOVED, DIFF_SYNC, 0, "", "");
	else if (old->n_peering && !sync_block_equal(old->peering, new->peering))
		diff_add(b, DIFF_CHANGED, DIFF_SYNC, 0, "", "");
}

static void diff_globals(struct builder *b, const struct global *old, const struct global *new)
{
	struct global before = *old, after = *new;

	before.n_peering = after.n_peering = 0;
	if (!global_equal(&before, &after))
		diff_add(b, DIFF_CHANGED, DIFF_GLOBAL, 0, "", "");
	diff_sync(b, old, new);
}

struct diff model_diff(struct arena *arena, const struct model *old, const struct model *new)
{
	static const struct model nothing;
	struct builder b = {.arena = arena};

	if (old)
		diff_globals(&b, old->global, new->global);
	diff_instances(&b, old ? old : &nothing, new);
	diff_all_named(&b, old ? old : &nothing, new);
	diff_services(&b, old ? old : &nothing, new);
	return b.d;
}

void diff_print(const struct diff *d, FILE *out)
{
	for (uint32_t i = 0; i < d->n; i++) {
		const struct diff_entry *e = &d->at[i];

		fprintf(out, "%s %s%s%s%s%s\n", diff_change_name(e->change),
			diff_object_name(e->object), e->name[0] ? " " : "", e->name,
			e->what[0] ? ": " : "", e->what);
	}
}
