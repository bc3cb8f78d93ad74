/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VRRP machine, event by event. What it wants done is compared as text:
 * "send 100, add, announce 5, BACKUP → MASTER".
 */
#include "vrrp/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MS USEC_PER_MSEC

struct rig {
	struct vrrp_conf conf;
	struct vrrp_machine m;
	int64_t now_us;
	char done[256];
	char said[256]; /* the last report */
};

static struct addr ip(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

/* Priority 100, 100 ms, version 3, from 192.0.2.1; nothing of it has happened yet. */
static struct rig rig_new(void)
{
	struct rig r = {
		.conf = {.name = "web1",
			 .version = 3,
			 .vrid = 51,
			 .priority = 100,
			 .down_adverts = 3,
			 .preempt = true,
			 .source = ip("192.0.2.1"),
			 .adver_int_us = 100 * MS,
			 .garp_repeat = 5,
			 .garp_delay_us = 5000 * MS,
			 .garp_refresh_repeat = 1,
			 .garp_lower_repeat = 2,
			 .garp_lower_delay_us = 700 * MS},
		.now_us = 1000 * MS,
	};

	vrrp_machine_init(&r.m);
	return r;
}

static void describe(struct rig *r, const struct vrrp_action *a, char *text, size_t size)
{
	switch (a->kind) {
	case VRRP_ACTION_SEND:
		snprintf(text, size, "send %u", a->priority);
		break;
	case VRRP_ACTION_ADD:
		snprintf(text, size, "add");
		break;
	case VRRP_ACTION_REMOVE:
		snprintf(text, size, "remove");
		break;
	case VRRP_ACTION_ANNOUNCE:
		snprintf(text, size, "announce %u", a->count);
		break;
	case VRRP_ACTION_DRAIN:
		snprintf(text, size, "drain");
		break;
	case VRRP_ACTION_REPORT:
		snprintf(text, size, "%s → %s", vrrp_state_name(a->change.from),
			 vrrp_state_name(a->change.to));
		vrrp_change_format(r->conf.name, &a->change, r->said, sizeof(r->said));
		break;
	}
}

static const char *step(struct rig *r, struct vrrp_event event)
{
	struct vrrp_actions actions = {0};
	size_t used = 0;

	event.now_us = r->now_us;
	r->done[0] = '\0';
	vrrp_machine_step(&r->conf, &r->m, &event, &actions);
	for (unsigned i = 0; i < actions.n; i++) {
		char one[64];

		describe(r, &actions.list[i], one, sizeof(one));
		used += (size_t)snprintf(r->done + used, sizeof(r->done) - used, "%s%s",
					 i ? ", " : "", one);
	}
	return r->done;
}

static const char *start(struct rig *r)
{
	return step(r, (struct vrrp_event){.kind = VRRP_EVENT_START});
}

static const char *stop(struct rig *r)
{
	return step(r, (struct vrrp_event){.kind = VRRP_EVENT_STOP});
}

static const char *hear(struct rig *r, const char *src, uint8_t priority)
{
	return step(r, (struct vrrp_event){.kind = VRRP_EVENT_ADVERT,
					   .src = ip(src),
					   .priority = priority,
					   .adver_int_us = r->conf.adver_int_us});
}

static const char *timer(struct rig *r)
{
	return step(r, (struct vrrp_event){.kind = VRRP_EVENT_TIMER});
}

static const char *tick(struct rig *r)
{
	int64_t due_us = vrrp_machine_deadline(&r->m);

	assert_true(due_us != USEC_NEVER);
	r->now_us = due_us > r->now_us ? due_us : r->now_us;
	return timer(r);
}

static const char *reload(struct rig *r, struct vrrp_conf conf)
{
	struct vrrp_conf was = r->conf;

	r->conf = conf;
	return step(r, (struct vrrp_event){.kind = VRRP_EVENT_CONF, .conf_was = &was});
}

/* Started, and Active after silence. */
static struct rig rig_active(void)
{
	struct rig r = rig_new();

	start(&r);
	tick(&r);
	assert_int_equal(r.m.state, VRRP_STATE_ACTIVE);
	return r;
}

static struct rig rig_backup(void)
{
	struct rig r = rig_new();

	start(&r);
	assert_int_equal(r.m.state, VRRP_STATE_BACKUP);
	return r;
}

/* RFC 9568 §6.1 */
static void test_intervals(void **state)
{
	struct vrrp_conf c = {.version = 3, .priority = 100, .down_adverts = 3};

	assert_int_equal(vrrp_skew_us(&c, 256 * MS), 156 * MS);
	assert_int_equal(vrrp_down_interval_us(&c, 256 * MS), (3 * 256 + 156) * MS);
	c.version = 2;
	assert_int_equal(vrrp_skew_us(&c, 1000 * MS), 609375);
	c.down_adverts = 5;
	c.priority = 255;
	assert_int_equal(vrrp_down_interval_us(&c, 1000 * MS), 5003906);
}

static void test_start_waits_then_takes_over(void **state)
{
	struct rig r = rig_new();

	assert_string_equal(start(&r), "INIT → BACKUP");
	assert_string_equal(r.said, "web1: INIT → BACKUP: started");
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 360937);
	assert_string_equal(tick(&r), "send 100, add, announce 5, BACKUP → MASTER");
	assert_string_equal(r.said, "web1: BACKUP → MASTER: no advertisement for 360 ms");
}

