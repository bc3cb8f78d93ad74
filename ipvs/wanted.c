/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's table should be: see wanted.h. */
#include "ipvs/wanted.h"

#include "core/sync_kernel.h"

#include <arpa/inet.h>
#include <linux/ip_vs.h>
#include <stdio.h>

int32_t wanted_server_weight(const struct real_server *rs, const struct health *h)
{
	const struct health_entry *e = health_get(h, rs->id);
	struct weight_factors f;
	int32_t own;

	pool_factors(rs, e, &f);
	own = weight_product(&f);
	return own && e && e->agreed.weight ? e->agreed.weight : own;
}

/*
 * Losing takes quorum - hysteresis, or nothing left at all; gaining takes quorum + hysteresis, and
 * something at all. So a new service starts without a quorum and gains it, or not, with its first
 * step.
 */
static bool quorum_is_up(const struct virtual_server *vs, bool was_up, uint64_t weight_up)
{
	int64_t quorum = vs->quorum, hysteresis = vs->hysteresis;

	return weight_up &&
	       (int64_t)weight_up >= (was_up ? quorum - hysteresis : quorum + hysteresis);
}

bool wanted_quorum_step(const struct virtual_server *vs, const struct health *h,
			struct service_state *state, int64_t now_us)
{
	struct service_state next = {
		.service = vs->id,
		.away = state->away,
		.since_us = state->since_us,
	};
	uint64_t weight_up = 0;

	for (uint32_t i = 0; i < vs->n_servers; i++) {
		const struct health_entry *e = health_get(h, vs->servers[i].id);

		if (!pool_has(&vs->servers[i], e))
			continue;
		next.servers_up++;
		next.servers_kept += e && e->pool.kept;
		weight_up += (uint32_t)pool_quorum_weight(&vs->servers[i], e);
	}
	next.weight_up = weight_up > UINT32_MAX ? UINT32_MAX : (uint32_t)weight_up;
	next.quorum_up = quorum_is_up(vs, state->quorum_up, weight_up);
	next.sorry = !next.quorum_up && vs->n_sorry;
	if (!state->service || next.quorum_up != state->quorum_up)
		next.since_us = now_us;
	if (state->service && next.quorum_up == state->quorum_up && next.sorry == state->sorry &&
	    next.servers_up == state->servers_up && next.servers_kept == state->servers_kept &&
	    next.weight_up == state->weight_up)
		return false;
	*state = next;
	return true;
}

bool wanted_away_step(const struct virtual_server *vs, enum wanted_follows follows,
		      struct service_state *state)
{
	bool was = state->away;

	if (!vs->active_only)
		state->away = false;
	else if (follows != WANTED_FOLLOWS_UNKNOWN)
		state->away = follows != WANTED_FOLLOWS_ACTIVE;
	else
		state->away = was || !state->service;
	return state->away != was;
}

uint32_t wanted_keys(const struct virtual_server *vs)
{
	return vs->n_members ? vs->n_members : 1;
}

static struct ipvs_key member_key(const struct member *m)
{
	return (struct ipvs_key){ .family = m->family,
				  .protocol = m->protocol,
				  .port = m->port,
				  .fwmark = m->fwmark,
				  .address = m->address };
}

struct ipvs_key wanted_key(const struct virtual_server *vs, uint32_t i)
{
	if (vs->n_members)
		return member_key(&vs->members[i]);
	if (vs->fwmark)
		return (struct ipvs_key){ .family = vs->family, .fwmark = vs->fwmark };
	return (struct ipvs_key){ .family = vs->family,
				  .protocol = vs->protocol,
				  .port = vs->port,
				  .address = vs->address };
}

static void add_dest(struct ipvs_service *s, const struct real_server *rs, int32_t weight,
		     uint32_t maxconn)
{
	s->dests[s->n_dests++] = (struct ipvs_dest){
		.address = rs->address,
		.port = rs->port,
		.forward = rs->forward == IPVS_FORWARD_SNAT ? IPVS_FORWARD_NAT : rs->forward,
		.tunnel_type = rs->tunnel_type,
		.tunnel_port = rs->tunnel_port,
		.tunnel_flags = rs->tunnel_flags,
		.weight = weight,
		.upper_threshold = maxconn ? maxconn : rs->upper_threshold,
		.lower_threshold = maxconn && rs->lower_threshold > maxconn ? maxconn
									    : rs->lower_threshold,
	};
}

/* While the sorry server serves, the pool is out, but inhibited servers stay with weight 0. */
static void add_server(struct ipvs_service *s, const struct real_server *rs,
		       const struct health *h, bool sorry)
{
	const struct health_entry *e = health_get(h, rs->id);
	uint32_t maxconn = e ? e->agent.maxconn : 0;

	if (pool_admin(e) == ADMIN_MAINT)
		return;
	if (!sorry && pool_has(rs, e))
		add_dest(s, rs, wanted_server_weight(rs, h), maxconn);
	else if (rs->inhibit_on_failure)
		add_dest(s, rs, 0, maxconn);
}

