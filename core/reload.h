/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reloads: one at a time, each a transaction (transaction.h) over the roles that run. Whoever asks
 * while one is under way gets the one after it, together with all others who ask.
 */
#ifndef TANDEM_RELOAD_H
#define TANDEM_RELOAD_H

#include "core/generation.h"
#include "core/transaction.h"

#include <ev.h>

struct supervisor;

enum reload_outcome {
	RELOAD_COMMITTED,
	RELOAD_UNCHANGED, /* the file says what is in force */
	RELOAD_REFUSED,	  /* the file can't be used */
	RELOAD_FAILED,	  /* a role refused it, died or was silent; the former model runs on */
	RELOAD_PARTIAL,	  /* in force, but a role had to be started again on it */
};
const char *reload_outcome_name(enum reload_outcome outcome);

/* Where the next generation comes from. */
struct reload_source {
	enum reload_kind {
		RELOAD_CONFIGURED, /* the configured file, as it is now */
		RELOAD_FILE,	   /* another one, see apply.h */
		RELOAD_FORMER,	   /* a former generation's image */
	} kind;
	const char *file; /* "" : the configured one; of FORMER: what it was read from */
	int image_fd;	  /* of FORMER; the caller's */
};

/* How the last one ended. */
struct reload_result {
	uint64_t serial; /* 0: there was none */
	enum reload_outcome outcome;
	uint64_t generation; /* in force afterwards */
	int64_t ended_us;
	char message[256];
	char *diagnostics; /* with carets, for people; NULL: none */
};

struct reload {
	uint64_t serial; /* of the last one that was begun */
	bool again;	 /* one more after this one */
	/* The last number that roles were asked about: a late answer must not count for another. */
	uint64_t offered;
	struct generation next;
	struct transaction transaction;
	ev_timer timer;
	char file[1024];	/* "" : the configured one */
	char changes[256];	/* "1 real server changed" */
	char refusal[TEXT_MAX]; /* the role's words */
	struct reload_result last;
};

void reload_init(struct supervisor *s);
void reload_done(struct supervisor *s);
/* Returns the serial of the reload that will have read the file as it is now. */
uint64_t reload_request(struct supervisor *s);
/* Only when none is under way. Returns its serial; it may have ended at once. */
uint64_t reload_begin(struct supervisor *s, const struct reload_source *from);
bool reload_is_busy(const struct supervisor *s);

/* PREPARED and COMMITTED of roles that run. */
void reload_message(struct supervisor *s, enum role_id role, const struct msg *m);
void reload_role_gone(struct supervisor *s, enum role_id role);

/* One line for each diagnostic; `what` was tried. */
void reload_log_diags(const struct diags *d, const char *what);

#endif
