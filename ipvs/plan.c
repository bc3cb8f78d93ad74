/* SPDX-License-Identifier: Apache-2.0 */
/* The least list of edits between wanted and observed: see plan.h. */
#include "ipvs/plan.h"

#include <linux/ip_vs.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which one service's destinations are edited. */
enum step {
	STEP_PLACE, /* missing ones; and where places matter, those that are out of place */
	STEP_RAISE, /* those that had weight 0 */
	STEP_CHANGE,
	STEP_REMOVE,
	STEPS,
};

static int compare_ids(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

bool ipvs_is_owned(const struct ipvs_owned *owned, const struct ipvs_key *key)
{
	uint64_t id;

	if (owned->all)
		return true;
	if (!owned->n_ids)
		return false;
	id = ipvs_key_id(key);
	return bsearch(&id, owned->ids, owned->n_ids, sizeof(id), compare_ids);
}

static struct ipvs_edit *add_edit(struct ipvs_plan *plan, enum ipvs_edit_kind kind,
				  const struct ipvs_service *service)
{
	struct ipvs_edit *e = &plan->edits[plan->n_edits++];

	*e = (struct ipvs_edit){ .kind = kind, .service = service };
	return e;
}

static bool same_service(const struct ipvs_service *a, const struct ipvs_service *b)
{
	return a->flags == b->flags && a->timeout_s == b->timeout_s &&
	       a->prefixlen == b->prefixlen && strcmp(a->scheduler, b->scheduler) == 0 &&
	       strcmp(a->engine, b->engine) == 0;
}

static bool same_dest(const struct ipvs_dest *a, const struct ipvs_dest *b)
{
	if (a->forward != b->forward || a->weight != b->weight ||
	    a->upper_threshold != b->upper_threshold || a->lower_threshold != b->lower_threshold)
		return false;
	if (a->forward != IP_VS_CONN_F_TUNNEL)
		return true;
	return a->tunnel_type == b->tunnel_type && a->tunnel_port == b->tunnel_port &&
	       a->tunnel_flags == b->tunnel_flags;
}

static void set_dest(struct ipvs_plan *plan, enum step step, const struct ipvs_service *service,
		     const struct ipvs_dest *wanted, const struct ipvs_dest *observed)
{
	bool raised = !observed->weight && wanted->weight;
	struct ipvs_edit *e;

	if (same_dest(wanted, observed) || step != (raised ? STEP_RAISE : STEP_CHANGE))
		return;
	e = add_edit(plan, IPVS_EDIT_SET_DEST, service);
	e->dest = wanted;
	e->was = observed;
}

/* As it was: what else is to change of it comes in its own step. */
static void move_dest(struct ipvs_plan *plan, const struct ipvs_service *service,
		      const struct ipvs_dest *observed)
{
	static const enum ipvs_edit_kind halves[] = { IPVS_EDIT_DEL_DEST, IPVS_EDIT_NEW_DEST };

	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		struct ipvs_edit *e = add_edit(plan, halves[i], service);

		e->dest = observed;
		e->moves = true;
	}
}

static bool order_matters(const struct ipvs_service *s)
{
	return strcmp(s->scheduler, "mh") == 0 || strcmp(s->scheduler, "sh") == 0 ||
	       strcmp(s->scheduler, "dh") == 0;
}

/*
 * Destinations are added in their sorted order, each at the head of the kernel's list. Those up to
 * the returned index stand as if just that had been done; those from it on can only get there by
 * being added behind them.
 */
static uint32_t first_out_of_place(const struct ipvs_service *wanted,
				   const struct ipvs_service *observed)
{
	uint32_t first = wanted->n_dests, o = observed->n_dests;
	int64_t later = -1; /* the place, furthest from the head, of those behind */

	if (!order_matters(wanted))
		return first;
	for (uint32_t w = wanted->n_dests; w-- > 0;) {
		int order = 1;

		while (o && (order = ipvs_dest_compare(&observed->dests[o - 1],
						       &wanted->dests[w])) > 0)
			o--;
		if (!o || order || observed->dests[o - 1].place < later)
			first = w;
		if (o && !order && observed->dests[o - 1].place > later)
			later = observed->dests[o - 1].place;
	}
	return first;
}

