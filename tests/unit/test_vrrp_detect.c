/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_detect: the rule, case by case and with faults in virtual time; what the machine makes of it;
 * heartbeats and pings as bytes. By the hour: tests/fake/detect_sim --hours 10000.
 */
#include "tests/fake/detect_world.h"
#include "vrrp/beat.h"
#include "vrrp/detect.h"
#include "vrrp/machine.h"
#include "vrrp/ping.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS USEC_PER_MSEC
#define I  (5 * MS)

/* The rule */

struct run {
	struct detect d;
	int64_t now_us;
	unsigned pings;
	bool beats, answers; /* of the other side */
};

/* Heartbeats at each I, answers 0.2 ms after each ping. Returns the last verdict but NOTHING. */
static enum detect_verdict go_on(struct run *r, int64_t until_us)
{
	enum detect_verdict said = DETECT_NOTHING, v;

	for (; r->now_us < until_us; r->now_us += 100) {
		bool ping = false;

		if (r->beats && r->now_us % I == 0 &&
		    (v = detect_beat(&r->d, r->now_us, I)) != DETECT_NOTHING)
			said = v;
		if (r->now_us < detect_deadline(&r->d))
			continue;
		v = detect_tick(&r->d, r->now_us, &ping);
		said = v != DETECT_NOTHING ? v : said;
		r->pings += ping;
		if (ping && r->answers)
			assert_int_equal(detect_answer(&r->d, r->now_us + 200, r->d.seq),
					 DETECT_NOTHING);
	}
	return said;
}

static struct run begin(void)
{
	struct run r = {.now_us = I, .beats = true, .answers = true};

	detect_init(&r.d);
	assert_int_equal(detect_deadline(&r.d), USEC_NEVER);
	assert_int_equal(go_on(&r, 1000 * MS), DETECT_NOTHING);
	assert_true(detect_is_armed(&r.d));
	return r;
}

/* Silent on both ways: lost after 3 I, and not before. */
static void test_lost(void **state)
{
	struct run r = begin();

	r.beats = r.answers = false;
	assert_int_equal(go_on(&r, 1000 * MS + 2 * I), DETECT_NOTHING);
	assert_int_equal(go_on(&r, 1000 * MS + 4 * I), DETECT_LOST);
	assert_int_equal(detect_deadline(&r.d), USEC_NEVER);
	/* It was not so. */
	assert_int_equal(detect_advert(&r.d, r.now_us), DETECT_ALIVE);
	assert_int_equal(detect_advert(&r.d, r.now_us), DETECT_NOTHING);
	assert_false(detect_is_armed(&r.d));
}

/* The way of the heartbeats is cut: pings are answered, it lives. Then it is no more relied upon. */
static void test_no_heartbeats(void **state)
{
	struct run r = begin();

	r.beats = false;
	assert_int_equal(go_on(&r, 3000 * MS), DETECT_NOTHING);
	assert_int_equal(detect_deadline(&r.d), USEC_NEVER);
	r.answers = false;
	assert_int_equal(go_on(&r, 6000 * MS), DETECT_NOTHING);
	/* They come again. */
	r.beats = r.answers = true;
	assert_int_equal(go_on(&r, 6050 * MS), DETECT_NOTHING);
	assert_false(detect_is_armed(&r.d));
	assert_int_equal(go_on(&r, 6500 * MS), DETECT_NOTHING);
	assert_true(detect_is_armed(&r.d));
}

/* Pings are not answered any more, and later heartbeats end: these have nothing to do with those. */
static void test_no_answers(void **state)
{
	struct run r = begin();

	r.answers = false;
	assert_int_equal(go_on(&r, 1030 * MS), DETECT_NOTHING);
	r.beats = false;
	assert_int_equal(go_on(&r, 2000 * MS), DETECT_NOTHING);
}

/* Any sign of life in doubt begins the 3 I anew. */
static void test_sign_of_life(void **state)
{
	struct run r = begin();

	r.beats = r.answers = false;
	assert_int_equal(go_on(&r, 1000 * MS + 3 * I / 2), DETECT_NOTHING);
	assert_int_equal(detect_advert(&r.d, r.now_us), DETECT_NOTHING);
	assert_int_equal(go_on(&r, 1000 * MS + 4 * I), DETECT_NOTHING);
	assert_int_equal(go_on(&r, 1000 * MS + 6 * I), DETECT_LOST);
}

