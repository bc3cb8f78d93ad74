/* SPDX-License-Identifier: Apache-2.0 */
/* real_server and its checks. What they leave out comes from the service around them. */
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"

const struct timing_draft timing_none = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};

static const struct ast_loc *draft_loc(const struct server_draft *d)
{
	return &d->node->word[0].loc;
}

/* Keywords */

void set_server_forward(struct checker *c, void *draft, const struct ast_node *n)
{
	forward_set(c, &((struct server_draft *)draft)->forward, n);
}

void set_server_notify(struct checker *c, void *draft, const struct ast_node *n)
{
	struct real_server *r = &((struct server_draft *)draft)->r;

	value_notify(c, n, !strcmp(n->word[0].s, "notify_up") ? NOTIFY_UP : NOTIFY_DOWN,
		     &r->notifies, &r->n_notifies);
}

static struct check_draft *add_check(struct checker *c, struct server_draft *d,
				     const struct check_draft *k)
{
	d->checks = check_extend(c, d->checks, d->n_checks, 1, sizeof(*d->checks));
	d->checks[d->n_checks] = *k;
	return &d->checks[d->n_checks++];
}

void set_server_check(struct checker *c, void *draft, const struct ast_node *n)
{
	enum keyword_place place = keyword_find(PLACE_RS, n->word[0].s)->inner;
	struct check_draft k = {
		.node = n,
		.timing = timing_none,
		.c = {.method = (uint8_t)method_of(place), .bind_ifname = ""},
	};

	method_init(&k);
	/* Before the urls, for which it is the default. */
	check_block_part(c, place, &k, n, "tls_compliant", true);
	check_block_part(c, place, &k, n, "tls_compliant", false);
	if (!k.n_hosts)
		add_check(c, draft, &k);
	for (uint32_t i = 0; i < k.n_hosts; i++)
		check_block(c, PLACE_SMTP_HOST, add_check(c, draft, &k), k.hosts[i]);
}

void set_server_check_later(struct checker *c, void *draft, const struct ast_node *n)
{
	const struct keyword *k = keyword_find(PLACE_RS, n->word[0].s);

	check_later(c, &n->word[0].loc, "'%s': the check is not run and counts as passed", k->name);
	check_block(c, k->inner, NULL, n);
}

void set_check_connect_ip(struct checker *c, void *draft, const struct ast_node *n)
{
	value_addr(c, &n->word[1], &((struct check_draft *)draft)->c.address);
}

void set_check_bind(struct checker *c, void *draft, const struct ast_node *n)
{
	value_addr(c, &n->word[1], &((struct check_draft *)draft)->c.bind_address);
}

void set_check_bind_if(struct checker *c, void *draft, const struct ast_node *n)
{
	value_ifname(c, &n->word[1], &((struct check_draft *)draft)->c.bind_ifname);
}

void set_service_server(struct checker *c, void *draft, const struct ast_node *n)
{
	struct service_draft *s = draft;
	struct server_draft *d = &s->servers[s->n_servers];

	*d = (struct server_draft){
		.node = n,
		.timing = timing_none,
		.drain_on_remove_us = -1,
		.inhibit = -1,
		.smtp_alert = -1,
	};
	d->r.weight = s->weight;
	if (!value_addr(c, &n->word[1], &d->r.address))
		return;
	if (n->n_words > 2 && !value_port_or_none(c, &n->word[2], &d->r.port))
		return;
	check_block(c, PLACE_RS, d, n);
	s->n_servers++;
}

/* Completion */

static int64_t first_set(int64_t a, int64_t b, int64_t c, int64_t last)
{
	return a >= 0 ? a : b >= 0 ? b : c >= 0 ? c : last;
}

static int64_t tries_less_one(const struct timing_draft *t)
{
	return t->fall > 0 ? t->fall - 1 : t->retry;
}

static int64_t default_retry(const struct check *k)
{
	switch ((enum check_method)k->method) {
	case CHECK_MISC:
	case CHECK_AGENT: /* its word is not a chance failure */
	case CHECK_FILE:
		return 0;
	case CHECK_DNS:
		return 3;
	case CHECK_TCP:
	case CHECK_HTTP:
	case CHECK_SSL:
	case CHECK_PING:
	case CHECK_UDP:
	case CHECK_SMTP:
	case CHECK_GRPC:
		break;
	}
	return 1;
}

/* keepalived gives web servers more time to come to their senses. */
static int64_t default_delay_before_retry_us(const struct check *k)
{
	switch ((enum check_method)k->method) {
	case CHECK_HTTP:
	case CHECK_SSL:
		return 3000000;
	case CHECK_DNS:
		return k->delay_loop_us;
	case CHECK_TCP:
	case CHECK_MISC:
	case CHECK_PING:
	case CHECK_UDP:
	case CHECK_SMTP:
	case CHECK_GRPC:
	case CHECK_AGENT:
	case CHECK_FILE:
		break;
	}
	return 1000000;
}

static void finish_timing(const struct checker *c, struct check *k, const struct timing_draft *own,
			  const struct timing_draft *rs, const struct timing_draft *vs)
{
	int64_t retry = first_set(tries_less_one(own), tries_less_one(rs), tries_less_one(vs),
				  default_retry(k));

#define FIRST(field, last) first_set(own->field, rs->field, vs->field, last)
	k->connect_timeout_us = FIRST(connect_timeout_us, 5000000);
	k->delay_loop_us = FIRST(delay_loop_us, 60000000);
	k->delay_before_retry_us =
		FIRST(delay_before_retry_us, default_delay_before_retry_us(k));
	k->warmup_us = FIRST(warmup_us, k->delay_loop_us);
	k->retry = (uint32_t)retry;
	k->rise = (uint32_t)FIRST(rise, 1);
	k->delay_loop_down_us = FIRST(delay_loop_down_us, 0);
	k->delay_undecided_us = FIRST(delay_undecided_us, 0);
	k->jitter = (uint8_t)FIRST(jitter, 0);
	k->flap_damping_us = FIRST(flap_damping_us, 0);
	k->alpha = FIRST(alpha, 0) > 0;
	k->log_all_failures = FIRST(log_all_failures, c->global.log_all_failures) > 0;
#undef FIRST
}

