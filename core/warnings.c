/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator should look at: see warnings.h. */
#include "core/warnings.h"

#include "core/clock.h"
#include "core/fifos.h"
#include "core/supervisor.h"

#include <stdarg.h>
#include <stdio.h>

/* A screen is of no use when it is full of the same sentence. */
#define OF_ONE_KIND_MAX 10

struct warner {
	const struct supervisor *s;
	void (*warn)(void *ctx, const char *sentence);
	void *ctx;
	unsigned n; /* of this kind */
};

static void __attribute__((format(printf, 2, 3))) say(struct warner *w, const char *fmt, ...)
{
	char sentence[640];
	va_list ap;

	if (w->n++ >= OF_ONE_KIND_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	w->warn(w->ctx, sentence);
}

static void end_kind(struct warner *w, const char *what)
{
	char sentence[80];

	snprintf(sentence, sizeof(sentence), "and %u more %s", w->n - OF_ONE_KIND_MAX, what);
	if (w->n > OF_ONE_KIND_MAX)
		w->warn(w->ctx, sentence);
	w->n = 0;
}

static void about_roles(struct warner *w)
{
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		const struct process *p = w->s->processes[i];
		const char *name = role_name(p->desc->id);

		if (!supervisor_wants(w->s, p->desc->id))
			continue;
		if (!process_is_ready(p))
			say(w, "%s is %s, not serving", name, process_phase_name(p->phase));
		else if (w->s->snapshot.stale & p->desc->id)
			say(w, "%s does not answer: what is shown of it is the last known", name);
		if (p->restarts)
			say(w, "%s has been started again %u times", name, p->restarts);
	}
	end_kind(w, "about roles");
}

static void about_instances(struct warner *w)
{
	const struct model *m = w->s->running.model;
	struct msg state;

	for (uint32_t i = 0; i < m->n_instances; i++)
		if (store_get(&w->s->store, MSG_VRRP_STATE, m->instances[i].id, &state) &&
		    state.vrrp_state.state == VRRP_STATE_FAULT)
			say(w, "%s is in FAULT: %s", m->instances[i].name,
			    state.vrrp_state.reason.s);
	end_kind(w, "instances in FAULT");
}

static void about_kernel(struct warner *w)
{
	struct msg m;

	if (!w->s->running.model->n_services || !store_get(&w->s->store, MSG_IPVS_STATE, 0, &m))
		return;
	if (!m.ipvs_state.available)
		say(w, "the kernel's IPVS can't be used: %s", m.ipvs_state.reason.s);
	else if (m.ipvs_state.reason.s[0])
		say(w, "IPVS: %s", m.ipvs_state.reason.s);
	end_kind(w, "about IPVS");
}

static void about_service(struct warner *w, const struct virtual_server *vs)
{
	char text[TEXT_MAX];
	struct msg m;

	if (store_get(&w->s->store, MSG_SERVICE_STATE, vs->id, &m) && !m.service_state.quorum_up)
		say(w, "%s has lost its quorum: weight %u of %u up%s",
		    virtual_server_format(vs, text), m.service_state.weight_up, vs->quorum,
		    m.service_state.sorry ? "; the sorry server serves" : "");
}

static void about_server(struct warner *w, const struct virtual_server *vs,
			 const struct real_server *r)
{
	char service[TEXT_MAX], server[ADDR_TEXT_MAX];
	struct msg m;

	if (store_get(&w->s->store, MSG_SERVER_HEALTH, r->id, &m) && !m.server_health.up)
		say(w, "%s: real server %s is down: %s", virtual_server_format(vs, service),
		    addr_format_port(&r->address, r->port, server), m.server_health.reason.s);
}

/* After a takeover it would be missed, or be sent clients in vain. */
static void about_view(struct warner *w, const struct virtual_server *vs,
		       const struct real_server *r)
{
	char service[TEXT_MAX], server[ADDR_TEXT_MAX], peer[ADDR_TEXT_MAX];
	struct msg m;

	if (store_get(&w->s->store, MSG_SERVER_WEIGHT, r->id, &m) && m.server_weight.differs)
		say(w, "%s: real server %s: peer %s says %s, we say %s",
		    virtual_server_format(vs, service),
		    addr_format_port(&r->address, r->port, server),
		    addr_format(&m.server_weight.peer, peer), m.server_weight.peer_up ? "up" : "down",
		    m.server_weight.peer_up ? "down" : "up");
}

