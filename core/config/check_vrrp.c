/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vrrp_instance: its keywords, and what an instance must have before it can run. Where keepalived
 * repairs a value (and says so), so do we, to the same value.
 */
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"

#define PRIORITY_DEFAULT 100
#define PRIORITY_OWNER	 255
#define AUTH_PASS_LEN	 8 /* RFC 2338 §5.3.10 */

/* Keywords */

void set_vrrp_state(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_draft *d = draft;
	const char *s = n->word[1].s;

	if (!strcmp(s, "MASTER"))
		d->v.start_active = true;
	else if (strcmp(s, "BACKUP"))
		check_warn(c, &n->word[1].loc, "'%s' is neither MASTER nor BACKUP; BACKUP is used",
			   s);
	else if (d->v.start_active)
		check_warn(c, &n->word[1].loc, "the state is MASTER already; BACKUP is left out");
}

/* keepalived's default for a wrong value is not the one for none. */
void set_vrrp_priority(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_draft *d = draft;

	if (!value_number(c, &n->word[1], 1, 255, &d->priority))
		d->priority = PRIORITY_DEFAULT;
}

void set_vrrp_interface(struct checker *c, void *draft, const struct ast_node *n)
{
	value_ifname(c, &n->word[1], &((struct vrrp_draft *)draft)->v.ifname);
}

static void set_source(struct checker *c, struct vrrp_draft *d, const struct ast_node *n)
{
	value_addr(c, &n->word[1], &d->v.source);
}

void set_vrrp_mcast_src(struct checker *c, void *draft, const struct ast_node *n)
{
	set_source(c, draft, n);
}

void set_vrrp_unicast_src(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_draft *d = draft;

	set_source(c, d, n);
	d->unicast_wanted = true;
}

void set_vrrp_unicast_ttl(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_draft *d = draft;
	int64_t ttl;

	d->unicast_wanted = true;
	if (value_number(c, &n->word[1], 0, 255, &ttl))
		d->v.unicast_ttl = (uint8_t)ttl;
}

void set_vrrp_mcast_dst(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_draft *d = draft;
	struct addr a;

	if (!value_addr(c, &n->word[1], &a))
		return;
	if (!addr_is_multicast(&a))
		check_warn(c, &n->word[1].loc,
			   "%s is not a multicast address; the line is left out", n->word[1].s);
	else
		d->v.group = a;
}

void set_vrrp_vips(struct checker *c, void *draft, const struct ast_node *n)
{
	vip_add_lines(c, draft, n, false);
}

void set_vrrp_excluded(struct checker *c, void *draft, const struct ast_node *n)
{
	vip_add_lines(c, draft, n, true);
}

static bool peer_parse(struct checker *c, struct vrrp_draft *d, const struct ast_node *n,
		       struct unicast_peer *ret)
{
	struct unicast_peer p = {.min_ttl = 0, .max_ttl = 255};
	int64_t ttl;

	if (!value_addr(c, &n->word[0], &p.address))
		return false;
	for (uint32_t i = 1; i < n->n_words; i += 2) {
		const struct ast_word *w = &n->word[i];
		bool min = !strcmp(w->s, "min_ttl");

		if ((!min && strcmp(w->s, "max_ttl")) || i + 1 >= n->n_words) {
			check_warn(c, &w->loc,
				   "'%s' is not min_ttl or max_ttl with a number; "
				   "it is left out",
				   w->s);
			break;
		}
		if (!value_number(c, &n->word[i + 1], 0, 255, &ttl))
			continue;
		*(min ? &p.min_ttl : &p.max_ttl) = (uint8_t)ttl;
		d->v.check_unicast_src = true;
	}
	*ret = p;
	return true;
}

