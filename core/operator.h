/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's verbs about real servers: drain, ready, maint, disable, weight, check-now. Owns
 * the overrides (overrides.h), their file STATE_DIR/overrides and their deadlines; tells tandem-ipvs
 * what is wanted, which acts on it. Knows no socket.
 */
#ifndef TANDEM_OPERATOR_H
#define TANDEM_OPERATOR_H

#include "core/overrides.h"
#include "core/saver.h"

#include <ev.h>

struct supervisor;
struct process;
struct json_object;

struct operator {
	struct overrides overrides;
	struct overrides later; /* from other directors, of servers that are not configured here yet */
	struct saver file;
	bool failing; /* the file can't be written */
	bool unsaved; /* it is behind what is known */
	ev_prepare write;
	ev_periodic end; /* of the next override that has one: by the wall clock */
};

/* As it was asked, still in words; "" is not given. */
struct operator_request {
	char verb[16];
	char server[128];
	char service[128];
	char duration[32]; /* "90", "10m", "2h", "1d" */
	char weight[16];   /* a number, or "configured" */
	bool until_idle;
};

/* Reads the file; one that can't be read is set aside, and that is said. */
void operator_init(struct supervisor *s);
void operator_done(struct supervisor *s);
bool operator_is_verb(const char *verb);
/*
 * Does it, and answers with a document: what was done, or why not. What was done is for nobody to see
 * before operator_has_saved(), unless that takes too long; then operator_answered() completes it.
 */
struct json_object *operator_run(struct supervisor *s, const struct operator_request *r);
/* How much has been said until now, and whether so much is in the file or can't be. */
uint64_t operator_words(const struct supervisor *s);
bool operator_has_saved(const struct supervisor *s, uint64_t words);
/* Says in the document whether what it tells will outlive tandemd. */
void operator_answered(const struct supervisor *s, uint64_t words, struct json_object *doc);
/* From check to kernel weight, for `server`, or for all servers of `service` when that is "". */
struct json_object *operator_explain(const struct supervisor *s, const struct operator_request *r);
/* A new incarnation of tandem-ipvs must know all overrides before it begins. */
void operator_hand_over(const struct supervisor *s, struct process *p);
/* MSG_SERVER_IDLE */
void operator_idle(struct supervisor *s, const struct msg_server_idle *m);
/* MSG_SERVER_OVERRIDE from tandem-sync: it holds here as well, when it is newer than ours, and as
 * soon as its server is configured. */
void operator_copy(struct supervisor *s, const struct msg_server_override *m);
/* Another model is in force everywhere. */
void operator_settle(struct supervisor *s);

#endif
