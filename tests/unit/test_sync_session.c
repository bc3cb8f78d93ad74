/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation between peers: sync/session.c and its files, on a wire made of values. */
#include "sync/roles.h"
#include "sync/session.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENDS	    3
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
};

struct rig {
	int64_t now_us;
	unsigned n;
	struct end ends[ENDS];
	unsigned n_links;
	bool dead[2];  /* links */
	unsigned loss; /* percent */
	unsigned random;
	struct frame *frames; /* all that were sent */
	unsigned n_frames;
};

static struct rig *rig; /* for the random numbers of sessions */

static unsigned draw(void)
{
	rig->random = rig->random * 1103515245 + 12345;
	return rig->random >> 16 & 0x7fff;
}

static void on_random(void *ctx, void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)bytes)[i] = (uint8_t)draw();
}

static void on_event(void *ctx, const struct sync_event *event)
{
	struct end *e = ctx;

	e->events[event->kind]++;
	if (event->kind != SYNC_EVENT_NOTE)
		return;
	memcpy(e->note, event->note.value, event->note.len);
	e->note[event->note.len] = '\0';
}

static const struct sync_session_ops ops = {.event = on_event, .random = on_random};

static void end_start(unsigned i)
{
	struct end *e = &rig->ends[i];

	sync_table_init(&e->table, 100 + draw(), 1, 100000);
	sync_roles_init(&e->roles);
	e->session = sync_session_new(&e->conf, &e->table, &e->roles, &ops, e, rig->now_us);
}

static void end_stop(unsigned i)
{
	sync_session_free(rig->ends[i].session);
	sync_table_done(&rig->ends[i].table);
	sync_roles_done(&rig->ends[i].roles);
}

static int setup(void **state)
{
	rig = calloc(1, sizeof(*rig));
	rig->frames = malloc(KEPT_FRAMES * sizeof(*rig->frames));
	rig->now_us = USEC_PER_SEC;
	rig->n = 2;
	rig->n_links = 1;
	rig->random = 1;
	for (unsigned i = 0; i < ENDS; i++) {
		rig->ends[i].conf = (struct sync_conf){
			.node = i + 1,
			.expected = 1,
			.n_psk = 1,
			.suite = SYNC_SUITE_CHACHA20_POLY1305,
			.frame_max = SYNC_FRAME_DEFAULT,
			.heartbeat_us = 100 * USEC_PER_MSEC,
			.batch_us = USEC_PER_MSEC,
		};
		end_start(i);
	}
	return 0;
}

static int teardown(void **state)
{
	for (unsigned i = 0; i < ENDS; i++)
		end_stop(i);
	free(rig->frames);
	free(rig);
	return 0;
}

static struct sync_path path_of(unsigned i)
{
	return (struct sync_path){
		.address = addr_from_bytes(AF_INET, (uint8_t[]){10, 0, 0, (uint8_t)i}), .port = 1};
}

static void hand(unsigned link, unsigned to, unsigned from, const uint8_t *bytes, size_t len)
{
	struct sync_path path = path_of(from);

	path.link = link;
	if (to == from || to >= rig->n || rig->ends[to].deaf || rig->dead[link] ||
	    draw() % 100 < rig->loss)
		return;
	sync_session_receive(rig->ends[to].session, rig->now_us, &path, bytes, len);
}

static void carry_to_peer(const struct frame *f, unsigned peer)
{
	unsigned n;
	const struct sync_path *paths =
		sync_session_paths(rig->ends[f->from].session, peer, &n);

	for (unsigned j = 0; j < n; j++)
		hand(paths[j].link, paths[j].address.b[3], f->from, f->bytes, f->len);
}

static void carry(const struct frame *f)
{
	switch (f->dest.kind) {
	case SYNC_DEST_ALL:
		for (unsigned link = 0; link < rig->n_links; link++)
			for (unsigned to = 0; to < rig->n; to++)
				hand(link, to, f->from, f->bytes, f->len);
		break;
	case SYNC_DEST_PATH:
		hand(f->dest.path.link, f->dest.path.address.b[3], f->from, f->bytes, f->len);
		break;
	case SYNC_DEST_PEERS:
		for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
			if (f->dest.peers >> i & 1)
				carry_to_peer(f, i);
		break;
	}
}

