/* SPDX-License-Identifier: Apache-2.0 */
/* A server's weight: see weight.h. */
#include "ipvs/weight.h"

#include "ipvs/health.h"

#define WEIGHT_MAX 65535
#define STEPS	   20
/* Of the feedback's factor: damping, the most of one step, and what is noise. */
#define DAMPING	 2
#define STEP_MAX 5
#define NOISE	 20

int32_t weight_product(const struct weight_factors *f)
{
	const uint64_t whole = (uint64_t)HEALTH_WHOLE * HEALTH_WHOLE * HEALTH_WHOLE;
	uint64_t w;

	if (f->base <= 0 || !f->agent)
		return 0;
	w = ((uint64_t)f->base * f->ramp * f->agent * f->feedback + whole / 2) / whole;
	return w < 1 ? 1 : w > WEIGHT_MAX ? WEIGHT_MAX : (int32_t)w;
}

static int64_t step_us(int64_t slow_start_us)
{
	int64_t step = slow_start_us / STEPS;

	return step > WEIGHT_STEP_MIN_US ? step : WEIGHT_STEP_MIN_US;
}

uint16_t weight_ramp(int64_t since_us, int64_t slow_start_us, int64_t now_us)
{
	int64_t step = step_us(slow_start_us), at_us = now_us - since_us;

	if (!since_us || at_us >= slow_start_us)
		return HEALTH_WHOLE;
	if (at_us < step)
		return HEALTH_WHOLE / STEPS;
	return (uint16_t)(at_us / step * step * HEALTH_WHOLE / slow_start_us);
}

int64_t weight_ramp_next_us(int64_t since_us, int64_t slow_start_us, int64_t now_us)
{
	int64_t step = step_us(slow_start_us), end_us = since_us + slow_start_us, next_us;

	if (!since_us || now_us >= end_us)
		return 0;
	next_us = since_us + (now_us - since_us) / step * step + step;
	return next_us < end_us ? next_us : end_us;
}

static uint64_t bounded(uint64_t v, uint64_t lo, uint64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

uint16_t weight_feedback_step(const struct weight_feedback *conf, uint16_t factor, uint64_t load,
			      uint64_t middle)
{
	uint64_t from = conf->cumulative ? factor : HEALTH_WHOLE, aim, next;
	uint64_t most = factor / STEP_MAX;

	if (!middle)
		return factor;
	/* More than the whole counts as the whole; also keeps the product in its bounds. */
	aim = load && middle / load < HEALTH_WHOLE ? from * middle / load : HEALTH_WHOLE;
	aim = bounded(aim, conf->least, HEALTH_WHOLE);
	if ((aim > factor ? aim - factor : factor - aim) * NOISE < factor &&
	    aim != conf->least && aim != HEALTH_WHOLE)
		return factor;
	next = (factor * (DAMPING - 1) + aim + DAMPING / 2) / DAMPING;
	/* The last of a halved way would never be gone. */
	if ((aim > next ? aim - next : next - aim) * NOISE < HEALTH_WHOLE)
		next = aim;
	return (uint16_t)bounded(next, factor - most, factor + (most ? most : 1));
}
