/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that wait for a slow reader, in order, up to a bound; beyond it the oldest are given up,
 * never the newest, and never a part of a line. Pure: knows no descriptor and no log.
 */
#ifndef TANDEM_LINE_QUEUE_H
#define TANDEM_LINE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct line;

struct line_queue {
	struct line *head;
	struct line **tail;
	size_t bytes;	  /* of all lines that wait */
	size_t bytes_max; /* the bound; the newest line waits whatever its length */
	uint32_t n;
	size_t taken;	 /* bytes of the first line that are on their way already */
	uint64_t passed; /* lines that went whole */
	uint64_t lost;	 /* lines given up */
};

void line_queue_init(struct line_queue *q, size_t bytes_max);
void line_queue_done(struct line_queue *q);

/* Copied. Returns how many lines were given up for it. */
uint32_t line_queue_add(struct line_queue *q, const char *line, size_t len);

/* What is to be written next; NULL: nothing. */
const char *line_queue_next(const struct line_queue *q, size_t *ret_len);

/* `len` bytes of line_queue_next() were written. */
void line_queue_took(struct line_queue *q, size_t len);

/* All that waits is lost. Returns how many lines. */
uint32_t line_queue_give_up(struct line_queue *q);

#endif
