/* SPDX-License-Identifier: Apache-2.0 */
/* What was last said of each real server: see health.h. */
#include "ipvs/health.h"

#include <stdio.h>
#include <stdlib.h>

#define HEALTH_SIZE_MIN 64

void health_done(struct health *h)
{
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

	h->entries = calloc(size, sizeof(*h->entries));
	if (!h->entries) {
		fputs("out of memory\n", stderr);
		abort();
	}
	h->size = size;
	for (size_t i = 0; i < former.size; i++)
		if (former.entries[i].server)
			*slot(h, former.entries[i].server) = former.entries[i];
	free(former.entries);
}

void health_set(struct health *h, uint64_t server, bool up, int64_t since_us,
		const struct text *reason)
{
	struct health_entry *e;

	if (!server)
		return;
	if (h->used >= h->size / 2)
		resize(h, h->size ? h->size * 2 : HEALTH_SIZE_MIN);
	e = slot(h, server);
	h->used += !e->server;
	*e = (struct health_entry){
		.server = server, .up = up, .since_us = since_us, .reason = *reason
	};
}

const struct health_entry *health_get(const struct health *h, uint64_t server)
{
	const struct health_entry *e;

	if (!h->used || !server)
		return NULL;
	e = slot(h, server);
	return e->server ? e : NULL;
}

void health_keep(struct health *h, uint64_t server)
{
	if (h->used && server && slot(h, server)->server)
		slot(h, server)->kept = true;
}

void health_sweep(struct health *h)
{
	size_t kept = 0, size = HEALTH_SIZE_MIN;

	for (size_t i = 0; i < h->size; i++) {
		if (!h->entries[i].kept)
			h->entries[i].server = 0;
		kept += h->entries[i].kept;
		h->entries[i].kept = false;
	}
	while (size < kept * 4)
		size *= 2;
	h->used = kept;
	/* Holes would cut probe sequences short: every survivor is put in its place anew. */
	if (h->entries)
		resize(h, size);
}
