/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs after which another tandemd is there, or soon will be: they wait for what they began. */
#ifndef TANDEM_CTL_HANDOVER_H
#define TANDEM_CTL_HANDOVER_H

/* Runs the installed programs, without a gap; returns when all of them serve. 0 or -errno, after
 * saying on stdout which process replaced which, or on stderr why not. */
int handover_upgrade(const char *run_dir);
/* tandemd ends and leaves its roles to the next one; returns when it has. 0 or -errno, after saying
 * why. -ENOTCONN: there is none. */
int handover_leave(const char *run_dir);

#endif
