/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel's IPVS table made of values, with the kernel's own rules: what exists can't be new, and
 * what does not exist can't be edited (net/netfilter/ipvs/ip_vs_ctl.c).
 */
#ifndef TANDEM_FAKE_IPVS_KERNEL_H
#define TANDEM_FAKE_IPVS_KERNEL_H

#include "ipvs/plan.h"

#define FAKE_SERVICES_MAX 40
#define FAKE_DESTS_MAX	  16

struct fake_ipvs {
	struct ipvs_table table; /* unsorted; of what is below */
	struct ipvs_service services[FAKE_SERVICES_MAX];
	struct ipvs_dest dests[FAKE_SERVICES_MAX][FAKE_DESTS_MAX]; /* by services[i].dests */
};

void fake_ipvs_clear(struct fake_ipvs *f);
void fake_ipvs_copy(struct fake_ipvs *to, const struct fake_ipvs *from);

struct ipvs_service *fake_ipvs_add(struct fake_ipvs *f, const struct ipvs_key *key);
/* A DR server with port 80 at 10.0.0.N. */
struct ipvs_dest *fake_ipvs_add_dest(struct ipvs_service *s, unsigned n, int32_t weight);

/* NULL when there is none. */
struct ipvs_service *fake_ipvs_find(struct fake_ipvs *f, const struct ipvs_key *key);
struct ipvs_dest *fake_ipvs_find_dest(struct ipvs_service *s, const struct ipvs_dest *d);

/* 0 or the kernel's -errno. */
int fake_ipvs_apply(struct fake_ipvs *f, const struct ipvs_edit *e);

#endif
