/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sync groups: the rule (vrrp/group.c) case by case, then directors with a group of virtual routers
 * on as many LANs, in virtual time: vrrp/groups.c and the machines as they are, with random faults
 * of members, crashes, lost packets, reloads of the priority and changes of what the group tracks,
 * with weights and without. Whatever happens, the members of a director go together and have one
 * priority, and when all is calm the best director without a fault has all LANs.
 */
#include "tests/fake/rng.h"
#include "vrrp/config.h"
#include "vrrp/group.h"
#include "vrrp/groups.h"
#include "vrrp/instance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define INIT   VRRP_STATE_INITIALIZE
#define BACKUP VRRP_STATE_BACKUP
#define ACTIVE VRRP_STATE_ACTIVE
#define FAULT  VRRP_STATE_FAULT
#define STOP   VRRP_STATE_STOP

/* The rule */

static void expect(enum vrrp_state_id group, struct vrrp_member a, struct vrrp_member b,
		   enum vrrp_state_id state, enum vrrp_group_order order)
{
	const struct vrrp_member members[] = {a, b};
	struct vrrp_group_step step = vrrp_group_step(group, members, 2);

	assert_int_equal(step.state, state);
	assert_int_equal(step.order, order);
}

static struct vrrp_member member(enum vrrp_state_id was, enum vrrp_state_id is)
{
	return (struct vrrp_member){.was = was, .is = is};
}

static struct vrrp_member ready(void)
{
	return (struct vrrp_member){.was = BACKUP, .is = BACKUP, .ready = true};
}

static void test_active_when_all_are_ready(void **state)
{
	expect(BACKUP, ready(), member(BACKUP, BACKUP), BACKUP, VRRP_GROUP_STAY);
	expect(BACKUP, ready(), ready(), ACTIVE, VRRP_GROUP_ACTIVE);
	assert_true(vrrp_group_obeys(VRRP_GROUP_ACTIVE, &(struct vrrp_member){.is = BACKUP}));
	assert_false(vrrp_group_obeys(VRRP_GROUP_ACTIVE, &(struct vrrp_member){.is = ACTIVE}));
	expect(ACTIVE, member(BACKUP, ACTIVE), member(BACKUP, ACTIVE), ACTIVE, VRRP_GROUP_STAY);
}

static void test_one_yields(void **state)
{
	const struct vrrp_member members[] = {member(ACTIVE, ACTIVE), member(ACTIVE, BACKUP)};
	struct vrrp_group_step step = vrrp_group_step(ACTIVE, members, 2);

	assert_int_equal(step.state, BACKUP);
	assert_int_equal(step.order, VRRP_GROUP_BACKUP);
	assert_int_equal(step.cause, 1);
	assert_true(vrrp_group_obeys(step.order, &members[0]));
	assert_false(vrrp_group_obeys(step.order, &members[1]));
	expect(BACKUP, member(ACTIVE, BACKUP), member(BACKUP, BACKUP), BACKUP, VRRP_GROUP_STAY);
}

static void test_fault_of_one_is_of_all(void **state)
{
	struct vrrp_member faulty = {.was = BACKUP, .is = BACKUP, .faulty = true};
	const struct vrrp_member members[] = {ready(), faulty};

	assert_int_equal(vrrp_group_fault(members, 2), 1);
	assert_int_equal(vrrp_group_fault(members, 1), -1);
	expect(BACKUP, ready(), faulty, FAULT, VRRP_GROUP_STAY);
	expect(ACTIVE, member(ACTIVE, ACTIVE), member(ACTIVE, FAULT), FAULT, VRRP_GROUP_STAY);
	expect(FAULT, member(FAULT, BACKUP), member(FAULT, BACKUP), BACKUP, VRRP_GROUP_STAY);
}

static void test_new_members(void **state)
{
	/* Who is new to an Active group goes with it; a new group rather waits. */
	expect(ACTIVE, member(ACTIVE, ACTIVE), member(INIT, INIT), ACTIVE, VRRP_GROUP_STAY);
	expect(ACTIVE, member(ACTIVE, ACTIVE), member(INIT, BACKUP), ACTIVE, VRRP_GROUP_ACTIVE);
	expect(INIT, member(INIT, ACTIVE), member(INIT, BACKUP), BACKUP, VRRP_GROUP_BACKUP);
	expect(INIT, member(INIT, ACTIVE), member(INIT, ACTIVE), ACTIVE, VRRP_GROUP_STAY);
	expect(ACTIVE, member(INIT, BACKUP), member(INIT, BACKUP), BACKUP, VRRP_GROUP_STAY);
	expect(ACTIVE, member(ACTIVE, STOP), member(ACTIVE, ACTIVE), STOP, VRRP_GROUP_STAY);
}

