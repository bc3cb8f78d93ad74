/* SPDX-License-Identifier: Apache-2.0 */
/* How directors come to the same weights: see agree.h. */
#include "ipvs/agree.h"

static int64_t hold(struct agreed *a, int32_t own, int64_t now_us)
{
	if (!a->until_us) {
		a->until_us = now_us + AGREE_HOLD_US;
		a->own = own;
	}
	if (own != a->own || now_us >= a->until_us)
		*a = (struct agreed){0};
	return a->until_us;
}

int64_t agree_step(struct agreed *a, const struct agree_input *in, int64_t now_us)
{
	if (!in->own || (in->led && !in->theirs)) {
		*a = (struct agreed){0};
		return 0;
	}
	if (in->led) {
		*a = (struct agreed){.weight = in->theirs};
		return 0;
	}
	return a->weight ? hold(a, in->own, now_us) : 0;
}

enum agree_news agree_compare(struct agree_difference *d, bool differs, int64_t settle_us,
			      int64_t now_us)
{
	bool was_told = d->told;

	if (!differs) {
		*d = (struct agree_difference){0};
		return was_told ? AGREE_NO_LONGER : AGREE_NO_NEWS;
	}
	if (!d->since_us)
		d->since_us = now_us;
	if (was_told || now_us - d->since_us < settle_us)
		return AGREE_NO_NEWS;
	d->told = true;
	return AGREE_DIFFERS;
}
