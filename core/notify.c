/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications: see notify.h. */
#include "core/notify.h"

#include "core/fifos.h"
#include "core/mails.h"
#include "core/notify_text.h"
#include "core/scripts.h"
#include "core/store.h"

#include <stdio.h>

/* An object that scripts are called for. */
struct object {
	uint64_t id;
	const char *owner; /* for the log */
	const struct notify *notifies;
	uint32_t n;
};

/* `event` is the keyword, for the log. `args` are for NOTIFY_ANY. */
static void run_event(const struct notify_outlets *to, const struct model *m,
		      const struct object *o, enum notify_on on, const char *event,
		      const char *const *args)
{
	for (uint32_t i = 0; i < o->n; i++)
		if (o->notifies[i].on == on)
			scripts_notify(to->scripts, o->id, o->owner, event, &o->notifies[i],
				       m->global, args);
}

static void run_all(const struct notify_outlets *to, const struct model *m, const struct object *o,
		    enum notify_on on, const char *const *args)
{
	run_event(to, m, o, on, notify_on_name(on), args);
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

/* What keepalived says of an instance or a group: `type` is "INSTANCE" or "GROUP". */
struct vrrp_event {
	const char *type;
	const char *name;
	const char *state;
	uint8_t priority;
};

static void write_vrrp(const struct notify_outlets *to, const struct vrrp_event *e)
{
	char line[NOTIFY_LINE_MAX];

	fifos_write(to->fifos, NOTIFY_FIFO_VRRP,
		    notify_vrrp_line(e->type, e->name, e->state, e->priority, line));
}

/* keepalived runs the state's own script first, then the one for all states. */
static void tell_vrrp(const struct notify_outlets *to, const struct model *m,
		      const struct object *o, enum notify_on on, const struct vrrp_event *e)
{
	const char *args[] = {e->type, e->name, e->state, NULL, NULL};
	char priority[8];

	snprintf(priority, sizeof(priority), "%u", e->priority);
	args[3] = priority;
	run_all(to, m, o, on, NULL);
	run_all(to, m, o, NOTIFY_ANY, args);
	write_vrrp(to, e);
}

/* Mail of instances and groups: as keepalived, not of a state that the last mail told already. */
static bool wants_mail(const struct notify_outlets *to, const struct model *m, bool smtp_alert,
		       uint64_t id, enum vrrp_state_id state)
{
	return smtp_alert && (state != VRRP_STATE_FAULT || !m->global->no_email_faults) &&
	       mails_is_news(to->mails, id, state);
}

static struct object instance_object(const struct vrrp_instance *v)
{
	return (struct object){v->id, v->name, v->notifies, v->n_notifies};
}

static struct vrrp_event instance_event(const struct vrrp_instance *v,
					const struct msg_vrrp_state *now)
{
	return (struct vrrp_event){"INSTANCE", v->name,
				   vrrp_state_name((enum vrrp_state_id)now->state), now->priority};
}

static void instance_state_changed(const struct notify_outlets *to, const struct model *m,
				   const struct vrrp_instance *v, const struct msg_vrrp_state *now)
{
	const enum vrrp_state_id state = (enum vrrp_state_id)now->state;
	const struct object o = instance_object(v);
	const struct vrrp_event e = instance_event(v, now);
	enum notify_on on;
	struct mail mail;

	if (!script_for(state, &on))
		return;
	tell_vrrp(to, m, &o, on, &e);
	if (mail_of_instance(&mail, m, v->name, state) &&
	    wants_mail(to, m, v->smtp_alert, v->id, state))
		mails_send(to->mails, &mail);
}

static void instance_priority_changed(const struct notify_outlets *to,
				      const struct vrrp_instance *v,
				      const struct msg_vrrp_state *now)
{
	struct vrrp_event e = instance_event(v, now);

	e.state = now->state == VRRP_STATE_ACTIVE ? "MASTER_PRIORITY" : "BACKUP_PRIORITY";
	write_vrrp(to, &e);
}

/* Another router with a lower priority says that it is Active, while we are. */
static void instance_heard_rival(const struct notify_outlets *to, const struct model *m,
				 const struct vrrp_instance *v, const struct msg_vrrp_state *now)
{
	const struct object o = instance_object(v);
	struct vrrp_event e = instance_event(v, now);

	e.state = "MASTER_RX_LOWER_PRI";
	run_all(to, m, &o, NOTIFY_MASTER_RX_LOWER_PRI, NULL);
	write_vrrp(to, &e);
}

static void instance_changed(const struct notify_outlets *to, const struct model *m,
			     const struct msg_vrrp_state *now, const struct msg_vrrp_state *former)
{
	const struct vrrp_instance *v = model_find_instance(m, now->instance);

	if (!v)
		return;
	if (!former || former->state != now->state)
		instance_state_changed(to, m, v, now);
	else if (former->priority != now->priority && v->notify_priority_changes)
		instance_priority_changed(to, v, now);
	if (former && now->rivals > former->rivals)
		instance_heard_rival(to, m, v, now);
}

/* A group has no priority: keepalived says 0. */
static struct vrrp_event group_event(const struct sync_group *g, const struct msg_group_state *now)
{
	return (struct vrrp_event){"GROUP", g->name,
				   vrrp_state_name((enum vrrp_state_id)now->state), 0};
}

static void group_changed(const struct notify_outlets *to, const struct model *m,
			  const struct msg_group_state *now, const struct msg_group_state *former)
{
	const struct sync_group *g = model_find_group(m, now->group);
	const enum vrrp_state_id state = (enum vrrp_state_id)now->state;
	struct vrrp_event e;
	enum notify_on on;
	struct mail mail;

	if (!g || (former && former->state == now->state) ||
	    !script_for(state, &on))
		return;
	e = group_event(g, now);
	tell_vrrp(to, m, &(struct object){g->id, g->name, g->notifies, g->n_notifies}, on, &e);
	if (mail_of_group(&mail, m, g->name, state) &&
	    wants_mail(to, m, g->smtp_alert, g->id, state))
		mails_send(to->mails, &mail);
}

/* Real and virtual servers */

static const struct real_server *find_server(const struct virtual_server *vs, uint64_t server)
{
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

static void mail_server(const struct notify_outlets *to, const struct model *m,
			const struct virtual_server *vs, const struct real_server *r, bool up,
			const char *why)
{
	struct mail mail;

	if (!r->smtp_alert)
		return;
	mail_of_server(&mail, m, vs, r, up, why);
	mails_send(to->mails, &mail);
}

static void tell_server(const struct notify_outlets *to, const struct model *m,
			const struct virtual_server *vs, const struct real_server *r, bool up)
{
	char owner[ADDR_TEXT_MAX], line[NOTIFY_LINE_MAX];
	const struct object o = {r->id, addr_format_port(&r->address, r->port, owner), r->notifies,
				 r->n_notifies};

	run_all(to, m, &o, up ? NOTIFY_UP : NOTIFY_DOWN, NULL);
	fifos_write(to->fifos, NOTIFY_FIFO_LVS, notify_server_line(vs, r, up, line));
}

static void server_changed(const struct notify_outlets *to, const struct model *m,
			   const struct msg_server_health *now, const struct msg *former)
{
	const struct virtual_server *vs;
	const struct real_server *r;

	if (former && now->up == former->server_health.up)
		return;
	vs = model_find_service(m, now->service);
	r = find_server(vs, now->server);
	if (!r || (!former && now->up == starts_up(r)))
		return;
	tell_server(to, m, vs, r, now->up);
	mail_server(to, m, vs, r, now->up, now->reason.s);
}

static void mail_service(const struct notify_outlets *to, const struct model *m,
			 const struct virtual_server *vs, bool up, enum mail_quorum why,
			 uint32_t weight_up)
{
	struct mail mail;

	if (!vs->smtp_alert)
		return;
	mail_of_service(&mail, m, vs, up, why, weight_up);
	mails_send(to->mails, &mail);
}

static void tell_service(const struct notify_outlets *to, const struct model *m,
			 const struct virtual_server *vs, bool up)
{
	char owner[TEXT_MAX], line[NOTIFY_LINE_MAX];
	const struct object o = {vs->id, virtual_server_format(vs, owner), vs->notifies,
				 vs->n_notifies};

	run_event(to, m, &o, up ? NOTIFY_UP : NOTIFY_DOWN, up ? "quorum_up" : "quorum_down", NULL);
	fifos_write(to->fifos, NOTIFY_FIFO_LVS, notify_service_line(vs, up, line));
}

/* The first quorum is told too, as keepalived does. */
static void service_changed(const struct notify_outlets *to, const struct model *m,
			    const struct msg_service_state *now, const struct msg *former)
{
	const struct virtual_server *vs;

	if (former && former->service_state.quorum_up == now->quorum_up)
		return;
	vs = model_find_service(m, now->service);
	if (!vs)
		return;
	tell_service(to, m, vs, now->quorum_up);
	mail_service(to, m, vs, now->quorum_up,
		     former ? MAIL_QUORUM_CHANGED : MAIL_QUORUM_FIRST, now->weight_up);
}

void notify_change(const struct notify_outlets *to, const struct model *m, const struct msg *now,
		   const struct msg *former)
{
	if (now->type == MSG_VRRP_STATE)
		instance_changed(to, m, &now->vrrp_state, former ? &former->vrrp_state : NULL);
	else if (now->type == MSG_GROUP_STATE)
		group_changed(to, m, &now->group_state, former ? &former->group_state : NULL);
	else if (now->type == MSG_SERVER_HEALTH)
		server_changed(to, m, &now->server_health, former);
	else if (now->type == MSG_SERVICE_STATE)
		service_changed(to, m, &now->service_state, former);
}

/* Models */

static void mail_removed(const struct notify_outlets *to, const struct model *former,
			 const struct vrrp_instance *v)
{
	struct mail mail;

	if (!v->smtp_alert)
		return;
	mail_of_removed(&mail, former, v->name);
	mails_send(to->mails, &mail);
	mails_is_news(to->mails, v->id, VRRP_STATE_INITIALIZE); /* should it come again */
}

/* As keepalived: FAULT, unless it is asked to say DELETED. */
static void tell_removed(const struct notify_outlets *to, const struct model *former,
			 const struct vrrp_instance *v, const struct store *s)
{
	const struct object o = instance_object(v);
	struct vrrp_event e = {"INSTANCE", v->name, v->notify_deleted ? "DELETED" : "FAULT",
			       v->priority};
	struct msg last;

	if (store_get(s, MSG_VRRP_STATE, v->id, &last))
		e.priority = last.vrrp_state.priority;
	tell_vrrp(to, former, &o, v->notify_deleted ? NOTIFY_DELETED : NOTIFY_FAULT, &e);
	mail_removed(to, former, v);
}

static void tell_all_vrrp(const struct notify_outlets *to, const struct model *m,
			  const struct store *s)
{
	struct vrrp_event e;
	struct msg last;

	for (uint32_t i = 0; i < m->n_instances; i++) {
		if (!store_get(s, MSG_VRRP_STATE, m->instances[i].id, &last))
			continue;
		e = instance_event(&m->instances[i], &last.vrrp_state);
		write_vrrp(to, &e);
	}
	for (uint32_t i = 0; i < m->n_groups; i++) {
		if (!store_get(s, MSG_GROUP_STATE, m->groups[i].id, &last))
			continue;
		e = group_event(&m->groups[i], &last.group_state);
		write_vrrp(to, &e);
	}
}

/* rs_init_notifies: of those that nothing is known of yet. */
static void tell_new_servers(const struct notify_outlets *to, const struct model *former,
			     const struct model *m, const struct store *s)
{
	struct msg last;

	for (uint32_t i = 0; i < m->n_services; i++) {
		const struct virtual_server *vs = &m->services[i];
		const struct virtual_server *was =
			former ? model_find_service(former, vs->id) : NULL;

		for (uint32_t k = 0; k < vs->n_servers; k++)
			if (!find_server(was, vs->servers[k].id) && starts_up(&vs->servers[k]) &&
			    !store_get(s, MSG_SERVER_HEALTH, vs->servers[k].id, &last))
				tell_server(to, m, vs, &vs->servers[k], true);
	}
}

void notify_model(const struct notify_outlets *to, const struct model *former,
		  const struct model *now, const struct store *s)
{
	for (uint32_t i = 0; former && i < former->n_instances; i++)
		if (!model_find_instance(now, former->instances[i].id))
			tell_removed(to, former, &former->instances[i], s);
	if (former && now->global->fifo_write_vrrp_states_on_reload)
		tell_all_vrrp(to, now, s);
	if (now->global->rs_init_notifies)
		tell_new_servers(to, former, now, s);
}

/* Without a verdict it counts as up, as for the roles. */
static bool was_up(const struct store *s, enum msg_type type, uint64_t id)
{
	struct msg m;

	if (!store_get(s, type, id, &m))
		return true;
	return type == MSG_SERVER_HEALTH ? m.server_health.up : m.service_state.quorum_up;
}

static void omega_server(const struct notify_outlets *to, const struct model *m,
			 const struct virtual_server *vs, const struct real_server *r)
{
	tell_server(to, m, vs, r, false);
	mail_server(to, m, vs, r, false, MAIL_SHUT_DOWN_WHY);
}

static void omega_service(const struct notify_outlets *to, const struct model *m,
			  const struct virtual_server *vs)
{
	tell_service(to, m, vs, false);
	mail_service(to, m, vs, false, MAIL_SHUTTING_DOWN, 0);
}

void notify_omega(const struct notify_outlets *to, const struct model *m, const struct store *s)
{
	for (uint32_t i = 0; i < m->n_services; i++) {
		const struct virtual_server *vs = &m->services[i];

		if (!vs->omega)
			continue;
		for (uint32_t k = 0; k < vs->n_servers; k++)
			if (was_up(s, MSG_SERVER_HEALTH, vs->servers[k].id))
				omega_server(to, m, vs, &vs->servers[k]);
		if (was_up(s, MSG_SERVICE_STATE, vs->id))
			omega_service(to, m, vs);
	}
}