/* This process is held up when it is about to judge: it asks again first. */
static void test_held_up(void **state)
{
	struct run r = begin();
	unsigned pings;

	r.beats = r.answers = false;
	assert_int_equal(go_on(&r, 1000 * MS + 3 * I / 2), DETECT_NOTHING);
	pings = r.pings;
	r.now_us += I;
	assert_int_equal(go_on(&r, r.now_us + I), DETECT_NOTHING);
	assert_true(r.pings >= pings + DETECT_DOUBT_PINGS - 1);
	assert_int_equal(go_on(&r, r.now_us + I), DETECT_LOST);
}

/* For long: it waits until its network surely works again. */
static void test_held_up_for_long(void **state)
{
	const int64_t held_us = 60 * MS, judge_us = 1000 * MS + 2 * held_us + DETECT_RECOVER * I;
	struct run r = begin();

	r.now_us += held_us;
	r.beats = r.answers = false;
	assert_int_equal(go_on(&r, judge_us - MS), DETECT_NOTHING);
	assert_int_equal(go_on(&r, judge_us + MS), DETECT_LOST);
	/* What comes until then shows that it lives. */
	r = begin();
	r.now_us += held_us;
	r.beats = r.answers = false;
	assert_int_equal(go_on(&r, judge_us - MS), DETECT_NOTHING);
	r.answers = true;
	assert_int_equal(go_on(&r, r.now_us + 2000 * MS), DETECT_NOTHING);
}

/* Heartbeats from before the death wait in the socket, and no ping has gone out since. */
static void test_died_while_held_up(void **state)
{
	for (int64_t held_us = 10 * MS; held_us <= 500 * MS; held_us += 7 * MS) {
		struct run r = begin();

		r.beats = r.answers = false;
		r.now_us += held_us;
		assert_int_equal(detect_beat(&r.d, r.now_us, I), DETECT_NOTHING);
		assert_int_equal(detect_beat(&r.d, r.now_us, I), DETECT_NOTHING);
		assert_int_equal(go_on(&r, r.now_us + held_us + DETECT_RECOVER * I - 2 * I),
				 DETECT_NOTHING);
		assert_int_equal(go_on(&r, r.now_us + 3 * I), DETECT_LOST);
	}
}

static void test_held_up_in_a_row(void **state)
{
	struct run r = begin();

	r.beats = r.answers = false;
	for (int i = 0; i < 20; i++) {
		r.now_us += 3 * I;
		assert_int_equal(go_on(&r, r.now_us + 2 * I), DETECT_NOTHING);
	}
	assert_int_equal(go_on(&r, r.now_us + 8 * I), DETECT_LOST);
	/* With answers at each end of it: the way of the heartbeats is given up as ever. */
	r = begin();
	r.beats = false;
	for (int i = 0; i < 20; i++) {
		r.now_us += 3 * I;
		assert_int_equal(go_on(&r, r.now_us + 2 * I), DETECT_NOTHING);
	}
	r.answers = false;
	assert_int_equal(go_on(&r, r.now_us + 1000 * MS), DETECT_NOTHING);
}

/* Answers have ended for another reason, and a hold-up makes them no younger. */
static void test_no_answers_before_held_up(void **state)
{
	for (int queued = 0; queued < 2; queued++) {
		struct run r = begin();

		r.answers = false;
		assert_int_equal(go_on(&r, 1000 * MS + DETECT_ANSWER * I), DETECT_NOTHING);
		r.beats = false;
		r.now_us += 60 * MS;
		if (queued)
			assert_int_equal(detect_beat(&r.d, r.now_us, I), DETECT_NOTHING);
		assert_true(detect_is_armed(&r.d));
		assert_int_equal(go_on(&r, r.now_us + 2000 * MS), DETECT_NOTHING);
	}
}

/* For so long that all may be different. */
static void test_away(void **state)
{
	struct run r = begin();

	r.now_us += (DETECT_AWAY + 2) * I;
	assert_int_equal(detect_beat(&r.d, r.now_us, I), DETECT_NOTHING);
	assert_false(detect_is_armed(&r.d));
	assert_int_equal(go_on(&r, r.now_us + 500 * MS), DETECT_NOTHING);
	assert_true(detect_is_armed(&r.d));
}

/* In virtual time */

