/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which system calls tandem-check may make, whatever a hostile reply makes of it: those for probes,
 * for reading files and loading its plugins. Another one fails with EPERM, and is logged by name,
 * once for each. Knows nothing of checks.
 */
#ifndef TANDEM_CHECKERS_SANDBOX_H
#define TANDEM_CHECKERS_SANDBOX_H

/* From now on, for this process and for good. 0 or -errno: then nothing is refused. */
int sandbox_enter(void);

#endif
