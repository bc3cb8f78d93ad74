/* SPDX-License-Identifier: Apache-2.0 */
/* What the service manager (systemd) is told: readiness, reloads, status, the watchdog. */
#ifndef TANDEM_MANAGER_H
#define TANDEM_MANAGER_H

#include <stdint.h>

struct supervisor;

void manager_init(struct supervisor *s); /* starts feeding the watchdog, if there is one */
void manager_done(struct supervisor *s);
void manager_ready(struct supervisor *s);
void manager_reloading(struct supervisor *s);
void manager_stopping(struct supervisor *s);
/* A start or a stop takes so much longer than the unit's timeout knows of. */
void manager_extend(int64_t us);
/* The one line of `systemctl status`. */
void manager_status(const char *status);

#endif