static void about_services(struct warner *w)
{
	const struct model *m = w->s->running.model;

	for (uint32_t i = 0; i < m->n_services; i++)
		about_service(w, &m->services[i]);
	end_kind(w, "services without quorum");
	for (uint32_t i = 0; i < m->n_services; i++)
		for (uint32_t k = 0; k < m->services[i].n_servers; k++)
			about_server(w, &m->services[i], &m->services[i].servers[k]);
	end_kind(w, "real servers down");
	for (uint32_t i = 0; i < m->n_services; i++)
		for (uint32_t k = 0; k < m->services[i].n_servers; k++)
			about_view(w, &m->services[i], &m->services[i].servers[k]);
	end_kind(w, "real servers that a peer sees otherwise");
}

static void about_paths(struct warner *w, unsigned rows)
{
	struct msg m;

	for (unsigned i = 0; i < rows; i++)
		if (store_get(&w->s->store, MSG_SYNC_LINK, i, &m) && m.sync_link.trouble.s[0])
			say(w, "sync path %s does not work: %s", m.sync_link.name.s,
			    m.sync_link.trouble.s);
	end_kind(w, "sync paths that do not work");
}

/* One that is heard, but does not hear us, would take over without our connections. */
static void about_peers(struct warner *w, unsigned rows)
{
	char peer[ADDR_TEXT_MAX];
	struct msg m;

	for (unsigned i = 0; i < rows; i++) {
		const struct msg_sync_peer *p = &m.sync_peer;

		if (!store_get(&w->s->store, MSG_SYNC_PEER, i, &m) || !p->node ||
		    (p->in_state != SYNC_IN_TELLING && p->in_state != SYNC_IN_SYNCED))
			continue;
		if (p->out_state == SYNC_OUT_UNFOLLOWED)
			say(w, "sync: peer %s does not follow us: it is told none of our connections",
			    addr_format(&p->address, peer));
		if (p->difference.s[0])
			say(w, "sync: peer %s: %s", addr_format(&p->address, peer), p->difference.s);
	}
	end_kind(w, "about peers of sync");
}

static void about_sync(struct warner *w)
{
	struct msg m;

	if (!w->s->running.model->global->n_peering ||
	    !store_get(&w->s->store, MSG_SYNC_STATE, 0, &m))
		return;
	about_paths(w, m.sync_state.links);
	about_peers(w, m.sync_state.rows);
	if (m.sync_state.kernel_peer.s[0])
		say(w, "sync: kernel-multicast on %s", m.sync_state.kernel_peer.s);
	end_kind(w, "about sync");
}

static void about_fifo(void *ctx, const struct fifo_status *f)
{
	struct warner *w = ctx;

	if (!f->open)
		say(w, "%s %s is not open: nothing is written to it", f->keyword, f->path);
	else if (f->lost)
		say(w, "%s %s: its reader does not keep up: %llu lines were lost", f->keyword,
		    f->path, (unsigned long long)f->lost);
}

static void about_config(struct warner *w)
{
	const struct reload_result *last = &w->s->reload.last;
	const struct diags *d = &w->s->running.diags;

	if (last->serial && last->outcome != RELOAD_COMMITTED && last->outcome != RELOAD_UNCHANGED)
		say(w, "the last reload was not taken over: %s", last->message);
	if (d->n_warnings || d->n_not_honoured)
		say(w, "%s: %zu warnings, %zu keywords not yet honoured: tandemd -t=%s shows them",
		    w->s->options.config_file, d->n_warnings, d->n_not_honoured,
		    w->s->options.config_file);
	end_kind(w, "about the configuration");
}

static void about_apply(struct warner *w)
{
	const struct apply *a = &w->s->apply;
	long long left_s = (a->until_us - clock_now_us()) / USEC_PER_SEC;

	if (a->until_us != USEC_NEVER)
		say(w,
		    "%s waits to be confirmed: in %lld s the former configuration comes back; "
		    "\"tandemctl confirm\" keeps it",
		    a->file, left_s);
	else if (a->file[0])
		say(w, "what runs is %s, not %s: the next reload or start reads that one again",
		    a->file, w->s->options.config_file);
	end_kind(w, "about apply");
}

void warnings_each(const struct supervisor *s, void (*warn)(void *ctx, const char *sentence),
		   void *ctx)
{
	struct warner w = {.s = s, .warn = warn, .ctx = ctx};

	about_roles(&w);
	about_instances(&w);
	about_kernel(&w);
	about_services(&w);
	about_sync(&w);
	fifos_each(s->outlets.fifos, about_fifo, &w);
	end_kind(&w, "about FIFOs");
	about_config(&w);
	about_apply(&w);
}