/* A sorry server may also be one of the pool: then its place in the pool gives way to it. */
static bool is_sorry(const struct virtual_server *vs, const struct real_server *rs)
{
	return vs->n_sorry && rs->port == vs->sorry->port &&
	       addr_equal(&rs->address, &vs->sorry->address);
}

static void add_pool(struct ipvs_service *s, const struct virtual_server *vs,
		     const struct health *h, bool sorry)
{
	bool doubled = false;

	for (uint32_t i = 0; i < vs->n_servers; i++) {
		const struct real_server *rs = &vs->servers[i];

		doubled |= is_sorry(vs, rs);
		if (!sorry || !is_sorry(vs, rs))
			add_server(s, rs, h, sorry);
	}
	if (sorry)
		add_dest(s, vs->sorry, vs->sorry->weight, 0);
	else if (vs->n_sorry && vs->sorry_inhibit && !doubled)
		add_dest(s, vs->sorry, 0, 0);
}

/* A netmask of no bits at all can't be meant: each client by itself. */
static uint8_t persistence_prefixlen(const struct virtual_server *vs, uint8_t family)
{
	uint8_t all = family == AF_INET6 ? 128 : 32;

	return vs->persistence_prefixlen ? vs->persistence_prefixlen : all;
}

void wanted_service(struct arena *arena, const struct virtual_server *vs, uint32_t i,
		    const struct health *h, const struct service_state *state,
		    struct ipvs_service *ret)
{
	struct ipvs_key key = wanted_key(vs, i);

	*ret = (struct ipvs_service){
		.key = key,
		.flags = vs->scheduler_flags & ~(uint32_t)IP_VS_SVC_F_HASHED,
		.timeout_s = vs->persistence_timeout_s,
		.prefixlen = persistence_prefixlen(vs, key.family),
		.dests = arena_array(arena, (size_t)vs->n_servers + 1, sizeof(*ret->dests)),
	};
	if (vs->persistence_timeout_s)
		ret->flags |= IP_VS_SVC_F_PERSISTENT;
	snprintf(ret->scheduler, sizeof(ret->scheduler), "%s", vs->scheduler);
	snprintf(ret->engine, sizeof(ret->engine), "%s", vs->persistence_engine);
	add_pool(ret, vs, h, state->sorry);
}

static struct ipvs_daemon wanted_daemon(const struct sync_daemon *s)
{
	struct ipvs_daemon d = {
		.runs = true,
		.sync_id = s->sync_id,
		.ttl = s->ttl,
		.port = s->port,
		.maxlen = s->maxlen,
		.group = s->group,
	};

	snprintf(d.ifname, sizeof(d.ifname), "%s", s->ifname);
	return d;
}

bool wanted_any_daemon(const struct global *global)
{
	return global->n_sync || global->n_peering;
}

/* Both on lo, for tandem-sync. */
static struct ipvs_daemon kernel_end(uint32_t group, uint16_t port, uint16_t maxlen)
{
	uint32_t bytes = htonl(group);
	struct ipvs_daemon d = {
		.runs = true,
		.sync_id = SYNC_KERNEL_ID,
		.ifname = SYNC_KERNEL_IFNAME,
		.group = addr_from_bytes(AF_INET, &bytes),
		.port = port,
		.maxlen = maxlen,
	};

	return d;
}

struct ipvs_daemons wanted_daemons(const struct global *global, enum wanted_follows follows,
				   bool owned)
{
	const struct sync_daemon *s = global->n_sync ? global->sync : NULL;
	struct ipvs_daemons d = { .known = owned };

	if (global->n_peering) {
		d.known = true;
		d.of[IPVS_DAEMON_MASTER] = kernel_end(
			SYNC_KERNEL_SOURCE_GROUP, SYNC_KERNEL_SOURCE_PORT, SYNC_KERNEL_SOURCE_MAX);
		d.of[IPVS_DAEMON_BACKUP] =
			kernel_end(SYNC_KERNEL_SINK_GROUP, SYNC_KERNEL_SINK_PORT, 0);
		return d;
	}
	if (!s)
		return d;
	d.known = !s->instance || follows != WANTED_FOLLOWS_UNKNOWN;
	if (!s->instance || follows == WANTED_FOLLOWS_ACTIVE)
		d.of[IPVS_DAEMON_MASTER] = wanted_daemon(s);
	if (!s->instance || follows == WANTED_FOLLOWS_OTHER)
		d.of[IPVS_DAEMON_BACKUP] = wanted_daemon(s);
	return d;
}
