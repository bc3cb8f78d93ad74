/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keepalived's notify FIFOs: made, written to, their scripts kept running. Writing never waits for
 * a reader: what the pipe does not take queues up to FIFO_QUEUE_BYTES, and what is given up beyond
 * that is counted and told. Knows nothing of what the lines say (notify.h).
 */
#ifndef TANDEM_FIFOS_H
#define TANDEM_FIFOS_H

#include "core/model.h"

struct ev_loop;
struct fifos;

/* Behind the pipe's own 64 KiB; about 30,000 lines. */
#define FIFO_QUEUE_BYTES ((size_t)1 << 20)

struct fifo_status {
	const char *keyword;
	const char *path;
	bool open;
	uint64_t written; /* lines, since it was opened */
	uint32_t waiting;
	uint64_t lost;
};

/* 0 or -errno. */
int fifos_new(struct ev_loop *loop, const char *run_dir, struct fifos **ret);
/* For good: FIFOs that were made here, or by a former supervisor, are removed. Their scripts see
 * the end of the file, and have until fifos_free(). */
void fifos_close(struct fifos *f);
/* No script runs any more. */
bool fifos_idle(const struct fifos *f);
/* Scripts that still run are asked to end. Without fifos_close() the FIFOs stay for a successor. */
void fifos_free(struct fifos *f);

/* The model in force is `m` from now on: a FIFO that is in it as before stays open. */
void fifos_commit(struct fifos *f, const struct model *m);

/* One line, with its newline, to the FIFO of this kind and to the one for all. */
void fifos_write(struct fifos *f, enum notify_fifo_kind kind, const char *line);

void fifos_each(const struct fifos *f, void (*each)(void *ctx, const struct fifo_status *status),
		void *ctx);

#endif
