/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many connections of the shadow table belong to each virtual service: what is compared with
 * the kernel's own counts to find out whether something was missed. Kept up to date by table.c.
 */
#ifndef TANDEM_SYNC_CENSUS_H
#define TANDEM_SYNC_CENSUS_H

#include "core/addr.h"

#include <stddef.h>

/* A service is named by its mark, or else by protocol, address and port. */
struct sync_service {
	uint32_t fwmark;
	uint8_t protocol;
	uint16_t port;
	struct addr vip;
};

struct sync_count {
	struct sync_service service;
	uint64_t active;    /* the kernel's ActiveConn */
	uint64_t inactive;  /* its InActConn */
	uint64_t templates; /* of persistence */
};

struct sync_census;
struct sync_census *sync_census_new(void);
void sync_census_free(struct sync_census *c);
/* One more or one less (by: 1 or -1) of what this record is. */
void sync_census_count(struct sync_census *c, const uint8_t *record, int by);
/* The counts of a service; zeros if it has none. */
struct sync_count sync_census_get(const struct sync_census *c, const struct sync_service *service);
/* All of them, in no order. Services that were in use once stay, with zeros. */
const struct sync_count *sync_census_list(const struct sync_census *c, size_t *ret_n);

#endif
