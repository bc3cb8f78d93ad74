/* SPDX-License-Identifier: Apache-2.0 */
/* The last known state of every object: see store.h. */
#include "core/store.h"

#include "core/msg_schema.h"
#include "core/must.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_MIN 64
/* Kinds of state that one object can have: a real server's health, counters, weight and state. */
#define STATES_MAX 4
#define FORMER_MAX 100000

/* Encoded: a message is up to 1 KiB as a struct, but most take less than 100 bytes. */
struct store_entry {
	uint64_t id;
	enum msg_type type;
	uint16_t len;
	uint8_t *bytes;
};

void store_init(struct store *s)
{
	*s = (struct store){.max = SIZE_MAX};
}

void store_done(struct store *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->entries[i].bytes);
	free(s->entries);
	free(s->index);
	*s = (struct store){0};
}

/* Which object a state message speaks of. False for the other messages. */
static bool object_id(const struct msg *m, uint64_t *ret)
{
	switch ((unsigned)m->type) {
	case MSG_VRRP_STATE:
		*ret = m->vrrp_state.instance;
		return true;
	case MSG_GROUP_STATE:
		*ret = m->group_state.group;
		return true;
	case MSG_TRACK_STATE:
		*ret = m->track_state.tracker;
		return true;
	case MSG_FILE_VALUE:
		*ret = m->file_value.file;
		return true;
	case MSG_VRRP_COUNTERS:
		*ret = m->vrrp_counters.instance;
		return true;
	case MSG_VRRP_HEARD:
		*ret = m->vrrp_heard.instance;
		return true;
	case MSG_CHECK_STATE:
		*ret = m->check_state.check;
		return true;
	case MSG_CHECK_LATENCY:
		*ret = m->check_latency.check;
		return true;
	case MSG_SERVER_HEALTH:
		*ret = m->server_health.server;
		return true;
	case MSG_SERVER_LEAVING:
		*ret = m->server_leaving.server;
		return true;
	case MSG_SERVER_WEIGHT:
		*ret = m->server_weight.server;
		return true;
	case MSG_SERVICE_STATE:
		*ret = m->service_state.service;
		return true;
	case MSG_SERVICE_COUNTERS:
		*ret = m->service_counters.service;
		return true;
	case MSG_SERVER_COUNTERS:
		*ret = m->server_counters.server;
		return true;
	case MSG_SERVER_STATE:
		*ret = m->server_state.server;
		return true;
	case MSG_VS_SYSCTL:
	case MSG_CORE_SYSCTL:
	case MSG_NET_SYSCTL:
		*ret = m->vs_sysctl_state.id;
		return true;
	case MSG_SYNC_PEER:
		*ret = m->sync_peer.place;
		return true;
	case MSG_SYNC_LINK:
		*ret = m->sync_link.place;
		return true;
	case MSG_SYNC_DAEMONS:
	case MSG_SYNC_STATE:
	case MSG_SYNC_COUNTERS:
	case MSG_IPVS_STATE:
	case MSG_CHECK_LOAD:
		*ret = 0;
		return true;
	}
	return false;
}

bool store_keeps(enum msg_type type)
{
	struct msg m = {.type = type};
	uint64_t id;

	return object_id(&m, &id);
}

bool store_resumes(enum msg_type type)
{
	return store_keeps(type) && (msg_allowed(type, ROLE_SUPERVISOR, ROLE_VRRP) ||
				     msg_allowed(type, ROLE_SUPERVISOR, ROLE_CHECK) ||
				     msg_allowed(type, ROLE_SUPERVISOR, ROLE_IPVS));
}

/* Where the key is, or the free place where it belongs. */
static uint32_t *find(const struct store *s, enum msg_type type, uint64_t id)
{
	size_t mask = s->n_index - 1;
	uint64_t h = (id ^ (uint64_t)type) * UINT64_C(0x9e3779b97f4a7c15);

	for (size_t i = (size_t)(h >> 32) & mask;; i = (i + 1) & mask) {
		uint32_t at = s->index[i];

		if (!at || (s->entries[at - 1].id == id && s->entries[at - 1].type == type))
			return &s->index[i];
	}
}

