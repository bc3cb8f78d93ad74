/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two to four directors' sync sessions on a virtual segment, in virtual time: loss, reordering,
 * duplication, one-way links, restarts, changes of the Active of one to three virtual addresses, a
 * director that is cut off and believes to be it for all, and an enemy that records, repeats and
 * damages frames. A model knows what was written and what its writer saw acknowledged. After the
 * faults have ended everybody must agree with the model, and the copying comes to rest.
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
#define VIPS	    3
#define KEYS	    300
#define LINKS	    2
#define RECORDED    64
#define FAULTS_US   (12 * USEC_PER_SEC)
#define CONVERGE_US (8 * USEC_PER_SEC)
#define CALM_US	    (2 * USEC_PER_SEC)	/* after faults; till then they are noticed */
#define INSIST_US   (16 * USEC_PER_SEC) /* the longest that term.c waits to do so */
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

/* A virtual address. */
struct service {
	unsigned active;
	uint32_t reign;	   /* serial at which it began */
	int64_t settle_us; /* only one believes to be Active; USEC_NEVER: so it is, or nobody tells
			      them */
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
	unsigned n_vips;
	struct service services[VIPS];
	int64_t cut_us;	 /* a link was cut or healed */
	int64_t calm_us; /* no faults any more, and from here on nobody takes another for silent */
	bool split;	 /* `apart` hears nobody, and believes to be Active for all */
	unsigned apart;
	uint32_t serial;
	uint32_t note[NODES];
	struct truth truth[KEYS];
	unsigned loss, dup, late; /* percent */
	bool cut[LINKS][NODES][NODES];
	struct flight **heap;
	size_t n_heap, cap_heap;
	struct flight *recorded[RECORDED];
	bool enemy;
	bool mortal; /* directors die, and with one what it alone knew */
	bool wild;   /* the Active changes while the channel is broken, and a director is cut off */
	bool torn;   /* and that has happened: two histories */
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

static unsigned vip_of(const struct world *w, unsigned key)
{
	return key / 3 % w->n_vips;
}

static struct addr vip_address(unsigned vip)
{
	return address_of(200 + vip);
}

/* Records carry key and serial in client and server address. */
static size_t make_record(const struct world *w, unsigned key, uint32_t serial, uint8_t *bytes)
{
	struct sync_record r = {
		.protocol = IPPROTO_TCP,
		.state = 1,
		.flags = key % 3 ? 0 : SYNC_FLAG_INACTIVE,
		.timeout_s = TIMEOUT_S,
		.client = addr_from_bytes(AF_INET, &key),
		.vip = vip_address(vip_of(w, key)),
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
	if (event->kind ==
	    SYNC_EVENT_RESTARTED) /* until then its former life's frames still arrive */
		n->noted[event->node - 1] = 0;
	if (event->kind == SYNC_EVENT_SILENT && n->world->now_us >= n->world->calm_us)
		fail(n->world, "node %u takes %llu for silent", n->index,
		     (unsigned long long)event->node - 1);
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

static void session_start(struct world *w, unsigned i)
{
	struct node *n = &w->nodes[i];

	memset(n->noted, 0, sizeof(n->noted));
	n->session = sync_session_new(&n->conf, &n->table, &n->roles, &ops, n, w->now_us);
	if (sync_roles_has_active(&n->roles))
		sync_session_take_over(n->session);
	n->wake_us = w->now_us;
}

static bool believes(const struct world *w, unsigned i, unsigned vip)
{
	struct addr address = vip_address(vip);

	return sync_roles_is_active(&w->nodes[i].roles, &address);
}

static void believe(struct world *w, unsigned i, unsigned vip, bool active)
{
	struct addr address = vip_address(vip);

	sync_roles_set(&w->nodes[i].roles, &address, active);
}

static void node_start(struct world *w, unsigned i)
{
	struct node *n = &w->nodes[i];

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
	memset(n->follower_life, 0, sizeof(n->follower_life));
	sync_table_init(&n->table, draw(w), draw(w), 2 * KEYS);
	sync_cursor_open(&n->table, &n->kernel);
	sync_roles_init(&n->roles);
	for (unsigned v = 0; v < w->n_vips; v++)
		believe(w, i, v, i == w->services[v].active);
	session_start(w, i);
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
		if (!p.node || !p.followed)
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

/* Who believes to be Active without being it does as if. */
static unsigned writer_of(struct world *w, unsigned vip)
{
	unsigned i = below(w, w->n);

	return w->torn && believes(w, i, vip) ? i : w->services[vip].active;
}

static void write_key(struct world *w, unsigned key)
{
	unsigned writer = writer_of(w, vip_of(w, key));
	struct node *node = &w->nodes[writer];
	struct truth *t = &w->truth[key];
	uint64_t before = node->table.version;
	uint8_t bytes[SYNC_RECORD_MAX];
	size_t len = make_record(w, key, ++w->serial, bytes);

	sync_session_put(node->session, w->now_us, bytes, len);
	/* For a moment after two histories have met, it may know better. */
	if (node->table.version == before && w->torn)
		return;
	t->serial = w->serial;
	t->writer = writer;
	t->life = node->life;
	t->version = node->table.version;
	follow_kernel(w, writer);
	node->wake_us = w->now_us;
}

static void write_keys(struct world *w, unsigned n)
{
	while (n--)
		write_key(w, below(w, KEYS));
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

static unsigned all_vips(const struct world *w)
{
	return (1u << w->n_vips) - 1;
}

/* The addresses (bits) that it is Active for. */
static unsigned vips_of(const struct world *w, unsigned i)
{
	unsigned vips = 0;

	for (unsigned v = 0; v < w->n_vips; v++)
		vips |= (unsigned)(w->services[v].active == i) << v;
	return vips;
}

/* Without a word of those that were. */
static void take_over(struct world *w, unsigned i, unsigned vips)
{
	say(w, "node %u becomes Active for %#x, and is for %#x", i, vips, vips_of(w, i));
	for (unsigned v = 0; v < w->n_vips; v++)
		if (vips >> v & 1)
			believe(w, i, v, true);
	sync_session_take_over(w->nodes[i].session);
}

static bool may_follow(struct world *w, unsigned to, unsigned vip)
{
	unsigned from = w->services[vip].active;

	if (to == from)
		return false;
	if (are_together(w, to, from))
		return true;
	w->torn |= w->wild;
	return w->wild;
}

static void set_active(struct world *w, unsigned vips, unsigned to)
{
	unsigned gained = 0;

	for (unsigned v = 0; v < w->n_vips; v++) {
		struct service *s = &w->services[v];

		if (!(vips >> v & 1) || !may_follow(w, to, v))
			continue;
		learn_acknowledged(w, s->active);
		/* Both believe to be it for a while. */
		s->settle_us = w->now_us + below(w, w->torn ? 4000 : 400) * USEC_PER_MSEC;
		s->active = to;
		s->reign = w->serial;
		gained |= 1u << v;
	}
	if (gained)
		take_over(w, to, gained);
}

static void settle(struct world *w, unsigned vip)
{
	struct service *s = &w->services[vip];

	say(w, "only node %u is Active for %#x", s->active, 1u << vip);
	for (unsigned i = 0; i < w->n; i++)
		believe(w, i, vip, i == s->active);
	if (w->torn)
		s->reign = w->serial;
	s->settle_us = USEC_NEVER;
}

static void cut_off(struct world *w, unsigned i, bool cut)
{
	for (unsigned link = 0; link < w->n_links; link++)
		for (unsigned other = 0; other < w->n; other++)
			w->cut[link][i][other] = w->cut[link][other][i] = cut;
	w->cut_us = w->now_us;
}

/* One hears nobody, and is Active for all; so are the others. */
static void split(struct world *w)
{
	unsigned i = below(w, w->n), heir = (i + 1) % w->n;

	say(w, "node %u is cut off", i);
	w->split = w->torn = true;
	w->apart = i;
	cut_off(w, i, true);
	set_active(w, vips_of(w, i), heir);
	take_over(w, i, all_vips(w));
	for (unsigned v = 0; v < w->n_vips; v++)
		w->services[v].settle_us = USEC_NEVER;
}

/* Each address stays with one of the two. */
static void reunite(struct world *w)
{
	say(w, "node %u is back", w->apart);
	w->split = false;
	cut_off(w, w->apart, false);
	for (unsigned v = 0; v < w->n_vips; v++) {
		struct service *s = &w->services[v];

		if (chance(w, 50))
			s->active = w->apart;
		s->settle_us = w->now_us + below(w, 4000) * USEC_PER_MSEC;
	}
}

/* A director dies and comes back with nothing; if it was Active, another takes over. */
static void crash(struct world *w, unsigned i)
{
	set_active(w, vips_of(w, i), (i + 1) % w->n);
	if (vips_of(w, i) || (w->split && i == w->apart))
		return;
	say(w, "node %u dies", i);
	node_stop(w, i);
	node_start(w, i);
	w->note[i] = 0;
}

/* It has other paths now. */
static void reopen(struct world *w, unsigned i)
{
	say(w, "node %u begins a new session", i);
	sync_session_free(w->nodes[i].session);
	session_start(w, i);
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
	for (unsigned v = 0; v < w->n_vips; v++)
		if (w->now_us >= w->services[v].settle_us)
			settle(w, v);
	switch (below(w, 24)) {
	case 0:
		w->loss = chance(w, 50) ? below(w, 40) : 0;
		say(w, "loss %u %%", w->loss);
		break;
	case 1:
		cut_or_heal(w);
		break;
	case 2:
		if (!w->split)
			set_active(w, 1 + below(w, all_vips(w)), below(w, w->n));
		break;
	case 3:
		if (w->mortal && chance(w, 40))
			crash(w, below(w, w->n));
		else if (chance(w, 30))
			reopen(w, below(w, w->n));
		else if (w->split)
			reunite(w);
		else if (w->wild && chance(w, 30))
			split(w);
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

	make_record(w, key, 0, bytes);
	e = sync_table_find(&w->nodes[i].table, bytes);
	if (e)
		read_record(e->record, &key, &serial);
	if (t->serial > w->services[vip_of(w, key)].reign && serial != t->serial)
		fail(w, "node %u has key %u at %u, written as %u", i, key, serial, t->serial);
	if (writer_lives && !e)
		fail(w, "node %u lacks key %u", i, key);
	if (!w->torn && t->sure_life[i] == w->nodes[i].life && serial < t->sure[i])
		fail(w, "node %u has key %u at %u, acknowledged %u", i, key, serial, t->sure[i]);
}

/* What one knows, all know; and in the same state, unless its writer has told that to some alone.
 */
static void check_alike(struct world *w, unsigned key)
{
	uint32_t serials[NODES] = {0}, newest = 0;
	uint8_t bytes[SYNC_RECORD_MAX];

	make_record(w, key, 0, bytes);
	for (unsigned i = 0; i < w->n; i++) {
		const struct sync_entry *e = sync_table_find(&w->nodes[i].table, bytes);

		if (e)
			read_record(e->record, &key, &serials[i]);
		if (serials[i] > newest)
			newest = serials[i];
	}
	for (unsigned i = 0; i < w->n; i++)
		if (w->mortal ? !serials[i] != !newest : serials[i] != newest)
			fail(w, "node %u has key %u at %u, and another at %u", i, key, serials[i],
			     newest);
}

static void check(struct world *w)
{
	for (unsigned i = 0; i < w->n; i++)
		learn_acknowledged(w, i);
	for (unsigned i = 0; i < w->n; i++) {
		check_peers(w, i);
		for (unsigned key = 0; key < KEYS; key++)
			if (w->truth[key].serial)
				check_key(w, i, key);
	}
	for (unsigned key = 0; key < KEYS; key++)
		check_alike(w, key);
}

/* In which all should have been said. */
static int64_t patience_us(const struct world *w)
{
	return CONVERGE_US + (w->torn ? INSIST_US : 0);
}

/* All is said: nobody has anything to tell any more, nor insists on anything. */
static void check_rest(struct world *w)
{
	uint64_t versions[NODES], records[NODES];

	for (unsigned i = 0; i < w->n; i++) {
		check_peers(w, i);
		versions[i] = w->nodes[i].table.version;
		records[i] = sync_session_counters(w->nodes[i].session)->records_out;
	}
	run_until(w, w->now_us + patience_us(w));
	for (unsigned i = 0; i < w->n; i++) {
		struct node *n = &w->nodes[i];

		if (n->table.version != versions[i])
			fail(w, "node %u has gone on to change its log", i);
		if (sync_session_counters(n->session)->records_out != records[i])
			fail(w, "node %u has gone on to send records", i);
	}
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
	w->calm_us = USEC_NEVER;
	w->n = chance(w, 30) ? 3 + below(w, 2) : 2;
	w->n_links = 1 + chance(w, 30);
	w->multicast = chance(w, 50);
	w->enemy = chance(w, 30);
	w->mortal = chance(w, 70);
	w->wild = chance(w, 30);
	w->dup = chance(w, 30) ? 10 : 0;
	w->late = chance(w, 50) ? 10 : 0;
	w->loss = chance(w, 50) ? 20 : 0;
	w->n_vips = 1 + below(w, VIPS);
	for (unsigned v = 0; v < w->n_vips; v++)
		w->services[v] = (struct service){.active = v % w->n, .settle_us = USEC_NEVER};
	for (unsigned i = 0; i < w->n; i++)
		node_start(w, i);
	for (int64_t end_us = w->now_us + FAULTS_US; w->now_us < end_us && !w->bad;) {
		run_until(w, w->now_us + below(w, 100000));
		happen(w);
		if (w->enemy)
			enemy_acts(w);
	}
	say(w, "the faults end");
	if (w->split)
		reunite(w);
	w->loss = 0;
	memset(w->cut, 0, sizeof(w->cut));
	w->calm_us = w->now_us + CALM_US;
	for (unsigned v = 0; v < w->n_vips; v++)
		settle(w, v);
	run_until(w, w->now_us + patience_us(w));
	if (!w->bad)
		check_rest(w);
	write_keys(w, 5);
	run_until(w, w->now_us + USEC_PER_SEC);
	if (!w->bad)
		check(w);
	world_done(w);
	return !w->bad;
}

int main(int argc, char **argv)
{
	unsigned long long seeds = 250, first = 1;
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
