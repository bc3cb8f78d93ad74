/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is taken back all at once: see arena.h. */
#include "core/arena.h"

#include "core/must.h"

#include <limits.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Blocks double from the least to the most: there are thousands of small arenas. */
#define ARENA_BLOCK_MIN ((size_t)1024)
#define ARENA_BLOCK_MAX ((size_t)256 * 1024)
/* From this size on a block is a place of its own in memory, and populate() is worth a call. */
#define ARENA_BLOCK_BIG ((size_t)64 * 1024)
/* The most that the C library takes for each of these. */
#define MMAP_MAX (32 << 20)
#define TRIM_MAX INT_MAX
/* Of what is kept here: integers of 64 bits and pointers. */
#define ARENA_ALIGN sizeof(uint64_t)

struct block {
	struct block *next;
	size_t used;
	size_t size;
	_Alignas(max_align_t) unsigned char data[];
};

struct arena {
	struct block *head;
	size_t bytes;
	bool wipe;
};

void arena_keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, MMAP_MAX);
	mallopt(M_TRIM_THRESHOLD, TRIM_MAX);
}

struct arena *arena_new(void)
{
	return must(calloc(1, sizeof(struct arena)));
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct block *b = a->head, *next; b; b = next) {
		next = b->next;
		if (a->wipe)
			explicit_bzero(b->data, b->used);
		free(b);
	}
	free(a);
}

static struct block *largest(struct block *head)
{
	struct block *found = head;

	for (struct block *b = head; b; b = b->next)
		if (b->size > found->size)
			found = b;
	return found;
}

void arena_clear(struct arena *a)
{
	struct block *kept = largest(a->head);

	for (struct block *b = a->head, *next; b; b = next) {
		next = b->next;
		if (a->wipe)
			explicit_bzero(b->data, b->used);
		if (b != kept)
			free(b);
	}
	a->head = kept;
	a->bytes = 0;
	if (!kept)
		return;
	kept->next = NULL;
	kept->used = 0;
	a->bytes = sizeof(*kept) + kept->size;
}

void arena_wipe_at_end(struct arena *a)
{
	a->wipe = true;
}

/* All of a block's pages at once: a fault for each costs several times as much. */
static void populate(struct block *b)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)b->data + page - 1) & ~(page - 1);
	uintptr_t to = ((uintptr_t)b->data + b->size) & ~(page - 1);

	/* Older kernels (before 5.14) do without. */
	if (to > from)
		madvise((void *)from, to - from, MADV_POPULATE_WRITE);
}

static size_t usual_size(const struct arena *a)
{
	size_t twice = a->head ? 2 * a->head->size : ARENA_BLOCK_MIN;

	return twice < ARENA_BLOCK_MAX ? twice : ARENA_BLOCK_MAX;
}

static struct block *block_add(struct arena *a, size_t want)
{
	size_t usual = usual_size(a);
	size_t size = want > usual ? want : usual;
	struct block *b = must(malloc(sizeof(*b) + size));

	*b = (struct block){.size = size};
	if (size >= ARENA_BLOCK_BIG)
		populate(b);
	a->bytes += sizeof(*b) + size;
	/* A piece of its own size must not hide the half-empty block in front. */
	if (want > usual / 4 && a->head) {
		b->next = a->head->next;
		a->head->next = b;
	} else {
		b->next = a->head;
		a->head = b;
	}
	return b;
}

size_t arena_free_bytes(void)
{
	return mallinfo2().fordblks;
}

/* One by one: to a kernel in user mode populate() is not enough. */
void arena_extend(struct arena *a, size_t bytes)
{
	struct block *b = block_add(a, bytes);

	memset(b->data, 0, b->size);
}

/* Not zeroed: calloc() would touch page by page what populate() takes at once. */
static void *take(struct arena *a, size_t size, size_t align)
{
	struct block *b = a->head;
	void *p;

	if (size > SIZE_MAX / 2)
		must(NULL);
	if (b)
		b->used = (b->used + align - 1) & ~(align - 1);
	if (!b || b->used > b->size || b->size - b->used < size)
		b = block_add(a, size);
	p = b->data + b->used;
	b->used += size;
	return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	return memset(take(a, size, ARENA_ALIGN), 0, size);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		must(NULL);
	return arena_alloc(a, bytes);
}

void *arena_copy(struct arena *a, const void *from, size_t n, size_t size)
{
	size_t bytes;
	void *copy;

	if (__builtin_mul_overflow(n, size, &bytes))
		must(NULL);
	copy = take(a, bytes, ARENA_ALIGN);
	return bytes ? memcpy(copy, from, bytes) : copy;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = take(a, n + 1, 1);

	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *s;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	s = arena_alloc(a, (size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	return s;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return s;
}

void *arena_grow(struct arena *a, void *array, size_t n, size_t *cap, size_t size)
{
	size_t wider = *cap ? *cap * 2 : 2;
	void *moved;

	if (n < *cap)
		return array;
	moved = arena_array(a, wider, size);
	if (n)
		memcpy(moved, array, n * size);
	*cap = wider;
	return moved;
}

size_t arena_bytes(const struct arena *a)
{
	return a->bytes;
}
