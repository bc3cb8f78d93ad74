/* SPDX-License-Identifier: Apache-2.0 */
/* sync: the block, and what it needs of the kernel. */
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"
#include "core/config/secret.h"

#define PORT_DEFAULT	8849
#define WAIT_DEFAULT_US 30000000
#define CONNECTIONS_DEFAULT 4000000
#define DETECT_MIN_US	5000
#define DETECT_MAX_US	1000000
#define PEERS_MAX	16
/* A million connections in datagrams of four, of 256 bytes each in the kernel's memory. */
#define QUEUE_DATAGRAMS "262144"
#define SOCKET_BYTES	"8388608"
#define BACKLOG_PACKETS "20000"
#define PATHS_MAX	4

/* Never routed, and not left out by switches that look at who has joined what. */
static const struct addr group4 = {.family = AF_INET, .b = {224, 0, 0, 86}};
static const struct addr group6 = {.family = AF_INET6, .b = {0xff, 2, [15] = 0x86}};

void set_sync_interface(struct checker *c, void *draft, const struct ast_node *n)
{
	value_ifname(c, &n->word[1], &((struct sync_path_conf *)draft)->ifname);
}

void set_sync_address(struct checker *c, void *draft, const struct ast_node *n)
{
	value_addr(c, &n->word[1], &((struct sync_path_conf *)draft)->address);
}

void set_sync_path_group(struct checker *c, void *draft, const struct ast_node *n)
{
	struct addr group;

	if (!value_addr(c, &n->word[1], &group))
		return;
	if (addr_is_multicast(&group))
		((struct sync_path_conf *)draft)->group = group;
	else
		check_error(c, &n->word[1].loc, "%s is not a multicast address", n->word[1].s);
}

void set_sync_peer(struct checker *c, void *draft, const struct ast_node *n)
{
	struct sync_path_conf *path = draft;
	struct sync_peer p;

	if (!value_addr(c, &n->word[1], &p.address))
		return;
	for (uint32_t i = 0; i < path->n_peers; i++) {
		if (addr_equal(&path->peers[i].address, &p.address)) {
			check_warn(c, &n->word[1].loc, "peer %s is there already", n->word[1].s);
			return;
		}
	}
	if (path->n_peers == PEERS_MAX) {
		check_error(c, &n->word[1].loc, "there are at most %u peers", PEERS_MAX);
		return;
	}
	path->peers = check_extend(c, path->peers, path->n_peers, 1, sizeof(p));
	path->peers[path->n_peers++] = p;
}

/* `kernel-multicast` is a peer with no address: see check_kernel_peer.c. */
void set_sync_any_peer(struct checker *c, void *draft, const struct ast_node *n)
{
	struct sync_block *b = &((struct peering_draft *)draft)->b;

	if (!strcmp(n->word[1].s, "kernel-multicast")) {
		check_kernel_peer(c, b, n);
		return;
	}
	if (n->n_words > 2)
		check_warn(c, &n->word[2].loc, "after a peer's address nothing follows; it is left out");
	set_sync_peer(c, &((struct peering_draft *)draft)->first, n);
}

/* What is named is read later, by the supervisor: see core/secrets.h. */
static void set_key(struct checker *c, const struct ast_word *w, const char **ret_key,
		    const char **ret_secret)
{
	const char *why = "", *secret = "";

	if (!strncmp(w->s, "hex:", 4))
		secret = secret_key(c->arena, w->s, &why);
	else if (strncmp(w->s, "file:/", 6) != 0 &&
		 (strncmp(w->s, "credential:", 11) != 0 || !w->s[11] || strchr(w->s, '/')))
		secret = NULL;
	if (!secret) {
		check_error(c, &w->loc, "%s",
			    *why ? why
				 : "a key is file:/PATH, credential:NAME, or hex: and 64 to 128 digits");
		return;
	}
	*ret_key = value_string(c, w);
	*ret_secret = secret;
}

void set_sync_key(struct checker *c, void *draft, const struct ast_node *n)
{
	struct sync_block *b = &((struct peering_draft *)draft)->b;

	((struct peering_draft *)draft)->is_key_said = true;
	set_key(c, &n->word[1], &b->key, &b->secret);
}

void set_sync_key_next(struct checker *c, void *draft, const struct ast_node *n)
{
	struct sync_block *b = &((struct peering_draft *)draft)->b;

	set_key(c, &n->word[1], &b->key_next, &b->secret_next);
}