static void test_owner_is_active_at_once(void **state)
{
	struct rig r = rig_new();

	r.conf.priority = 255;
	assert_string_equal(start(&r), "send 255, add, announce 5, INIT → MASTER");
	assert_string_equal(r.said, "web1: INIT → MASTER: started as owner of the addresses "
				    "(priority 255)");
}

static void test_silence_names_the_peer(void **state)
{
	struct rig r = rig_backup();

	r.conf.adver_int_us = 1000 * MS;
	assert_string_equal(hear(&r, "192.0.2.2", 150), "");
	tick(&r);
	assert_string_equal(r.said,
			    "web1: BACKUP → MASTER: no advertisement from 192.0.2.2 for 3.6 s");
}

/* Many leave together: not later than due, and on a grid of an eighth of the interval. */
static int64_t on_grid(int64_t due_us, int64_t interval_us)
{
	return due_us / (interval_us / 8) * (interval_us / 8);
}

static void test_active_advertises_at_its_pace(void **state)
{
	struct rig r = rig_active();
	int64_t first_us = on_grid(r.now_us + 100 * MS, 100 * MS);

	assert_int_equal(r.m.advert_at_us, first_us);
	while (r.m.advert_at_us > vrrp_machine_deadline(&r.m))
		tick(&r);
	r.now_us = r.m.advert_at_us + 30 * MS; /* late, but the pace is kept */
	assert_string_equal(step(&r, (struct vrrp_event){.kind = VRRP_EVENT_TIMER}), "send 100");
	assert_int_equal(r.m.advert_at_us, first_us + 100 * MS);
	r.now_us = r.m.advert_at_us + 300 * MS; /* far too late: no burst to catch up */
	assert_string_equal(step(&r, (struct vrrp_event){.kind = VRRP_EVENT_TIMER}), "send 100");
	assert_int_equal(r.m.advert_at_us, on_grid(r.now_us + 100 * MS, 100 * MS));
}

static void test_announcements(void **state)
{
	struct rig r = rig_active();
	int64_t from_us = r.now_us;

	r.m.advert_at_us = USEC_NEVER; /* only the announcements */
	r.conf.garp_refresh_us = 60000 * MS;
	assert_string_equal(tick(&r), "announce 1");
	assert_in_range(r.now_us - from_us, 1, VRRP_LET_GO_US - 1);
	assert_string_equal(tick(&r), "announce 1");
	assert_in_range(r.now_us - from_us, VRRP_LET_GO_US + 1, 2 * VRRP_LET_GO_US);
	assert_string_equal(tick(&r), "announce 5");
	assert_int_equal(r.now_us - from_us, 5000 * MS);
	for (int i = 1; i < 4; i++) {
		assert_string_equal(tick(&r), "announce 1");
		assert_int_equal(r.now_us - from_us, 5000 * MS + i * 60000 * MS);
	}
}

static void test_backup_obeys_and_learns(void **state)
{
	struct rig r = rig_backup();
	struct vrrp_event advert = {.kind = VRRP_EVENT_ADVERT,
				    .src = ip("192.0.2.2"),
				    .priority = 100,
				    .adver_int_us = 500 * MS};

	r.now_us += 200 * MS;
	assert_string_equal(step(&r, advert), "");
	/* 3 × 500 ms + 156/256 × 500 ms */
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 1804687);
}

static void test_lower_priority_is_preempted(void **state)
{
	struct rig r = rig_backup();
	int64_t due_us = vrrp_machine_deadline(&r.m);

	r.now_us += 100 * MS;
	assert_string_equal(hear(&r, "192.0.2.2", 99), "");
	assert_int_equal(vrrp_machine_deadline(&r.m), due_us);
	/* Somebody serves: take the addresses first, then say so. */
	assert_string_equal(tick(&r), "add, announce 5, send 100, BACKUP → MASTER");
	assert_string_equal(r.said, "web1: BACKUP → MASTER: priority 100 is higher than the 99 of "
				    "192.0.2.2");
}

static void test_nopreempt_obeys_lower_priority(void **state)
{
	struct rig r = rig_backup();

	r.conf.preempt = false;
	r.now_us += 300 * MS;
	hear(&r, "192.0.2.2", 99);
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 360937);
	r.conf.priority = 255; /* §6.1: the owner preempts whatever is configured */
	r.now_us += 300 * MS;
	hear(&r, "192.0.2.2", 99);
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 60937);
}

static void test_preempt_delay(void **state)
{
	struct rig r = rig_backup();

	r.conf.preempt_delay_us = 250 * MS;
	for (int i = 0; i < 3; i++) { /* at 0, 100, 200 ms of the delay: obeyed */
		r.now_us += 100 * MS;
		hear(&r, "192.0.2.2", 99);
		assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 360937);
	}
	r.now_us += 100 * MS;
	hear(&r, "192.0.2.2", 99);
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 260937);
	/* A better Active in between starts the delay anew. */
	hear(&r, "192.0.2.3", 200);
	r.now_us += 300 * MS;
	hear(&r, "192.0.2.2", 99);
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 360937);
}

