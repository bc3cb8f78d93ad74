/* SPDX-License-Identifier: Apache-2.0 */
/* The log line of an edit: see explain.h. */
#include "ipvs/explain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct line {
	char *at;
	size_t len;
};

static void add(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *l, const char *fmt, ...)
{
	size_t room = EXPLAIN_MAX - l->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->at + l->len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->len += (size_t)n < room ? (size_t)n : room - 1;
}

static struct line start(char *at, const struct ipvs_service *s)
{
	struct line l = { at, 0 };
	char key[TEXT_MAX];

	*at = '\0';
	if (s)
		add(&l, "%s: ", ipvs_key_format(&s->key, key));
	return l;
}

static const struct real_server *find_server(const struct virtual_server *vs,
					     const struct ipvs_dest *d)
{
	for (uint32_t i = 0; vs && i < vs->n_servers; i++)
		if (vs->servers[i].port == d->port &&
		    addr_equal(&vs->servers[i].address, &d->address))
			return &vs->servers[i];
	return NULL;
}

static bool is_sorry(const struct virtual_server *vs, const struct ipvs_dest *d)
{
	return vs && vs->n_sorry && vs->sorry->port == d->port &&
	       addr_equal(&vs->sorry->address, &d->address);
}

/* What the change took, which hysteresis moves away from the quorum itself. */
static void add_quorum(struct line *l, const struct virtual_server *vs,
		       const struct service_state *state, bool lost)
{
	uint32_t most = vs->quorum > vs->hysteresis ? vs->quorum - vs->hysteresis : 1;

	add(l, "weight %u up of %u wanted", state->weight_up,
	    lost ? most : vs->quorum + vs->hysteresis);
}

const char *explain_quorum(const struct virtual_server *vs, const struct service_state *state,
			   bool first, char line[EXPLAIN_MAX])
{
	struct line l = { line, 0 };
	bool lost = !state->quorum_up && !first;
	char key[TEXT_MAX];

	add(&l, "%s: quorum %s: ", virtual_server_format(vs, key),
	    lost ? "lost" : first ? "not reached" : "regained");
	add_quorum(&l, vs, state, lost);
	if (vs->n_sorry)
		add(&l, state->sorry ? ": the sorry server serves" : ": the pool serves");
	return line;
}

static void add_admin(struct line *l, const struct health_entry *e)
{
	static const char *const words[] = {
		[ADMIN_READY] = "ready",
		[ADMIN_DRAIN] = "drained",
		[ADMIN_MAINT] = "in maintenance",
		[ADMIN_DISABLED] = "disabled",
	};

	add(l, "%s by its %s", words[pool_admin(e)],
	    e->override.admin >= e->agent.admin ? "operator" : "agent");
}

static void add_reason(struct line *l, const struct ipvs_dest *d, const struct virtual_server *vs,
		       const struct service_state *state, const struct health *h)
{
	const struct real_server *rs = find_server(vs, d);
	const struct health_entry *e = rs ? health_get(h, rs->id) : NULL;
	bool said = e && e->said && rs->n_checks;

	if (is_sorry(vs, d))
		add(l, state->sorry ? "no quorum" : "the pool serves");
	else if (!rs)
		add(l, "not configured");
	else if (pool_admin(e) != ADMIN_READY)
		add_admin(l, e);
	else if (said && !e->up)
		add(l, "%s%s", e->reason, e->pool.kept ? ", but max_ejection is reached" : "");
	else if (state->sorry)
		add(l, "the sorry server serves");
	else if (said)
		add(l, "%s", e->reason);
	else if (pool_passes(rs, e))
		add(l, "configured");
	else
		add(l, "not checked yet");
}

/* Which factor a weight has got that is not the configured one. */
static void add_factors(struct line *l, const struct ipvs_dest *d, const struct virtual_server *vs,
			const struct health *h)
{
	const struct real_server *rs = find_server(vs, d);
	const struct health_entry *e = rs ? health_get(h, rs->id) : NULL;
	const char *separator = ": ";

	if (!e)
		return;
	if (e->agreed.weight) {
		add(l, ": as on the Active director");
		return;
	}
	if (e->override.has_weight)
		add(l, "%sthe operator's weight %d", separator, e->override.weight),
			separator = ", ";
	if (e->pool.ramp != HEALTH_WHOLE)
		add(l, "%sslow start %u %%", separator, e->pool.ramp / 10), separator = ", ";
	if (e->agent.percent != 100)
		add(l, "%sits agent wants %u %%", separator, e->agent.percent), separator = ", ";
	if (e->pool.feedback != HEALTH_WHOLE)
		add(l, "%sfeedback %u.%u %%", separator, e->pool.feedback / 10,
		    e->pool.feedback % 10);
}