static void test_world(void **state)
{
	struct detect_world_conf c = {.nodes = 2,
				      .interval_us = I,
				      .adver_int_us = USEC_PER_SEC,
				      .loss_percent = 5,
				      .stalls = true,
				      .pauses = true};
	struct detect_world_result r;

	for (c.seed = 1; c.seed <= 20; c.seed++) {
		c.duration_us = 120 * USEC_PER_SEC;
		c.cut_between_us = c.seed % 2 ? 60 * USEC_PER_SEC : 0;
		detect_world_run(&c, &r);
		assert_int_equal(r.false_takeovers, 0);
		assert_true(r.losses > 0);
	}
	c = (struct detect_world_conf){.nodes = 3,
				       .interval_us = I,
				       .adver_int_us = USEC_PER_SEC,
				       .crash_us = 6 * USEC_PER_SEC,
				       .duration_us = 10 * USEC_PER_SEC};
	detect_world_run(&c, &r);
	assert_true(r.armed);
	assert_in_range(r.takeover_us, 2 * I, 4 * I);
	assert_int_equal(r.actives, 1);
}

/* The machine */

static const struct addr active = {.family = AF_INET, .b = {192, 0, 2, 1}};
static const struct addr stranger = {.family = AF_INET, .b = {192, 0, 2, 9}};

static const struct vrrp_conf conf = {.name = "VI",
				      .version = 3,
				      .vrid = 51,
				      .priority = 100,
				      .down_adverts = 3,
				      .preempt = true,
				      .source = {.family = AF_INET, .b = {192, 0, 2, 2}},
				      .adver_int_us = USEC_PER_SEC};

static enum vrrp_state_id step(struct vrrp_machine *m, const struct vrrp_conf *c,
			       enum vrrp_event_kind kind, int64_t now_us, const struct addr *src,
			       int64_t silent_us)
{
	struct vrrp_event event = {.kind = kind,
				   .now_us = now_us,
				   .src = *src,
				   .priority = 150,
				   .adver_int_us = kind == VRRP_EVENT_ADVERT ? USEC_PER_SEC : I,
				   .silent_us = silent_us};
	struct vrrp_actions actions = {.n = 0};

	vrrp_machine_step(c, m, &event, &actions);
	return m->state;
}

/* A Backup that has heard the Active at 10 s. */
static struct vrrp_machine backup(const struct vrrp_conf *c)
{
	struct vrrp_machine m;

	vrrp_machine_init(&m);
	step(&m, c, VRRP_EVENT_START, 9 * USEC_PER_SEC, &active, 0);
	step(&m, c, VRRP_EVENT_ADVERT, 10 * USEC_PER_SEC, &active, 0);
	return m;
}

static void test_machine_lost(void **state)
{
	const int64_t now_us = 10500 * MS, silent_us = 10480 * MS;
	struct vrrp_machine m = backup(&conf), other;

	/* Not the one that is followed; or an advertisement has come since. */
	step(&m, &conf, VRRP_EVENT_PEER_LOST, now_us, &stranger, silent_us);
	step(&m, &conf, VRRP_EVENT_PEER_LOST, now_us, &active, 9999 * MS);
	assert_true(vrrp_machine_deadline(&m) > 13 * USEC_PER_SEC);
	/* The advertisement itself was the last sign of life. */
	other = m;
	step(&other, &conf, VRRP_EVENT_PEER_LOST, now_us, &active, 10 * USEC_PER_SEC);
	assert_int_equal(vrrp_machine_deadline(&other), now_us + 3046);
	/* Skew_Time of I: 156/256 × 5 ms. */
	step(&m, &conf, VRRP_EVENT_PEER_LOST, now_us, &active, silent_us);
	assert_int_equal(vrrp_machine_deadline(&m), now_us + 3046);
	/* Called off, by the detector and by an advertisement. */
	other = m;
	step(&other, &conf, VRRP_EVENT_PEER_ALIVE, now_us + 1, &active, 0);
	assert_int_equal(step(&other, &conf, VRRP_EVENT_TIMER, now_us + I, &active, 0),
			 VRRP_STATE_BACKUP);
	other = m;
	step(&other, &conf, VRRP_EVENT_ADVERT, now_us + 1, &active, 0);
	assert_int_equal(step(&other, &conf, VRRP_EVENT_TIMER, now_us + I, &active, 0),
			 VRRP_STATE_BACKUP);
	assert_int_equal(step(&m, &conf, VRRP_EVENT_TIMER, now_us + 3046, &active, 0),
			 VRRP_STATE_ACTIVE);
	assert_true(vrrp_machine_deadline(&m) > now_us + 3046);
}

