/* SPDX-License-Identifier: Apache-2.0 */
/* A sync block that outlives its model: see block.h. */
#include "sync/block.h"

#include "core/must.h"
#include "sync/crypt.h"

#include <stdlib.h>
#include <string.h>

static void *copy_of(const void *list, size_t n, size_t size)
{
	void *copy = must(calloc(n ? n : 1, size));

	if (n)
		memcpy(copy, list, n * size);
	return copy;
}

static const char *copy_text(const char *s)
{
	return copy_of(s, strlen(s) + 1, 1);
}

struct sync_block *sync_block_copy(const struct sync_block *b)
{
	struct sync_block *copy = copy_of(b, 1, sizeof(*b));

	copy->key = copy_text(b->key);
	copy->secret = copy_text(b->secret);
	copy->key_next = copy_text(b->key_next);
	copy->secret_next = copy_text(b->secret_next);
	copy->paths = copy_of(b->paths, b->n_paths, sizeof(*b->paths));
	for (uint32_t i = 0; i < b->n_paths; i++) {
		struct sync_path_conf *path = &copy->paths[i];

		path->ifname = copy_text(path->ifname);
		path->peers = copy_of(path->peers, path->n_peers, sizeof(*path->peers));
	}
	copy->kernel_peer = copy_of(b->kernel_peer, b->n_kernel_peer, sizeof(*b->kernel_peer));
	for (uint32_t i = 0; i < b->n_kernel_peer; i++)
		copy->kernel_peer[i].ifname = copy_text(b->kernel_peer[i].ifname);
	return copy;
}

static void free_secret(const char *s)
{
	sync_wipe((void *)s, strlen(s));
	free((void *)s);
}

void sync_block_free(struct sync_block *b)
{
	if (!b)
		return;
	for (uint32_t i = 0; i < b->n_paths; i++) {
		free((void *)b->paths[i].ifname);
		free(b->paths[i].peers);
	}
	free(b->paths);
	for (uint32_t i = 0; i < b->n_kernel_peer; i++)
		free((void *)b->kernel_peer[i].ifname);
	free(b->kernel_peer);
	free((void *)b->key);
	free_secret(b->secret);
	free((void *)b->key_next);
	free_secret(b->secret_next);
	free(b);
}

bool sync_block_same_paths(const struct sync_block *a, const struct sync_block *b)
{
	struct sync_block as_b = *a;

	as_b.key = b->key;
	as_b.secret = b->secret;
	as_b.key_next = b->key_next;
	as_b.secret_next = b->secret_next;
	as_b.wait_us = b->wait_us;
	as_b.max_connections = b->max_connections;
	as_b.detect_us = b->detect_us;
	return sync_block_equal(&as_b, b);
}