static void finish_target(struct checker *c, const struct server_draft *d, struct check *k,
			  uint16_t port)
{
	if (!addr_is_set(&k->address))
		k->address = d->r.address;
	if (k->method == CHECK_PING) {
		k->port = 0;
		return;
	}
	if (!k->port)
		k->port = port;
	if (!k->port)
		check_warn(c, draft_loc(d),
			   "%s has no connect_port, and %s no port: "
			   "it never passes",
			   check_method_name((enum check_method)k->method), d->node->word[1].s);
}

static void finish_checks(struct checker *c, const struct service_draft *s, struct server_draft *d,
			  uint16_t port)
{
	d->r.checks = arena_array(c->arena, d->n_checks, sizeof(*d->r.checks));
	for (uint32_t i = 0; i < d->n_checks; i++) {
		struct check *k = &d->r.checks[d->r.n_checks];

		*k = d->checks[i].c;
		if (!method_finish(c, &d->checks[i], d->virtualhost ? d->virtualhost : s->virtualhost,
				   k))
			continue;
		if (d->checks[i].through > 0)
			through_finish(c, &d->checks[i], &s->vs, &d->r, k);
		else
			through_claim(c, &d->checks[i].node->word[0].loc, k->fwmark);
		if (method_connects((enum check_method)k->method))
			finish_target(c, d, k, port);
		/* A file is looked at when it changes: its number gets no better by being read again. */
		if (k->method == CHECK_FILE)
			finish_timing(c, k, &timing_none, &timing_none, &timing_none);
		else
			finish_timing(c, k, &d->checks[i].timing, &d->timing, &s->timing);
		if (k->n_misc && !k->misc->timeout_us)
			k->misc->timeout_us = k->delay_loop_us;
		k->id = model_id_check(d->r.id, (enum check_method)k->method, d->r.n_checks++);
	}
}

/* The kernel rewrites ports with NAT only. */
static void finish_port(struct checker *c, const struct service_draft *s, struct server_draft *d)
{
	const struct virtual_server *vs = &s->vs;

	if (!d->r.port)
		d->r.port = vs->port;
	if (vs->n_members && !vs->port)
		return; /* its members have ports of their own */
	if (forward_translates(d->r.forward) || d->r.port == vs->port)
		return;
	if (vs->fwmark)
		check_warn(c, draft_loc(d),
			   "a firewall mark has no port but with NAT; "
			   "port %u is used for checks only",
			   d->r.port);
	else
		check_warn(c, draft_loc(d),
			   "ports %u of the service and %u of the server differ, "
			   "which goes with NAT only; %u is used",
			   vs->port, d->r.port, vs->port);
	d->r.port = vs->port;
}

void server_finish(struct checker *c, struct service_draft *s, struct server_draft *d)
{
	const struct forward_draft *f = d->forward.set ? &d->forward : &s->forward;
	uint16_t check_port;

	if (!f->set && !s->forward_missed)
		check_warn(c, draft_loc(d), "there is no lvs_method for %s; NAT is used",
			   d->node->word[1].s);
	s->forward_missed |= !f->set;
	d->r.forward = f->method;
	d->r.tunnel_type = f->tunnel_type;
	d->r.tunnel_port = f->tunnel_port;
	d->r.tunnel_flags = f->tunnel_flags;
	d->r.inhibit_on_failure = d->inhibit >= 0 ? d->inhibit : s->inhibit;
	d->r.drain_on_remove_us = first_set(d->drain_on_remove_us, s->drain_on_remove_us, -1, 0);
	/* As keepalived: unlike all others, servers are told of without being asked to. */
	d->r.smtp_alert = mail_wanted(d->smtp_alert, c->global.smtp_alert_checker,
				      c->global.smtp_alert, true);
	check_port = d->r.port ? d->r.port : s->vs.port;
	finish_port(c, s, d);
	d->r.id = model_id_real_server(s->vs.id, &d->r.address, d->r.port);
	finish_checks(c, s, d, check_port);
}

static bool server_is_new(struct checker *c, const struct virtual_server *vs,
			  const struct server_draft *d)
{
	for (uint32_t i = 0; i < vs->n_servers; i++) {
		if (vs->servers[i].id != d->r.id)
			continue;
		check_warn(c, draft_loc(d), "%s is there already; this one is left out",
			   d->node->word[1].s);
		return false;
	}
	return true;
}

void server_check_all(struct checker *c, struct service_draft *s)
{
	struct virtual_server *vs = &s->vs;

	vs->servers = arena_array(c->arena, s->n_servers, sizeof(*vs->servers));
	for (uint32_t i = 0; i < s->n_servers; i++) {
		struct server_draft *d = &s->servers[i];

		server_finish(c, s, d);
		if (d->r.forward != IPVS_FORWARD_TUNNEL && d->r.address.family != vs->family)
			check_warn(c, draft_loc(d),
				   "%s is not of the service's family; "
				   "it is left out",
				   d->node->word[1].s);
		else if (server_is_new(c, vs, d))
			vs->servers[vs->n_servers++] = d->r;
	}
}