static void send_all(unsigned from)
{
	for (unsigned i = 0; i < 256; i++) {
		struct frame *f = &rig->frames[rig->n_frames % KEPT_FRAMES];

		f->len =
			sync_session_emit(rig->ends[from].session, rig->now_us, f->bytes, &f->dest);
		if (!f->len)
			return;
		f->from = from;
		rig->n_frames++;
		carry(f);
	}
}

static void run(int64_t for_us)
{
	for (int64_t end_us = rig->now_us + for_us; rig->now_us < end_us;) {
		for (unsigned i = 0; i < rig->n; i++)
			send_all(i);
		rig->now_us += STEP_US;
	}
}

/* Numbers from here on belong to the second virtual address. */
#define SECOND 1000000

static struct addr vip_of(uint32_t n)
{
	return addr_from_bytes(AF_INET, (uint8_t[]){10, 0, 0, n < SECOND ? 100 : 101});
}

static size_t make(uint32_t n, uint16_t state, uint8_t *bytes)
{
	struct sync_record r = {
		.protocol = IPPROTO_TCP,
		.state = state,
		.timeout_s = 900,
		.client = addr_from_bytes(AF_INET, &n),
		.vip = vip_of(n),
		.server = addr_from_bytes(AF_INET, (uint8_t[]){10, 0, 1, 1}),
	};

	return sync_record_encode(&r, bytes);
}

static void put(unsigned end, uint32_t n, uint16_t state)
{
	uint8_t bytes[SYNC_RECORD_MAX];
	size_t len = make(n, state, bytes);

	assert_int_equal(sync_session_put(rig->ends[end].session, rig->now_us, bytes, len), 0);
}

static struct sync_entry *get(unsigned end, uint32_t n)
{
	uint8_t bytes[SYNC_RECORD_MAX];

	make(n, 0, bytes);
	return sync_table_find(&rig->ends[end].table, bytes);
}

static unsigned state_of(unsigned end, uint32_t n)
{
	const struct sync_entry *e = get(end, n);
	struct sync_record r;

	assert_non_null(e);
	sync_record_decode(e->record, &r);
	return r.state;
}

static void set_active_for(unsigned end, struct addr vip, bool active)
{
	sync_roles_set(&rig->ends[end].roles, &vip, active);
	if (active)
		sync_session_take_over(rig->ends[end].session);
}

static void set_active(unsigned end, bool active)
{
	set_active_for(end, vip_of(0), active);
}

static struct sync_peer_state peer(unsigned end, unsigned of)
{
	struct sync_peer_state p = {0};

	for (unsigned i = 0; i < sync_session_peers(rig->ends[end].session); i++) {
		sync_session_peer(rig->ends[end].session, i, rig->now_us, &p);
		if (p.node == of + 1)
			return p;
	}
	return (struct sync_peer_state){0};
}

static const struct sync_session_counters *counters(unsigned end)
{
	return sync_session_counters(rig->ends[end].session);
}

static void test_snapshot_then_stream(void **state)
{
	for (uint32_t n = 0; n < 1000; n++)
		put(0, n, 1);
	assert_false(sync_session_is_synced(rig->ends[1].session));
	run(20 * USEC_PER_MSEC);
	assert_true(sync_session_is_synced(rig->ends[1].session));
	assert_int_equal(rig->ends[1].table.n, 1000);
	assert_int_equal(rig->ends[1].table.n_own, 0);
	assert_true(peer(0, 1).told_synced);
	put(0, 5, 4);
	run(5 * USEC_PER_MSEC);
	assert_int_equal(state_of(1, 5), 4);
	assert_true(peer(0, 1).lag == 0);
	/* What is learned is not told back. */
	assert_true(counters(1)->records_out == 0);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_FOLLOWING], 1);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_SYNCED], 1);
	assert_int_equal(rig->ends[0].events[SYNC_EVENT_FOLLOWED], 1);
}

