/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One probe for one target: checks that ask the same of the same server, in whatever services, are
 * run once, and all take the result. Pure.
 */
#ifndef TANDEM_CHECKERS_SHARE_H
#define TANDEM_CHECKERS_SHARE_H

#include "checkers/set.h"

/*
 * After each update. Sets every check's leader, the one of its group that is run (maybe itself),
 * and the leader's list. Returns the number of leaders.
 */
size_t share_group(struct check_set *set);

/* When the group is due: as early as any of it. */
int64_t share_next_run_us(const struct checked *leader);

#endif