/* Life, as the detector sees it, keeps nobody's role: the Active_Down_Timer runs. */
static void test_machine_alive(void **state)
{
	struct vrrp_machine m = backup(&conf);
	int64_t down_us = vrrp_machine_deadline(&m);

	step(&m, &conf, VRRP_EVENT_PEER_ALIVE, 13 * USEC_PER_SEC, &active, 0);
	assert_int_equal(vrrp_machine_deadline(&m), down_us);
	assert_int_equal(step(&m, &conf, VRRP_EVENT_TIMER, down_us, &active, 0), VRRP_STATE_ACTIVE);
}

static void test_machine_group(void **state)
{
	struct vrrp_conf grouped = conf;
	struct vrrp_machine m;

	grouped.grouped = true;
	m = backup(&grouped);
	step(&m, &grouped, VRRP_EVENT_PEER_LOST, 10500 * MS, &active, 10480 * MS);
	assert_int_equal(step(&m, &grouped, VRRP_EVENT_TIMER, 10505 * MS, &active, 0),
			 VRRP_STATE_BACKUP);
	assert_true(m.ready);
	assert_int_equal(vrrp_machine_deadline(&m), USEC_NEVER);
}

static void test_machine_gave_up(void **state)
{
	struct vrrp_machine m = backup(&conf);

	step(&m, &conf, VRRP_EVENT_PEER_GAVE_UP, 10500 * MS, &stranger, 0);
	assert_true(vrrp_machine_deadline(&m) > 13 * USEC_PER_SEC);
	step(&m, &conf, VRRP_EVENT_PEER_GAVE_UP, 10500 * MS, &active, 0);
	assert_int_equal(vrrp_machine_deadline(&m), 10500 * MS + 3046);
	assert_int_equal(step(&m, &conf, VRRP_EVENT_TIMER, 10504 * MS, &active, 0),
			 VRRP_STATE_ACTIVE);
}

/* Heartbeats */

static const char *const secrets[] = {
	"0102030405060708090a0b0c0d0e0f100102030405060708090a0b0c0d0e0f10",
	"1102030405060708090a0b0c0d0e0f100102030405060708090a0b0c0d0e0f10",
};

static struct beat some_beat(void)
{
	struct beat b = {.session = 7, .seq = 1, .interval_us = 5000};
	struct beat_group *g = beat_group_of(&b, &active);

	beat_set(g->active, 51);
	beat_set(g->left, 255);
	b.n_echoes = 1;
	b.echoes[0] = 99;
	return b;
}

static void test_beat(void **state)
{
	struct beat b = some_beat(), got;
	struct beat_key keys[2];
	uint8_t bytes[BEAT_MAX];
	size_t len;

	beat_key_derive(secrets[0], &keys[0]);
	beat_key_derive(secrets[1], &keys[1]);
	len = beat_encode(&b, &keys[1], bytes);
	assert_int_equal(beat_decode(bytes, len, keys, 1, &got), -EACCES);
	assert_int_equal(beat_decode(bytes, len, keys, 2, &got), 0);
	assert_memory_equal(&got, &b, sizeof(b));
	assert_true(beat_has(got.groups[0].active, 51) && beat_has(got.groups[0].left, 255));
	assert_false(beat_has(got.groups[0].active, 52));
	for (size_t i = 0; i < len; i++) {
		assert_int_not_equal(beat_decode(bytes, i, keys, 2, &got), 0);
		bytes[i] ^= 1;
		assert_int_not_equal(beat_decode(bytes, len, keys, 2, &got), 0);
		bytes[i] ^= 1;
	}
	/* The largest. */
	for (uint8_t i = 2; i <= BEAT_GROUPS_MAX; i++)
		assert_non_null(beat_group_of(&b, &(struct addr){.family = AF_INET6, .b = {i}}));
	assert_null(beat_group_of(&b, &stranger));
	assert_ptr_equal(beat_group_of(&b, &active), &b.groups[0]);
	b.n_echoes = BEAT_ECHOES_MAX;
	len = beat_encode(&b, &keys[0], bytes);
	assert_true(len <= BEAT_MAX);
	assert_int_equal(beat_decode(bytes, len, keys, 1, &got), 0);
	/* Authentic, and nonsense. */
	b.interval_us = 0;
	len = beat_encode(&b, &keys[0], bytes);
	assert_int_equal(beat_decode(bytes, len, keys, 1, &got), -EBADMSG);
}

