/* SPDX-License-Identifier: Apache-2.0 */
/* One configured virtual router, from its configuration to its end: see instance.h. */
#include "vrrp/instance_private.h"

#include "core/must.h"
#include "vrrp/config.h"
#include "vrrp/handed.h"
#include "vrrp/vips.h"
#include "vrrp/vmacs.h"

#include <stdlib.h>
#include <string.h>

static void set_hmac(struct instance *in)
{
	if (in->hmac)
		explicit_bzero(in->hmac, sizeof(*in->hmac));
	free(in->hmac);
	in->hmac = NULL;
	in->told_unsigned = false;
	if (!in->config->n_hmac)
		return;
	in->hmac = must(malloc(sizeof(*in->hmac)));
	vrrp_config_hmac(in->config, in->hmac);
	in->memory = memory_of(&in->shell->memory, in->config->id);
}

struct instance *instance_new(struct vrrp_shell *shell, const struct vrrp_instance *config)
{
	struct instance *in = must(calloc(1, sizeof(*in)));

	in->shell = shell;
	in->arena = arena_new();
	in->config = vrrp_config_copy(in->arena, config);
	set_hmac(in);
	in->index = in->listener_index = INSTANCE_NO_INDEX;
	in->awake = -1;
	in->limit = (struct log_limit){.interval_us = 60 * USEC_PER_SEC, .burst = 3};
	in->auth_limit = in->limit;
	in->counters.instance = config->id;
	in->heard.instance = config->id;
	vrrp_machine_init(&in->m);
	alarm_init(&in->alarm, instance_ring);
	instance_init_rivals(in);
	ev_init(&in->extra, instance_on_extra);
	in->extra.data = in;
	again_init(&in->again, &shell->netifs, instance_ask_again, in);
	return in;
}

void instance_free(struct instance *in)
{
	static const struct vrrp_instance none;

	routes_release(in->shell->routes, in->config->id);
	alarm_forget(&in->shell->alarms, &in->alarm);
	ev_timer_stop(in->shell->loop, &in->rival_timer);
	ev_timer_stop(in->shell->loop, &in->extra);
	again_stop(&in->again);
	instance_leave_line(in);
	instance_close_port(in);
	in->config = &none;
	set_hmac(in);
	arena_free(in->arena);
	free(in);
}

static void restore(struct instance *in, const struct msg_vrrp_state *s)
{
	vrrp_handed_unpack(&in->conf, s, clock_now_us(), &in->m);
	in->reason = s->reason;
	in->counters.became_active = s->transitions;
}

void instance_start(struct instance *in, const struct msg_vrrp_state *handed)
{
	struct addr source = {0};
	struct vrrp_event event = {.kind = VRRP_EVENT_START};
	struct text fault;

	in->own_fault = instance_find_fault(in, &source);
	fault = in->own_fault.s[0] ? in->own_fault : in->group_fault;
	instance_refresh_conf(in, &source);
	event.addresses_found = vips_any_found(&in->shell->netifs, in->config);
	if (handed && vrrp_handed_can_resume(handed)) {
		restore(in, handed);
		event.kind = VRRP_EVENT_RESUME;
		instance_step(in, event);
		/* A fault that began or ended meanwhile. */
		if (fault.s[0] || in->m.state == VRRP_STATE_FAULT) {
			if (in->m.state == VRRP_STATE_FAULT)
				text_set(&in->fault, "%s",
					 in->reason.s[0] ? in->reason.s : "fault");
			instance_tell_fault(in);
		}
		return;
	}
	in->fault = fault;
	event.faulty = fault.s[0];
	event.why = fault.s;
	event.can_send = instance_can_send(in);
	instance_step(in, event);
}

static bool same_config(const struct vrrp_instance *copy, const struct vrrp_instance *config)
{
	struct vrrp_instance plain = *config;

	plain.notifies = NULL;
	plain.n_notifies = 0;
	plain.routes = NULL;
	plain.rules = NULL;
	plain.n_routes = plain.n_rules = 0;
	return vrrp_instance_equal(copy, &plain);
}

static bool same_sockets(const struct vrrp_instance *a, const struct vrrp_instance *b)
{
	return a->unicast == b->unicast && addr_equal(&a->group, &b->group);
}

bool instance_any_makes(void *shell, const char *ifname)
{
	const struct vrrp_shell *s = shell;

	for (const struct instance *in = *s->instances; in; in = in->next)
		if (vrrp_config_makes(in->config, ifname))
			return true;
	return false;
}