static const char *dest_noun(const struct virtual_server *vs, const struct ipvs_dest *d)
{
	return is_sorry(vs, d) ? "sorry server" : "real server";
}

/* Counts what differs, so that the lists below get their commas. */
static void comma(struct line *l, int *n)
{
	add(l, "%s", (*n)++ ? ", " : "");
}

static void add_number(struct line *l, int *n, const char *what, int64_t was, int64_t now)
{
	if (was == now)
		return;
	comma(l, n);
	add(l, "%s %lld -> %lld", what, (long long)was, (long long)now);
}

static void add_name(struct line *l, int *n, const char *what, const char *was, const char *now)
{
	if (strcmp(was, now) == 0)
		return;
	comma(l, n);
	add(l, "%s %s -> %s", what, *was ? was : "none", *now ? now : "none");
}

static void add_service_changes(struct line *l, const struct ipvs_service *was,
				const struct ipvs_service *now)
{
	int n = 0;

	add_name(l, &n, "scheduler", was->scheduler, now->scheduler);
	if (was->flags != now->flags) {
		comma(l, &n);
		add(l, "flags 0x%x -> 0x%x", was->flags, now->flags);
	}
	add_number(l, &n, "persistence timeout", was->timeout_s, now->timeout_s);
	add_number(l, &n, "persistence prefix", was->prefixlen, now->prefixlen);
	add_name(l, &n, "persistence engine", was->engine, now->engine);
}

static void add_dest_changes(struct line *l, const struct ipvs_dest *was,
			     const struct ipvs_dest *now)
{
	int n = 0;

	add_number(l, &n, "weight", was->weight, now->weight);
	add_name(l, &n, "forwarding", ipvs_forward_name(was->forward),
		 ipvs_forward_name(now->forward));
	add_number(l, &n, "tunnel type", was->tunnel_type, now->tunnel_type);
	add_number(l, &n, "tunnel port", was->tunnel_port, now->tunnel_port);
	add_number(l, &n, "tunnel flags", was->tunnel_flags, now->tunnel_flags);
	add_number(l, &n, "upper threshold", was->upper_threshold, now->upper_threshold);
	add_number(l, &n, "lower threshold", was->lower_threshold, now->lower_threshold);
}

static void add_timeouts(struct line *l, const struct ipvs_timeouts *t)
{
	const char *separator = "timeouts set: ";

	if (t->tcp_s)
		add(l, "%stcp %u s", separator, t->tcp_s), separator = ", ";
	if (t->tcpfin_s)
		add(l, "%stcpfin %u s", separator, t->tcpfin_s), separator = ", ";
	if (t->udp_s)
		add(l, "%sudp %u s", separator, t->udp_s);
}

static void explain_service(struct line *l, const struct ipvs_edit *e, enum ipvs_cause cause,
			    const struct service_state *state)
{
	bool drift = cause == IPVS_CAUSE_DRIFT;

	if (e->kind == IPVS_EDIT_DEL_SERVICE) {
		add(l, "service removed: %s",
		    !state	   ? "no longer configured"
		    : state->away ? "its vrrp instance is not active here"
				   : "it should not be there");
	} else if (e->kind == IPVS_EDIT_NEW_SERVICE) {
		add(l, drift ? "service was missing: added again" : "service added: scheduler %s",
		    e->service->scheduler);
		if (cause == IPVS_CAUSE_VRRP)
			add(l, ": its vrrp instance is active");
	} else {
		add(l, drift ? "service was changed: put back: " : "service changed: ");
		add_service_changes(l, e->former, e->service);
	}
}

static void explain_drifted_dest(struct line *l, const struct ipvs_edit *e)
{
	if (e->kind == IPVS_EDIT_NEW_DEST) {
		add(l, "was missing: added again");
	} else if (e->kind == IPVS_EDIT_DEL_DEST) {
		add(l, "was there, but should not be: removed");
	} else {
		add(l, "was changed: put back: ");
		add_dest_changes(l, e->was, e->dest);
	}
}

static void explain_dest(struct line *l, const struct ipvs_edit *e)
{
	if (e->kind == IPVS_EDIT_NEW_DEST)
		add(l, "added with weight %d", e->dest->weight);
	else if (e->kind == IPVS_EDIT_DEL_DEST)
		add(l, "removed");
	else
		add_dest_changes(l, e->was, e->dest);
}

