/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the directors tell each other beside connections, as the peering keeps and compares it
 * (notes.h has the bytes): what is configured, what operators want, how the virtual routers are, and
 * what each makes of the real servers, which is for tandem-ipvs. What they say at a hand-over is
 * peering_handover.c's.
 */
#include "sync/peering.h"

#include <stdlib.h>
#include <string.h>

/* Of one peer, in memory, each some 100 bytes. */
#define VIEWS_MAX 131072

const struct peer_notes *peering_notes(const struct peering *p, uint64_t node)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
		if (p->notes[i].node == node)
			return &p->notes[i];
	return NULL;
}

static bool is_same_director(const struct peering *p, uint64_t a, uint64_t b)
{
	const struct peer_notes *m = peering_notes(p, a), *n = peering_notes(p, b);

	return m && n && n->config.name.s[0] && !strcmp(m->config.name.s, n->config.name.s);
}

/* Unheard since the other has a stream, but for what was on its way: of two that are called alike by
 * mistake both go on. */
bool peering_is_former(const struct peering *p, const struct sync_peer_state *s)
{
	for (unsigned i = 0; i < sync_session_peers(p->session); i++) {
		struct sync_peer_state other;

		sync_session_peer(p->session, i, 0, &other);
		if (other.node && other.node != s->node && other.following &&
		    s->heard_us < other.stream_us + p->conf.heartbeat_us &&
		    is_same_director(p, s->node, other.node))
			return true;
	}
	return false;
}

void peering_forget_former(struct peering *p)
{
	for (unsigned i = 0; i < sync_session_peers(p->session); i++) {
		struct sync_peer_state s;

		sync_session_peer(p->session, i, 0, &s);
		if (s.node && peering_is_former(p, &s))
			sync_session_forget(p->session, s.node);
	}
}

static const char *name_peer(const struct peering *p, uint64_t node, char text[ADDR_TEXT_MAX])
{
	struct addr address = peering_address(p, node);

	return addr_format(&address, text);
}

/* Once for each change, on both nodes: both have what the other says. */
static void compare_config(struct peering *p, struct peer_notes *n)
{
	const char *difference = notes_config_difference(&p->own, &n->config);
	char text[ADDR_TEXT_MAX];

	if (n->difference && strcmp(n->difference, difference) == 0)
		return;
	if (*difference)
		log_warning("peer %s, %s: %s", name_peer(p, n->node, text), n->config.name.s,
			    difference);
	else if (n->difference)
		log_notice("peer %s, %s: its configuration is as ours",
			   name_peer(p, n->node, text), n->config.name.s);
	n->difference = difference;
}

static bool is_met(const struct peering *p, uint64_t node)
{
	for (unsigned i = 0; node && i < sync_session_peers(p->session); i++) {
		struct sync_peer_state s;

		sync_session_peer(p->session, i, 0, &s);
		if (s.node == node)
			return true;
	}
	return false;
}

/* What tandem-ipvs was told of it, it is to forget. */
static void drop_views(struct peering *p, struct peer_notes *n)
{
	struct msg m = {.type = MSG_PEER_HEARD, .peer_heard = {.node = n->node}};

	if (n->heard)
		p->viewed(&m);
	n->heard = false;
	if (n->said.buckets)
		sync_table_done(&n->said);
	n->said = (struct sync_table){0};
}

/* Its own, or that of one who is not met any more: there are as many as peers. */
static struct peer_notes *place_for(struct peering *p, uint64_t node)
{
	struct peer_notes *place = NULL;

	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++) {
		if (p->notes[i].node == node)
			return &p->notes[i];
		if (!place && !is_met(p, p->notes[i].node))
			place = &p->notes[i];
	}
	if (!place)
		place = &p->notes[0];
	drop_views(p, place);
	*place = (struct peer_notes){.node = node};
	return place;
}

static void on_config(struct peering *p, uint64_t node, const struct notes_config *config)
{
	struct peer_notes *n = place_for(p, node);

	n->config = *config;
	compare_config(p, n);
}

/* Views */

static void pass_view(struct peering *p, uint64_t node, const struct sync_note *note)
{
	struct msg view = {.type = MSG_SERVER_VIEW}, led = {.type = MSG_SERVICE_LED};

	if (note->topic == NOTES_SERVER &&
	    !notes_server_decode(note->value, note->len, &view.server_view)) {
		view.server_view.node = node;
		p->viewed(&view);
	} else if (note->topic == NOTES_LED &&
		   !notes_led_decode(note->value, note->len, &led.service_led)) {
		led.service_led.node = node;
		p->viewed(&led);
	}
}

static void pass_views(struct peering *p, const struct peer_notes *n)
{
	const struct sync_entry *e = NULL;

	while (n->said.buckets && (e = sync_table_next(&n->said, e))) {
		struct sync_note note;

		sync_note_decode(e->record, &note);
		pass_view(p, n->node, &note);
	}
}

static void say_heard(struct peering *p, const struct peer_notes *n)
{
	struct msg m = {.type = MSG_PEER_HEARD,
			.peer_heard = {.node = n->node,
				       .heard = n->heard,
				       .address = peering_address(p, n->node)}};

	p->viewed(&m);
}

