/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a new FIFO is: its user's, who may be known to a directory on the network only. To ask there
 * takes as long as it takes, so that a process of its own does.
 */
#ifndef TANDEM_FIFO_OWNER_H
#define TANDEM_FIFO_OWNER_H

#include <sys/types.h>

struct notify_fifo;

/*
 * Gives the FIFO behind `fd` to the user and group of `conf`; without a group it is the user's own.
 * Returns the process that does it, a child to be reaped, which logs when it can't; or -errno.
 */
pid_t fifo_owner_set(int fd, const struct notify_fifo *conf);

#endif
