/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All checks and the real servers they speak for. Owns what carries over from one model to the
 * next, and from one life of this process to the next: a server is up when all of its checks are;
 * nothing that was down comes back without a pass, nothing that was up goes without a fail. Knows
 * no timers, sockets or log.
 */
#ifndef TANDEM_CHECKERS_SET_H
#define TANDEM_CHECKERS_SET_H

#include "checkers/machine.h"
#include "core/model.h"
#include "core/msg.h"

#include <stddef.h>

struct checked_server;
struct check_run;

struct checked {
	const struct check *conf;
	struct checked_server *server;
	struct check_state state;
	bool fresh;	       /* new in this update */
	bool retargeted;       /* what it asks has changed in this update */
	int64_t saved_us;      /* when its state was last reported */
	bool to_save;	       /* is to be reported with others */
	struct checked *next_to_save;
	int64_t histogram_saved_us;
	int64_t warned_us;     /* when its last warning was logged; 0: never */
	struct check_run *run; /* the runner's */
	struct checked *leader;	   /* who is run for it: share.h */
	struct checked *next_same; /* of the leader's list */
};

struct checked_server {
	const struct virtual_server *service;
	const struct real_server *conf;
	bool up;
	int64_t since_us;
	struct text reason;
	bool has_weight; /* a check gives it one, instead of the configured */
	int32_t weight;
	struct check_agent agent; /* of all its agents' words the hardest */
	uint32_t told_latency_us; /* what others were told last */
	bool fresh;   /* new in this update */
	bool changed; /* went up or down by this update */
	bool weighed; /* got another weight by this update */
	struct checked **checks;
	uint32_t n_checks;
};

struct check_set {
	/* Both sorted by id. */
	struct checked **checks;
	size_t n_checks;
	struct checked_server **servers;
	size_t n_servers;
	uint64_t *unchecked; /* sorted ids of the model's other real servers */
	size_t n_unchecked;
	struct checked **by_server; /* what servers' `checks` point into */
};

/* States of a former life, as they come in before the first model. */
struct check_memory {
	struct msg_check_state *states;
	size_t n;
	size_t cap;
	struct msg_check_latency *latencies;
	size_t n_latencies;
	size_t latencies_cap;
};
void check_memory_add(struct check_memory *m, const struct msg_check_state *state);
void check_memory_add_latency(struct check_memory *m, const struct msg_check_latency *latency);
void check_memory_done(struct check_memory *m);

/*
 * Goes over to `model`; conf pointers point into it from then on. `drop` is called for every check
 * that is in it no more, before it is freed.
 */
void check_set_update(struct check_set *set, const struct model *model, struct check_memory *memory,
		      int64_t now_us, void (*drop)(void *ctx, struct checked *c), void *ctx);
void check_set_done(struct check_set *set);

struct checked *check_set_find(const struct check_set *set, uint64_t id);

/*
 * Takes in the result of a run. The server's own change, if any, follows from the check's: its
 * `up` or its weight differs after the call.
 */
enum check_change checked_result(struct checked *c, const struct check_result *result,
				 int64_t now_us);

#endif
