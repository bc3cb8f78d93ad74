/* SPDX-License-Identifier: Apache-2.0 */
/* Which program a process is, as a number: to see that the file has been replaced since. */
#ifndef TANDEM_PROGRAM_H
#define TANDEM_PROGRAM_H

#include <stdint.h>

/* Of the file at `path` as it is now: another one after an upgrade. 0: there is none. */
uint64_t program_identity(const char *path);

#endif
