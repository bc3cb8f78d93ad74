/* SPDX-License-Identifier: Apache-2.0 */
/* The services that are served, in order, and found by their id, their keys and their servers. */
#include "core/must.h"
#include "ipvs/keeper_private.h"

#include <stdlib.h>

static int compare_served(const void *a, const void *b)
{
	const struct served *left = a, *right = b;

	return (left->vs->id > right->vs->id) - (left->vs->id < right->vs->id);
}

struct served *keeper_find(const struct keeper *k, uint64_t service)
{
	const struct virtual_server vs = {.id = service};
	const struct served wanted = {.vs = &vs};

	if (!k->n_served)
		return NULL;
	return bsearch(&wanted, k->served, k->n_served, sizeof(wanted), compare_served);
}

static int compare_keys(const void *a, const void *b)
{
	const struct keeper_key *left = a, *right = b;

	return (left->id > right->id) - (left->id < right->id);
}

struct served *keeper_find_key(const struct keeper *k, const struct ipvs_key *key)
{
	const struct keeper_key wanted = {.id = ipvs_key_id(key)};
	const struct keeper_key *found = NULL;

	if (k->n_keys)
		found = bsearch(&wanted, k->keys, k->n_keys, sizeof(wanted), compare_keys);
	return found ? found->served : NULL;
}

struct served *keeper_find_edited(const struct keeper *k, const struct ipvs_edit *e)
{
	return e->service ? keeper_find_key(k, &e->service->key) : NULL;
}

const struct real_server *keeper_find_server(const struct served *s, uint64_t id)
{
	for (uint32_t i = 0; s && i < s->vs->n_servers; i++)
		if (s->vs->servers[i].id == id)
			return &s->vs->servers[i];
	return NULL;
}

void keeper_index(struct keeper *k)
{
	uint32_t n = 0;

	qsort(k->served, k->n_served, sizeof(*k->served), compare_served);
	for (uint32_t i = 0; i < k->n_served; i++)
		n += wanted_keys(k->served[i].vs);
	k->keys = must(calloc(n + 1, sizeof(*k->keys)));
	k->n_keys = 0;
	for (uint32_t i = 0; i < k->n_served; i++) {
		const struct virtual_server *vs = k->served[i].vs;

		for (uint32_t j = 0; j < wanted_keys(vs); j++) {
			struct ipvs_key key = wanted_key(vs, j);

			k->keys[k->n_keys++] =
				(struct keeper_key){ipvs_key_id(&key), &k->served[i]};
		}
	}
	qsort(k->keys, k->n_keys, sizeof(*k->keys), compare_keys);
}