void set_vrrp_peers(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_draft *d = draft;
	struct vrrp_instance *v = &d->v;
	struct unicast_peer p;

	d->unicast_wanted = true;
	v->peers = check_extend(c, v->peers, v->n_peers, n->n_children, sizeof(*v->peers));
	for (uint32_t i = 0; i < n->n_children; i++) {
		const struct ast_word *w = &n->child[i].word[0];

		if (!peer_parse(c, d, &n->child[i], &p))
			continue;
		if (v->n_peers && p.address.family != v->peers[0].address.family)
			check_warn(c, &w->loc,
				   "%s is not of the family of the other peers; "
				   "it is left out",
				   w->s);
		else
			v->peers[v->n_peers++] = p;
	}
}

void vrrp_add_tracks(struct checker *c, const struct ast_node *n, struct track_interface **list,
		     uint32_t *n_list)
{
	*list = check_extend(c, *list, *n_list, n->n_children, sizeof(**list));
	for (uint32_t i = 0; i < n->n_children; i++) {
		struct track_interface t = {0};

		if (!value_ifname(c, &n->child[i].word[0], &t.ifname))
			continue;
		track_read_weight(c, &n->child[i], 1, -253, 253, &t.weight, &t.reverse);
		(*list)[(*n_list)++] = t;
	}
}

void set_vrrp_track_interface(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_instance *v = &((struct vrrp_draft *)draft)->v;

	vrrp_add_tracks(c, n, &v->track_interfaces, &v->n_track_interfaces);
}

void set_vrrp_routes(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_instance *v = &((struct vrrp_draft *)draft)->v;

	route_add_lines(c, n, false, &v->routes, &v->n_routes);
}

void set_vrrp_rules(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_instance *v = &((struct vrrp_draft *)draft)->v;

	rule_add_lines(c, n, false, &v->rules, &v->n_rules);
}

void set_vrrp_track(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_instance *v = &((struct vrrp_draft *)draft)->v;

	track_add_block(c, n, &v->tracked, &v->n_tracked);
}

void vrrp_add_notify(struct checker *c, const struct ast_node *n, struct notify **list,
		     uint32_t *n_list)
{
	static const enum notify_on on[] = {NOTIFY_MASTER, NOTIFY_BACKUP,
					    NOTIFY_FAULT,  NOTIFY_STOP,
					    NOTIFY_ANY,	   NOTIFY_MASTER_RX_LOWER_PRI};

	for (size_t i = 0; i < sizeof(on) / sizeof(*on); i++)
		if (!strcmp(notify_on_name(on[i]), n->word[0].s))
			value_notify(c, n, on[i], list, n_list);
}

void set_vrrp_notify(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_instance *v = &((struct vrrp_draft *)draft)->v;

	vrrp_add_notify(c, n, &v->notifies, &v->n_notifies);
}

void set_vrrp_auth(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_draft *d = draft;

	d->auth = n;
	check_block(c, PLACE_AUTH, draft, n);
}

void set_vrrp_auth_type(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_draft *d = draft;
	const char *s = n->word[1].s;

	if (!strcmp(s, "PASS"))
		d->v.auth_type = VRRP_AUTH_PASS;
	else if (!strcmp(s, "AH"))
		check_error(c, &n->word[1].loc,
			    "'auth_type AH': IPsec AH (RFC 2338) is not spoken, and routers that "
			    "want it would not hear us: use auth_hmac on all of them");
	else
		check_warn(c, &n->word[1].loc, "'%s' is neither PASS nor AH; it is left out", s);
}

/* As written, unless in quotes: in a password a backslash means itself. */
void set_vrrp_auth_pass(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_draft *d = draft;
	const char *s = n->word[1].quoted ? n->word[1].s : ast_raw(&n->word[1]);
	size_t len = strlen(s);

	if (len > AUTH_PASS_LEN) {
		check_warn(c, &n->word[1].loc,
			   "only the first %d characters of a password are used", AUTH_PASS_LEN);
		len = AUTH_PASS_LEN;
	}
	d->v.auth_pass = arena_strndup(c->arena, s, len);
}

