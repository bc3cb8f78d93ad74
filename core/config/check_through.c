/* SPDX-License-Identifier: Apache-2.0 */
/*
 * through_service: checks that go the way of clients. A real server that is checked so gets a
 * service of its own in the kernel, by a firewall mark: a check's packets have the mark and the
 * virtual server's address, and IPVS hands them to this server, by its own forwarding method. What
 * does not come to the server, or is not answered with the virtual address, is found. Owns the
 * marks.
 */
#include <netinet/in.h>

#include "core/arena.h"
#include "core/config/check.h"

/* The marks are these and the last bits of the server's id. */
#define MARKS	  UINT32_C(0x74000000)
#define MARK_BITS UINT32_C(0x00ffffff)

void through_claim(struct checker *c, const struct ast_loc *at, uint32_t mark)
{
	if ((mark & ~MARK_BITS) != MARKS)
		return;
	c->claims = check_extend(c, c->claims, c->n_claims, 1, sizeof(*c->claims));
	c->claims[c->n_claims++] = at;
}

/* The next one when another server's id ends alike. */
static void take_mark(struct checker *c, struct virtual_server *own, const struct ast_loc *at)
{
	uint32_t n = (uint32_t)own->through;

	do {
		own->fwmark = MARKS | (n++ & MARK_BITS);
		own->id = model_id_virtual_server(own);
	} while (check_id(c, own->id, at));
}

/* One for a server, however many checks it has: these come one after the other. */
static uint32_t mark_of(struct checker *c, const struct ast_loc *at,
			const struct virtual_server *vs, const struct real_server *r)
{
	struct virtual_server *own;

	if (c->n_through && c->through[c->n_through - 1].through == r->id)
		return c->through[c->n_through - 1].fwmark;
	c->through = arena_grow(c->arena, c->through, c->n_through, &c->through_cap,
				sizeof(*c->through));
	own = &c->through[c->n_through++];
	*own = (struct virtual_server){
		.family = vs->family,
		.group = "",
		.scheduler = "rr",
		.persistence_engine = "",
		.quorum = 1,
		.feedback_min = vs->feedback_min,
		.through = r->id,
		.n_servers = 1,
	};
	take_mark(c, own, at);
	own->servers = arena_alloc(c->arena, sizeof(*own->servers));
	*own->servers = (struct real_server){
		.id = model_id_real_server(own->id, &r->address, r->port),
		.address = r->address,
		.port = r->port,
		.weight = 1,
		.forward = r->forward,
		.tunnel_type = r->tunnel_type,
		.tunnel_port = r->tunnel_port,
		.tunnel_flags = r->tunnel_flags,
	};
	return own->fwmark;
}

void through_finish(struct checker *c, const struct check_draft *d, const struct virtual_server *vs,
		    const struct real_server *r, struct check *k)
{
	const struct ast_loc *at = &d->node->word[0].loc;
	const char *method = check_method_name((enum check_method)k->method);

	if (r->forward != IPVS_FORWARD_TUNNEL && r->address.family != vs->family)
		return; /* the server is left out */
	if (!addr_is_set(&vs->address) || !vs->port) {
		check_warn(c, at,
			   "%s: through_service wants a virtual_server with an address and a "
			   "port; it is left out",
			   method);
		return;
	}
	if (addr_is_set(&k->address) || k->port || k->fwmark)
		check_warn(c, at,
			   "%s: with through_service it goes to the virtual server; "
			   "connect_ip, connect_port and fwmark are left out",
			   method);
	k->address = vs->address;
	k->port = vs->port;
	k->fwmark = mark_of(c, at, vs, r);
	k->through = r->address;
	if (vs->family == AF_INET)
		c->global.g.accept_local = true;
}

/* Behind all that the file has. */
void through_add_services(struct checker *c)
{
	if (!c->n_through)
		return;
	for (uint32_t i = 0; i < c->n_claims; i++)
		check_error(c, c->claims[i],
			    "the firewall marks from %u to %u are those of through_service: "
			    "another is needed here",
			    MARKS, MARKS | MARK_BITS);
	c->services =
		check_extend(c, c->services, c->n_services, c->n_through, sizeof(*c->services));
	for (uint32_t i = 0; i < c->n_through; i++)
		c->services[c->n_services++] = c->through[i];
}
