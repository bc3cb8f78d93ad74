/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps net.ipv4.vs.* as configured, and only what is configured: remembers what was there before,
 * and puts that back when a line leaves the configuration, or at the stop. What was there before is
 * told to the supervisor ahead of the first write, so that no death forgets it. Owns these files of
 * /proc/sys; a process with CAP_NET_ADMIN may write to those of its namespace.
 */
#ifndef TANDEM_IPVS_TUNABLES_H
#define TANDEM_IPVS_TUNABLES_H

#include "core/model.h"
#include "core/msg.h"

#define TUNABLES_DIR "/proc/sys/net/ipv4/vs"

struct tunable {
	struct msg_vs_sysctl_state state;
	const char *wanted; /* of the model; NULL: it is to go back */
	struct text told;   /* the last complaint */
};

struct tunables {
	const char *dir;
	struct tunable *at;
	uint32_t n;
};

void tunables_init(struct tunables *t, const char *dir);
/* Before the first commit: what a former incarnation knew. */
void tunables_resume(struct tunables *t, const struct msg_vs_sysctl_state *m);
void tunables_commit(struct tunables *t, const struct global *global);
/* Looks at the values, and repairs what somebody else has changed. */
void tunables_check(struct tunables *t);
void tunables_report(const struct tunables *t);
/* Puts everything back. */
void tunables_stop(struct tunables *t);

#endif