static void add_daemon(struct line *l, const struct ipvs_daemon *d)
{
	char text[ADDR_TEXT_MAX];

	add(l, "on %s, id %u", d->ifname, d->sync_id);
	if (d->maxlen)
		add(l, ", maxlen %u", d->maxlen);
	if (d->port)
		add(l, ", port %u", d->port);
	if (d->ttl)
		add(l, ", ttl %u", d->ttl);
	if (addr_is_set(&d->group))
		add(l, ", group %s", addr_format(&d->group, text));
}

static void explain_daemon(struct line *l, const struct ipvs_edit *e, enum ipvs_cause cause)
{
	bool started = e->kind == IPVS_EDIT_NEW_DAEMON;

	add(l, "sync daemon: %s %s ", ipvs_daemon_name(e->daemon_kind),
	    started ? "started" : "stopped");
	add_daemon(l, e->daemon);
	switch (cause) {
	case IPVS_CAUSE_DRIFT:
		add(l, started ? ": was missing or different" : ": should not be so");
		break;
	case IPVS_CAUSE_VRRP:
		add(l, ": the vrrp instance is %s",
		    started == (e->daemon_kind == IPVS_DAEMON_MASTER) ? "active" : "not active");
		break;
	case IPVS_CAUSE_MODEL:
	case IPVS_CAUSE_HEALTH:
	case IPVS_CAUSE_CLOCK:
		break;
	}
}

const char *explain_edit(const struct ipvs_edit *e, enum ipvs_cause cause,
			 const struct virtual_server *vs, const struct service_state *state,
			 const struct health *h, char line[EXPLAIN_MAX])
{
	bool drift = cause == IPVS_CAUSE_DRIFT;
	struct line l = start(line, e->service);
	char at[ADDR_TEXT_MAX];

	if (e->kind == IPVS_EDIT_SET_TIMEOUTS) {
		add_timeouts(&l, &e->timeouts);
		return line;
	}
	if (e->daemon) {
		explain_daemon(&l, e, cause);
		return line;
	}
	if (!e->dest) {
		explain_service(&l, e, cause, state);
		return line;
	}
	add(&l, "%s %s ", dest_noun(vs, e->dest),
	    addr_format_port(&e->dest->address, e->dest->port, at));
	if (e->moves) {
		add(&l, "moved to its place, so that the tables of both directors are the same");
		return line;
	}
	if (drift) {
		explain_drifted_dest(&l, e);
		return line;
	}
	explain_dest(&l, e);
	/* A setting that changed with the configuration is its own reason. */
	if (vs && (e->kind != IPVS_EDIT_SET_DEST || !e->was->weight != !e->dest->weight)) {
		add(&l, ": ");
		add_reason(&l, e->dest, vs, state, h);
	} else if (vs) {
		add_factors(&l, e->dest, vs, h);
	}
	return line;
}

static void add_missing_module(struct line *l, const struct ipvs_service *s)
{
	add(l, "the kernel has no scheduler \"%s\": run \"modprobe ip_vs_%s\"", s->scheduler,
	    s->scheduler);
	if (s->engine[0])
		add(l, ", or no persistence engine \"%s\": run \"modprobe ip_vs_pe_%s\"", s->engine,
		    s->engine);
}

const char *explain_failure(const struct ipvs_edit *e, char line[EXPLAIN_MAX])
{
	struct line l = start(line, e->service);
	char at[ADDR_TEXT_MAX];

	add(&l, "can't %s", ipvs_edit_kind_name(e->kind));
	if (e->dest)
		add(&l, " %s", addr_format_port(&e->dest->address, e->dest->port, at));
	if (e->daemon)
		add(&l, " (%s) on %s", ipvs_daemon_name(e->daemon_kind), e->daemon->ifname);
	add(&l, ": ");
	if (e->error == -ENODEV && e->daemon)
		add(&l, "there is no such interface");
	else if (e->error == -ENOENT && e->service && !e->dest)
		add_missing_module(&l, e->service);
	else if (e->error == -EINVAL && e->kind == IPVS_EDIT_NEW_DEST)
		add(&l, "no route makes its address unicast (is lo up?), or the forwarding method "
			"does not fit its address family");
	else if (e->error == -EPERM)
		add(&l, "not permitted: CAP_NET_ADMIN is missing");
	else
		add(&l, "%s", strerror(-e->error));
	return line;
}
