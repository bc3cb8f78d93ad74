/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was last said of each real server: a map from its id. Keeps what it is told, also about
 * servers of a model that has not been committed yet; forgets when asked to.
 */
#ifndef TANDEM_IPVS_HEALTH_H
#define TANDEM_IPVS_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct health_entry {
	uint64_t server; /* 0: free */
	bool up;
	bool has_weight;
	int32_t weight; /* given by a check, instead of the configured one */
	bool kept; /* by health_keep(), since the last health_sweep() */
	int64_t since_us;
	char *reason; /* ours; the longest is 8 times the rest of the entry, the usual one is not */
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
/* NULL: nothing was said yet. */
const struct health_entry *health_get(const struct health *h, uint64_t server);

/* To forget the servers that no longer exist: keep each that does, then sweep. */
void health_keep(struct health *h, uint64_t server);
void health_sweep(struct health *h);

#endif