/* One merge of two sorted lists, of which this step's edits are taken. */
static void plan_dests(struct ipvs_plan *plan, enum step step, const struct ipvs_service *wanted,
		       const struct ipvs_service *observed)
{
	const struct ipvs_dest *moved = wanted->dests + first_out_of_place(wanted, observed);
	const struct ipvs_dest *w = wanted->dests, *w_end = w + wanted->n_dests;
	const struct ipvs_dest *o = observed->dests, *o_end = o + observed->n_dests;

	while (w < w_end || o < o_end) {
		int order = w == w_end ? 1 : o == o_end ? -1 : ipvs_dest_compare(w, o);

		if (order < 0 && step == STEP_PLACE)
			add_edit(plan, IPVS_EDIT_NEW_DEST, wanted)->dest = w;
		if (order > 0 && step == STEP_REMOVE)
			add_edit(plan, IPVS_EDIT_DEL_DEST, wanted)->dest = o;
		if (order == 0 && w >= moved && step == STEP_PLACE)
			move_dest(plan, wanted, o);
		if (order == 0)
			set_dest(plan, step, wanted, w, o);
		w += order <= 0;
		o += order >= 0;
	}
}

static void plan_service(struct ipvs_plan *plan, const struct ipvs_service *wanted,
			 const struct ipvs_service *observed)
{
	static const struct ipvs_service nothing;

	if (!observed)
		add_edit(plan, IPVS_EDIT_NEW_SERVICE, wanted);
	else if (!same_service(wanted, observed))
		add_edit(plan, IPVS_EDIT_SET_SERVICE, wanted)->former = observed;
	for (enum step step = 0; step < STEPS; step++)
		plan_dests(plan, step, wanted, observed ? observed : &nothing);
}

static void plan_removal(struct ipvs_plan *plan, const struct ipvs_service *observed,
			 const struct ipvs_owned *owned)
{
	if (ipvs_is_owned(owned, &observed->key))
		add_edit(plan, IPVS_EDIT_DEL_SERVICE, observed);
	else
		plan->n_foreign++;
}

static uint32_t changed(uint32_t wanted_s, uint32_t observed_s)
{
	return wanted_s != observed_s ? wanted_s : 0;
}

static void plan_timeouts(struct ipvs_plan *plan, const struct ipvs_timeouts *wanted,
			  const struct ipvs_timeouts *observed)
{
	struct ipvs_timeouts edit = {
		.tcp_s = changed(wanted->tcp_s, observed->tcp_s),
		.tcpfin_s = changed(wanted->tcpfin_s, observed->tcpfin_s),
		.udp_s = changed(wanted->udp_s, observed->udp_s),
	};

	if (edit.tcp_s || edit.tcpfin_s || edit.udp_s)
		add_edit(plan, IPVS_EDIT_SET_TIMEOUTS, NULL)->timeouts = edit;
}

/* The kernel raises what is too short for a backup, and cuts what IPv6 has no room for. */
#define BACKUP_MAXLEN_MIN 1024
#define IPV6_MAXLEN_MAX	  (65535 - 40 - 8)

static uint16_t kernel_maxlen(enum ipvs_daemon_kind kind, const struct ipvs_daemon *wanted)
{
	if (wanted->maxlen && wanted->maxlen < BACKUP_MAXLEN_MIN && kind == IPVS_DAEMON_BACKUP)
		return BACKUP_MAXLEN_MIN;
	if (wanted->maxlen > IPV6_MAXLEN_MAX && wanted->group.family == AF_INET6)
		return IPV6_MAXLEN_MAX;
	return wanted->maxlen;
}

/* 0 is: as you like, when wanted; not told, when observed. */
static bool same_option(uint16_t wanted, uint16_t observed)
{
	return !wanted || !observed || wanted == observed;
}

static bool same_daemon(enum ipvs_daemon_kind kind, const struct ipvs_daemon *wanted,
			const struct ipvs_daemon *observed)
{
	bool group_matters = addr_is_set(&wanted->group) && addr_is_set(&observed->group);

	return strcmp(wanted->ifname, observed->ifname) == 0 &&
	       wanted->sync_id == observed->sync_id &&
	       same_option(kernel_maxlen(kind, wanted), observed->maxlen) &&
	       same_option(wanted->port, observed->port) &&
	       same_option(wanted->ttl, observed->ttl) &&
	       (!group_matters || addr_equal(&wanted->group, &observed->group));
}

