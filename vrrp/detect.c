/* SPDX-License-Identifier: Apache-2.0 */
/* Is the Active router dead: see detect.h, which numbers the rules. */
#include "vrrp/detect.h"

#define DOUBT_PACE  5 /* pings in an interval */
#define DOUBT_HURRY 2 /* intervals before a judgement */

void detect_init(struct detect *d)
{
	*d = (struct detect){.doubt_us = USEC_NEVER, .ping_at_us = USEC_NEVER};
}

bool detect_is_answered(const struct detect *d)
{
	unsigned answers = (unsigned)__builtin_popcountll(d->answered >> DETECT_IN_FLIGHT);

	return d->pings == DETECT_HISTORY &&
	       3 * answers >= 2 * (DETECT_HISTORY - DETECT_IN_FLIGHT);
}

bool detect_is_in_doubt(const struct detect *d)
{
	return d->doubt_us != USEC_NEVER;
}

/* Rule 1. */
bool detect_is_armed(const struct detect *d)
{
	return d->beats == DETECT_ARM && (detect_is_in_doubt(d) || detect_is_answered(d));
}

/* Rule 2. What was not answered before has nothing to do with the heartbeat's absence. */
static int64_t doubt_at_us(const struct detect *d)
{
	int64_t at_us = d->beat_us + d->interval_us + d->interval_us / 2;

	if (!detect_is_armed(d) || d->answer_us + DETECT_ANSWER * d->interval_us < at_us)
		return USEC_NEVER;
	return at_us;
}

static int64_t forget_at_us(const struct detect *d)
{
	return d->beat_us + DETECT_FORGET * d->interval_us;
}

static int64_t later(int64_t a_us, int64_t b_us)
{
	return a_us > b_us ? a_us : b_us;
}

static int64_t lost_at_us(const struct detect *d)
{
	int64_t silent_us = d->alive_us + 3 * d->interval_us;
	int64_t asked_us = d->doubt_us + d->interval_us + d->interval_us / 4;

	return later(later(silent_us, asked_us), d->judge_us);
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
	return a_us < b_us ? a_us : b_us;
}

int64_t detect_deadline(const struct detect *d)
{
	if (!d->interval_us)
		return USEC_NEVER;
	if (detect_is_in_doubt(d))
		return d->doubt_pings < DETECT_DOUBT_PINGS
			       ? d->ping_at_us
			       : earlier(d->ping_at_us, lost_at_us(d));
	return earlier(doubt_at_us(d), earlier(d->ping_at_us, forget_at_us(d)));
}

static void begin_doubt(struct detect *d, int64_t now_us)
{
	d->doubt_us = d->ping_at_us = now_us;
	d->doubt_pings = 0;
}

static void disarm(struct detect *d)
{
	d->beats = 0;
	d->pings = 0;
	d->answered = 0;
	d->interval_us = 0;
	d->ping_at_us = d->doubt_us = USEC_NEVER;
}

/* Rule 4, at whatever comes first after a hold-up. */
static void look_at_clock(struct detect *d, int64_t now_us)
{
	int64_t held_us = now_us - later(detect_deadline(d), d->seen_us);

	d->seen_us = now_us;
	if (held_us <= d->interval_us / 2)
		return;
	if (held_us > DETECT_AWAY * d->interval_us) {
		disarm(d);
		return;
	}
	d->beat_us += held_us;
	d->answer_us += held_us;
	if (detect_is_in_doubt(d))
		begin_doubt(d, now_us);
	if (held_us > d->interval_us)
		d->judge_us = later(d->judge_us,
				    now_us + held_us + DETECT_RECOVER * d->interval_us);
}

static enum detect_verdict see_alive(struct detect *d, int64_t now_us)
{
	bool was_lost = d->lost;

	d->alive_us = now_us;
	d->lost = false;
	return was_lost ? DETECT_ALIVE : DETECT_NOTHING;
}

enum detect_verdict detect_beat(struct detect *d, int64_t now_us, int64_t interval_us)
{
	look_at_clock(d, now_us);
	if (!d->interval_us)
		d->ping_at_us = now_us;
	d->interval_us = interval_us;
	d->beat_us = now_us;
	d->doubt_us = USEC_NEVER;
	if (d->beats < DETECT_ARM)
		d->beats++;
	return see_alive(d, now_us);
}

enum detect_verdict detect_answer(struct detect *d, int64_t now_us, uint16_t seq)
{
	uint16_t age = (uint16_t)(d->seq - seq);

	look_at_clock(d, now_us);
	if (age < DETECT_HISTORY)
		d->answered |= UINT64_C(1) << age;
	d->answer_us = now_us;
	return see_alive(d, now_us);
}

enum detect_verdict detect_advert(struct detect *d, int64_t now_us)
{
	look_at_clock(d, now_us);
	return see_alive(d, now_us);
}

/* Rule 4: not long before a judgement. */
static bool is_urgent(const struct detect *d, int64_t now_us)
{
	return detect_is_in_doubt(d) && now_us >= d->judge_us - DOUBT_HURRY * d->interval_us;
}

static bool ping(struct detect *d, int64_t now_us)
{
	if (now_us < d->ping_at_us)
		return false;
	d->ping_at_us = now_us + d->interval_us / (is_urgent(d, now_us) ? DOUBT_PACE : 1);
	d->seq++;
	d->answered <<= 1;
	if (d->pings < DETECT_HISTORY)
		d->pings++;
	d->doubt_pings += detect_is_in_doubt(d);
	return true;
}

/* Rule 3. */
static bool is_lost(const struct detect *d, int64_t now_us)
{
	return detect_is_in_doubt(d) && d->doubt_pings >= DETECT_DOUBT_PINGS &&
	       now_us >= lost_at_us(d);
}

/* Rule 5; what was never armed is simply forgotten. */
static bool is_forgotten(const struct detect *d, int64_t now_us)
{
	return now_us >= forget_at_us(d) &&
	       (!detect_is_in_doubt(d) || now_us - d->alive_us < 3 * d->interval_us);
}

enum detect_verdict detect_tick(struct detect *d, int64_t now_us, bool *ret_ping)
{
	*ret_ping = false;
	look_at_clock(d, now_us);
	if (!d->interval_us)
		return DETECT_NOTHING;
	if (is_forgotten(d, now_us)) {
		disarm(d);
		return DETECT_NOTHING;
	}
	if (!detect_is_in_doubt(d) && now_us >= doubt_at_us(d))
		begin_doubt(d, now_us);
	if (is_lost(d, now_us)) {
		disarm(d);
		d->lost = true;
		return DETECT_LOST;
	}
	*ret_ping = ping(d, now_us);
	return DETECT_NOTHING;
}