/* "5ms" or "0.005". */
void set_sync_peer_detect(struct checker *c, void *draft, const struct ast_node *n)
{
	value_short_time(c, &n->word[1], DETECT_MIN_US, DETECT_MAX_US,
			 &((struct peering_draft *)draft)->b.detect_us);
}

static bool is_unicast_whole(struct checker *c, const struct ast_loc *loc,
			     const struct sync_path_conf *p)
{
	char ours[ADDR_TEXT_MAX], theirs[ADDR_TEXT_MAX];
	size_t errors = c->diags->n_errors;

	if (!addr_is_set(&p->address))
		check_error(c, loc, "peers need `address`: this director's own, on the way to them");
	if (addr_is_set(&p->group))
		check_error(c, loc, "there are peers and a group: a path is one or the other");
	addr_format(&p->address, ours);
	for (uint32_t i = 0; i < p->n_peers && addr_is_set(&p->address); i++) {
		addr_format(&p->peers[i].address, theirs);
		if (p->peers[i].address.family != p->address.family)
			check_error(c, loc, "address %s and peer %s are of different families", ours,
				    theirs);
		else if (addr_equal(&p->peers[i].address, &p->address))
			check_error(c, loc,
				    "%s is this director's address and a peer's: a peer is another one",
				    ours);
	}
	return c->diags->n_errors == errors;
}

/* What a path of multicast leaves open is filled in. */
static bool is_multicast_whole(struct checker *c, const struct ast_loc *loc, struct sync_path_conf *p)
{
	char ours[ADDR_TEXT_MAX], group[ADDR_TEXT_MAX];

	if (!p->ifname[0]) {
		check_error(c, loc, "no way to the peers: `interface` for multicast, or `address` and a `peer`");
		return false;
	}
	if (!addr_is_set(&p->group))
		p->group = p->address.family == AF_INET6 ? group6 : group4;
	if (addr_is_set(&p->address) && p->address.family != p->group.family) {
		addr_format(&p->address, ours);
		addr_format(&p->group, group);
		check_error(c, loc, "address %s and group %s are of different families", ours, group);
		return false;
	}
	return true;
}

/* Two that go the same way are lost together. */
static bool is_one_way(const struct sync_path_conf *a, const struct sync_path_conf *b)
{
	if (a->n_peers && b->n_peers)
		return addr_equal(&a->address, &b->address);
	return !a->n_peers && !b->n_peers && !strcmp(a->ifname, b->ifname) &&
	       addr_equal(&a->group, &b->group);
}

static void add_path(struct checker *c, struct sync_block *b, const struct ast_loc *loc,
		     struct sync_path_conf *p, bool first)
{
	if (!(p->n_peers ? is_unicast_whole(c, loc, p) : is_multicast_whole(c, loc, p)))
		return;
	if (b->n_paths == PATHS_MAX) {
		check_error(c, loc, "there are at most %u paths", PATHS_MAX);
		return;
	}
	for (uint32_t i = 0; i < b->n_paths; i++)
		if (is_one_way(&b->paths[i], p))
			check_warn(c, loc, "two paths go the same way: what breaks one breaks both");
	b->paths = check_extend(c, b->paths, b->n_paths, 1, sizeof(*p));
	if (first)
		memmove(b->paths + 1, b->paths, b->n_paths * sizeof(*p));
	b->paths[first ? 0 : b->n_paths] = *p;
	b->n_paths++;
}

void set_sync_path(struct checker *c, void *draft, const struct ast_node *n)
{
	struct sync_path_conf p = {.ifname = ""};

	check_block(c, PLACE_SYNC_PATH, &p, n);
	add_path(c, &((struct peering_draft *)draft)->b, &n->word[0].loc, &p, false);
}

static bool is_said(const struct sync_path_conf *p)
{
	return p->ifname[0] || addr_is_set(&p->address) || addr_is_set(&p->group) || p->n_peers;
}

/* How many peers there are, when nobody says so: those that have a name; of a group, one. */
static void expect_peers(struct checker *c, const struct ast_loc *loc, struct sync_block *b)
{
	uint32_t named = 0;

	for (uint32_t i = 0; i < b->n_paths; i++)
		if (b->paths[i].n_peers > named)
			named = b->paths[i].n_peers;
	if (!b->expected)
		b->expected = named ? named : 1;
	else if (b->expected < named)
		check_error(c, loc, "peers is %u, but %u are named", b->expected, named);
}

