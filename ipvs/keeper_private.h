/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the keeper call of each other: see keeper.h. */
#ifndef TANDEM_IPVS_KEEPER_PRIVATE_H
#define TANDEM_IPVS_KEEPER_PRIVATE_H

#include "ipvs/keeper.h"

/* Looking at so many services one by one costs as much as looking at all of them. */
#define KEEPER_SOME_MAX 512

/* What a pass looks at: these services, or all; and the keys of some that are wanted no more. */
struct keeper_scope {
	struct served **some;
	uint32_t n_some;
	struct ipvs_key *gone;
	uint32_t n_gone;
	bool daemons; /* the sync daemons, too */
	bool all;     /* all of it, and the timeouts and sync daemons */
};

/* served.c; what is not found is NULL */
/* Sorts k->served, and makes k->keys anew. */
void keeper_index(struct keeper *k);
struct served *keeper_find(const struct keeper *k, uint64_t service);
struct served *keeper_find_key(const struct keeper *k, const struct ipvs_key *key);
/* The edited service; NULL without one, too. */
struct served *keeper_find_edited(const struct keeper *k, const struct ipvs_edit *e);
/* NULL without a service, too. */
const struct real_server *keeper_find_server(const struct served *s, uint64_t id);

/* keeper.c */
/* It has to be stepped and looked at by the next keeper_run(). */
void keeper_mark(struct keeper *k, struct served *s);
/* Steps the services, all or the dirty ones, and puts those that have to be looked at into
 * scope->some, which the caller frees. */
void keeper_scope_changed(struct keeper *k, bool all, struct keeper_scope *scope, int64_t now_us);
/* Tells the states that have changed. Not before the pass: to tell of thousands takes as long as to
 * write them, and what may be in the kernel the supervisor knows by the models. */
void keeper_tell_states(struct keeper *k);
/* Makes a pass and tells of what has changed by it. */
void keeper_bring(struct keeper *k, const struct keeper_scope *scope, enum ipvs_cause cause);

/* hear.c */
/* What is known of an instance, and of the one that the sync daemons follow. */
enum wanted_follows keeper_follows_instance(const struct keeper *k, uint64_t instance);
enum wanted_follows keeper_follows(const struct keeper *k);

/* confer.c; does nothing without a sync block */
/* Before pool_step(): what of the Active's view is taken for our own. */
void keeper_follow(struct keeper *k, const struct served *s);
/* After it: agrees on the weights of this service. Returns when to step again; 0: never. */
int64_t keeper_agree(struct keeper *k, const struct served *s, int64_t now_us);
/* The other director that is Active for it; NULL: we are, or nobody who is heard. */
const struct peer *keeper_leader(const struct keeper *k, const struct served *s);
/* What has been agreed on, and the view of another director, into the message. */
void keeper_fill_peer(const struct keeper *k, const struct served *s, const struct real_server *rs,
		      struct msg_server_weight *m);
/* Instances have changed, or the services have: for which ones we are Active. */
void keeper_tell_led(struct keeper *k);
/* The former model's servers and services that are no more. */
void keeper_unsay_gone(struct keeper *k, const struct keeper *former);

/* commit.c */
/* When the i-th server that leaves has left, or must not any more. */
void keeper_left(struct keeper *k, uint32_t i);

/* tend.c */
/* After a commit or an override: who drains until it is idle. */
void keeper_tend_index(struct keeper *k);

/* tell.c */
void keeper_send_service(const struct service_state *state);
void keeper_send_served(const struct served *s);
void keeper_send_leaving(const struct leaving_server *s, bool gone);
void keeper_send_weight(const struct keeper *k, const struct served *s,
			const struct real_server *rs);
void keeper_send_ipvs(const struct keeper *k);
void keeper_send_sync(const struct keeper *k);

/*
 * refusal.c: notes what the kernel has refused in each served, and tells it once. True: the table
 * has moved since it was looked at; then nothing is noted.
 */
bool keeper_refused(struct keeper *k, struct ipvs_edit *failed, uint32_t n);

/* pass.c: these services as they are in the kernel, by what a look at all has seen. 0 or -errno. */
int keeper_look_at_seen(struct keeper *k, const struct ipvs_table *seen,
			struct served *const *services, uint32_t n_services, struct arena *arena,
			struct ipvs_table *ret);

/*
 * pass.c: what is wanted within the scope against the kernel. A pass over all also removes
 * whatever is owned and not wanted. Returns 0 or -errno when the kernel could not be reached; what
 * it refused is noted in each served.
 */
int keeper_pass(struct keeper *k, const struct keeper_scope *scope, enum ipvs_cause cause);

#endif
