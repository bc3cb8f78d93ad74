/* SPDX-License-Identifier: Apache-2.0 */
/* Counts for each virtual service: see census.h. */
#include "sync/census.h"
#include "sync/record.h"

#include <stdlib.h>
#include <string.h>

/* Services are few and are never forgotten: open addressing into a list that only grows. */
struct sync_census {
	struct sync_count *list;
	size_t n;
	size_t cap;
	uint32_t *slots; /* 1 + index; 0: free */
	size_t n_slots;	 /* a power of two */
	size_t last;	 /* the same service comes again and again */
};

#define SLOTS_MIN 64

struct sync_census *sync_census_new(void)
{
	struct sync_census *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->n_slots = SLOTS_MIN;
	c->slots = calloc(SLOTS_MIN, sizeof(*c->slots));
	if (!c->slots) {
		free(c);
		return NULL;
	}
	return c;
}

void sync_census_free(struct sync_census *c)
{
	if (!c)
		return;
	free(c->list);
	free(c->slots);
	free(c);
}

static bool same_service(const struct sync_service *a, const struct sync_service *b)
{
	return a->fwmark == b->fwmark && a->protocol == b->protocol && a->port == b->port &&
	       addr_equal(&a->vip, &b->vip);
}

static size_t hash_service(const struct sync_service *s)
{
	uint64_t h = s->fwmark * 0x9e3779b97f4a7c15ull + s->protocol + ((uint64_t)s->port << 8);

	for (unsigned i = 0; i < addr_len(&s->vip); i++)
		h = (h ^ s->vip.b[i]) * 0x100000001b3ull;
	return (size_t)(h ^ h >> 32);
}

/* Its slot, or the free one where it belongs. */
static uint32_t *slot_of(const struct sync_census *c, const struct sync_service *s)
{
	size_t i = hash_service(s);

	for (;; i++) {
		uint32_t *slot = &c->slots[i & (c->n_slots - 1)];

		if (!*slot || same_service(&c->list[*slot - 1].service, s))
			return slot;
	}
}

static bool grow_slots(struct sync_census *c)
{
	uint32_t *old = c->slots, *slots = calloc(2 * c->n_slots, sizeof(*slots));

	if (!slots)
		return false;
	c->slots = slots;
	c->n_slots *= 2;
	for (size_t i = 0; i < c->n; i++)
		*slot_of(c, &c->list[i].service) = (uint32_t)i + 1;
	free(old);
	return true;
}

static struct sync_count *add(struct sync_census *c, const struct sync_service *s)
{
	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 16;
		void *list = realloc(c->list, cap * sizeof(*c->list));

		if (!list)
			return NULL;
		c->list = list;
		c->cap = cap;
	}
	if (2 * (c->n + 1) > c->n_slots && !grow_slots(c))
		return NULL;
	c->list[c->n++] = (struct sync_count){.service = *s};
	*slot_of(c, s) = (uint32_t)c->n;
	return &c->list[c->n - 1];
}

static struct sync_count *look_up(struct sync_census *c, const struct sync_service *s)
{
	uint32_t i;

	if (c->last < c->n && same_service(&c->list[c->last].service, s))
		return &c->list[c->last];
	i = *slot_of(c, s);
	if (!i)
		return NULL;
	c->last = i - 1;
	return &c->list[i - 1];
}

static struct sync_service service_of(const struct sync_record *r)
{
	struct sync_service s = {.fwmark = r->fwmark};

	if (!r->fwmark) {
		s.protocol = r->protocol;
		s.vip = r->vip;
		s.port = r->vip_port;
	}
	return s;
}

void sync_census_count(struct sync_census *c, const uint8_t *record, int by)
{
	struct sync_count *count;
	struct sync_service s;
	struct sync_record r;

	sync_record_decode(record, &r);
	s = service_of(&r);
	count = look_up(c, &s);
	if (!count)
		count = add(c, &s);
	if (!count)
		return; /* out of memory: the comparison will find a difference and look closer */
	if (r.flags & SYNC_FLAG_TEMPLATE)
		count->templates += by;
	else if (r.flags & SYNC_FLAG_INACTIVE)
		count->inactive += by;
	else
		count->active += by;
}

struct sync_count sync_census_get(const struct sync_census *c, const struct sync_service *service)
{
	uint32_t i = *slot_of(c, service);

	return i ? c->list[i - 1] : (struct sync_count){.service = *service};
}

const struct sync_count *sync_census_list(const struct sync_census *c, size_t *ret_n)
{
	*ret_n = c->n;
	return c->list;
}