/* Completion, in the order in which one thing depends on the other. */

static const struct ast_loc *draft_loc(const struct vrrp_draft *d)
{
	return &d->node->word[0].loc;
}

static void finish_family(struct checker *c, struct vrrp_draft *d)
{
	struct vrrp_instance *v = &d->v;
	uint8_t family = v->n_vips	    ? v->vips[0].address.family
			 : d->ipv6_wanted   ? AF_INET6
			 : v->n_peers	    ? v->peers[0].address.family
			 : v->source.family ? v->source.family
					    : AF_INET;

	v->family = family;
	if (!v->n_vips && !d->no_vip_wanted)
		check_warn(c, draft_loc(d), "%s has no virtual_ipaddress; at least one is sensible",
			   v->name);
	if (v->source.family && v->source.family != family) {
		check_warn(c, draft_loc(d),
			   "the source address of %s is not of its family; "
			   "it is left out",
			   v->name);
		v->source = (struct addr){0};
	}
	if (v->n_peers && v->peers[0].address.family != family) {
		check_warn(c, draft_loc(d),
			   "the unicast peers of %s are not of its family; "
			   "they are left out",
			   v->name);
		v->n_peers = 0;
	}
	if (v->group.family && v->group.family != family) {
		check_warn(c, draft_loc(d),
			   "mcast_dst_ip of %s is not of its family; "
			   "it is left out",
			   v->name);
		v->group = (struct addr){0};
	}
}

static void finish_version(struct checker *c, struct vrrp_draft *d)
{
	struct vrrp_instance *v = &d->v;

	if (v->family == AF_INET6 && v->version == 2)
		check_warn(c, draft_loc(d), "%s: IPv6 needs VRRP version 3, which is used",
			   v->name);
	if (!v->version)
		v->version = c->global.vrrp_version;
	if (v->family == AF_INET6)
		v->version = 3;
}

/* [never]: which it is anyway. */
void set_vrrp_old_checksum(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_draft *d = draft;

	if (n->n_words == 2 && strcmp(n->word[1].s, "never"))
		check_warn(c, &n->word[1].loc, "'%s' is not never; the line is left out",
			   n->word[1].s);
	else
		d->v.old_checksum = n->n_words == 1;
}

static void finish_checksum(struct checker *c, struct vrrp_draft *d)
{
	struct vrrp_instance *v = &d->v;

	if (v->old_checksum && (!v->unicast || v->version != 3 || v->family != AF_INET)) {
		check_warn(c, draft_loc(d),
			   "%s: old_unicast_checksum is for unicast, version 3 and IPv4; "
			   "it is left out",
			   v->name);
		v->old_checksum = false;
	}
}

static void finish_transport(struct checker *c, struct vrrp_draft *d)
{
	struct vrrp_instance *v = &d->v;

	/* Without peers it is at fault, where that is asked for. */
	v->unicast = v->n_peers > 0 || d->fault_no_peer;
	if (d->unicast_wanted && !v->unicast)
		check_warn(c, draft_loc(d),
			   "%s has a unicast keyword but no unicast_peer; "
			   "multicast is used",
			   v->name);
	if (!v->group.family)
		v->group = v->family == AF_INET6 ? c->global.mcast_group6 : c->global.mcast_group4;
	if (!v->ifname[0] && !v->unicast)
		check_error(c, draft_loc(d), "%s has no interface", v->name);
	if (!v->vrid)
		check_error(c, draft_loc(d), "%s has no virtual_router_id", v->name);
}