static void test_nobody_is_not_synced(void **state)
{
	rig->n = 1;
	run(USEC_PER_SEC);
	assert_false(sync_session_is_synced(rig->ends[0].session));
	assert_in_range(counters(0)->frames_out, 4, 6); /* it asks, but not like mad */
}

static void test_remaining_time_is_told(void **state)
{
	put(0, 1, 1);
	rig->now_us += 100 * USEC_PER_SEC;
	run(20 * USEC_PER_MSEC);
	assert_int_equal(sync_entry_timeout_s(get(1, 1), (uint32_t)(rig->now_us / USEC_PER_SEC)),
			 800);
}

static void test_another_key(void **state)
{
	rig->ends[1].conf.psk[0].b[0] = 1;
	put(0, 1, 1);
	run(USEC_PER_SEC);
	assert_null(get(1, 1));
	assert_true(counters(0)->auth_failed > 0);
	assert_true(rig->ends[0].events[SYNC_EVENT_FOREIGN_KEY] > 0);
	assert_int_equal(sync_session_peers(rig->ends[0].session), 0);
}

/* Old key everywhere; new key added here, then there; old key taken away. Nothing is missed. */
static void test_rotation_of_keys(void **state)
{
	struct sync_conf *a = &rig->ends[0].conf, *b = &rig->ends[1].conf;

	run(20 * USEC_PER_MSEC);
	a->psk[1] = a->psk[0];
	a->psk[0].b[0] = 1;
	a->n_psk = 2;
	sync_session_renew(rig->ends[0].session, rig->now_us);
	put(0, 1, 1);
	run(USEC_PER_SEC);
	assert_non_null(get(1, 1));
	b->psk[0].b[0] = 1;
	sync_session_renew(rig->ends[1].session, rig->now_us);
	a->n_psk = 1;
	sync_session_renew(rig->ends[0].session, rig->now_us);
	put(0, 2, 1);
	put(1, 3, 1);
	run(USEC_PER_SEC);
	assert_non_null(get(1, 2));
	assert_non_null(get(0, 3));
	assert_true(counters(0)->auth_failed == 0);
}

static void test_another_version(void **state)
{
	struct sync_path path = path_of(1);
	uint8_t b[SYNC_FRAME_HEAD_LEN] = {'T', 'S', 'N', 'C', 4, 9};

	sync_session_receive(rig->ends[0].session, rig->now_us, &path, b, sizeof(b));
	assert_int_equal(rig->ends[0].events[SYNC_EVENT_FOREIGN_VERSION], 1);
	assert_true(counters(0)->version == 1);
	b[0] = 'X';
	sync_session_receive(rig->ends[0].session, rig->now_us, &path, b, sizeof(b));
	assert_true(counters(0)->malformed == 1);
}

static void test_same_name(void **state)
{
	rig->ends[1].conf.node = 1;
	run(USEC_PER_SEC);
	assert_true(rig->ends[0].events[SYNC_EVENT_SAME_NODE] > 0);
	assert_int_equal(sync_session_peers(rig->ends[0].session), 0);
}

/* All that was ever sent is sent again, to everybody, from elsewhere. */
static void test_replay_of_everything(void **state)
{
	struct sync_peer_state before, after;
	unsigned n;

	for (uint32_t i = 0; i < 500; i++)
		put(0, i, 1);
	run(2 * USEC_PER_SEC);
	put(0, 7, 4);
	run(USEC_PER_SEC);
	n = rig->n_frames;
	assert_in_range(n, 50, KEPT_FRAMES);
	before = peer(0, 1);
	for (unsigned i = 0; i < n; i++)
		for (unsigned to = 0; to < 2; to++)
			if (rig->frames[i].from != to)
				hand(0, to, 9, rig->frames[i].bytes, rig->frames[i].len);
	after = peer(0, 1);
	assert_true(after.followed && after.acked == before.acked &&
		    after.rewinds == before.rewinds);
	assert_int_equal(rig->ends[0].events[SYNC_EVENT_FOLLOWED], 1);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_FOLLOWING], 1);
	assert_int_equal(state_of(1, 7), 4);
	run(USEC_PER_SEC);
	assert_true(sync_session_is_synced(rig->ends[1].session));
	assert_int_equal(rig->ends[0].events[SYNC_EVENT_FOLLOWED], 1);
}

