/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of track_virtual_server: which service each of them means. Knows the services as the
 * model has them, not how they are written.
 */
#include "core/arena.h"
#include "core/config/check.h"

#include <netinet/in.h>
#include <string.h>
#include <strings.h>

/* What a line names; what is not said fits all. */
struct wanted {
	const char *group; /* NULL: none */
	struct addr address;
	uint16_t port;
	uint32_t fwmark;
	uint8_t family; /* of fwmark; 0: any */
	int protocol;	/* -1: any */
};

static int protocol_of(const char *s)
{
	return !strcasecmp(s, "TCP")	? IPPROTO_TCP
	       : !strcasecmp(s, "UDP")	? IPPROTO_UDP
	       : !strcasecmp(s, "SCTP") ? IPPROTO_SCTP
					: -1;
}

static bool fits(const struct virtual_server *vs, const struct wanted *w)
{
	if (w->protocol >= 0 && vs->protocol != w->protocol)
		return false;
	if (w->group)
		return vs->n_members && !strcmp(vs->group, w->group);
	if (vs->n_members)
		return false;
	if (w->fwmark)
		return vs->fwmark == w->fwmark && (!w->family || vs->family == w->family);
	return !vs->fwmark && addr_equal(&vs->address, &w->address) && vs->port == w->port;
}

/* The first; *ret_more: there is another one. */
static const struct virtual_server *find(const struct checker *c, const struct wanted *w,
					 bool *ret_more)
{
	const struct virtual_server *first = NULL;

	*ret_more = false;
	for (uint32_t i = 0; i < c->n_services; i++) {
		if (!fits(&c->services[i], w))
			continue;
		*ret_more |= first != NULL;
		first = first ? first : &c->services[i];
	}
	return first;
}

/* A third word that tells services of one name apart. False: it is none. */
static bool read_kind(const char *s, struct wanted *ret)
{
	if (!ret->fwmark) {
		ret->protocol = protocol_of(s);
		return ret->protocol >= 0;
	}
	ret->family = !strcmp(s, "inet") ? AF_INET : !strcmp(s, "inet6") ? AF_INET6 : 0;
	return ret->family;
}

/* How many words name the service; 0: they do not, which has been said. */
static uint32_t read_name(struct checker *c, const struct ast_node *n, struct wanted *ret)
{
	const struct ast_word *w = n->word;
	int64_t mark;

	*ret = (struct wanted){.protocol = -1};
	if (n->n_words < 2) {
		check_warn(c, &w->loc, "'%s' is no virtual_server: ADDRESS PORT, fwmark N or group "
			   "NAME; the line is left out", w->s);
		return 0;
	}
	if (!strcmp(w->s, "group")) {
		ret->group = w[1].s;
	} else if (!strcmp(w->s, "fwmark")) {
		if (!value_number(c, &w[1], 1, UINT32_MAX, &mark))
			return 0;
		ret->fwmark = (uint32_t)mark;
	} else if (!value_addr(c, w, &ret->address) || !value_port_or_none(c, &w[1], &ret->port)) {
		return 0;
	}
	return n->n_words > 2 && read_kind(w[2].s, ret) ? 3 : 2;
}

static void add_line(struct checker *c, const struct ast_node *n, struct tracked *list,
		     uint32_t *n_list)
{
	const struct virtual_server *vs;
	const struct ast_word *w = &n->word[0];
	struct tracked t = {.kind = TRACK_SERVICE};
	char text[TEXT_MAX];
	struct wanted wanted;
	uint32_t words = read_name(c, n, &wanted);
	bool more;

	if (!words)
		return;
	vs = find(c, &wanted, &more);
	if (!vs) {
		check_warn(c, &w->loc, "there is no such virtual_server; the line is left out");
		return;
	}
	if (more)
		check_warn(c, &w->loc, "more than one virtual_server is called so: %s is tracked",
			   virtual_server_format(vs, text));
	t.tracker = vs->id;
	t.name = arena_strdup(c->arena, virtual_server_format(vs, text));
	track_read_weight(c, n, words, -253, 253, &t.weight, &t.reverse);
	track_add(c, w, &t, list, n_list);
}

void track_add_services(struct checker *c, const struct ast_node *n, struct tracked **list,
			uint32_t *n_list)
{
	*list = check_extend(c, *list, *n_list, n->n_children, sizeof(**list));
	for (uint32_t i = 0; i < n->n_children; i++)
		add_line(c, &n->child[i], *list, n_list);
}
