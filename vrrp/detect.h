/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the Active router dead? An answer within a few heartbeats, beside the Active_Down_Timer of
 * RFC 9568, which needs three advertisements. Pure: no clock, socket or log.
 *
 * There are two witnesses, and the router is dead when both have fallen silent:
 *
 *   heartbeats   its tandem-vrrp sends one each interval, by all paths of the sync block, and says
 *                in it what it is Active for (beat.h);
 *   answers      its kernel answers pings that this node sends by the interface of VRRP.
 *
 * Neither proves anything alone. Without heartbeats, the sync link may be cut, or the process
 * killed, stopped or held up, while its kernel has the addresses and forwards: pings are answered,
 * nobody takes over. Without answers, the interface of VRRP may be cut or a firewall in between:
 * heartbeats come, nobody takes over by this. What remains then is VRRP, with its own time.
 * Heartbeats and answers never keep a role: the Active_Down_Timer does not know of them.
 *
 * The rule. Let I be the interval of the heartbeats.
 *
 * 1. The detector is armed when DETECT_ARM heartbeats came from the very router whose
 *    advertisements this node follows, each saying that it is Active, and when two thirds of the
 *    pings of late, one each I, were answered. So a way that is not there, or that somebody limits,
 *    is known before it is relied upon.
 * 2. Once a heartbeat is late by I/2, and a ping was answered within 5 I, there is doubt: pings go
 *    five times as often. Answers that ended earlier ended for another reason.
 * 3. The router is lost when for 3 I there was no sign of life - no heartbeat, no answer, no
 *    advertisement - while at least DETECT_DOUBT_PINGS pings went out over 5/4 I. A sign of life
 *    in doubt starts the 3 I anew.
 * 4. This process is held up when it runs later than detect_deadline() said. By more than I/2, that
 *    time does not count: nobody could be asked or heard in it, so rules 2 and 5 go on from where
 *    they were, and doubt begins anew. By more than I, nobody is lost for as long again and
 *    DETECT_RECOVER intervals: what it might have heard may have been thrown away, its network may
 *    need a moment, and what held it up may hold up its peer, too. Pings are more frequent only
 *    towards the end of that time, as answers missed before would count against rule 1. By more
 *    than DETECT_AWAY intervals: disarmed, until rule 1 holds again. What waits in its sockets is
 *    taken in before any judgement.
 * 5. With heartbeats gone for DETECT_FORGET intervals and answers still there, the way of the
 *    heartbeats is broken, not the router: disarmed, until rule 1 holds again.
 *
 * Lost, the Backups wait for their Skew_Time as RFC 9568 §6.1 has it, with I in the place of the
 * advertisements' interval; a sign of life until then calls it off (vrrp/machine.c).
 *
 * A cut of either way alone makes no Backup take over, unless the other witness falls silent in the
 * same moments by chance. A cut of both is what VRRP too would take for the death of the Active: it
 * only comes to that sooner, and when the cut is over the better of the two Actives remains, as
 * ever. With a loss of 5 % each way, rule 3 needs three heartbeats and nine pings or their answers
 * to be lost in a row: 0.05^3 × 0.0975^9, once in 1,500 years of 200 heartbeats a second.
 * tests/fake/detect_sim runs it with held up processes and directors, and counts the deaths beside
 * hold-ups that are left to VRRP.
 */
#ifndef TANDEM_VRRP_DETECT_H
#define TANDEM_VRRP_DETECT_H

#include "core/clock.h"

#include <stdbool.h>
#include <stdint.h>

#define DETECT_ARM	   20
#define DETECT_DOUBT_PINGS 5
#define DETECT_ANSWER	   5 /* intervals */
#define DETECT_RECOVER	   5 /* so */
#define DETECT_AWAY	   100 /* so */
#define DETECT_FORGET	   20 /* so */
#define DETECT_HISTORY	   64 /* pings that are remembered */
#define DETECT_IN_FLIGHT   4  /* of those, too young to count */

struct detect {
	int64_t interval_us; /* of its heartbeats, as it says; 0: none is heard */
	int64_t beat_us;     /* the last heartbeat; later by what rule 4 does not count */
	unsigned beats;	     /* since something was wrong, up to DETECT_ARM */
	int64_t alive_us;    /* the last sign of life */
	bool lost;
	/* Pings. */
	int64_t ping_at_us;
	uint16_t seq;	   /* of the last one */
	unsigned pings;	   /* sent, up to DETECT_HISTORY */
	uint64_t answered; /* bit i: the ping with sequence number seq - i */
	int64_t answer_us; /* the last answer; later by what rule 4 does not count */
	/* Doubt. */
	int64_t doubt_us; /* since when; USEC_NEVER: there is none */
	int64_t seen_us;  /* this process ran, last */
	int64_t judge_us; /* not before: it was held up */
	unsigned doubt_pings;
};

enum detect_verdict {
	DETECT_NOTHING,
	DETECT_LOST,
	DETECT_ALIVE, /* it was called lost, and is not */
};

void detect_init(struct detect *d);
/* A heartbeat that says that it is Active. `interval_us` > 0. */
enum detect_verdict detect_beat(struct detect *d, int64_t now_us, int64_t interval_us);
enum detect_verdict detect_answer(struct detect *d, int64_t now_us, uint16_t seq);
enum detect_verdict detect_advert(struct detect *d, int64_t now_us);
/* Time has passed. *ret_ping: a ping with number d->seq is to be sent. */
enum detect_verdict detect_tick(struct detect *d, int64_t now_us, bool *ret_ping);
/* When detect_tick() is due; USEC_NEVER: not before another heartbeat. */
int64_t detect_deadline(const struct detect *d);

bool detect_is_in_doubt(const struct detect *d);
bool detect_is_armed(const struct detect *d);
/* Enough pings of late were answered. */
bool detect_is_answered(const struct detect *d);

#endif