/* One of those that were recorded, as it was, or damaged somewhere, or only its head true. */
static void forge(const struct frame *f, uint8_t *bytes)
{
	unsigned how = draw();

	memcpy(bytes, f->bytes, f->len);
	if (how % 3 == 1)
		bytes[how / 3 % f->len] ^= 1u << how / 3 % 8;
	for (size_t i = SYNC_FRAME_HEAD_LEN; how % 3 == 2 && i < f->len; i++)
		bytes[i] = (uint8_t)draw();
}

/* In one second of the peers' time: they go on as if nobody were there, and answer hardly any. */
static void test_a_million_forged_and_replayed_frames(void **state)
{
	unsigned recorded, attack = 1000000, per_turn = 1000;
	uint64_t records[2], seen = 0;
	uint8_t bytes[SYNC_FRAME_MAX];

	for (uint32_t i = 0; i < 500; i++)
		put(0, i, 1);
	run(2 * USEC_PER_SEC);
	recorded = rig->n_frames;
	for (unsigned i = 0; i < 2; i++)
		records[i] = counters(i)->records_in;
	for (unsigned i = 0; i < attack; i++) {
		const struct frame *f = &rig->frames[recorded / 2 + draw() % (recorded / 2)];

		forge(f, bytes);
		hand(0, 1 - f->from, f->from, bytes, f->len);
		if (i % per_turn == 0)
			run(USEC_PER_SEC * per_turn / attack);
	}
	assert_in_range(rig->n_frames - recorded, 10, 500);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(counters(i)->records_in == records[i]);
		seen += counters(i)->auth_failed + counters(i)->replayed + counters(i)->malformed +
			counters(i)->unknown + counters(i)->version;
		assert_int_equal(rig->ends[i].events[SYNC_EVENT_SILENT], 0);
		assert_int_equal(rig->ends[i].events[SYNC_EVENT_LEFT], 0);
	}
	assert_in_range(seen, attack - attack / 100, attack);
	put(0, 7, 4);
	run(USEC_PER_SEC);
	assert_int_equal(state_of(1, 7), 4);
	assert_true(peer(0, 1).followed && peer(1, 0).synced && peer(0, 1).rewinds == 0);
}

static void test_damaged_frames(void **state)
{
	unsigned n;

	put(0, 1, 1);
	run(USEC_PER_SEC);
	n = rig->n_frames;
	for (unsigned i = 0; i < n; i++) {
		struct frame *f = &rig->frames[i];

		for (size_t at = 0; at < f->len; at++) {
			f->bytes[at] ^= 0x55;
			hand(0, 1 - f->from, f->from, f->bytes, f->len);
			f->bytes[at] ^= 0x55;
			hand(0, 1 - f->from, f->from, f->bytes, at); /* and cut short */
		}
	}
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].table.n, 1);
	assert_true(peer(0, 1).followed && peer(1, 0).following);
	assert_true(counters(1)->auth_failed > 100);
}

static void test_silence_and_return(void **state)
{
	for (uint32_t n = 0; n < 500; n++)
		put(0, n, 1);
	run(USEC_PER_SEC);
	rig->ends[1].deaf = true;
	for (uint32_t n = 0; n < 20; n++)
		put(0, n, 4);
	run(5 * USEC_PER_SEC);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_SILENT], 1);
	assert_int_equal(rig->ends[0].events[SYNC_EVENT_LEFT], 1);
	assert_false(sync_session_is_synced(rig->ends[1].session));
	rig->ends[1].deaf = false;
	run(1500 * USEC_PER_MSEC);
	assert_true(sync_session_is_synced(rig->ends[1].session));
	assert_int_equal(state_of(1, 19), 4);
	/* Only what has changed is sent, and what was lost in flight. */
	assert_in_range(counters(0)->records_out, 520, 500 + 20 * 40);
	assert_true(counters(1)->records_in == 520);
}