/* Directors */

#define MS	   USEC_PER_MSEC
#define INTERVAL   (100 * MS)
#define NODES	   3
#define LANS	   3
#define FRAMES_MAX 256

/* What the group tracks, as each member has it from the checker. */
enum { SCRIPT = 101, FILE_VALUE, PROCESS, TRACKERS = 3 };

static struct tracked tracked[TRACKERS] = {
	{.kind = TRACK_SCRIPT, .tracker = SCRIPT, .name = "chk", .weight = -30},
	{.kind = TRACK_FILE, .tracker = FILE_VALUE, .name = "load", .weight = 1},
	{.kind = TRACK_PROCESS, .tracker = PROCESS, .name = "web", .weight = 0},
};

struct director {
	struct groups groups;
	struct tracking tracking;
	bool link_down[LANS];
	struct instance in[LANS];
	struct vrrp_instance config[LANS];
	bool alive;
	bool held[LANS];
};

struct frame {
	int64_t at_us;
	unsigned from, to, lan;
	uint8_t priority;
};

static struct director nodes[NODES];
static struct frame frames[FRAMES_MAX];
static unsigned n_nodes, n_lans, n_frames, loss_percent;
static int64_t now_us;
static struct rng rng;
static uint64_t seed;
static struct director *acting; /* whose groups_commit() it is */

static struct director *director_of(const struct instance *in)
{
	for (unsigned i = 0; i < n_nodes; i++)
		if (in >= nodes[i].in && in < nodes[i].in + LANS)
			return &nodes[i];
	return NULL;
}

static void send_advert(struct director *d, unsigned lan, uint8_t priority)
{
	unsigned from = (unsigned)(d - nodes);

	for (unsigned to = 0; to < n_nodes; to++) {
		if (to == from || rng_percent(&rng, loss_percent))
			continue;
		assert_true(n_frames < FRAMES_MAX);
		frames[n_frames++] = (struct frame){
			.at_us = now_us + rng_between(&rng, 50, 2 * MS),
			.from = from,
			.to = to,
			.lan = lan,
			.priority = priority,
		};
	}
}

static void step(struct instance *in, struct vrrp_event event)
{
	struct director *d = director_of(in);
	unsigned lan = (unsigned)(in - d->in);
	struct vrrp_actions actions = {0};

	event.now_us = now_us;
	vrrp_machine_step(&in->conf, &in->m, &event, &actions);
	for (unsigned i = 0; i < actions.n; i++) {
		const struct vrrp_action *a = &actions.list[i];

		if (a->kind == VRRP_ACTION_SEND && !in->own_fault.s[0])
			send_advert(d, lan, a->priority);
		else if (a->kind == VRRP_ACTION_ADD || a->kind == VRRP_ACTION_REMOVE)
			d->held[lan] = a->kind == VRRP_ACTION_ADD;
	}
	groups_settle(&d->groups);
}

/* What vrrp/instance.c does of it. */
static void tell_fault(struct instance *in)
{
	const struct text *fault = in->own_fault.s[0] ? &in->own_fault : &in->group_fault;
	bool was = in->fault.s[0], is = fault->s[0];

	in->fault = *fault;
	if (was != is)
		step(in, (struct vrrp_event){.kind = is ? VRRP_EVENT_FAULT : VRRP_EVENT_FAULT_OVER,
					     .can_send = !in->own_fault.s[0]});
}

void instance_set_group_fault(struct instance *in, const struct text *fault)
{
	in->group_fault = *fault;
	if (in->m.state != INIT && in->m.state != STOP)
		tell_fault(in);
}

void instance_join_active(struct instance *in, const char *why)
{
	step(in, (struct vrrp_event){.kind = VRRP_EVENT_GROUP_ACTIVE, .why = why});
}

void instance_yield(struct instance *in, const char *why)
{
	step(in, (struct vrrp_event){.kind = VRRP_EVENT_GROUP_BACKUP, .why = why});
}

static void ignore(const struct msg *m)
{
}

static struct instance *find(uint64_t id)
{
	return &acting->in[id - 1];
}

