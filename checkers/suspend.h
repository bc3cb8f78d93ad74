/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ha_suspend: which checks rest, because their service's address is on another director. Pure.
 * Of an instance that nobody has told of yet, nothing rests.
 */
#ifndef TANDEM_CHECKERS_SUSPEND_H
#define TANDEM_CHECKERS_SUSPEND_H

#include "checkers/set.h"

struct suspension {
	uint64_t *away; /* instances that are Active elsewhere */
	size_t n;
};

void suspension_set(struct suspension *s, uint64_t instance, bool here);
/* A probe for several services rests when all of them do. */
bool suspension_holds(const struct suspension *s, const struct checked *leader);

#endif
