/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is given out piece by piece and taken back all at once: a model generation, a syntax
 * tree, a decoded message. Owns its blocks; knows nothing of what is in them.
 *
 * Allocation never fails: the process ends if the machine has no memory left.
 */
#ifndef TANDEM_ARENA_H
#define TANDEM_ARENA_H

#include <stddef.h>
#include <stdarg.h>

struct arena;

/*
 * From now on the process keeps what memory it has taken, for a generation is followed by another
 * of its size: with every reload the first touches of fresh pages would cost more than the work.
 */
void arena_keep_memory(void);
/* What has been taken for arenas and all else, and is free. */
size_t arena_free_bytes(void);

struct arena *arena_new(void);
void arena_free(struct arena *a);	/* NULL is fine */
/* Takes everything back, but keeps the largest block: for who fills it again and again. */
void arena_clear(struct arena *a);
/* There are secrets in it: arena_clear() and arena_free() overwrite all that was given out. */
void arena_wipe_at_end(struct arena *a);

void *arena_alloc(struct arena *a, size_t size);	/* zeroed, aligned for pointers and uint64_t */
void *arena_array(struct arena *a, size_t n, size_t size);
/* A copy of n elements of `size` bytes, aligned as arena_alloc()'s. */
void *arena_copy(struct arena *a, const void *from, size_t n, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap);

/*
 * Room for one more element behind an array of n elements of `size` bytes: returns the array, moved
 * if it had to grow, with *cap raised. `array` may be NULL with *cap 0.
 */
void *arena_grow(struct arena *a, void *array, size_t n, size_t *cap, size_t size);

/* Takes so much more for it, and touches that. */
void arena_extend(struct arena *a, size_t bytes);
size_t arena_bytes(const struct arena *a);	/* taken from the system */

#endif