static void add_daemon_edit(struct ipvs_plan *plan, enum ipvs_edit_kind kind,
			    enum ipvs_daemon_kind daemon_kind, const struct ipvs_daemon *daemon)
{
	struct ipvs_edit *e = add_edit(plan, kind, NULL);

	e->daemon_kind = daemon_kind;
	e->daemon = daemon;
}

static void plan_daemons(struct ipvs_plan *plan, const struct ipvs_daemons *wanted,
			 const struct ipvs_daemons *observed)
{
	if (!wanted->known || !observed->known)
		return;
	for (enum ipvs_daemon_kind kind = 0; kind < IPVS_DAEMONS; kind++) {
		const struct ipvs_daemon *w = &wanted->of[kind], *o = &observed->of[kind];

		if (!w->runs || (o->runs && same_daemon(kind, w, o)))
			continue;
		if (o->runs)
			add_daemon_edit(plan, IPVS_EDIT_DEL_DAEMON, kind, o);
		add_daemon_edit(plan, IPVS_EDIT_NEW_DAEMON, kind, w);
	}
	for (enum ipvs_daemon_kind kind = 0; kind < IPVS_DAEMONS; kind++)
		if (!wanted->of[kind].runs && observed->of[kind].runs)
			add_daemon_edit(plan, IPVS_EDIT_DEL_DAEMON, kind, &observed->of[kind]);
}

/* One merge of two sorted tables; removals are taken in a second one, when all else is in place. */
static void plan_services(struct ipvs_plan *plan, bool removals, const struct ipvs_table *wanted,
			  const struct ipvs_table *observed, const struct ipvs_owned *owned)
{
	const struct ipvs_service *w = wanted->services, *w_end = w + wanted->n_services;
	const struct ipvs_service *o = observed->services, *o_end = o + observed->n_services;

	while (w < w_end || o < o_end) {
		int order = w == w_end ? 1 : o == o_end ? -1 : ipvs_key_compare(&w->key, &o->key);

		if (order > 0 && removals)
			plan_removal(plan, o, owned);
		if (order <= 0 && !removals)
			plan_service(plan, w, order == 0 ? o : NULL);
		w += order <= 0;
		o += order >= 0;
	}
}

/* At most. Who moves to its place is deleted and added, and changed after that. */
static size_t edits_of_wanted(const struct ipvs_table *t)
{
	size_t n = 0;

	for (uint32_t i = 0; i < t->n_services; i++)
		n += (size_t)t->services[i].n_dests * (order_matters(&t->services[i]) ? 3 : 1);
	return n;
}

void ipvs_plan_make(struct arena *arena, const struct ipvs_table *wanted,
		    const struct ipvs_table *observed, const struct ipvs_owned *owned,
		    struct ipvs_plan *ret)
{
	size_t most = 1 + 2 * IPVS_DAEMONS + (size_t)wanted->n_services + observed->n_services +
		      edits_of_wanted(wanted) + ipvs_table_count_dests(observed);

	*ret = (struct ipvs_plan){ .edits = arena_array(arena, most, sizeof(*ret->edits)) };
	plan_timeouts(ret, &wanted->timeouts, &observed->timeouts);
	plan_services(ret, false, wanted, observed, owned);
	plan_services(ret, true, wanted, observed, owned);
	plan_daemons(ret, &wanted->daemons, &observed->daemons);
}

const char *ipvs_edit_kind_name(enum ipvs_edit_kind kind)
{
	static const char *const names[] = {
		[IPVS_EDIT_NEW_SERVICE] = "add service",
		[IPVS_EDIT_SET_SERVICE] = "change service",
		[IPVS_EDIT_DEL_SERVICE] = "remove service",
		[IPVS_EDIT_NEW_DEST] = "add real server",
		[IPVS_EDIT_SET_DEST] = "change real server",
		[IPVS_EDIT_DEL_DEST] = "remove real server",
		[IPVS_EDIT_SET_TIMEOUTS] = "set timeouts",
		[IPVS_EDIT_NEW_DAEMON] = "start sync daemon",
		[IPVS_EDIT_DEL_DAEMON] = "stop sync daemon",
	};

	return names[kind];
}
