/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual servers of track_virtual_server: see track_services.h. */
#include "core/track_services.h"

#include "core/must.h"
#include "core/store.h"

#include <stdlib.h>

/* False: one of its checks has not run yet. */
static bool server_has_run(const struct store *s, const struct real_server *rs, bool *ret_up)
{
	struct msg m;

	*ret_up = true;
	for (uint32_t k = 0; k < rs->n_checks; k++) {
		if (!store_get(s, MSG_CHECK_STATE, rs->checks[k].id, &m) || !m.check_state.has_run)
			return false;
		*ret_up &= m.check_state.up;
	}
	return true;
}

/* All checks have run, and tandem-ipvs has counted what they found. */
static bool is_verdict(const struct store *s, const struct virtual_server *vs,
		       const struct msg_service_state *is)
{
	uint32_t n_up = 0;
	bool up;

	for (uint32_t i = 0; i < vs->n_servers; i++) {
		if (!server_has_run(s, &vs->servers[i], &up))
			return false;
		n_up += up;
	}
	return n_up == is->servers_up;
}

static void judge(const struct track_services *t, const struct virtual_server *vs)
{
	struct msg_track_state state = {.tracker = vs->id, .up = true};
	struct msg is, was;

	if (t->unchecked) {
		text_set(&state.reason, "nothing is checked here");
		t->tell(t->ctx, &state);
		return;
	}
	if (!store_get(t->store, MSG_SERVICE_STATE, vs->id, &is))
		return;
	state.up = is.service_state.quorum_up;
	if (!state.up && !store_get(t->store, MSG_TRACK_STATE, vs->id, &was) &&
	    !is_verdict(t->store, vs, &is.service_state))
		return;
	text_set(&state.reason, state.up ? "has its quorum" : "has lost its quorum of %u",
		 vs->quorum);
	t->tell(t->ctx, &state);
}

static const struct virtual_server *find(const struct track_services *t, uint64_t id)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->list[i]->id == id)
			return t->list[i];
	return NULL;
}

static void add_all(struct track_services *t, const struct model *m, const struct vrrp_instance *v)
{
	for (uint32_t i = 0; i < v->n_tracked; i++) {
		const struct virtual_server *vs;

		if (v->tracked[i].kind != TRACK_SERVICE || find(t, v->tracked[i].tracker))
			continue;
		vs = model_find_service(m, v->tracked[i].tracker);
		t->list = must(realloc(t->list, (t->n + 1) * sizeof(*t->list)));
		t->list[t->n++] = vs;
	}
}

void track_services_done(struct track_services *t)
{
	free(t->list);
	t->list = NULL;
	t->n = 0;
}

void track_services_commit(struct track_services *t, const struct model *m)
{
	track_services_done(t);
	for (uint32_t i = 0; i < m->n_instances; i++)
		add_all(t, m, &m->instances[i]);
	for (uint32_t i = 0; i < t->n; i++)
		judge(t, t->list[i]);
}

void track_services_note(struct track_services *t, const struct msg *kept)
{
	const struct virtual_server *vs;
	struct msg known;

	if (kept->type == MSG_SERVICE_STATE) {
		vs = find(t, kept->service_state.service);
		if (vs)
			judge(t, vs);
		return;
	}
	if (kept->type != MSG_CHECK_STATE || !kept->check_state.has_run)
		return;
	for (uint32_t i = 0; i < t->n; i++)
		if (!store_get(t->store, MSG_TRACK_STATE, t->list[i]->id, &known))
			judge(t, t->list[i]);
}
