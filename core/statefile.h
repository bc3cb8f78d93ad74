/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last known state as a file, RUN_DIR/state, for a supervisor that follows one that was killed
 * together with its roles. Written soon after a change, whole, to the side and then renamed. Only
 * good until the machine's next boot: it is full of monotonic times.
 */
#ifndef TANDEM_STATEFILE_H
#define TANDEM_STATEFILE_H

#include "core/clock.h"
#include "core/store.h"

#include <ev.h>

#define STATEFILE_BEAT_US USEC_PER_SEC

struct statefile {
	struct ev_loop *loop;
	const struct store *store;
	char path[256];
	uint64_t generation; /* in force, and its hash */
	uint64_t hash;
	int64_t alive_us; /* of what was loaded: until then its writer lived, give or take a beat */
	ev_timer timer;
	ev_timer beat;
	double last_write_s; /* how long it took */
	bool failing;
};

void statefile_init(struct statefile *f, struct ev_loop *loop, const char *run_dir,
		    const struct store *store);

/* 0, -ENOENT, -ESTALE (of another boot), -EBADMSG (what could be read is in the store), -errno */
int statefile_load(struct statefile *f, struct store *store);
/* From now on the file is ours: it tells each second that we live. */
void statefile_begin(struct statefile *f);
/* Something has changed. */
void statefile_touch(struct statefile *f);
/* Only such has changed as the next incarnation can do without for a time: it need not be soon. */
void statefile_touch_lazily(struct statefile *f);
/* Writes it now, and waits for it. */
void statefile_flush(struct statefile *f);
void statefile_remove(struct statefile *f);

#endif
