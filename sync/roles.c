/* SPDX-License-Identifier: Apache-2.0 */
/* Which virtual addresses this node is Active for: see roles.h. */
#include "sync/roles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void sync_roles_init(struct sync_roles *r)
{
	*r = (struct sync_roles){0};
}

void sync_roles_done(struct sync_roles *r)
{
	free(r->list);
	sync_roles_init(r);
}

/* Where it is, or where it belongs. */
static size_t place_of(const struct sync_roles *r, const struct addr *vip)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (addr_compare(&r->list[middle].address, vip) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct sync_roles *r, size_t i, const struct addr *vip)
{
	return i < r->n && addr_equal(&r->list[i].address, vip);
}

int sync_roles_set(struct sync_roles *r, const struct addr *vip, bool active)
{
	size_t i = place_of(r, vip);

	if (is_at(r, i, vip)) {
		r->list[i].active = active;
		return 0;
	}
	if (r->n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 16;
		void *list = realloc(r->list, cap * sizeof(*r->list));

		if (!list)
			return -ENOMEM;
		r->list = list;
		r->cap = cap;
	}
	memmove(r->list + i + 1, r->list + i, (r->n - i) * sizeof(*r->list));
	r->list[i] = (struct sync_vip){.address = *vip, .active = active};
	r->n++;
	return 0;
}

void sync_roles_clear(struct sync_roles *r)
{
	r->n = 0;
	r->any_active = false;
}

bool sync_roles_has(const struct sync_roles *r, const struct addr *vip)
{
	return is_at(r, place_of(r, vip), vip);
}

bool sync_roles_is_active(const struct sync_roles *r, const struct addr *vip)
{
	size_t i = place_of(r, vip);

	return is_at(r, i, vip) ? r->list[i].active : r->any_active;
}

bool sync_roles_has_active(const struct sync_roles *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->list[i].active)
			return true;
	return r->any_active;
}