static void test_preempt_waits_for_sync(void **state)
{
	struct rig r = rig_backup();

	r.conf.sync_wait_us = 250 * MS;
	for (int i = 0; i < 3; i++) {
		r.now_us += 100 * MS;
		hear(&r, "192.0.2.2", 99);
		assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 360937);
	}
	r.now_us += 100 * MS; /* not for ever */
	hear(&r, "192.0.2.2", 99);
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 260937);
}

static void test_preempt_when_synced(void **state)
{
	struct rig r = rig_backup();

	r.conf.sync_wait_us = 30000 * MS;
	hear(&r, "192.0.2.2", 99);
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 360937);
	r.conf.sync_wait_us = 0;
	r.now_us += 100 * MS;
	hear(&r, "192.0.2.2", 99);
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 260937);
}

/* Nobody is there whose connections could be broken. */
static void test_silence_does_not_wait_for_sync(void **state)
{
	struct rig r = rig_backup();

	r.conf.sync_wait_us = 30000 * MS;
	hear(&r, "192.0.2.2", 99);
	assert_string_equal(tick(&r), "send 100, add, announce 5, BACKUP → MASTER");
}

static const char *serves(struct rig *r, int64_t for_us)
{
	return step(r, (struct vrrp_event){.kind = VRRP_EVENT_PEER_SERVES,
					   .until_us = for_us ? r->now_us + for_us : 0});
}

static const char *drained(struct rig *r)
{
	return step(r, (struct vrrp_event){.kind = VRRP_EVENT_DRAINED});
}

/* A Backup without the connections of the Active, which it has just heard, and which lives. */
static struct rig rig_lacking(void)
{
	struct rig r = rig_backup();

	r.conf.sync_wait_us = 30000 * MS;
	hear(&r, "192.0.2.2", 150);
	serves(&r, 1000 * MS);
	return r;
}

static void test_late_advertisements_are_waited_for(void **state)
{
	struct rig r = rig_lacking();
	int64_t told_us = r.now_us;

	assert_string_equal(tick(&r), "");
	assert_int_equal(r.now_us - told_us, 360937);
	assert_int_equal(r.m.state, VRRP_STATE_BACKUP);
	assert_int_equal(vrrp_machine_deadline(&r.m), told_us + 1000 * MS);
	r.now_us = told_us + 900 * MS;
	assert_string_equal(serves(&r, 1000 * MS), "");
	assert_int_equal(vrrp_machine_deadline(&r.m), told_us + 1900 * MS);
	/* Here it is. */
	hear(&r, "192.0.2.2", 150);
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 360937);
}

static void test_late_until_nothing_is_told(void **state)
{
	struct rig r = rig_lacking();
	int64_t told_us = r.now_us;

	tick(&r);
	assert_string_equal(tick(&r), "send 100, add, announce 5, BACKUP → MASTER");
	assert_int_equal(r.now_us, told_us + 1000 * MS);
	assert_string_equal(r.said, "web1: BACKUP → MASTER: no advertisement from 192.0.2.2 for 1.0 s");
}

static void test_late_until_it_serves_no_more(void **state)
{
	struct rig r = rig_lacking();

	tick(&r);
	r.now_us += 10 * MS;
	assert_string_equal(serves(&r, 0), "");
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 60937);
	assert_string_equal(tick(&r), "send 100, add, announce 5, BACKUP → MASTER");
}

static void test_late_no_longer_than_sync_wait(void **state)
{
	struct rig r = rig_lacking();
	int64_t due_us = vrrp_machine_deadline(&r.m);

	r.conf.sync_wait_us = 2500 * MS;
	tick(&r);
	while (vrrp_machine_deadline(&r.m) < due_us + 2500 * MS) {
		r.now_us += 100 * MS;
		assert_string_equal(serves(&r, 1000 * MS), "");
	}
	assert_string_equal(tick(&r), "send 100, add, announce 5, BACKUP → MASTER");
	assert_int_equal(r.now_us - due_us, 2500 * MS);
}

/* Only a silence may be mistaken: what the Active says itself holds. Nor does it count for one that
 * lacks nothing, nor for the owner. */
static void test_what_is_not_waited_for(void **state)
{
	struct rig r = rig_lacking();

	hear(&r, "192.0.2.2", 0);
	assert_string_equal(tick(&r), "add, announce 5, send 100, BACKUP → MASTER");
	r = rig_lacking();
	r.conf.sync_wait_us = 0;
	assert_string_equal(tick(&r), "send 100, add, announce 5, BACKUP → MASTER");
	r = rig_lacking();
	r.conf.priority = VRRP_PRIORITY_OWNER;
	assert_string_equal(tick(&r), "send 255, add, announce 5, BACKUP → MASTER");
}

static void test_one_that_has_just_come_meets_the_others(void **state)
{
	struct rig r = rig_new();

	r.conf.sync_wait_us = 30000 * MS;
	start(&r);
	assert_string_equal(tick(&r), "");
	assert_string_equal(tick(&r), "send 100, add, announce 5, BACKUP → MASTER");
	assert_int_equal(r.now_us, 2000 * MS);
}

