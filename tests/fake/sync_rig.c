/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions on a wire made of values: see sync_rig.h. */
#include "tests/fake/sync_rig.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct rig *rig;

unsigned draw(void)
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

static struct sync_session *new_session(struct end *e)
{
	return sync_session_new(&e->conf, &e->table, &e->roles, &ops, e, rig->now_us);
}

void end_start(unsigned i)
{
	struct end *e = &rig->ends[i];

	sync_table_init(&e->table, 100 + draw(), 1, 100000);
	sync_roles_init(&e->roles);
	e->session = new_session(e);
}

void end_renew(unsigned i)
{
	struct end *e = &rig->ends[i];

	sync_session_free(e->session);
	e->session = new_session(e);
}

void end_stop(unsigned i)
{
	sync_session_free(rig->ends[i].session);
	sync_table_done(&rig->ends[i].table);
	sync_roles_done(&rig->ends[i].roles);
}

int sync_rig_setup(void **state)
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

int sync_rig_teardown(void **state)
{
	for (unsigned i = 0; i < ENDS; i++)
		end_stop(i);
	free(rig->frames);
	free(rig);
	return 0;
}

struct sync_path path_of(unsigned i)
{
	return (struct sync_path){
		.address = addr_from_bytes(AF_INET, (uint8_t[]){10, 0, 0, (uint8_t)i}), .port = 1};
}

void hand(unsigned link, unsigned to, unsigned from, const uint8_t *bytes, size_t len)
{
	struct sync_path path = path_of(from);

	path.link = link;
	if (to == from || to >= rig->n || rig->ends[to].deaf || rig->dead[link] ||
	    (from < ENDS && rig->ends[from].unheard_by[to]) || draw() % 100 < rig->loss)
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

static void carry_to_all(const struct frame *f)
{
	for (unsigned link = 0; link < rig->n_links; link++)
		for (unsigned to = 0; to < rig->n; to++)
			hand(link, to, f->from, f->bytes, f->len);
}

static void carry(const struct frame *f)
{
	switch (f->dest.kind) {
	case SYNC_DEST_ALL:
		carry_to_all(f);
		break;
	case SYNC_DEST_PATH:
		hand(f->dest.path.link, f->dest.path.address.b[3], f->from, f->bytes, f->len);
		break;
	case SYNC_DEST_PEERS:
		if (rig->multicast && f->dest.peers & (f->dest.peers - 1)) {
			carry_to_all(f);
			break;
		}
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

void run(int64_t for_us)
{
	for (int64_t end_us = rig->now_us + for_us; rig->now_us < end_us;) {
		for (unsigned i = 0; i < rig->n; i++)
			if (!rig->ends[i].rest_us || rig->now_us % rig->ends[i].rest_us < STEP_US)
				send_all(i);
		rig->now_us += STEP_US;
	}
}

struct addr vip_of(uint32_t n)
{
	return addr_from_bytes(AF_INET, (uint8_t[]){10, 0, 0, n < SECOND ? 100 : 101});
}

size_t make(uint32_t n, uint16_t state, uint8_t *bytes)
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

void put(unsigned end, uint32_t n, uint16_t state)
{
	uint8_t bytes[SYNC_RECORD_MAX];
	size_t len = make(n, state, bytes);

	assert_int_equal(sync_session_put(rig->ends[end].session, rig->now_us, bytes, len), 0);
}

struct sync_entry *get(unsigned end, uint32_t n)
{
	uint8_t bytes[SYNC_RECORD_MAX];

	make(n, 0, bytes);
	return sync_table_find(&rig->ends[end].table, bytes);
}

unsigned state_of(unsigned end, uint32_t n)
{
	const struct sync_entry *e = get(end, n);
	struct sync_record r;

	assert_non_null(e);
	sync_record_decode(e->record, &r);
	return r.state;
}

void set_active_for(unsigned end, struct addr vip, bool active)
{
	sync_roles_set(&rig->ends[end].roles, &vip, active);
	if (active)
		sync_session_take_over(rig->ends[end].session);
}

void set_active(unsigned end, bool active)
{
	set_active_for(end, vip_of(0), active);
}

struct sync_peer_state peer(unsigned end, unsigned of)
{
	struct sync_peer_state p = {0};

	for (unsigned i = 0; i < sync_session_peers(rig->ends[end].session); i++) {
		sync_session_peer(rig->ends[end].session, i, rig->now_us, &p);
		if (p.node == of + 1)
			return p;
	}
	return (struct sync_peer_state){0};
}

const struct sync_session_counters *counters(unsigned end)
{
	return sync_session_counters(rig->ends[end].session);
}
