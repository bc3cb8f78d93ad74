/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that keepalived writes on SIGUSR1 (keepalived.data) and SIGUSR2 (keepalived.stats), in
 * its words, for the exporters that read them. In /tmp like keepalived's, or in the run directory
 * when --run-dir was given.
 */
#ifndef TANDEM_DUMP_H
#define TANDEM_DUMP_H

struct supervisor;

void dump_data(const struct supervisor *s);
void dump_stats(const struct supervisor *s);

#endif
