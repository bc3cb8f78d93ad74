/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an instance needs of the node: its interfaces, primary address, sockets, and what it tracks.
 * Tells the machine what fails, and puts back addresses that somebody took away.
 */
#include "vrrp/instance_private.h"

#include "vrrp/config.h"
#include "vrrp/vips.h"
#include "vrrp/vmacs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_up(void *ctx, const char *ifname)
{
	const struct instance *in = ctx;
	const struct netif *nif = netif_by_name(&in->shell->netifs, ifname);

	return nif && nif->up;
}

/* The primary address: the first that is no virtual one (for IPv6: link-local, RFC 9568 §5.1.2.2).
 */
static struct addr find_source(const struct instance *in, int index)
{
	const struct netifs *n = &in->shell->netifs;

	if (addr_is_set(&in->config->source))
		return in->config->source;
	for (const struct netif_addr *a = n->first; a; a = a->next) {
		if (a->index != index || a->address.family != in->config->family || !a->usable ||
		    (a->ours && !static_addresses_have(&in->shell->statics, &a->address)))
			continue;
		if (a->address.family == AF_INET6 && !addr_is_link_local(&a->address))
			continue;
		if (!vrrp_config_has_address(in->config, &a->address) ||
		    in->config->priority == VRRP_PRIORITY_OWNER)
			return a->address;
	}
	return (struct addr){0};
}

/* What its track_group is for. */
static void find_static_fault(const struct instance *in, struct text *ret)
{
	const struct vrrp_shell *shell = in->shell;
	uint32_t n;
	const struct track_group *groups = routes_groups(shell->routes, &n);

	if (!static_addresses_fault(&shell->statics, groups, n, in->config->id, ret))
		routes_fault(shell->routes, in->config->id, ret);
}

/* The configured source, on the instance's interface or, without one, on any. */
static bool has_source(const struct instance *in, const struct netif *nif)
{
	const struct netifs *n = &in->shell->netifs;

	for (const struct netif_addr *a = n->first; a; a = a->next)
		if (addr_equal(&a->address, &in->config->source) &&
		    (!in->config->ifname[0] || !nif || a->index == nif->index ||
		     a->index == in->index))
			return true;
	return false;
}

struct text instance_find_fault(struct instance *in, struct addr *ret_source)
{
	const struct vrrp_instance *c = in->config;
	const char *bound = c->ifname[0] ? c->ifname : c->vrf;
	const struct netif *nif;
	const struct tracked *tracker;
	const char *track;
	struct text fault = {""};
	char text[ADDR_TEXT_MAX];
	bool made = vmacs_ensure(&in->shell->netifs, c, in->awake > 0, &fault);
	int err;

	nif = bound[0] ? netif_by_name(&in->shell->netifs, bound) : NULL;
	if (!made || (bound[0] && !nif)) {
		instance_close_port(in);
		if (made)
			text_set(&fault, "interface %s does not exist", bound);
		return fault;
	}
	*ret_source = find_source(in, nif ? nif->index : 0);
	err = instance_open_port(in, nif ? nif->index : 0);
	if (err) {
		instance_close_port(in);
		text_set(&fault, "no VRRP socket on interface %s: %s", bound, strerror(-err));
	} else if (c->unicast && !c->n_peers) {
		text_set(&fault, "there is no unicast_peer");
	} else if (nif && !nif->up && c->track_primary) {
		text_set(&fault, "interface %s is down", bound);
	} else if (c->track_source && !has_source(in, nif)) {
		text_set(&fault, "this host has no address %s", addr_format(&c->source, text));
	} else if (!addr_is_set(ret_source)) {
		text_set(&fault, "interface %s has no %s address", bound,
			 c->family == AF_INET ? "IPv4" : "link-local IPv6");
	} else if ((track = vrrp_config_failed_track(c, is_up, in))) {
		text_set(&fault, "tracked interface %s is down", track);
	} else if ((tracker = vrrp_config_failed_tracker(c, &in->shell->tracking))) {
		text_set(&fault, "%s %s: %s", track_kind_name((enum track_kind)tracker->kind),
			 tracker->name, tracking_reason(&in->shell->tracking, tracker->tracker));
	}
	if (!fault.s[0])
		find_static_fault(in, &fault);
	return fault;
}

