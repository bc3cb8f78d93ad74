/* SPDX-License-Identifier: Apache-2.0 */
/* global_defs: what holds for the whole director, and the defaults of instances. */
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"
#include "core/config/iproute.h"

#define NFT_PRIORITY 110 /* behind IPVS, see vrrp/accept.h */

void garp_init(struct garp_draft *g)
{
	*g = (struct garp_draft){-1, -1, -1, -1, -1, -1};
}

void global_init(struct checker *c)
{
	struct global_draft *d = &c->global;

	d->g = (struct global){.router_id = "",
			       .script_user = "",
			       .script_group = "",
			       .vmac_prefix = "",
			       .vmac_addr_prefix = ""};
	d->smtp_alert = d->smtp_alert_vrrp = d->smtp_alert_checker = -1;
	tls_init(&d->tls);
	garp_init(&d->garp);
	daemon_init(&d->g);
	mail_init(&d->g);
	tuning_init(d);
	d->g.nft_priority = NFT_PRIORITY;
	d->default_interface = "eth0";
	d->iproute_etc_dir = IPROUTE_ETC_DIR;
	d->iproute_usr_dir = IPROUTE_USR_DIR;
	d->vrrp_version = 2;
	d->down_timer_adverts = 3;
	addr_parse("224.0.0.18", &d->mcast_group4); /* RFC 9568 §8.1 */
	addr_parse("ff02::12", &d->mcast_group6);
}

void set_global_default_interface(struct checker *c, void *draft, const struct ast_node *n)
{
	value_ifname(c, &n->word[1], &((struct global_draft *)draft)->default_interface);
}

void set_global_iproute_dir(struct checker *c, void *draft, const struct ast_node *n)
{
	struct global_draft *d = draft;
	bool etc = !strcmp(n->word[0].s, "iproute_etc_dir");

	*(etc ? &d->iproute_etc_dir : &d->iproute_usr_dir) = value_string(c, &n->word[1]);
}

/* keepalived's defaults: five at once, and five again 5 s later. */
void global_finish(struct checker *c)
{
	struct garp_draft *g = &c->global.garp;

	daemon_finish(&c->global.g);
	tuning_finish(c);
	if (g->delay_us < 0)
		g->delay_us = 5000000;
	if (g->repeat < 0)
		g->repeat = 5;
	if (g->refresh_us < 0)
		g->refresh_us = 0;
	if (g->refresh_repeat < 0)
		g->refresh_repeat = 1;
}

void set_global_router_id(struct checker *c, void *draft, const struct ast_node *n)
{
	struct global_draft *d = draft;

	d->g.router_id = value_string(c, &n->word[1]);
}

void set_global_script_user(struct checker *c, void *draft, const struct ast_node *n)
{
	struct global_draft *d = draft;

	d->g.script_user = value_string(c, &n->word[1]);
	d->g.script_group = n->n_words > 2 ? value_string(c, &n->word[2]) : "";
}

static void set_mcast(struct checker *c, const struct ast_node *n, int family, struct addr *ret)
{
	struct addr a;

	if (!value_addr(c, &n->word[1], &a))
		return;
	if (a.family != family || !addr_is_multicast(&a))
		check_warn(c, &n->word[1].loc,
			   "'%s' is not an IPv%d multicast address; "
			   "the line is left out",
			   n->word[1].s, family == AF_INET ? 4 : 6);
	else
		*ret = a;
}

void set_global_mcast4(struct checker *c, void *draft, const struct ast_node *n)
{
	set_mcast(c, n, AF_INET, &((struct global_draft *)draft)->mcast_group4);
}

void set_global_mcast6(struct checker *c, void *draft, const struct ast_node *n)
{
	set_mcast(c, n, AF_INET6, &((struct global_draft *)draft)->mcast_group6);
}

void set_global_min_garp(struct checker *c, void *draft, const struct ast_node *n)
{
	struct global_draft *d = draft;
	bool on = true;

	if (n->n_words > 1 && !value_bool(c, &n->word[1], &on))
		return;
	if (!on)
		return;
	d->garp.delay_us = 0;
	d->garp.repeat = 1;
	d->garp.refresh_repeat = 1;
}

void set_global_nftables(struct checker *c, void *draft, const struct ast_node *n)
{
	if (n->n_words > 1)
		check_later(c, &n->word[1].loc, "'nftables %s': the table is tandem_vrrp",
			    n->word[1].s);
}

void set_global_flush_on_stop(struct checker *c, void *draft, const struct ast_node *n)
{
	struct global_draft *d = draft;

	/* "VS" asks for the deletion of our services only: that is how tandem stops anyway. */
	if (n->n_words > 1 && strcmp(n->word[1].s, "VS"))
		check_warn(c, &n->word[1].loc, "'%s' is not VS; the line is left out",
			   n->word[1].s);
	else if (n->n_words == 1)
		d->g.lvs_flush_on_stop = true;
}

static uint32_t *timeout_field(struct global *g, const char *name)
{
	if (!strcmp(name, "tcp"))
		return &g->tcp_timeout_s;
	if (!strcmp(name, "tcpfin"))
		return &g->tcpfin_timeout_s;
	if (!strcmp(name, "udp"))
		return &g->udp_timeout_s;
	return NULL;
}

void set_global_timeouts(struct checker *c, void *draft, const struct ast_node *n)
{
	struct global_draft *d = draft;
	uint32_t *field;
	int64_t value;

	for (uint32_t i = 1; i < n->n_words; i += 2) {
		field = timeout_field(&d->g, n->word[i].s);
		if (!field) {
			check_warn(c, &n->word[i].loc,
				   "'%s' is none of tcp, tcpfin, udp; "
				   "it and what follows is left out",
				   n->word[i].s);
			return;
		}
		if (i + 1 >= n->n_words) {
			check_warn(c, &n->word[i].loc,
				   "'%s' wants a number of seconds; it is left out", n->word[i].s);
			return;
		}
		/* The kernel's own limit: a signed int of jiffies at 1000 Hz. */
		if (value_number(c, &n->word[i + 1], 0, INT32_MAX / 1000, &value))
			*field = (uint32_t)value;
	}
}