/* A virtual machine that is moved, or a host that has no time for us. */
static void test_held_up(void **state)
{
	run(USEC_PER_SEC);
	rig->now_us += 5 * USEC_PER_SEC;
	for (unsigned i = 0; i < 2; i++)
		sync_session_held_up(rig->ends[i].session, rig->now_us, 5 * USEC_PER_SEC);
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_SILENT], 0);
	assert_int_equal(rig->ends[0].events[SYNC_EVENT_LEFT], 0);
	rig->ends[1].deaf = true;
	run(5 * USEC_PER_SEC);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_SILENT], 1);
	assert_int_equal(rig->ends[0].events[SYNC_EVENT_LEFT], 1);
	rig->ends[1].deaf = false;
	run(USEC_PER_SEC);
	rig->now_us += 5 * USEC_PER_SEC; /* and nobody says so */
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_SILENT], 2);
}

static void expire(unsigned i)
{
	sync_table_expire(&rig->ends[i].table, (uint32_t)(rig->now_us / USEC_PER_SEC), SIZE_MAX);
}

/* Nobody hears anybody; all that both knew has ended meanwhile, and each thing since has changed
 * twice. */
static void test_an_hour_apart(void **state)
{
	for (uint32_t n = 0; n < 500; n++)
		put(0, n, 1);
	run(USEC_PER_SEC);
	rig->ends[0].deaf = rig->ends[1].deaf = true;
	for (unsigned minute = 0; minute < 60; minute++) {
		rig->now_us += 60 * USEC_PER_SEC;
		run(10 * USEC_PER_MSEC);
	}
	expire(0);
	assert_int_equal(rig->ends[0].table.n, 0);
	for (uint16_t state_is = 1; state_is < 5; state_is += 3)
		for (uint32_t n = 1000; n < 3000; n++)
			put(0, n, state_is);
	expire(1);
	rig->ends[0].deaf = rig->ends[1].deaf = false;
	run(3 * USEC_PER_SEC);
	assert_true(sync_session_is_synced(rig->ends[1].session));
	assert_int_equal(rig->ends[1].table.n, 2000);
	assert_int_equal(state_of(1, 2999), 4);
	assert_true(counters(1)->records_in == 500 + 2000);
}

static void test_restart_of_the_sender(void **state)
{
	put(0, 1, 1);
	run(USEC_PER_SEC);
	end_stop(0);
	end_start(0);
	put(0, 2, 1);
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_RESTARTED], 1);
	assert_non_null(get(1, 2));
	/* It gets back what it has told in its former life. */
	assert_non_null(get(0, 1));
	assert_int_equal(get(0, 1)->owner, SYNC_OWNER_HEARSAY);
}

static void test_takeover(void **state)
{
	set_active(0, true);
	put(0, 1, 1);
	put(0, 2, 1);
	run(USEC_PER_SEC);
	set_active(1, true);
	put(1, 1, 4);
	/* The former Active does not know yet, and speaks once more. */
	put(0, 1, 2);
	put(0, 2, 2);
	put(0, 3, 2);
	run(50 * USEC_PER_MSEC);
	assert_int_equal(state_of(1, 1), 4); /* the new Active has rewritten it */
	assert_int_equal(state_of(1, 2), 2); /* not this one: taken, but not for the kernel */
	assert_true(get(1, 2)->not_for_kernel);
	assert_int_equal(state_of(1, 3), 2); /* unknown until now */
	assert_false(get(1, 3)->not_for_kernel);
	set_active(0, false);
	run(50 * USEC_PER_MSEC);
	assert_int_equal(state_of(0, 1), 4);
	assert_int_equal(get(0, 1)->owner, SYNC_OWNER_PEER);
}

/* Its daemon alone restarts: what it writes is not taken for old. */
static void test_restart_of_the_active(void **state)
{
	set_active(0, true);
	put(0, 1, 1);
	run(USEC_PER_SEC);
	end_stop(0);
	end_start(0);
	set_active(0, true);
	put(0, 1, 4);
	run(USEC_PER_SEC);
	assert_int_equal(state_of(0, 1), 4);
	assert_int_equal(state_of(1, 1), 4);
}