static void test_preemption_asks_first(void **state)
{
	struct rig r = rig_backup();
	int64_t asked_us;

	r.conf.drain_us = 500 * MS;
	assert_string_equal(drained(&r), "");
	for (int i = 0; i < 4; i++) {
		hear(&r, "192.0.2.2", 99);
		r.now_us += 100 * MS;
	}
	asked_us = r.now_us;
	assert_string_equal(timer(&r), "drain");
	assert_string_equal(timer(&r), "");
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 500 * MS);
	r.now_us += 55 * MS;
	hear(&r, "192.0.2.2", 99);
	assert_int_equal(vrrp_machine_deadline(&r.m) - asked_us, 500 * MS);
	assert_string_equal(drained(&r), "add, announce 5, send 100, BACKUP → MASTER");
	assert_string_equal(r.said, "web1: BACKUP → MASTER: priority 100 is higher than the 99 of 192.0.2.2");
	assert_string_equal(drained(&r), "");
}

static void test_preemption_is_not_answered(void **state)
{
	struct rig r = rig_backup();

	r.conf.drain_us = 500 * MS;
	for (int i = 0; i < 4; i++) {
		hear(&r, "192.0.2.2", 99);
		r.now_us += 100 * MS;
	}
	assert_string_equal(timer(&r), "drain");
	assert_string_equal(tick(&r), "add, announce 5, send 100, BACKUP → MASTER");
	assert_string_equal(r.said, "web1: BACKUP → MASTER: priority 100 is higher than the 99 of 192.0.2.2, "
				    "which does not say that we have all connections");
}

/* The one that is to be preempted leaves, or is dead: there is nothing to ask, or nobody. */
static void test_preemption_does_not_ask_in_vain(void **state)
{
	struct rig r = rig_backup();

	r.conf.drain_us = 500 * MS;
	hear(&r, "192.0.2.2", 99);
	assert_string_equal(tick(&r), "add, announce 5, send 100, BACKUP → MASTER");
	r = rig_backup();
	r.conf.drain_us = 500 * MS;
	for (int i = 0; i < 4; i++) {
		hear(&r, "192.0.2.2", 99);
		r.now_us += 100 * MS;
	}
	assert_string_equal(timer(&r), "drain");
	hear(&r, "192.0.2.2", 0);
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 60937);
	assert_string_equal(tick(&r), "add, announce 5, send 100, BACKUP → MASTER");
}

static void test_priority_zero_starts_skew(void **state)
{
	struct rig r = rig_backup();

	hear(&r, "192.0.2.2", 150);
	r.now_us += 40 * MS;
	hear(&r, "192.0.2.2", 0);
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 60937);
	assert_string_equal(tick(&r), "add, announce 5, send 100, BACKUP → MASTER");
	assert_string_equal(r.said, "web1: BACKUP → MASTER: 192.0.2.2 left (priority 0)");
}

static void test_priority_zero_then_another_active(void **state)
{
	struct rig r = rig_backup();

	hear(&r, "192.0.2.2", 0);
	hear(&r, "192.0.2.3", 150);
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 360937);
}

/* §6.4.3: yields, holds the addresses a little longer, lets go. */
static void test_active_yields_to_higher(void **state)
{
	struct rig r = rig_active();

	r.now_us += 10 * MS;
	assert_string_equal(hear(&r, "192.0.2.2", 101), "send 100, MASTER → BACKUP");
	assert_string_equal(r.said, "web1: MASTER → BACKUP: 192.0.2.2 has a higher priority (101, "
				    "ours 100)");
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, VRRP_LET_GO_US);
	assert_string_equal(hear(&r, "192.0.2.2", 101), ""); /* its answer */
	assert_string_equal(tick(&r), "remove");
	assert_false(r.m.holding);
}

/* The better one does not seem to have heard that there were two: it is told again. */
static void test_yielding_is_said_until_answered(void **state)
{
	struct rig r = rig_active();

	hear(&r, "192.0.2.2", 150);
	assert_string_equal(hear(&r, "192.0.2.3", 120), ""); /* another one's is no answer */
	assert_string_equal(tick(&r), "send 100, remove");
	assert_int_equal(r.m.state, VRRP_STATE_BACKUP);

	/* Nor is the next one that was due anyway. */
	r = rig_active();
	r.conf.adver_int_us = 50 * MS;
	hear(&r, "192.0.2.2", 150);
	r.now_us += 45 * MS;
	hear(&r, "192.0.2.2", 150);
	assert_string_equal(tick(&r), "send 100, remove");

	/* It leaves: nobody needs to be told. */
	r = rig_active();
	hear(&r, "192.0.2.2", 150);
	r.now_us += 45 * MS;
	hear(&r, "192.0.2.2", 0);
	assert_string_equal(tick(&r), "remove");

	r = rig_active();
	r.conf.strict = true;
	assert_string_equal(hear(&r, "192.0.2.2", 150), "MASTER → BACKUP");
	assert_string_equal(tick(&r), "remove");
}

