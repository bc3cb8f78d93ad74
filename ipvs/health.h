/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of each real server: a map from its id. Keeps what its checks, its agent and its
 * operator said, and what the pool made of it (pool.h), also about servers of a model that has not
 * been committed yet; forgets when asked to. Judges nothing.
 */
#ifndef TANDEM_IPVS_HEALTH_H
#define TANDEM_IPVS_HEALTH_H

#include "core/server_admin.h"
#include "ipvs/agree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEALTH_WHOLE 1000 /* of a factor in permille */

struct health_entry {
	uint64_t server; /* 0: free */
	bool said;	 /* its checks have said something: up … reason */
	bool up;
	bool has_weight;
	int32_t weight; /* given by a check, instead of the configured one */
	int64_t since_us;
	char *reason; /* ours; the longest is 8 times the rest of the entry, the usual one is not */
	struct health_agent {
		uint8_t admin; /* enum server_admin */
		uint16_t percent;
		uint32_t maxconn;
	} agent;
	uint32_t latency_us; /* smoothed, of its checks; 0: none */
	struct health_override {
		uint8_t admin;
		bool until_idle;
		bool has_weight;
		int32_t weight;
		uint64_t version;
	} override;
	struct health_pool { /* pool.h's */
		bool known;   /* it has been looked at before */
		bool draws;   /* it was to get new connections */
		bool out;     /* its checks have taken it out */
		bool kept;    /* they would have, but max_ejection is reached */
		int64_t release_us; /* there is room for it to go, but not before; 0: none */
		int64_t ramp_since_us; /* 0: no slow start is under way */
		int32_t base;	       /* the factors of its weight, as of weight.h */
		uint16_t ramp;
		uint16_t agent;
		uint16_t feedback;
		uint64_t bytes; /* counted so far, and the smoothed rate */
		uint64_t bytes_per_s;
	} pool;
	struct agreed agreed; /* with the other directors: confer.c's, as what follows */
	struct agree_difference difference;
	struct health_told { /* to them; all zero: nothing, so it is as configured */
		bool deviates;
		bool up;
		int32_t weight;
		uint16_t feedback;
	} told;
	bool keep; /* by health_keep(), since the last health_sweep() */
};

struct health {
	struct health_entry *entries; /* open addressing; the size is a power of two */
	size_t size;
	size_t used;
};

void health_done(struct health *h);

void health_set(struct health *h, uint64_t server, bool up, int64_t since_us,
		const char *reason);
/* Of a server that health_set() knows. */
void health_set_weight(struct health *h, uint64_t server, bool has_weight, int32_t weight);
/* The entry, new if need be; until the next one is taken. `server` is not 0. */
struct health_entry *health_take(struct health *h, uint64_t server);
/* NULL: nothing is known yet. */
const struct health_entry *health_get(const struct health *h, uint64_t server);
/* As health_get(), to be written to. */
struct health_entry *health_find(struct health *h, uint64_t server);

/* To forget the servers that no longer exist: keep each that does, then sweep. */
void health_keep(struct health *h, uint64_t server);
void health_sweep(struct health *h);

#endif
