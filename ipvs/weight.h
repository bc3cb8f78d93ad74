/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes to IPVS as a server's weight: configured × slow start × agent × feedback. Pure, and the
 * only place where the factors meet. Factors are in permille (HEALTH_WHOLE is 1).
 */
#ifndef TANDEM_IPVS_WEIGHT_H
#define TANDEM_IPVS_WEIGHT_H

#include <stdbool.h>
#include <stdint.h>

struct weight_factors {
	int32_t base; /* configured, or a check's, or the operator's: 0..65535 */
	uint16_t ramp;
	uint16_t agent;
	uint16_t feedback;
};

/* 0..65535. Not 0 unless the base or the agent's factor is: no ramp shuts a server out. */
int32_t weight_product(const struct weight_factors *f);

/*
 * Slow start: in 20 equal steps, but not shorter ones than WEIGHT_STEP_MIN_US, from 1/20 to the
 * whole at since_us + slow_start_us.
 */
#define WEIGHT_STEP_MIN_US 500000
uint16_t weight_ramp(int64_t since_us, int64_t slow_start_us, int64_t now_us);
/* When it takes its next step; 0 when it is over. */
int64_t weight_ramp_next_us(int64_t since_us, int64_t slow_start_us, int64_t now_us);

/*
 * Feedback: one step of a server's factor towards what its load asks for. `load` of each server is
 * what should be equal in the pool: its response time, or its bytes per second over its configured
 * weight. `middle` is that of the pool. A server that bears more than the middle loses weight, down
 * to `least`; one that bears less wins it back. Two kinds:
 * - response time: the factor aims at middle / load itself, as it is no matter of the weight alone;
 * - bandwidth: what is borne follows from the weight, so the factor is multiplied by it.
 * A step goes half of the way and not by more than a fifth; less than a twentieth is let be, so that
 * noise moves nothing.
 */
struct weight_feedback {
	bool cumulative; /* bandwidth */
	uint16_t least;
};
uint16_t weight_feedback_step(const struct weight_feedback *conf, uint16_t factor, uint64_t load,
			      uint64_t middle);

#endif