static void test_equal_priority_higher_address_wins(void **state)
{
	struct rig r = rig_active();

	r.now_us += 50 * MS;
	assert_string_equal(hear(&r, "192.0.2.0", 100), "send 100");
	assert_string_equal(hear(&r, "192.0.2.2", 100), "send 100, MASTER → BACKUP");
	assert_string_equal(r.said, "web1: MASTER → BACKUP: 192.0.2.2 has the same priority (100) "
				    "and a higher address");
}

static void test_active_asserts_itself(void **state)
{
	struct rig r = rig_active();

	r.now_us += 50 * MS;
	assert_string_equal(hear(&r, "192.0.2.2", 99), "send 100");
	/* Two that both think they win: not an endless exchange, but an answer soon. */
	assert_string_equal(hear(&r, "192.0.2.2", 99), "");
	assert_int_equal(r.m.advert_at_us - r.now_us, 12500);
	/* Backups that heard this wait for no more than Skew_Time, the most eager for 781 us. A flood
	 * of them does not become one of ours. */
	for (int i = 0; i < 1000; i++)
		assert_string_equal(hear(&r, "192.0.2.2", 0), "");
	assert_int_equal(r.m.advert_at_us - r.now_us, 390);
	r.now_us += 390;
	assert_string_equal(hear(&r, "192.0.2.2", 0), "send 100");
	assert_int_equal(r.m.advert_at_us, on_grid(r.now_us + 100 * MS, 100 * MS));
	r.now_us += 50 * MS;
	assert_string_equal(hear(&r, "192.0.2.2", 0), "send 100");
	/* A worse Active drew clients away: once the first announcements are over, say it again. */
	while (r.m.announce_step < 2)
		tick(&r);
	r.now_us += 50 * MS;
	assert_string_equal(hear(&r, "192.0.2.2", 99), "send 100, announce 2");
	r.m.advert_at_us = USEC_NEVER;
	assert_string_equal(tick(&r), "announce 1");
	assert_string_equal(tick(&r), "announce 1");
	assert_string_equal(tick(&r), "announce 2");
	assert_int_equal(r.now_us - r.m.sent_us, 700 * MS);
}

/* Of two Actives the better one sets the timer; a worse one is its successor only after silence. */
static void test_worse_of_two_actives_is_outdone(void **state)
{
	struct rig r = rig_backup();
	struct vrrp_event worse = {.kind = VRRP_EVENT_ADVERT,
				   .src = ip("192.0.2.3"),
				   .priority = 120,
				   .adver_int_us = 10 * MS};
	int64_t due_us;

	hear(&r, "192.0.2.2", 150);
	due_us = vrrp_machine_deadline(&r.m);
	r.now_us += 20 * MS;
	step(&r, worse);
	assert_int_equal(vrrp_machine_deadline(&r.m), due_us);
	r.now_us += 190 * MS;
	step(&r, worse);
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 36093);
}

/* A held-up process does not say everything at once that it should have said one by one. */
static void test_late_announcements_keep_their_distance(void **state)
{
	struct rig r = rig_active();

	r.m.advert_at_us = USEC_NEVER;
	r.now_us += 1000 * MS;
	assert_string_equal(tick(&r), "announce 1");
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 35 * MS);
}

/* Heard in the middle of our own announcements: they are said once more after the last one. */
static void test_contested_takeover_announces_again(void **state)
{
	struct rig r = rig_active();

	assert_string_equal(hear(&r, "192.0.2.2", 99), ""); /* we have only just spoken */
	assert_string_equal(tick(&r), "send 100");
	r.m.advert_at_us = USEC_NEVER;
	for (int i = 0; i < 4; i++)
		assert_string_equal(tick(&r), "announce 1");
	assert_string_equal(tick(&r), "announce 5");
}

static void test_lower_no_advert(void **state)
{
	struct rig r = rig_active();

	r.conf.lower_no_advert = true;
	r.now_us += 50 * MS;
	assert_string_equal(hear(&r, "192.0.2.2", 99), "");
	assert_string_equal(hear(&r, "192.0.2.2", 0), "send 100");
	assert_string_equal(hear(&r, "192.0.2.2", 150), "send 100, MASTER → BACKUP");
}

static void test_yielding_then_taking_again_keeps_addresses(void **state)
{
	struct rig r = rig_active();

	hear(&r, "192.0.2.2", 200);
	hear(&r, "192.0.2.2", 0);
	r.m.down_at_us = r.m.release_at_us; /* both at the same moment */
	assert_string_equal(tick(&r), "add, announce 5, send 100, BACKUP → MASTER");
	assert_true(r.m.holding);
	assert_int_equal(r.m.release_at_us, USEC_NEVER);
}

/* Make before break: says it leaves, serves until the successor is heard. */
static void test_stop_holds_until_successor(void **state)
{
	struct rig r = rig_active();

	assert_string_equal(stop(&r), "send 0, MASTER → STOP");
	assert_false(vrrp_machine_is_done(&r.m));
	r.now_us += 60 * MS;
	assert_string_equal(hear(&r, "192.0.2.3", 0), "");
	assert_true(vrrp_machine_deadline(&r.m) - r.now_us > VRRP_LET_GO_US);
	assert_string_equal(hear(&r, "192.0.2.2", 50), "");
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, VRRP_LET_GO_US);
	assert_string_equal(tick(&r), "remove");
	assert_true(vrrp_machine_is_done(&r.m));
}

