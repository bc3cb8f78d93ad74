/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations that are tried: another file than the configured one is put in force, with or
 * without a term within which somebody must say that all is well, and the former one is brought
 * back. Owns the former generation's image and the term; the change itself is a reload (reload.h).
 *
 * Nothing here outlives the supervisor: a new one reads the configured file, so that a machine that
 * was cut off by what was applied is mended by a restart, too.
 */
#ifndef TANDEM_APPLY_H
#define TANDEM_APPLY_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct generation;
struct supervisor;

#define APPLY_CONFIRM_MAX_US (INT64_C(24) * 3600 * 1000000)

struct apply {
	char file[1024];	/* in force; "": the configured one */
	char former_file[1024]; /* of the former generation */
	int former_fd;		/* its image; -1: there is none */
	int64_t confirm_us;	/* what the apply under way asks for; 0: no confirmation */
	int64_t until_us;	/* rolled back then; USEC_NEVER: nothing waits */
	ev_timer term;
};

void apply_init(struct supervisor *s);
void apply_done(struct supervisor *s);

/* Each returns the serial of the reload that does it, or 0 with the reason, a constant string. */
uint64_t apply_file(struct supervisor *s, const char *file, int64_t confirm_us,
		    const char **ret_reason);
uint64_t apply_rollback(struct supervisor *s, const char **ret_reason);
/* False: nothing waits. */
bool apply_confirm(struct supervisor *s);

/* For reload.c. The generation in force is about to be replaced. */
void apply_keep_former(struct supervisor *s);
/* It has been, by this file ("": the configured one), or by the former generation. */
void apply_committed(struct supervisor *s, const char *file);
/* It says what is in force already. */
void apply_unchanged(struct supervisor *s, const char *file);
/* The reload has come to nothing. */
void apply_failed(struct supervisor *s);

#endif
