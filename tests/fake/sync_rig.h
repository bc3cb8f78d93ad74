/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions (sync/session.h) on a wire made of values, with a time of their own: two ends, up to four;
 * what is lost, and on which of two links, is as the test says. Ends have numbers from 0, and node
 * names from 1.
 */
#ifndef TANDEM_FAKE_SYNC_RIG_H
#define TANDEM_FAKE_SYNC_RIG_H

#include "sync/roles.h"
#include "sync/session.h"

#define ENDS	    4
#define STEP_US	    (USEC_PER_MSEC / 5)
#define KEPT_FRAMES 4096

struct frame {
	unsigned from;
	struct sync_dest dest;
	size_t len;
	uint8_t bytes[1500];
};

struct end {
	struct sync_conf conf;
	struct sync_table table;
	struct sync_roles roles;
	struct sync_session *session;
	unsigned events[SYNC_EVENT_SAME_NODE + 1];
	char note[SYNC_NOTE_MAX + 1];
	bool deaf; /* nothing reaches it */
	int64_t rest_us; /* it sends so often only; 0: always */
	bool unheard_by[ENDS];
};

struct rig {
	int64_t now_us;
	unsigned n;
	struct end ends[ENDS];
	unsigned n_links;
	bool multicast; /* what several peers are to have goes to all */
	bool dead[2];	/* links */
	unsigned loss; /* percent */
	unsigned random;
	struct frame *frames; /* all that were sent */
	unsigned n_frames;
};
extern struct rig *rig; /* of the test that runs */

/* For cmocka. */
int sync_rig_setup(void **state);
int sync_rig_teardown(void **state);
#define SYNC_RIG_TEST(name) \
	cmocka_unit_test_setup_teardown(name, sync_rig_setup, sync_rig_teardown)

/* A number that is the same in each run. */
unsigned draw(void);

/* An end with an empty table; and its end. */
void end_start(unsigned i);
void end_stop(unsigned i);
/* Its session ends and another one begins, with the same table. */
void end_renew(unsigned i);
struct sync_path path_of(unsigned i);
/* A frame arrives, unless it gets lost. */
void hand(unsigned link, unsigned to, unsigned from, const uint8_t *bytes, size_t len);
/* Everybody sends and receives. */
void run(int64_t for_us);

/* Connection n, from here on of the second virtual address. */
#define SECOND 1000000
struct addr vip_of(uint32_t n);
/* Its record; returns the length. */
size_t make(uint32_t n, uint16_t state, uint8_t *bytes);
/* The end's kernel tells it. */
void put(unsigned end, uint32_t n, uint16_t state);
/* NULL: the end does not know it. */
struct sync_entry *get(unsigned end, uint32_t n);
unsigned state_of(unsigned end, uint32_t n);

void set_active_for(unsigned end, struct addr vip, bool active);
void set_active(unsigned end, bool active); /* for the first address */

/* What `end` knows of the other one. */
struct sync_peer_state peer(unsigned end, unsigned of);
const struct sync_session_counters *counters(unsigned end);

#endif
