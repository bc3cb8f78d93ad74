/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the other directors have told of the real servers, and for which services they are Active.
 * A server that a peer has told nothing of is up there, with the weight that is configured. Keeps
 * and finds, judges nothing. Pure.
 */
#ifndef TANDEM_IPVS_PEERS_H
#define TANDEM_IPVS_PEERS_H

#include "core/clock.h"
#include "core/msg.h"

#define PEERS_MAX 16
/* tandem-sync says each second who is heard; when it has not said so for so long, nobody knows. */
#define PEER_AGE_US (5 * USEC_PER_SEC)

/* Who is Active for this, which is no service, has told all that it has to tell: of who has not, as
 * a director that is only just starting, nothing is known. */
#define PEER_HAS_TOLD 0

/* What a peer says of one object, which is not the default. */
struct peer_word {
	uint64_t id; /* of a real server, or of a service that it is Active for */
	bool up;
	uint16_t feedback_permille;
	int32_t weight;
};

struct peer {
	uint64_t node; /* 0: a free place */
	struct addr address;
	int64_t heard_us; /* 0: not all that it tells has come yet */
	bool fresh;	  /* heard, as peers_look() has found it last */
	struct peer_word *words; /* sorted by id */
	uint32_t n_words;
};

struct peers {
	struct peer list[PEERS_MAX];
};

void peers_done(struct peers *p); /* all zero again */

void peers_view(struct peers *p, const struct msg_server_view *m);
void peers_led(struct peers *p, const struct msg_service_led *m);
void peers_heard(struct peers *p, const struct msg_peer_heard *m, int64_t now_us);
/* True when somebody is fresh who was not, or the other way round, since the last time. */
bool peers_look(struct peers *p, int64_t now_us);

/* Of those that are fresh: who is Active for the service. When several say so, all directors
 * choose the same. NULL: nobody. */
const struct peer *peers_leader(const struct peers *p, uint64_t service);
/* The first that sees the server otherwise than `up`; NULL: nobody who is fresh. */
const struct peer *peers_differing(const struct peers *p, uint64_t server, bool up);
/* Of a real server; NULL: as configured. */
const struct peer_word *peer_says(const struct peer *p, uint64_t server);

#endif