static void test_two_actives(void **state)
{
	run(USEC_PER_SEC);
	set_active(0, true);
	run(USEC_PER_SEC);
	set_active(1, true);
	for (unsigned i = 0; i < 300; i++) {
		put(i % 2, i, 1);
		put(i % 2, 1000 + i % 2, (uint16_t)(1 + i % 8));
		run(100 * USEC_PER_MSEC);
	}
	/* They insist by turns, more and more rarely, and lose nothing that only one knows. */
	assert_in_range(counters(0)->frames_out, 300, 3000);
	set_active(0, false);
	run(20 * USEC_PER_SEC);
	for (uint32_t n = 0; n < 300; n++) {
		assert_non_null(get(0, n));
		assert_non_null(get(1, n));
	}
	assert_int_equal(state_of(0, 1001), state_of(1, 1001));
}

/* Each is Active for one address: neither takes the other for a rival. */
static void test_shared_work(void **state)
{
	run(USEC_PER_SEC);
	set_active_for(0, vip_of(0), true);
	run(USEC_PER_SEC);
	set_active_for(1, vip_of(SECOND), true);
	for (unsigned i = 0; i < 200; i++) {
		put(0, i, 1);
		put(1, SECOND + i, 1);
		run(100 * USEC_PER_MSEC);
	}
	assert_int_equal(rig->ends[0].table.n, 400);
	assert_int_equal(rig->ends[1].table.n, 400);
	assert_true(counters(0)->records_out == 200 && counters(1)->records_out == 200);
	/* And one takes the other's work over. */
	set_active_for(0, vip_of(SECOND), true);
	set_active_for(1, vip_of(SECOND), false);
	put(0, SECOND + 7, 4);
	run(100 * USEC_PER_MSEC);
	assert_int_equal(state_of(1, SECOND + 7), 4);
}

static void test_hearsay(void **state)
{
	put(0, 1, 1);
	run(USEC_PER_SEC);
	rig->ends[0].deaf = true; /* it has told it to 1; now 2 comes, and 0 is gone */
	rig->n = 3;
	end_stop(0);
	end_start(0);
	run(USEC_PER_SEC);
	assert_int_equal(get(2, 1)->owner, SYNC_OWNER_HEARSAY);
	assert_int_equal(state_of(2, 1), 1);
	assert_int_equal(sync_record_flags(get(2, 1)->record), 0); /* no mark of ours is left */
}

static void test_one_frame_for_all(void **state)
{
	uint64_t before;

	rig->n = 3;
	for (unsigned i = 0; i < 3; i++)
		rig->ends[i].conf.expected = 2;
	run(2 * USEC_PER_SEC);
	before = counters(0)->records_out;
	for (uint32_t n = 0; n < 100; n++)
		put(0, n, 1);
	run(50 * USEC_PER_MSEC);
	assert_int_equal(rig->ends[1].table.n, 100);
	assert_int_equal(rig->ends[2].table.n, 100);
	assert_true(counters(0)->records_out - before == 100);
}

static unsigned paths_to(unsigned from)
{
	unsigned n;

	sync_session_paths(rig->ends[from].session, 0, &n);
	return n;
}

/* One way after the other fails for longer than it is remembered; nobody is missed. */
static void test_paths_come_back(void **state)
{
	rig->n_links = 2;
	run(2 * USEC_PER_SEC);
	assert_int_equal(paths_to(0), 2);
	for (unsigned link = 0; link < 2; link++) {
		rig->dead[link] = true;
		run(5 * USEC_PER_SEC);
		assert_int_equal(paths_to(0), 1);
		assert_int_equal(paths_to(1), 1);
		rig->dead[link] = false;
		run(3 * USEC_PER_SEC);
		assert_int_equal(paths_to(0), 2);
		assert_int_equal(paths_to(1), 2);
	}
	assert_int_equal(rig->ends[0].events[SYNC_EVENT_SILENT], 0);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_LEFT], 0);
}

static void test_full_table_is_told(void **state)
{
	rig->ends[1].table.max = 10;
	for (uint32_t n = 0; n < 30; n++)
		put(0, n, 1);
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].table.n, 10);
	assert_true(counters(1)->refused == 20);
	assert_true(peer(0, 1).refused == 20);
	assert_true(peer(0, 1).entries == 10);
}