static void test_stop_alone_is_bounded(void **state)
{
	struct rig r = rig_active();
	int64_t stopped_us = r.now_us;

	stop(&r);
	/* Again, in case that the first was lost. */
	assert_string_equal(tick(&r), "send 0");
	assert_string_equal(tick(&r), "remove");
	assert_in_range(r.now_us - stopped_us, 200 * MS, 350 * MS);
	assert_true(vrrp_machine_is_done(&r.m));

	r = rig_active();
	r.conf.adver_int_us = 40000 * MS;
	stopped_us = r.now_us;
	stop(&r);
	assert_string_equal(tick(&r), "remove");
	assert_int_equal(r.now_us - stopped_us, VRRP_LEAVE_MAX_US);
}

static void test_stop_as_backup(void **state)
{
	struct rig r = rig_backup();

	assert_string_equal(stop(&r), "BACKUP → STOP");
	assert_true(vrrp_machine_is_done(&r.m));
	assert_int_equal(vrrp_machine_deadline(&r.m), USEC_NEVER);
}

static void test_start_again_while_leaving(void **state)
{
	struct rig r = rig_active();

	stop(&r);
	assert_string_equal(start(&r), "STOP → BACKUP");
	assert_string_equal(tick(&r), "send 100, add, announce 5, BACKUP → MASTER");
}

static void test_link_down_lets_go_at_once(void **state)
{
	struct rig r = rig_active();

	assert_string_equal(step(&r, (struct vrrp_event){.kind = VRRP_EVENT_FAULT,
							 .why = "interface eth0 is down"}),
			    "remove, MASTER → FAULT");
	assert_string_equal(r.said, "web1: MASTER → FAULT: interface eth0 is down");
	assert_int_equal(vrrp_machine_deadline(&r.m), USEC_NEVER);
	assert_string_equal(step(&r, (struct vrrp_event){.kind = VRRP_EVENT_FAULT_OVER,
							 .why = "interface eth0 is up"}),
			    "FAULT → BACKUP");
}

static void test_tracked_fault_makes_before_break(void **state)
{
	struct rig r = rig_active();

	assert_string_equal(step(&r, (struct vrrp_event){.kind = VRRP_EVENT_FAULT,
							 .can_send = true,
							 .why = "interface eth1 is down"}),
			    "send 0, MASTER → FAULT");
	hear(&r, "192.0.2.2", 50);
	assert_string_equal(tick(&r), "remove");
	assert_string_equal(stop(&r), "FAULT → STOP");
}

static void test_start_with_fault(void **state)
{
	struct rig r = rig_new();

	r.conf.priority = 255;
	assert_string_equal(step(&r, (struct vrrp_event){.kind = VRRP_EVENT_START,
							 .faulty = true,
							 .why = "interface eth0 is down"}),
			    "INIT → FAULT");
	assert_string_equal(hear(&r, "192.0.2.2", 50), "");
	assert_string_equal(step(&r, (struct vrrp_event){.kind = VRRP_EVENT_FAULT_OVER,
							 .why = "interface eth0 is up"}),
			    "send 255, add, announce 5, FAULT → MASTER");
}

/* Addresses of an earlier life are kept until an Active is heard, or we are it. */
static void test_found_addresses(void **state)
{
	struct rig r = rig_new();
	struct vrrp_event found = {.kind = VRRP_EVENT_START, .addresses_found = true};

	assert_string_equal(step(&r, found), "INIT → BACKUP");
	assert_string_equal(tick(&r), "send 100, add, announce 5, BACKUP → MASTER");

	r = rig_new();
	step(&r, found);
	hear(&r, "192.0.2.2", 150);
	assert_string_equal(tick(&r), "remove");

	r = rig_new();
	step(&r, found);
	assert_string_equal(stop(&r), "remove, BACKUP → STOP");
}

static void test_resume_active(void **state)
{
	struct rig r = rig_active();
	int64_t since_us = r.m.since_us;

	r.now_us += 80 * MS;
	assert_string_equal(
		step(&r, (struct vrrp_event){.kind = VRRP_EVENT_RESUME, .addresses_found = true}),
		"send 100, add, announce 5, MASTER → MASTER");
	assert_string_equal(r.said, "web1: MASTER: resumed");
	assert_int_equal(r.m.since_us, since_us);
	assert_int_equal(r.m.advert_at_us, on_grid(r.now_us + 100 * MS, 100 * MS));
}

static void test_resume_backup(void **state)
{
	struct rig r = rig_backup();

	hear(&r, "192.0.2.2", 150);
	r.now_us += 900 * MS; /* dead for longer than Active_Down_Interval */
	assert_string_equal(step(&r, (struct vrrp_event){.kind = VRRP_EVENT_RESUME}),
			    "BACKUP → BACKUP");
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 360937);
}

/* Its former process took the addresses and told the clients, and died before it said so to us. The Active may
 * not have heard it either. */