static void finish_preempt(struct checker *c, struct vrrp_draft *d)
{
	struct vrrp_instance *v = &d->v;
	const char *why = NULL;

	if (d->priority < 0)
		d->priority = v->start_active ? PRIORITY_OWNER : PRIORITY_DEFAULT;
	v->priority = (uint8_t)d->priority;
	if (!v->preempt && v->priority == PRIORITY_OWNER)
		why = "nopreempt does not go with priority 255; it is left out";
	else if (!v->preempt && v->start_active)
		why = "nopreempt does not go with state MASTER; it is left out";
	if (why) {
		check_warn(c, draft_loc(d), "%s: %s", v->name, why);
		v->preempt = true;
	}
	why = !v->preempt_delay_us ? NULL
	      : !v->preempt	   ? "preempt_delay does not go with nopreempt; it is left out"
	      : v->start_active	   ? "preempt_delay does not go with state MASTER; it is left out"
				   : NULL;
	if (why) {
		check_warn(c, draft_loc(d), "%s: %s", v->name, why);
		v->preempt_delay_us = 0;
	}
}

/* Whole seconds in version 2, 10 ms up to 40.95 s in version 3 (RFC 9568 §5.2.7). */
static void finish_interval(struct checker *c, struct vrrp_draft *d)
{
	struct vrrp_instance *v = &d->v;
	int64_t step = v->version == 2 ? 1000000 : 10000;
	int64_t us = (d->adver_int_us + step / 2) / step * step;

	if (us < step)
		us = step;
	if (v->version == 3 && us > 40950000)
		us = 40950000;
	v->adver_int_cs = (uint16_t)(us / 10000);
	if (us != d->adver_int_us)
		check_warn(c, draft_loc(d),
			   "%s: advert_int %g does not go with version %u; %g is used", v->name,
			   (double)d->adver_int_us / 1e6, v->version, (double)us / 1e6);
}

static void finish_auth(struct checker *c, struct vrrp_draft *d)
{
	struct vrrp_instance *v = &d->v;

	if (v->auth_type == VRRP_AUTH_PASS && v->version == 3)
		check_warn(c, &d->auth->word[0].loc,
			   "VRRP version 3 has no authentication (RFC 9568 §9); it is left out");
	else if (v->auth_type == VRRP_AUTH_PASS && !v->auth_pass[0])
		check_warn(c, &d->auth->word[0].loc,
			   "auth_type PASS without auth_pass; "
			   "it is left out");
	else if (v->auth_type == VRRP_AUTH_PASS)
		return;
	v->auth_type = VRRP_AUTH_NONE;
	v->auth_pass = "";
}

static int64_t or_else(int64_t value, int64_t fallback)
{
	return value >= 0 ? value : fallback;
}

static uint32_t or_else_u32(int64_t value, int64_t fallback)
{
	return (uint32_t)or_else(value, fallback);
}

static void finish_garp(struct checker *c, struct vrrp_draft *d)
{
	const struct garp_draft *own = &d->garp, *all = &c->global.garp;
	struct vrrp_instance *v = &d->v;

	v->garp_delay_us = or_else(own->delay_us, all->delay_us);
	v->garp_repeat = or_else_u32(own->repeat, all->repeat);
	v->garp_refresh_us = or_else(own->refresh_us, all->refresh_us);
	v->garp_refresh_repeat = or_else_u32(own->refresh_repeat, all->refresh_repeat);
	v->garp_lower_prio_delay_us = or_else(own->lower_prio_delay_us,
					      or_else(all->lower_prio_delay_us, v->garp_delay_us));
	v->garp_lower_prio_repeat = or_else_u32(own->lower_prio_repeat,
						or_else(all->lower_prio_repeat, v->garp_repeat));
	v->garp_interval_us = c->global.garp_interval_us;
	v->gna_interval_us = c->global.gna_interval_us;
}

/* The highest priority of another router: without a number the highest that there can be. */
void set_vrrp_timer_expired(struct checker *c, void *draft, const struct ast_node *n)
{
	int64_t priority = 254;

	if (n->n_words == 1 || value_number(c, &n->word[1], 1, 254, &priority))
		((struct vrrp_draft *)draft)->v.rival_priority = (uint8_t)priority;
}