/* Under another name its interface would not come up beside the former one, which has the same MAC
 * address. */
static void drop_former_vmacs(struct instance *in, const struct vrrp_instance *former)
{
	bool dropped = false;

	for (uint32_t i = 0; i < former->n_vmacs; i++)
		dropped |= !vrrp_config_makes(in->config, former->vmacs[i].ifname);
	if (dropped)
		vmacs_prune(&in->shell->netifs, instance_any_makes, in->shell);
}

void instance_reload(struct instance *in, const struct vrrp_instance *config)
{
	struct vrrp_event event = {.kind = VRRP_EVENT_CONF};
	const struct vrrp_instance *former = in->config;
	struct arena *former_arena = in->arena;
	struct vrrp_conf was = in->conf;
	struct addr source = was.source;

	if (same_config(former, config))
		return;
	in->arena = arena_new();
	in->config = vrrp_config_copy(in->arena, config);
	set_hmac(in);
	if (!same_sockets(former, in->config))
		instance_close_port(in);
	drop_former_vmacs(in, former);
	in->own_fault = instance_find_fault(in, &source);
	instance_refresh_conf(in, &source);
	in->conf.addresses_gen = was.addresses_gen + !vrrp_config_same_vips(former, in->config);
	if (in->m.holding) {
		instance_remove_addresses(in, former, in->config);
		/* The first of a subnet took the others with it: they are added again at once. */
		netifs_catch_up(&in->shell->netifs);
	}
	event.conf_was = &was;
	instance_step(in, event);
	instance_tell_fault(in);
	arena_free(former_arena);
}

/* Acts at the next advertisement of a worse Active. */
void instance_set_sync_wait(struct instance *in)
{
	in->conf.sync_wait_us = in->shell->sync_wait_us;
	in->conf.drain_us = in->shell->drain_us;
}

void instance_peer_serves(struct instance *in, int64_t until_us)
{
	instance_step(in, (struct vrrp_event){.kind = VRRP_EVENT_PEER_SERVES,
					      .until_us = until_us});
}

void instance_drained(struct instance *in, int64_t asked_us)
{
	if (in->drain_asked_us && in->drain_asked_us <= asked_us)
		instance_step(in, (struct vrrp_event){.kind = VRRP_EVENT_DRAINED});
}

void instance_revive(struct instance *in, const struct vrrp_instance *config)
{
	in->leaving = false;
	instance_reload(in, config);
	instance_start(in, NULL);
}

void instance_stop(struct instance *in)
{
	in->leaving = true;
	instance_step(in, (struct vrrp_event){.kind = VRRP_EVENT_STOP});
}

bool instance_is_done(const struct instance *in)
{
	return vrrp_machine_is_done(&in->m);
}

void instance_abandon(struct instance *in)
{
	if (in->m.holding)
		instance_remove_addresses(in, in->config, NULL);
	in->m.holding = false;
}

/* Sync groups */

void instance_set_grouped(struct instance *in, bool grouped)
{
	struct vrrp_conf was = in->conf;

	if (in->grouped == grouped)
		return;
	in->grouped = in->conf.grouped = grouped;
	if (in->m.state != VRRP_STATE_INITIALIZE)
		instance_step(in, (struct vrrp_event){.kind = VRRP_EVENT_CONF, .conf_was = &was});
	if (!grouped)
		instance_set_group_fault(in, &(struct text){""});
}

void instance_set_group_fault(struct instance *in, const struct text *fault)
{
	in->group_fault = *fault;
	if (in->m.state != VRRP_STATE_INITIALIZE && in->m.state != VRRP_STATE_STOP)
		instance_tell_fault(in);
}

void instance_join_active(struct instance *in, const char *why)
{
	instance_step(in, (struct vrrp_event){.kind = VRRP_EVENT_GROUP_ACTIVE, .why = why});
}

void instance_yield(struct instance *in, const char *why)
{
	instance_step(in, (struct vrrp_event){.kind = VRRP_EVENT_GROUP_BACKUP, .why = why});
}

void instance_probe(struct instance *in)
{
	struct addr source;

	in->own_fault = instance_find_fault(in, &source);
}

bool instance_awaits(const struct instance *in)
{
	return vrrp_config_awaits(in->config, &in->shell->tracking);
}