static void director_start(struct director *d)
{
	struct group_member members[LANS] = {{1}, {2}, {3}};
	struct sync_group group = {
		.id = 9, .name = "group", .members = members, .n_members = n_lans};
	struct model model = {.groups = &group, .n_groups = 1};

	d->alive = true;
	acting = d;
	d->groups.report = ignore;
	groups_commit(&d->groups, &(struct model){0}, find);
	for (unsigned i = 0; i < n_lans; i++)
		vrrp_machine_init(&d->in[i].m);
	groups_commit(&d->groups, &model, find);
	groups_settle(&d->groups);
	d->groups.settling = true; /* as while committing */
	for (unsigned i = 0; i < n_lans; i++) {
		struct instance *in = &d->in[i];

		in->fault = in->own_fault.s[0] ? in->own_fault : in->group_fault;
		step(in, (struct vrrp_event){.kind = VRRP_EVENT_START,
					     .addresses_found = d->held[i],
					     .faulty = in->fault.s[0],
					     .can_send = !in->own_fault.s[0]});
	}
	d->groups.settling = false;
	groups_settle(&d->groups);
}

/* No two have the same, whatever is tracked. */
static uint8_t draw_priority(unsigned id)
{
	return (uint8_t)(61 + id + NODES * rng_below(&rng, 50));
}

static void director_init(unsigned id)
{
	struct director *d = &nodes[id];
	uint8_t priority = draw_priority(id), own = rng_percent(&rng, 10) ? 255 : priority;

	memset(d, 0, sizeof(*d));
	for (unsigned i = 0; i < n_lans; i++) {
		const uint8_t source[] = {192, 0, (uint8_t)i, (uint8_t)(id + 1)};

		d->config[i] = (struct vrrp_instance){.id = i + 1,
						      .name = "web",
						      .priority = id + 1 == n_nodes ? own : priority,
						      .tracked = tracked,
						      .n_tracked = TRACKERS};
		d->in[i].config = &d->config[i];
		d->in[i].conf = (struct vrrp_conf){
			.name = "web",
			.version = 3,
			.vrid = 51,
			.priority = d->config[i].priority,
			.down_adverts = 3,
			.preempt = true,
			.grouped = true,
			.source = addr_from_bytes(AF_INET, source),
			.adver_int_us = INTERVAL,
			.addresses_gen = 1,
		};
	}
	director_start(d);
}

static void receive(const struct frame *f)
{
	struct instance *in = &nodes[f->to].in[f->lan];

	if (!nodes[f->to].alive || in->own_fault.s[0])
		return;
	step(in, (struct vrrp_event){.kind = VRRP_EVENT_ADVERT,
				     .src = nodes[f->from].in[f->lan].conf.source,
				     .priority = f->priority,
				     .adver_int_us = INTERVAL});
}

/* The next thing that is due until then; false: nothing is. */
static bool run_one(int64_t until_us)
{
	struct instance *due = NULL;
	int64_t at_us = until_us;
	int frame = -1;

	for (unsigned i = 0; i < n_nodes; i++)
		for (unsigned k = 0; nodes[i].alive && k < n_lans; k++)
			if (vrrp_machine_deadline(&nodes[i].in[k].m) < at_us) {
				due = &nodes[i].in[k];
				at_us = vrrp_machine_deadline(&due->m);
			}
	for (unsigned i = 0; i < n_frames; i++)
		if (frames[i].at_us < at_us) {
			frame = (int)i;
			at_us = frames[i].at_us;
		}
	now_us = at_us > now_us ? at_us : now_us;
	if (frame >= 0) {
		struct frame f = frames[frame];

		frames[frame] = frames[--n_frames];
		receive(&f);
		return true;
	}
	if (due)
		step(due, (struct vrrp_event){.kind = VRRP_EVENT_TIMER});
	return due;
}

static void fail_here(const char *what)
{
	fail_msg("seed %llu, at %lld ms: %s", (unsigned long long)seed, (long long)(now_us / MS),
		 what);
}

/* At every moment: the members of one director go together. */
static void check_together(void)
{
	for (unsigned i = 0; i < n_nodes; i++) {
		bool faulty = false;

		for (unsigned k = 0; nodes[i].alive && k < n_lans; k++) {
			faulty |= nodes[i].in[k].own_fault.s[0];
			if (nodes[i].in[k].m.state != nodes[i].in[0].m.state)
				fail_here("members are not in one state");
		}
		if (faulty && nodes[i].in[0].m.state != FAULT)
			fail_here("a member is faulty and the group is not in FAULT");
		for (unsigned k = 1; nodes[i].alive && k < n_lans; k++)
			if (nodes[i].in[k].conf.priority != nodes[i].in[0].conf.priority)
				fail_here("what the group tracks moves one member only");
	}
}

static void run(int64_t span_us)
{
	int64_t until_us = now_us + span_us;

	while (run_one(until_us))
		check_together();
}

static bool is_well(const struct director *d)
{
	for (unsigned k = 0; k < n_lans; k++)
		if (d->in[k].own_fault.s[0])
			return false;
	return d->alive;
}

