/* SPDX-License-Identifier: Apache-2.0 */
/* peer kernel-multicast INTERFACE [id N] [group ADDRESS] [port N] [ttl N] [receive]: a line of sync. */
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"

/* What the kernel and ipvsadm take when nothing is said. */
#define PORT_DEFAULT 8848
#define TTL_DEFAULT  1
static const struct addr group_default = {.family = AF_INET, .b = {224, 0, 0, 81}};

static bool set_group(struct checker *c, const struct ast_word *w, struct addr *ret)
{
	struct addr a;

	if (!value_addr(c, w, &a))
		return false;
	if (a.family != AF_INET || !addr_is_multicast(&a)) {
		check_error(c, &w->loc, "%s is not a multicast address of IPv4", w->s);
		return false;
	}
	*ret = a;
	return true;
}

/* Errors are told by those who look at the value. */
static void set_option(struct checker *c, struct sync_kernel_peer_conf *p, const struct ast_word *name,
		       const struct ast_word *value)
{
	int64_t number;

	if (!strcmp(name->s, "group"))
		set_group(c, value, &p->group);
	else if (!strcmp(name->s, "port"))
		value_port(c, value, &p->port);
	else if (!strcmp(name->s, "id") && value_number(c, value, 0, 255, &number))
		p->sync_id = (uint8_t)number;
	else if (!strcmp(name->s, "ttl") && value_number(c, value, 1, 255, &number))
		p->ttl = (uint8_t)number;
}

static bool is_option(const char *s)
{
	return !strcmp(s, "group") || !strcmp(s, "port") || !strcmp(s, "id") || !strcmp(s, "ttl");
}

static void set_options(struct checker *c, struct sync_kernel_peer_conf *p, const struct ast_node *n)
{
	for (uint32_t i = 3; i < n->n_words; i++) {
		const struct ast_word *w = &n->word[i];

		if (!strcmp(w->s, "receive")) {
			p->receive = true;
		} else if (!is_option(w->s)) {
			check_error(c, &w->loc, "'%s' is none of id, group, port, ttl, receive", w->s);
		} else if (i + 1 == n->n_words) {
			check_error(c, &w->loc, "'%s' wants a value", w->s);
		} else {
			set_option(c, p, w, &n->word[i + 1]);
			i++;
		}
	}
}

void check_kernel_peer(struct checker *c, struct sync_block *b, const struct ast_node *n)
{
	struct sync_kernel_peer_conf p = {
		.ifname = "", .group = group_default, .port = PORT_DEFAULT, .ttl = TTL_DEFAULT};

	if (n->n_words < 3) {
		check_error(c, &n->word[1].loc, "kernel-multicast wants an interface");
		return;
	}
	if (b->n_kernel_peer) {
		check_error(c, &n->word[1].loc, "there is one peer kernel-multicast");
		return;
	}
	if (!value_ifname(c, &n->word[2], &p.ifname))
		return;
	set_options(c, &p, n);
	b->kernel_peer = arena_alloc(c->arena, sizeof(p));
	*b->kernel_peer = p;
	b->n_kernel_peer = 1;
}