static void test_what_was_refused_is_asked_for_again(void **state)
{
	rig->ends[1].table.max = 10;
	for (uint32_t n = 0; n < 30; n++)
		put(0, n, 1);
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].table.n, 10);
	rig->ends[1].table.max = 25;
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].table.n, 25);
	rig->ends[1].table.max = 40;
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].table.n, 25); /* not all the time */
	run(10 * USEC_PER_SEC);
	assert_int_equal(rig->ends[1].table.n, 30);
	assert_true(peer(1, 0).synced);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_SILENT], 0);
}

static void test_notes(void **state)
{
	struct sync_note note = {.topic = 1, .value = (const uint8_t *)"hello", .len = 5};

	sync_note_put(&rig->ends[0].table, &note, (uint32_t)(rig->now_us / USEC_PER_SEC));
	run(USEC_PER_SEC);
	assert_string_equal(rig->ends[1].note, "hello");
	sync_note_put(&rig->ends[0].table, &note, (uint32_t)(rig->now_us / USEC_PER_SEC)); /* nothing new */
	run(USEC_PER_SEC);
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_NOTE], 1);
	note.len = 0;
	sync_note_put(&rig->ends[0].table, &note, (uint32_t)(rig->now_us / USEC_PER_SEC));
	run(USEC_PER_SEC);
	assert_string_equal(rig->ends[1].note, "");
	assert_int_equal(rig->ends[1].events[SYNC_EVENT_NOTE], 2);
	note.len = SYNC_NOTE_MAX + 1;
	assert_int_equal(sync_note_put(&rig->ends[0].table, &note, (uint32_t)(rig->now_us / USEC_PER_SEC)), -EMSGSIZE);
}

/* 20 % of all frames are lost, in both directions. */
static void test_bulk_under_loss(void **state)
{
	int64_t start_us;

	for (uint32_t n = 0; n < 20000; n++)
		put(0, n, 1);
	rig->loss = 20;
	start_us = rig->now_us;
	while (!sync_session_is_synced(rig->ends[1].session) &&
	       rig->now_us - start_us < 2 * USEC_PER_SEC)
		run(USEC_PER_MSEC);
	assert_true(sync_session_is_synced(rig->ends[1].session));
	assert_int_equal(rig->ends[1].table.n, 20000);
	print_message("# 20000 entries at 20 %% loss: %lld ms, sent %.1f times\n",
		      (long long)(rig->now_us - start_us) / 1000,
		      (double)counters(0)->records_out / 20000);
}

/* The last frame of a burst is lost: it is noticed well before the next heartbeat. */
static void test_loss_of_the_last_frame(void **state)
{
	int64_t start_us;

	run(USEC_PER_SEC);
	rig->loss = 100;
	put(0, 1, 1);
	run(USEC_PER_MSEC * 2);
	rig->loss = 0;
	start_us = rig->now_us;
	while (!get(1, 1) && rig->now_us - start_us < USEC_PER_SEC)
		run(STEP_US);
	assert_in_range(rig->now_us - start_us, 0, 20 * USEC_PER_MSEC);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_snapshot_then_stream),
		TEST(test_nobody_is_not_synced),
		TEST(test_remaining_time_is_told),
		TEST(test_another_key),
		TEST(test_rotation_of_keys),
		TEST(test_another_version),
		TEST(test_same_name),
		TEST(test_replay_of_everything),
		TEST(test_a_million_forged_and_replayed_frames),
		TEST(test_damaged_frames),
		TEST(test_silence_and_return),
		TEST(test_held_up),
		TEST(test_an_hour_apart),
		TEST(test_restart_of_the_sender),
		TEST(test_takeover),
		TEST(test_restart_of_the_active),
		TEST(test_two_actives),
		TEST(test_shared_work),
		TEST(test_hearsay),
		TEST(test_one_frame_for_all),
		TEST(test_paths_come_back),
		TEST(test_full_table_is_told),
		TEST(test_what_was_refused_is_asked_for_again),
		TEST(test_notes),
		TEST(test_bulk_under_loss),
		TEST(test_loss_of_the_last_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
