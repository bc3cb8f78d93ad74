/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of each real server: see health.h. */
#include "ipvs/health.h"

#include "core/must.h"

#include <stdlib.h>
#include <string.h>

#define HEALTH_SIZE_MIN 64

void health_done(struct health *h)
{
	for (size_t i = 0; i < h->size; i++)
		free(h->entries[i].reason);
	free(h->entries);
	*h = (struct health){ 0 };
}

/* Ids are hashes already. The entry of this server, or the free one where it belongs. */
static struct health_entry *slot(const struct health *h, uint64_t server)
{
	size_t i = server & (h->size - 1);

	while (h->entries[i].server && h->entries[i].server != server)
		i = (i + 1) & (h->size - 1);
	return &h->entries[i];
}

static void resize(struct health *h, size_t size)
{
	struct health former = *h;

	h->entries = must(calloc(size, sizeof(*h->entries)));
	h->size = size;
	for (size_t i = 0; i < former.size; i++)
		if (former.entries[i].server)
			*slot(h, former.entries[i].server) = former.entries[i];
	free(former.entries);
}

struct health_entry *health_take(struct health *h, uint64_t server)
{
	struct health_entry *e;

	if (h->used >= h->size / 2)
		resize(h, h->size ? h->size * 2 : HEALTH_SIZE_MIN);
	e = slot(h, server);
	if (e->server)
		return e;
	h->used++;
	*e = (struct health_entry){
		.server = server,
		.agent = { .percent = 100 },
		.pool = { .ramp = HEALTH_WHOLE, .feedback = HEALTH_WHOLE },
	};
	return e;
}

void health_set(struct health *h, uint64_t server, bool up, int64_t since_us,
		const char *reason)
{
	struct health_entry *e;

	if (!server)
		return;
	e = health_take(h, server);
	if (!e->reason || strcmp(e->reason, reason) != 0) {
		free(e->reason);
		e->reason = must(strdup(reason));
	}
	e->said = true;
	e->up = up;
	e->since_us = since_us;
}

void health_set_weight(struct health *h, uint64_t server, bool has_weight, int32_t weight)
{
	struct health_entry *e = health_find(h, server);

	if (!e)
		return;
	e->has_weight = has_weight;
	e->weight = weight;
}

static struct health_entry *find(const struct health *h, uint64_t server)
{
	struct health_entry *e = h->used && server ? slot(h, server) : NULL;

	return e && e->server ? e : NULL;
}

const struct health_entry *health_get(const struct health *h, uint64_t server)
{
	return find(h, server);
}

struct health_entry *health_find(struct health *h, uint64_t server)
{
	return find(h, server);
}

void health_keep(struct health *h, uint64_t server)
{
	struct health_entry *e = find(h, server);

	if (e)
		e->keep = true;
}

void health_sweep(struct health *h)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->size; i++) {
		struct health_entry *e = &h->entries[i];

		if (!e->keep) {
			free(e->reason);
			*e = (struct health_entry){ 0 };
		}
		kept += e->keep;
		e->keep = false;
	}
	/* Holes would cut probe sequences short: every survivor is put in its place anew. */
	if (kept < h->used)
		resize(h, h->size);
	h->used = kept;
}
