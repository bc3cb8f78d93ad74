/* SPDX-License-Identifier: Apache-2.0 */
/* The log line of an edit: what was changed, and why. Pure: values to text. */
#ifndef TANDEM_IPVS_EXPLAIN_H
#define TANDEM_IPVS_EXPLAIN_H

#include "ipvs/plan.h"
#include "ipvs/wanted.h"

enum ipvs_cause {
	IPVS_CAUSE_MODEL,  /* a new configuration, or the first one */
	IPVS_CAUSE_HEALTH, /* a check's result, an agent's or the operator's word */
	IPVS_CAUSE_CLOCK,  /* slow start or feedback goes on */
	IPVS_CAUSE_VRRP,   /* an instance that something follows changed its state */
	IPVS_CAUSE_DRIFT,  /* somebody else changed the kernel's table */
};

#define EXPLAIN_MAX 512

/* vs and state: of the edited service; NULL for one that is not in the model any more. */
const char *explain_edit(const struct ipvs_edit *e, enum ipvs_cause cause,
			 const struct virtual_server *vs, const struct service_state *state,
			 const struct health *h, char line[EXPLAIN_MAX]);

/* Why the kernel refused it, and what would help. */
const char *explain_failure(const struct ipvs_edit *e, char line[EXPLAIN_MAX]);

/* "quorum lost: weight 1 up of 2 wanted", "quorum regained: …"; `first`: it never had one. */
const char *explain_quorum(const struct virtual_server *vs, const struct service_state *state,
			   bool first, char line[EXPLAIN_MAX]);

#endif