static void test_resume_backup_that_was_about_to_be_active(void **state)
{
	const struct vrrp_event resume = {.kind = VRRP_EVENT_RESUME, .addresses_found = true};
	struct rig r = rig_backup();

	step(&r, resume);
	hear(&r, "192.0.2.2", 150);
	assert_string_equal(tick(&r), "send 100, remove");
	/* One that would yield to us must not hear of us. */
	r = rig_backup();
	r.conf.preempt = false;
	step(&r, resume);
	hear(&r, "192.0.2.2", 99);
	assert_string_equal(tick(&r), "remove");
}

static void test_resume_leaving(void **state)
{
	struct rig r = rig_active();

	stop(&r);
	assert_string_equal(step(&r, (struct vrrp_event){.kind = VRRP_EVENT_RESUME}), "");
	assert_string_equal(tick(&r), "send 0");
	assert_string_equal(tick(&r), "remove");
}

static void test_reload_active(void **state)
{
	struct rig r = rig_active();
	struct vrrp_conf conf = r.conf;

	assert_string_equal(reload(&r, conf), "");
	conf.priority = 120;
	assert_string_equal(reload(&r, conf), "send 120");
	conf.adver_int_us = 1000 * MS;
	assert_string_equal(reload(&r, conf), "send 120");
	/* At the old pace until the peers surely know of the new one: for 300 ms. */
	for (int i = 0; i < 4; i++) {
		assert_int_equal(r.m.advert_at_us, on_grid(r.now_us + 100 * MS, 100 * MS));
		r.now_us = r.m.advert_at_us;
		step(&r, (struct vrrp_event){.kind = VRRP_EVENT_TIMER});
	}
	assert_int_equal(r.m.advert_at_us, on_grid(r.now_us + 1000 * MS, 1000 * MS));
	conf.addresses_gen++;
	assert_string_equal(reload(&r, conf), "add, announce 5, send 120");
	assert_int_equal(r.m.state, VRRP_STATE_ACTIVE);
}

static void test_reload_backup(void **state)
{
	struct rig r = rig_backup();
	struct vrrp_conf conf = r.conf;

	hear(&r, "192.0.2.2", 150);
	conf.adver_int_us = 20 * MS; /* the Active's own interval counts */
	assert_string_equal(reload(&r, conf), "");
	assert_int_equal(vrrp_machine_deadline(&r.m) - r.now_us, 360937);

	r = rig_backup();
	hear(&r, "192.0.2.2", 99);
	r.now_us += 350 * MS; /* about to preempt, when the priority is lowered */
	conf = r.conf;
	conf.priority = 90;
	assert_string_equal(reload(&r, conf), "");
	assert_true(vrrp_machine_deadline(&r.m) - r.now_us > 300 * MS);
}

static const char *group(struct rig *r, enum vrrp_event_kind kind)
{
	return step(r, (struct vrrp_event){.kind = kind, .why = "the group"});
}

static struct rig rig_grouped(void)
{
	struct rig r = rig_new();

	r.conf.grouped = true;
	start(&r);
	assert_int_equal(r.m.state, VRRP_STATE_BACKUP);
	return r;
}

static void test_group_is_waited_for(void **state)
{
	struct rig r = rig_grouped();

	hear(&r, "192.0.2.2", 150);
	assert_string_equal(tick(&r), "");
	assert_true(r.m.ready);
	assert_int_equal(vrrp_machine_deadline(&r.m), USEC_NEVER);
	/* The Active is back: no longer. */
	hear(&r, "192.0.2.2", 150);
	assert_false(r.m.ready);
	tick(&r);
	assert_string_equal(group(&r, VRRP_EVENT_GROUP_ACTIVE),
			    "send 100, add, announce 5, BACKUP → MASTER");
	assert_non_null(strstr(r.said, "no advertisement from 192.0.2.2"));
	/* Nothing to do twice. */
	assert_string_equal(group(&r, VRRP_EVENT_GROUP_ACTIVE), "");
}

static void test_group_takes_along(void **state)
{
	struct rig r = rig_grouped();

	assert_string_equal(group(&r, VRRP_EVENT_GROUP_ACTIVE),
			    "send 100, add, announce 5, BACKUP → MASTER");
	assert_string_equal(r.said, "web1: BACKUP → MASTER: the group");
	/* Active no more: says so, and holds the addresses for a successor, though not for ever. */
	assert_string_equal(group(&r, VRRP_EVENT_GROUP_BACKUP), "send 0, MASTER → BACKUP");
	assert_true(r.m.holding);
	assert_string_equal(tick(&r), "remove");
	assert_int_equal(r.m.state, VRRP_STATE_BACKUP);
	assert_string_equal(group(&r, VRRP_EVENT_GROUP_BACKUP), "");
}

static void test_owner_waits_for_group(void **state)
{
	struct rig r = rig_new();

	r.conf.grouped = true;
	r.conf.priority = 255;
	assert_string_equal(start(&r), "INIT → BACKUP");
	assert_true(r.m.ready);
	group(&r, VRRP_EVENT_GROUP_ACTIVE);
	assert_int_equal(r.m.state, VRRP_STATE_ACTIVE);
	assert_non_null(strstr(r.said, "owner"));
}

