/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world for the keeper (ipvs/keeper.h): the netlink port over a kernel made of values, the links
 * to the supervisor and tandem-sync, and the log, which note what they are told; and models of SERVICES services
 * with SERVERS servers each.
 */
#ifndef TANDEM_FAKE_KEEPER_WORLD_H
#define TANDEM_FAKE_KEEPER_WORLD_H

#include "core/store.h"
#include "core/vrrp_state.h"
#include "ipvs/keeper.h"
#include "tests/fake/ipvs_kernel.h"

#define SERVICES 6
#define SERVERS	 3

struct keeper_world {
	struct fake_ipvs kernel;
	int unreachable;	  /* -errno of every call, or 0 */
	const char *no_scheduler; /* refused with ENOENT */
	bool lose_next;		  /* the next answers are lost, the edits done */
	unsigned deeds_left;	  /* edits and messages until the keeper dies: then none arrives */
	bool dead;
	struct msg *unsent;	    /* they die with it: the loop or a flush would send them */
	uint32_t n_unsent;
	struct store store; /* the supervisor's */
	unsigned looks_at_all;
	unsigned looks_at_services; /* one by one */
	uint32_t edits;		    /* that were tried */
	uint32_t service_states;
	struct msg_ipvs_state last;
	char log[1 << 16];
	/* The last of each. */
	struct msg_server_idle idle;
	struct msg_server_weight weight;
	struct msg_server_leaving leaving;
	/* Of what the other directors are told. */
	struct msg_service_led led;
	struct msg_server_view view;
	unsigned views;
};
extern struct keeper_world world;

struct fixture {
	struct arena *arena;
	struct keeper keeper;
	struct model *model; /* what is committed next; tests change it first */
	uint64_t generation;
};

/* For cmocka: *state is a struct fixture, and the world is as new. */
int setup(void **state);
int teardown(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* f->model with all services alike; the one before stays as it is. */
void next_model(struct fixture *f);
void fill_server(struct arena *arena, struct virtual_server *vs, unsigned n);
/* A keeper that was not stopped. */
void keeper_free(struct keeper *k);

/* The keeper dies when it has made so many edits and sent so many messages. */
void let_die_after(unsigned deeds);
/* A new life: resumes from what the supervisor was told, and commits this model. */
void revive(struct fixture *f, const struct model *m, unsigned deeds);

/* What happens to it. Services and servers are those of f->model, by number. */
void commit(struct fixture *f);
void say(struct fixture *f, unsigned service, unsigned server, bool up);
void say_vrrp(struct fixture *f, uint64_t instance, enum vrrp_state_id state);

/* What there is then; NULL when there is none. */
struct ipvs_service *in_kernel(struct fixture *f, unsigned service);
struct ipvs_dest *dest_of(struct fixture *f, unsigned service, unsigned server);
struct ipvs_key foreign_key(void);
bool logged(const char *text);
void forget_log(void);
/* The kernel has what the keeper's model and health ask for, and the foreign services. */
void assert_settled(struct fixture *f);

#endif
