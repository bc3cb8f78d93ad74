/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for libcurl: see curl_memory.h. */
#include "checkers/curl_memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Blocks of 2^LEAST_LOG bytes and of each power of two above it, SIZES of them: 64 to 8192. */
#define LEAST_LOG 6
#define SIZES	  8
#define LARGE	  SIZES /* any other: malloc()'s */
/* What of one size waits takes no more than this. */
#define SPARE_BYTES ((size_t)512 << 10)

struct block {
	struct block *next; /* while it waits */
	unsigned size;	    /* as a power of two, from LEAST_LOG on; or LARGE */
	alignas(max_align_t) uint8_t at[];
};

static struct {
	struct block *first;
	size_t n;
} spare[SIZES];

static size_t bytes_of(unsigned size)
{
	return (size_t)1 << (LEAST_LOG + size);
}

static unsigned size_for(size_t bytes)
{
	unsigned size = 0;

	while (size < LARGE && bytes_of(size) < bytes)
		size++;
	return size;
}

static struct block *block_of(void *at)
{
	return (struct block *)((uint8_t *)at - offsetof(struct block, at));
}

void *curl_memory_malloc(size_t bytes)
{
	unsigned size = size_for(bytes);
	struct block *b = size < LARGE ? spare[size].first : NULL;

	if (b) {
		spare[size].first = b->next;
		spare[size].n--;
		return b->at;
	}
	if (bytes > SIZE_MAX - sizeof(*b))
		return NULL;
	b = malloc(sizeof(*b) + (size < LARGE ? bytes_of(size) : bytes));
	if (!b)
		return NULL;
	b->size = size;
	return b->at;
}

void curl_memory_free(void *at)
{
	struct block *b = at ? block_of(at) : NULL;

	if (!b)
		return;
	if (b->size == LARGE || spare[b->size].n >= SPARE_BYTES / bytes_of(b->size)) {
		free(b);
		return;
	}
	b->next = spare[b->size].first;
	spare[b->size].first = b;
	spare[b->size].n++;
}

void *curl_memory_calloc(size_t n, size_t bytes)
{
	void *at = bytes && n > SIZE_MAX / bytes ? NULL : curl_memory_malloc(n * bytes);

	return at ? memset(at, 0, n * bytes) : NULL;
}

static void *enlarge(struct block *b, size_t bytes)
{
	if (bytes > SIZE_MAX - sizeof(*b))
		return NULL;
	b = realloc(b, sizeof(*b) + bytes);
	return b ? b->at : NULL;
}

void *curl_memory_realloc(void *at, size_t bytes)
{
	struct block *b = at ? block_of(at) : NULL;
	void *other;

	if (b && b->size == LARGE)
		return enlarge(b, bytes);
	if (b && bytes <= bytes_of(b->size))
		return at;
	other = curl_memory_malloc(bytes);
	if (b && other) {
		memcpy(other, at, bytes_of(b->size));
		curl_memory_free(at);
	}
	return other;
}

char *curl_memory_strdup(const char *text)
{
	size_t bytes = strlen(text) + 1;
	char *copy = curl_memory_malloc(bytes);

	return copy ? memcpy(copy, text, bytes) : NULL;
}
