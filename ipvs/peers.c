/* SPDX-License-Identifier: Apache-2.0 */
/* What the other directors have told: see peers.h. */
#include "ipvs/peers.h"

#include "core/must.h"

#include <stdlib.h>
#include <string.h>

static void forget(struct peer *p)
{
	free(p->words);
	*p = (struct peer){0};
}

void peers_done(struct peers *p)
{
	for (unsigned i = 0; i < PEERS_MAX; i++)
		forget(&p->list[i]);
}

static struct peer *find(struct peers *p, uint64_t node)
{
	for (unsigned i = 0; i < PEERS_MAX; i++)
		if (p->list[i].node == node)
			return &p->list[i];
	return NULL;
}

/* Its place, new if need be; NULL when there are too many, which tandem-sync does not allow. */
static struct peer *take(struct peers *p, uint64_t node)
{
	struct peer *peer = find(p, node);

	if (!peer)
		peer = find(p, 0);
	if (peer)
		peer->node = node;
	return node ? peer : NULL;
}

/* Where the word is, or where it belongs. */
static uint32_t place_of(const struct peer *p, uint64_t id)
{
	uint32_t low = 0, high = p->n_words;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (p->words[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct peer_word *peer_says(const struct peer *p, uint64_t server)
{
	uint32_t i = place_of(p, server);

	return i < p->n_words && p->words[i].id == server ? &p->words[i] : NULL;
}

static void put(struct peer *p, const struct peer_word *word)
{
	uint32_t i = place_of(p, word->id);

	if (!peer_says(p, word->id)) {
		p->words = must(realloc(p->words, (p->n_words + 1) * sizeof(*word)));
		memmove(&p->words[i + 1], &p->words[i], (p->n_words++ - i) * sizeof(*word));
	}
	p->words[i] = *word;
}

static void drop(struct peer *p, uint64_t id)
{
	uint32_t i = place_of(p, id);

	if (peer_says(p, id))
		memmove(&p->words[i], &p->words[i + 1], (--p->n_words - i) * sizeof(*p->words));
}

void peers_view(struct peers *p, const struct msg_server_view *m)
{
	const struct peer_word word = {.id = m->server,
				       .up = m->up,
				       .weight = m->weight,
				       .feedback_permille = m->feedback_permille};
	struct peer *peer = take(p, m->node);

	if (peer && m->configured)
		drop(peer, m->server);
	else if (peer)
		put(peer, &word);
}

void peers_led(struct peers *p, const struct msg_service_led *m)
{
	struct peer *peer = take(p, m->node);

	if (peer && m->led)
		put(peer, &(struct peer_word){.id = m->service});
	else if (peer)
		drop(peer, m->service);
}

void peers_heard(struct peers *p, const struct msg_peer_heard *m, int64_t now_us)
{
	struct peer *peer = take(p, m->node);

	if (peer && m->heard) {
		peer->address = m->address;
		peer->heard_us = now_us;
	} else if (peer) {
		bool fresh = peer->fresh; /* peers_look() is to see that it no longer is */

		forget(peer);
		peer->fresh = fresh;
	}
}

bool peers_look(struct peers *p, int64_t now_us)
{
	bool changed = false;

	for (unsigned i = 0; i < PEERS_MAX; i++) {
		struct peer *peer = &p->list[i];
		bool fresh = peer->heard_us && now_us - peer->heard_us < PEER_AGE_US &&
			     peer_says(peer, PEER_HAS_TOLD);

		changed |= fresh != peer->fresh;
		peer->fresh = fresh;
	}
	return changed;
}

const struct peer *peers_leader(const struct peers *p, uint64_t service)
{
	const struct peer *leader = NULL;

	for (unsigned i = 0; i < PEERS_MAX; i++) {
		const struct peer *peer = &p->list[i];

		if (peer->fresh && peer_says(peer, service) &&
		    (!leader || peer->node < leader->node))
			leader = peer;
	}
	return leader;
}

const struct peer *peers_differing(const struct peers *p, uint64_t server, bool up)
{
	for (unsigned i = 0; i < PEERS_MAX; i++) {
		const struct peer *peer = &p->list[i];
		const struct peer_word *word = peer->fresh ? peer_says(peer, server) : NULL;

		if (peer->fresh && (word ? word->up : true) != up)
			return peer;
	}
	return NULL;
}
