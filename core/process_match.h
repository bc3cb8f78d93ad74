/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes a vrrp_track_process means, and whether there are enough of them. Pure. */
#ifndef TANDEM_PROCESS_MATCH_H
#define TANDEM_PROCESS_MATCH_H

#include "core/model.h"

#include <stddef.h>

/* `comm` is of /proc/PID/comm; `args` of /proc/PID/cmdline: n bytes, a 0 behind each word. */
bool process_matches(const struct track_process *p, const char *comm, const char *args, size_t n);

/* What has changed the number of processes. */
enum process_change {
	PROCESS_FORKED,	 /* fork_delay */
	PROCESS_ENDED,	 /* terminate_delay */
	PROCESS_RENAMED, /* exec, or another name: at once */
	PROCESS_COUNTED, /* all of them anew: either delay */
	PROCESS_WAITED,	 /* nothing has: the deadline may have passed */
};

struct process_quorum {
	bool known; /* until then it is neither up nor down */
	bool up;
	int64_t at_us; /* when it changes, if the number stays; USEC_NEVER: it does not */
};

void process_quorum_init(struct process_quorum *q);
/* There are n now. True: up or down has changed, or is known now. */
bool process_quorum_step(struct process_quorum *q, const struct track_process *p, uint32_t n,
			 enum process_change how, int64_t now_us);

#endif
