/* SPDX-License-Identifier: Apache-2.0 */
/* Split brain: see rival.h. */
#include "vrrp/rival.h"

static void note(struct rival *r, int64_t now_us)
{
	if (!r->heard)
		*r = (struct rival){.heard = true, .first_us = now_us};
	r->last_us = now_us;
}

static enum rival_act tell(struct rival *r, int64_t now_us)
{
	r->told = true;
	r->answered_us = now_us;
	return RIVAL_TELL;
}

enum rival_act rival_advertises(struct rival *r, const struct rival_conf *c, int64_t now_us,
				int64_t active_since_us)
{
	if (now_us - active_since_us < c->grace_us)
		return RIVAL_NOTHING;
	note(r, now_us);
	return r->told ? RIVAL_NOTHING : tell(r, now_us);
}

static enum rival_act answer(struct rival *r, int64_t now_us)
{
	r->owed = false;
	r->answered_us = now_us;
	return RIVAL_ANSWER;
}

enum rival_act rival_claims(struct rival *r, const struct rival_conf *c, int64_t now_us)
{
	note(r, now_us);
	if (!r->told)
		return RIVAL_NOTHING;
	if (now_us - r->answered_us >= c->again_us)
		return answer(r, now_us);
	r->owed = true;
	return RIVAL_NOTHING;
}

enum rival_act rival_wait(struct rival *r, const struct rival_conf *c, int64_t now_us)
{
	if (!r->heard || now_us < rival_deadline(r, c))
		return RIVAL_NOTHING;
	if (!r->told)
		return tell(r, now_us);
	if (r->owed)
		return answer(r, now_us);
	r->heard = r->told = false;
	return RIVAL_OVER;
}

int64_t rival_deadline(const struct rival *r, const struct rival_conf *c)
{
	if (!r->heard)
		return USEC_NEVER;
	if (r->owed)
		return r->answered_us + c->again_us;
	return r->told ? r->last_us + c->over_us : r->first_us + c->grace_us;
}

void rival_forget(struct rival *r)
{
	*r = (struct rival){0};
}
