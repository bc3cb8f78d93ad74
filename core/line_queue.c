/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that wait for a slow reader: see line_queue.h. */
#include "core/line_queue.h"

#include "core/must.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct line {
	struct line *next;
	size_t len;
	char text[];
};

void line_queue_init(struct line_queue *q, size_t bytes_max)
{
	*q = (struct line_queue){.bytes_max = bytes_max};
	q->tail = &q->head;
}

/* Takes the line at `at` out. */
static void drop(struct line_queue *q, struct line **at)
{
	struct line *line = *at;

	*at = line->next;
	if (!*at)
		q->tail = at;
	q->bytes -= line->len;
	q->n--;
	free(line);
}

void line_queue_done(struct line_queue *q)
{
	while (q->head)
		drop(q, &q->head);
}

/* The first of those of which the reader has nothing yet. */
static struct line **oldest_whole(struct line_queue *q)
{
	return q->taken ? &q->head->next : &q->head;
}

uint32_t line_queue_add(struct line_queue *q, const char *line, size_t len)
{
	struct line *added = must(malloc(sizeof(*added) + len));
	uint32_t lost = 0;

	added->next = NULL;
	added->len = len;
	memcpy(added->text, line, len);
	for (; q->bytes + len > q->bytes_max && q->n && *oldest_whole(q); lost++)
		drop(q, oldest_whole(q));
	*q->tail = added;
	q->tail = &added->next;
	q->bytes += len;
	q->n++;
	q->lost += lost;
	return lost;
}

const char *line_queue_next(const struct line_queue *q, size_t *ret_len)
{
	if (!q->head)
		return NULL;
	*ret_len = q->head->len - q->taken;
	return q->head->text + q->taken;
}

void line_queue_took(struct line_queue *q, size_t len)
{
	assert(q->head && q->taken + len <= q->head->len);
	q->taken += len;
	if (q->taken < q->head->len)
		return;
	q->taken = 0;
	q->passed++;
	drop(q, &q->head);
}

uint32_t line_queue_give_up(struct line_queue *q)
{
	uint32_t n = q->n;

	line_queue_done(q);
	q->taken = 0;
	q->lost += n;
	return n;
}
