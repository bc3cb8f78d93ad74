/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two to four directors' sync sessions on a virtual segment, in virtual time: loss, reordering,
 * duplication, one-way links, restarts, changes of the Active, and an enemy that records, repeats
 * and damages frames. A model knows what was written and what its writer saw acknowledged. After
 * the faults have ended everybody must agree with the model.
 *
 *	sync_sim [--seeds N] [--seed S [--trace]]
 */
#include "sync/roles.h"
#include "sync/session.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES	    4
#define KEYS	    300
#define LINKS	    2
#define RECORDED    64
#define FAULTS_US   (12 * USEC_PER_SEC)
#define CONVERGE_US (8 * USEC_PER_SEC)
#define TIMEOUT_S   1000000
#define FRAMES_A_GO 64

struct world;

struct node {
	struct world *world;
	unsigned index;
	struct sync_conf conf;
	struct sync_table table;
	struct sync_roles roles;
	struct sync_session *session;
	struct sync_cursor kernel; /* as what goes into the kernel would follow */
	uint32_t seen[KEYS];	   /* newest serial that went there */
	uint32_t noted[NODES];	   /* newest note of each */
	uint32_t life;
	uint32_t follower_life[NODES]; /* in which it joined */
	int64_t wake_us;
};

struct flight {
	int64_t at_us;
	unsigned to;
	struct sync_path from;
	size_t len;
	uint8_t bytes[];
};

/* What was written last to a key, by whom in which life, and as which change of that table. */
struct truth {
	uint32_t serial; /* 0: never */
	unsigned writer;
	uint32_t life;
	uint64_t version;
	uint32_t sure[NODES]; /* serial that this node acknowledged */
	uint32_t sure_life[NODES];
};

struct world {
	uint64_t seed;
	uint64_t random;
	bool trace;
	int64_t now_us;
	unsigned n;
	unsigned n_links;
	bool multicast;
	struct node nodes[NODES];
	unsigned active;
	uint32_t reign;	   /* serial at which it began */
	int64_t cut_us;	   /* a link was cut or healed */
	int64_t settle_us; /* only one believes to be Active */
	uint32_t serial;
	uint32_t note[NODES];
	struct truth truth[KEYS];
	unsigned loss, dup, late; /* percent */
	bool cut[LINKS][NODES][NODES];
	struct flight **heap;
	size_t n_heap, cap_heap;
	struct flight *recorded[RECORDED];
	bool enemy;
	bool wild; /* the Active changes while the channel is broken */
	bool torn; /* and has done so: two histories */
	bool bad;
};

