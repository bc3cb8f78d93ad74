/* SPDX-License-Identifier: Apache-2.0 */
/* sync: the block, and what it needs of the kernel. */
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"

#define PORT_DEFAULT	8849
#define WAIT_DEFAULT_US 30000000
#define HEX_DIGITS	64 /* 32 bytes */
#define PEERS_MAX	16

void set_sync_interface(struct checker *c, void *draft, const struct ast_node *n)
{
	value_ifname(c, &n->word[1], &((struct sync_block *)draft)->ifname);
}

void set_sync_address(struct checker *c, void *draft, const struct ast_node *n)
{
	value_addr(c, &n->word[1], &((struct sync_block *)draft)->address);
}

void set_sync_peer(struct checker *c, void *draft, const struct ast_node *n)
{
	struct sync_block *b = draft;
	struct sync_peer p;

	if (!value_addr(c, &n->word[1], &p.address))
		return;
	for (uint32_t i = 0; i < b->n_peers; i++) {
		if (addr_equal(&b->peers[i].address, &p.address)) {
			check_warn(c, &n->word[1].loc, "peer %s is there already", n->word[1].s);
			return;
		}
	}
	if (b->n_peers == PEERS_MAX) {
		check_error(c, &n->word[1].loc, "there are at most %u peers", PEERS_MAX);
		return;
	}
	b->peers = check_extend(c, b->peers, b->n_peers, 1, sizeof(p));
	b->peers[b->n_peers++] = p;
}

static bool is_hex_key(const char *s)
{
	size_t n = strspn(s, "0123456789abcdefABCDEF");

	return n == HEX_DIGITS && !s[n];
}

void set_sync_key(struct checker *c, void *draft, const struct ast_node *n)
{
	const struct ast_word *w = &n->word[1];

	if (!strncmp(w->s, "file:/", 6) || (!strncmp(w->s, "hex:", 4) && is_hex_key(w->s + 4)))
		((struct sync_block *)draft)->key = value_string(c, w);
	else
		check_error(c, &w->loc, "a key is file:/PATH or hex: and %u digits", HEX_DIGITS);
}

/* keepalived's `sync` would be a mistake of the operator's; ours must be whole, or nothing of it
 * protects anything. */
static bool is_whole(struct checker *c, const struct ast_node *n, const struct sync_block *b)
{
	const struct ast_loc *loc = &n->word[0].loc;
	size_t errors = c->diags->n_errors;

	if (!addr_is_set(&b->address))
		check_error(c, loc, "sync has no address: ours, on the way to the peers");
	if (!b->n_peers)
		check_error(c, loc, "sync has no peer");
	if (!b->key[0])
		check_error(c, loc, "sync has no key: file:PATH or hex:DIGITS, the same on all nodes");
	for (uint32_t i = 0; i < b->n_peers; i++) {
		if (b->peers[i].address.family != b->address.family)
			check_error(c, loc, "sync: address and peers are of different families");
		else if (addr_equal(&b->peers[i].address, &b->address))
			check_error(c, loc, "sync: a peer has the address of this node");
	}
	return c->diags->n_errors == errors;
}

/* Each change of state, and busy connections every 10 s, are told by the kernel: with its own
 * defaults connections of less than three packets would never be. */
static void add_sysctl(struct checker *c, const char *name, const char *value)
{
	struct global *g = &c->global.g;
	struct vs_sysctl y = {.id = model_id_sysctl(name), .name = name, .value = value};

	for (uint32_t i = 0; i < g->n_sysctls; i++)
		if (!strcmp(g->sysctls[i].name, name))
			return;
	g->sysctls = check_extend(c, g->sysctls, g->n_sysctls, 1, sizeof(y));
	g->sysctls[g->n_sysctls++] = y;
}

static void use_block(struct checker *c, const struct sync_block *b)
{
	struct global *g = &c->global.g;

	g->peering = arena_alloc(c->arena, sizeof(*b));
	*g->peering = *b;
	g->n_peering = 1;
	if (g->n_sync)
		check_warn(c, &c->global.sync.node->word[0].loc,
			   "sync does what lvs_sync_daemon is for; lvs_sync_daemon is left out");
	g->n_sync = 0;
	add_sysctl(c, "sync_threshold", "0 0");
	add_sysctl(c, "sync_refresh_period", "10");
}

void sync_check(struct checker *c, const struct ast_node *root)
{
	for (uint32_t i = 0; i < root->n_children; i++) {
		const struct ast_node *n = &root->child[i];
		struct sync_block b = {.ifname = "",
				       .port = PORT_DEFAULT,
				       .key = "",
				       .wait_us = WAIT_DEFAULT_US};

		if (strcmp(n->word[0].s, "sync") != 0)
			continue;
		if (c->global.g.n_peering) {
			check_error(c, &n->word[0].loc, "there is one sync block");
			return;
		}
		check_block(c, PLACE_SYNC, &b, n);
		if (is_whole(c, n, &b))
			use_block(c, &b);
	}
}
