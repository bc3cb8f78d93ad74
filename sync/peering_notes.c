/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the directors tell each other beside connections, as the peering keeps and compares it
 * (notes.h has the bytes): what is configured, what operators want, how the virtual routers are.
 */
#include "sync/peering.h"

#include <string.h>

const struct peer_notes *peering_notes(const struct peering *p, uint64_t node)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
		if (p->notes[i].node == node)
			return &p->notes[i];
	return NULL;
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
	*place = (struct peer_notes){.node = node};
	return place;
}

static void on_config(struct peering *p, uint64_t node, const struct notes_config *config)
{
	struct peer_notes *n = place_for(p, node);

	n->config = *config;
	compare_config(p, n);
}

/* What can't be read is of a later version of tandem. */
void peering_hear_note(struct peering *p, const struct sync_event *event)
{
	const struct sync_note *note = &event->note;
	struct msg_server_override override;
	struct notes_routers routers;
	struct notes_config config;

	if (note->topic == NOTES_CONFIG && !notes_config_decode(note->value, note->len, &config))
		on_config(p, event->node, &config);
	else if (note->topic == NOTES_OVERRIDE &&
		 !notes_override_decode(note->value, note->len, &override))
		p->overridden(&override);
	else if (note->topic == NOTES_ROUTERS &&
		 !notes_routers_decode(note->value, note->len, &routers))
		place_for(p, event->node)->routers = routers;
}

/* Into the table, whether or not there is a session yet: it is told when there is one. */
static void tell_note(struct peering *p, const struct sync_note *note)
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
	tell_note(p, &note);
}

void peering_override(struct peering *p, const struct msg_server_override *v)
{
	uint8_t value[SYNC_NOTE_MAX];
	struct sync_note note = {.topic = NOTES_OVERRIDE, .id = v->server, .value = value};

	note.len = notes_override_encode(v, value);
	tell_note(p, &note);
}

void peering_routers(struct peering *p, const struct text *words)
{
	uint8_t value[SYNC_NOTE_MAX];
	struct sync_note note = {.topic = NOTES_ROUTERS, .value = value};

	if (strcmp(words->s, p->own_routers.words.s) == 0)
		return;
	p->own_routers.words = *words;
	note.len = notes_routers_encode(&p->own_routers, value);
	tell_note(p, &note);
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
