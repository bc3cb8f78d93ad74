/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keeper and the other directors, by way of tandem-sync, tell each other of their real
 * servers, and how they come to the same weights. See keeper.h; the rule itself is agree.h's.
 */
#include "core/clock.h"
#include "core/log.h"
#include "core/role.h"
#include "ipvs/keeper_private.h"

/* Checks that see the same do so at different moments: two rounds, and no less than this. */
#define SETTLE_MIN_US (3 * USEC_PER_SEC)

const struct peer *keeper_leader(const struct keeper *k, const struct served *s)
{
	return s->led ? NULL : peers_leader(&k->peers, s->vs->id);
}

static void mark_all(struct keeper *k)
{
	for (uint32_t i = 0; i < k->n_served; i++)
		keeper_mark(k, &k->served[i]);
}

/* What is told */

static void send_led(uint64_t service, bool led)
{
	struct msg m = {.type = MSG_SERVICE_LED, .service_led = {.service = service, .led = led}};

	role_send(ROLE_SYNC, &m);
}

/* A service whose address belongs to no instance, as those of fwmarks, goes with any of them. */
static bool is_led(const struct keeper *k, const struct virtual_server *vs)
{
	if (vs->instance)
		return keeper_follows_instance(k, vs->instance) == WANTED_FOLLOWS_ACTIVE;
	for (uint32_t i = 0; i < k->n_instances; i++)
		if (k->instances[i].active)
			return true;
	return false;
}

void keeper_tell_led(struct keeper *k)
{
	for (uint32_t i = 0; i < k->n_served && k->model->global->n_peering; i++) {
		struct served *s = &k->served[i];
		bool led = is_led(k, s->vs);

		if (led == s->led)
			continue;
		s->led = led;
		send_led(s->vs->id, led);
		keeper_mark(k, s);
	}
}

static void send_view(uint64_t service, uint64_t server, const struct health_told *told)
{
	struct msg m = {.type = MSG_SERVER_VIEW,
			.server_view = {.service = service,
					.server = server,
					.configured = !told->deviates,
					.up = told->up,
					.weight = told->weight,
					.feedback_permille = told->feedback}};

	role_send(ROLE_SYNC, &m);
}

/* What the kernel is to have; all zero when that is as configured. */
static struct health_told view_of(const struct keeper *k, const struct real_server *rs,
				  const struct health_entry *e)
{
	struct health_told v = {.deviates = true, .up = pool_has(rs, e), .feedback = e->pool.feedback};

	if (v.up)
		v.weight = wanted_server_weight(rs, &k->health);
	if (v.up && v.weight == rs->weight && v.feedback == HEALTH_WHOLE)
		v = (struct health_told){0};
	return v;
}

static void tell_view(const struct keeper *k, const struct served *s, const struct real_server *rs,
		      struct health_entry *e)
{
	struct health_told v = view_of(k, rs, e);

	if (v.deviates == e->told.deviates && v.up == e->told.up && v.weight == e->told.weight &&
	    v.feedback == e->told.feedback)
		return;
	e->told = v;
	if (k->model->global->n_peering)
		send_view(s->vs->id, rs->id, &v);
}

void keeper_unsay_gone(struct keeper *k, const struct keeper *former)
{
	const struct health_told nothing = {0};

	for (uint32_t i = 0; i < former->n_served; i++) {
		const struct served *was = &former->served[i], *is = keeper_find(k, was->vs->id);

		if (!is && was->led)
			send_led(was->vs->id, false);
		for (uint32_t j = 0; j < was->vs->n_servers; j++) {
			uint64_t id = was->vs->servers[j].id;
			const struct health_entry *e = health_get(&k->health, id);

			if (e && e->told.deviates && !keeper_find_server(is, id))
				send_view(was->vs->id, id, &nothing);
		}
	}
}

void keeper_confer(struct keeper *k)
{
	peers_done(&k->peers);
	for (uint32_t i = 0; i < k->n_served; i++) {
		struct served *s = &k->served[i];

		if (s->led)
			send_led(s->vs->id, true);
		for (uint32_t j = 0; j < s->vs->n_servers; j++) {
			const struct health_entry *e = health_get(&k->health, s->vs->servers[j].id);

			if (e && e->told.deviates)
				send_view(s->vs->id, e->server, &e->told);
		}
	}
	send_led(PEER_HAS_TOLD, true);
	mark_all(k);
}

/* What is heard */

void keeper_peer_view(struct keeper *k, const struct msg_server_view *m)
{
	struct served *s = keeper_find(k, m->service);

	peers_view(&k->peers, m);
	if (s)
		keeper_mark(k, s);
}

void keeper_peer_led(struct keeper *k, const struct msg_service_led *m)
{
	struct served *s = keeper_find(k, m->service);

	peers_led(&k->peers, m);
	if (s)
		keeper_mark(k, s);
}

void keeper_peer_heard(struct keeper *k, const struct msg_peer_heard *m, int64_t now_us)
{
	peers_heard(&k->peers, m, now_us);
	keeper_peers_look(k, now_us);
}

void keeper_peers_look(struct keeper *k, int64_t now_us)
{
	if (peers_look(&k->peers, now_us))
		mark_all(k);
}

/* What follows from both */