static void test_reload_out_of_group(void **state)
{
	struct rig r = rig_grouped();
	struct vrrp_conf conf = r.conf;

	tick(&r);
	conf.grouped = false;
	assert_string_equal(reload(&r, conf), "");
	assert_string_equal(tick(&r), "send 100, add, announce 5, BACKUP → MASTER");
}

static void test_held_up_gives_way(void **state)
{
	struct rig r = rig_new();

	r.conf.rival_priority = 200;
	start(&r);
	tick(&r);
	/* A router of priority 200 waits for 3 intervals and 56/256 of one: 321.875 ms. */
	r.now_us = r.m.sent_us + 321 * MS;
	assert_string_equal(timer(&r), "send 100, announce 1");
	r.now_us = r.m.sent_us + 322 * MS;
	assert_string_equal(timer(&r), "MASTER → BACKUP");
	assert_string_equal(r.said, "web1: MASTER → BACKUP: was held up for longer than another "
				    "router waits");
	assert_true(r.m.holding);
	r.now_us += 10 * MS;
	hear(&r, "192.0.2.2", 90);
	assert_int_equal(r.m.release_at_us, r.now_us + VRRP_LET_GO_US);
}

static void test_held_up_and_alone(void **state)
{
	struct rig r = rig_new();

	r.conf.rival_priority = 254;
	start(&r);
	tick(&r);
	r.now_us += 1000 * MS;
	assert_string_equal(timer(&r), "MASTER → BACKUP");
	tick(&r);
	assert_int_equal(r.m.state, VRRP_STATE_ACTIVE);
	assert_true(r.m.holding);
	/* Without the option it goes on. */
	r.conf.rival_priority = 0;
	r.now_us += 1000 * MS;
	timer(&r);
	assert_int_equal(r.m.state, VRRP_STATE_ACTIVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_start_waits_then_takes_over),
		cmocka_unit_test(test_owner_is_active_at_once),
		cmocka_unit_test(test_silence_names_the_peer),
		cmocka_unit_test(test_active_advertises_at_its_pace),
		cmocka_unit_test(test_announcements),
		cmocka_unit_test(test_backup_obeys_and_learns),
		cmocka_unit_test(test_lower_priority_is_preempted),
		cmocka_unit_test(test_nopreempt_obeys_lower_priority),
		cmocka_unit_test(test_preempt_delay),
		cmocka_unit_test(test_preempt_waits_for_sync),
		cmocka_unit_test(test_preempt_when_synced),
		cmocka_unit_test(test_silence_does_not_wait_for_sync),
		cmocka_unit_test(test_late_advertisements_are_waited_for),
		cmocka_unit_test(test_late_until_nothing_is_told),
		cmocka_unit_test(test_late_until_it_serves_no_more),
		cmocka_unit_test(test_late_no_longer_than_sync_wait),
		cmocka_unit_test(test_what_is_not_waited_for),
		cmocka_unit_test(test_one_that_has_just_come_meets_the_others),
		cmocka_unit_test(test_preemption_asks_first),
		cmocka_unit_test(test_preemption_is_not_answered),
		cmocka_unit_test(test_preemption_does_not_ask_in_vain),
		cmocka_unit_test(test_priority_zero_starts_skew),
		cmocka_unit_test(test_priority_zero_then_another_active),
		cmocka_unit_test(test_active_yields_to_higher),
		cmocka_unit_test(test_yielding_is_said_until_answered),
		cmocka_unit_test(test_equal_priority_higher_address_wins),
		cmocka_unit_test(test_active_asserts_itself),
		cmocka_unit_test(test_worse_of_two_actives_is_outdone),
		cmocka_unit_test(test_late_announcements_keep_their_distance),
		cmocka_unit_test(test_contested_takeover_announces_again),
		cmocka_unit_test(test_lower_no_advert),
		cmocka_unit_test(test_yielding_then_taking_again_keeps_addresses),
		cmocka_unit_test(test_stop_holds_until_successor),
		cmocka_unit_test(test_stop_alone_is_bounded),
		cmocka_unit_test(test_stop_as_backup),
		cmocka_unit_test(test_start_again_while_leaving),
		cmocka_unit_test(test_link_down_lets_go_at_once),
		cmocka_unit_test(test_tracked_fault_makes_before_break),
		cmocka_unit_test(test_start_with_fault),
		cmocka_unit_test(test_found_addresses),
		cmocka_unit_test(test_resume_active),
		cmocka_unit_test(test_resume_backup),
		cmocka_unit_test(test_resume_backup_that_was_about_to_be_active),
		cmocka_unit_test(test_resume_leaving),
		cmocka_unit_test(test_reload_active),
		cmocka_unit_test(test_reload_backup),
		cmocka_unit_test(test_group_is_waited_for),
		cmocka_unit_test(test_group_takes_along),
		cmocka_unit_test(test_owner_waits_for_group),
		cmocka_unit_test(test_reload_out_of_group),
		cmocka_unit_test(test_held_up_gives_way),
		cmocka_unit_test(test_held_up_and_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