/* Whole, or nothing of it: half of it protects nothing. */
static bool is_whole(struct checker *c, const struct ast_node *n, struct peering_draft *d,
		     size_t errors)
{
	const struct ast_loc *loc = &n->word[0].loc;
	struct sync_block *b = &d->b;

	if (is_said(&d->first) || (!b->n_paths && c->diags->n_errors == errors))
		add_path(c, b, loc, &d->first, true);
	if (!d->is_key_said)
		check_error(c, loc,
			    "sync has no key: file:/PATH, credential:NAME or hex:DIGITS, the same on all directors");
	if (b->key[0] && !strcmp(b->key, b->key_next))
		check_warn(c, loc, "key and key_next are the same");
	if (b->detect_us && b->port == UINT16_MAX)
		check_error(c, loc, "heartbeats go by the port after %u, which is none",
			    (unsigned)b->port);
	expect_peers(c, loc, b);
	return c->diags->n_errors == errors;
}

/* What the kernel's threads and lo can hold while they, or tandem-sync, do not get a processor. */
static void need_room(struct checker *c)
{
	const char *socket_bytes;

	lvs_least_sysctl(c, "sync_qlen_max", QUEUE_DATAGRAMS);
	lvs_least_sysctl(c, "sync_sock_size", SOCKET_BYTES);
	lvs_least_core_sysctl(c, "netdev_max_backlog", BACKLOG_PACKETS);
	socket_bytes = lvs_sysctl_find(&c->global.g, "sync_sock_size")->value;
	if (!strcmp(socket_bytes, "0"))
		return; /* the operator wants them as all sockets are */
	lvs_least_core_sysctl(c, "rmem_max", socket_bytes);
	lvs_least_core_sysctl(c, "wmem_max", socket_bytes);
}

/* Whatever lvs_sysctl says: of other ports and versions nothing would be heard; connections of
 * persistent services would not be told; with both sync daemons running nothing would be scheduled. */
static void need_as_it_is(struct checker *c, const struct ast_node *n)
{
	lvs_require_sysctl(c, n, "sync_ports", "1");
	lvs_require_sysctl(c, n, "sync_version", "1");
	lvs_require_sysctl(c, n, "sync_persist_mode", "0");
	lvs_require_sysctl(c, n, "backup_only", "0");
}

static void use_block(struct checker *c, const struct ast_node *n, const struct sync_block *b)
{
	struct global *g = &c->global.g;

	g->peering = arena_alloc(c->arena, sizeof(*b));
	*g->peering = *b;
	g->n_peering = 1;
	if (g->n_sync)
		check_warn(c, &c->global.sync.node->word[0].loc,
			   "sync does what lvs_sync_daemon is for; lvs_sync_daemon is left out");
	g->n_sync = 0;
	/* Each change of state, and busy connections every 10 s, are told by the kernel: with its
	 * own defaults connections of less than three packets would never be. What it tells is not
	 * lost on lo: once is enough. */
	lvs_default_sysctl(c, "sync_threshold", "0 0");
	lvs_default_sysctl(c, "sync_refresh_period", "10");
	lvs_default_sysctl(c, "sync_retries", "0");
	need_as_it_is(c, n);
	need_room(c);
}

void sync_check(struct checker *c, const struct ast_node *root)
{
	for (uint32_t i = 0; i < root->n_children; i++) {
		const struct ast_node *n = &root->child[i];
		struct peering_draft d = {
			.first = {.ifname = ""},
			.b = {.port = PORT_DEFAULT,
			      .key = "",
			      .secret = "",
			      .key_next = "",
			      .secret_next = "",
			      .wait_us = WAIT_DEFAULT_US,
			      .max_connections = CONNECTIONS_DEFAULT},
		};
		size_t errors = c->diags->n_errors;

		if (strcmp(n->word[0].s, "sync") != 0)
			continue;
		if (c->global.g.n_peering) {
			check_error(c, &n->word[0].loc, "there is one sync block");
			return;
		}
		check_block(c, PLACE_SYNC, &d, n);
		if (is_whole(c, n, &d, errors))
			use_block(c, n, &d.b);
	}
}
