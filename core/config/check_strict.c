/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strict_mode and vrrp_strict: what the RFCs do not know is refused, or repaired with a line that
 * says so, as keepalived does; and what they say goes where nothing is configured.
 */
#include "core/config/check.h"

#define PRIORITY_OWNER	    255
#define DOWN_ADVERTS_OF_RFC 3

static void warn(struct checker *c, const struct vrrp_draft *d, const char *what)
{
	check_warn(c, &d->node->word[0].loc, "%s: strict_mode: %s", d->v.name, what);
}

static void refuse(struct checker *c, const struct vrrp_draft *d, const char *what)
{
	check_error(c, &d->node->word[0].loc, "%s: strict_mode: %s", d->v.name, what);
}

static void check_addresses(struct checker *c, const struct vrrp_draft *d)
{
	const struct vrrp_instance *v = &d->v;

	if (!v->n_vips)
		refuse(c, d, "at least one virtual_ipaddress is needed");
	if (v->n_peers)
		refuse(c, d, "the RFCs know no unicast_peer");
	if (v->family == AF_INET6 && v->n_vips && !addr_is_link_local(&v->vips[0].address))
		warn(c, d, "the first IPv6 address is not link-local (RFC 9568 §5.2.9)");
}

static void check_election(struct checker *c, struct vrrp_draft *d)
{
	struct vrrp_instance *v = &d->v;
	bool owner = d->priority == PRIORITY_OWNER;

	if (d->priority >= 0 && v->start_active != owner) {
		if (v->start_active)
			warn(c, d,
			     "only the owner, of priority 255, may start as MASTER; "
			     "state BACKUP is used");
		v->start_active = owner;
	}
	if (v->preempt_delay_us) {
		warn(c, d, "preempt_delay is left out");
		v->preempt_delay_us = 0;
	}
	if (v->down_timer_adverts != DOWN_ADVERTS_OF_RFC) {
		warn(c, d, "down_timer_adverts is 3");
		v->down_timer_adverts = DOWN_ADVERTS_OF_RFC;
	}
}

static void check_auth(struct checker *c, struct vrrp_draft *d)
{
	if (d->v.auth_type != VRRP_AUTH_NONE)
		warn(c, d, "authentication is left out");
	d->v.auth_type = VRRP_AUTH_NONE;
	d->v.auth_pass = "";
	if (d->hmac_node)
		warn(c, d, "no RFC knows auth_hmac; it is used all the same");
}

static void check_lower(struct checker *c, struct vrrp_draft *d)
{
	if (d->garp.lower_prio_repeat > 0 || d->garp.lower_prio_delay_us > 0)
		warn(c, d, "garp_lower_prio_repeat and garp_lower_prio_delay are 0");
	d->garp.lower_prio_repeat = d->garp.lower_prio_delay_us = 0;
	if (d->lower_no_advert == 0)
		warn(c, d, "lower_prio_no_advert is on");
	d->lower_no_advert = true;
	if (d->v.higher_prio_send_advert)
		warn(c, d, "higher_prio_send_advert is off");
	d->v.higher_prio_send_advert = false;
}

/* RFC 3768 has no Accept_Mode: only the owner accepts. */
static void check_accept(struct checker *c, struct vrrp_draft *d)
{
	bool owner = d->priority == PRIORITY_OWNER;

	if (d->accept == 1 && !owner && d->v.version == 2) {
		warn(c, d, "accept is not for version 2 (RFC 3768); no_accept is used");
		d->accept = 0;
	}
	if (d->accept < 0)
		d->accept = owner;
}

void strict_finish(struct checker *c, struct vrrp_draft *d)
{
	d->v.strict = d->strict < 0 ? c->global.strict : d->strict;
	if (d->v.strict) {
		check_addresses(c, d);
		check_election(c, d);
		check_auth(c, d);
		check_lower(c, d);
		check_accept(c, d);
	}
	d->v.accept = d->accept != 0;
	d->v.lower_prio_no_advert =
		d->lower_no_advert < 0 ? c->global.lower_prio_no_advert : d->lower_no_advert;
	d->v.owner_ignore_adverts =
		d->owner_ignore < 0 ? c->global.owner_ignore_adverts : d->owner_ignore;
}
