/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The address on lo that the kernel's sync threads send from: there before they are started, gone
 * after they have stopped. Owns that one address, and knows nothing of IPVS.
 */
#ifndef TANDEM_IPVS_LOOPBACK_H
#define TANDEM_IPVS_LOOPBACK_H

#include <stdbool.h>

struct loopback {
	bool wanted;
	int told; /* the last error that was logged */
};

void loopback_add(struct loopback *l);
/* Puts it back when somebody else has removed it. */
void loopback_keep(struct loopback *l);
/* Nothing when it was never added. */
void loopback_remove(struct loopback *l);

#endif