/* Fresh is what names our session; nothing counts twice. */
static void test_beat_memory(void **state)
{
	struct beat_memory m = {.own = 99};
	struct beat b = some_beat(), out = {0};

	b.echoes[0] = 98;
	assert_false(beat_memory_take(&m, &b, 1000));
	beat_memory_echo(&m, 1000, 500, &out);
	assert_int_equal(out.n_echoes, 1);
	assert_int_equal(out.echoes[0], 7);
	beat_memory_echo(&m, 2000, 500, &out);
	assert_int_equal(out.n_echoes, 0);
	b.echoes[0] = 99;
	assert_false(beat_memory_take(&m, &b, 1000)); /* the same number */
	b.seq = 5;
	assert_true(beat_memory_take(&m, &b, 1000));
	assert_false(beat_memory_take(&m, &b, 1000));
	b.seq = 4;
	assert_false(beat_memory_take(&m, &b, 1000));
	/* Others that are recorded elsewhere don't drive it out. */
	for (uint64_t i = 0; i < 100; i++) {
		struct beat old = {.session = 1000 + i, .seq = 1, .interval_us = 5000};

		assert_false(beat_memory_take(&m, &old, 2000));
	}
	assert_false(beat_memory_take(&m, &b, 2000));
	b.seq = 6;
	assert_true(beat_memory_take(&m, &b, 2000));
	b.session = 99; /* our own, come back */
	assert_false(beat_memory_take(&m, &b, 2000));
}

/* So many lives of the others that one which has named our session is forgotten: what was recorded of it
 * does not count, whatever number it has. */
static void test_beat_memory_outworn(void **state)
{
	struct beat_memory m = {.own = 99};
	struct beat first = some_beat();

	first.n_echoes = 1;
	first.echoes[0] = 99;
	assert_true(beat_memory_take(&m, &first, 1000));
	for (uint64_t i = 1; i <= BEAT_SENDERS_MAX; i++) {
		struct beat other = first;

		assert_false(m.outworn);
		other.session = 1000 + i;
		assert_true(beat_memory_take(&m, &other, 1000 + (int64_t)i));
	}
	assert_true(m.outworn);
	beat_memory_begin(&m, 100);
	assert_false(m.outworn);
	assert_false(beat_memory_take(&m, &first, 3000));
	assert_false(m.outworn); /* what is only repeated wears nothing out */
	first.seq++;
	first.echoes[0] = 100;
	assert_true(beat_memory_take(&m, &first, 3000));
}

/* Pings */

static void test_ping(void **state)
{
	struct ping_id id = {.id = 0x1234, .cookie = {1, 2, 3, 4, 5, 6, 7, 8}}, other = id;
	uint8_t bytes[20 + PING_LEN] = {0x45};
	uint32_t sum = 0;
	uint16_t seq;

	ping_encode(AF_INET, &id, 0xbeef, bytes + 20);
	for (unsigned i = 20; i < sizeof(bytes); i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
	assert_false(ping_decode(AF_INET, &id, bytes, sizeof(bytes), &seq)); /* a request */
	bytes[20] = 0;
	assert_true(ping_decode(AF_INET, &id, bytes, sizeof(bytes), &seq));
	assert_int_equal(seq, 0xbeef);
	for (size_t i = 0; i < sizeof(bytes); i++)
		assert_false(ping_decode(AF_INET, &id, bytes, i, &seq));
	other.cookie[7]++;
	assert_false(ping_decode(AF_INET, &other, bytes, sizeof(bytes), &seq));
	ping_encode(AF_INET6, &id, 1, bytes);
	bytes[0] = 129;
	assert_true(ping_decode(AF_INET6, &id, bytes, PING_LEN, &seq));
	assert_int_equal(seq, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost),	      cmocka_unit_test(test_no_heartbeats),
		cmocka_unit_test(test_no_answers),    cmocka_unit_test(test_sign_of_life),
		cmocka_unit_test(test_held_up),	      cmocka_unit_test(test_held_up_for_long),
		cmocka_unit_test(test_died_while_held_up),
		cmocka_unit_test(test_held_up_in_a_row),
		cmocka_unit_test(test_no_answers_before_held_up),
		cmocka_unit_test(test_away),	      cmocka_unit_test(test_world),
		cmocka_unit_test(test_machine_lost),  cmocka_unit_test(test_machine_alive),
		cmocka_unit_test(test_machine_group), cmocka_unit_test(test_machine_gave_up),
		cmocka_unit_test(test_beat),	      cmocka_unit_test(test_beat_memory),
		cmocka_unit_test(test_beat_memory_outworn),
		cmocka_unit_test(test_ping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