static void reindex(struct store *s)
{
	size_t n = INDEX_MIN;

	while (n < 2 * (s->n + 1))
		n *= 2;
	free(s->index);
	s->index = must(calloc(n, sizeof(*s->index)));
	s->n_index = n;
	for (size_t i = 0; i < s->n; i++)
		*find(s, s->entries[i].type, s->entries[i].id) = (uint32_t)i + 1;
}

static struct store_entry *add(struct store *s, enum msg_type type, uint64_t id)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : INDEX_MIN;
		s->entries = must(realloc(s->entries, s->cap * sizeof(*s->entries)));
	}
	s->entries[s->n++] = (struct store_entry){.id = id, .type = type};
	if (2 * s->n > s->n_index)
		reindex(s);
	else
		*find(s, type, id) = (uint32_t)s->n;
	return &s->entries[s->n - 1];
}

static struct store_entry *look_up(const struct store *s, enum msg_type type, uint64_t id)
{
	uint32_t at = s->n_index ? *find(s, type, id) : 0;

	return at ? &s->entries[at - 1] : NULL;
}

static void set_bytes(struct store_entry *e, const uint8_t *bytes, size_t len)
{
	if (e->len != len)
		e->bytes = must(realloc(e->bytes, len));
	memcpy(e->bytes, bytes, len);
	e->len = (uint16_t)len;
}

static void entry_decode(const struct store_entry *e, struct msg *ret)
{
	int err = msg_decode(e->bytes, e->len, ret);

	assert(!err);
	(void)err;
}

enum store_change store_put(struct store *s, const struct msg *m, struct msg *ret_former)
{
	uint8_t buf[MSG_BYTES_MAX];
	size_t len = msg_encode(m, buf);
	struct store_entry *e;
	uint64_t id = 0;
	bool keeps = object_id(m, &id);

	assert(keeps);
	(void)keeps;
	e = look_up(s, m->type, id);
	if (!e && s->n >= s->max)
		return STORE_FULL;
	if (!e) {
		set_bytes(add(s, m->type, id), buf, len);
		return STORE_NEW;
	}
	if (e->len == len && memcmp(e->bytes, buf, len) == 0)
		return STORE_SAME;
	if (ret_former)
		entry_decode(e, ret_former);
	set_bytes(e, buf, len);
	return STORE_CHANGED;
}

bool store_get(const struct store *s, enum msg_type type, uint64_t id, struct msg *ret)
{
	const struct store_entry *e = look_up(s, type, id);

	if (e)
		entry_decode(e, ret);
	return e;
}

void store_each(const struct store *s, enum role_id to,
		void (*each)(void *ctx, const struct msg *m), void *ctx)
{
	for (size_t i = 0; i < s->n; i++) {
		struct msg m;

		if (!msg_allowed(s->entries[i].type, ROLE_SUPERVISOR, to))
			continue;
		entry_decode(&s->entries[i], &m);
		each(ctx, &m);
	}
}

