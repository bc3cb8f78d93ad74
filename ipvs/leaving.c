/* SPDX-License-Identifier: Apache-2.0 */
/* Real servers that drain after a reload has removed them: see leaving.h. */
#include "ipvs/leaving.h"

#include "core/must.h"

#include <stdlib.h>
#include <string.h>

void leaving_done(struct leaving *l)
{
	free(l->list);
	*l = (struct leaving){ 0 };
}

static bool has_server(const struct virtual_server *vs, uint64_t id)
{
	for (uint32_t i = 0; i < vs->n_servers; i++)
		if (vs->servers[i].id == id)
			return true;
	return false;
}

static void add(struct leaving *l, const struct leaving_server *s)
{
	l->list = must(realloc(l->list, (l->n + 1) * sizeof(*l->list)));
	l->list[l->n++] = *s;
}

uint32_t leaving_add(struct leaving *l, const struct virtual_server *former,
		     const struct virtual_server *next, int64_t now_us)
{
	uint32_t n = l->n;

	for (uint32_t i = 0; i < former->n_servers; i++) {
		const struct real_server *rs = &former->servers[i];
		struct leaving_server s = { former->id, *rs, now_us + rs->drain_on_remove_us };

		if (!rs->drain_on_remove_us || has_server(next, rs->id))
			continue;
		s.rs.checks = NULL;
		s.rs.notifies = NULL;
		s.rs.n_checks = s.rs.n_notifies = 0;
		add(l, &s);
	}
	return l->n - n;
}

void leaving_resume(struct leaving *l, const struct msg_server_leaving *m)
{
	const struct leaving_server s = {
		.service = m->service,
		.rs = { .id = m->server,
			.address = m->address,
			.port = m->port,
			.forward = m->forward,
			.tunnel_type = m->tunnel_type,
			.tunnel_port = m->tunnel_port,
			.tunnel_flags = m->tunnel_flags },
		.until_us = m->until_us,
	};

	if (!m->gone)
		add(l, &s);
}

struct msg_server_leaving leaving_message(const struct leaving_server *s, bool gone)
{
	return (struct msg_server_leaving){ .service = s->service,
					    .server = s->rs.id,
					    .address = s->rs.address,
					    .port = s->rs.port,
					    .forward = s->rs.forward,
					    .tunnel_type = s->rs.tunnel_type,
					    .tunnel_port = s->rs.tunnel_port,
					    .tunnel_flags = s->rs.tunnel_flags,
					    .until_us = s->until_us,
					    .gone = gone };
}

void leaving_remove(struct leaving *l, uint32_t i)
{
	l->list[i] = l->list[--l->n];
}

/* A reload may have made a sorry server of it. */
static bool has_dest(const struct ipvs_service *s, const struct real_server *rs)
{
	for (uint32_t i = 0; i < s->n_dests; i++)
		if (s->dests[i].port == rs->port && addr_equal(&s->dests[i].address, &rs->address))
			return true;
	return false;
}

void leaving_want(const struct leaving *l, struct arena *arena, uint64_t service,
		  struct ipvs_service *s)
{
	struct ipvs_dest *dests;

	if (!l->n)
		return;
	dests = arena_array(arena, (size_t)s->n_dests + l->n, sizeof(*dests));
	if (s->n_dests)
		memcpy(dests, s->dests, s->n_dests * sizeof(*dests));
	s->dests = dests;
	for (uint32_t i = 0; i < l->n; i++) {
		const struct real_server *rs = &l->list[i].rs;

		if (l->list[i].service == service && !has_dest(s, rs))
			s->dests[s->n_dests++] =
				(struct ipvs_dest){ .address = rs->address,
						    .port = rs->port,
						    .forward = rs->forward,
						    .tunnel_type = rs->tunnel_type,
						    .tunnel_port = rs->tunnel_port,
						    .tunnel_flags = rs->tunnel_flags };
	}
}