/* Kept for whoever begins anew beside us, tandem-ipvs or the stream that they come in. */
static void on_view(struct peering *p, uint64_t node, const struct sync_note *note)
{
	int64_t now_us = clock_now_us();
	struct peer_notes *n = place_for(p, node);

	if (!n->said.buckets && sync_table_init(&n->said, 1, node, 0))
		abort();
	if (n->said.n_notes < VIEWS_MAX)
		sync_note_put(&n->said, note, (uint32_t)(now_us / USEC_PER_SEC));
	else if (log_limit_pass(&p->limit, now_us))
		log_error("sync: a peer tells of more than %d real servers: not kept%s", VIEWS_MAX,
			  log_limit_suffix(&p->limit));
	if (n->heard)
		pass_view(p, node, note);
}

void peering_forget_views(struct peering *p, uint64_t node)
{
	drop_views(p, place_for(p, node));
}

void peering_forget_all_views(struct peering *p)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
		drop_views(p, &p->notes[i]);
}

void peering_tell_views(struct peering *p)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++) {
		if (!p->notes[i].heard)
			continue;
		pass_views(p, &p->notes[i]);
		say_heard(p, &p->notes[i]);
	}
}

/* Before all has come, what has not been told is not as configured, but unknown. */
void peering_look_at_heard(struct peering *p)
{
	for (unsigned i = 0; i < sync_session_peers(p->session); i++) {
		struct sync_peer_state s;
		struct peer_notes *n;
		bool heard;

		sync_session_peer(p->session, i, clock_now_us(), &s);
		if (!s.node)
			continue;
		n = place_for(p, s.node);
		heard = s.following && s.synced;
		if (heard && !n->heard)
			pass_views(p, n);
		if (heard || n->heard) {
			n->heard = heard;
			say_heard(p, n);
		}
	}
}

/* What can't be read is of a later version of tandem. */
void peering_hear_note(struct peering *p, const struct sync_event *event)
{
	const struct sync_note *note = &event->note;
	struct msg_server_override override;
	struct notes_routers routers;
	struct notes_drained drained;
	struct notes_config config;
	struct notes_drain drain;

	if (note->topic == NOTES_CONFIG && !notes_config_decode(note->value, note->len, &config))
		on_config(p, event->node, &config);
	else if (note->topic == NOTES_OVERRIDE &&
		 !notes_override_decode(note->value, note->len, &override))
		p->overridden(&override);
	else if (note->topic == NOTES_ROUTERS &&
		 !notes_routers_decode(note->value, note->len, &routers))
		place_for(p, event->node)->routers = routers;
	else if (note->topic == NOTES_DRAIN &&
		 !notes_drain_decode(note->value, note->len, &drain))
		peering_hear_drain(p, place_for(p, event->node), &drain);
	else if (note->topic == NOTES_DRAINED &&
		 !notes_drained_decode(note->value, note->len, &drained))
		peering_hear_drained(p, place_for(p, event->node), &drained);
	else if (note->topic == NOTES_SERVER || note->topic == NOTES_LED)
		on_view(p, event->node, note);
}

/* Into the table, whether or not there is a session yet: it is told when there is one. */
void peering_tell_note(struct peering *p, const struct sync_note *note)
{
	int64_t now_us = clock_now_us();

	if (sync_note_put(&p->table, note, (uint32_t)(now_us / USEC_PER_SEC)) < 0 &&
	    log_limit_pass(&p->limit, now_us))
		log_error("sync: no memory for what the peers are to be told%s",
			  log_limit_suffix(&p->limit));
}

void peering_tell_config(struct peering *p)
{
	uint8_t value[SYNC_NOTE_MAX];
	struct sync_note note = {.topic = NOTES_CONFIG, .value = value};

	note.len = notes_config_encode(&p->own, value);
	peering_tell_note(p, &note);
}

void peering_override(struct peering *p, const struct msg_server_override *v)
{
	uint8_t value[SYNC_NOTE_MAX];
	struct sync_note note = {.topic = NOTES_OVERRIDE, .id = v->server, .value = value};

	note.len = notes_override_encode(v, value);
	peering_tell_note(p, &note);
}

void peering_view(struct peering *p, const struct msg_server_view *v)
{
	uint8_t value[SYNC_NOTE_MAX];
	struct sync_note note = {.topic = NOTES_SERVER, .id = v->server, .value = value};

	note.len = notes_server_encode(v, value);
	peering_tell_note(p, &note);
}

void peering_led(struct peering *p, const struct msg_service_led *v)
{
	uint8_t value[SYNC_NOTE_MAX];
	struct sync_note note = {.topic = NOTES_LED, .id = v->service, .value = value};

	note.len = notes_led_encode(v, value);
	peering_tell_note(p, &note);
}

void peering_routers(struct peering *p, const struct text *words)
{
	uint8_t value[SYNC_NOTE_MAX];
	struct sync_note note = {.topic = NOTES_ROUTERS, .value = value};

	if (strcmp(words->s, p->own_routers.words.s) == 0)
		return;
	p->own_routers.words = *words;
	note.len = notes_routers_encode(&p->own_routers, value);
	peering_tell_note(p, &note);
}

void peering_set_own(struct peering *p, const struct notes_config *own)
{
	p->own = *own;
	if (!peering_runs(p))
		return;
	peering_tell_config(p);
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
		if (is_met(p, p->notes[i].node))
			compare_config(p, &p->notes[i]);
}