void store_forget(struct store *s, enum msg_type type, uint64_t id)
{
	struct store_entry *e = look_up(s, type, id);

	if (!e)
		return;
	free(e->bytes);
	s->n--;
	memmove(e, e + 1, (size_t)(&s->entries[s->n] - e) * sizeof(*e));
	reindex(s);
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static size_t count_objects(const struct model *m)
{
	size_t n = 1 + m->n_instances + m->n_groups + m->n_scripts + m->n_files + m->n_processes +
		   m->n_services + m->global->n_sysctls + m->global->n_core_sysctls;

	for (uint32_t i = 0; i < m->n_services; i++)
		n += m->services[i].n_members;
	for (uint32_t i = 0; i < m->n_services; i++)
		for (uint32_t k = 0; k < m->services[i].n_servers; k++)
			n += 1 + m->services[i].servers[k].n_checks;
	return n;
}

void store_expect(struct store *s, const struct model *m)
{
	s->max = s->n + STATES_MAX * count_objects(m) + FORMER_MAX;
}

/* Sorted. 0 stands for the one object without an id, the kernel's IPVS. */
static uint64_t *ids_of(const struct model *m, size_t *ret_n)
{
	uint64_t *ids = must(calloc(count_objects(m), sizeof(*ids)));
	size_t n = 1;

	for (uint32_t i = 0; i < m->n_instances; i++)
		ids[n++] = m->instances[i].id;
	for (uint32_t i = 0; i < m->n_groups; i++)
		ids[n++] = m->groups[i].id;
	for (uint32_t i = 0; i < m->n_scripts; i++)
		ids[n++] = m->scripts[i].id;
	for (uint32_t i = 0; i < m->n_files; i++)
		ids[n++] = m->files[i].id;
	for (uint32_t i = 0; i < m->n_processes; i++)
		ids[n++] = m->processes[i].id;
	for (uint32_t i = 0; i < m->n_services; i++) {
		const struct virtual_server *vs = &m->services[i];

		ids[n++] = vs->id;
		for (uint32_t k = 0; k < vs->n_members; k++)
			ids[n++] = vs->members[k].id;
		for (uint32_t k = 0; k < vs->n_servers; k++) {
			ids[n++] = vs->servers[k].id;
			for (uint32_t c = 0; c < vs->servers[k].n_checks; c++)
				ids[n++] = vs->servers[k].checks[c].id;
		}
	}
	qsort(ids, n, sizeof(*ids), compare_ids);
	*ret_n = n;
	return ids;
}

static bool is_among(uint64_t id, const uint64_t *ids, size_t n)
{
	return bsearch(&id, ids, n, sizeof(*ids), compare_ids);
}

static void leave(struct store *s, uint64_t service, const uint64_t *ids, size_t n)
{
	const struct msg m = {.type = MSG_SERVICE_STATE, .service_state = {.service = service}};

	if (!is_among(service, ids, n) && !look_up(s, m.type, service))
		store_put(s, &m, NULL);
}

void store_leave(struct store *s, const struct model *former, const struct model *next)
{
	size_t n;
	uint64_t *ids = ids_of(next, &n);

	for (uint32_t i = 0; i < former->n_services; i++) {
		const struct virtual_server *vs = &former->services[i];

		leave(s, vs->id, ids, n);
		for (uint32_t k = 0; k < vs->n_members; k++)
			leave(s, vs->members[k].id, ids, n);
	}
	free(ids);
}

static bool is_sysctl(enum msg_type type)
{
	return type == MSG_VS_SYSCTL || type == MSG_CORE_SYSCTL || type == MSG_NET_SYSCTL;
}

/* What leaves is in no model, but the service that it leaves is; and who has changed a setting says
 * when it has gone back. */
static bool is_to_be_kept(const struct store_entry *e, const struct model *model,
			  const uint64_t *ids, size_t n)
{
	struct msg m;

	/* Known by their places, which are of no model. */
	if (e->type == MSG_SYNC_PEER || e->type == MSG_SYNC_LINK)
		return model->global->n_peering;
	if (e->type != MSG_SERVER_LEAVING && !is_sysctl(e->type))
		return is_among(e->id, ids, n);
	entry_decode(e, &m);
	if (is_sysctl(e->type))
		return m.vs_sysctl_state.former.s[0];
	return !m.server_leaving.gone && is_among(m.server_leaving.service, ids, n);
}

void store_retain(struct store *s, const struct model *m)
{
	size_t n_ids, kept = 0;
	uint64_t *ids = ids_of(m, &n_ids);

	for (size_t i = 0; i < s->n; i++) {
		struct store_entry *e = &s->entries[i];

		if (is_to_be_kept(e, m, ids, n_ids))
			s->entries[kept++] = *e;
		else
			free(e->bytes);
	}
	s->n = kept;
	reindex(s);
	free(ids);
}

void store_save(const struct store *s, struct writer *w)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct store_entry *e = &s->entries[i];

		if (!store_resumes(e->type))
			continue;
		put_u16(w, e->len);
		put_bytes(w, e->bytes, e->len);
	}
}

static int load_one(struct store *s, struct reader *r, const struct msg_schema *schema)
{
	uint16_t len = get_u16(r);
	const uint8_t *bytes = get_bytes(r, len);
	struct msg m;
	int err;

	if (!bytes)
		return -EBADMSG;
	err = schema ? msg_schema_decode(schema, bytes, len, &m) : msg_decode(bytes, len, &m);
	if (err == -ENOMSG)
		return 0; /* of something that we do not do */
	if (err || !store_resumes(m.type))
		return -EBADMSG;
	store_put(s, &m, NULL);
	return 0;
}

int store_load(struct store *s, struct reader *r, const struct msg_schema *schema)
{
	int err = 0;

	while (!err && r->at < r->end)
		err = load_one(s, r, schema);
	return err;
}