/* When all has been calm: the best has everything, the others nothing. */
static void check_settled(void)
{
	const struct director *best = NULL;

	for (unsigned i = 0; i < n_nodes; i++)
		if (is_well(&nodes[i]) &&
		    (!best || nodes[i].in[0].conf.priority > best->in[0].conf.priority))
			best = &nodes[i];
	for (unsigned i = 0; i < n_nodes; i++)
		for (unsigned k = 0; nodes[i].alive && k < n_lans; k++) {
			if ((nodes[i].in[k].m.state == ACTIVE) != (&nodes[i] == best))
				fail_here("not the best director is Active");
			if (nodes[i].held[k] != (&nodes[i] == best))
				fail_here("not the best director holds the addresses");
		}
}

/* As an instance does when anything that it depends on has changed. */
static void observe(struct director *d, unsigned lan)
{
	struct instance *in = &d->in[lan];
	const struct tracked *failed = vrrp_config_failed_tracker(&d->config[lan], &d->tracking);
	struct vrrp_conf was = in->conf;

	text_set(&in->own_fault, "%s",
		 d->link_down[lan] ? "interface is down" : failed ? failed->name : "");
	in->conf.priority = vrrp_config_priority(&d->config[lan], NULL, NULL, &d->tracking);
	if (!d->alive)
		return;
	if (in->conf.priority != was.priority)
		step(in, (struct vrrp_event){.kind = VRRP_EVENT_CONF, .conf_was = &was});
	tell_fault(in);
}

static void observe_all(struct director *d)
{
	for (unsigned k = 0; k < n_lans; k++)
		observe(d, k);
	if (d->alive)
		groups_settle(&d->groups);
}

static void set_fault(struct director *d, unsigned lan, bool faulty)
{
	d->link_down[lan] = faulty;
	observe_all(d);
}

static void set_tracker(struct director *d)
{
	const struct text reason = {"it is so"};
	unsigned which = rng_below(&rng, TRACKERS);

	/* Multiples of NODES: no two directors come to have one priority. */
	if (which == 1)
		tracking_set_value(&d->tracking, FILE_VALUE,
				   rng_percent(&rng, 15) ? -254 : NODES * rng_between(&rng, -6, 6));
	else
		tracking_set(&d->tracking, which ? PROCESS : SCRIPT, rng_percent(&rng, 60), &reason);
	observe_all(d);
}

static void crash_or_start(struct director *d)
{
	if (!d->alive) {
		director_start(d);
		return;
	}
	d->alive = false;
	memset(d->held, 0, sizeof(d->held));
}

static void set_priority(struct director *d, uint8_t priority)
{
	for (unsigned k = 0; k < n_lans; k++)
		d->config[k].priority = priority;
	observe_all(d);
}

static void disturb(void)
{
	struct director *d = &nodes[rng_below(&rng, n_nodes)];

	switch (rng_below(&rng, 7)) {
	case 0:
	case 1:
		set_fault(d, rng_below(&rng, n_lans), rng_percent(&rng, 40));
		break;
	case 2:
		crash_or_start(d);
		break;
	case 3:
		set_priority(d, draw_priority((unsigned)(d - nodes)));
		break;
	case 4:
		loss_percent = rng_below(&rng, 30);
		break;
	case 5:
	case 6:
		set_tracker(d);
		break;
	}
	check_together();
}

static void test_directors(void **state)
{
	for (seed = 1; seed <= 1500; seed++) {
		rng_init(&rng, seed);
		now_us = USEC_PER_SEC;
		n_frames = loss_percent = 0;
		n_nodes = rng_percent(&rng, 60) ? 2 : 3;
		n_lans = rng_percent(&rng, 60) ? 2 : 3;
		for (unsigned i = 0; i < n_nodes; i++)
			director_init(i);
		for (unsigned act = 0; act < 6; act++) {
			for (unsigned n = rng_below(&rng, 5); n; n--) {
				disturb();
				run(rng_between(&rng, 0, 4 * INTERVAL));
			}
			loss_percent = 0;
			run(20 * INTERVAL);
			check_settled();
		}
		for (unsigned i = 0; i < n_nodes; i++) {
			acting = &nodes[i];
			groups_commit(&nodes[i].groups, &(struct model){0}, find);
			free(nodes[i].groups.list);
			tracking_done(&nodes[i].tracking);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_active_when_all_are_ready),
		cmocka_unit_test(test_one_yields),
		cmocka_unit_test(test_fault_of_one_is_of_all),
		cmocka_unit_test(test_new_members),
		cmocka_unit_test(test_directors),
	};

	log_open("test_vrrp_group", true, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