/* Bytes are counted where they flow: so the Active's feedback is ours, to go on with. */
void keeper_follow(struct keeper *k, const struct served *s)
{
	const struct virtual_server *vs = s->vs;
	const struct peer *leader = keeper_leader(k, s);

	for (uint32_t i = 0; leader && vs->feedback == FEEDBACK_BANDWIDTH && i < vs->n_servers; i++) {
		struct health_entry *e = health_find(&k->health, vs->servers[i].id);
		const struct peer_word *word = peer_says(leader, vs->servers[i].id);

		if (e)
			e->pool.feedback = word ? word->feedback_permille : HEALTH_WHOLE;
	}
}

/* Whose view is shown beside ours, and told when it differs: the Active's, or else of one that
 * differs. While checks are suspended there is nothing to compare. */
static const struct peer *compared_with(const struct keeper *k, const struct served *s,
					const struct real_server *rs, bool up)
{
	const struct peer *leader = keeper_leader(k, s);

	if (leader || s->vs->ha_suspend)
		return leader;
	return peers_differing(&k->peers, rs->id, up);
}

static bool says_up(const struct peer *p, const struct real_server *rs)
{
	const struct peer_word *word = peer_says(p, rs->id);

	return !word || word->up;
}

static int32_t says_weight(const struct peer *p, const struct real_server *rs)
{
	const struct peer_word *word = peer_says(p, rs->id);

	if (!word)
		return rs->weight;
	return word->up ? word->weight : 0;
}

void keeper_fill_peer(const struct keeper *k, const struct served *s, const struct real_server *rs,
		      struct msg_server_weight *m)
{
	const struct health_entry *e = health_get(&k->health, rs->id);
	const struct peer *p = compared_with(k, s, rs, pool_has(rs, e));

	m->agreed = e ? e->agreed.weight : 0;
	m->differs = e && e->difference.told;
	if (!p)
		return;
	m->peer = p->address;
	m->peer_leads = p == keeper_leader(k, s);
	m->peer_up = says_up(p, rs);
	m->peer_weight = says_weight(p, rs);
}

static void log_difference(const struct served *s, const struct real_server *rs,
			   const struct health_entry *e, const struct peer *p, bool up)
{
	char name[TEXT_MAX], at[ADDR_TEXT_MAX], peer[ADDR_TEXT_MAX];

	virtual_server_format(s->vs, name);
	addr_format_port(&rs->address, rs->port, at);
	if (!p)
		log_notice("%s: real server %s: all directors say %s again", name, at,
			   up ? "up" : "down");
	else if (up)
		log_warning("%s: real server %s: peer %s says down, we say up", name, at,
			    addr_format(&p->address, peer));
	else
		log_warning("%s: real server %s: peer %s says up, we say down: %s", name, at,
			    addr_format(&p->address, peer), e->said ? e->reason : "not checked yet");
}

/* Returns when a difference will have lasted for long enough to be told; 0: there is none. */
static int64_t compare(const struct keeper *k, const struct served *s, const struct real_server *rs,
		       struct health_entry *e, int64_t now_us)
{
	int64_t settle_us = 2 * pool_checks_round_us(rs);
	bool up = pool_has(rs, e), differs;
	const struct peer *p = compared_with(k, s, rs, up);
	enum agree_news news;

	if (settle_us < SETTLE_MIN_US)
		settle_us = SETTLE_MIN_US;
	differs = p && !s->vs->ha_suspend && says_up(p, rs) != up;
	news = agree_compare(&e->difference, differs, settle_us, now_us);
	if (news != AGREE_NO_NEWS) {
		log_difference(s, rs, e, differs ? p : NULL, up);
		keeper_send_weight(k, s, rs);
	}
	return differs && !e->difference.told ? e->difference.since_us + settle_us : 0;
}

static int64_t agree(const struct keeper *k, const struct served *s, const struct real_server *rs,
		     struct health_entry *e, int64_t now_us)
{
	const struct peer *leader = keeper_leader(k, s);
	struct agree_input in = {.led = leader};
	int32_t was = e->agreed.weight;
	struct weight_factors own;
	int64_t next_us;

	pool_factors(rs, e, &own);
	in.own = pool_has(rs, e) ? weight_product(&own) : 0;
	in.theirs = leader ? says_weight(leader, rs) : 0;
	next_us = agree_step(&e->agreed, &in, now_us);
	if (e->agreed.weight != was)
		keeper_send_weight(k, s, rs);
	return next_us;
}

/* A server of which nobody says anything beside its configuration has no entry, and needs none. */
static struct health_entry *entry_of(struct keeper *k, const struct served *s,
				     const struct real_server *rs)
{
	struct health_entry *e = health_find(&k->health, rs->id);
	const struct peer *leader = keeper_leader(k, s);

	if (!e && (leader ? peer_says(leader, rs->id) != NULL
			  : peers_differing(&k->peers, rs->id, true) != NULL))
		e = health_take(&k->health, rs->id);
	return e;
}

int64_t keeper_agree(struct keeper *k, const struct served *s, int64_t now_us)
{
	int64_t next_us = 0;

	for (uint32_t i = 0; i < s->vs->n_servers; i++) {
		const struct real_server *rs = &s->vs->servers[i];
		struct health_entry *e = entry_of(k, s, rs);

		if (!e)
			continue;
		next_us = earlier_us(next_us, agree(k, s, rs, e, now_us));
		next_us = earlier_us(next_us, compare(k, s, rs, e, now_us));
		tell_view(k, s, rs, e);
	}
	return next_us;
}
