/* SPDX-License-Identifier: Apache-2.0 */
/* What operators want of real servers: see overrides.h. */
#include "core/overrides.h"

#include "core/must.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC	       "tandem-overrides/1"
#define CHECKSUM_BYTES 8
#define WEIGHT_MAX     65535
/* Microseconds of the wall clock until the year 2255: what is above was made by no clock, and nothing
 * said later would be newer. */
#define VERSION_MAX (UINT64_C(1) << 53)

void overrides_done(struct overrides *o)
{
	free(o->list);
	*o = (struct overrides){0};
}

bool override_is_active(const struct msg_server_override *v)
{
	return v->admin != ADMIN_READY || v->has_weight;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = ((const struct msg_server_override *)a)->server;
	uint64_t y = ((const struct msg_server_override *)b)->server;

	return (x > y) - (x < y);
}

static struct msg_server_override *find(const struct overrides *o, uint64_t server)
{
	const struct msg_server_override wanted = {.server = server};

	return o->n ? bsearch(&wanted, o->list, o->n, sizeof(wanted), compare) : NULL;
}

const struct msg_server_override *overrides_find(const struct overrides *o, uint64_t server)
{
	return find(o, server);
}

static struct msg_server_override *add(struct overrides *o, uint64_t server)
{
	struct msg_server_override *at;
	size_t i = o->n;

	if (o->n == o->cap) {
		o->cap = o->cap ? 2 * o->cap : 16;
		o->list = must(realloc(o->list, o->cap * sizeof(*o->list)));
	}
	while (i && o->list[i - 1].server > server)
		i--;
	at = &o->list[i];
	memmove(at + 1, at, (o->n - i) * sizeof(*at));
	*at = (struct msg_server_override){.server = server};
	o->n++;
	return at;
}

static void stamp(struct msg_server_override *v, uint64_t former, int64_t wall_us)
{
	v->version = wall_us > 0 && (uint64_t)wall_us > former ? (uint64_t)wall_us : former + 1;
}

const struct msg_server_override *overrides_say(struct overrides *o,
						const struct msg_server_override *word,
						int64_t wall_us)
{
	struct msg_server_override *v = find(o, word->server);
	uint64_t former = v ? v->version : 0;

	if (!v)
		v = add(o, word->server);
	*v = *word;
	stamp(v, former, wall_us);
	return v;
}

bool overrides_copy(struct overrides *o, const struct msg_server_override *word)
{
	struct msg_server_override *v = find(o, word->server);

	if (v && v->version >= word->version)
		return false;
	if (!v)
		v = add(o, word->server);
	*v = *word;
	return true;
}

const struct msg_server_override *overrides_idle(struct overrides *o, uint64_t server,
						 uint64_t version, int64_t wall_us)
{
	struct msg_server_override *v = find(o, server);

	if (!v || v->version != version || !v->until_idle || v->admin != ADMIN_DRAIN)
		return NULL;
	v->admin = ADMIN_MAINT;
	v->until_idle = false;
	stamp(v, version, wall_us);
	return v;
}

bool overrides_expire(struct overrides *o, int64_t wall_us,
		      void (*ended)(void *ctx, const struct msg_server_override *v), void *ctx)
{
	bool any = false;

	for (size_t i = 0; i < o->n; i++) {
		struct msg_server_override *v = &o->list[i];

		if (!v->until_us || v->until_us > wall_us)
			continue;
		v->admin = ADMIN_READY;
		v->until_idle = false;
		v->until_us = 0;
		stamp(v, v->version, wall_us);
		ended(ctx, v);
		any = true;
	}
	return any;
}

int64_t overrides_next_us(const struct overrides *o)
{
	int64_t at_us = 0;

	for (size_t i = 0; i < o->n; i++)
		if (o->list[i].until_us && (!at_us || o->list[i].until_us < at_us))
			at_us = o->list[i].until_us;
	return at_us;
}

bool override_is_configured(const struct msg_server_override *v, const struct model *m)
{
	const struct virtual_server *vs = model_find_service(m, v->service);

	for (uint32_t i = 0; vs && i < vs->n_servers; i++)
		if (vs->servers[i].id == v->server)
			return true;
	return false;
}

bool overrides_retain(struct overrides *o, const struct model *m,
		      void (*gone)(void *ctx, const struct msg_server_override *v), void *ctx)
{
	size_t kept = 0, n = o->n;

	for (size_t i = 0; i < n; i++) {
		if (override_is_configured(&o->list[i], m))
			o->list[kept++] = o->list[i];
		else
			gone(ctx, &o->list[i]);
	}
	o->n = kept;
	return kept != n;
}

/* FNV-1a: against damage, not against anybody who means it. */
static uint64_t checksum(const uint8_t *at, size_t n)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < n; i++)
		h = (h ^ at[i]) * UINT64_C(1099511628211);
	return h;
}

void overrides_encode(const struct overrides *o, struct writer *w)
{
	put_str(w, MAGIC);
	put_u32(w, (uint32_t)o->n);
	for (size_t i = 0; i < o->n; i++) {
		struct msg m = {.type = MSG_SERVER_OVERRIDE, .server_override = o->list[i]};
		uint8_t buf[MSG_BYTES_MAX];
		size_t len = msg_encode(&m, buf);

		put_u16(w, (uint16_t)len);
		put_bytes(w, buf, len);
	}
	put_u64(w, checksum(w->at, w->len));
}

bool override_is_sane(const struct msg_server_override *v)
{
	return v->server && v->version < VERSION_MAX && v->admin <= ADMIN_DISABLED && v->weight >= 0 &&
	       v->weight <= WEIGHT_MAX && v->until_us >= 0;
}

static int decode_one(struct overrides *o, struct reader *r)
{
	uint16_t len = get_u16(r);
	const uint8_t *bytes = get_bytes(r, len);
	struct msg m;

	if (!bytes || msg_decode(bytes, len, &m) < 0 || m.type != MSG_SERVER_OVERRIDE ||
	    !override_is_sane(&m.server_override) || !overrides_copy(o, &m.server_override))
		return -EBADMSG;
	return 0;
}

static int decode_all(struct overrides *o, struct reader *r)
{
	const char *magic = get_str(r);
	uint32_t n = get_u32(r);
	int err = r->bad || strcmp(magic, MAGIC) != 0 ? -EBADMSG : 0;

	for (uint32_t i = 0; i < n && !err; i++)
		err = decode_one(o, r);
	return err || r->at != r->end ? -EBADMSG : 0;
}

int overrides_decode(struct overrides *o, const void *bytes, size_t n)
{
	struct overrides got = {0};
	struct arena *arena;
	struct reader r;
	int err;

	if (n < CHECKSUM_BYTES)
		return -EBADMSG;
	arena = arena_new();
	reader_init(&r, (const uint8_t *)bytes + n - CHECKSUM_BYTES, CHECKSUM_BYTES, arena);
	err = get_u64(&r) == checksum(bytes, n - CHECKSUM_BYTES) ? 0 : -EBADMSG;
	reader_init(&r, bytes, n - CHECKSUM_BYTES, arena);
	if (!err)
		err = decode_all(&got, &r);
	arena_free(arena);
	if (err) {
		overrides_done(&got);
		return err;
	}
	overrides_done(o);
	*o = got;
	return 0;
}