static void finish_vrrp(struct checker *c, struct vrrp_draft *d)
{
	finish_family(c, d);
	finish_version(c, d);
	strict_finish(c, d);
	finish_transport(c, d);
	finish_checksum(c, d);
	finish_preempt(c, d);
	finish_interval(c, d);
	finish_auth(c, d);
	hmac_finish(c, d);
	finish_garp(c, d);
	link_finish(c, d);
	vmac_finish(c, d);
	d->v.smtp_alert = mail_wanted(d->smtp_alert, c->global.smtp_alert_vrrp,
				      c->global.smtp_alert, false);
}

static void draft_init(struct checker *c, struct vrrp_draft *d, const struct ast_node *n)
{
	const struct global_draft *g = &c->global;

	*d = (struct vrrp_draft){
		.node = n,
		.adver_int_us = 1000000,
		.garp_extra_us = -1,
		.priority = -1,
		.strict = -1,
		.accept = -1,
		.lower_no_advert = -1,
		.owner_ignore = -1,
		.smtp_alert = -1,
		.v =
			{
				.name = value_string(c, &n->word[1]),
				.ifname = "",
				.auth_pass = "",
				.vrf = "",
				.preempt = true,
				.track_primary = true,
				.unicast_ttl = 255,
				.down_timer_adverts = g->down_timer_adverts,
				.check_unicast_src = g->check_unicast_src,
				.skip_check_adv_addr = g->skip_check_adv_addr,
				.notify_priority_changes = g->notify_priority_changes,
				.higher_prio_send_advert = g->higher_prio_send_advert,
				.checksum_as_v2 = g->checksum_as_v2,
			},
	};
	garp_init(&d->garp);
}

/* The hash of a name shares a table with the ids of objects. */
static bool name_is_free(struct checker *c, const struct ast_node *n)
{
	const struct ast_word *w = &n->word[1];
	const struct ast_loc *first;
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

	for (const char *s = w->s; *s; s++)
		hash = (hash ^ (unsigned char)*s) * UINT64_C(1099511628211);
	first = check_id(c, hash ? hash : 1, &w->loc);
	if (first)
		check_warn(c, &w->loc,
			   "there is a vrrp_instance '%s' already, at %s:%u; "
			   "this one is left out",
			   w->s, first->src->file, first->src->number);
	return !first;
}

static void vrrp_check(struct checker *c, const struct ast_node *n)
{
	const struct ast_loc *first;
	struct vrrp_draft d;

	if (n->n_words < 2 || !name_is_free(c, n))
		return;
	draft_init(c, &d, n);
	check_block(c, PLACE_VRRP, &d, n);
	finish_vrrp(c, &d);
	d.v.id = model_id_vrrp(d.v.family, d.v.ifname, d.v.vrid);
	first = d.v.vrid ? check_id(c, d.v.id, draft_loc(&d)) : NULL;
	if (first)
		check_error(c, draft_loc(&d),
			    "%s has virtual_router_id %u on interface %s for IPv%d, "
			    "and so has the instance at %s:%u",
			    d.v.name, d.v.vrid, d.v.ifname, d.v.family == AF_INET6 ? 6 : 4,
			    first->src->file, first->src->number);
	c->instances[c->n_instances++] = d.v;
}

void vrrp_check_all(struct checker *c, const struct ast_node *root)
{
	c->instances = arena_array(c->arena, root->n_children, sizeof(*c->instances));
	for (uint32_t i = 0; i < root->n_children; i++)
		if (!strcmp(root->child[i].word[0].s, "vrrp_instance"))
			vrrp_check(c, &root->child[i]);
	vmac_check_all(c);
}

struct vrrp_instance *vrrp_find(const struct checker *c, const char *name)
{
	for (uint32_t i = 0; i < c->n_instances; i++)
		if (!strcmp(c->instances[i].name, name))
			return &c->instances[i];
	return NULL;
}