bool instance_refresh_conf(struct instance *in, const struct addr *source)
{
	struct vrrp_conf conf = vrrp_config_machine(
		in->config, source,
		vrrp_config_priority(in->config, is_up, in, &in->shell->tracking));
	bool differs;

	conf.addresses_gen = in->conf.addresses_gen;
	conf.grouped = in->grouped;
	conf.sync_wait_us = in->shell->sync_wait_us;
	conf.drain_us = in->shell->drain_us;
	if (in->m.state != VRRP_STATE_INITIALIZE && conf.priority != in->conf.priority)
		log_notice("%s: priority %u → %u", conf.name, in->conf.priority, conf.priority);
	differs = conf.priority != in->conf.priority || !addr_equal(&conf.source, &in->conf.source);
	in->conf = conf;
	return differs;
}

bool instance_can_send(const struct instance *in)
{
	return in->port && addr_is_set(&in->conf.source) &&
	       (!in->config->ifname[0] || is_up((void *)in, in->config->ifname));
}

/* One fault follows another: no change of state tells of it. */
static void tell_other_fault(struct instance *in)
{
	in->reason = in->fault;
	if (log_limit_pass(&in->limit, clock_now_us()))
		log_notice("%s: still FAULT: %s%s", in->config->name, in->fault.s,
			   log_limit_suffix(&in->limit));
	instance_report(in);
}

void instance_tell_fault(struct instance *in)
{
	const struct text *fault = in->own_fault.s[0] ? &in->own_fault : &in->group_fault;
	bool was = in->fault.s[0], is = fault->s[0], stays = in->m.state == VRRP_STATE_FAULT;
	struct text over;

	if (strcmp(fault->s, in->fault.s) == 0)
		return;
	text_set(&over, "no longer: %s", in->fault.s);
	in->fault = *fault;
	if (is)
		instance_step(in, (struct vrrp_event){.kind = VRRP_EVENT_FAULT,
						      .why = fault->s,
						      .can_send = instance_can_send(in)});
	else if (was)
		instance_step(in,
			      (struct vrrp_event){.kind = VRRP_EVENT_FAULT_OVER, .why = over.s});
	if (is && was && stays)
		tell_other_fault(in);
}

static void tell_repair(struct instance *in, const struct vip *first, uint32_t missing)
{
	char text[ADDR_TEXT_MAX], more[32] = "";

	if (!log_limit_pass(&in->limit, clock_now_us()))
		return;
	if (missing > 1)
		snprintf(more, sizeof(more), " and %u more", missing - 1);
	log_warning("%s: address %s%s taken away: put back%s", in->config->name,
		    addr_format(&first->address, text), more, log_limit_suffix(&in->limit));
}

static void add_missing(struct instance *in)
{
	instance_add_addresses(in);
	vips_announce(&in->shell->netifs, &in->shell->announcer, in->config, 1);
}

/* Somebody took an address away, or the interface of one has come at last. */
static void repair_addresses(struct instance *in)
{
	const struct vip *first;
	uint32_t missing;

	if (in->m.state != VRRP_STATE_ACTIVE || in->waiting.n || again_waits(&in->again))
		return;
	missing = vips_missing(&in->shell->netifs, in->config, &first);
	if (!missing)
		return;
	if (!in->again.times)
		tell_repair(in, first, missing);
	add_missing(in);
}

void instance_mend(struct instance *in)
{
	const struct vip *first;

	if (in->m.state == VRRP_STATE_ACTIVE && !in->waiting.n && !in->again.times &&
	    vips_missing(&in->shell->netifs, in->config, &first))
		add_missing(in);
}

void instance_ask_again(void *ctx)
{
	repair_addresses(ctx);
}

void instance_observe(struct instance *in)
{
	struct vrrp_conf was = in->conf;
	struct addr source = in->conf.source;
	struct text own_fault = in->own_fault;
	bool differs;

	in->own_fault = instance_find_fault(in, &source);
	differs = instance_refresh_conf(in, &source);
	if (differs)
		instance_step(in, (struct vrrp_event){.kind = VRRP_EVENT_CONF, .conf_was = &was});
	instance_tell_fault(in);
	if (in->grouped && strcmp(in->own_fault.s, own_fault.s) != 0)
		in->shell->stepped();
	repair_addresses(in);
}
