/* SPDX-License-Identifier: Apache-2.0 */
/* Notify scripts: see notify.h. */
#include "core/notify.h"

#include "core/scripts.h"

#include <stdio.h>

/* `event` is the keyword, for the log. */
static void run_event(struct scripts *scripts, const struct model *m, uint64_t object,
		      const char *owner, const struct notify *notifies, uint32_t n,
		      enum notify_on on, const char *event, const char *const *args)
{
	for (uint32_t i = 0; i < n; i++)
		if (notifies[i].on == on)
			scripts_notify(scripts, object, owner, event, &notifies[i], m->global,
				       args);
}

static void run_all(struct scripts *scripts, const struct model *m, uint64_t object,
		    const char *owner, const struct notify *notifies, uint32_t n, enum notify_on on,
		    const char *const *args)
{
	run_event(scripts, m, object, owner, notifies, n, on, notify_on_name(on), args);
}

/* False: nobody wants to know. */
static bool script_for(enum vrrp_state_id state, enum notify_on *ret)
{
	switch (state) {
	case VRRP_STATE_INITIALIZE:
		return false;
	case VRRP_STATE_BACKUP:
		*ret = NOTIFY_BACKUP;
		return true;
	case VRRP_STATE_ACTIVE:
		*ret = NOTIFY_MASTER;
		return true;
	case VRRP_STATE_FAULT:
		*ret = NOTIFY_FAULT;
		return true;
	case VRRP_STATE_STOP:
		*ret = NOTIFY_STOP;
		return true;
	}
	return false;
}

/* keepalived runs the state's own script first, then the one for all states. */
static void instance_changed(struct scripts *scripts, const struct model *m,
			     const struct msg_vrrp_state *now)
{
	const struct vrrp_instance *v = model_find_instance(m, now->instance);
	const char *args[] = {"INSTANCE", NULL, NULL, NULL, NULL};
	enum notify_on on = NOTIFY_ANY;
	char priority[8];

	if (!v || !script_for((enum vrrp_state_id)now->state, &on))
		return;
	snprintf(priority, sizeof(priority), "%u", now->priority);
	args[1] = v->name;
	args[2] = vrrp_state_name((enum vrrp_state_id)now->state);
	args[3] = priority;
	run_all(scripts, m, v->id, v->name, v->notifies, v->n_notifies, on, NULL);
	run_all(scripts, m, v->id, v->name, v->notifies, v->n_notifies, NOTIFY_ANY, args);
}

/* A group has no priority: keepalived says 0. */
static void group_changed(struct scripts *scripts, const struct model *m,
			  const struct msg_group_state *now)
{
	const struct sync_group *g = model_find_group(m, now->group);
	const char *args[] = {"GROUP", NULL, NULL, "0", NULL};
	enum notify_on on = NOTIFY_ANY;

	if (!g || !script_for((enum vrrp_state_id)now->state, &on))
		return;
	args[1] = g->name;
	args[2] = vrrp_state_name((enum vrrp_state_id)now->state);
	run_all(scripts, m, g->id, g->name, g->notifies, g->n_notifies, on, NULL);
	run_all(scripts, m, g->id, g->name, g->notifies, g->n_notifies, NOTIFY_ANY, args);
}

static const struct real_server *find_server(const struct model *m, uint64_t service,
					     uint64_t server)
{
	const struct virtual_server *vs = model_find_service(m, service);

	for (uint32_t i = 0; vs && i < vs->n_servers; i++)
		if (vs->servers[i].id == server)
			return &vs->servers[i];
	return NULL;
}

/* Before its first verdict a server counts as up, unless a check says "alpha". */
static bool starts_up(const struct real_server *r)
{
	for (uint32_t i = 0; i < r->n_checks; i++)
		if (r->checks[i].alpha)
			return false;
	return true;
}

static void run_server(struct scripts *scripts, const struct model *m, const struct real_server *r,
		       bool up)
{
	char owner[ADDR_TEXT_MAX];

	run_all(scripts, m, r->id, addr_format_port(&r->address, r->port, owner), r->notifies,
		r->n_notifies, up ? NOTIFY_UP : NOTIFY_DOWN, NULL);
}

static void server_changed(struct scripts *scripts, const struct model *m,
			   const struct msg_server_health *now, const struct msg *former)
{
	const struct real_server *r = find_server(m, now->service, now->server);

	if (!r)
		return;
	if (now->up != (former ? former->server_health.up : starts_up(r)))
		run_server(scripts, m, r, now->up);
}

static void run_service(struct scripts *scripts, const struct model *m,
			const struct virtual_server *vs, bool up)
{
	char owner[TEXT_MAX];

	run_event(scripts, m, vs->id, virtual_server_format(vs, owner), vs->notifies,
		  vs->n_notifies, up ? NOTIFY_UP : NOTIFY_DOWN, up ? "quorum_up" : "quorum_down",
		  NULL);
}

/* The first quorum is told too, as keepalived does. */
static void service_changed(struct scripts *scripts, const struct model *m,
			    const struct msg_service_state *now, const struct msg *former)
{
	const struct virtual_server *vs = model_find_service(m, now->service);

	if (vs && (!former || former->service_state.quorum_up != now->quorum_up))
		run_service(scripts, m, vs, now->quorum_up);
}

void notify_change(struct scripts *scripts, const struct model *m, const struct msg *now,
		   const struct msg *former)
{
	if (now->type == MSG_VRRP_STATE) {
		if (!former || former->vrrp_state.state != now->vrrp_state.state)
			instance_changed(scripts, m, &now->vrrp_state);
	} else if (now->type == MSG_GROUP_STATE) {
		if (!former || former->group_state.state != now->group_state.state)
			group_changed(scripts, m, &now->group_state);
	} else if (now->type == MSG_SERVER_HEALTH) {
		server_changed(scripts, m, &now->server_health, former);
	} else if (now->type == MSG_SERVICE_STATE) {
		service_changed(scripts, m, &now->service_state, former);
	}
}

void notify_omega(struct scripts *scripts, const struct model *m,
		  bool (*was_up)(void *ctx, enum msg_type type, uint64_t id), void *ctx)
{
	for (uint32_t i = 0; i < m->n_services; i++) {
		const struct virtual_server *vs = &m->services[i];

		if (!vs->omega)
			continue;
		for (uint32_t k = 0; k < vs->n_servers; k++)
			if (was_up(ctx, MSG_SERVER_HEALTH, vs->servers[k].id))
				run_server(scripts, m, &vs->servers[k], false);
		if (was_up(ctx, MSG_SERVICE_STATE, vs->id))
			run_service(scripts, m, vs, false);
	}
}