static uint64_t draw(struct world *w)
{
	uint64_t z = w->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static unsigned below(struct world *w, unsigned n)
{
	return (unsigned)(draw(w) % n);
}

static bool chance(struct world *w, unsigned percent)
{
	return below(w, 100) < percent;
}

static void say(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct world *w, const char *fmt, ...)
{
	va_list args;

	if (!w->trace)
		return;
	printf("# %9.6f ", (double)w->now_us / 1e6);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

static void fail(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct world *w, const char *fmt, ...)
{
	va_list args;

	if (w->bad)
		return;
	w->bad = true;
	printf("# seed %llu, at %.6f: ", (unsigned long long)w->seed, (double)w->now_us / 1e6);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

/* Frames under way, the earliest first: a binary heap. */
static void heap_push(struct world *w, struct flight *f)
{
	size_t i = w->n_heap++;

	if (w->n_heap > w->cap_heap) {
		w->cap_heap = 2 * w->cap_heap + 64;
		w->heap = realloc(w->heap, w->cap_heap * sizeof(*w->heap));
	}
	for (; i && w->heap[(i - 1) / 2]->at_us > f->at_us; i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = f;
}

static struct flight *heap_pop(struct world *w)
{
	struct flight *top = w->heap[0], *last = w->heap[--w->n_heap];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < w->n_heap && w->heap[child + 1]->at_us < w->heap[child]->at_us)
			child++;
		if (child >= w->n_heap || w->heap[child]->at_us >= last->at_us)
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = last;
	return top;
}

static struct addr address_of(unsigned node)
{
	return addr_from_bytes(AF_INET, (uint8_t[]){10, 0, 0, (uint8_t)node});
}

static struct flight *flight_new(int64_t at_us, unsigned to, const struct sync_path *from,
				 const uint8_t *bytes, size_t len)
{
	struct flight *f = malloc(sizeof(*f) + len);

	*f = (struct flight){.at_us = at_us, .to = to, .from = *from, .len = len};
	memcpy(f->bytes, bytes, len);
	return f;
}

static void record(struct world *w, const struct flight *f)
{
	struct flight **place = &w->recorded[below(w, RECORDED)];

	free(*place);
	*place = flight_new(0, f->to, &f->from, f->bytes, f->len);
}

static void carry(struct world *w, unsigned link, unsigned from, unsigned to, const uint8_t *bytes,
		  size_t len)
{
	struct sync_path path = {
		.link = link, .address = address_of(from), .port = SYNC_FRAME_VERSION};
	unsigned copies = 1 + chance(w, w->dup);

	if (to >= w->n || to == from || w->cut[link][from][to])
		return;
	while (copies--) {
		struct flight *f;
		int64_t delay_us = 50 + below(w, 100);

		if (chance(w, w->loss))
			continue;
		if (chance(w, w->late))
			delay_us += below(w, 8000);
		f = flight_new(w->now_us + delay_us, to, &path, bytes, len);
		heap_push(w, f);
		if (w->enemy && chance(w, 10))
			record(w, f);
	}
}

static void carry_to_peers(struct world *w, unsigned from, uint32_t peers, const uint8_t *bytes,
			   size_t len)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++) {
		const struct sync_path *paths;
		unsigned n;

		if (!(peers >> i & 1))
			continue;
		paths = sync_session_paths(w->nodes[from].session, i, &n);
		for (unsigned j = 0; j < n; j++)
			carry(w, paths[j].link, from, paths[j].address.b[3], bytes, len);
	}
}

static void carry_to_all(struct world *w, unsigned from, const uint8_t *bytes, size_t len)
{
	for (unsigned link = 0; link < w->n_links; link++)
		for (unsigned to = 0; to < w->n; to++)
			carry(w, link, from, to, bytes, len);
}

static void send_one(struct world *w, unsigned from, const struct sync_dest *dest,
		     const uint8_t *bytes, size_t len)
{
	bool one = !(dest->peers & (dest->peers - 1));

	switch (dest->kind) {
	case SYNC_DEST_ALL:
		carry_to_all(w, from, bytes, len);
		break;
	case SYNC_DEST_PATH:
		carry(w, dest->path.link, from, dest->path.address.b[3], bytes, len);
		break;
	case SYNC_DEST_PEERS:
		if (w->multicast && !one)
			carry_to_all(w, from, bytes, len);
		else
			carry_to_peers(w, from, dest->peers, bytes, len);
		break;
	}
}

static void send_all(struct world *w, unsigned from)
{
	struct node *node = &w->nodes[from];
	static uint8_t bytes[SYNC_FRAME_MAX];
	struct sync_dest dest;
	unsigned frames;
	size_t len;

	for (frames = 0; frames < FRAMES_A_GO; frames++) {
		len = sync_session_emit(node->session, w->now_us, bytes, &dest);
		if (!len)
			break;
		send_one(w, from, &dest, bytes, len);
	}
	node->wake_us = sync_session_deadline(node->session, w->now_us);
	if (node->wake_us <= w->now_us && frames < FRAMES_A_GO)
		fail(w, "node %u is due at once and has nothing to send", from);
	if (node->wake_us <= w->now_us)
		node->wake_us = w->now_us + 20;
}

/* Records carry key and serial in client and server address. */
static size_t make_record(unsigned key, uint32_t serial, uint8_t *bytes)
{
	struct sync_record r = {
		.protocol = IPPROTO_TCP,
		.state = 1,
		.flags = key % 3 ? 0 : SYNC_FLAG_INACTIVE,
		.timeout_s = TIMEOUT_S,
		.client = addr_from_bytes(AF_INET, &key),
		.vip = address_of(200),
		.server = addr_from_bytes(AF_INET, &serial),
		.client_port = 1024,
		.vip_port = 80,
		.server_port = 80,
	};

	return sync_record_encode(&r, bytes);
}

static void read_record(const uint8_t *bytes, unsigned *ret_key, uint32_t *ret_serial)
{
	struct sync_record r;

	sync_record_decode(bytes, &r);
	memcpy(ret_key, r.client.b, sizeof(*ret_key));
	memcpy(ret_serial, r.server.b, sizeof(*ret_serial));
}

/* As the way into the kernel does: what is new in the table, in order. */
static void follow_kernel(struct world *w, unsigned i)
{
	struct node *n = &w->nodes[i];
	struct sync_entry *e;

	while ((e = sync_cursor_peek(&n->table, &n->kernel))) {
		uint32_t serial;
		unsigned key;

		sync_cursor_pass(&n->kernel, e);
		if (sync_record_is_note(e->record))
			continue;
		read_record(e->record, &key, &serial);
		if (serial < n->seen[key] && !w->torn)
			fail(w, "node %u: key %u went back from %u to %u", i, key, n->seen[key],
			     serial);
		n->seen[key] = serial;
	}
}

static void on_note(struct node *n, const struct sync_event *event)
{
	uint32_t *known = &n->noted[event->node - 1], value;

	if (event->note.len != sizeof(value)) {
		fail(n->world, "node %u: a note of %zu bytes", n->index, event->note.len);
		return;
	}
	memcpy(&value, event->note.value, sizeof(value));
	if (value < *known)
		fail(n->world, "node %u: a note went back from %u to %u", n->index, *known, value);
	*known = value;
}

static void on_event(void *ctx, const struct sync_event *event)
{
	struct node *n = ctx;

	if (event->kind == SYNC_EVENT_NOTE)
		on_note(n, event);
	if (event->kind == SYNC_EVENT_RESTARTED) /* until then its former life's frames still arrive */
		n->noted[event->node - 1] = 0;
	if (event->kind == SYNC_EVENT_FOLLOWED)
		n->follower_life[event->node - 1] = n->world->nodes[event->node - 1].life;
	if (event->kind != SYNC_EVENT_NOTE && event->kind != SYNC_EVENT_FOREIGN_KEY)
		say(n->world, "node %u: %s %llu", n->index, sync_event_name(event->kind),
		    (unsigned long long)event->node - 1);
}

static void on_random(void *ctx, void *bytes, size_t len)
{
	struct world *w = ((struct node *)ctx)->world;

	for (size_t i = 0; i < len; i++)
		((uint8_t *)bytes)[i] = (uint8_t)draw(w);
}

static const struct sync_session_ops ops = {.event = on_event, .random = on_random};

static void node_start(struct world *w, unsigned i)
{
	struct node *n = &w->nodes[i];
	struct addr vip = address_of(200);

	n->conf = (struct sync_conf){
		.node = i + 1,
		.expected = w->n - 1,
		.n_psk = 1,
		.suite = SYNC_SUITE_AES_256_GCM,
		.frame_max = SYNC_FRAME_MIN,
		.heartbeat_us = 100 * USEC_PER_MSEC,
		.batch_us = USEC_PER_MSEC,
	};
	n->world = w;
	n->index = i;
	n->life++;
	memset(n->seen, 0, sizeof(n->seen));
	memset(n->noted, 0, sizeof(n->noted));
	memset(n->follower_life, 0, sizeof(n->follower_life));
	sync_table_init(&n->table, draw(w), draw(w), 2 * KEYS);
	sync_cursor_open(&n->table, &n->kernel);
	sync_roles_init(&n->roles);
	sync_roles_set(&n->roles, &vip, i == w->active);
	n->session = sync_session_new(&n->conf, &n->table, &n->roles, &ops, n, w->now_us);
	if (i == w->active)
		sync_session_take_over(n->session);
	n->wake_us = w->now_us;
}

static void node_stop(struct world *w, unsigned i)
{
	struct node *n = &w->nodes[i];

	sync_session_free(n->session);
	sync_cursor_close(&n->table, &n->kernel);
	sync_table_done(&n->table);
	sync_roles_done(&n->roles);
}

/* What a node has acknowledged it must keep. */
static void learn_acknowledged(struct world *w, unsigned writer)
{
	struct node *n = &w->nodes[writer];

	for (unsigned i = 0; i < sync_session_peers(n->session); i++) {
		struct sync_peer_state p;
		unsigned to;

		sync_session_peer(n->session, i, w->now_us, &p);
		to = (unsigned)p.node - 1;
		if (!p.node || !p.followed || to == w->active)
			continue;
		for (unsigned k = 0; k < KEYS; k++) {
			struct truth *t = &w->truth[k];

			if (t->serial && t->writer == writer && t->life == n->life &&
			    t->version <= p.acked && n->follower_life[to] == w->nodes[to].life) {
				t->sure[to] = t->serial;
				t->sure_life[to] = w->nodes[to].life;
			}
		}
	}
}

static void write_keys(struct world *w, unsigned n)
{
	struct node *node = &w->nodes[w->active];

	while (n--) {
		uint8_t bytes[SYNC_RECORD_MAX];
		unsigned key = below(w, KEYS);
		struct truth *t = &w->truth[key];
		uint64_t before;
		size_t len = make_record(key, ++w->serial, bytes);

		before = node->table.version;
		sync_session_put(node->session, w->now_us, bytes, len);
		/* For a moment after two histories have met, it may know better. */
		if (node->table.version == before && w->torn)
			continue;
		t->serial = w->serial;
		t->writer = w->active;
		t->life = node->life;
		t->version = node->table.version;
	}
	follow_kernel(w, w->active);
	node->wake_us = w->now_us;
}

static void write_note(struct world *w)
{
	unsigned i = below(w, w->n);
	struct sync_note note = {.topic = 1, .id = 7, .len = sizeof(w->note[i])};

	w->note[i]++;
	note.value = (const uint8_t *)&w->note[i];
	sync_note_put(&w->nodes[i].table, &note, (uint32_t)(w->now_us / USEC_PER_SEC));
	w->nodes[i].wake_us = w->now_us;
}

static bool follows(struct world *w, unsigned a, unsigned b)
{
	struct node *n = &w->nodes[a];

	for (unsigned i = 0; i < sync_session_peers(n->session); i++) {
		struct sync_peer_state p;

		sync_session_peer(n->session, i, w->now_us, &p);
		if (p.node == b + 1)
			return p.synced && p.followed &&
			       w->now_us - p.heard_us < 200 * USEC_PER_MSEC;
	}
	return false;
}

/* Really: what an enemy has held back can make a peer look alive that is not. */
static bool are_together(struct world *w, unsigned a, unsigned b)
{
	for (unsigned link = 0; link < w->n_links; link++)
		if (w->cut[link][a][b] || w->cut[link][b][a])
			return false;
	return w->now_us - w->cut_us > 300 * USEC_PER_MSEC && follows(w, a, b) && follows(w, b, a);
}

static void set_active(struct world *w, unsigned to)
{
	struct addr vip = address_of(200);

	if (to == w->active)
		return;
	if (!are_together(w, to, w->active)) {
		if (!w->wild)
			return;
		w->torn = true;
	}
	learn_acknowledged(w, w->active);
	say(w, "node %u is Active instead of %u", to, w->active);
	sync_roles_set(&w->nodes[to].roles, &vip, true);
	/* Both believe to be it for a while. */
	w->settle_us = w->now_us + below(w, 400) * USEC_PER_MSEC;
	w->active = to;
	w->reign = w->serial;
	sync_session_take_over(w->nodes[to].session);
}

static void settle_roles(struct world *w)
{
	struct addr vip = address_of(200);

	for (unsigned i = 0; i < w->n; i++)
		sync_roles_set(&w->nodes[i].roles, &vip, i == w->active);
}

/* A director dies and comes back with nothing; if it was Active, another takes over. */
static void crash(struct world *w, unsigned i)
{
	if (i == w->active)
		set_active(w, (i + 1) % w->n);
	if (i == w->active)
		return;
	say(w, "node %u dies", i);
	node_stop(w, i);
	node_start(w, i);
	w->note[i] = 0;
}

static void enemy_acts(struct world *w)
{
	struct flight *f = w->recorded[below(w, RECORDED)];
	struct sync_path from = {.address = address_of(99), .port = 1};
	unsigned to = below(w, w->n);

	if (!f)
		return;
	f = flight_new(w->now_us, to, chance(w, 50) ? &f->from : &from, f->bytes, f->len);
	if (chance(w, 40))
		f->bytes[below(w, (unsigned)f->len)] ^= (uint8_t)(1 + below(w, 255));
	if (chance(w, 10))
		f->len = below(w, (unsigned)f->len);
	heap_push(w, f);
}

static void cut_or_heal(struct world *w)
{
	unsigned link = below(w, w->n_links), a = below(w, w->n), b = below(w, w->n);

	w->cut[link][a][b] = !w->cut[link][a][b];
	w->cut_us = w->now_us;
	say(w, "link %u from %u to %u is %s", link, a, b, w->cut[link][a][b] ? "cut" : "whole");
}

/* One thing that happens to the world. */
static void happen(struct world *w)
{
	if (w->now_us >= w->settle_us)
		settle_roles(w);
	switch (below(w, 24)) {
	case 0:
		w->loss = chance(w, 50) ? below(w, 40) : 0;
		say(w, "loss %u %%", w->loss);
		break;
	case 1:
		cut_or_heal(w);
		break;
	case 2:
		set_active(w, below(w, w->n));
		break;
	case 3:
		if (chance(w, 40))
			crash(w, below(w, w->n));
		break;
	case 4:
	case 5:
		write_keys(w, 1 + below(w, 200));
		break;
	case 6:
		write_note(w);
		break;
	default:
		write_keys(w, 1 + below(w, 4));
	}
}

static void deliver(struct world *w, struct flight *f)
{
	struct node *n = &w->nodes[f->to];

	sync_session_receive(n->session, w->now_us, &f->from, f->bytes, f->len);
	follow_kernel(w, f->to);
	n->wake_us = w->now_us;
	free(f);
}

static int64_t next_us(const struct world *w, int64_t until_us)
{
	if (w->n_heap && w->heap[0]->at_us < until_us)
		until_us = w->heap[0]->at_us;
	for (unsigned i = 0; i < w->n; i++)
		if (w->nodes[i].wake_us < until_us)
			until_us = w->nodes[i].wake_us;
	return until_us;
}

static void run_until(struct world *w, int64_t until_us)
{
	while (w->now_us < until_us && !w->bad) {
		int64_t at_us = next_us(w, until_us);

		w->now_us = at_us > w->now_us ? at_us : w->now_us;
		while (w->n_heap && w->heap[0]->at_us <= w->now_us)
			deliver(w, heap_pop(w));
		for (unsigned i = 0; i < w->n; i++)
			if (w->nodes[i].wake_us <= w->now_us)
				send_all(w, i);
	}
}

static void check_peers(struct world *w, unsigned i)
{
	struct node *n = &w->nodes[i];

	for (unsigned j = 0; j < sync_session_peers(n->session); j++) {
		struct sync_peer_state p;

		sync_session_peer(n->session, j, w->now_us, &p);
		if (!p.following || !p.synced)
			fail(w, "node %u does not follow %llu", i, (unsigned long long)p.node - 1);
		if (!p.followed || !p.told_synced || p.lag)
			fail(w, "node %u is not followed by %llu, lag %llu", i,
			     (unsigned long long)p.node - 1, (unsigned long long)p.lag);
		if (n->noted[p.node - 1] != w->note[p.node - 1])
			fail(w, "node %u has not the note of %llu", i,
			     (unsigned long long)p.node - 1);
	}
	if (!sync_session_is_synced(n->session))
		fail(w, "node %u is not synced", i);
	if (!w->enemy && (n->session ? sync_session_counters(n->session)->auth_failed : 0))
		fail(w, "node %u failed to authenticate a friend", i);
}

static void check_key(struct world *w, unsigned i, unsigned key)
{
	const struct truth *t = &w->truth[key];
	bool writer_lives = w->nodes[t->writer].life == t->life;
	const struct sync_entry *e;
	uint8_t bytes[SYNC_RECORD_MAX];
	uint32_t serial = 0;

	make_record(key, 0, bytes);
	e = sync_table_find(&w->nodes[i].table, bytes);
	if (e)
		read_record(e->record, &key, &serial);
	if (t->serial > w->reign && serial != t->serial)
		fail(w, "node %u has key %u at %u, written as %u", i, key, serial, t->serial);
	if (writer_lives && !e)
		fail(w, "node %u lacks key %u", i, key);
	if (!w->torn && t->sure_life[i] == w->nodes[i].life && serial < t->sure[i])
		fail(w, "node %u has key %u at %u, acknowledged %u", i, key, serial, t->sure[i]);
}

/* What one knows, all know. */
static void check_alike(struct world *w, unsigned key)
{
	uint8_t bytes[SYNC_RECORD_MAX];
	unsigned has[NODES] = {0}, any = 0;

	make_record(key, 0, bytes);
	for (unsigned i = 0; i < w->n; i++) {
		has[i] = sync_table_find(&w->nodes[i].table, bytes) != NULL;
		any |= has[i];
	}
	for (unsigned i = 0; i < w->n; i++)
		if (any && !has[i])
			fail(w, "node %u lacks key %u, which another has", i, key);
}

static void check(struct world *w)
{
	learn_acknowledged(w, w->active);
	for (unsigned i = 0; i < w->n; i++) {
		check_peers(w, i);
		for (unsigned key = 0; key < KEYS; key++)
			if (w->truth[key].serial)
				check_key(w, i, key);
	}
	for (unsigned key = 0; key < KEYS; key++)
		check_alike(w, key);
}

static void world_done(struct world *w)
{
	for (unsigned i = 0; i < w->n; i++)
		node_stop(w, i);
	while (w->n_heap)
		free(w->heap[--w->n_heap]);
	free(w->heap);
	for (unsigned i = 0; i < RECORDED; i++)
		free(w->recorded[i]);
}

static bool run_seed(uint64_t seed, bool trace)
{
	static struct world world;
	struct world *w = &world;

	*w = (struct world){.seed = seed, .random = seed, .trace = trace};
	w->now_us = below(w, 2) ? USEC_PER_SEC : 0;
	w->n = chance(w, 30) ? 3 + below(w, 2) : 2;
	w->n_links = 1 + chance(w, 30);
	w->multicast = chance(w, 50);
	w->enemy = chance(w, 30);
	w->wild = chance(w, 30);
	w->dup = chance(w, 30) ? 10 : 0;
	w->late = chance(w, 50) ? 10 : 0;
	w->loss = chance(w, 50) ? 20 : 0;
	for (unsigned i = 0; i < w->n; i++)
		node_start(w, i);
	for (int64_t end_us = w->now_us + FAULTS_US; w->now_us < end_us && !w->bad;) {
		run_until(w, w->now_us + below(w, 100000));
		happen(w);
		if (w->enemy)
			enemy_acts(w);
	}
	say(w, "the faults end");
	w->loss = 0;
	memset(w->cut, 0, sizeof(w->cut));
	settle_roles(w);
	run_until(w, w->now_us + CONVERGE_US);
	write_keys(w, 5);
	run_until(w, w->now_us + USEC_PER_SEC);
	if (!w->bad)
		check(w);
	world_done(w);
	return !w->bad;
}

int main(int argc, char **argv)
{
	unsigned long long seeds = 500, first = 1;
	bool trace = false;
	unsigned failed = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--trace")) {
			trace = true;
		} else if (!strcmp(argv[i], "--seeds") && i + 1 < argc) {
			seeds = strtoull(argv[++i], NULL, 0);
		} else if (!strcmp(argv[i], "--seed") && i + 1 < argc) {
			first = strtoull(argv[++i], NULL, 0);
			seeds = 1;
		} else {
			fprintf(stderr, "usage: sync_sim [--seeds N] [--seed S [--trace]]\n");
			return 2;
		}
	}
	for (unsigned long long seed = first; seed < first + seeds; seed++)
		failed += !run_seed(seed, trace);
	printf("%sok 1 - sync: %llu seeds, %u failed\n1..1\n", failed ? "not " : "", seeds, failed);
	return failed ? 1 : 0;
}
