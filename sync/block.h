/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sync block of one's own: the model that it stood in is gone when the next one is compared with
 * it. Knows no session and no socket.
 */
#ifndef TANDEM_SYNC_BLOCK_H
#define TANDEM_SYNC_BLOCK_H

#include "core/model.h"

/* Aborts without memory. */
struct sync_block *sync_block_copy(const struct sync_block *b);
/* Wipes the secrets. NULL: nothing. */
void sync_block_free(struct sync_block *b);
/* Do they differ in nothing but what can change while all goes on: keys, times, bounds? */
bool sync_block_same_paths(const struct sync_block *a, const struct sync_block *b);

#endif
