/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One small file, written and synced beside the loop: on a disk that is slow or dying that takes
 * seconds, and whoever waited for it would hear nobody meanwhile. What is given while one is being
 * written waits; of several that wait only the last is written.
 *
 * Owns a thread, which there is from the first write on and which does nothing but that. Judges
 * nothing of what is written. Not for processes that fork and go on as the child.
 */
#ifndef TANDEM_SAVER_H
#define TANDEM_SAVER_H

#include <ev.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct saver {
	struct ev_loop *loop;
	char path[256];
	mode_t mode;
	/* From the loop: all that was given until `saved` is on the disk, or -errno says why not. */
	void (*done)(struct saver *s, int err);
	void *owner;
	uint64_t given; /* how many times something was given */
	uint64_t saved; /* of these, as the loop knows it */
	bool started;
	pthread_t thread;
	ev_async written;
	/* Under the lock: */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	void *bytes; /* what is to be written; NULL: nothing */
	size_t n;
	uint64_t serial;      /* of the bytes */
	uint64_t done_serial; /* of what was written last, and how that went */
	int error;
	bool ending;
};

void saver_init(struct saver *s, struct ev_loop *loop, const char *path, mode_t mode,
		void (*done)(struct saver *s, int err), void *owner);
/* `bytes` is malloc'ed and becomes the saver's. Leads to done(). */
void saver_write(struct saver *s, void *bytes, size_t n);
/* Waits until what was given is written; done() is called for it. */
void saver_end(struct saver *s);

#endif
