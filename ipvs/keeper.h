/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the kernel's table as it is wanted: holds the running model, the health and the state of
 * each virtual server, and brings the kernel in line whenever one of them, or the kernel itself,
 * has changed. Nothing here remembers what the kernel holds: each time it is looked at anew.
 *
 * Ownership: the kernel marks no service as ours. Ours are those of the running model, and those
 * whose state a former incarnation reported to the supervisor, which hands it back at the start.
 * A service's state is reported, and has left the process, before the service is put into the
 * kernel, so that no death, at whatever instant, leaves one behind that nobody knows.
 */
#ifndef TANDEM_IPVS_KEEPER_H
#define TANDEM_IPVS_KEEPER_H

#include "core/msg.h"
#include "ipvs/explain.h"
#include "ipvs/leaving.h"
#include "ipvs/netlink.h"
#include "ipvs/peers.h"
#include "ipvs/wanted.h"

/* One virtual server that is being served, by one of the kernel's services or by a group's. */
struct served {
	const struct virtual_server *vs;
	struct service_state state;
	bool dirty;	  /* the model or its health has changed since the last pass */
	bool untold;	  /* its state has changed; the supervisor hears of it after the pass */
	bool led;	  /* we are Active for it, as the other directors were told */
	int64_t step_us;  /* when its weights take their next step by themselves; 0: never */
	uint64_t failure; /* a hash of what the kernel refused in the last pass; 0: nothing */
	uint64_t told;	  /* the last such hash that was logged */
};

/* A VRRP instance that was heard of. */
struct keeper_instance {
	uint64_t id;
	bool active; /* or holds its addresses until its successor has them */
};

/* The kernel's sync daemons. */
struct keeper_sync {
	bool owned; /* what runs may be there because of us */
	bool runs[IPVS_DAEMONS];
	bool dirty; /* the followed instance has changed its state */
	uint64_t failure;
	uint64_t told;
};

struct keeper {
	struct ipvs_netlink nl;
	const struct model *model; /* NULL before the first commit */
	struct served *served;	   /* sorted by id */
	uint32_t n_served;
	struct keeper_key {
		uint64_t id;
		struct served *served;
	} *keys; /* of all services that are wanted in the kernel, sorted by ipvs_key_id() */
	uint32_t n_keys;
	uint32_t n_dirty;
	uint32_t patrol_at; /* where the next slice of the patrol starts */
	struct health health;
	struct service_state *resumed; /* of a former incarnation, until the first commit */
	uint32_t n_resumed;
	struct leaving leaving;
	struct keeper_sync sync;
	struct keeper_instance *instances;
	uint32_t n_instances;
	struct peers peers; /* what the other directors say of the real servers */
	bool moved; /* a service came or went with its instance since the last pass */
	uint64_t *owned; /* sorted ids of keys: of all that may be in the kernel because of us */
	uint32_t n_owned;
	bool flush_others; /* lvs_flush, until the first whole pass has ended well */
	bool incomplete;   /* a pass did not end well: the whole table is to be looked at */
	bool available;
	struct text reason;
	uint32_t services_in_kernel;
	uint32_t servers_in_kernel;
	uint64_t repairs;
	struct keeper_tended {
		struct keeper_drain {
			uint64_t service;
			uint64_t server;
		} *drains; /* servers that leave their pools once they are idle */
		uint32_t n_drains;
		int64_t looked_us;   /* when the kernel was last asked about them, */
		int64_t fed_back_us; /* and when feedback last moved the weights */
		bool by_clock;	     /* what is dirty is so by the clock alone */
	} tended;
};

void keeper_init(struct keeper *k);

/* hear.c: what is told to it. The first four before the first commit: how a former incarnation
 * left things; later they are ignored. */
void keeper_resume(struct keeper *k, const struct msg_service_state *m);
void keeper_resume_sync(struct keeper *k, const struct msg_sync_daemons *m);
void keeper_resume_leaving(struct keeper *k, const struct msg_server_leaving *m);
void keeper_resume_weight(struct keeper *k, const struct msg_server_weight *m);
void keeper_health(struct keeper *k, const struct msg_server_health *m);
void keeper_override(struct keeper *k, const struct msg_server_override *m);
void keeper_vrrp(struct keeper *k, const struct msg_vrrp_state *m);

/*
 * confer.c: weights are agreed on with the other directors, by the rule of agree.h. What they say
 * comes from tandem-sync, and keeper_peers_look() is to be called every few seconds: one that is
 * not heard any more does not say so. keeper_confer(): a tandem-sync that knows nothing is to be
 * told everything, and will tell everything.
 */
void keeper_peer_view(struct keeper *k, const struct msg_server_view *m);
void keeper_peer_led(struct keeper *k, const struct msg_service_led *m);
void keeper_peer_heard(struct keeper *k, const struct msg_peer_heard *m, int64_t now_us);
void keeper_peers_look(struct keeper *k, int64_t now_us);
void keeper_confer(struct keeper *k);

/* The model must stay until the next one is committed. */
void keeper_commit(struct keeper *k, const struct model *model, int64_t now_us);
/* Applies what keeper_health() and keeper_vrrp() have left to do. */
bool keeper_is_dirty(const struct keeper *k);
void keeper_run(struct keeper *k, int64_t now_us);
/* Tries again what the kernel refused, or everything if it could not be reached. */
void keeper_retry(struct keeper *k);
bool keeper_wants_retry(const struct keeper *k);
/* Looks at the next few services for changes by others. True when that was the last of them. */
bool keeper_patrol(struct keeper *k);

/* Sends all current values to the supervisor. */
void keeper_report(struct keeper *k);
/* Removes ours from the kernel, or everything with lvs_flush_on_stop. */
void keeper_stop(struct keeper *k);

/*
 * tend.c: what goes on by the clock: slow start, feedback, and servers that leave once idle. Marks
 * what has to be run. keeper_tend_us() is when there is something to do next; 0: nothing.
 */
void keeper_tend(struct keeper *k, int64_t now_us);
int64_t keeper_tend_us(const struct keeper *k);

#endif
